//! The document as UTF-8: finds out its encoding, counts lines and raw bytes, and bounds what one event may hold.
//!
//! The encoding is settled at the first byte that is not ASCII. A document that says UTF-8 and is not is read as
//! ISO-8859-1, one that says ISO-8859-1 and is UTF-8 is read as UTF-8; both are remarked. UTF-16 is refused: the
//! formats require UTF-8.

use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, Encoding, UTF_8, WINDOWS_1252};

use crate::MAX_RAW;

/// The longest text, tag or comment: 1 MiB. Attachments and what is not mapped are streamed past and have no limit.
pub(crate) const MAX_EVENT: usize = 1024 * 1024;

const CHUNK: usize = 32 * 1024;
const DECLARATION: usize = 1024;
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// How a document's bytes became text.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    /// The encoding that the XML declaration names.
    pub(crate) declared: Option<String>,
    /// The encoding that was read, where it is another than the declared one.
    pub(crate) read_as: Option<&'static str>,
    /// The file began with a byte order mark.
    pub(crate) byte_order_mark: bool,
    /// White space stood before the XML declaration.
    pub(crate) late_declaration: bool,
}

/// Why no more text could be given. The reader of events sees an I/O error in its place.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The input failed.
    Input(io::Error),
    /// One event is longer than [`MAX_EVENT`].
    TooLong,
    /// UTF-16 or UTF-32.
    Wide,
}

/// Places that can be marked at the same time.
const MARKS: usize = 2;

/// A place in the file whose raw bytes are remembered.
#[derive(Debug, Clone, Default)]
struct Mark {
    saved: Vec<u8>,
    /// The first byte that is not saved.
    next: Option<u64>,
}

pub(crate) struct Source<'a> {
    input: &'a mut dyn Read,
    raw: Vec<u8>,
    start: usize,
    end: usize,
    /// End of what can be given out before the next look at the encoding.
    ready: usize,
    at_end: bool,
    stage: Stage,
    /// The next piece of a single-byte document as UTF-8, and how much of it is used.
    decoded: String,
    used: usize,
    budget: usize,
    /// Place in the file of the first byte of `raw`.
    base: u64,
    marks: [Mark; MARKS],
    /// Where the present event begins: a mark is set there when some of its bytes may be gone.
    event: Mark,
    /// 0-based raw byte and 1-based line of what is read next.
    pub(crate) byte: u64,
    pub(crate) line: u64,
    pub(crate) encoded: Encoded,
    pub(crate) failure: Option<Failure>,
}

enum Stage {
    Unopened,
    /// Only ASCII so far; what to expect when that ends.
    Ascii(&'static Encoding),
    Utf8,
    SingleByte(Decoder),
}

impl<'a> Source<'a> {
    pub(crate) fn new(input: &'a mut dyn Read) -> Self {
        Self {
            input,
            raw: vec![0; CHUNK],
            start: 0,
            end: 0,
            ready: 0,
            at_end: false,
            stage: Stage::Unopened,
            decoded: String::new(),
            used: 0,
            budget: MAX_EVENT + 1,
            base: 0,
            marks: Default::default(),
            event: Mark { saved: Vec::new(), next: Some(0) },
            byte: 0,
            line: 1,
            encoded: Encoded::default(),
            failure: None,
        }
    }

    /// Lets the next event be [`MAX_EVENT`] long, and keeps its bytes at hand.
    pub(crate) fn begin_event(&mut self) {
        self.event.saved.clear();
        self.event.next = Some(self.byte);
        // One more: to see that a text ends is to look at what follows.
        self.budget = MAX_EVENT + 1;
    }

    /// True when the file holds nothing but white space. Opens it: looks for byte order mark and declaration.
    pub(crate) fn open(&mut self) -> Result<bool, Failure> {
        self.read_at_least(DECLARATION).map_err(Failure::Input)?;
        if self.unread().starts_with(b"\xFE\xFF") || self.unread().starts_with(b"\xFF\xFE") {
            return Err(Failure::Wide);
        }
        let marked = self.unread().starts_with(BOM);
        if marked {
            self.encoded.byte_order_mark = true;
            self.skip(BOM.len());
        }
        let mut space = 0;
        loop {
            let blank = self.unread().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            space += blank;
            self.skip(blank);
            if !self.unread().is_empty() || self.at_end {
                break;
            }
            self.read_at_least(DECLARATION).map_err(Failure::Input)?;
        }
        self.read_at_least(DECLARATION).map_err(Failure::Input)?;
        if self.unread().iter().take(4).any(|byte| *byte == 0) {
            return Err(Failure::Wide);
        }
        self.encoded.declared = declared_encoding(self.unread());
        self.encoded.late_declaration = space > 0 && self.unread().starts_with(b"<?xml");
        let named = self.encoded.declared.as_deref().map(|label| Encoding::for_label(label.as_bytes()));
        let expected = match named {
            None => UTF_8,
            Some(Some(encoding)) if encoding == UTF_8 || (encoding.is_single_byte() && !marked) => encoding,
            Some(_) => {
                self.encoded.read_as = Some(UTF_8.name());
                UTF_8
            }
        };
        self.stage = if marked { Stage::Utf8 } else { Stage::Ascii(expected) };
        self.ready = self.start;
        Ok(self.unread().is_empty())
    }

    /// Remembers the raw bytes of the file from the beginning of the present event on; before the first, of the file.
    pub(crate) fn mark(&mut self, mark: usize) {
        self.marks[mark].clone_from(&self.event);
    }

    /// The raw bytes from the mark to what is read next, at most [`MAX_RAW`].
    pub(crate) fn raw(&self, mark: usize) -> Vec<u8> {
        let mark = &self.marks[mark];
        let mut raw = mark.saved.clone();
        raw.extend_from_slice(self.since(mark, self.byte));
        raw
    }

