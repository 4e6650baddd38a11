//! A second run on the same folder goes on from where the first one was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use commit::generation::Generation;

use crate::folder::{Folder, published};
use crate::program::reskontra;
use crate::row::Row;

/// Which jobs' tables are not what they were: another version, or other rows.
fn changed(folder: &Folder, before: &Generation) -> BTreeSet<String> {
    let now = folder.generation();
    assert_eq!(now.tables.keys().collect::<Vec<_>>(), before.tables.keys().collect::<Vec<_>>());
    now.tables.into_iter().filter(|(job, table)| before.tables[job] != *table).map(|(job, _)| job).collect()
}

#[test]
fn a_second_run_changes_nothing_and_a_new_file_brings_exactly_its_payments() {
    let folder = published().copy();
    let before = folder.generation();

    let again = folder.up().succeeded();
    let files = again.out.lines().find(|line| line.starts_with("files ")).unwrap();
    let counts: Vec<&str> = files.split_whitespace().skip(1).collect();
    assert_eq!(counts.join(" "), "0 accepted, 0 refused, 0 test, 1 known before, 0 without rule, 0 failed", "{again}");
    assert!(again.out.contains("records     0 read, 0 of them rejected; 0 rows landed"), "{again}");
    assert_eq!(folder.generation(), before, "nothing has changed, so nothing is published");

    // The bank corrects the file whose end record lied about the number of payments.
    let lying = folder.landing("bank").join("BGMAX_20260831_OCR_KONTROLL.txt");
    let corrected = folder.landing("bank").join("BGMAX_20260831_OCR_RATTAD.txt");
    let text = fs::read_to_string(lying).unwrap();
    assert!(text.contains("\r\n7000000006"), "the file declares six payments");
    fs::write(&corrected, text.replace("\r\n7000000006", "\r\n7000000005")).unwrap();
    let parsed = reskontra(["parse".as_ref(), "bgmax".as_ref(), corrected.as_os_str()]).succeeded();
    let lines: Vec<Row> = parsed.out.lines().map(Row::read).collect();
    let expected: BTreeSet<(String, String)> = lines
        .iter()
        .filter(|line| line.text("kind") == "record")
        .map(|line| (line.value("value").text("payment_id"), line.value("value").text("amount")))
        .collect();
    assert_eq!(expected.len(), 5);

    let outcomes = "select * from ar_payment_outcome";
    let by_payment = |rows: Vec<Row>| rows.into_iter().map(|row| (row.text("payment_id"), row)).collect();
    let known: BTreeMap<String, Row> = by_payment(folder.query(outcomes));
    folder.up().succeeded();
    let now: BTreeMap<String, Row> = by_payment(folder.query(outcomes));
    let new: BTreeSet<(String, String)> = now
        .iter()
        .filter(|(payment, _)| !known.contains_key(*payment))
        .map(|(payment, row)| (payment.clone(), row.text("amount")))
        .collect();
    assert_eq!(new, expected);
    for (payment, row) in &known {
        assert_eq!(&now[payment], row, "no other payment is concerned");
    }
    let of_others: Vec<String> = changed(&folder, &before)
        .into_iter()
        .filter(|job| ["ap_", "fee_", "rent_", "sla_"].iter().any(|area| job.starts_with(area)))
        .collect();
    assert!(of_others.is_empty(), "tables that no payment concerns have new versions: {of_others:?}");
    assert_eq!(folder.generations().len(), 2);
}
