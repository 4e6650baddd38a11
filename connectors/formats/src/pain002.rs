//! pain.002 (ISO 20022): what the bank says has become of an order, as rows of `payment_status`.
//!
//! The order's file, a batch in it and each payment may have a status; each that has one is a row. What is decided
//! here:
//!
//! - **Refused**: another message; one without the group that names the order; more transactions in a batch than the
//!   order had; another number of transactions with a status than the group says where it itemises them.
//! - **Rejected**: a status that is none of the message's, an amount that cannot be read.
//! - **Remarked**: a batch of which every transaction is told, when they do not sum to its control sum.
//! - **Direction** follows from the order: a pain.008 collects (`in`), a pain.001 pays (`out`). Our account is that of
//!   the creditor or of the debtor.
//! - **Identity** is `pain.002:`, the message and the bank's status identity; without one, the number of the row.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher as _;
use std::io::Read;

use crate::camt::account::Account;
use crate::camt::rules::{amount, day, is_currency};
use crate::columns::{DOCUMENT, GroupId, Table, targets};
use crate::fixed::{Remark, Remarks};
use crate::xml::form::{Fields, Filler, Form, Id, Reader, Scopes, Span};
use crate::xml::{self, At, Name, Place, Source, Stop};
use crate::{Finding, ParseError, Reject, Sink, Summary, Total, Verdict};

use form::{answer, message, payment, reason};

mod form;
#[cfg(test)]
mod tests;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.";
/// Reasons of a status that are kept.
const MOST_REASONS: usize = 100;

static CONTROL_SUM: Remark = Remark {
    code: "pain.control_sum",
    english: "the transactions of a batch do not sum to the order's control sum",
    swedish: "En bunts transaktioner summerar inte till uppdragets kontrollsumma",
};
static DIRECTION: Remark = Remark {
    code: "pain.direction",
    english: "the report does not say which message it answers; its transactions say whether they collect or pay",
    swedish: "Rapporten anger inte vilket meddelande den svarar på; transaktionerna visar om de är in- eller utbetalningar",
};

targets! { Columns {
    ordinal, byte_start, byte_end, status_id, source_format, report, scope, direction, status, kind, account,
    account_type, counterpart_account, counterpart_account_type, counterpart_name, payment_date, reported_on, currency,
    amount, reference, bank_reference, message_id, batch_id, instruction_id, end_to_end_id, transaction_id, messages,
} }

targets! { Reason { scheme, code, text } }

targets! { More { status, message_name, transaction_count, control_sum } }

