//! Fixed-width files: lines with their place in the file, records of a fixed number of characters, and the
//! tolerances that bank files need in practice.
//!
//! [`Framer`] cuts a stream into lines with bounded memory; a caller that must see several lines together keeps
//! them in the buffer ([`Framer::keep_from`]) and reads them again with [`Frames`]. [`Record`] is one line seen as
//! characters 1 to n, whatever its encoding, so that positions in the manuals can be used as they are written.
//! A format says in a [`Dialect`] what its lines are; a [`Scan`] then gives its records one by one, and a [`Tally`]
//! keeps its counts and sums. Nothing here knows what a record means.
//!
//! A tolerance never passes silently: each is a [`Remark`] with the place where it was first needed and how often.

mod encoding;
mod fields;
mod identity;
mod record;
mod remarks;
mod scan;
mod seal;
mod tally;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

pub(crate) use encoding::Encodings;
pub(crate) use fields::{
    ALIGNMENT, date6, date8, days, digits, number, overpunched, significant, significant_digits, unsigned,
};
pub(crate) use identity::{Distinct, Identity};
pub(crate) use record::{Encoding, Record};
pub(crate) use remarks::{Remark, Remarks, remarks};
pub(crate) use scan::{Collected, Dialect, Look, Scan, Section, Stop, at, dialect, finding, kind, refuse};
pub use seal::SealKey;
pub(crate) use tally::{Refusal, Sums, Tally};

pub(crate) use remarks::{BYTE_ORDER_MARK as MARK_SKIPPED, CTRL_Z as CTRL_Z_SKIPPED, UTF_8};

/// The longest line that is read: bank records have 80 characters, and padded ones some hundred.
pub(crate) const MAX_LINE: usize = 4096;

/// UTF-8's byte order mark.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// End of file in CP/M and DOS; `copy a+b` leaves it between files.
const CTRL_Z: u8 = 0x1a;
const CHUNK: usize = 256 * 1024;

/// One line of a file, without its line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// 1-based number of the line.
    pub line: u64,
    /// First byte in the file.
    pub start: u64,
    /// One past the last byte before the line break.
    pub end: u64,
    /// What ends the line.
    pub line_break: Break,
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    CrLf,
    Lf,
    Cr,
    /// The file ends.
    None,
}

/// Why no further line can be read.
#[derive(Debug)]
pub(crate) enum FrameError {
    Read(io::Error),
    /// The line is longer than [`MAX_LINE`].
    TooLong(Frame),
}

/// Cuts a stream into lines at CR LF, LF or CR.
pub(crate) struct Framer<'r> {
    input: &'r mut dyn Read,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that hold input.
    filled: usize,
    /// Place in the file of the buffer's first byte.
    base: u64,
    /// Where in the buffer the next line starts.
    next: usize,
    /// How far the next line has been searched for its end, so that short reads stay linear.
    searched: usize,
    line: u64,
    keep: Option<u64>,
    ended: bool,
    #[cfg(test)]
    pub work: u64,
}

