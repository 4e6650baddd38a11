use std::io::Read as _;

use super::*;
use crate::testing::{origin, parse};

fn read(script: &str, limit: usize, dir: &Path) -> Arc<Parsed> {
    let origin = origin("a.txt", script.as_bytes());
    let mut spool = Spool { limit, ..Spool::new(&origin, dir) };
    let info = formats::FileInfo { name: "a.txt", ..Default::default() };
    let summary = parse("script", info, &mut script.as_bytes(), &mut spool).unwrap();
    spool.finish().unwrap();
    let deliveries = spool.deliveries();
    Arc::new(Parsed { origin, summary, status: crate::parsed::Status::Accepted, deliveries, spool })
}

fn all(file: &Arc<Parsed>) -> Vec<(String, Kind, RecordBatch)> {
    let mut all = Vec::new();
    for (contract, mut parts) in Parts::of(file) {
        while let Some(part) = parts.next().unwrap() {
            all.push((contract.name.clone(), part.kind, part.rows));
        }
    }
    all
}

#[test]
fn rows_that_wait_on_disk_come_back_as_those_in_memory() {
    let script = "rows 20000\nreject 3000\ninvoices 10000\nrows 5\nreject 1\nrows 9000";
    let dir = tempfile::tempdir().unwrap();
    let in_memory = read(script, usize::MAX, dir.path());
    for limit in [0, 1 << 20, 3 << 20] {
        let spilled = read(script, limit, dir.path());
        assert!(spilled.spool.memory() <= limit);
        assert_eq!(all(&spilled), all(&in_memory), "limit {limit}");
        assert_eq!(all(&spilled), all(&in_memory), "a second reader");
    }
}

#[test]
fn nothing_stays_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let file = read("rows 20000", 0, dir.path());
    assert!(std::fs::read_dir(dir.path()).unwrap().count() > 0);
    drop(file);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_batch_larger_than_the_shared_envelope_gets_one_of_its_own() {
    let envelope = Envelope::new(&origin("a", b""));
    for rows in [0, 1, BATCH_ROWS, BATCH_ROWS + 1, 3 * BATCH_ROWS] {
        let columns = envelope.columns(rows);
        assert_eq!((columns.len(), columns[0].len(), columns[1].len()), (2, rows, rows));
    }
}

#[test]
fn a_reject_carries_its_bytes_and_its_contract() {
    let dir = tempfile::tempdir().unwrap();
    let file = read("rows 1\nreject 1", usize::MAX, dir.path());
    let rejects = all(&file).into_iter().find(|(_, kind, _)| *kind == Kind::Rejected).unwrap().2;
    let row = serde_json::Value::Object(schemas::json::row(&rejects, 0));
    let mut id = String::new();
    file.origin.file_id.to_string().as_bytes().read_to_string(&mut id).unwrap();
    assert_eq!(row["file_id"], id);
    assert_eq!(row["contract"], "ledger_balance");
    assert_eq!(row["ordinal"], 2);
    assert_eq!(row["raw"], "2");
    assert_eq!(row["amount"], "-4.50");
    assert_eq!(row["received_at"], "2026-03-20T09:46:40.123Z");
}