/// Reads a pain.002 file.
///
/// # Errors
/// When reading fails or the sink stops. A file that is wrong is no error: see [`Verdict`].
pub fn parse(input: &mut dyn Read, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
    let mut filler = Filler::new(form::form(), Pain::new(sink)?);
    let outcome = xml::read(input, &mut filler).map(|whole| whole.remarks);
    let mut pain = filler.reader;
    let outcome = outcome.and_then(|remarks| pain.finish().map(|()| remarks));
    match outcome {
        Ok(form) => {
            let mut remarks = pain.remarks.into_findings();
            remarks.extend(form);
            let totals = pain.totals.into_values().collect();
            Ok(xml::summary(Verdict::Accepted, pain.ordinal, pain.rejected, totals, remarks))
        }
        Err(Stop::Refused(finding)) => Ok(xml::refused(finding)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// What a status is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    File,
    Batch,
    Payment,
}

/// A batch while it is read.
#[derive(Debug, Default)]
struct Batch {
    told: bool,
    transactions: u64,
    sum: i128,
    sum_known: bool,
}

/// A reason with its scheme.
type Given = (&'static str, Option<String>, Option<String>);

/// One file on its way through.
struct Pain<'s> {
    sink: &'s mut dyn Sink,
    table: Table,
    columns: Columns,
    reason: Reason,
    reason_group: GroupId,
    more: More,
    more_group: GroupId,
    remarks: Remarks,
    ordinal: u64,
    rejected: u64,
    totals: BTreeMap<String, Total>,
    has_group: bool,
    /// How many transactions have which status: as the group says, and as told.
    declared: BTreeMap<String, u64>,
    told: BTreeMap<String, u64>,
    batch: Batch,
    reasons: Vec<Given>,
    /// Identities that were given. Hashed with a random key, so that no input can make it slow.
    identities: HashSet<u64>,
    keys: RandomState,
}

impl Reader for Pain<'_> {
    const SCOPES: usize = form::SCOPES;

    fn form(&mut self, name: Name<'_>, place: Place) -> Result<&'static Form, Stop> {
        let version = name.uri.strip_prefix(NAMESPACE).filter(|_| name.local == "Document");
        let known = version.is_some_and(|version| {
            version.len() == 2 && version.parse::<u8>().is_ok_and(|version| (2..=14).contains(&version))
        });
        if known {
            return Ok(form::form());
        }
        Err(place.refuse(
            "pain.root",
            "",
            "this is no pain.002 message of version .001.02 to .001.14",
            "det här är inget pain.002-meddelande i version .001.02 till .001.14",
        ))
    }

    fn begin(&mut self, scope: Id, scopes: &mut Scopes, _: At<'_>, source: &mut Source<'_>) -> Result<(), Stop> {
        match scope {
            form::GROUP => {
                self.reasons.clear();
                source.mark(0);
            }
            form::BATCH => {
                self.reasons.clear();
                self.batch = Batch { sum_known: true, ..Batch::default() };
                source.mark(0);
            }
            form::PAYMENT => {
                self.tell_batch(scopes, source)?;
                self.reasons.clear();
                source.mark(1);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, scope: Id, scopes: &mut Scopes, at: At<'_>, source: &mut Source<'_>) -> Result<(), Stop> {
        match scope {
            form::REASON if self.reasons.len() < MOST_REASONS => {
                self.reasons.push(given(scopes.of(form::REASON)));
                Ok(())
            }
            form::GROUP => self.group(scopes, source),
            form::BATCH => {
                self.tell_batch(scopes, source)?;
                self.end_batch(scopes, at)
            }
            form::PAYMENT => self.payment(scopes, source),
            _ => Ok(()),
        }
    }
}

impl<'s> Pain<'s> {
    fn new(sink: &'s mut dyn Sink) -> Result<Self, ParseError> {
        let table = Table::of("payment_status")?;
        let (reason_group, more_group) = (table.group(DOCUMENT, "reasons")?, table.group(DOCUMENT, "iso20022")?);
        Ok(Self {
            sink,
            columns: Columns::of(&table, DOCUMENT)?,
            reason: Reason::of(&table, reason_group)?,
            more: More::of(&table, more_group)?,
            reason_group,
            more_group,
            table,
            remarks: Remarks::default(),
            ordinal: 0,
            rejected: 0,
            totals: BTreeMap::new(),
            has_group: false,
            declared: BTreeMap::new(),
            told: BTreeMap::new(),
            batch: Batch::default(),
            reasons: Vec::new(),
            identities: HashSet::new(),
            keys: RandomState::new(),
        })
    }

    fn finish(&mut self) -> Result<(), Stop> {
        if !self.has_group {
            return Err(Place::START.refuse(
                "pain.no_group",
                "/Document/CstmrPmtStsRpt/OrgnlGrpInfAndSts",
                "the report does not say which order it answers",
                "rapporten anger inte vilket uppdrag den svarar på",
            ));
        }
        for (status, declared) in &self.declared {
            // A group may count what no transaction of the report itemises.
            let told = self.told.get(status).copied().unwrap_or_default();
            if told > 0 && told != *declared {
                return Err(Place::START.refuse(
                    "pain.status_count",
                    "/Document/CstmrPmtStsRpt/OrgnlGrpInfAndSts/NbOfTxsPerSts",
                    format!("the group says {declared} transactions with a status of which the report tells {told}"),
                    format!("gruppen anger {declared} transaktioner med en status som rapporten har {told} av"),
                ));
            }
        }
        Ok(self.table.flush(self.sink)?)
    }

    fn group(&mut self, scopes: &Scopes, source: &Source<'_>) -> Result<(), Stop> {
        self.has_group = true;
        let fields = scopes.of(form::GROUP);
        let counts = fields.all(answer::DETAILED_COUNT).zip(fields.all(answer::DETAILED_STATUS));
        for (count, status) in counts.take(MOST_REASONS) {
            if let Ok(count) = count.text.parse() {
                self.declared.insert(status.text.to_owned(), count);
            }
        }
        if fields.get(answer::STATUS).is_none() {
            return Ok(());
        }
        self.row(About::File, scopes, scopes.span(form::GROUP, source), || source.raw(0))
    }

    /// The batch's own status, before its transactions.
    fn tell_batch(&mut self, scopes: &Scopes, source: &Source<'_>) -> Result<(), Stop> {
        let told = std::mem::replace(&mut self.batch.told, true);
        if told || scopes.of(form::BATCH).get(answer::STATUS).is_none() {
            return Ok(());
        }
        self.row(About::Batch, scopes, scopes.span(form::BATCH, source), || source.raw(0))
    }

    fn end_batch(&mut self, scopes: &Scopes, at: At<'_>) -> Result<(), Stop> {
        let fields = scopes.of(form::BATCH);
        let Some(ordered) = fields.get(answer::COUNT).and_then(|count| count.parse::<u64>().ok()) else {
            return Ok(());
        };
        if self.batch.transactions > ordered {
            let told = self.batch.transactions;
            return Err(at.place.refuse(
                "pain.transaction_count",
                &format!("{}/OrgnlNbOfTxs", at.path),
                format!("the batch tells {told} transactions, the order had {ordered}"),
                format!("bunten har {told} transaktioner, uppdraget hade {ordered}"),
            ));
        }
        let sum = fields.get(answer::SUM).map(amount);
        if self.batch.transactions == ordered
            && self.batch.sum_known
            && sum.is_some_and(|sum| sum != Some(self.batch.sum))
        {
            self.remarks.note(&CONTROL_SUM, || at.place.position(at.path));
        }
        Ok(())
    }

    fn payment(&mut self, scopes: &Scopes, source: &Source<'_>) -> Result<(), Stop> {
        let fields = scopes.of(form::PAYMENT);
        self.batch.transactions += 1;
        match fields.get(payment::AMOUNT).and_then(amount) {
            Some(amount) => self.batch.sum = self.batch.sum.saturating_add(amount),
            None => self.batch.sum_known = false,
        }
        // A payment without a status of its own has that of its batch, or of the file.
        let status = status_of(About::Payment, scopes).unwrap_or_default();
        if let Some(told) = self.told.get_mut(status) {
            *told += 1;
        } else if self.told.len() < MOST_REASONS {
            self.told.insert(status.to_owned(), 1);
        }
        self.row(About::Payment, scopes, scopes.span(form::PAYMENT, source), || source.raw(1))
    }

    fn row(&mut self, about: About, scopes: &Scopes, span: Span, raw: impl FnOnce() -> Vec<u8>) -> Result<(), Stop> {
        self.ordinal += 1;
        let none = Fields::default();
        let fields = if about == About::Payment { scopes.of(form::PAYMENT) } else { &none };
        let currency = fields.get(payment::CURRENCY).filter(|currency| is_currency(currency));
        let sum = fields.get(payment::AMOUNT).map(amount);
        let fault = self.fault(about, scopes, span, sum, currency);
        let amount = sum.flatten();
        if let Some((amount, currency)) = amount.zip(currency) {
            let new = || Total { currency: currency.to_owned(), declared: None, read: 0, rejected: 0 };
            let total = self.totals.entry(currency.to_owned()).or_insert_with(new);
            let sum = if fault.is_some() { &mut total.rejected } else { &mut total.read };
            *sum = sum.saturating_add(amount);
        }
        if let Some(finding) = fault {
            self.rejected += 1;
            let amount = amount.filter(|_| currency.is_some());
            let reject = Reject {
                ordinal: self.ordinal,
                start: span.start,
                end: span.end,
                finding,
                amount,
                currency: currency.map(str::to_owned),
                raw: raw(),
            };
            let given = self.sink.reject(self.table.contract, reject);
            return given.map_err(|error| ParseError::Sink(error).into());
        }
        self.append(about, scopes, fields, span, amount.zip(currency));
        Ok(self.table.end_row(self.sink)?)
    }

    fn fault(
        &self,
        about: About,
        scopes: &Scopes,
        span: Span,
        sum: Option<Option<i128>>,
        currency: Option<&str>,
    ) -> Option<Finding> {
        let path = about.path();
        if status_of(about, scopes).and_then(meaning).is_none() {
            return Some(span.place().finding(
                "pain.status",
                path,
                "the status is none of the message's",
                "statusen är ingen av meddelandets",
            ));
        }
        if sum == Some(None) || (sum.is_some() && currency.is_none()) {
            return Some(span.place().finding(
                "pain.amount",
                &format!("{path}/OrgnlTxRef/Amt"),
                "the amount of a transaction or its currency cannot be read",
                "en transaktions belopp eller dess valuta går inte att läsa",
            ));
        }
        None
    }

    fn append(&mut self, about: About, scopes: &Scopes, fields: &Fields, span: Span, sum: Option<(i128, &str)>) {
        let (group, batch) = (scopes.of(form::GROUP), scopes.of(form::BATCH));
        let message = scopes.of(form::MESSAGE);
        let incoming = self.is_collection(group, fields, span);
        let key = fields.get(payment::STATUS_ID);
        let message_id = message.get(message::ID).unwrap_or_default();
        let own = key.map(|key| format!("pain.002:{message_id}:{key}"));
        let own = own.filter(|own| self.identities.insert(self.keys.hash_one(own)));
        let identity = own.unwrap_or_else(|| format!("pain.002:{message_id}::{}", self.ordinal));
        let status = status_of(about, scopes).unwrap_or_default();
        let (to, columns) = (self.columns, &mut self.table.columns);
        columns.put_long(to.ordinal, signed(self.ordinal));
        columns.put_long(to.byte_start, signed(span.start));
        columns.put_long(to.byte_end, signed(span.end));
        columns.put_text(to.status_id, &identity);
        columns.put_text(to.source_format, "pain.002");
        columns.put_text(to.report, "status_report");
        columns.put_text(to.scope, about.name());
        columns.put_text(to.direction, if incoming { "in" } else { "out" });
        columns.put_some(to.status, meaning(status));
        columns.put_text(to.kind, "payment");
        let (debtor, creditor) = (debtor(fields), creditor(fields));
        let (ours, theirs) = if incoming { (creditor, debtor) } else { (debtor, creditor) };
        if let Some(account) = ours {
            columns.put_text(to.account, &account.number);
            columns.put_text(to.account_type, account.kind);
        }
        if let Some(account) = theirs {
            columns.put_text(to.counterpart_account, &account.number);
            columns.put_text(to.counterpart_account_type, account.kind);
        }
        columns.put_some(to.counterpart_name, fields.get(if incoming { payment::DEBTOR } else { payment::CREDITOR }));
        let date = fields.get(payment::EXECUTION).or_else(|| fields.get(payment::COLLECTION)).and_then(day);
        for (target, day) in [(to.payment_date, date), (to.reported_on, message.get(message::CREATED).and_then(day))] {
            if let Some(day) = day {
                columns.put_date(target, day);
            }
        }
        if let Some((amount, currency)) = sum {
            columns.put_number(to.amount, amount);
            columns.put_text(to.currency, currency);
        }
        columns.put_some(to.reference, fields.get(payment::REFERENCE));
        columns.put_some(to.bank_reference, fields.get(payment::BANK_REFERENCE));
        columns.put_some(to.message_id, group.get(answer::ID));
        if about != About::File {
            columns.put_some(to.batch_id, batch.get(answer::ID));
        }
        columns.put_some(to.instruction_id, fields.get(payment::INSTRUCTION));
        columns.put_some(to.end_to_end_id, fields.get(payment::END_TO_END));
        columns.put_some(to.transaction_id, fields.get(payment::UETR));
        for text in fields.all(payment::UNSTRUCTURED) {
            columns.put_text(to.messages, text.text);
        }
        for (scheme, code, text) in &self.reasons {
            columns.put_text(self.reason.scheme, scheme);
            columns.put_some(self.reason.code, code.as_deref());
            columns.put_some(self.reason.text, text.as_deref());
            columns.close(self.reason_group);
        }
        columns.open(self.more_group);
        columns.put_text(self.more.status, status);
        columns.put_some(self.more.message_name, group.get(answer::MESSAGE_NAME));
        let counted = match about {
            About::File => group,
            About::Batch => batch,
            About::Payment => return,
        };
        if let Some(count) = counted.get(answer::COUNT).and_then(|count| count.parse().ok()) {
            columns.put_long(self.more.transaction_count, count);
        }
        if let Some(sum) = counted.get(answer::SUM).and_then(amount) {
            columns.put_number(self.more.control_sum, sum);
        }
    }

    /// True when the order collects money.
    fn is_collection(&mut self, group: &Fields, fields: &Fields, span: Span) -> bool {
        let name = group.get(answer::MESSAGE_NAME).unwrap_or_default().to_ascii_lowercase();
        if name.starts_with("pain.008") || name.starts_with("pain.001") {
            return name.starts_with("pain.008");
        }
        self.remarks.note(&DIRECTION, || span.place().position("/Document/CstmrPmtStsRpt/OrgnlGrpInfAndSts"));
        fields.get(payment::COLLECTION).is_some()
    }
}

impl About {
    const fn path(self) -> &'static str {
        match self {
            Self::File => "/Document/CstmrPmtStsRpt/OrgnlGrpInfAndSts",
            Self::Batch => "/Document/CstmrPmtStsRpt/OrgnlPmtInfAndSts",
            Self::Payment => "/Document/CstmrPmtStsRpt/OrgnlPmtInfAndSts/TxInfAndSts",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Batch => "batch",
            Self::Payment => "payment",
        }
    }
}

/// The status of what a row is about: its own, else that of what it is part of.
fn status_of(about: About, scopes: &Scopes) -> Option<&str> {
    let of = |scope| scopes.of(scope).get(answer::STATUS);
    match about {
        About::File => of(form::GROUP),
        About::Batch => of(form::BATCH),
        About::Payment => of(form::PAYMENT).or_else(|| of(form::BATCH)).or_else(|| of(form::GROUP)),
    }
}

/// What a status code means (ISO 20022 external code sets for payment status).
fn meaning(status: &str) -> Option<&'static str> {
    Some(match status {
        "ACCP" | "ACTC" | "ACSP" | "ACWC" | "ACWP" | "ACFC" | "PRES" => "accepted",
        "ACSC" | "ACCC" => "executed",
        "PDNG" | "RCVD" | "PATC" => "pending",
        "PART" => "partial",
        "RJCT" => "rejected",
        "CANC" => "cancelled",
        _ => return None,
    })
}

fn given(fields: &Fields) -> Given {
    let text: Vec<&str> = fields.all(reason::TEXT).map(|found| found.text).collect();
    let text = (!text.is_empty()).then(|| text.join(" "));
    match (fields.get(reason::CODE), fields.get(reason::OWN)) {
        (Some(code), _) => ("iso20022", Some(code.to_owned()), text),
        (None, own) => ("proprietary", own.map(str::to_owned), text),
    }
}

fn debtor(fields: &Fields) -> Option<Account> {
    Account::of(
        fields.get(payment::DEBTOR_IBAN),
        fields.get(payment::DEBTOR_OTHER),
        fields.get(payment::DEBTOR_CODE),
        fields.get(payment::DEBTOR_OWN),
        fields.get(payment::DEBTOR_CLEARING),
    )
}

fn creditor(fields: &Fields) -> Option<Account> {
    Account::of(
        fields.get(payment::CREDITOR_IBAN),
        fields.get(payment::CREDITOR_OTHER),
        fields.get(payment::CREDITOR_CODE),
        fields.get(payment::CREDITOR_OWN),
        fields.get(payment::CREDITOR_CLEARING),
    )
}

/// Offsets and counts of files are far below 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
