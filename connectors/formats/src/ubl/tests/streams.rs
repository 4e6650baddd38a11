//! Attachments and limits: what is streamed past, what is held, and what is refused.

use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{INVOICE, read, read_from, with};
use crate::xml::source::MAX_EVENT;
use crate::{FileInfo, ParseError};

const CONTENT: &str = "aGVq";

/// The invoice with another text in its embedded attachment.
pub(super) fn with_attachment(content: &str) -> String {
    with(CONTENT, content)
}

fn hash(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn attachment(content: &str) -> Value {
    read(with_attachment(content)).row()["attachments"][0].clone()
}

#[test]
fn an_attachment_leaves_its_size_and_hash() {
    let row = read(INVOICE).row();
    assert_eq!(
        row["attachments"],
        serde_json::json!([
            {"id": "BIL-1", "description": "Tidrapport", "uri": null, "mime": "text/plain", "filename": "tid.txt",
             "size": 3, "sha256": hash(b"hej")},
            {"id": "BIL-2", "description": null, "uri": "https://example.com/b2", "mime": null, "filename": null,
             "size": null, "sha256": null},
        ])
    );
}

#[test]
fn base64_is_read_with_line_breaks_comments_references_and_cdata() {
    let bytes: Vec<u8> = (0..20_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let encoded = STANDARD.encode(&bytes);
    let lines: Vec<_> = encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let (size, sha256) = (bytes.len(), hash(&bytes));
    let (first, rest) = encoded.split_at(4097);
    for text in [
        encoded.clone(),
        format!("\n{}\n  ", lines.join("\r\n")),
        lines.join("&#13;&#10;"),
        format!("{first}<!-- mitt i -->{rest}"),
        format!("{first}<![CDATA[{rest}]]>"),
    ] {
        let read = attachment(&text);
        assert_eq!((&read["size"], &read["sha256"]), (&size.into(), &sha256.clone().into()));
    }
}

#[test]
fn what_is_no_base64_is_remarked_and_unknown() {
    for text in ["a", "aGV", "aGVq=", "aG==aGVq", "å", "a-_b", &format!("{}aGVq", "aG==".repeat(1024))] {
        let outcome = read(with_attachment(text));
        assert_eq!(outcome.row()["attachments"][0]["sha256"], Value::Null, "{text}");
        assert_eq!(outcome.remark("ubl.attachment").position.line, Some(27));
    }
    assert_eq!(attachment("")["size"], Value::Null);
    assert_eq!(attachment("aA==")["size"], 1);
}

/// A document whose attachment is made while it is read.
struct Generated {
    before: io::Cursor<Vec<u8>>,
    left: usize,
    after: io::Cursor<Vec<u8>>,
    largest: usize,
}

impl Generated {
    fn new(element: &str, characters: usize) -> Self {
        let (before, after) = INVOICE.split_once(element).unwrap();
        let cursor = |text: &str| io::Cursor::new(text.as_bytes().to_vec());
        Self { before: cursor(before), left: characters, after: cursor(after), largest: 0 }
    }
}

impl Read for Generated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.largest = self.largest.max(buffer.len());
        let read = self.before.read(buffer)?;
        if read > 0 {
            return Ok(read);
        }
        let made = self.left.min(buffer.len());
        if made > 0 {
            buffer[..made].fill(b'A');
            self.left -= made;
            return Ok(made);
        }
        self.after.read(buffer)
    }
}

/// The bound holds by construction: the text limit is a tenth of the attachment, so had any event held it, the file
/// would have been refused; and the reader never asks for more than its one buffer.
#[test]
fn a_large_attachment_is_streamed_past() {
    let characters = 20 * 1024 * 1024;
    assert!(characters > 10 * MAX_EVENT);
    let mut input = Generated::new(CONTENT, characters);
    let row = read_from(&mut input).row();
    let bytes = vec![0; characters / 4 * 3];
    assert_eq!(row["attachments"][0]["size"], bytes.len());
    assert_eq!(row["attachments"][0]["sha256"], hash(&bytes));
    assert!(input.largest <= MAX_EVENT / 16, "{}", input.largest);
}

#[test]
fn what_is_not_mapped_is_streamed_past_too() {
    let marker = "<cbc:UUID>x</cbc:UUID>";
    let document = with("<cbc:ID>F-1001</cbc:ID>", "<cbc:ID>F-1001</cbc:ID><cbc:UUID>x</cbc:UUID>");
    let big = document.replace(marker, &format!("<cbc:UUID>{}</cbc:UUID>", "A".repeat(2 * MAX_EVENT)));
    assert_eq!(read(big).row()["invoice_no"], "F-1001");
}

