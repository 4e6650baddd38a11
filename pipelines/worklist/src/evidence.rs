//! What an exception rests on: references to records, and through them to the bytes of the files.

use std::fmt;
use std::str::FromStr;

/// A record and the bytes of the file that it was read from: what the SQL function `record_ref` writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordRef {
    /// Contract of the record.
    pub contract: String,
    /// The file: its name in the archive.
    pub file_id: String,
    /// 1-based number of the record in its file.
    pub ordinal: u64,
    /// First byte (0-based).
    pub byte_start: u64,
    /// One past the last byte.
    pub byte_end: u64,
}

/// A text that is no record reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a record reference: {0:?}; it is contract:file:ordinal:first-end")]
pub struct RecordRefError(pub String);

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}-{}", self.contract, self.file_id, self.ordinal, self.byte_start, self.byte_end)
    }
}

impl FromStr for RecordRef {
    type Err = RecordRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let mut parts = text.split(':');
            let (contract, file_id, ordinal, range) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let (byte_start, byte_end) = range.split_once('-')?;
            let reference = Self {
                contract: contract.to_owned(),
                file_id: file_id.to_owned(),
                ordinal: ordinal.parse().ok()?,
                byte_start: byte_start.parse().ok()?,
                byte_end: byte_end.parse().ok()?,
            };
            let sound = parts.next().is_none()
                && !contract.is_empty()
                && !file_id.is_empty()
                && reference.byte_start <= reference.byte_end;
            sound.then_some(reference)
        };
        read().ok_or_else(|| RecordRefError(text.chars().take(120).collect()))
    }
}

/// Bytes of a file as text that can be shown: UTF-8 where they are, else ISO-8859-1, where every byte is a
/// character. Line ends become `\n`; other control characters become their visible signs, so that nothing of the
/// input is hidden.
#[must_use]
pub fn text_of(bytes: &[u8]) -> (String, &'static str) {
    let (text, encoding) = match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), if bytes.is_ascii() { "ASCII" } else { "UTF-8" }),
        Err(_) => (bytes.iter().map(|byte| char::from(*byte)).collect(), "ISO-8859-1"),
    };
    let shown = text.replace("\r\n", "\n").chars().map(visible).collect();
    (shown, encoding)
}

fn visible(character: char) -> char {
    match character {
        '\n' | '\t' => character,
        '\u{7f}' => '\u{2421}',
        control if control < ' ' => char::from_u32(0x2400 + u32::from(control)).unwrap_or('\u{fffd}'),
        // C1 controls and marks that turn the direction of text could hide or reorder what stands in a file.
        '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_references_are_refused() {
        for text in
            ["", "a:b:1", "a:b:1:5", "a:b:x:0-1", "a:b:1:9-1", ":b:1:0-1", "a::1:0-1", "a:b:1:0-1:c", "a:b:-1:0-1"]
        {
            assert!(text.parse::<RecordRef>().is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_are_shown_in_the_encoding_they_have() {
        assert_eq!(text_of(b"20 A\r\n25 B"), ("20 A\n25 B".to_owned(), "ASCII"));
        assert_eq!(text_of("Åsa".as_bytes()), ("Åsa".to_owned(), "UTF-8"));
        assert_eq!(text_of(b"\xc5sa \xd6berg"), ("Åsa Öberg".to_owned(), "ISO-8859-1"));
    }

    #[test]
    fn nothing_in_a_file_is_invisible() {
        assert_eq!(text_of(b"a\x00\x1b[31m\rb\x7f").0, "a␀␛[31m␍b␡");
        assert_eq!(text_of("a\u{202e}b".as_bytes()).0, "a\u{fffd}b");
        assert_eq!(text_of(b"\x85\xe5").0, "\u{fffd}å");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            contract in "[a-z_]{1,12}", file_id in "[0-9a-f]{1,64}", ordinal: u64, byte_start in 0_u64..1_000_000, length in 0_u64..1_000
        ) {
            let reference = RecordRef { contract, file_id, ordinal, byte_start, byte_end: byte_start + length };
            prop_assert_eq!(reference.to_string().parse::<RecordRef>(), Ok(reference));
        }
    }
}
