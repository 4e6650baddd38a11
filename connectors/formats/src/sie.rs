//! SIE 1 to 4: the general ledger as Swedish ledgers export it, and vouchers as sub-systems send them.
//! (*SIE filformat*, version 4B; SIE-Gruppen.)
//!
//! ```text
//! file = record+      record = #LABEL field*      voucher = #VER field* "{" (#TRANS | #RTRANS | #BTRANS)* "}"
//! ```
//!
//! Two kinds of files look alike. An *export* (types 1 to 4E) is what the ledger holds: its rows are
//! `ledger_transaction` and its balances `account_balance`. An *import file* (4I) is vouchers on their way into a
//! ledger: its rows are `voucher_row`. Which is wanted is said by the name of the format; a file of the other kind is
//! refused, because one read as the other would stand for the whole ledger, or be booked twice.
//!
//! What this reader decides where the standard is silent or the world differs from it:
//!
//! - **Text** should be CP437 ("PC8"). What a file holds is seen from its first line that is not ASCII, never from
//!   `#FORMAT`: UTF-8 where it is valid, else the code page in which its letters are Swedish.
//! - **Refused**: no SIE file; a checksum (`#KSUMMA`) that is opened and not closed, or wrong; braces out of place;
//!   an export without a date (`#OMFATTN`, else `#GEN`); the other kind of file.
//! - **Rejected**: all rows of a voucher that does not sum to zero, or has a row or date that cannot be read; a
//!   balance that cannot be read.
//! - `#RTRANS` is a row that was added: the `#TRANS` that must follow it is read. `#BTRANS` was removed and is counted.
//! - A voucher is its series and number. Where it has no number yet, it is its place in the file; where another one
//!   has the same, that is remarked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;

use chrono::NaiveDate;

use crate::fixed::{self, FrameError, Framer, Remarks};
use crate::{Finding, ParseError, Position, Sink, Summary, Verdict};

use self::checksum::Checksum;
use self::rows::Rows;
use self::rules::Stop;
use self::text::{Line, Text};
use self::voucher::Voucher;

mod balance;
mod checksum;
mod header;
mod rows;
mod rules;
#[cfg(test)]
mod tests;
mod text;
mod voucher;

/// Which kind of file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What a ledger holds: types 1 to 4E.
    Export,
    /// Vouchers for a ledger: type 4I.
    Import,
}

/// Labels told apart when they are unknown.
const MOST_UNKNOWN: usize = 64;

/// Reads an SIE file.
///
/// # Errors
/// When reading fails or the sink stops. A file that is wrong is no error: see [`Verdict`].
pub fn parse(kind: Kind, input: &mut dyn Read, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
    let mut reading = Reading::new(kind, sink)?;
    let verdict = match reading.file(&mut Framer::new(input)) {
        Ok(()) => Verdict::Accepted,
        Err(Stop::Refused(finding)) => Verdict::Refused(*finding),
        Err(Stop::Failed(error)) => return Err(error),
    };
    Ok(reading.summary(verdict))
}

/// One file on its way through.
struct Reading<'s> {
    kind: Kind,
    sink: &'s mut dyn Sink,
    rows: Rows,
    text: Text,
    checksum: Checksum,
    remarks: Remarks,
    unknown: BTreeMap<String, (Position, u64)>,
    header: Header,
    /// Rows so far, accepted and rejected.
    ordinal: u64,
    rejected: u64,
    sums: BTreeMap<String, (i128, i128)>,
    voucher: Option<Voucher>,
    vouchers: u64,
    /// Numbers of vouchers that were read. Hashed with a random key, so that no input can make it slow.
    numbers: HashSet<u64>,
    hashes: std::collections::hash_map::RandomState,
    has_balances: bool,
}

/// What the file says of itself.
#[derive(Debug, Default)]
struct Header {
    /// A record has been seen.
    begun: bool,
    type_number: Option<u8>,
    company: String,
    currency: Option<String>,
    made_on: Option<NaiveDate>,
    until: Option<NaiveDate>,
    program: String,
    years: BTreeMap<i32, (NaiveDate, NaiveDate)>,
    names: HashMap<String, String>,
    types: HashMap<String, String>,
}

impl Header {
    fn currency(&self) -> &str {
        self.currency.as_deref().unwrap_or("SEK")
    }

    /// Business date of an export.
    fn extracted_on(&self) -> Option<NaiveDate> {
        self.until.or(self.made_on)
    }
}

impl<'s> Reading<'s> {
    fn new(kind: Kind, sink: &'s mut dyn Sink) -> Result<Self, ParseError> {
        Ok(Self {
            kind,
            sink,
            rows: Rows::new()?,
            text: Text::default(),
            checksum: Checksum::default(),
            remarks: Remarks::default(),
            unknown: BTreeMap::new(),
            header: Header::default(),
            ordinal: 0,
            rejected: 0,
            sums: BTreeMap::new(),
            voucher: None,
            vouchers: 0,
            numbers: HashSet::new(),
            hashes: std::collections::hash_map::RandomState::new(),
            has_balances: false,
        })
    }

