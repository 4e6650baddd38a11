//! Reading a file record by record: what every fixed-width format does the same way.
//!
//! A [`Dialect`] says what a format's lines are; a [`Scan`] takes lines from a [`Framer`], passes over blank ones,
//! titles and unknown record types, takes off the seal around a file, and remembers what it tolerated. What a record
//! means and which may follow which is the format's own business.

use std::collections::BTreeMap;

use super::seal::{self, Seal, SealKey};
use super::{
    BYTE_ORDER_MARK, CTRL_Z_SKIPPED, Encoding, Encodings, Frame, FrameError, Framer, MARK_SKIPPED, MAX_LINE, Record,
    Remark, Remarks, UTF_8, is_blank,
};
use crate::{Finding, ParseError, Position};

/// Lines of text that may stand before the first record: titles and rulers of example files.
const MAX_TITLE_LINES: usize = 20;
/// The most that a section may weigh: its bytes, and [`LINE_WEIGHT`] for each line.
const MAX_SECTION: u64 = 1 << 30;
/// What a line costs in memory beside its bytes, at most.
const LINE_WEIGHT: u64 = 64;
/// Types of unknown records that are told apart.
const MAX_UNKNOWN_TYPES: usize = 64;

/// Why reading stops before the end of the file.
pub(crate) enum Stop {
    Refused(Box<Finding>),
    Failed(ParseError),
}

impl From<ParseError> for Stop {
    fn from(error: ParseError) -> Self {
        Self::Failed(error)
    }
}

/// What the lines of a format are, and the codes of what can be wrong with them.
pub(crate) struct Dialect {
    /// Characters of a record.
    pub width: usize,
    /// What the first record is, for people.
    pub start: (&'static str, &'static str),
    /// Whether a record type is one of the format's.
    pub is_known: fn([u8; 2]) -> bool,
    pub not_this: &'static str,
    pub line_length: &'static str,
    pub truncated: &'static str,
    pub order: &'static str,
    pub after_end: &'static str,
    pub encoding: &'static str,
    pub unknown_record: &'static str,
    pub title: Remark,
    pub concatenated: Remark,
}

/// A [`Dialect`] whose codes begin with the format's name.
macro_rules! dialect {
    ($name:literal, width: $width:expr, start: $start:expr, is_known: $is_known:expr) => {
        $crate::fixed::Dialect {
            width: $width,
            start: $start,
            is_known: $is_known,
            not_this: concat!($name, ".not_", $name),
            line_length: concat!($name, ".line_length"),
            truncated: concat!($name, ".truncated"),
            order: concat!($name, ".order"),
            after_end: concat!($name, ".after_end"),
            encoding: concat!($name, ".encoding"),
            unknown_record: concat!($name, ".unknown_record"),
            title: $crate::fixed::Remark {
                code: concat!($name, ".title"),
                english: "lines before the first record were skipped",
                swedish: "Rader före den första posten hoppades över",
            },
            concatenated: $crate::fixed::Remark {
                code: concat!($name, ".concatenated"),
                english: "another complete file stands in the same file and was read",
                swedish: "Ännu en komplett fil ligger i samma fil och lästes",
            },
        }
    };
}
pub(crate) use dialect;

/// What the line is that the first record is looked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The first record.
    Start,
    /// A record that must not stand first.
    Record,
    /// The first record of another format.
    Other,
    /// Neither: a title or a ruler.
    Title,
}

/// A section that is collected: the record that closes it, those that must not stand in it, and the codes of what can
/// be wrong.
pub(crate) struct Section {
    pub closing: [u8; 2],
    pub breaking: &'static [[u8; 2]],
    pub open: &'static str,
    pub size: &'static str,
}

/// A section in memory: from byte `start` and line `line` to the record that closes it.
pub(crate) struct Collected {
    pub start: u64,
    pub line: u64,
    pub closing: Frame,
}

/// Where reading stands, and what was noticed.
pub(crate) struct Scan<'k> {
    pub dialect: &'static Dialect,
    pub remarks: Remarks,
    pub encodings: Encodings,
    keys: &'k [SealKey],
    seal: Option<Seal>,
    unknown: BTreeMap<[u8; 2], (Position, u64)>,
}

