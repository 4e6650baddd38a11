//! Prints speeds: `cargo test --release -p formats speed_of_fixed_width -- --ignored --nocapture`.

use crate::FileInfo;
use crate::testing::{Nothing, computed, file, record};

const ROWS: u64 = 400_000;

fn autogiro() -> Vec<String> {
    let row = |n: u64| {
        let payment = format!("82202603020   {:>17}{:012}0009912346", format!("{n:016}"), 100);
        record(&[(1, &payment), (54, "FAKTNR156"), (80, "0")])
    };
    let mut records = vec![
        record(&[(1, "01AUTOGIRO"), (25, "20260302193055123456BET. SPEC & STOPP TK4711170009912346")]),
        record(&[(1, &format!("15{:0>35}2026030200001{:018}", "8901", 100 * ROWS)), (72, &format!("{ROWS:08}"))]),
    ];
    records.extend((1..=ROWS).map(row));
    records.push(record(&[(1, &format!("09202603029900000001{ROWS:012}{:036}", 0))]));
    records
}

fn lb() -> Vec<String> {
    let mut records = vec![record(&[(1, "110009912346260302LEVERANTÖRSBETALNINGAR2603031")])];
    for n in 1..=ROWS / 2 {
        records.push(record(&[(1, "26"), (3, "0050501055"), (13, "LASTBILAR HB")]));
        let payment = format!("140050501055{n:025}{:012}C{n:010}VERIF 19", 100);
        records.push(record(&[(1, &payment)]));
    }
    records.push(record(&[(1, &format!("290009912346{:08}{:012}", ROWS / 2, ROWS / 2 * 100))]));
    records
}

fn totalin() -> Vec<String> {
    let mut records = vec![
        record(&[(1, "00TI222222"), (15, "2026030204133012345601TL1TOTALIN")]),
        record(&[(1, "102865434"), (39, "SEK20260302")]),
    ];
    for n in 1..=ROWS / 4 {
        records.push(record(&[(1, &format!("20{:>35}{:015}{n:017}", "12345674", 100))]));
        records.push(record(&[(1, "602865434"), (39, "1")]));
        records.push(record(&[(1, "61TESTBOLAGET AB")]));
        records.push(record(&[(1, "6312345    TESTSTAD")]));
    }
    records.push(record(&[(1, &format!("90{:08}{:017}20260302001", ROWS / 4, ROWS / 4 * 100))]));
    records.push(record(&[(1, &format!("99{:015}", records.len() + 1))]));
    records
}

#[test]
#[ignore = "measures, asserts nothing"]
#[expect(clippy::print_stdout, reason = "what is measured is for a reader")]
fn speed_of_fixed_width() {
    for (format, records) in [("autogiro", autogiro()), ("lb", lb()), ("totalin", totalin())] {
        let bytes = file(&records);
        let mut best = u128::MAX;
        let mut rows = 0;
        for _ in 0..5 {
            let mut sink = Nothing::default();
            let start = computed();
            let summary = crate::parse(format, FileInfo::default(), &mut bytes.as_slice(), &mut sink).unwrap();
            best = best.min((computed() - start).max(1));
            assert_eq!(summary.verdict, crate::Verdict::Accepted);
            rows = sink.0;
        }
        println!("{format}: {} MB/s, {} rows/s", bytes.len() as u128 / best, rows as u128 * 1_000_000 / best);
    }
}
