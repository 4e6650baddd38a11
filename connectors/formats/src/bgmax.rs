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

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;

use schemas::Contract;

use crate::fixed::{self, Encoding, Encodings, Frame, FrameError, Framer, Record, Remarks};
use crate::{Finding, ParseError, Position, Sink, Summary, Total, Verdict};
use deposit::{DepositKey, Section};
use rows::Rows;
use rules::{Stop, refuse};

/// Characters of a record.
const WIDTH: usize = 80;
/// The most that a deposit may weigh: its bytes, and [`LINE_WEIGHT`] for each line.
const MAX_DEPOSIT: u64 = 1 << 30;
/// What a line costs in memory beside its bytes, at most.
const LINE_WEIGHT: u64 = 64;
/// Lines of text that may stand before the first record: titles and rulers of example files.
const MAX_TITLE_LINES: usize = 20;
/// Types of unknown records that are told apart.
const MAX_UNKNOWN_TYPES: usize = 64;

/// Reads a BgMax file.
///
/// # Errors
/// When reading fails or the sink stops.
pub fn parse(input: &mut dyn Read, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
    let contract = schemas::contract("payment_in").map_err(|error| ParseError::Configuration(error.to_string()))?;
    let mut reading = Reading::new(contract, sink)?;
    let verdict = match reading.file(&mut Framer::new(input)) {
        Ok(()) => Verdict::Accepted,
        Err(Stop::Refused(finding)) => Verdict::Refused(*finding),
        Err(Stop::Failed(error)) => return Err(error),
    };
    Ok(reading.summary(verdict))
}

