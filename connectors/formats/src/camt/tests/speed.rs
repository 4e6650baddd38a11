//! How fast it is: `cargo test --release -p formats speed -- --ignored --nocapture`.

use std::time::Instant;

use super::STATEMENT;
use crate::{FileInfo, Verdict};

#[test]
#[ignore = "measures"]
#[expect(clippy::print_stderr, reason = "a measurement is read by people")]
fn megabytes_a_second() {
    let start = STATEMENT.find("<TxsSummry>").unwrap();
    let first = STATEMENT.find("<Ntry>").unwrap();
    let end = STATEMENT.rfind("</Ntry>").unwrap() + "</Ntry>".len();
    let entries = STATEMENT[first..end].repeat(30_000);
    let document = format!("{}{entries}{}", &STATEMENT[..start], &STATEMENT[end..]);
    let before = Instant::now();
    let mut sink = crate::testing::Nothing::default();
    let summary = crate::parse("camt", FileInfo::default(), &mut document.as_bytes(), &mut sink).unwrap();
    let seconds = before.elapsed().as_secs_f64();
    assert_eq!(summary.verdict, Verdict::Accepted);
    let megabytes = document.len() as f64 / 1e6;
    eprintln!("camt: {megabytes:.0} MB, {} rows, {:.0} MB/s", summary.read_records, megabytes / seconds);
}