impl<'r> Framer<'r> {
    pub fn new(input: &'r mut dyn Read) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            filled: 0,
            base: 0,
            next: 0,
            searched: 0,
            line: 0,
            keep: None,
            ended: false,
            #[cfg(test)]
            work: 0,
        }
    }

    /// The next line, or nothing at the end of the file. Its bytes are in memory until the next call, or for as
    /// long as [`Self::keep_from`] says.
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            let found = find_break(&self.buffer[..self.filled], self.searched, self.ended);
            #[cfg(test)]
            {
                self.work += (found.map_or(self.filled, |found| found.after) - self.searched) as u64;
            }
            if let Some(found) = found {
                let frame = self.frame(found.at, found.line_break);
                if found.at - self.next > MAX_LINE {
                    return Err(FrameError::TooLong(frame));
                }
                self.next = found.after;
                self.searched = found.after;
                self.line += 1;
                return Ok(Some(frame));
            }
            self.searched = self.filled.saturating_sub(usize::from(self.filled > self.next));
            if self.filled - self.next > MAX_LINE {
                return Err(FrameError::TooLong(self.frame(self.filled, Break::None)));
            }
            if self.ended {
                return Ok(self.last_line());
            }
            self.fill().map_err(FrameError::Read)?;
        }
    }

    /// Bytes of the file that are still in memory: the last line, and everything since [`Self::keep_from`].
    pub fn bytes(&self, start: u64, end: u64) -> &[u8] {
        let place = |byte: u64| usize::try_from(byte.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.buffer[..self.filled].get(place(start)..place(end)).unwrap_or_default()
    }

    /// Keeps everything from `byte` in memory until this is called again; nothing more than the last line for
    /// `None`.
    pub fn keep_from(&mut self, byte: Option<u64>) {
        self.keep = byte;
    }

    /// Place in the file of the next line.
    pub fn offset(&self) -> u64 {
        self.base + self.next as u64
    }

    /// Number of the last line.
    pub fn line(&self) -> u64 {
        self.line
    }

    fn frame(&self, end: usize, line_break: Break) -> Frame {
        Frame { line: self.line + 1, start: self.offset(), end: self.base + end as u64, line_break }
    }

    fn last_line(&mut self) -> Option<Frame> {
        let frame = (self.next < self.filled).then(|| self.frame(self.filled, Break::None));
        self.next = self.filled;
        self.searched = self.filled;
        self.line += u64::from(frame.is_some());
        frame
    }

    fn fill(&mut self) -> io::Result<()> {
        let kept = self.keep.map_or(self.next, |byte| usize::try_from(byte.saturating_sub(self.base)).unwrap_or(0));
        let dropped = kept.min(self.next);
        if dropped > 0 {
            self.buffer.copy_within(dropped..self.filled, 0);
            self.filled -= dropped;
            self.next -= dropped;
            self.searched = self.searched.saturating_sub(dropped);
            self.base += dropped as u64;
        }
        if self.filled == self.buffer.len() {
            self.buffer.resize((self.buffer.len() * 2).max(CHUNK), 0);
        }
        let read = loop {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.ended = read == 0;
        self.filled += read;
        Ok(())
    }
}

/// The lines of bytes that are in memory.
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    base: u64,
    next: usize,
    line: u64,
}

impl<'a> Frames<'a> {
    /// `bytes` stand at `base` in the file and begin with line `line`.
    pub fn new(bytes: &'a [u8], base: u64, line: u64) -> Self {
        Self { bytes, base, next: 0, line }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = (Frame, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.bytes.len() {
            return None;
        }
        let found = find_break(self.bytes, self.next, true).unwrap_or(Found {
            at: self.bytes.len(),
            after: self.bytes.len(),
            line_break: Break::None,
        });
        let frame = Frame {
            line: self.line,
            start: self.base + self.next as u64,
            end: self.base + found.at as u64,
            line_break: found.line_break,
        };
        let bytes = &self.bytes[self.next..found.at];
        self.next = found.after;
        self.line += 1;
        Some((frame, bytes))
    }
}

#[derive(Clone, Copy)]
struct Found {
    at: usize,
    after: usize,
    line_break: Break,
}

/// The first line break from `from` on. A CR that is the last byte so far is one only when nothing can follow.
fn find_break(bytes: &[u8], from: usize, complete: bool) -> Option<Found> {
    let at = from + memchr::memchr2(b'\r', b'\n', bytes.get(from..)?)?;
    let found = |length, line_break| Some(Found { at, after: at + length, line_break });
    match (bytes[at], bytes.get(at + 1)) {
        (b'\n', _) => found(1, Break::Lf),
        (_, Some(b'\n')) => found(2, Break::CrLf),
        (_, None) if !complete => None,
        _ => found(1, Break::Cr),
    }
}

/// True for a line of nothing but blanks, tabs, NUL and end-of-file characters.
pub(crate) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(*byte, b' ' | b'\t' | 0 | CTRL_Z))
}