#[test]
fn texts_tags_and_comments_have_a_limit() {
    let long = "a".repeat(MAX_EVENT + 1);
    for document in [
        with("F-1001", &long),
        with("<cbc:ID>F-1001", &format!("<cbc:ID x=\"{long}\">F-1001")),
        with("<cbc:ID>F-1001", &format!("<!--{long}--><cbc:ID>F-1001")),
        with("<cbc:ID>F-1001", &format!("<{long}/><cbc:ID>F-1001")),
        with("F-1001", &format!("<![CDATA[{long}]]>")),
        INVOICE.replacen("<Invoice", &format!("<!DOCTYPE Invoice [<!ENTITY a \"{long}\">]><Invoice"), 1),
    ] {
        assert_eq!(read(document).refusal().code, "xml.too_long");
    }
    assert_eq!(read(with("F-1001", &long[..MAX_EVENT])).row()["invoice_no"].as_str().unwrap().len(), MAX_EVENT);
    let comments = with("F-1001", &format!("{0}<!-- -->{0}", &long[..MAX_EVENT]));
    assert_eq!(read(comments).refusal().code, "xml.too_long");
}

#[test]
fn depth_and_attributes_have_a_limit() {
    let nested = |depth: usize| format!("{}{}<cbc:ID>F-1001", "<a>".repeat(depth), "</a>".repeat(depth));
    assert_eq!(read(with("<cbc:ID>F-1001", &nested(63))).row()["invoice_no"], "F-1001");
    assert_eq!(read(with("<cbc:ID>F-1001", &nested(64))).refusal().code, "xml.depth");
    assert_eq!(read(with("<cbc:ID>F-1001", &"<a>".repeat(1_000_000))).refusal().code, "xml.depth");
    let attributes = |count: usize| (0..count).map(|n| format!(" a{n}=\"\"")).collect::<String>();
    assert_eq!(
        read(with("<cbc:ID>F-1001", &format!("<cbc:ID{}>F-1001", attributes(64)))).row()["invoice_no"],
        "F-1001"
    );
    assert_eq!(
        read(with("<cbc:ID>F-1001", &format!("<cbc:ID{}>F-1001", attributes(65)))).refusal().code,
        "xml.attributes"
    );
    let namespaces: String = (0..50_000).map(|n| format!(" xmlns:a{n}=\"u\"")).collect();
    let refused = read(with("<cbc:ID>F-1001", &format!("<cbc:ID{namespaces}>F-1001")));
    assert!(refused.refusal().code.starts_with("xml."));
}

#[test]
fn a_document_that_cannot_be_held_is_refused() {
    /// Lines without end.
    struct Endless(io::Cursor<Vec<u8>>, &'static [u8], usize);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let (filled, line) = (buffer.len(), self.1);
            for byte in buffer {
                *byte = line[self.2 % line.len()];
                self.2 += 1;
            }
            Ok(filled)
        }
    }
    let start = INVOICE.find("<cac:InvoiceLine>").unwrap();
    let before = io::Cursor::new(INVOICE.as_bytes()[..start].to_vec());
    let line = b"<cac:InvoiceLine><cbc:ID>1</cbc:ID></cac:InvoiceLine>";
    assert_eq!(read_from(&mut Endless(before, line, 0)).refusal().code, "ubl.too_large");
}

#[test]
fn an_input_that_fails_is_an_error_and_not_a_verdict() {
    struct Fails(io::Cursor<Vec<u8>>);
    impl Read for Fails {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("the disk is gone")),
                read => Ok(read),
            }
        }
    }
    for length in [0, 10, 2000, INVOICE.find(CONTENT).unwrap() + 2] {
        let mut input = Fails(io::Cursor::new(INVOICE.as_bytes()[..length].to_vec()));
        let result = crate::parse(
            "ubl",
            FileInfo { name: "f", ..FileInfo::default() },
            &mut input,
            &mut super::Collect::default(),
        );
        assert!(matches!(result, Err(ParseError::Read(_))), "{length}");
    }
}

#[test]
fn a_sink_that_stops_is_an_error() {
    struct Stops;
    impl crate::Sink for Stops {
        fn rows(
            &mut self,
            _: &'static schemas::Contract,
            _: arrow::array::RecordBatch,
        ) -> Result<(), crate::SinkError> {
            Err("full".into())
        }
        fn reject(&mut self, _: &'static schemas::Contract, _: crate::Reject) -> Result<(), crate::SinkError> {
            Err("full".into())
        }
    }
    for document in [INVOICE.to_owned(), with("F-1001", "")] {
        let result = super::super::parse(&mut document.as_bytes(), &mut Stops);
        assert!(matches!(result, Err(ParseError::Sink(_))));
    }
}
