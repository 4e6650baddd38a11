//! Total IN and Total IN Bas: payments to plusgiro accounts (*Total IN / Total IN Bas, Record descriptions*, version
//! 1.10, October 2013).
//!
//! ```text
//! file     = 00 account+ 99                          account  = 10 payment* 90
//! payment  = (20 | 25) (30 | 40 | 50 | 51 | 52 | 60 | 61 | 62 | 63 | 70)*
//! ```
//!
//! One row of `payment_in` is a 20 or a 25 (deduction) with the records after it. What this reader decides where the
//! description is silent:
//!
//! - **Refused**: another grammar; a count, sum or number of lines that is not what the records give; an amount that
//!   cannot be read; an account without number, date or currency.
//! - **Rejected**: a deduction with a code outside the description, a payment with more than 10 000 references or texts.
//! - **Remarked**: a serial number that stands twice, a rate that does not lead from one amount to the other.
//! - A payment's identity is its account, the date and its serial number; where that is blank or stands on an earlier
//!   payment of the file, it is the deposit and the number of the payment in it.
//! - The reference of the booking on the account statement stands in the last record of an account, so its bytes are
//!   kept until then (1 GiB at most, then the file is refused).

mod payment;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::io::Read;

use crate::fixed::{
    Collected, Dialect, Framer, Look, Record, Scan, Section, Stop, Tally, date8, dialect, digits, kind, number, refuse,
    significant_digits,
};
use crate::rows::PaymentIn;
use crate::table::Table;
use crate::{ParseError, Sink, Summary};

/// Characters of a record.
const WIDTH: usize = 80;

static DIALECT: Dialect = dialect!(
    "totalin",
    width: WIDTH,
    start: (
        "an opening record (00) with the layout name TOTALIN",
        "en öppningspost (00) med layoutnamnet TOTALIN"
    ),
    is_known: is_known
);

static ACCOUNT: Section = Section {
    closing: *b"90",
    breaking: &[*b"00", *b"10", *b"99"],
    open: "totalin.account_open",
    size: "totalin.account_size",
};

/// Reads a Total IN file.
///
/// # Errors
/// When reading fails or the sink stops.
pub fn parse(input: &mut dyn Read, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
    let (table, columns) = PaymentIn::table()?;
    let mut reading = Reading {
        sink,
        scan: Scan::new(&DIALECT, &[]),
        tally: Tally::default(),
        table,
        columns,
        serials: HashSet::new(),
        deposits: HashMap::new(),
        lines: 0,
    };
    let read = reading.file(&mut Framer::new(input));
    reading.tally.summary(read, reading.scan)
}

/// One file on its way through.
struct Reading<'s> {
    sink: &'s mut dyn Sink,
    scan: Scan<'static>,
    tally: Tally,
    table: Table,
    columns: PaymentIn,
    /// Serial numbers that were read. Hashed with a random key, so that no input can make it slow.
    serials: HashSet<u64>,
    deposits: HashMap<String, u32>,
    /// Lines of the part that are not blank.
    lines: u64,
}

/// What is common to the payments of an account.
struct Account {
    number: String,
    kind: &'static str,
    currency: String,
    /// Days since 1970-01-01.
    date: i32,
    /// `YYYYMMDD`.
    day: String,
    deposit: String,
    statement_reference: Option<String>,
    file_identity: String,
    sum: i128,
    count: u64,
}

