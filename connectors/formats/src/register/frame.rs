//! Splits bytes into rows and fields, with the exact place of every row and bounded memory.
//!
//! `csv-core` does the grammar. The `csv` crate's own reader is not used because it keeps no raw bytes of a row,
//! counts blank lines and line ends into a row's position, and lets an unclosed quote collect the rest of the file.

use std::io::Read;

use csv_core::ReadRecordResult;

/// The longest row in bytes; a longer one is taken for an unclosed quote.
pub(super) const MAX_ROW: usize = 1024 * 1024;

/// The most fields of a row.
pub(super) const MAX_FIELDS: usize = 4096;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// A row as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// First byte.
    pub start: u64,
    /// One past the last byte, line end excluded.
    pub end: u64,
    /// 1-based line of the first byte.
    pub line: u64,
    /// The bytes.
    pub raw: &'a [u8],
    /// True when the end of the file was reached to find the row's.
    pub last: bool,
    text: &'a [u8],
    ends: &'a [usize],
}

/// Why no row can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// A row is longer than [`MAX_ROW`] or has more fields than [`MAX_FIELDS`].
    #[error("a row is too long")]
    TooLong {
        /// First byte.
        start: u64,
        /// 1-based line.
        line: u64,
    },
}

/// The beginning of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrderMark {
    /// None.
    Absent,
    /// UTF-8's; it has been skipped.
    Utf8,
    /// UTF-16's.
    Utf16,
}

/// Reads rows.
pub(super) struct Rows<'r> {
    input: &'r mut dyn Read,
    core: csv_core::Reader,
    comment: Option<u8>,
    buffer: Vec<u8>,
    /// Where the next row begins in the buffer.
    start: usize,
    /// Filled part of the buffer.
    filled: usize,
    at_end: bool,
    /// Place of `buffer[start]` in the file.
    byte: u64,
    line: u64,
    /// The last row ended with a carriage return: a line feed that follows belongs to it.
    line_feed_may_follow: bool,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// Empty lines skipped.
    pub blank_lines: u64,
    /// True when the file's last row has no line end.
    pub unterminated: bool,
}

impl<'a> Row<'a> {
    /// Number of fields.
    pub(super) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of a field, unquoted.
    pub(super) fn field(&self, index: usize) -> Option<&'a [u8]> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { *self.ends.get(index - 1)? };
        self.text.get(start..end)
    }

    /// All fields.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'a [u8]> {
        let row = *self;
        (0..row.len()).filter_map(move |index| row.field(index))
    }

    /// The raw bytes before a field: where in the row the field stands. Quotes are honoured.
    pub(super) fn before(&self, field: usize, delimiter: u8, quote: u8) -> &'a [u8] {
        let mut quoted = false;
        let mut at_field_start = true;
        let mut left = field;
        for (index, byte) in self.raw.iter().enumerate() {
            if left == 0 {
                return self.raw.get(..index).unwrap_or_default();
            }
            if *byte == quote && (quoted || at_field_start) {
                quoted = !quoted;
                at_field_start = quoted;
                continue;
            }
            at_field_start = false;
            if *byte == delimiter && !quoted {
                left -= 1;
                at_field_start = true;
            }
        }
        self.raw
    }
}

impl<'r> Rows<'r> {
    /// A reader of `input` from its first byte.
    pub(super) fn new(input: &'r mut dyn Read, delimiter: u8, quote: u8, comment: Option<u8>) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).quote(quote).build();
        Self {
            input,
            core,
            comment,
            buffer: vec![0; 2 * CHUNK],
            start: 0,
            filled: 0,
            at_end: false,
            byte: 0,
            line: 1,
            line_feed_may_follow: false,
            text: vec![0; CHUNK],
            ends: vec![0; 128],
            blank_lines: 0,
            unterminated: false,
        }
    }

    /// Place of the next byte.
    pub(super) const fn byte(&self) -> u64 {
        self.byte
    }

    /// Looks for a byte order mark; to be called first.
    pub(super) fn byte_order_mark(&mut self) -> Result<ByteOrderMark, FrameError> {
        while self.filled < 3 && self.fill()? {}
        let head = self.buffer.get(..self.filled).unwrap_or_default();
        if head.starts_with(b"\xef\xbb\xbf") {
            self.consume(3);
            return Ok(ByteOrderMark::Utf8);
        }
        let utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
        Ok(if utf16 { ByteOrderMark::Utf16 } else { ByteOrderMark::Absent })
    }

