//! Large and hostile files: flat memory, no panic.

use std::io::Read;

use arrow::array::RecordBatch;
use schemas::Contract;

use super::STATEMENT;
use crate::{BATCH_ROWS, FileInfo, Reject, Sink, SinkError, Verdict};

/// A head, a piece many times, a tail.
struct Repeated {
    parts: [Vec<u8>; 3],
    times: usize,
    part: usize,
    at: usize,
}

impl Repeated {
    fn new(head: &str, piece: &str, tail: &str, times: usize) -> Self {
        Self { parts: [head, piece, tail].map(|part| part.as_bytes().to_vec()), times, part: 0, at: 0 }
    }
}

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.part < 3 {
            let part = &self.parts[self.part][self.at..];
            if part.is_empty() {
                self.at = 0;
                if self.part == 1 && self.times > 1 {
                    self.times -= 1;
                } else {
                    self.part += 1;
                }
                continue;
            }
            let length = part.len().min(buffer.len());
            buffer[..length].copy_from_slice(&part[..length]);
            self.at += length;
            return Ok(length);
        }
        Ok(0)
    }
}

#[derive(Default)]
struct Largest {
    rows: usize,
    largest: usize,
    nulls: usize,
}

impl Sink for Largest {
    fn rows(&mut self, _: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        self.rows += rows.num_rows();
        self.largest = self.largest.max(rows.num_rows());
        self.nulls += rows.column_by_name("balance_after").map_or(0, |column| column.null_count());
        Ok(())
    }

    fn reject(&mut self, _: &'static Contract, _: Reject) -> Result<(), SinkError> {
        Ok(())
    }
}

fn cut() -> (&'static str, &'static str, &'static str) {
    let start = STATEMENT.find("<TxsSummry>").unwrap();
    let first = STATEMENT.find("<Ntry>").unwrap();
    let end = STATEMENT.find("</Ntry>").unwrap() + "</Ntry>".len();
    let last = STATEMENT.rfind("</Ntry>").unwrap() + "</Ntry>".len();
    (&STATEMENT[..start], &STATEMENT[first..end], &STATEMENT[last..])
}

#[test]
fn a_large_statement_streams_and_says_that_its_balances_are_unproven() {
    let (head, entry, tail) = cut();
    let mut sink = Largest::default();
    let mut input = Repeated::new(head, entry, tail, 30_000);
    let summary = crate::parse("camt", FileInfo::default(), &mut input, &mut sink).unwrap();
    assert_eq!((summary.verdict, sink.rows), (Verdict::Accepted, 3 * 30_000));
    assert!(sink.largest <= BATCH_ROWS);
    assert_eq!(sink.nulls, 30_000);
    assert!(summary.remarks.iter().any(|remark| remark.code == "camt.balance_unproven"));
}

#[test]
fn an_entry_of_many_transactions_streams() {
    let (head, entry, tail) = cut();
    let start = entry.rfind("<TxDtls>").unwrap();
    let end = entry.rfind("</TxDtls>").unwrap() + "</TxDtls>".len();
    let head = format!("{head}{}", &entry[..start]);
    let tail = format!("{}{tail}", &entry[end..]);
    let piece = entry[start..end].replace("<AcctSvcrRef>B-1-2</AcctSvcrRef>", "");
    let mut sink = Largest::default();
    let mut input = Repeated::new(&head, &piece, &tail, 40_000);
    let summary = crate::parse("camt", FileInfo::default(), &mut input, &mut sink).unwrap();
    assert_eq!((summary.verdict, sink.rows), (Verdict::Accepted, 2 + 40_000));
    assert!(sink.largest <= BATCH_ROWS);
}

#[test]
fn a_transaction_that_cannot_be_held_refuses_the_file() {
    let (head, entry, tail) = cut();
    let at = entry.find("<RmtInf>").unwrap() + "<RmtInf>".len();
    let head = format!("{head}{}", &entry[..at]);
    let tail = format!("{}{tail}", &entry[at..]);
    let mut sink = Largest::default();
    let mut input = Repeated::new(&head, "<Ustrd>x</Ustrd>", &tail, 2_000_000);
    let summary = crate::parse("camt", FileInfo::default(), &mut input, &mut sink).unwrap();
    assert!(matches!(summary.verdict, Verdict::Refused(finding) if finding.code == "xml.too_large"));
}

#[test]
fn a_reject_has_its_bytes_however_the_file_comes() {
    let document = super::with(
        STATEMENT,
        "<CdtDbtInd>CRDT</CdtDbtInd>\n      <RltdPties>",
        "<CdtDbtInd>C</CdtDbtInd>\n      <RltdPties>",
    );
    let at_once = crate::testing::read("camt", &document);
    let (_, reject) = &at_once.rejects[0];
    assert!(reject.raw.starts_with(b"<TxDtls>") && reject.raw.ends_with(b"</TxDtls>"), "{reject:?}");
    let drip = crate::testing::read_from("camt", FileInfo::default(), &mut crate::testing::Drip(document.as_bytes()));
    assert_eq!(drip.rejects, at_once.rejects);
}
