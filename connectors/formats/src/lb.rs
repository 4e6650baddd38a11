//! Leverantörsbetalningar: what Bankgirot reports about payments to suppliers (LBut), and the orders themselves (LBin)
//! (*Leverantörsbetalningar, användarmanual*, July 2014, and Bankgirot's example files).
//!
//! ```text
//! file        = section+        section = TK11 TK12* TK13* (payee* payment)* TK29
//! payee       = TK26 | TK27 | TK40                                    with the number that its payments have
//! payment     = (TK14 | TK15 | TK16 | TK17 | TK54) (TK20 | TK21 | TK25 | TK65)*
//! refused     : TK49 behind the record that it is about
//! monitored   = TK11 (TK40 | TK41 | TK42 | TK43)* TK29
//! returned    = record 1, record 2*, record 3
//! ```
//!
//! Position 47 of TK11 says which report it is: 1 payment specification, 2 reconciliation of monitored payments, 6
//! rejected, 7 stopped; blank for an order. Each payment is a row of `payment_status`; deductions (TK15) and credit notes
//! (TK16, TK17) are negative. What this reader decides where the manual is silent:
//!
//! - **Refused**: another grammar, a count or sum in TK29 that is not what the records give, an amount that cannot be
//!   read (but in a report of rejected payments, where the amount can be the very reason: there it is null).
//! - **Remarked**: giro numbers that are no numbers, which published examples and tests are full of; payments without
//!   the reason that their report is about; sums of monitored payments that do not add up.
//! - A payee's records stand before its payments. A reason (TK49) behind one of them is a reason of those payments.
//! - The date of the report and a digest of it up to the row are a row's identity, since the bank gives none.

mod payments;
mod reports;
mod rules;
#[cfg(test)]
mod tests;

use std::io::Read;

use schemas::reference::luhn_valid;

use crate::fixed::{
    Dialect, Distinct, Framer, Identity, Look, Record, Scan, SealKey, Stop, Tally, date6, dialect, number, refuse,
    significant_digits,
};
use crate::rows::PaymentStatus;
use crate::table::Table;
use crate::{ParseError, Sink, Summary};

static DIALECT: Dialect = dialect!(
    "lb",
    width: 80,
    start: (
        "an opening record (TK11) of Leverantörsbetalningar",
        "en öppningspost (TK11) i Leverantörsbetalningar"
    ),
    is_known: is_known
);

/// Reads a file of Leverantörsbetalningar.
///
/// # Errors
/// When reading fails or the sink stops.
pub fn parse(keys: &[SealKey], input: &mut dyn Read, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
    let (table, columns) = PaymentStatus::table()?;
    let mut reading = Reading {
        sink,
        scan: Scan::new(&DIALECT, keys),
        tally: Tally::default(),
        identity: Identity::new("", Distinct::Content),
        table,
        columns,
    };
    let read = reading.file(&mut Framer::new(input));
    reading.tally.summary(read, reading.scan)
}

/// One file on its way through.
struct Reading<'s> {
    sink: &'s mut dyn Sink,
    scan: Scan<'s>,
    tally: Tally,
    identity: Identity,
    table: Table,
    columns: PaymentStatus,
}

/// What a section reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Report {
    Order,
    Specification,
    Reconciliation,
    Rejected,
    Stopped,
    ReturnedCash,
}

impl Report {
    /// As the contract calls it.
    const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Specification => "payment_specification",
            Self::Reconciliation => "monitoring",
            Self::Rejected => "rejected",
            Self::Stopped => "stopped",
            Self::ReturnedCash => "returned_cash",
        }
    }

    /// What has become of its payments.
    const fn status(self) -> &'static str {
        match self {
            Self::Order => "ordered",
            Self::Specification => "executed",
            Self::Reconciliation => "pending",
            Self::Rejected => "rejected",
            Self::Stopped => "stopped",
            Self::ReturnedCash => "returned",
        }
    }
}

/// What the opening record says.
struct Header {
    report: Report,
    /// Significant digits, where it is a number.
    account: Option<String>,
    /// Days since 1970-01-01.
    date: Option<i32>,
    /// Date of the payments that have none of their own.
    payment_date: Option<i32>,
    currency: String,
}

