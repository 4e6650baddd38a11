//! Lines of an SIE file: their text, cut into fields.

use std::borrow::Cow;
use std::ops::Range;

use encoding_rs::WINDOWS_1252;

use crate::Position;
use crate::fixed::{Frame, Remarks};

use super::rules::{self, Stop};

/// The upper half of CP437, "IBM Extended ASCII 8-bit", that the standard calls PC8.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// How the text of a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Cp437,
    Utf8,
    Latin1,
}

/// Turns lines into text.
#[derive(Debug)]
pub(super) struct Text {
    encoding: Option<Encoding>,
    upper: [char; 128],
}

impl Default for Text {
    fn default() -> Self {
        let mut upper = ['\u{fffd}'; 128];
        for (place, character) in upper.iter_mut().zip(CP437.chars()) {
            *place = character;
        }
        Self { encoding: None, upper }
    }
}

impl Text {
    /// The text of a line. The first that is not ASCII decides for the file.
    fn decode<'a>(&mut self, bytes: &'a [u8], remarks: &mut Remarks, place: impl FnOnce() -> Position) -> Cow<'a, str> {
        if bytes.is_ascii() {
            return String::from_utf8_lossy(bytes);
        }
        let decided = self.encoding.is_some();
        match *self.encoding.get_or_insert_with(|| guess(bytes)) {
            Encoding::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => {
                    if !decided {
                        remarks.note(&rules::ENCODING_UTF8, place);
                    }
                    Cow::Borrowed(text)
                }
                Err(_) => {
                    remarks.note(&rules::ENCODING_MIXED, place);
                    Cow::Owned(self.cp437(bytes))
                }
            },
            Encoding::Latin1 => {
                if !decided {
                    remarks.note(&rules::ENCODING_LATIN, place);
                }
                WINDOWS_1252.decode_without_bom_handling(bytes).0
            }
            Encoding::Cp437 => Cow::Owned(self.cp437(bytes)),
        }
    }

    fn cp437(&self, bytes: &[u8]) -> String {
        let character = |byte: &u8| match byte {
            0x80.. => self.upper[usize::from(byte & 0x7f)],
            ascii => char::from(*ascii),
        };
        bytes.iter().map(character).collect()
    }

    /// The bytes of a text in CP437, over which a checksum is made.
    pub(super) fn to_cp437(text: &str) -> Vec<u8> {
        let byte = |character: char| match u8::try_from(character) {
            Ok(ascii) if ascii.is_ascii() => ascii,
            _ => {
                let place = CP437.chars().position(|known| known == character);
                place.and_then(|place| u8::try_from(place + 0x80).ok()).unwrap_or(b'?')
            }
        };
        text.chars().map(byte).collect()
    }

    /// True when the raw bytes are those that a checksum is made over.
    pub(super) fn is_cp437(&self) -> bool {
        !matches!(self.encoding, Some(Encoding::Utf8 | Encoding::Latin1))
    }
}

/// UTF-8 where it is valid; else the code page in which the letters are those of Swedish.
fn guess(bytes: &[u8]) -> Encoding {
    if std::str::from_utf8(bytes).is_ok() {
        return Encoding::Utf8;
    }
    let count = |letters: &[u8]| bytes.iter().filter(|byte| letters.contains(byte)).count();
    let (in_cp437, in_latin) =
        (count(b"\x84\x86\x8e\x8f\x94\x99\x82\x90\x81\x9a"), count(b"\xe4\xe5\xf6\xc4\xc5\xd6\xe9\xc9\xfc\xdc"));
    if in_latin > in_cp437 { Encoding::Latin1 } else { Encoding::Cp437 }
}

/// A line cut into its label and fields. A group in braces is one field, with its own fields in it.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub start: u64,
    pub end: u64,
    number: u64,
    text: String,
    /// Label first; a group in braces has an empty text.
    fields: Vec<Field>,
    /// Fields inside braces.
    group: Vec<Range<usize>>,
    pub is_cp437: bool,
}

#[derive(Debug, Clone)]
struct Field {
    text: Range<usize>,
    /// 1-based character of the line.
    column: u32,
}

impl Line {
    /// Cuts a line into fields.
    pub fn read(&mut self, frame: Frame, bytes: &[u8], text: &mut Text, remarks: &mut Remarks) {
        (self.start, self.end, self.number) = (frame.start, frame.end, frame.line);
        self.text.clear();
        self.fields.clear();
        self.group.clear();
        let decoded = text.decode(bytes, remarks, || rules::at(frame.start, frame.line));
        self.is_cp437 = text.is_cp437();
        let mut characters = decoded.chars().zip(1_u32..).peekable();
        let mut in_group = false;
        while let Some((character, column)) = characters.next() {
            let start = self.text.len();
            match character {
                ' ' | '\t' => continue,
                '{' if !self.fields.is_empty() && !in_group => {
                    in_group = true;
                    self.fields.push(Field { text: start..start, column });
                    continue;
                }
                '}' if in_group => {
                    in_group = false;
                    continue;
                }
                '"' => {
                    let mut closed = false;
                    while let Some((character, _)) = characters.next() {
                        match character {
                            '"' => {
                                closed = true;
                                break;
                            }
                            '\\' if characters.peek().is_some_and(|(next, _)| *next == '"') => {
                                characters.next();
                                self.text.push('"');
                            }
                            other => self.text.push(other),
                        }
                    }
                    if !closed {
                        remarks.note(&rules::QUOTE, || rules::at(frame.start, frame.line));
                    }
                }
                other => {
                    self.text.push(other);
                    let ends = |next: char| matches!(next, ' ' | '\t') || (next == '}' && in_group);
                    while let Some((next, _)) = characters.next_if(|(next, _)| !ends(*next)) {
                        if next == '\\' && characters.peek().is_some_and(|(quote, _)| *quote == '"') {
                            continue;
                        }
                        self.text.push(next);
                    }
                }
            }
            let text = start..self.text.len();
            if in_group {
                self.group.push(text);
            } else {
                self.fields.push(Field { text, column });
            }
        }
    }

    /// The label: `#VER`, or a brace.
    pub fn label(&self) -> &str {
        self.text_of(0).unwrap_or_default()
    }

    fn text_of(&self, index: usize) -> Option<&str> {
        self.fields.get(index).map(|field| &self.text[field.text.clone()])
    }

    /// A field after the label, from 1, unless it is empty.
    pub fn get(&self, field: usize) -> Option<&str> {
        self.text_of(field).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The fields in braces.
    pub fn group(&self) -> impl Iterator<Item = &str> {
        self.group.iter().map(|range| &self.text[range.clone()])
    }

    /// Label and fields without separators, quotes and braces: what a checksum is made over.
    pub fn content(&self) -> &str {
        &self.text
    }

    /// Where a field is.
    pub fn position(&self, field: usize) -> Position {
        let column = self.fields.get(field).map_or(1, |field| field.column);
        Position { line: Some(self.number), column: Some(column), path: None, byte: self.start }
    }

    /// The file is refused for this line.
    pub fn refuse(&self, code: &'static str, english: &str, swedish: &str) -> Stop {
        rules::refuse(code, self.position(0), english, swedish)
    }
}
