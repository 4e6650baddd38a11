//! Swish settlement reports: what Swish paid to an account, as the bank lists it.
//!
//! There is no national format. Two are read, told apart by their first line:
//!
//! ```text
//! Handelsbanken  01,made,period,[time]    02,fields…    03,count       comma with point, or semicolon with comma
//! Swedbank       * Swish-rapport Avser …  Radnr,Clnr,Kontonr,…  rows   comma with point, texts in quotes
//! ```
//!
//! One row is one row of `payment_in`. A refund (Handelsbanken `SWR`, a negative amount at Swedbank) is a `reversal`
//! and negative.
//!
//! - **Refused**: neither of the two; a report that is cut off (no `03`), whose count is not that of its rows, or whose
//!   rows are not numbered from 1 on (Swedbank): then rows are missing.
//! - **Rejected**: a row with another number of fields (nothing is quoted at Handelsbanken, so a comma in a name moves
//!   everything after it), without account or date, with an amount that cannot be read, of an unknown type.
//! - **Identity** is `swish:` and the bank's payment reference (Handelsbanken); Swedbank gives none: then the account,
//!   the booking day and the row's number. Where one comes again in a file it is remarked and gets the row's number.

use std::borrow::Cow;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher as _;
use std::io::Read;

use chrono::NaiveDate;
use encoding_rs::WINDOWS_1252;
use schemas::money;

use crate::columns::{DOCUMENT, GroupId, Table, targets};
use crate::fixed::{self, Frame, FrameError, Framer, Remarks, remarks};
use crate::{Finding, ParseError, Position, Reject, Sink, Summary, Total, Verdict};

mod handelsbanken;
mod swedbank;
#[cfg(test)]
mod tests;

remarks! {
    WINDOWS "swish.encoding"
        "a line is not UTF-8 and was read as Windows-1252"
        "En rad är inte i UTF-8 och lästes som Windows-1252"
    REPEATED "swish.reference_repeated"
        "a payment reference stands on an earlier row of the file"
        "En betalningsreferens finns på en tidigare rad i filen"
    CONCATENATED "swish.concatenated"
        "another complete report stands in the same file and was read"
        "Ännu en komplett rapport ligger i samma fil och lästes"
    UNKNOWN "swish.unknown_record"
        "records of an unknown type were skipped"
        "Poster av okänd typ hoppades över"
}

targets! { Columns {
    ordinal, byte_start, byte_end, payment_id, source_format, kind, receiver_account, receiver_account_type, deposit_id,
    deposit_account, payment_date, currency, amount, reference, reference_quality, channel, bank_reference,
    sender_account, sender_account_type, has_image, messages, payer_name, instruction_id, end_to_end_id,
} }

targets! { More { transaction_type, payee_number, order_reference, transaction_date, time, bank } }

/// Why reading stops before the end of the file.
enum Stop {
    Refused(Box<Finding>),
    Failed(ParseError),
}

impl From<ParseError> for Stop {
    fn from(error: ParseError) -> Self {
        Self::Failed(error)
    }
}

/// Reads a Swish report.
///
/// # Errors
/// When reading fails or the sink stops. A file that is wrong is no error: see [`Verdict`].
pub fn parse(input: &mut dyn Read, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
    let mut reading = Reading::new(sink)?;
    match reading.file(&mut Framer::new(input)) {
        Ok(()) => Ok(reading.summary()),
        Err(Stop::Refused(finding)) => Ok(crate::xml::refused(*finding)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// A payment as its row says it; texts are empty where there is none.
#[derive(Debug, Default)]
struct Payment<'a> {
    account: Cow<'a, str>,
    bank: &'a str,
    payee_number: &'a str,
    payer_number: &'a str,
    payer_name: &'a str,
    kind: &'a str,
    reference: &'a str,
    order: &'a str,
    message: &'a str,
    instruction: &'a str,
    end_to_end: &'a str,
    time: &'a str,
    currency: &'a str,
    /// Signed: a refund is negative.
    amount: i128,
    booked_on: i32,
    transaction_on: Option<i32>,
    /// Identity where the bank gives none.
    stand_in: String,
}

/// Why a row is rejected, with its amount where it can be read.
struct Fault {
    finding: Finding,
    amount: Option<i128>,
    currency: Option<String>,
}

/// One file on its way through.
struct Reading<'s> {
    sink: &'s mut dyn Sink,
    table: Table,
    columns: Columns,
    more: More,
    more_group: GroupId,
    remarks: Remarks,
    ordinal: u64,
    rejected: u64,
    declared: Option<u64>,
    totals: BTreeMap<String, Total>,
    /// Identities that were given. Hashed with a random key, so that no input can make it slow.
    met: HashSet<u64>,
    keys: RandomState,
}

/// A line of the file.
struct Line<'a> {
    frame: Frame,
    raw: &'a [u8],
    text: Cow<'a, str>,
}