impl Reading<'_> {
    fn file(&mut self, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut start = Some(self.scan.find_start(lines, look)?);
        while let Some(frame) = start {
            let header = {
                let record = self.scan.record(frame, lines)?;
                self.header(&record)?
            };
            match header.report {
                Report::Reconciliation => self.reconciliation(&header, lines)?,
                Report::ReturnedCash => self.returned_cash(&header, lines)?,
                _ => self.section(&header, lines)?,
            }
            start = self.scan.next_start(lines, look)?;
        }
        Ok(self.table.flush(self.sink)?)
    }

    /// TK11, or record 1 of returned cash.
    fn header(&mut self, record: &Record<'_>) -> Result<Header, Stop> {
        let is_returned = is_returned(record.raw());
        let (account_at, date_at) = if is_returned { (14, 2) } else { (3, 13) };
        let report = match record.character(47) {
            _ if is_returned => Report::ReturnedCash,
            b' ' => Report::Order,
            b'1' => Report::Specification,
            b'2' => Report::Reconciliation,
            b'6' => Report::Rejected,
            b'7' => Report::Stopped,
            _ => {
                return Err(refuse(
                    "lb.report",
                    record.position(47),
                    "the opening record (TK11) names a report that the manual does not have",
                    "öppningsposten (TK11) anger en redovisning som inte finns i manualen",
                ));
            }
        };
        let date = date6(record.field(date_at, date_at + 5));
        if date.is_none() {
            self.scan.remarks.note(&rules::HEADER_DATE, || record.position(date_at));
        }
        let account = self.giro(record, account_at).map(str::to_owned);
        let currency = if is_returned { None } else { record.text(60, 62) };
        let currency = match currency.as_deref() {
            None => "SEK".to_owned(),
            Some(code) if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => code.to_owned(),
            Some(_) => {
                return Err(refuse(
                    "lb.currency",
                    record.position(60),
                    "the currency of the section (TK11) is no three letters",
                    "avsnittets valuta (TK11) är inte tre bokstäver",
                ));
            }
        };
        let day = String::from_utf8_lossy(record.field(date_at, date_at + 5));
        let own = account.as_deref().unwrap_or("?");
        self.identity = Identity::new(&format!("lb:{}:{own}:{day}:{currency}", report.name()), Distinct::Content);
        let payment_date = if is_returned { None } else { date6(record.field(41, 46)) };
        Ok(Header { report, account, date, payment_date, currency })
    }

    /// A giro number; what is none, or has a wrong check digit, is remarked.
    fn giro<'r>(&mut self, record: &'r Record<'_>, from: usize) -> Option<&'r str> {
        let number = significant_digits(record.field(from, from + 9));
        if !number.is_some_and(luhn_valid) {
            self.scan.remarks.note(&rules::ACCOUNT, || record.position(from));
        }
        number
    }

    /// Compares a section with what TK29 says.
    fn end(&mut self, header: &Header, record: &Record<'_>, count: u64, sum: Option<i128>) -> Result<(), Stop> {
        if significant_digits(record.field(3, 12)) != header.account.as_deref() {
            self.scan.remarks.note(&rules::END_ACCOUNT, || record.position(3));
        }
        let declared = number(record, 13, 20, &mut self.scan.remarks);
        if declared != Some(count) {
            let text = declared.map(|declared| declared.to_string());
            let (english, swedish) = (text.as_deref().unwrap_or("unreadable"), text.as_deref().unwrap_or("oläsligt"));
            return Err(refuse(
                "lb.count",
                record.position(13),
                &format!("the end record (TK29) says {english} payments, the section has {count}"),
                &format!("slutposten (TK29) anger {swedish} betalningar, avsnittet har {count}"),
            ));
        }
        self.tally.declare(count);
        let Some(sum) = sum else { return Ok(()) };
        // Reports of refused and stopped payments give no sum.
        let may_lack = matches!(header.report, Report::Rejected | Report::Stopped);
        if may_lack && record.text(21, 33).is_none() {
            return Ok(());
        }
        let declared = number(record, 21, 32, &mut self.scan.remarks).map(i128::from);
        let declared = declared.map(|sum| if record.character(33) == b'-' { -sum } else { sum });
        if declared != Some(sum) {
            return Err(wrong_sum(record, 21, declared, sum));
        }
        self.tally.declare_amount(&header.currency, sum);
        Ok(())
    }

    /// What every row has, then ends the row.
    fn end_row(&mut self, header: &Header, scope: &str, start: u64, end: u64) -> Result<(), Stop> {
        let (to, columns) = (&mut self.table, &self.columns);
        to.text(columns.status_id, self.identity.current());
        to.text(columns.source_format, "lb");
        to.text(columns.report, header.report.name());
        to.text(columns.scope, scope);
        to.text(columns.direction, "out");
        to.text(columns.status, header.report.status());
        if let Some(account) = &header.account {
            to.text(columns.account, account);
            to.text(columns.account_type, "bankgiro");
        }
        if let Some(date) = header.date {
            to.date(columns.reported_on, date);
        }
        to.text(columns.currency, &header.currency);
        Ok(to.end_row(self.tally.ordinal, start, end, self.sink)?)
    }

    /// A date that need not be there: zeros, blanks and `GENAST` (at once) are none.
    fn optional_date(&mut self, record: &Record<'_>, from: usize) -> Option<i32> {
        let field = record.field(from, from + 5);
        let date = date6(field);
        if date.is_none() && field != b"GENAST" && field.iter().any(|byte| !matches!(byte, b'0' | b' ')) {
            self.scan.remarks.note(&rules::PAYMENT_DATE, || record.position(from));
        }
        date
    }

    fn misplaced(&self, record: &Record<'_>) -> Stop {
        self.scan.out_of_order(
            record.kind(),
            record.position(1),
            "where this report has no such record",
            "där den här redovisningen inte har någon sådan post",
        )
    }
}

