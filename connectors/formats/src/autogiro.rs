//! Autogiro: what Bankgirot reports to a creditor about direct debits (*Bg Autogiro, Teknisk manual*, August 2014;
//! chapter 8 is the new layout, chapter 9 the old one, *gamla layouten*).
//!
//! ```text
//! payment specification    TK01 (TK15 TK82* | TK16 TK32* | TK17 TK77*)* TK09      old: TK01 (TK82 | TK32)* TK09
//! mandate advice           TK01 TK73* TK09
//! rejected payments        TK01 (TK82 | TK32)* TK09
//! cancellations, changes   TK01 (TK03 | TK11 | TK21-TK29)* TK09
//! monitored payments       TK01 (TK82 | TK32)* TK09
//! internet mandates        TK51 (TK52 TK53* TK54? TK55? TK56?)* TK59
//! register of mandates     rows without a type
//! ```
//!
//! A debit that was carried out is a row of `payment_in`, a refund of one (TK77) is a negative row of it. Whatever else
//! became of an order is a row of `payment_status`, credits (TK32) among it; mandates are rows of `mandate_event`. What
//! this reader decides where the manual is silent:
//!
//! - **Refused**: another grammar, a count or sum that is not what the records give, an amount that cannot be read. In
//!   the new layout only what was carried out (status 0) counts in sums; in the old one everything does, stopped
//!   payments included. Of cancellations and changes, those count that succeeded and name one payment.
//! - **Rejected**: a payment without a payer number or a date, with a status outside the manual, or for another
//!   bankgiro than the report is for; its amount still counts in the sums that the file is checked by.
//! - **Remarked**: unknown codes, which are kept as they are, and what the layer for fixed-width lines tolerates.
//! - Identity. The bank gives its rows none. Where the report says to the microsecond when it was made, an identity is
//!   that and the number of the row; where only the day is said, a digest of the report up to the row.
//! - Files *to* Bankgirot are refused as such.
//!
//! A file is streamed: no more than one line, or one application for a mandate, is in memory.

mod amendments;
mod codes;
mod header;
mod mandates;
mod payments;
mod rules;
mod sections;
#[cfg(test)]
mod tests;

use std::io::Read;

use crate::fixed::{
    Dialect, Distinct, Frame, Framer, Identity, Record, Refusal, Scan, SealKey, Stop, Tally, date8, dialect, digits,
    finding, refuse, significant_digits,
};
use crate::rows::{MandateEvent, PaymentIn, PaymentStatus};
use crate::table::Table;
use crate::{Finding, ParseError, Position, Sink, Summary};
use header::{Header, Report, look};

/// Every amount of Autogiro is in kronor.
const CURRENCY: &str = "SEK";

static DIALECT: Dialect = dialect!(
    "autogiro",
    width: 80,
    start: (
        "a first record of Autogiro (TK01 or TK51, or a row of the register of mandates)",
        "en första post i Autogiro (TK01 eller TK51, eller en rad ur medgivanderegistret)"
    ),
    is_known: is_known
);

/// Reads an Autogiro report.
///
/// # Errors
/// When reading fails or the sink stops.
pub fn parse(keys: &[SealKey], input: &mut dyn Read, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
    let mut reading = Reading::new(keys, sink)?;
    let read = reading.file(&mut Framer::new(input));
    reading.tally.summary(read, reading.scan)
}

/// One file on its way through.
struct Reading<'s> {
    sink: &'s mut dyn Sink,
    scan: Scan<'s>,
    tally: Tally,
    identity: Identity,
    payments: Table,
    payment: PaymentIn,
    statuses: Table,
    status: PaymentStatus,
    mandates: Table,
    mandate: MandateEvent,
}

impl<'s> Reading<'s> {
    fn new(keys: &'s [SealKey], sink: &'s mut dyn Sink) -> Result<Self, ParseError> {
        let (payments, payment) = PaymentIn::table()?;
        let (statuses, status) = PaymentStatus::table()?;
        let (mandates, mandate) = MandateEvent::table()?;
        Ok(Self {
            sink,
            scan: Scan::new(&DIALECT, keys),
            tally: Tally::default(),
            identity: Identity::new("", Distinct::Number),
            payments,
            payment,
            statuses,
            status,
            mandates,
            mandate,
        })
    }