impl Line<'_> {
    fn position(&self) -> Position {
        Position { line: Some(self.frame.line), column: Some(1), path: None, byte: self.frame.start }
    }

    fn finding(&self, code: &'static str, english: &str, swedish: &str) -> Finding {
        Finding { code, position: self.position(), message: english.to_owned(), message_sv: swedish.to_owned() }
    }

    fn refuse(&self, code: &'static str, english: &str, swedish: &str) -> Stop {
        Stop::Refused(Box::new(self.finding(code, english, swedish)))
    }
}

impl<'s> Reading<'s> {
    fn new(sink: &'s mut dyn Sink) -> Result<Self, ParseError> {
        let table = Table::of("payment_in")?;
        let more_group = table.group(DOCUMENT, "swish")?;
        Ok(Self {
            sink,
            columns: Columns::of(&table, DOCUMENT)?,
            more: More::of(&table, more_group)?,
            more_group,
            table,
            remarks: Remarks::default(),
            ordinal: 0,
            rejected: 0,
            declared: None,
            totals: BTreeMap::new(),
            met: HashSet::new(),
            keys: RandomState::new(),
        })
    }

    fn file(&mut self, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let first = match self.next(lines) {
            Ok(Some(frame)) => frame,
            Ok(None) | Err(Stop::Refused(_)) => return Err(not_swish()),
            Err(failed) => return Err(failed),
        };
        let line = self.line(lines, first);
        if line.text.starts_with("01,") || line.text.starts_with("01;") {
            let delimiter = char::from(line.text.as_bytes()[2]);
            self.handelsbanken(lines, delimiter)?;
        } else if swedbank::is_title(&line.text) || swedbank::is_header(&line.text) {
            let first = (!swedbank::is_title(&line.text)).then(|| line.text.into_owned());
            self.swedbank(lines, first)?;
        } else {
            return Err(not_swish());
        }
        self.table.flush(self.sink)?;
        Ok(())
    }

    /// The next line that is not blank.
    fn next(&mut self, lines: &mut Framer<'_>) -> Result<Option<Frame>, Stop> {
        loop {
            let next = lines.next().map_err(|error| match error {
                FrameError::Read(error) => Stop::Failed(error.into()),
                FrameError::TooLong(frame) => Line { frame, raw: &[], text: Cow::Borrowed("") }.refuse(
                    "swish.line_length",
                    "a line is longer than any row of a Swish report",
                    "en rad är längre än någon rad i en Swish-rapport",
                ),
            })?;
            let Some(mut frame) = next else { return Ok(None) };
            let bytes = lines.bytes(frame.start, frame.end);
            let position = || Position { line: Some(frame.line), column: Some(1), path: None, byte: frame.start };
            if bytes.starts_with(fixed::BYTE_ORDER_MARK) && frame.start == 0 {
                self.remarks.note(&fixed::MARK_SKIPPED, position);
                frame.start += fixed::BYTE_ORDER_MARK.len() as u64;
            }
            if !fixed::is_blank(lines.bytes(frame.start, frame.end)) {
                return Ok(Some(frame));
            }
        }
    }

    fn line<'a>(&mut self, lines: &'a Framer<'_>, frame: Frame) -> Line<'a> {
        let raw = lines.bytes(frame.start, frame.end);
        let text = std::str::from_utf8(raw).map_or_else(
            |_| {
                let position = || Position { line: Some(frame.line), column: None, path: None, byte: frame.start };
                self.remarks.note(&WINDOWS, position);
                WINDOWS_1252.decode_without_bom_handling(raw).0
            },
            Cow::Borrowed,
        );
        Line { frame, raw, text }
    }

    /// A row: a payment, or why it is none.
    fn row(&mut self, line: &Line<'_>, payment: Result<Payment<'_>, Box<Fault>>) -> Result<(), Stop> {
        self.ordinal += 1;
        let (start, end) = (line.frame.start, line.frame.end);
        match payment {
            Ok(payment) => {
                self.count(payment.currency, payment.amount, false);
                self.append(line, &payment);
                Ok(self.table.end_row(self.sink)?)
            }
            Err(fault) => {
                let Fault { finding, amount, currency } = *fault;
                self.rejected += 1;
                if let (Some(amount), Some(currency)) = (amount, currency.as_deref()) {
                    self.count(currency, amount, true);
                }
                let raw = line.raw.to_vec();
                let reject = Reject { ordinal: self.ordinal, start, end, finding, amount, currency, raw };
                let given = self.sink.reject(self.table.contract, reject);
                given.map_err(|error| Stop::Failed(ParseError::Sink(error)))
            }
        }
    }