fn wrong_sum(record: &Record<'_>, from: usize, declared: Option<i128>, sum: i128) -> Stop {
    let text = |ore: i128| schemas::money::plain(ore, 2);
    let declared = declared.map(text);
    let (english, swedish) =
        (declared.as_deref().unwrap_or("something unreadable"), declared.as_deref().unwrap_or("något oläsligt"));
    refuse(
        "lb.sum",
        record.position(from),
        &format!("the end record says {english}, the payments sum to {}", text(sum)),
        &format!(
            "slutposten anger {}, betalningarna är tillsammans {}",
            swedish.replace('.', ","),
            text(sum).replace('.', ",")
        ),
    )
}

/// What a line is before the opening record.
fn look(bytes: &[u8]) -> Look {
    let is_digits =
        |from: usize, to: usize| bytes.get(from..to).is_some_and(|field| field.iter().all(u8::is_ascii_digit));
    match bytes {
        [b'1', b'1', ..] if bytes.get(18..26) == Some(b"LEVERANT") => Look::Start,
        _ if is_returned(bytes) => Look::Start,
        [b'0', b'1', letter, ..] if letter.is_ascii_uppercase() => Look::Other,
        [b'1', b'4'..=b'7', ..] | [b'2', b'9', ..] | [b'5', b'4', ..] if is_digits(2, 12) => Look::Record,
        _ => Look::Title,
    }
}

/// True for the first record of returned cash: two dates and a bankgiro number, nothing after it.
fn is_returned(bytes: &[u8]) -> bool {
    let is_header = |bytes: &[u8]| bytes.starts_with(b"1") && bytes[1..].iter().all(u8::is_ascii_digit);
    bytes.get(..23).is_some_and(is_header) && bytes.get(23..).is_none_or(|rest| rest.iter().all(|byte| *byte == b' '))
}

const fn is_known(kind: [u8; 2]) -> bool {
    matches!(kind, [b'1', b'1'..=b'7'] | [b'2', b'0' | b'1' | b'5'..=b'7' | b'9'] | [b'4', b'0'..=b'3' | b'9'])
        || matches!(&kind, b"54" | b"65")
}
