//! `reskontra parse`: JSON lines and exit codes.

use std::fs::{self, File};
use std::path::Path;

use crate::folder::published;
use crate::program::{Ended, program, reskontra, run};
use crate::row::{Row, ore};

fn parse(format: &str, file: &Path) -> Ended {
    reskontra(["parse".as_ref(), format.as_ref(), file.as_os_str()])
}

fn lines(ended: &Ended) -> Vec<Row> {
    ended.out.lines().map(Row::read).collect()
}

/// The one line about the file, which is the last.
fn manifest(lines: &[Row]) -> &Row {
    let (file, rows) = lines.split_last().unwrap();
    assert_eq!(file.text("kind"), "file");
    assert!(rows.iter().all(|row| ["record", "reject"].contains(&row.text("kind").as_str())));
    file
}

#[test]
fn a_good_file_with_a_bad_record_is_accepted_and_every_row_leads_to_its_bytes() {
    let path = published().landing("bank").join("BGMAX_20260803_BLANKETT.txt");
    let ended = parse("bgmax", &path).succeeded();
    let (lines, bytes) = (lines(&ended), fs::read(&path).unwrap());
    let file = manifest(&lines);
    assert_eq!((file.text("format").as_str(), file.text("status").as_str()), ("bgmax", "accepted"));
    assert_eq!(file.some_text("reason"), None);
    let counts = ["declared_records", "read_records", "rejected_records"].map(|count| file.number(count));
    assert_eq!(counts, [9, 9, 1]);
    let total = &file.rows("totals")[0];
    assert_eq!(total.text("currency"), "SEK");
    assert_eq!(total.ore("declared"), total.ore("read") + total.ore("rejected"));
    assert_eq!(file.cell("remarks"), &serde_json::json!([]));

    let (mut ordinals, mut read) = (Vec::new(), 0);
    for row in &lines[..lines.len() - 1] {
        assert_eq!(row.text("contract"), "payment_in");
        ordinals.push(row.number("ordinal"));
        let [start, end] = ["start", "end"].map(|at| usize::try_from(row.number(at)).unwrap());
        assert!(bytes[start..end].starts_with(b"20"), "a payment begins with TK20");
        if row.text("kind") == "record" {
            let payment = row.value("value");
            let amount = String::from_utf8(bytes[start + 37..start + 55].to_vec()).unwrap();
            assert_eq!(payment.ore("amount"), amount.parse::<i64>().unwrap());
            assert_eq!(payment.text("payment_date"), "2026-08-03");
            read += ore(&payment.text("amount"));
        } else {
            assert_eq!(row.text("code"), "bgmax.reference_code");
            assert!(!row.text("message").is_empty());
        }
    }
    ordinals.sort_unstable();
    assert_eq!(ordinals, (1..=9).collect::<Vec<_>>());
    assert_eq!(read, total.ore("read"));
}

#[test]
fn a_refused_file_says_where_and_why_and_exits_with_1() {
    for (place, name, format, code, line) in [
        ("bank", "BGMAX_20260831_OCR_KONTROLL.txt", "bgmax", "bgmax.payment_count", 11),
        ("bank", "BGMAX_20260831_FEL.txt", "bgmax", "bgmax.not_bgmax", 1),
        ("einvoice", "9999999.xml", "ubl", "xml.not_well_formed", 3),
    ] {
        let ended = parse(format, &published().landing(place).join(name));
        assert_eq!(ended.code, Some(1), "{ended}");
        let lines = lines(&ended);
        let file = manifest(&lines);
        assert_eq!(file.text("status"), "refused");
        let reason = file.value("reason");
        assert_eq!(reason.text("code"), code);
        assert_eq!(reason.value("position").number("line"), line);
        assert!(!reason.text("message").is_empty() && !reason.text("message_sv").is_empty());
    }
}

#[test]
fn standard_input_is_read_as_the_file_is() {
    for (place, name, format) in [
        ("bank", "BGMAX_20260804_OCR.txt", "bgmax"),
        ("einvoice", "0000001.xml", "ubl"),
        ("erp", "AGR_SALDO_20260831.txt", "erp_ledger_balance"),
    ] {
        let path = published().landing(place).join(name);
        let from_file = parse(format, &path).succeeded();
        let mut command = program("reskontra");
        command.args(["parse", format, "--name", name, "-"]).stdin(File::open(&path).unwrap());
        assert_eq!(run(&mut command).succeeded().out, from_file.out);
        assert!(manifest(&lines(&from_file)).number("read_records") > 0);
    }
}

#[test]
fn wrong_usage_exits_with_2_and_prints_no_rows() {
    let good = published().landing("bank").join("BGMAX_20260804_OCR.txt");
    let good = good.to_str().unwrap();
    for arguments in
        [&["parse", "bgmax"][..], &["parse", "bgmaxx", good], &["parse", "bgmax", "/no/such/file"], &["parse"]]
    {
        let ended = reskontra(arguments);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{arguments:?}: {ended}");
        assert!(!ended.said.is_empty());
    }
    let unknown = reskontra(["parse", "bgmaxx", good]);
    assert!(unknown.said.contains("bgmax, "), "the formats that exist are named: {unknown}");
}