    fn file(&mut self, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut start = Some(self.scan.find_start(lines, look)?);
        while let Some(frame) = start {
            let header = {
                let record = self.scan.record(frame, lines)?;
                Header::read(&record, &mut self.scan.remarks)?
            };
            let distinct = match header.report {
                Report::RegisterExtract => Distinct::Row,
                _ if header.is_unique => Distinct::Number,
                _ => Distinct::Content,
            };
            self.identity = Identity::new(&header.stem, distinct);
            self.report(&header, frame, lines)?;
            start = self.scan.next_concatenated(lines, look)?;
        }
        self.payments.flush(self.sink)?;
        self.statuses.flush(self.sink)?;
        Ok(self.mandates.flush(self.sink)?)
    }

    fn report(&mut self, header: &Header, first: Frame, lines: &mut Framer<'_>) -> Result<(), Stop> {
        match header.report {
            Report::Specification => self.specification(header, lines),
            Report::OldSpecification => self.old_specification(header, lines),
            Report::Monitoring => self.monitoring(header, lines),
            Report::Rejected => self.rejected(header, lines),
            Report::Amendments => self.amendments(header, lines),
            Report::MandateAdvice => self.mandate_advice(header, lines),
            Report::InternetMandates => self.internet_mandates(header, lines),
            Report::RegisterExtract => self.register_extract(header, first, lines),
        }
    }

    /// One more row.
    fn count(&mut self, record: &Record<'_>) {
        self.tally.ordinal += 1;
        self.identity.next(record.raw());
    }

    fn misplaced(&self, record: &Record<'_>) -> Stop {
        self.scan.out_of_order(
            record.kind(),
            record.position(1),
            "where this report has no such record",
            "där den här redovisningen inte har någon sådan post",
        )
    }

    /// Reads an amount; without it the sums of the file prove nothing.
    fn amount(&mut self, record: &Record<'_>, from: usize) -> Result<i128, Stop> {
        crate::fixed::number(record, from, from + 11, &mut self.scan.remarks).map(i128::from).ok_or_else(|| {
            refuse(
                "autogiro.amount",
                record.position(from),
                "the amount of a payment cannot be read, so the sums of the file prove nothing",
                "en betalnings belopp går inte att läsa, så filens summor bevisar ingenting",
            )
        })
    }

    /// A date that need not be there: zeros and blanks are none.
    fn optional_date(&mut self, record: &Record<'_>, from: usize) -> Option<i32> {
        let field = record.field(from, from + 7);
        let date = date8(field);
        if date.is_none() && field.iter().any(|byte| !matches!(byte, b'0' | b' ')) {
            self.scan.remarks.note(&rules::DATE_UNREADABLE, || record.position(from));
        }
        date
    }

    /// Checks a count that the end record gives.
    fn check_count(&mut self, check: &Check<'_>, from: usize, to: usize, read: u64) -> Result<(), Stop> {
        let record = check.record;
        let declared = crate::fixed::number(record, from, to, &mut self.scan.remarks);
        if declared == Some(read) {
            return Ok(());
        }
        let (english, swedish) = (check.english, check.swedish);
        let (declared, declared_sv) = match declared {
            Some(declared) => (declared.to_string(), declared.to_string()),
            None => ("an unreadable number of".to_owned(), "ett oläsligt antal".to_owned()),
        };
        Err(refuse(
            check.code,
            record.position(from),
            &format!("the end record (TK09) says {declared} {english}, the file has {read}"),
            &format!("slutposten (TK09) anger {declared_sv} {swedish}, filen har {read}"),
        ))
    }

