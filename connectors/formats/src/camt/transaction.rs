//! A transaction of an entry: whether it is a payment in, and of what amount.

use crate::xml::form::{Fields, Scopes, Span};
use crate::xml::{Source, Stop};
use crate::{Finding, ParseError, Reject};

use super::account::Account;
use super::entry::{Facts, Pending};
use super::form::{self, entry, transaction as field};
use super::rows::PaymentRow;
use super::rules::{charges, finding, is_currency, sign};
use super::{Camt, Message, rules};

/// What a transaction says of its amount in the entry's currency.
enum Own {
    Amount(i128),
    /// There is one, and it cannot be read.
    Unreadable,
    /// There is none, or only in another currency.
    Missing,
}

/// What becomes of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Payment,
    /// An item in the extension of its entry.
    Item,
    /// A debit of a notification.
    Debit,
}

impl Camt<'_> {
    /// A transaction ends. It waits when its amount depends on whether it is the only one.
    pub(super) fn end_transaction(&mut self, scopes: &Scopes, source: &Source<'_>) -> Result<(), Stop> {
        if let Some(entry) = &mut self.entry {
            entry.transactions += 1;
        }
        let facts = self.entry.as_ref().and_then(|entry| entry.facts.as_ref());
        let Some(facts) = facts.filter(|facts| facts.booked) else { return Ok(()) };
        let fields = scopes.of(form::TRANSACTION);
        let own = own_amount(fields, facts.currency.as_deref());
        let span = scopes.span(form::TRANSACTION, source);
        let is_payment = self.use_of(fields, facts) == Use::Payment;
        let ordinal = is_payment.then(|| {
            self.ordinal += 1;
            self.ordinal
        });
        let transaction = Pending { ordinal, span, raw: Vec::new() };
        match own {
            Own::Amount(amount) => self.settle(scopes, transaction, Some(amount), || source.raw(1)),
            Own::Unreadable => self.settle(scopes, transaction, None, || source.raw(1)),
            Own::Missing => {
                self.pending = Some(Pending { raw: source.raw(1), ..transaction });
                Ok(())
            }
        }
    }

    /// The transaction that waits is the only one, or it is not.
    pub(super) fn settle_pending(&mut self, scopes: &Scopes, only: bool) -> Result<(), Stop> {
        let Some(mut pending) = self.pending.take() else { return Ok(()) };
        let amount = self.entry.as_ref().filter(|entry| only && entry.transactions == 1);
        let amount = amount.and_then(|entry| entry.facts.as_ref()?.amount).map(i128::abs);
        let raw = std::mem::take(&mut pending.raw);
        self.settle(scopes, pending, amount, || raw)
    }

    fn settle(
        &mut self,
        scopes: &Scopes,
        transaction: Pending,
        amount: Option<i128>,
        raw: impl FnOnce() -> Vec<u8>,
    ) -> Result<(), Stop> {
        // Taken out and put back, so that the rest of the reader can be used beside it.
        let Some(mut entry) = self.entry.take() else { return Ok(()) };
        let Some(facts) = entry.facts.take() else { return Ok(()) };
        let fields = scopes.of(form::TRANSACTION);
        let signed = amount.zip(direction(fields, &facts)).map(|(amount, sign)| amount * sign);
        match signed {
            Some(amount) => entry.sum = entry.sum.saturating_add(amount),
            None => entry.sum_known = false,
        }
        entry.charges = entry.charges.saturating_add(self.charges_of(fields, &facts, transaction.span));
        let number = entry.transactions;
        let outcome = match self.use_of(fields, &facts) {
            Use::Payment => self.payment(scopes, fields, &facts, transaction, signed, number, raw),
            Use::Item => {
                if facts.fault.is_none() && self.entries.add_item(fields, &self.references, signed, &facts, number) {
                    let place = transaction.span.place();
                    self.remarks.note(&rules::TRANSACTIONS, || place.position(self.message.entry_path()));
                }
                Ok(())
            }
            Use::Debit => {
                let currency = facts.currency.as_deref().unwrap_or_default();
                self.debits.count(currency, signed.unwrap_or_default(), transaction.span.place());
                Ok(())
            }
        };
        entry.facts = Some(facts);
        self.entry = Some(entry);
        outcome
    }

    /// An entry of a notification without transactions is one payment.
    pub(super) fn lone_payment(
        &mut self,
        facts: &Facts,
        scopes: &Scopes,
        span: Span,
        source: &Source<'_>,
    ) -> Result<(), Stop> {
        let none = Fields::default();
        match self.use_of(&none, facts) {
            Use::Payment => {
                self.ordinal += 1;
                let transaction = Pending { ordinal: Some(self.ordinal), span, raw: Vec::new() };
                self.payment(scopes, &none, facts, transaction, facts.amount, 0, || source.raw(0))
            }
            _ => {
                let currency = facts.currency.as_deref().unwrap_or_default();
                self.debits.count(currency, facts.amount.unwrap_or_default(), span.place());
                Ok(())
            }
        }
    }

    fn use_of(&self, fields: &Fields, facts: &Facts) -> Use {
        let credit = direction(fields, facts).is_none_or(|sign| sign > 0);
        let comes_back = facts.reversal || fields.get(field::RETURN_CODE).is_some();
        match (credit || comes_back, self.message) {
            (true, _) if self.wants_payments() => Use::Payment,
            (_, Message::Statement) => Use::Item,
            (_, Message::Notification) => Use::Debit,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what is known of one payment")]
    fn payment(
        &mut self,
        scopes: &Scopes,
        fields: &Fields,
        facts: &Facts,
        transaction: Pending,
        amount: Option<i128>,
        number: u64,
        raw: impl FnOnce() -> Vec<u8>,
    ) -> Result<(), Stop> {
        let Pending { ordinal, span, .. } = transaction;
        let ordinal = ordinal.unwrap_or_default();
        let currency = facts.currency.as_deref();
        let fault = facts.fault.clone().or_else(|| amount.is_none().then(|| self.amount_missing(fields, span)));
        // What is rejected for its currency is counted in it.
        let foreign = || foreign_amount(fields).zip(direction(fields, facts));
        let counted = amount.zip(currency).or_else(|| foreign().map(|((amount, own), sign)| (amount * sign, own)));
        if let Some((amount, currency)) = counted {
            self.totals.payment(currency, amount, fault.is_some());
        }
        if let Some(finding) = fault {
            self.rejected += 1;
            let amount = counted.map(|(amount, _)| amount);
            let currency = counted.map(|(_, currency)| currency.to_owned());
            let reject = Reject { ordinal, start: span.start, end: span.end, finding, amount, currency, raw: raw() };
            let contract = self.payments.table.contract;
            return self.sink.reject(contract, reject).map_err(|error| ParseError::Sink(error).into());
        }
        let Some(amount) = amount else { return Ok(()) };
        let place = span.place();
        if self.references.is_cut {
            self.remarks.note(&rules::REFERENCES, || place.position(self.message.entry_path()));
        }
        let sums = self.references.sum_to(amount);
        if self.references.have_amounts() && !sums {
            self.remarks.note(&rules::REFERENCE_SUM, || place.position(self.message.entry_path()));
        }
        let (identity, repeated) = self.identity(fields, facts, number);
        if repeated {
            self.remarks.note(&rules::IDENTITY_REPEATED, || place.position(self.message.entry_path()));
        }
        let Some(statement) = &self.statement else { return Ok(()) };
        let Some(statement_account) = &statement.account else { return Ok(()) };
        let receiver = creditor(fields).filter(Account::is_giro);
        let receiver = receiver.as_ref().or(facts.giro.as_ref()).unwrap_or(statement_account);
        let sender = debtor(fields);
        if !receiver.is_valid() {
            self.remarks.note(&rules::RECEIVER_CHECK_DIGIT, || place.position(self.message.entry_path()));
        }
        if sender.as_ref().is_some_and(|sender| !sender.is_valid()) {
            self.remarks.note(&rules::SENDER_CHECK_DIGIT, || place.position(self.message.entry_path()));
        }
        self.payments.append(&PaymentRow {
            ordinal,
            span,
            message: &self.message_name,
            message_id: scopes.of(form::MESSAGE).get(form::message::ID),
            statement,
            statement_account,
            entry: scopes.of(form::ENTRY),
            facts,
            fields,
            identity: &identity,
            amount,
            receiver,
            sender: sender.as_ref(),
            references: &self.references,
            references_sum: sums,
        });
        Ok(self.payments.table.end_row(self.sink)?)
    }

    /// The payment's identity, and whether the bank's own had been used before.
    fn identity(&mut self, fields: &Fields, facts: &Facts, number: u64) -> (String, bool) {
        let account = self.statement.as_ref().and_then(|statement| statement.account.as_ref());
        let own = fields.get(field::BANK_REFERENCE).zip(account);
        let own = own.map(|(reference, account)| format!("camt:{}:{reference}", account.number));
        // Some banks repeat the entry's reference on each transaction.
        let own = own.filter(|own| *own != facts.key);
        let in_entry = if number == 0 { facts.key.clone() } else { format!("{}/{number}", facts.key) };
        match own {
            Some(own) if self.identities.is_new(&own) => (own, false),
            own => (in_entry, own.is_some()),
        }
    }

    /// Charges of a transaction in its entry's currency.
    fn charges_of(&mut self, fields: &Fields, facts: &Facts, span: Span) -> i128 {
        match transaction_charges(fields) {
            Some(Some((charges, currency))) if facts.currency.as_deref() == Some(currency) => charges,
            Some(_) => 0,
            None => {
                self.remarks.note(&rules::CHARGE_UNREADABLE, || span.place().position(self.message.entry_path()));
                0
            }
        }
    }

    fn amount_missing(&self, fields: &Fields, span: Span) -> Finding {
        let path = format!("{}/NtryDtls/TxDtls", self.message.entry_path());
        if sign(fields.get(field::DIRECTION)).is_none() && fields.get(field::DIRECTION).is_some() {
            return finding(
                span.place(),
                "camt.transaction_direction",
                &format!("{path}/CdtDbtInd"),
                "a transaction is neither a credit (CRDT) nor a debit (DBIT)",
                "en transaktion är varken en kreditering (CRDT) eller en debitering (DBIT)",
            );
        }
        finding(
            span.place(),
            "camt.transaction_amount",
            &path,
            "a transaction has no amount that can be read in the currency of its entry, of which it is one of several",
            "en transaktion har inget läsbart belopp i postens valuta, och posten har flera transaktioner",
        )
    }
}

/// Which way the money goes: as the transaction says, else as its entry does.
fn direction(fields: &Fields, facts: &Facts) -> Option<i128> {
    match fields.get(field::DIRECTION) {
        Some(own) => sign(Some(own)),
        None => facts.amount.map(|amount| if amount < 0 { -1 } else { 1 }),
    }
}

fn own_amount(fields: &Fields, currency: Option<&str>) -> Own {
    let candidates = [
        (field::AMOUNT, field::CURRENCY),
        (field::TX_AMOUNT, field::TX_CURRENCY),
        (field::COUNTER_AMOUNT, field::COUNTER_CURRENCY),
    ];
    for (amount, own) in candidates {
        let Some(text) = fields.get(amount) else { continue };
        if fields.get(own).filter(|own| is_currency(own)) == currency {
            return rules::amount(text).map_or(Own::Unreadable, Own::Amount);
        }
    }
    Own::Missing
}

/// An amount that can be read, in whatever currency.
fn foreign_amount(fields: &Fields) -> Option<(i128, &str)> {
    let pairs = [(field::AMOUNT, field::CURRENCY), (field::TX_AMOUNT, field::TX_CURRENCY)];
    pairs.into_iter().find_map(|(amount, currency)| {
        let currency = fields.get(currency).filter(|currency| is_currency(currency))?;
        Some((rules::amount(fields.get(amount)?)?, currency))
    })
}

/// Charges of a transaction with their currency.
pub(super) fn transaction_charges(fields: &Fields) -> Option<Option<(i128, &str)>> {
    charges(
        fields.get(field::CHARGES),
        fields.get(field::CHARGES_CURRENCY),
        fields.all(field::CHARGE),
        fields.get(field::CHARGE_CURRENCY),
    )
}

/// The payer's account.
pub(super) fn debtor(fields: &Fields) -> Option<Account> {
    Account::of(
        fields.get(field::DEBTOR_IBAN),
        fields.get(field::DEBTOR_OTHER),
        fields.get(field::DEBTOR_SCHEME_CODE),
        fields.get(field::DEBTOR_SCHEME_OWN),
        fields.get(field::DEBTOR_CLEARING),
    )
}

/// The payee's account.
pub(super) fn creditor(fields: &Fields) -> Option<Account> {
    Account::of(
        fields.get(field::CREDITOR_IBAN),
        fields.get(field::CREDITOR_OTHER),
        fields.get(field::CREDITOR_SCHEME_CODE),
        fields.get(field::CREDITOR_SCHEME_OWN),
        fields.get(field::CREDITOR_CLEARING),
    )
}

/// A bank transaction code as domain/family/sub-family: the transaction's own, else its entry's.
pub(super) fn code(transaction: &Fields, of_entry: &Fields) -> Option<String> {
    let own = join(transaction, [field::DOMAIN, field::FAMILY, field::SUB_FAMILY]);
    own.or_else(|| join(of_entry, [entry::DOMAIN, entry::FAMILY, entry::SUB_FAMILY]))
}

fn join(fields: &Fields, [domain, family, sub_family]: [u8; 3]) -> Option<String> {
    let domain = fields.get(domain)?;
    let (family, sub_family) = (fields.get(family).unwrap_or_default(), fields.get(sub_family).unwrap_or_default());
    Some(format!("{domain}/{family}/{sub_family}"))
}
