//! Which encoding a file is in, decided from its text as it streams past.
//!
//! The manuals say ISO 8859-1; files that were opened and saved on the way are often UTF-8, and then a character of
//! two bytes shifts every position after it. A file must be read as UTF-8 only if all of it is UTF-8, but it is not
//! read twice. So the first *part* (a deposit with all its records) that holds anything but ASCII decides for the
//! file:
//!
//! - a part that is not valid UTF-8 is ISO 8859-1, and so is everything after it: whatever is valid UTF-8 later was
//!   mistyped by a payer and must keep its positions;
//! - a part that is valid UTF-8 is UTF-8, unless its first line that was padded with blanks has the record's width in
//!   bytes and not in characters;
//! - a later part that is not valid UTF-8 then contradicts what has been read, and the file is refused.
//!
//! ASCII reads the same either way and decides nothing.

use super::record::Encoding;

/// The encoding of a file, as far as it is known.
#[derive(Debug, Default)]
pub(crate) struct Encodings {
    decided: Option<Encoding>,
    byte_order_mark: bool,
}

impl Encodings {
    /// The file began with a byte order mark, so that the width of a line proves nothing against UTF-8.
    pub fn found_byte_order_mark(&mut self) {
        self.byte_order_mark = true;
    }

    /// How to read a part of the file, or where it contradicts what was read before: the first byte that is not
    /// UTF-8 in a file that is.
    pub fn decide(&mut self, part: &[u8], width: usize) -> Result<Encoding, usize> {
        if part.is_ascii() || self.decided == Some(Encoding::Latin1) {
            return Ok(Encoding::Latin1);
        }
        let encoding = match (std::str::from_utf8(part), self.decided) {
            (Err(error), Some(_)) => return Err(error.valid_up_to()),
            (Err(_), None) => Encoding::Latin1,
            (Ok(_), Some(decided)) => decided,
            (Ok(text), None) if self.byte_order_mark || !is_padded_in_bytes(text, width) => Encoding::Utf8,
            (Ok(_), None) => Encoding::Latin1,
        };
        self.decided = Some(encoding);
        Ok(encoding)
    }
}

/// True when the first padded line that tells has the width in bytes and not in characters.
fn is_padded_in_bytes(text: &str, width: usize) -> bool {
    let mut lines = text.split(['\r', '\n']).filter(|line| !line.is_ascii() && line.ends_with(' '));
    lines.find_map(|line| match (line.len() == width, line.chars().count() == width) {
        (false, false) => None,
        (in_bytes, _) => Some(in_bytes),
    }) == Some(true)
}