    fn file(&mut self, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut line = Line::default();
        while let Some(frame) = lines.next().map_err(|error| self.unreadable(error))? {
            let mut bytes = lines.bytes(frame.start, frame.end);
            if frame.start == 0 && bytes.starts_with(fixed::BYTE_ORDER_MARK) {
                bytes = &bytes[fixed::BYTE_ORDER_MARK.len()..];
                self.remarks.note(&fixed::MARK_SKIPPED, || rules::at(frame.start, frame.line));
            }
            if bytes.contains(&0x1a) {
                self.remarks.note(&fixed::CTRL_Z_SKIPPED, || rules::at(frame.start, frame.line));
            }
            if fixed::is_blank(bytes) {
                continue;
            }
            let bytes = bytes.strip_suffix(b"\x1a").unwrap_or(bytes);
            line.read(frame, bytes, &mut self.text, &mut self.remarks);
            self.record(&line, bytes)?;
        }
        self.end()
    }

    fn record(&mut self, line: &Line, raw: &[u8]) -> Result<(), Stop> {
        let label = line.label();
        if !self.header.begun {
            if !label.starts_with('#') {
                return Err(line.refuse(
                    "sie.not_sie",
                    "this is no SIE file: it does not begin with a record (#)",
                    "det här är ingen SIE-fil: den börjar inte med en post (#)",
                ));
            }
            self.header.begun = true;
            if label != "#FLAGGA" {
                self.remarks.note(&rules::FLAG_MISSING, || line.position(0));
            }
        }
        self.checksum.add(line, raw, label == "#KSUMMA")?;
        match label {
            "{" => self.open_voucher(line),
            "}" => self.close_voucher(line),
            "#TRANS" | "#RTRANS" | "#BTRANS" => self.row(line, raw),
            "#VER" => self.begin_voucher(line, raw),
            _ if self.voucher.is_some() => Err(rules::voucher_open(line)),
            "#IB" | "#UB" | "#RES" | "#OIB" | "#OUB" | "#PSALDO" | "#PBUDGET" => self.balance(line, raw),
            _ => self.head(line),
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        if !self.header.begun {
            return Err(Stop::Refused(Box::new(rules::finding(
                "sie.not_sie",
                rules::at(0, 1),
                "this is no SIE file: it is empty",
                "det här är ingen SIE-fil: den är tom",
            ))));
        }
        if let Some(voucher) = &self.voucher {
            return Err(rules::refuse(
                "sie.voucher_open",
                voucher.position.clone(),
                "the file ends before this voucher is closed",
                "filen tar slut innan den här verifikationen avslutas",
            ));
        }
        self.checksum.end()?;
        let other = match self.kind {
            Kind::Export if self.vouchers > 0 && !self.has_balances => Some((
                "sie.import_file",
                "the file has vouchers and no balances: it is an import file (4I), not what a ledger holds",
                "filen har verifikationer men inga saldon: den är en importfil (4I), inte en redovisning",
            )),
            Kind::Import if self.has_balances => Some((
                "sie.export_file",
                "the file has balances: it is what a ledger holds (an export), not vouchers on their way into one",
                "filen har saldon: den är en export ur en redovisning, inte verifikationer på väg in i en",
            )),
            _ => None,
        };
        if let Some((code, english, swedish)) = other {
            return Err(rules::refuse(code, rules::at(0, 1), english, swedish));
        }
        self.rows.flush(self.sink)?;
        Ok(())
    }

    fn unreadable(&self, error: FrameError) -> Stop {
        match error {
            FrameError::Read(error) => Stop::Failed(error.into()),
            FrameError::TooLong(frame) => rules::refuse(
                if self.header.begun { "sie.line_length" } else { "sie.not_sie" },
                rules::at(frame.start, frame.line),
                "a line is longer than any record of a ledger",
                "en rad är längre än någon post i en redovisning",
            ),
        }
    }

    fn summary(self, verdict: Verdict) -> Summary {
        if let Verdict::Refused(finding) = verdict {
            return crate::xml::refused(finding);
        }
        let mut remarks = self.remarks.into_findings();
        remarks.extend(self.unknown.into_iter().map(|(label, (position, count))| unknown(&label, position, count)));
        let total = |(currency, (read, rejected))| crate::Total { currency, declared: None, read, rejected };
        Summary {
            verdict,
            test: false,
            declared_records: None,
            read_records: self.ordinal,
            rejected_records: self.rejected,
            totals: self.sums.into_iter().map(total).collect(),
            remarks,
            extracted_on: self.header.extracted_on().filter(|_| self.kind == Kind::Export),
        }
    }
}

fn unknown(label: &str, position: Position, count: u64) -> Finding {
    rules::finding(
        "sie.unknown_record",
        position,
        &format!("records of the unknown type {label} were skipped ({count})"),
        &format!("Poster av den okända typen {label} hoppades över ({count})"),
    )
}
