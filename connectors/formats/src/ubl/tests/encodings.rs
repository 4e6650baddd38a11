//! What the bytes of a document may be.

use super::{INVOICE, Outcome, read, with};

const DECLARATION: &str = r#"encoding="UTF-8""#;

fn declared(encoding: &str) -> String {
    INVOICE.replace(DECLARATION, &format!(r#"encoding="{encoding}""#))
}

/// One byte for each character.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

fn same_as_utf8(outcome: &Outcome) {
    let (mut row, mut expected) = (outcome.row(), read(INVOICE).row());
    row["byte_end"] = 0.into();
    expected["byte_end"] = 0.into();
    assert_eq!(row, expected);
}

#[test]
fn a_byte_order_mark_is_passed_over_and_counted() {
    let marked = format!("\u{feff}{INVOICE}");
    let outcome = read(&marked);
    same_as_utf8(&outcome);
    assert_eq!(outcome.row()["byte_end"], marked.len());
    assert!(outcome.has_remark("xml.byte_order_mark") && !outcome.has_remark("xml.encoding_declared"));
    let wrong = read(marked.replace("2026-04-01", "?"));
    assert_eq!(wrong.reject().finding.position.byte, marked.find("<cbc:DueDate>").unwrap() as u64);
}

#[test]
fn iso_8859_1_and_15_are_read_as_declared() {
    for encoding in ["ISO-8859-1", "iso-8859-15", "windows-1252"] {
        let outcome = read(latin1(&declared(encoding)));
        same_as_utf8(&outcome);
        assert!(!outcome.has_remark("xml.encoding_declared"));
    }
    let mut euro = latin1(&declared("ISO-8859-15").replace("REF123", "R\u{a4}F"));
    assert_eq!(read(&euro).row()["buyer_reference"], "R€F");
    let text = declared("ISO-8859-1").replace("REF123", "R\u{a4}F");
    euro = latin1(&text);
    assert_eq!(read(&euro).row()["buyer_reference"], "R¤F");
    assert_eq!(read(&euro).row()["byte_end"], euro.len());
}

#[test]
fn positions_are_of_the_raw_file_in_any_encoding() {
    let bytes = latin1(&declared("ISO-8859-1").replace("35.123456", "?"));
    let outcome = read(&bytes);
    let position = &outcome.reject().finding.position;
    let byte = bytes.windows(17).position(|window| window == b"<cbc:PriceAmount ").unwrap();
    assert_eq!(position.byte, byte as u64);
    assert_eq!(position.line, Some(bytes[..byte].iter().filter(|byte| **byte == b'\n').count() as u64 + 1));
}

#[test]
fn a_wrong_declaration_is_remarked_where_the_text_is_clear() {
    let not_utf8 = read(latin1(INVOICE));
    same_as_utf8(&not_utf8);
    assert!(not_utf8.remark("xml.encoding_declared").message.contains("ISO-8859-1"));
    for encoding in ["ISO-8859-1", "UTF-16", "klingon"] {
        let outcome = read(declared(encoding));
        same_as_utf8(&outcome);
        assert!(outcome.remark("xml.encoding_declared").message.contains("UTF-8"), "{encoding}");
    }
    let silent = latin1(&INVOICE.replace(DECLARATION, ""));
    assert!(read(silent).has_remark("xml.encoding_declared"));
}

#[test]
fn a_mixture_of_encodings_is_refused() {
    let mut mixed = INVOICE.as_bytes().to_vec();
    mixed.extend_from_slice(b"<!-- \xe5\xe4\xf6 -->");
    assert_eq!(read(&mixed).refusal().code, "xml.encoding");
}

#[test]
fn utf_16_is_refused() {
    for (mark, bytes) in [
        (&b"\xff\xfe"[..], INVOICE.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
        (&b"\xfe\xff"[..], INVOICE.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ] {
        assert_eq!(read(&bytes).refusal().code, "xml.encoding");
        assert_eq!(read([mark, &bytes].concat()).refusal().code, "xml.encoding");
    }
}

#[test]
fn white_space_before_the_declaration_is_remarked() {
    let late = format!("\n  {INVOICE}");
    let outcome = read(&late);
    same_as_utf8(&outcome);
    assert!(outcome.has_remark("xml.space_before_declaration"));
    let wrong = read(late.replace("2026-04-01", "?"));
    assert_eq!(wrong.reject().finding.position.line, Some(10));
    let undeclared = format!("\n{}", &INVOICE[INVOICE.find("<Invoice").unwrap()..]);
    assert!(!read(undeclared).has_remark("xml.space_before_declaration"));
}

#[test]
fn a_document_is_the_same_in_pieces_of_any_size() {
    struct Pieces<'a>(&'a [u8], usize);
    impl std::io::Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let size = self.1.min(buffer.len()).min(self.0.len());
            buffer[..size].copy_from_slice(&self.0[..size]);
            self.0 = &self.0[size..];
            Ok(size)
        }
    }
    let long = with("Första noten", &"å".repeat(100_000));
    let latin = latin1(&long);
    for size in [1, 2, 3, 7, 4096] {
        for bytes in [long.as_bytes(), &latin] {
            let row = super::read_from(&mut Pieces(bytes, size)).row();
            assert_eq!(row["notes"][0].as_str().unwrap().chars().count(), 100_000);
            assert_eq!(row["byte_end"], bytes.len());
        }
    }
}
