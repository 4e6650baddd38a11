//! An entry of a statement: what holds for all of its transactions, and its row.

use crate::xml::form::{Scopes, Span};
use crate::xml::{Source, Stop};
use crate::{Finding, Reject};

use super::account::Account;
use super::form::{self, entry as field};
use super::rules::{charges, day, finding, is_currency, sign};
use super::statement::Statement;
use super::{Camt, Message, Wanted, rules};

/// An entry while it is read.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its number in the statement.
    number: u64,
    pub facts: Option<Facts>,
    /// Transactions so far, and the sum of those in the entry's currency.
    pub transactions: u64,
    pub sum: i128,
    /// Charges of the transactions, in the entry's currency.
    pub charges: i128,
    /// False when a transaction's amount is not known.
    pub sum_known: bool,
}

/// What an entry says before its transactions.
#[derive(Debug)]
pub(super) struct Facts {
    pub booked: bool,
    /// Number of its row, when it is one.
    pub ordinal: Option<u64>,
    /// Signed.
    pub amount: Option<i128>,
    pub currency: Option<String>,
    pub booked_on: Option<i32>,
    pub value_on: Option<i32>,
    pub reversal: bool,
    /// Identity of the entry.
    pub key: String,
    /// The giro number that its reference names.
    pub giro: Option<Account>,
    /// Why its rows are rejected.
    pub fault: Option<Finding>,
}

/// A transaction whose amount depends on whether it is the only one.
#[derive(Debug)]
pub(super) struct Pending {
    pub ordinal: Option<u64>,
    pub span: Span,
    pub raw: Vec<u8>,
}