    /// Skips whole lines; blank ones count.
    pub(super) fn skip_lines(&mut self, lines: usize) -> Result<(), FrameError> {
        for _ in 0..lines {
            self.skip_line()?;
        }
        Ok(())
    }

    /// The next row that is no blank line and no comment.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, FrameError> {
        if !self.seek_row()? {
            return Ok(None);
        }
        let (start, line) = (self.byte, self.line);
        let too_long = FrameError::TooLong { start, line };
        let (mut scanned, mut text, mut ends) = (0, 0, 0);
        loop {
            if scanned > MAX_ROW {
                return Err(too_long);
            }
            if self.start + scanned == self.filled {
                self.fill()?;
            }
            let input = self.buffer.get(self.start + scanned..self.filled).unwrap_or_default();
            // No more than a row: what lies behind is parsed when its turn comes.
            let output = self.text.get_mut(text..).unwrap_or_default();
            let fields = self.ends.get_mut(ends..).unwrap_or_default();
            let (result, read, written, ended) = self.core.read_record(input, output, fields);
            scanned += read;
            text += written;
            ends += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() >= MAX_FIELDS => return Err(too_long),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        let begin = self.start;
        let whole = self.buffer.get(begin..begin + scanned).unwrap_or_default();
        let line_end = whole.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count().min(2);
        let line_end = if whole.ends_with(b"\r\n") { line_end } else { line_end.min(1) };
        self.unterminated = line_end == 0;
        self.line_feed_may_follow = whole.ends_with(b"\r");
        self.line += count_lines(whole) + u64::from(self.line_feed_may_follow);
        self.start += scanned;
        self.byte += u64::try_from(scanned).unwrap_or_default();
        let raw = self.buffer.get(begin..begin + scanned - line_end).unwrap_or_default();
        let end = start + u64::try_from(raw.len()).unwrap_or_default();
        let text = self.text.get(..text).unwrap_or_default();
        let last = self.at_end && self.start == self.filled;
        Ok(Some(Row { start, end, line, raw, last, text, ends: self.ends.get(..ends).unwrap_or_default() }))
    }

    /// Goes to the first byte of the next row; false at the end of the file.
    fn seek_row(&mut self) -> Result<bool, FrameError> {
        loop {
            if self.start == self.filled && !self.fill()? {
                return Ok(false);
            }
            match self.buffer.get(self.start).copied() {
                Some(b'\n') if self.line_feed_may_follow => {
                    self.line_feed_may_follow = false;
                    self.consume(1);
                }
                Some(b'\n' | b'\r') => {
                    self.blank_lines += 1;
                    self.skip_line()?;
                }
                Some(byte) if Some(byte) == self.comment => self.skip_line()?,
                _ => {
                    self.line_feed_may_follow = false;
                    return Ok(true);
                }
            }
        }
    }

    fn skip_line(&mut self) -> Result<(), FrameError> {
        if self.line_feed_may_follow && self.peek()? == Some(b'\n') {
            self.consume(1);
        }
        self.line_feed_may_follow = false;
        while let Some(byte) = self.peek()? {
            self.consume(1);
            if matches!(byte, b'\n' | b'\r') {
                self.line += 1;
                self.line_feed_may_follow = byte == b'\r';
                break;
            }
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>, FrameError> {
        if self.start == self.filled && !self.fill()? {
            return Ok(None);
        }
        Ok(self.buffer.get(self.start).copied())
    }

    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.byte += u64::try_from(bytes).unwrap_or_default();
    }

    /// Reads more behind what is there; false at the end of the file.
    fn fill(&mut self) -> Result<bool, FrameError> {
        if self.at_end {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.filled < CHUNK {
            self.buffer.resize(self.filled + CHUNK, 0);
        }
        loop {
            match self.input.read(self.buffer.get_mut(self.filled..).unwrap_or_default()) {
                Ok(0) => {
                    self.at_end = true;
                    return Ok(false);
                }
                Ok(read) => {
                    self.filled += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.iter().filter(|byte| **byte == b'\n').count()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