/// One file on its way through.
struct Reading<'s> {
    contract: &'static Contract,
    sink: &'s mut dyn Sink,
    rows: Rows,
    encodings: Encodings,
    remarks: Remarks,
    unknown: BTreeMap<[u8; 2], (Position, u64)>,
    test: Option<bool>,
    /// Rows so far, accepted and rejected.
    ordinal: u64,
    rejected: u64,
    declared: Option<u64>,
    totals: BTreeMap<String, Total>,
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
    fn new(contract: &'static Contract, sink: &'s mut dyn Sink) -> Result<Self, ParseError> {
        Ok(Self {
            contract,
            sink,
            rows: Rows::new(contract)?,
            encodings: Encodings::default(),
            remarks: Remarks::default(),
            unknown: BTreeMap::new(),
            test: None,
            ordinal: 0,
            rejected: 0,
            declared: None,
            totals: BTreeMap::new(),
            serials: HashSet::new(),
            deposits: HashMap::new(),
        })
    }

    fn file(&mut self, lines: &mut Framer<'_>) -> Result<(), Stop> {
        self.find_start(lines)?;
        loop {
            self.part(lines)?;
            let Some(frame) = self.next_filled(lines)? else { break };
            let bytes = without_mark(lines.bytes(frame.start, frame.end));
            if !is_start(bytes) {
                return Err(refuse(
                    "bgmax.after_end",
                    at(frame, 1),
                    "there is data after the end record (TK70)",
                    "det finns data efter slutposten (TK70)",
                ));
            }
            self.start(frame, lines)?;
            self.remarks.note(&rules::CONCATENATED, || at(frame, 1));
        }
        self.rows.flush(self.contract, self.sink)
    }

    /// Skips titles and rulers, then reads the start record.
    fn find_start(&mut self, lines: &mut Framer<'_>) -> Result<(), Stop> {
        for titles in 0.. {
            let frame = match self.next_filled(lines) {
                Ok(Some(frame)) if titles <= MAX_TITLE_LINES => frame,
                Ok(_) => break,
                Err(Stop::Refused(_)) => break,
                Err(failed) => return Err(failed),
            };
            let bytes = lines.bytes(frame.start, frame.end);
            if is_start(without_mark(bytes)) {
                return self.start(frame, lines);
            }
            if is_other_layout(bytes) {
                break;
            }
            if looks_like_a_record(bytes) {
                return Err(rules::out_of_order(
                    kind(bytes),
                    at(frame, 1),
                    "before the start record (TK01)",
                    "före startposten (TK01)",
                ));
            }
            self.remarks.note(&rules::TITLE, || at(frame, 1));
        }
        Err(refuse(
            "bgmax.not_bgmax",
            Position { line: Some(1), column: Some(1), path: None, byte: 0 },
            "this is no BgMax file: it does not begin with a start record (TK01) with the layout name BGMAX",
            "det här är ingen BgMax-fil: den börjar inte med en startpost (TK01) med layoutnamnet BGMAX",
        ))
    }

    /// TK01.
    fn start(&mut self, frame: Frame, lines: &Framer<'_>) -> Result<(), Stop> {
        let bytes = lines.bytes(frame.start, frame.end);
        let marked = bytes.len() - without_mark(bytes).len();
        if marked > 0 {
            self.encodings.found_byte_order_mark();
            self.remarks.note(&fixed::MARK_SKIPPED, || at(frame, 1));
        }
        let frame = Frame { start: frame.start + marked as u64, ..frame };
        let Some(record) = self.record(frame, &bytes[marked..]) else { return Ok(()) };
        if record.field(23, 24) != b"01" {
            return Err(refuse(
                "bgmax.version",
                record.position(23),
                "the version of the layout is not 01",
                "layoutens version är inte 01",
            ));
        }
        if !rules::is_timestamp(record.field(25, 44)) {
            self.remarks.note(&rules::TIMESTAMP, || record.position(25));
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
        if self.test.is_some_and(|earlier| earlier != test) {
            return Err(refuse(
                "bgmax.test_mixed",
                record.position(45),
                "test and production stand in one file",
                "test och produktion är blandade i en fil",
            ));
        }
        self.test = Some(test);
        Ok(())
    }

    /// The deposits and the end record after a start record.
    fn part(&mut self, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut counts = Counts::default();
        loop {
            let Some(frame) = self.next_known(lines)? else { return Err(truncated(lines, "TK70")) };
            let bytes = lines.bytes(frame.start, frame.end);
            match &kind(bytes) {
                b"05" => {
                    let Some(record) = self.record(frame, bytes) else { continue };
                    let section = Section::open(&record, &mut self.remarks)?;
                    self.section(section, lines, &mut counts)?;
                }
                b"70" if counts.deposits > 0 => {
                    let Some(record) = self.record(frame, bytes) else { continue };
                    return self.end(&record, &counts);
                }
                other => {
                    return Err(rules::out_of_order(
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
        let (begin, first_line) = (lines.offset(), lines.line() + 1);
        lines.keep_from(Some(begin));
        let closing = loop {
            let Some(frame) = next(lines)? else { return Err(truncated(lines, "TK15")) };
            match lines.bytes(frame.start, frame.end.min(frame.start + 2)) {
                b"15" => break frame,
                b"01" | b"05" | b"70" => {
                    return Err(refuse(
                        "bgmax.deposit_open",
                        at(frame, 1),
                        "the deposit before this record is not closed by TK15",
                        "insättningen före den här posten avslutas inte av TK15",
                    ));
                }
                _ => {}
            }
            if frame.end - begin + LINE_WEIGHT * (frame.line - first_line) > MAX_DEPOSIT {
                return Err(refuse(
                    "bgmax.deposit_size",
                    at(frame, 1),
                    "the deposit is larger than can be kept in memory (1 GiB)",
                    "insättningen är större än vad som ryms i minnet (1 GiB)",
                ));
            }
        };
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
            let declared = rules::number(record, from, from + 7, &mut self.remarks);
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
        self.declared = Some(self.declared.unwrap_or_default() + rows);
        Ok(())
    }

    fn record<'a>(&mut self, frame: Frame, bytes: &'a [u8]) -> Option<Record<'a>> {
        Record::read(frame, bytes, Encoding::Latin1, WIDTH, &mut self.remarks)
    }

    /// The next line that is not blank.
    fn next_filled(&mut self, lines: &mut Framer<'_>) -> Result<Option<Frame>, Stop> {
        while let Some(frame) = next(lines)? {
            let bytes = lines.bytes(frame.start, frame.end);
            let end_marks = bytes.iter().take_while(|byte| **byte == 0x1a).count();
            if fixed::is_blank(bytes) {
                self.record(frame, bytes);
            } else if end_marks > 0 {
                self.remarks.note(&fixed::CTRL_Z_SKIPPED, || at(frame, 1));
                return Ok(Some(Frame { start: frame.start + end_marks as u64, ..frame }));
            } else {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// The next record of a known type.
    fn next_known(&mut self, lines: &mut Framer<'_>) -> Result<Option<Frame>, Stop> {
        while let Some(frame) = self.next_filled(lines)? {
            let kind = kind(lines.bytes(frame.start, frame.end));
            if is_known(kind) {
                return Ok(Some(frame));
            }
            self.skip_unknown(kind, frame);
        }
        Ok(None)
    }

    fn skip_unknown(&mut self, kind: [u8; 2], frame: Frame) {
        let kind =
            if self.unknown.len() < MAX_UNKNOWN_TYPES || self.unknown.contains_key(&kind) { kind } else { *b".." };
        self.unknown.entry(kind).or_insert_with(|| (at(frame, 1), 0)).1 += 1;
    }

    fn total(&mut self, currency: &str) -> &mut Total {
        let none = || Total { currency: currency.to_owned(), declared: None, read: 0, rejected: 0 };
        self.totals.entry(currency.to_owned()).or_insert_with(none)
    }

    fn summary(self, verdict: Verdict) -> Summary {
        let mut remarks = self.remarks.into_findings();
        remarks.extend(self.unknown.into_iter().map(|(kind, (position, count))| rules::unknown(kind, position, count)));
        Summary {
            verdict,
            test: self.test.unwrap_or(false),
            declared_records: self.declared,
            read_records: self.ordinal,
            rejected_records: self.rejected,
            totals: self.totals.into_values().collect(),
            remarks,
            extracted_on: None,
        }
    }
}

/// The next line, where a line that no record can have refuses the file.
fn next(lines: &mut Framer<'_>) -> Result<Option<Frame>, Stop> {
    lines.next().map_err(|error| match error {
        FrameError::Read(error) => Stop::Failed(ParseError::Read(error)),
        FrameError::TooLong(frame) => refuse(
            "bgmax.line_length",
            at(frame, WIDTH + 1),
            &format!("the line is longer than {} bytes", fixed::MAX_LINE),
            &format!("raden är längre än {} byte", fixed::MAX_LINE),
        ),
    })
}

fn truncated(lines: &Framer<'_>, missing: &str) -> Stop {
    let position = Position { line: Some(lines.line()), column: None, path: None, byte: lines.offset() };
    refuse(
        "bgmax.truncated",
        position,
        &format!("the file ends before {missing}: it is not complete"),
        &format!("filen slutar före {missing}: den är inte komplett"),
    )
}

fn at(frame: Frame, column: usize) -> Position {
    let byte = (frame.start + column as u64 - 1).min(frame.end);
    Position { line: Some(frame.line), column: u32::try_from(column).ok(), path: None, byte }
}

fn kind(bytes: &[u8]) -> [u8; 2] {
    [bytes.first().copied().unwrap_or(b' '), bytes.get(1).copied().unwrap_or(b' ')]
}

const fn is_known(kind: [u8; 2]) -> bool {
    matches!(
        &kind,
        b"01" | b"05" | b"15" | b"20" | b"21" | b"22" | b"23" | b"25" | b"26" | b"27" | b"28" | b"29" | b"70"
    )
}

fn is_start(bytes: &[u8]) -> bool {
    bytes.starts_with(b"01BGMAX ")
}

/// True for the start record of another of Bankgirot's layouts, such as AUTOGIRO.
fn is_other_layout(bytes: &[u8]) -> bool {
    bytes.starts_with(b"01") && bytes.get(2).is_some_and(u8::is_ascii_uppercase)
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(fixed::BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// True for a line that is a record and no title: a known type and numbers after it.
fn looks_like_a_record(bytes: &[u8]) -> bool {
    matches!(&kind(bytes), b"05" | b"15" | b"20" | b"21" | b"22" | b"23" | b"70")
        && bytes.get(2..10).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

/// A finding that the parser builds from parts.
fn finding(code: &'static str, position: Position, message: &str, message_sv: &str) -> Finding {
    Finding { code, position, message: message.to_owned(), message_sv: message_sv.to_owned() }
}