    fn count(&mut self, currency: &str, amount: i128, rejected: bool) {
        let new = || Total { currency: currency.to_owned(), declared: None, read: 0, rejected: 0 };
        let total = self.totals.entry(currency.to_owned()).or_insert_with(new);
        let sum = if rejected { &mut total.rejected } else { &mut total.read };
        *sum = sum.saturating_add(amount);
    }

    fn append(&mut self, line: &Line<'_>, payment: &Payment<'_>) {
        let own = format!("swish:{}", payment.reference);
        let mut identity = if payment.reference.is_empty() { &payment.stand_in } else { &own }.clone();
        if !self.met.insert(self.keys.hash_one(&identity)) {
            self.remarks.note(&REPEATED, || line.position());
            identity = format!("{}:{}", payment.stand_in, self.ordinal);
        }
        let (to, columns) = (self.columns, &mut self.table.columns);
        columns.put_long(to.ordinal, signed(self.ordinal));
        columns.put_long(to.byte_start, signed(line.frame.start));
        columns.put_long(to.byte_end, signed(line.frame.end));
        columns.put_text(to.payment_id, &identity);
        columns.put_text(to.source_format, "swish");
        columns.put_text(to.kind, if payment.amount < 0 { "reversal" } else { "payment" });
        columns.put_text(to.receiver_account, &payment.account);
        columns.put_text(to.receiver_account_type, "bban");
        let day = NaiveDate::from_epoch_days(payment.booked_on).unwrap_or_default();
        columns.put_text(to.deposit_id, &format!("swish:{}:{}:{day}", payment.account, payment.payee_number));
        columns.put_text(to.deposit_account, &payment.account);
        columns.put_date(to.payment_date, payment.booked_on);
        columns.put_text(to.currency, payment.currency);
        columns.put_number(to.amount, payment.amount);
        // Merchants get the order's reference back; people write theirs in the message.
        let reference = [payment.order, payment.message].into_iter().find(|text| !text.is_empty());
        columns.put_some(to.reference, reference);
        columns.put_text(to.reference_quality, if reference.is_some() { "unchecked" } else { "none" });
        columns.put_text(to.channel, "swish");
        columns.put_text(to.bank_reference, payment.reference);
        if !payment.payer_number.is_empty() {
            columns.put_text(to.sender_account, payment.payer_number.trim_start_matches('+'));
            columns.put_text(to.sender_account_type, "mobile");
        }
        columns.put_flag(to.has_image, false);
        columns.put_text(to.messages, payment.message);
        columns.put_text(to.payer_name, payment.payer_name);
        columns.put_text(to.instruction_id, payment.instruction);
        columns.put_text(to.end_to_end_id, payment.end_to_end);
        columns.open(self.more_group);
        let to = self.more;
        columns.put_text(to.transaction_type, payment.kind);
        columns.put_text(to.payee_number, payment.payee_number);
        columns.put_text(to.order_reference, payment.order);
        if let Some(day) = payment.transaction_on {
            columns.put_date(to.transaction_date, day);
        }
        columns.put_text(to.time, payment.time);
        columns.put_text(to.bank, payment.bank);
    }

    fn summary(self) -> Summary {
        let totals = self.totals.into_values().collect();
        let remarks = self.remarks.into_findings();
        let summary = crate::xml::summary(Verdict::Accepted, self.ordinal, self.rejected, totals, remarks);
        Summary { declared_records: self.declared, ..summary }
    }
}

fn not_swish() -> Stop {
    let position = Position { line: Some(1), column: Some(1), path: None, byte: 0 };
    Stop::Refused(Box::new(Finding {
        code: "swish.not_swish",
        position,
        message: "this is no Swish report that is known: it begins neither with a record 01 (Handelsbanken) nor with \
                  the title of a Swish report (Swedbank)"
            .to_owned(),
        message_sv: "det här är ingen känd Swish-rapport: den börjar varken med en post 01 (Handelsbanken) eller med \
                     rubriken för en Swish-rapport (Swedbank)"
            .to_owned(),
    }))
}

/// An amount with this decimal mark, in the smallest unit.
fn amount(text: &str, decimal: char) -> Option<i128> {
    let text: String = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}')).collect();
    let text = match decimal {
        ',' if text.contains('.') => return None,
        ',' => text.replacen(',', ".", 1),
        _ => text,
    };
    let amount = money::parse_decimal(&text, 2)?;
    (amount.unsigned_abs() < 10_u128.pow(u32::from(money::PRECISION))).then_some(amount)
}

/// `YYYY-MM-DD`.
fn day(text: &str) -> Option<i32> {
    crate::columns::date(text).ok()
}

fn digits(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(char::is_ascii_digit).collect())
}

/// Offsets and counts of files are far below 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
