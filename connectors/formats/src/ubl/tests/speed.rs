//! How fast documents are read: `cargo test -p formats --release ubl::tests::speed -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use schemas::Contract;

use super::{INVOICE, streams::with_attachment};
use crate::{Reject, Sink, SinkError};

struct Forget;

impl Sink for Forget {
    fn rows(&mut self, _: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        black_box(rows);
        Ok(())
    }

    fn reject(&mut self, _: &'static Contract, reject: Reject) -> Result<(), SinkError> {
        panic!("{}", reject.finding.message);
    }
}

/// An invoice with many lines.
fn many_lines(lines: usize) -> String {
    let start = INVOICE.find("<cac:InvoiceLine>").unwrap();
    let end = INVOICE.find("</cac:InvoiceLine>").unwrap() + "</cac:InvoiceLine>\n  ".len();
    format!("{}{}{}", &INVOICE[..start], INVOICE[start..end].repeat(lines), &INVOICE[end..])
}

#[test]
#[ignore = "measures, asserts nothing"]
#[expect(clippy::print_stdout, reason = "what is measured is for a reader")]
fn documents_a_second() {
    let documents = [
        ("small invoice", INVOICE.to_owned()),
        ("2 000 lines", many_lines(2000)),
        ("20 MB attachment", with_attachment(&"QUJD".repeat(5_000_000))),
    ];
    for (name, document) in documents {
        // The best of many runs: other work on the machine only ever makes a run slower.
        let (begin, mut best) = (Instant::now(), Duration::MAX);
        while begin.elapsed() < Duration::from_secs(3) {
            let run = Instant::now();
            super::super::parse(&mut document.as_bytes(), &mut Forget).unwrap();
            best = best.min(run.elapsed());
        }
        let rate = document.len() as u128 * 1000 / best.as_nanos();
        println!("{name}: {rate} MB/s, {} µs for {} kB", best.as_micros(), document.len() / 1000);
    }
}
