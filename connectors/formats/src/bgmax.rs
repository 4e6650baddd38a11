//! BgMax: the payments that Bankgirot delivers to a creditor (*Bankgiro Inbetalningar, Teknisk manual*, 2019).
//!
//! ```text
//! file     = part+                                  part     = TK01 deposit+ TK70
//! deposit  = TK05 payment+ TK15                     payment  = (TK20|TK21) (TK22|TK23)* TK25* TK26? TK27? TK28? TK29?
//! ```
//!
//! One row of `payment_in` is a TK20 or TK21 with the records after it. Unknown record types are skipped and counted,
//! as the manual asks. What this reader decides where the manual is silent:
//!
//! - **Refused**, because then nothing proves that the file is whole: another grammar, a count or a sum that is not
//!   what the records give, an amount of TK20 or TK21 that cannot be read, a deposit without account, date or
//!   currency, a part whose test flag is neither `T` nor `P`. Sums are checked with the rejected payments in them.
//! - **Rejected**, because its amount is known but it cannot be trusted: a payment with a code outside the manual,
//!   references that do not add up (*utökad blankettregistrering*) or name another payment, more than 90 TK25.
//! - **Remarked**: what occurs in correct deliveries of real banks and changes no money, such as a giro number with a
//!   wrong check digit, and every tolerance of the layer for fixed-width lines.
//! - Several complete parts in one file are read one after the other: files are concatenated on the way. Anything
//!   else after TK70 that is not blank refuses the file. All parts must agree on being a test.
//! - Identity. A payment is `bgmax:` and its BGC serial number. Where the bank gives none (Autogiro) or has used it
//!   before in the file, it is the deposit and the number of the payment in it, which a later delivery of the same
//!   deposit repeats. A deposit is `bgmax:`, its account, year and serial number; without a number, a digest of its
//!   content. A deposit that stands twice in a file, with the same account, year, number, date, sum and count, was
//!   delivered twice: the second time its payments are rejected, never counted again.
//! - References of a payment have amounts only under extended registration: where all are zero, they are null.
//!
//! The date of a payment stands in the last record of its deposit, so a deposit's bytes are kept until then (1 GiB
//! at most, then the file is refused). Beyond that, each payment's serial number is remembered, in some ten bytes, to
//! tell repeated ones.

mod deposit;
mod payment;
mod rows;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::io::Read;

use crate::fixed::{
    self, Collected, Dialect, Encoding, Frame, Framer, Look, Record, Scan, Stop, Tally, at, dialect, kind, number,
    refuse,
};
use crate::rows::PaymentIn;
use crate::table::Table;
use crate::{ParseError, Sink, Summary};
use deposit::{DepositKey, Section};
use payment::ReferenceFacts;

/// Characters of a record.
const WIDTH: usize = 80;
static DEPOSIT: fixed::Section = fixed::Section {
    closing: *b"15",
    breaking: &[*b"01", *b"05", *b"70"],
    open: "bgmax.deposit_open",
    size: "bgmax.deposit_size",
};

static DIALECT: Dialect = dialect!(
    "bgmax",
    width: WIDTH,
    start: (
        "a start record (TK01) with the layout name BGMAX",
        "en startpost (TK01) med layoutnamnet BGMAX"
    ),
    is_known: is_known
);

/// Reads a BgMax file.
///
/// # Errors
/// When reading fails or the sink stops.
pub fn parse(input: &mut dyn Read, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
    let mut reading = Reading::new(sink)?;
    let read = reading.file(&mut Framer::new(input));
    reading.tally.summary(read, reading.scan)
}

/// One file on its way through.
struct Reading<'s> {
    sink: &'s mut dyn Sink,
    table: Table,
    columns: PaymentIn,
    /// Room for one payment's references, kept to be used again.
    reference_facts: Vec<ReferenceFacts>,
    scan: Scan<'static>,
    tally: Tally,
    /// BGC serial numbers that were read. Hashed with a random key, so that no input can make it slow.
    serials: HashSet<u64>,
    deposits: HashMap<DepositKey, u32>,
}

/// What a part has, to be compared with its TK70.
#[derive(Default)]
struct Counts {
    payments: u64,
    deductions: u64,
    references: u64,
    deposits: u64,
}

impl<'s> Reading<'s> {
    fn new(sink: &'s mut dyn Sink) -> Result<Self, ParseError> {
        let (table, columns) = PaymentIn::table()?;
        Ok(Self {
            sink,
            table,
            columns,
            reference_facts: Vec::new(),
            scan: Scan::new(&DIALECT, &[]),
            tally: Tally::default(),
            serials: HashSet::new(),
            deposits: HashMap::new(),
        })
    }

    fn file(&mut self, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut start = Some(self.scan.find_start(lines, look)?);
        while let Some(frame) = start {
            self.start(frame, lines)?;
            self.part(lines)?;
            start = self.scan.next_concatenated(lines, look)?;
        }
        Ok(self.table.flush(self.sink)?)
    }