impl Camt<'_> {
    pub(super) fn begin_entry(&mut self) {
        let Some(statement) = &self.statement else { return };
        let number = statement.all.entries() + 1;
        self.entry = Some(Entry { number, facts: None, transactions: 0, sum: 0, charges: 0, sum_known: true });
    }

    /// Looks at what stands before the first transaction, once.
    pub(super) fn open_entry(&mut self, scopes: &Scopes) {
        let Some(entry) = self.entry.as_mut().filter(|entry| entry.facts.is_none()) else { return };
        let Some(statement) = &mut self.statement else { return };
        let fields = scopes.of(form::ENTRY);
        let place = scopes.place(form::ENTRY);
        let path = self.message.entry_path();
        let at = |id, step: &str| (fields.find(id).map_or(place, |found| found.place), format!("{path}/{step}"));
        let wrong = |id, step: &str, code, en, sv| {
            let (place, path) = at(id, step);
            finding(place, code, &path, en, sv)
        };
        let mut fault = None;
        let amount = fields.get(field::AMOUNT).and_then(rules::amount);
        if amount.is_none() {
            let (en, sv) = (
                "the amount of an entry cannot be read: it must be positive, with at most two decimals",
                "en posts belopp går inte att läsa: det ska vara positivt, med högst två decimaler",
            );
            fault.get_or_insert(wrong(field::AMOUNT, "Amt", "camt.amount", en, sv));
        }
        let currency = fields.get(field::CURRENCY).filter(|currency| is_currency(currency));
        if currency.is_none() {
            let (en, sv) = ("an entry has no currency", "en post saknar valuta");
            fault.get_or_insert(wrong(field::CURRENCY, "Amt/@Ccy", "camt.currency", en, sv));
        }
        let sign = sign(fields.get(field::DIRECTION));
        if sign.is_none() {
            let (en, sv) = (
                "an entry is neither a credit (CRDT) nor a debit (DBIT)",
                "en post är varken en kreditering (CRDT) eller en debitering (DBIT)",
            );
            fault.get_or_insert(wrong(field::DIRECTION, "CdtDbtInd", "camt.direction", en, sv));
        }
        let value_on = fields.get(field::VALUE).and_then(day);
        let mut booked_on = fields.get(field::BOOKED).and_then(day);
        let booked = match fields.get(field::STATUS) {
            Some(status) => status == "BOOK",
            None => {
                self.remarks.note(&rules::STATUS, || place.position(path));
                true
            }
        };
        if !booked {
            self.remarks.note(&rules::NOT_BOOKED, || place.position(path));
        }
        if booked_on.is_none() && fields.get(field::BOOKED).is_none() && value_on.is_some() && booked {
            self.remarks.note(&rules::BOOKING_DATE, || place.position(path));
            booked_on = value_on;
        }
        if booked_on.is_none() {
            let (en, sv) = ("an entry has no booking date", "en post saknar bokföringsdag");
            fault.get_or_insert(wrong(field::BOOKED, "BookgDt", "camt.date", en, sv));
        }
        if statement.account.is_none() {
            let (en, sv) = (
                "the statement names no account, so nothing can be said of its entries",
                "kontoutdraget anger inget konto, så inget kan sägas om dess poster",
            );
            fault.get_or_insert(finding(place, "camt.account", &format!("{}/Acct/Id", self.message.path()), en, sv));
        }
        if statement.repeated {
            let (en, sv) = ("the statement stands twice in the file", "kontoutdraget finns två gånger i filen");
            fault = Some(finding(place, "camt.statement_repeated", path, en, sv));
        }
        let amount = amount.zip(sign).map(|(amount, sign)| amount * sign);
        statement.all.count(amount);
        if booked {
            statement.booked.count(amount);
        }
        let is_row = booked && self.message == Message::Statement;
        let ordinal = is_row.then(|| {
            self.ordinal += 1;
            self.ordinal
        });
        let key = if booked { key(statement, entry.number, fields.get(field::BANK_REFERENCE)) } else { String::new() };
        let key = if !booked || self.identities.is_new(&key) {
            key
        } else {
            if fields.get(field::BANK_REFERENCE).is_some() {
                self.remarks.note(&rules::IDENTITY_REPEATED, || place.position(&format!("{path}/AcctSvcrRef")));
            }
            format!("{}:{}", statement.entry_key(entry.number), statement.number)
        };
        entry.facts = Some(Facts {
            booked,
            ordinal,
            amount,
            currency: currency.map(str::to_owned),
            booked_on,
            value_on,
            reversal: matches!(fields.get(field::REVERSAL), Some("true" | "1")),
            key,
            giro: fields.get(field::REFERENCE).and_then(Account::in_reference),
            fault,
        });
    }

    /// An entry ends.
    pub(super) fn end_entry(&mut self, scopes: &Scopes, source: &Source<'_>) -> Result<(), Stop> {
        self.open_entry(scopes);
        self.settle_pending(scopes, true)?;
        let Some(entry) = self.entry.take() else { return Ok(()) };
        let Some(facts) = entry.facts.as_ref().filter(|facts| facts.booked) else { return Ok(()) };
        let span = scopes.span(form::ENTRY, source);
        if entry.transactions > 0 {
            self.check_transactions(&entry, facts, scopes);
        } else if self.message == Message::Notification {
            self.references.clear();
            self.lone_payment(facts, scopes, span, source)?;
        }
        let Some(ordinal) = facts.ordinal else { return Ok(()) };
        let currency = facts.currency.as_deref();
        if let Some((amount, currency)) = facts.amount.zip(currency) {
            self.totals.entry(currency, amount, facts.fault.is_some());
        }
        if let Some(fault) = &facts.fault {
            self.rejected += 1;
            let reject = Reject {
                ordinal,
                start: span.start,
                end: span.end,
                finding: fault.clone(),
                amount: facts.amount,
                currency: currency.map(str::to_owned),
                raw: source.raw(0),
            };
            let contract = self.entries.table.contract;
            return self.sink.reject(contract, reject).map_err(|error| crate::ParseError::Sink(error).into());
        }
        let Some(statement) = &self.statement else { return Ok(()) };
        let references = (entry.transactions == 1).then_some(&self.references);
        self.entries.append(&super::rows::EntryRow {
            ordinal,
            span,
            message: &self.message_name,
            statement,
            entry: &entry,
            facts,
            references,
            scopes,
        });
        self.entries.relieve(self.sink)?;
        Ok(())
    }

    /// The transactions of an entry should sum to it; a batch says how many there are.
    fn check_transactions(&mut self, entry: &Entry, facts: &Facts, scopes: &Scopes) {
        let fields = scopes.of(form::ENTRY);
        let path = self.message.entry_path();
        let place = scopes.place(form::ENTRY);
        let declared: Option<u64> = fields.all(field::BATCH_COUNT).map(|found| found.text.parse::<u64>().ok()).sum();
        if fields.get(field::BATCH_COUNT).is_some() && declared != Some(entry.transactions) {
            self.remarks.note(&rules::BATCH_COUNT, || place.position(&format!("{path}/NtryDtls/Btch/NbOfTxs")));
        }
        let Some(amount) = facts.amount.filter(|_| entry.sum_known) else { return };
        if amount == entry.sum {
            return;
        }
        let own = charges(
            fields.get(field::CHARGES),
            fields.get(field::CHARGES_CURRENCY),
            fields.all(field::CHARGE),
            fields.get(field::CHARGE_CURRENCY),
        );
        let own = own.flatten().filter(|(_, currency)| facts.currency.as_deref() == Some(currency));
        let own = own.map_or(0, |(charges, _)| charges);
        let difference = (amount - entry.sum).abs();
        let explained = difference != 0 && [own, entry.charges, own + entry.charges].contains(&difference);
        let remark = if explained { &rules::CHARGES } else { &rules::ENTRY_SUM };
        self.remarks.note(remark, || place.position(path));
    }

    /// True when payments are wanted of this file.
    pub(super) fn wants_payments(&self) -> bool {
        self.wanted == Wanted::All
    }
}

/// The bank's identity of an entry, or its number in the statement.
fn key(statement: &Statement, number: u64, bank_reference: Option<&str>) -> String {
    let account = statement.account.as_ref().map_or("", |account| &account.number);
    match bank_reference {
        Some(reference) => format!("camt:{account}:{reference}"),
        None => statement.entry_key(number),
    }
}

impl Message {
    /// Path of an entry.
    pub(super) const fn entry_path(self) -> &'static str {
        match self {
            Self::Statement => "/Document/BkToCstmrStmt/Stmt/Ntry",
            Self::Notification => "/Document/BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry",
        }
    }
}
