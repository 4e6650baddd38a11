//! Bytes to text. A field is decoded as its file declares; when it cannot be, or visibly is something else, the
//! other reading is taken and reported, by a rule that looks at one field alone and so gives the same result
//! wherever the file is cut.

use std::borrow::Cow;

use encoding_rs::mem::decode_latin1;
use encoding_rs::{DecoderResult, WINDOWS_1252};

use super::declaration::Encoding;

/// The upper half of code page 850, which DOS and old mainframe transfers use in western Europe.
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
                     ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// A decoded field.
pub(super) struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// True when it was read otherwise than declared.
    pub deviates: bool,
}

/// Decodes a field, or returns nothing when its bytes are no text: undefined in the encoding, or control characters
/// other than tabs and line ends.
///
/// * Declared UTF-8, and the bytes are not: they are read as windows-1252.
/// * Declared a one-byte encoding, and the bytes beyond ASCII are well-formed UTF-8: they are read as UTF-8, since
///   no word in those encodings looks like it (`Ã¤`).
/// * ISO-8859-1 is read as windows-1252, of which it is the part that has letters.
pub(super) fn decode(bytes: &[u8], encoding: Encoding) -> Option<Decoded<'_>> {
    let utf8 = std::str::from_utf8(bytes).ok();
    // What nearly every field is.
    if let Some(text) = utf8
        && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
    {
        return Some(Decoded { text: Cow::Borrowed(text), deviates: false });
    }
    let (text, deviates) = match (encoding, utf8) {
        (_, Some(text)) if text.is_ascii() => (Cow::Borrowed(text), false),
        (Encoding::Utf8, Some(text)) => (Cow::Borrowed(text), false),
        (Encoding::Utf8, None) => (windows_1252(bytes)?, true),
        (_, Some(text)) => (Cow::Borrowed(text), true),
        (Encoding::Cp850, None) => (Cow::Owned(cp850(bytes)), false),
        (Encoding::Latin1 | Encoding::Windows1252, None) => (windows_1252(bytes)?, false),
    };
    let clean = !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'));
    clean.then_some(Decoded { text, deviates })
}

fn windows_1252(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if !bytes.iter().any(|byte| (0x80..0xa0).contains(byte)) {
        return Some(decode_latin1(bytes));
    }
    let mut text = String::with_capacity(bytes.len() * 3);
    let mut decoder = WINDOWS_1252.new_decoder_without_bom_handling();
    let (result, _) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
    matches!(result, DecoderResult::InputEmpty).then_some(Cow::Owned(text))
}

fn cp850(bytes: &[u8]) -> String {
    let decode = |byte: &u8| match byte.checked_sub(0x80) {
        None => char::from(*byte),
        Some(index) => CP850.chars().nth(usize::from(index)).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    bytes.iter().map(decode).collect()
}

/// A text with the form that names are compared in: no blanks around, lower case.
pub(super) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The candidate nearest to `name`: the same but for separators, case and diacritics, or a few letters away.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = plain(name);
    let allowed = plain.len() / 4 + 1;
    let distances = candidates.into_iter().map(|candidate| (distance(&plain, &self::plain(candidate)), candidate));
    distances.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, near)| near)
}

fn plain(name: &str) -> Vec<char> {
    let letter = |c: char| match c {
        'å' | 'ä' | 'á' | 'à' => 'a',
        'ö' | 'ø' => 'o',
        'é' | 'è' | 'ë' => 'e',
        'ü' => 'u',
        other => other,
    };
    name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).map(letter).take(64).collect()
}

/// Levenshtein's distance.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.iter().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        for (b, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(a != b);
            diagonal = *cell;
            *cell = substituted.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], encoding: Encoding) -> Option<(String, bool)> {
        decode(bytes, encoding).map(|decoded| (decoded.text.into_owned(), decoded.deviates))
    }

    #[test]
    fn each_encoding_reads_its_own_swedish_letters() {
        assert_eq!(read("Åäö €".as_bytes(), Encoding::Utf8), Some(("Åäö €".to_owned(), false)));
        assert_eq!(read(b"\xc5\xe4\xf6 \x80", Encoding::Windows1252), Some(("Åäö €".to_owned(), false)));
        assert_eq!(read(b"\xc5\xe4\xf6", Encoding::Latin1), Some(("Åäö".to_owned(), false)));
        assert_eq!(read(b"\x8f\x84\x94", Encoding::Cp850), Some(("Åäö".to_owned(), false)));
        assert_eq!(CP850.chars().count(), 128);
    }

    #[test]
    fn a_field_in_another_encoding_than_declared_is_read_and_reported() {
        assert_eq!(read(b"\xc5\xe4\xf6", Encoding::Utf8), Some(("Åäö".to_owned(), true)));
        for encoding in [Encoding::Latin1, Encoding::Windows1252, Encoding::Cp850] {
            assert_eq!(read("Åäö".as_bytes(), encoding), Some(("Åäö".to_owned(), true)));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_not_decoded() {
        for bytes in [&b"a\0b"[..], b"a\x1bb", b"\x7f", b"\xe5\x81", "a\u{85}".as_bytes()] {
            for encoding in [Encoding::Utf8, Encoding::Windows1252] {
                assert_eq!(read(bytes, encoding), None, "{bytes:?}");
            }
        }
    }

    #[test]
    fn near_misses_are_found_and_strangers_are_not() {
        let found = ["KUNDNR", "Förfallodatum", "HUSHALLSID"];
        assert_eq!(nearest("FORFALLO_DATUM", found), Some("Förfallodatum"));
        assert_eq!(nearest("HUSHÅLLSID", found), Some("HUSHALLSID"));
        assert_eq!(nearest("KUNDNUMR", found), Some("KUNDNR"));
        assert_eq!(nearest("BELOPP", found), None);
    }
}
