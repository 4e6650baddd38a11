//! One line as the characters of a record.

use std::borrow::Cow;

use super::remarks::{
    BLANK_LINE, CONTROL, CR, CTRL_Z, LF, LONG_LINE, Remarks, SHORT_LINE, TAB, TEXT_BEYOND, WINDOWS_1252,
};
use super::{Break, Frame};
use crate::Position;

/// Tab stops of the editors and terminals that put tabs into such files.
const TAB_STOP: usize = 8;
const BLANKS: &[u8; 8] = b"        ";

/// How the bytes of a line are read as characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// ISO 8859-1 and its superset Windows-1252: a byte is a character. Also whatever is plain ASCII.
    Latin1,
    /// UTF-8.
    Utf8,
}

/// A line as characters 1 to n.
#[derive(Debug, Clone)]
pub(crate) struct Record<'a> {
    /// 1-based number of the line.
    pub line: u64,
    /// First byte in the file.
    pub start: u64,
    /// One past the last byte before the line break.
    pub end: u64,
    /// The line as it stands in the file.
    original: &'a [u8],
    /// The line with tabs expanded and without filler at its end.
    content: Cow<'a, [u8]>,
    /// True when a character can have several bytes.
    wide: bool,
}

impl<'a> Record<'a> {
    /// Reads a line as a record of `width` characters. Returns nothing for a blank line.
    pub fn read(
        frame: Frame,
        bytes: &'a [u8],
        encoding: Encoding,
        width: usize,
        remarks: &mut Remarks,
    ) -> Option<Self> {
        let at = || Position { line: Some(frame.line), column: Some(1), path: None, byte: frame.start };
        match frame.line_break {
            Break::Lf => remarks.note(&LF, at),
            Break::Cr => remarks.note(&CR, at),
            Break::CrLf | Break::None => {}
        }
        let kinds = Kinds::of(bytes);
        let wide = kinds.high && encoding == Encoding::Utf8;
        let content = Cow::Borrowed(bytes);
        let mut record = Self { line: frame.line, start: frame.start, end: frame.end, original: bytes, content, wide };
        if bytes.len() == width && !kinds.control && !wide {
            if bytes.iter().all(|byte| *byte == b' ') {
                remarks.note(&BLANK_LINE, at);
                return None;
            }
            return Some(record);
        }
        record.tolerate(kinds, width, remarks).then_some(record)
    }

    /// Reads a line that is not exactly `width` plain characters. False for a blank line.
    fn tolerate(&mut self, kinds: Kinds, width: usize, remarks: &mut Remarks) -> bool {
        let original = self.original;
        let filled = trim_end(original, |byte| matches!(byte, b' ' | b'\t' | 0 | super::CTRL_Z));
        let begin = filled.iter().take_while(|byte| **byte == super::CTRL_Z).count();
        let (start, line) = (self.start, self.line);
        let at = |offset: usize| Position {
            line: Some(line),
            column: u32::try_from(offset + 1).ok(),
            path: None,
            byte: start + offset as u64,
        };
        if kinds.control {
            let filler = &original[filled.len()..];
            if begin > 0 || filler.contains(&super::CTRL_Z) {
                remarks.note(&CTRL_Z, || at(if begin > 0 { 0 } else { filled.len() }));
            }
            if original.contains(&b'\t') {
                remarks.note(&TAB, || at(original.iter().position(|byte| *byte == b'\t').unwrap_or_default()));
            }
            let is_control = |byte: &u8| *byte < 0x20 && *byte != b'\t' || *byte == 0x7f;
            if filler.contains(&0) || filled[begin..].iter().any(is_control) {
                remarks.note(&CONTROL, || at(original.iter().position(is_control).unwrap_or_default()));
            }
            if !self.wide && filled.iter().any(|byte| (0x80..0xa0).contains(byte)) {
                remarks.note(&WINDOWS_1252, || at(0));
            }
        }
        self.original = &original[begin..];
        self.start += begin as u64;
        let content = &filled[begin..];
        if content.is_empty() {
            remarks.note(&BLANK_LINE, || at(0));
            return false;
        }
        self.content =
            if content.contains(&b'\t') { Cow::Owned(expand_tabs(content, self.wide)) } else { content.into() };
        let characters = self.characters(&self.content);
        let blanks = original[filled.len()..].iter().filter(|byte| **byte == b' ').count();
        if characters > width {
            remarks.note(&TEXT_BEYOND, || self.position(width + 1));
        } else if characters + blanks > width {
            remarks.note(&LONG_LINE, || self.position(width + 1));
        } else if characters + blanks < width {
            remarks.note(&SHORT_LINE, || self.position(characters + blanks + 1));
        }
        true
    }

