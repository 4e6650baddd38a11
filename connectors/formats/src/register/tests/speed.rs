//! Measured by hand: `cargo test --release -p formats speed -- --ignored --nocapture`.

use std::io::Write as _;
use std::time::Instant;

use super::*;

struct Count(usize);

impl Sink for Count {
    fn rows(&mut self, _: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        self.0 += rows.num_rows();
        Ok(())
    }

    fn reject(&mut self, _: &'static Contract, reject: Reject) -> Result<(), SinkError> {
        Err(format!("{}: {}", reject.finding.position, reject.finding.message).into())
    }
}

#[test]
#[ignore = "a measurement, no test"]
fn speed_of_open_items() {
    let mut file = latin(ITEMS.split_inclusive('\n').next().unwrap());
    let rows = 400_000_u64;
    for row in 0..rows {
        let line = format!(
            "SU-{row}-1;K{row};Testsson Tove Ä;189001019802;104;1512;{row};KF;{row};12345674;2026-03-01;2026-03-31;SEK;\
             1 572,00;1 000,50;202603;BER;;\n"
        );
        file.extend(latin(&line));
    }
    writeln!(file, "SUMMA;{rows};{},{:02}", rows * 100_050 / 100, rows * 100_050 % 100).unwrap();
    let mapping = &super::super::mappings()["erp_customer_item"];
    for _ in 0..5 {
        let mut sink = Count(0);
        let begin = Instant::now();
        let summary = parse(mapping, FileInfo { name: "20260331", ..FileInfo::default() }, &mut &file[..], &mut sink);
        let took = begin.elapsed();
        assert_eq!(summary.unwrap().verdict, Verdict::Accepted);
        let rate = file.len() as u128 * 1000 / took.as_nanos().max(1);
        writeln!(std::io::stderr(), "{} rows, {} bytes, {took:?}, {rate} MB/s", sink.0, file.len()).unwrap();
    }
}