    /// What a mark has not saved of the bytes before `end`, as far as there is room.
    fn since(&self, mark: &Mark, end: u64) -> &[u8] {
        let Some(next) = mark.next else { return &[] };
        let place = |byte: u64| usize::try_from(byte.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let (from, room) = (place(next), MAX_RAW - mark.saved.len());
        self.raw.get(from..place(end).min(from.saturating_add(room))).unwrap_or_default()
    }

    /// Saves what the marks need of the bytes that have been read, before they are overwritten.
    fn save(&mut self) {
        let end = self.base + self.start as u64;
        let mut event = std::mem::take(&mut self.event);
        let mut marks = std::mem::take(&mut self.marks);
        for mark in marks.iter_mut().chain([&mut event]) {
            mark.saved.extend_from_slice(self.since(mark, end));
            mark.next = mark.next.map(|next| next.max(end));
        }
        (self.marks, self.event) = (marks, event);
    }

    fn unread(&self) -> &[u8] {
        &self.raw[self.start..self.end]
    }

    /// Passes over bytes that are not text: byte order mark and white space before the document.
    fn skip(&mut self, bytes: usize) {
        self.line += newlines(&self.raw[self.start..self.start + bytes]);
        self.start += bytes;
        self.byte += bytes as u64;
    }

    fn read_at_least(&mut self, wanted: usize) -> io::Result<()> {
        let emptied = self.start == self.end;
        if emptied || self.start + wanted > self.raw.len() {
            self.save();
            self.raw.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            (self.start, self.end) = (0, self.end - self.start);
        }
        while !self.at_end && self.end - self.start < wanted {
            match self.input.read(&mut self.raw[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Settles the encoding at the first byte that is not ASCII, which is the next one.
    fn settle(&mut self, expected: &'static Encoding) -> io::Result<()> {
        self.read_at_least(4)?;
        let next = &self.raw[self.start..self.end.min(self.start + 4)];
        let is_utf8 = std::str::from_utf8(next).map_or_else(|error| error.valid_up_to() > 0, |_| true);
        let encoding = match (is_utf8, expected == UTF_8) {
            (true, _) => UTF_8,
            (false, false) => expected,
            (false, true) => WINDOWS_1252,
        };
        if encoding != expected {
            self.encoded.read_as = Some(if is_utf8 { "UTF-8" } else { "ISO-8859-1" });
        }
        self.stage = if is_utf8 { Stage::Utf8 } else { Stage::SingleByte(encoding.new_decoder_without_bom_handling()) };
        Ok(())
    }

    /// Makes the next piece available, in `raw` or in `decoded`.
    fn advance(&mut self) -> io::Result<()> {
        if self.used < self.decoded.len() || self.start < self.ready {
            return Ok(());
        }
        if self.start == self.end {
            self.read_at_least(1)?;
        }
        if let Stage::Ascii(expected) = self.stage {
            let ascii = ascii_prefix(self.unread());
            if ascii > 0 {
                self.ready = self.start + ascii;
                return Ok(());
            }
            if self.start < self.end {
                self.settle(expected)?;
            }
        }
        match &mut self.stage {
            Stage::SingleByte(decoder) => {
                self.used = 0;
                self.decoded.clear();
                // A byte of these encodings becomes at most three bytes of UTF-8.
                self.decoded.reserve(3 * (self.end - self.start) + 16);
                let raw = &self.raw[self.start..self.end];
                let (_, read, _) = decoder.decode_to_string(raw, &mut self.decoded, false);
                self.start += read;
                self.ready = self.start;
            }
            Stage::Utf8 | Stage::Ascii(_) | Stage::Unopened => self.ready = self.end,
        }
        Ok(())
    }

    fn piece(&self) -> &[u8] {
        match self.stage {
            Stage::SingleByte(_) => &self.decoded.as_bytes()[self.used..],
            _ => &self.raw[self.start..self.ready],
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.fill_buf()?;
        let read = piece.len().min(buffer.len());
        buffer[..read].copy_from_slice(&piece[..read]);
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.budget == 0 {
            self.failure = Some(Failure::TooLong);
            return Err(io::ErrorKind::Other.into());
        }
        if let Err(error) = self.advance() {
            self.failure = Some(Failure::Input(error));
            return Err(io::ErrorKind::Other.into());
        }
        let piece = self.piece();
        Ok(&piece[..piece.len().min(self.budget)])
    }

    fn consume(&mut self, amount: usize) {
        if amount == 0 {
            return;
        }
        self.budget = self.budget.saturating_sub(amount);
        if let Stage::SingleByte(_) = self.stage {
            let taken = &self.decoded.as_bytes()[self.used..self.used + amount];
            self.line += newlines(taken);
            // One raw byte made one character.
            self.byte += taken.iter().filter(|byte| (**byte & 0xC0) != 0x80).count() as u64;
            self.used += amount;
        } else {
            self.line += newlines(&self.raw[self.start..self.start + amount]);
            self.byte += amount as u64;
            self.start += amount;
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    // What one event takes is mostly too short for `memchr` to pay.
    if bytes.len() < 128 {
        bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
    } else {
        memchr::memchr_iter(b'\n', bytes).count() as u64
    }
}

fn ascii_prefix(bytes: &[u8]) -> usize {
    // The whole is tested first because that is what one instruction does to many bytes.
    if bytes.is_ascii() { bytes.len() } else { bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(bytes.len()) }
}

/// The value of `encoding` in an XML declaration at the start of `bytes`.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"<?xml")?;
    let end = memchr::memchr(b'>', bytes)?;
    let declaration = std::str::from_utf8(&bytes[..end]).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value[1..].split_once(quote).map(|(label, _)| label.to_owned())
}