    /// TK01.
    fn start(&mut self, frame: Frame, lines: &Framer<'_>) -> Result<(), Stop> {
        let record = self.scan.record(frame, lines)?;
        if record.field(23, 24) != b"01" {
            return Err(refuse(
                "bgmax.version",
                record.position(23),
                "the version of the layout is not 01",
                "layoutens version är inte 01",
            ));
        }
        if !rules::is_timestamp(record.field(25, 44)) {
            self.scan.remarks.note(&rules::TIMESTAMP, || record.position(25));
        }
        let test = match record.character(45) {
            b'T' => true,
            b'P' => false,
            _ => {
                return Err(refuse(
                    "bgmax.test_flag",
                    record.position(45),
                    "the file says neither that it is a test (T) nor that it is production (P)",
                    "filen anger varken test (T) eller produktion (P)",
                ));
            }
        };
        if self.tally.test.is_some_and(|earlier| earlier != test) {
            return Err(refuse(
                "bgmax.test_mixed",
                record.position(45),
                "test and production stand in one file",
                "test och produktion är blandade i en fil",
            ));
        }
        self.tally.test = Some(test);
        Ok(())
    }

    /// The deposits and the end record after a start record.
    fn part(&mut self, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut counts = Counts::default();
        loop {
            let Some(frame) = self.scan.next_known(lines)? else { return Err(self.scan.truncated(lines, "TK70")) };
            let bytes = lines.bytes(frame.start, frame.end);
            match &kind(bytes) {
                b"05" => {
                    let Some(record) = self.record(frame, bytes) else { continue };
                    let section = Section::open(&record, &mut self.scan.remarks)?;
                    self.section(section, lines, &mut counts)?;
                }
                b"70" if counts.deposits > 0 => {
                    let Some(record) = self.record(frame, bytes) else { continue };
                    return self.end(&record, &counts);
                }
                other => {
                    return Err(self.scan.out_of_order(
                        *other,
                        at(frame, 1),
                        "where a deposit (TK05) or the end (TK70) should stand",
                        "där en insättning (TK05) eller slutposten (TK70) ska stå",
                    ));
                }
            }
        }
    }

    /// Collects a deposit's lines up to TK15, then reads them.
    fn section(&mut self, section: Section, lines: &mut Framer<'_>, counts: &mut Counts) -> Result<(), Stop> {
        let Collected { start: begin, line: first_line, closing } = self.scan.collect(lines, &DEPOSIT)?;
        let Some(record) = self.record(closing, lines.bytes(closing.start, closing.end)) else { return Ok(()) };
        let bytes = lines.bytes(begin, closing.start);
        let deposit = self.deposit(&section, &record, bytes)?;
        self.payments(&deposit, bytes, begin, first_line, &record, counts)?;
        counts.deposits += 1;
        lines.keep_from(None);
        Ok(())
    }

    /// TK70.
    fn end(&mut self, record: &Record<'_>, counts: &Counts) -> Result<(), Stop> {
        let fields = [
            ("bgmax.payment_count", 3, counts.payments, "payments (TK20)", "betalningar (TK20)"),
            ("bgmax.deduction_count", 11, counts.deductions, "deductions (TK21)", "avdrag (TK21)"),
            ("bgmax.reference_count", 19, counts.references, "references (TK22, TK23)", "referenser (TK22, TK23)"),
            ("bgmax.deposit_count", 27, counts.deposits, "deposits (TK15)", "insättningar (TK15)"),
        ];
        for (code, from, read, english, swedish) in fields {
            let declared = number(record, from, from + 7, &mut self.scan.remarks);
            if declared != Some(read) {
                let (declared, declared_sv) = rules::or_unreadable(declared);
                return Err(refuse(
                    code,
                    record.position(from),
                    &format!("the end record (TK70) says {declared} {english}, the file has {read}"),
                    &format!("slutposten (TK70) anger {declared_sv} {swedish}, filen har {read}"),
                ));
            }
        }
        let rows = counts.payments + counts.deductions;
        self.tally.declare(rows);
        Ok(())
    }

    fn record<'a>(&mut self, frame: Frame, bytes: &'a [u8]) -> Option<Record<'a>> {
        Record::read(frame, bytes, Encoding::Latin1, WIDTH, &mut self.scan.remarks)
    }
}

const fn is_known(kind: [u8; 2]) -> bool {
    matches!(
        &kind,
        b"01" | b"05" | b"15" | b"20" | b"21" | b"22" | b"23" | b"25" | b"26" | b"27" | b"28" | b"29" | b"70"
    )
}

/// What a line is before the start record.
fn look(bytes: &[u8]) -> Look {
    if bytes.starts_with(b"01BGMAX ") {
        Look::Start
    } else if bytes.starts_with(b"01") && bytes.get(2).is_some_and(u8::is_ascii_uppercase) {
        // Another of Bankgirot's layouts, such as AUTOGIRO.
        Look::Other
    } else if looks_like_a_record(bytes) {
        Look::Record
    } else {
        Look::Title
    }
}

/// True for a line that is a record and no title: a known type and numbers after it.
fn looks_like_a_record(bytes: &[u8]) -> bool {
    matches!(&kind(bytes), b"05" | b"15" | b"20" | b"21" | b"22" | b"23" | b"70")
        && bytes.get(2..10).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}