impl<'k> Scan<'k> {
    /// Nothing read yet; a seal is checked with the one of `keys` that made it.
    pub fn new(dialect: &'static Dialect, keys: &'k [SealKey]) -> Self {
        Self {
            dialect,
            remarks: Remarks::default(),
            encodings: Encodings::default(),
            keys,
            seal: None,
            unknown: BTreeMap::new(),
        }
    }

    /// The next line, where a line that no record can have refuses the file.
    pub fn next_line(&mut self, lines: &mut Framer<'_>) -> Result<Option<Frame>, Stop> {
        lines.next().map_err(|error| match error {
            FrameError::Read(error) => Stop::Failed(ParseError::Read(error)),
            FrameError::TooLong(frame) => refuse(
                self.dialect.line_length,
                at(frame, self.dialect.width + 1),
                &format!("the line is longer than {MAX_LINE} bytes"),
                &format!("raden är längre än {MAX_LINE} byte"),
            ),
        })
    }

    /// The next line that is not blank and no seal.
    pub fn next_filled(&mut self, lines: &mut Framer<'_>) -> Result<Option<Frame>, Stop> {
        while let Some(frame) = self.next_line(lines)? {
            let bytes = lines.bytes(frame.start, frame.end);
            if self.is_sealing(frame, bytes)? {
                continue;
            }
            let end_marks = bytes.iter().take_while(|byte| **byte == 0x1a).count();
            if is_blank(bytes) {
                Record::read(frame, bytes, Encoding::Latin1, self.dialect.width, &mut self.remarks);
            } else if end_marks > 0 {
                self.remarks.note(&CTRL_Z_SKIPPED, || at(frame, 1));
                return Ok(Some(Frame { start: frame.start + end_marks as u64, ..frame }));
            } else {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// The next record of a known type.
    pub fn next_known(&mut self, lines: &mut Framer<'_>) -> Result<Option<Frame>, Stop> {
        while let Some(frame) = self.next_filled(lines)? {
            let kind = kind(lines.bytes(frame.start, frame.end));
            if (self.dialect.is_known)(kind) {
                return Ok(Some(frame));
            }
            self.skip_unknown(kind, frame);
        }
        Ok(None)
    }

    /// The next record of a known type, with the file's own encoding; the file must not end before `missing`.
    pub fn next_record<'f>(&mut self, lines: &'f mut Framer<'_>, missing: &str) -> Result<Record<'f>, Stop> {
        match self.next_known(lines)? {
            Some(frame) => self.record(frame, lines),
            None => Err(self.truncated(lines, missing)),
        }
    }

    /// A line that is not blank, with the file's own encoding.
    pub fn record<'f>(&mut self, frame: Frame, lines: &'f Framer<'_>) -> Result<Record<'f>, Stop> {
        let bytes = lines.bytes(frame.start, frame.end);
        let encoding = self.encoding(bytes, frame.start, frame.line)?;
        match Record::read(frame, bytes, encoding, self.dialect.width, &mut self.remarks) {
            Some(record) => Ok(record),
            // Only blank lines are no records, and those are passed over before.
            None => Err(self.out_of_order(kind(bytes), at(frame, 1), "and is blank", "och är blank")),
        }
    }

    /// Which encoding a part of the file is in. It begins with line `line` at byte `base`.
    pub fn encoding(&mut self, part: &[u8], base: u64, line: u64) -> Result<Encoding, Stop> {
        let place = |offset: usize| {
            let before = super::Frames::new(&part[..offset], base, line).last().map(|(frame, _)| frame);
            let line = before.map_or(line, |frame| frame.line);
            Position { line: Some(line), column: None, path: None, byte: base + offset as u64 }
        };
        match self.encodings.decide(part, self.dialect.width) {
            Ok(encoding) => {
                if encoding == Encoding::Utf8 {
                    let first = || place(part.iter().position(|byte| !byte.is_ascii()).unwrap_or_default());
                    self.remarks.note(&UTF_8, first);
                }
                Ok(encoding)
            }
            Err(offset) => Err(refuse(
                self.dialect.encoding,
                place(offset),
                "the text before this is in UTF-8, this is not",
                "texten före det här är i UTF-8, men inte det här",
            )),
        }
    }

    /// Skips titles and rulers up to the first record.
    pub fn find_start(&mut self, lines: &mut Framer<'_>, look: impl Fn(&[u8]) -> Look) -> Result<Frame, Stop> {
        for titles in 0.. {
            let frame = match self.next_filled(lines) {
                Ok(Some(frame)) if titles <= MAX_TITLE_LINES => frame,
                Ok(_) => break,
                Err(Stop::Refused(finding)) if finding.code == self.dialect.line_length => break,
                Err(other) => return Err(other),
            };
            let (frame, bytes) = self.without_mark(frame, lines);
            match look(bytes) {
                Look::Start => return Ok(frame),
                Look::Other => break,
                Look::Record => {
                    let (english, swedish) = self.dialect.start;
                    let before = (format!("before {english}"), format!("före {swedish}"));
                    return Err(self.out_of_order(kind(bytes), at(frame, 1), &before.0, &before.1));
                }
                Look::Title => self.remarks.note(&self.dialect.title, || at(frame, 1)),
            }
        }
        let (english, swedish) = self.dialect.start;
        Err(refuse(
            self.dialect.not_this,
            Position { line: Some(1), column: Some(1), path: None, byte: 0 },
            &format!("this is no file of this format: it does not begin with {english}"),
            &format!("det här är ingen fil i det här formatet: den börjar inte med {swedish}"),
        ))
    }

    /// The first record of another complete file behind the end of one, or nothing at the end of the bytes.
    pub fn next_start(&mut self, lines: &mut Framer<'_>, look: impl Fn(&[u8]) -> Look) -> Result<Option<Frame>, Stop> {
        let Some(frame) = self.next_filled(lines)? else { return Ok(None) };
        let (frame, bytes) = self.without_mark(frame, lines);
        if look(bytes) != Look::Start {
            return Err(refuse(
                self.dialect.after_end,
                at(frame, 1),
                "there is data after the end record",
                "det finns data efter slutposten",
            ));
        }
        Ok(Some(frame))
    }

    /// As [`Self::next_start`], where it is a tolerance that there is another.
    pub fn next_concatenated(
        &mut self,
        lines: &mut Framer<'_>,
        look: impl Fn(&[u8]) -> Look,
    ) -> Result<Option<Frame>, Stop> {
        let start = self.next_start(lines, look)?;
        if let Some(frame) = start {
            self.remarks.note(&self.dialect.concatenated, || at(frame, 1));
        }
        Ok(start)
    }

    /// Collects the lines of a section up to the record that ends it, which says what is common to all of it.
    pub fn collect(&mut self, lines: &mut Framer<'_>, section: &Section) -> Result<Collected, Stop> {
        let (start, line) = (lines.offset(), lines.line() + 1);
        lines.keep_from(Some(start));
        loop {
            let Some(frame) = self.next_line(lines)? else {
                let kind = String::from_utf8_lossy(&section.closing);
                return Err(self.truncated(lines, &format!("TK{kind}")));
            };
            let kind = kind(lines.bytes(frame.start, frame.end));
            if kind == section.closing {
                return Ok(Collected { start, line, closing: frame });
            }
            if section.breaking.contains(&kind) {
                return Err(refuse(
                    section.open,
                    at(frame, 1),
                    "the section before this record is not closed",
                    "avsnittet före den här posten är inte avslutat",
                ));
            }
            if frame.end - start + LINE_WEIGHT * (frame.line - line) > MAX_SECTION {
                return Err(refuse(
                    section.size,
                    at(frame, 1),
                    "the section is larger than can be kept in memory (1 GiB)",
                    "avsnittet är större än vad som ryms i minnet (1 GiB)",
                ));
            }
        }
    }

    fn without_mark<'f>(&mut self, frame: Frame, lines: &'f Framer<'_>) -> (Frame, &'f [u8]) {
        let bytes = lines.bytes(frame.start, frame.end);
        let Some(rest) = bytes.strip_prefix(BYTE_ORDER_MARK) else { return (frame, bytes) };
        self.encodings.found_byte_order_mark();
        self.remarks.note(&MARK_SKIPPED, || at(frame, 1));
        (Frame { start: frame.start + BYTE_ORDER_MARK.len() as u64, ..frame }, rest)
    }

    /// Takes the records of a seal out of the file, and the others into its check.
    fn is_sealing(&mut self, frame: Frame, bytes: &[u8]) -> Result<bool, Stop> {
        if let Some(seal) = &mut self.seal {
            if !seal::is_end(bytes) {
                seal.take(bytes);
                return Ok(false);
            }
            seal.check(bytes, at(frame, 1), &mut self.remarks)?;
            self.seal = None;
            return Ok(true);
        }
        let begins = seal::is_begin(bytes);
        if begins {
            let mut seal = Seal::new(self.keys);
            seal.take(bytes);
            self.seal = Some(seal);
        }
        Ok(begins)
    }

    pub fn skip_unknown(&mut self, kind: [u8; 2], frame: Frame) {
        let kind =
            if self.unknown.len() < MAX_UNKNOWN_TYPES || self.unknown.contains_key(&kind) { kind } else { *b".." };
        self.unknown.entry(kind).or_insert_with(|| (at(frame, 1), 0)).1 += 1;
    }

    pub fn truncated(&self, lines: &Framer<'_>, missing: &str) -> Stop {
        let position = Position { line: Some(lines.line()), column: None, path: None, byte: lines.offset() };
        refuse(
            self.dialect.truncated,
            position,
            &format!("the file ends before {missing}: it is not complete"),
            &format!("filen slutar före {missing}: den är inte komplett"),
        )
    }

    pub fn out_of_order(&self, kind: [u8; 2], position: Position, place: &str, place_sv: &str) -> Stop {
        let kind = name(kind);
        refuse(
            self.dialect.order,
            position,
            &format!("a record of type {kind} stands {place}"),
            &format!("en post av typ {kind} står {place_sv}"),
        )
    }

    /// Everything that was tolerated or noticed. A seal that was not closed is among it.
    pub fn into_findings(mut self) -> Vec<Finding> {
        if self.seal.is_some() {
            self.remarks.note(&seal::NOT_CLOSED, Position::default);
        }
        let unknown = self.dialect.unknown_record;
        let mut findings = self.remarks.into_findings();
        findings.extend(self.unknown.into_iter().map(|(kind, (position, count))| {
            let kind = name(kind);
            Finding {
                code: unknown,
                position,
                message: format!("records of the unknown type {kind} were skipped ({count})"),
                message_sv: format!("Poster av den okända typen {kind} hoppades över ({count})"),
            }
        }));
        findings
    }
}

/// The first two bytes of a line.
pub(crate) fn kind(bytes: &[u8]) -> [u8; 2] {
    [bytes.first().copied().unwrap_or(b' '), bytes.get(1).copied().unwrap_or(b' ')]
}

/// A place in a line.
pub(crate) fn at(frame: Frame, column: usize) -> Position {
    let byte = (frame.start + column as u64 - 1).min(frame.end);
    Position { line: Some(frame.line), column: u32::try_from(column).ok(), path: None, byte }
}

pub(crate) fn refuse(code: &'static str, position: Position, message: &str, message_sv: &str) -> Stop {
    Stop::Refused(Box::new(finding(code, position, message, message_sv)))
}

/// A finding that is built from parts.
pub(crate) fn finding(code: &'static str, position: Position, message: &str, message_sv: &str) -> Finding {
    Finding { code, position, message: message.to_owned(), message_sv: message_sv.to_owned() }
}

/// A record type as text: it can be any two bytes.
fn name(kind: [u8; 2]) -> String {
    kind.escape_ascii().to_string()
}