    /// Checks a sum that the end record gives, whatever its sign.
    fn check_sum(&mut self, check: &Check<'_>, from: usize, read: i128) -> Result<(), Stop> {
        let record = check.record;
        let declared = crate::fixed::overpunched(record, from, from + 11, &mut self.scan.remarks);
        if declared.is_some_and(|declared| declared < 0) {
            self.scan.remarks.note(&rules::TOTAL_SIGN, || record.position(from));
        }
        if declared.map(i128::unsigned_abs) == Some(read.unsigned_abs()) {
            return Ok(());
        }
        let (english, swedish) = (check.english, check.swedish);
        let amount = |ore: Option<i128>| ore.map(|ore| schemas::money::plain(ore, 2));
        let (read, read_sv) = (schemas::money::plain(read, 2), schemas::money::plain(read, 2).replace('.', ","));
        let declared_en = amount(declared).unwrap_or_else(|| "something unreadable".to_owned());
        let declared_sv = amount(declared).map_or_else(|| "något oläsligt".to_owned(), |text| text.replace('.', ","));
        Err(refuse(
            check.code,
            record.position(from),
            &format!("the end record (TK09) says {declared_en} for {english}, they sum to {read}"),
            &format!("slutposten (TK09) anger {declared_sv} för {swedish}, de är tillsammans {read_sv}"),
        ))
    }

    /// What every end record has.
    fn check_end(&mut self, header: &Header, record: &Record<'_>) {
        if header.date.is_some() && date8(record.field(3, 10)) != header.date {
            self.scan.remarks.note(&rules::END_DATE, || record.position(3));
        }
    }

    fn reject(
        &mut self,
        table: Meant,
        record: &Record<'_>,
        finding: Finding,
        amount: Option<i128>,
    ) -> Result<(), Stop> {
        let refusal = Refusal {
            finding,
            start: record.start,
            end: record.end,
            raw: record.raw(),
            amount,
            currency: amount.map(|_| CURRENCY),
        };
        let contract = match table {
            Meant::Payment => self.payments.contract(),
            Meant::Status => self.statuses.contract(),
            Meant::Mandate => self.mandates.contract(),
        };
        self.tally.reject(contract, self.sink, refusal)
    }
}

/// The contract that a refused row was meant for.
#[derive(Debug, Clone, Copy)]
enum Meant {
    Payment,
    Status,
    Mandate,
}

/// What the end record is compared with: the refusal's code, and what is counted.
struct Check<'a> {
    record: &'a Record<'a>,
    code: &'static str,
    english: &'static str,
    swedish: &'static str,
}

fn flaw<T>(code: &'static str, position: Position, message: &str, message_sv: &str) -> Result<T, Box<Finding>> {
    Err(Box::new(finding(code, position, message, message_sv)))
}

/// The payer number without zeros before it.
fn payer_number<'r>(record: &'r Record<'_>, from: usize) -> Result<&'r str, Box<Finding>> {
    match significant_digits(record.field(from, from + 15)) {
        Some(number) => Ok(number),
        None => flaw(
            "autogiro.payer_number",
            record.position(from),
            "the payer number is missing or is no number",
            "betalarnumret saknas eller är inget nummer",
        ),
    }
}

/// The bankgiro of a row must be the one that the report is for.
fn check_bankgiro(record: &Record<'_>, from: usize, header: &Header) -> Result<(), Box<Finding>> {
    if significant_digits(record.field(from, from + 9)) == Some(header.bankgiro.as_str()) {
        return Ok(());
    }
    flaw(
        "autogiro.other_bankgiro",
        record.position(from),
        "the record is for another bankgiro than the report",
        "posten gäller ett annat bankgiro än redovisningen",
    )
}

/// A code as it stands, without blanks.
fn code<'r>(record: &'r Record<'_>, from: usize, to: usize) -> &'r str {
    digits(record.field(from, to)).unwrap_or_default()
}

const fn is_known(kind: [u8; 2]) -> bool {
    matches!(
        &kind,
        b"01" | b"03" | b"09" | b"11" | b"15" | b"16" | b"17" | b"32" | b"73" | b"77" | b"82" | b"51" | b"59"
    ) || matches!(kind, [b'2', b'1'..=b'9'] | [b'5', b'2'..=b'6'])
}