impl Reading<'_> {
    fn file(&mut self, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut start = Some(self.scan.find_start(lines, look)?);
        while let Some(frame) = start {
            self.lines = 1;
            let identity = {
                let record = self.scan.record(frame, lines)?;
                self.start(&record)?
            };
            self.part(&identity, lines)?;
            start = self.scan.next_concatenated(lines, look)?;
        }
        Ok(self.table.flush(self.sink)?)
    }

    /// Record 00: the identity of the file.
    fn start(&mut self, record: &Record<'_>) -> Result<String, Stop> {
        let test = record.field(40, 49).starts_with(b"TOTALIN-T");
        if self.tally.test.is_some_and(|earlier| earlier != test) {
            return Err(refuse(
                "totalin.test_mixed",
                record.position(40),
                "test and production stand in one file",
                "test och produktion är blandade i en fil",
            ));
        }
        self.tally.test = Some(test);
        if date8(record.field(15, 22)).is_none() {
            self.scan.remarks.note(&rules::TIMESTAMP, || record.position(15));
        }
        Ok(record.text(3, 14).unwrap_or_default().into_owned())
    }

    /// The accounts and the end record after an opening record.
    fn part(&mut self, identity: &str, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut accounts = 0;
        loop {
            let Some(frame) = self.scan.next_filled(lines)? else { return Err(self.scan.truncated(lines, "99")) };
            self.lines += 1;
            let kind = kind(lines.bytes(frame.start, frame.end));
            if !is_known(kind) {
                self.scan.skip_unknown(kind, frame);
                continue;
            }
            match &kind {
                b"10" => {
                    let account = {
                        let record = self.scan.record(frame, lines)?;
                        self.account(&record, identity)?
                    };
                    self.section(account, lines)?;
                    accounts += 1;
                }
                b"99" if accounts > 0 => {
                    let record = self.scan.record(frame, lines)?;
                    return self.end(&record);
                }
                _ => {
                    return Err(self.scan.out_of_order(
                        kind,
                        crate::fixed::at(frame, 1),
                        "where an account (10) or the end (99) should stand",
                        "där ett konto (10) eller slutposten (99) ska stå",
                    ));
                }
            }
        }
    }

    /// Record 10.
    fn account(&mut self, record: &Record<'_>, identity: &str) -> Result<Account, Stop> {
        let wrong =
            |code, column, english: &str, swedish: &str| refuse(code, record.position(column), english, swedish);
        let Some(number) = record.text(3, 38).map(|text| text.trim_start_matches('0').to_owned()) else {
            return Err(wrong(
                "totalin.account",
                3,
                "the receiving account (10) is missing",
                "mottagarens konto (10) saknas",
            ));
        };
        let currency = record.field(39, 41);
        if currency.len() != 3 || !currency.iter().all(u8::is_ascii_uppercase) {
            return Err(wrong(
                "totalin.currency",
                39,
                "the currency of the account (10) is no three letters",
                "kontots valuta (10) är inte tre bokstäver",
            ));
        }
        let Some(date) = date8(record.field(42, 49)) else {
            return Err(wrong(
                "totalin.date",
                42,
                "the date of the account (10) is no date",
                "kontots datum (10) är inget datum",
            ));
        };
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let kind = match number.len() {
            2..=8 if is_number => "plusgiro",
            _ if number.starts_with(|first: char| first.is_ascii_uppercase()) => "iban",
            _ => "bban",
        };
        if kind == "plusgiro" && !schemas::reference::luhn_valid(&number) {
            self.scan.remarks.note(&rules::ACCOUNT_CHECK_DIGIT, || record.position(3));
        }
        Ok(Account {
            deposit: String::new(),
            day: String::from_utf8_lossy(record.field(42, 49)).into_owned(),
            currency: String::from_utf8_lossy(currency).into_owned(),
            statement_reference: None,
            file_identity: identity.to_owned(),
            number,
            kind,
            date,
            sum: 0,
            count: 0,
        })
    }

    /// Collects an account's lines up to 90, then reads them.
    fn section(&mut self, mut account: Account, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let Collected { start, line, closing } = self.scan.collect(lines, &ACCOUNT)?;
        let bytes = lines.bytes(start, closing.start);
        let record = self.scan.record(closing, lines)?;
        let Some(count) = number(&record, 3, 10, &mut self.scan.remarks) else {
            return Err(refuse(
                "totalin.count",
                record.position(3),
                "the number of payments of the account (90) cannot be read",
                "kontots antal betalningar (90) går inte att läsa",
            ));
        };
        let Some(sum) = number(&record, 11, 27, &mut self.scan.remarks).map(i128::from) else {
            return Err(refuse(
                "totalin.sum",
                record.position(11),
                "the sum of the account (90) cannot be read",
                "kontots summa (90) går inte att läsa",
            ));
        };
        (account.count, account.sum) = (count, sum);
        account.statement_reference = record.text(28, 38).map(|text| text.into_owned());
        let reference = account.statement_reference.as_deref().unwrap_or_default();
        let id = format!("totalin:{}:{}:{reference}", account.number, account.day);
        let times = self.deposits.entry(id.clone()).or_default();
        *times += 1;
        account.deposit = if *times > 1 { format!("{id}-{times}") } else { id };
        if *times > 1 {
            self.scan.remarks.note(&rules::ACCOUNT_REPEATED, || record.position(28));
        }
        self.lines += 1;
        self.payments(&account, bytes, start, line, &record)?;
        self.tally.declare(count);
        self.tally.declare_amount(&account.currency, sum);
        lines.keep_from(None);
        Ok(())
    }

    /// Record 99.
    fn end(&mut self, record: &Record<'_>) -> Result<(), Stop> {
        let declared = number(record, 3, 17, &mut self.scan.remarks);
        let read = self.lines;
        if declared == Some(read) {
            return Ok(());
        }
        let text = declared.map(|declared| declared.to_string());
        let (english, swedish) = (text.as_deref().unwrap_or("unreadable"), text.as_deref().unwrap_or("oläsligt"));
        Err(refuse(
            "totalin.line_count",
            record.position(3),
            &format!("the end record (99) says {english} lines, the file has {read}"),
            &format!("slutposten (99) anger {swedish} rader, filen har {read}"),
        ))
    }
}

/// A number without zeros before it, and blank for none.
fn giro<'r>(record: &'r Record<'_>, from: usize, to: usize) -> Option<&'r str> {
    significant_digits(record.field(from, to))
}

/// What a line is before the opening record.
fn look(bytes: &[u8]) -> Look {
    let is_number = |from: usize, to: usize| bytes.get(from..to).and_then(digits).is_some();
    match &kind(bytes) {
        b"00" if bytes.get(36..46).is_some_and(|layout| layout.starts_with(b"TL1TOTALIN")) => Look::Start,
        b"20" | b"25" if is_number(37, 52) => Look::Record,
        b"10" | b"90" if is_number(2, 10) => Look::Record,
        b"01" if bytes.get(2).is_some_and(u8::is_ascii_uppercase) => Look::Other,
        _ => Look::Title,
    }
}

const fn is_known(kind: [u8; 2]) -> bool {
    matches!(
        &kind,
        b"00"
            | b"10"
            | b"20"
            | b"25"
            | b"30"
            | b"40"
            | b"50"
            | b"51"
            | b"52"
            | b"60"
            | b"61"
            | b"62"
            | b"63"
            | b"70"
            | b"90"
            | b"99"
    )
}