    /// The line as it stands in the file.
    pub fn raw(&self) -> &'a [u8] {
        self.original
    }

    /// The two characters that say what kind of record it is.
    pub fn kind(&self) -> [u8; 2] {
        [self.content.first().copied().unwrap_or(b' '), self.content.get(1).copied().unwrap_or(b' ')]
    }

    /// Characters `from` to `to`, 1-based and inclusive, as far as the line goes.
    pub fn field(&self, from: usize, to: usize) -> &[u8] {
        let (first, last) = if self.wide {
            (wide_offset(&self.content, from - 1), wide_offset(&self.content, to))
        } else {
            ((from - 1).min(self.content.len()), to.min(self.content.len()))
        };
        &self.content[first..last]
    }

    /// One character, a blank where the line has ended.
    pub fn character(&self, at: usize) -> u8 {
        self.field(at, at).first().copied().unwrap_or(b' ')
    }

    /// A field without surrounding blanks, or nothing when it is blank.
    pub fn text(&self, from: usize, to: usize) -> Option<Cow<'_, str>> {
        let field = trim(self.field(from, to));
        (!field.is_empty()).then(|| decode(field, self.wide))
    }

    /// A field without the blanks at its end, or nothing when it is blank.
    pub fn line_text(&self, from: usize, to: usize) -> Option<Cow<'_, str>> {
        let field = trim_blanks_at_end(self.field(from, to));
        (!field.is_empty()).then(|| decode(field, self.wide))
    }

    /// Where a character stands in the file.
    pub fn position(&self, column: usize) -> Position {
        let mut offset = 0;
        let mut cells = 0;
        while cells < column - 1 && offset < self.original.len() {
            let byte = self.original[offset];
            cells = if byte == b'\t' { next_tab_stop(cells) } else { cells + 1 };
            offset += if self.wide { width_of(byte) } else { 1 };
        }
        let byte = self.start + offset.min(self.original.len()) as u64;
        Position { line: Some(self.line), column: u32::try_from(column).ok(), path: None, byte }
    }

    fn characters(&self, bytes: &[u8]) -> usize {
        if self.wide { bytes.iter().filter(|byte| !is_continuation(**byte)).count() } else { bytes.len() }
    }
}

/// Which kinds of bytes a line has besides ASCII text.
#[derive(Clone, Copy)]
struct Kinds {
    /// Bytes above ASCII.
    high: bool,
    /// Control characters of ASCII or of ISO 8859-1.
    control: bool,
}

impl Kinds {
    /// Written so that the compiler can look at many bytes at a time.
    fn of(bytes: &[u8]) -> Self {
        let (mut high, mut control) = (0_u8, 0_u8);
        for byte in bytes {
            high |= byte & 0x80;
            control |= u8::from(byte & 0x7f < 0x20) | u8::from(*byte == 0x7f);
        }
        Self { high: high != 0, control: control != 0 }
    }
}

/// Text of a field.
pub(crate) fn decode(field: &[u8], wide: bool) -> Cow<'_, str> {
    if wide {
        return String::from_utf8_lossy(field);
    }
    if field.is_ascii()
        && let Ok(text) = std::str::from_utf8(field)
    {
        return Cow::Borrowed(text);
    }
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(field).0
}

/// A field without the blanks around it. Most of a field is blank, so eight are looked at together.
fn trim(mut field: &[u8]) -> &[u8] {
    while let Some((BLANKS, rest)) = field.split_first_chunk() {
        field = rest;
    }
    let blanks = field.iter().take_while(|byte| **byte == b' ').count();
    trim_blanks_at_end(&field[blanks..])
}

fn trim_blanks_at_end(mut field: &[u8]) -> &[u8] {
    while let Some((rest, BLANKS)) = field.split_last_chunk() {
        field = rest;
    }
    trim_end(field, |byte| byte == b' ')
}

fn trim_end(bytes: &[u8], is_filler: impl Fn(u8) -> bool) -> &[u8] {
    let length = bytes.iter().rposition(|byte| !is_filler(*byte)).map_or(0, |last| last + 1);
    &bytes[..length]
}

fn expand_tabs(bytes: &[u8], wide: bool) -> Vec<u8> {
    let mut expanded = Vec::with_capacity(bytes.len() + TAB_STOP);
    let mut cells = 0;
    for byte in bytes {
        if *byte == b'\t' {
            let stop = next_tab_stop(cells);
            expanded.resize(expanded.len() + stop - cells, b' ');
            cells = stop;
        } else {
            expanded.push(*byte);
            cells += usize::from(!wide || !is_continuation(*byte));
        }
    }
    expanded
}

const fn next_tab_stop(cells: usize) -> usize {
    (cells / TAB_STOP + 1) * TAB_STOP
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

const fn width_of(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
        _ => 1,
    }
}

/// Byte where character number `characters` (0-based) begins.
fn wide_offset(bytes: &[u8], characters: usize) -> usize {
    let starts = bytes.iter().enumerate().filter(|(_, byte)| !is_continuation(**byte));
    starts.map(|(offset, _)| offset).nth(characters).unwrap_or(bytes.len())
}
