use std::path::Path;

use super::*;
use crate::log::{FILE, LogBatch, LogReader as _};
use crate::receive::{Outcome, Receipt, Receiver};
use crate::testing::{memory, origin, parse, rows_of};

const GOLDEN: &str = include_str!("golden/entry-v1.json");
/// The same with the span that delivered it.
const GOLDEN_2: &str = include_str!("golden/entry-v2.json");

async fn open(store: &Store, dir: &Path) -> Direct {
    let archive = Archive::new(store.folder("archive"));
    Direct::open_with(store.folder("journal"), archive, dir.to_owned(), Parser::new(parse)).await.unwrap()
}

/// Archives and delivers a script as if it had come to a landing place.
async fn deliver(direct: &mut Direct, name: &str, script: &str) -> Result<()> {
    let file = archive(direct, name, script).await;
    direct.deliver(file).await
}

async fn archive(direct: &Direct, name: &str, script: &str) -> Parsed {
    let copy = crate::archive::temporary(&direct.work_dir).unwrap();
    std::fs::write(copy.path(), script).unwrap();
    let origin = origin(name, script.as_bytes());
    direct.archive.keep(origin.file_id, copy.path(), origin.size).await.unwrap();
    Parsed::read_with(&Parser::new(parse), origin, &mut script.as_bytes(), &direct.work_dir).unwrap()
}

async fn read(direct: &mut Direct, heads: &Heads, limits: Limits) -> Vec<LogBatch> {
    let mut reader = direct.reader(heads, limits).unwrap();
    let mut batches = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        batches.push(batch);
    }
    batches
}

/// Checks that batches are contiguous from the heads and moves the heads on.
fn land(heads: &mut Heads, batches: &[LogBatch]) {
    for batch in batches {
        let contract = &batch.contract.name;
        assert_eq!(batch.from, heads.get(contract, batch.partition), "{contract}");
        let rows = batch.accepted_rows() + batch.rejected_rows();
        assert_eq!(batch.to - batch.from, rows as i64, "{contract}");
        assert!(rows > 0);
        assert!(batch.accepted.iter().all(|rows| rows.schema() == batch.contract.schema));
        heads.set(contract, batch.partition, batch.to);
    }
}

const SCRIPTS: [(&str, &str); 5] = [
    ("a", "rows 3\nreject 2\ninvoices 2"),
    ("b", "rows 9000\nreject 1100\nrows 5"),
    ("c", "rows 9\nrefuse"),
    ("d", "rows 8\ntest"),
    ("e", "invoices 1"),
];

async fn deliver_all(direct: &mut Direct) {
    for (name, script) in SCRIPTS {
        deliver(direct, name, script).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_read_again_after_a_restart_is_what_was_delivered() {
    let (store, dir) = (memory(), tempfile::tempdir().unwrap());
    let mut first = open(&store, dir.path()).await;
    deliver_all(&mut first).await;
    let kept = read(&mut first, &Heads::new(), Limits::default()).await;
    let parsed_again = read(&mut first, &Heads::new(), Limits::default()).await;
    let after_restart = read(&mut open(&store, dir.path()).await, &Heads::new(), Limits::default()).await;
    let mut heads = Heads::new();
    land(&mut heads, &kept);
    assert_eq!(rows_of(&kept).len(), 9_005 + 1100 + 3 + 2 + 2 + 1 + 5);
    assert_eq!(rows_of(&parsed_again), rows_of(&kept));
    assert_eq!(rows_of(&after_restart), rows_of(&kept));
    let heads: Vec<_> = heads.iter().collect();
    assert_eq!(heads, [("customer_item", 0, 3), ("file", 0, 5), ("ledger_balance", 0, 10_110)]);
    assert_eq!(kept.len(), 3, "small files share a batch");
}

#[tokio::test]
async fn reading_goes_on_from_any_position_even_within_a_file() {
    let (store, dir) = (memory(), tempfile::tempdir().unwrap());
    let mut direct = open(&store, dir.path()).await;
    deliver_all(&mut direct).await;
    let all = rows_of(&read(&mut direct, &Heads::new(), Limits::default()).await);
    for limit in [1, 5_000, 50_000] {
        let limits = Limits { rows: limit, bytes: usize::MAX };
        let mut heads = Heads::new();
        let mut landed = Vec::new();
        // One batch at a time, each from a new reader, as after a crash behind each landing.
        while let Some(batch) = direct.reader(&heads, limits).unwrap().next().await.unwrap() {
            land(&mut heads, std::slice::from_ref(&batch));
            landed.push(batch);
        }
        assert_eq!(rows_of(&landed), all, "limit {limit}");
    }
    let mut heads = Heads::new();
    for (contract, position) in [("ledger_balance", 4_711), ("customer_item", 2), ("file", 1)] {
        heads.set(contract, 0, position);
    }
    let rest = read(&mut direct, &heads, Limits::default()).await;
    land(&mut heads, &rest);
    assert_eq!(rows_of(&rest).len(), 10_110 - 4_711 + 1 + 4);
    assert!(rows_of(&rest).iter().all(|row| all.contains(row)));
}

#[tokio::test]
async fn memory_is_bounded_by_the_limits_and_a_file_comes_after_its_rows() {
    let (store, dir) = (memory(), tempfile::tempdir().unwrap());
    let mut direct = open(&store, dir.path()).await;
    deliver(&mut direct, "big", "rows 100000\ninvoices 20000").await.unwrap();
    deliver(&mut direct, "small", "rows 1").await.unwrap();
    let limits = Limits { rows: 10_000, bytes: usize::MAX };
    let batches = read(&mut direct, &Heads::new(), limits).await;
    assert!(batches.iter().all(|batch| batch.accepted_rows() < 10_000 + formats::BATCH_ROWS));
    let files = batches.iter().position(|batch| batch.contract.name == FILE).unwrap();
    assert_eq!(files, batches.len() - 1, "the file records came before rows of their files");
    let bytes = Limits { rows: usize::MAX, bytes: 4 << 20 };
    let batches = read(&mut direct, &Heads::new(), bytes).await;
    assert!(batches.len() > 5);
    land(&mut Heads::new(), &batches);
}

#[tokio::test]
async fn a_crash_after_archiving_is_repaired_by_receiving_again() {
    let (store, dir) = (memory(), tempfile::tempdir().unwrap());
    let direct = open(&store, dir.path()).await;
    archive(&direct, "a", "rows 3").await;
    drop(direct);
    let mut direct = open(&store, dir.path()).await;
    let file = archive(&direct, "a", "rows 3").await;
    assert!(!direct.knows(&file.origin.file_id));
    direct.deliver(file).await.unwrap();
    assert_eq!(read(&mut direct, &Heads::new(), Limits::default()).await.len(), 2);
}

#[tokio::test]
async fn a_crash_after_the_journal_is_repaired_by_reading_it() {
    let (store, dir) = (memory(), tempfile::tempdir().unwrap());
    let mut direct = open(&store, dir.path()).await;
    deliver(&mut direct, "a", "rows 3").await.unwrap();
    drop(direct);
    let mut direct = open(&store, dir.path()).await;
    assert!(direct.knows(&origin("a", b"rows 3").file_id));
    let mut heads = Heads::new();
    let batches = read(&mut direct, &heads, Limits::default()).await;
    land(&mut heads, &batches);
    assert!(read(&mut direct, &heads, Limits::default()).await.is_empty());
}

#[tokio::test]
async fn of_two_writers_the_second_is_stopped_and_nothing_is_delivered_twice() {
    let (store, dir) = (memory(), tempfile::tempdir().unwrap());
    let mut one = open(&store, dir.path()).await;
    let mut other = open(&store, dir.path()).await;
    deliver(&mut one, "a", "rows 1").await.unwrap();
    let stopped = deliver(&mut other, "a", "rows 1").await;
    assert!(matches!(stopped, Err(Error::Fenced { .. })), "{stopped:?}");
    assert_eq!(open(&store, dir.path()).await.entries().len(), 1);
}

#[tokio::test]
async fn tables_that_are_ahead_of_the_journal_are_refused() {
    let (store, dir) = (memory(), tempfile::tempdir().unwrap());
    let mut direct = open(&store, dir.path()).await;
    deliver(&mut direct, "a", "rows 3").await.unwrap();
    for (partition, position) in [(0, 4), (1, 1), (0, -1)] {
        let mut heads = Heads::new();
        heads.set("ledger_balance", partition, position);
        let refused = direct.reader(&heads, Limits::default());
        assert!(matches!(refused, Err(Error::Gap(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_file_that_reads_otherwise_than_when_it_was_delivered_is_refused() {
    let (store, dir) = (memory(), tempfile::tempdir().unwrap());
    deliver(&mut open(&store, dir.path()).await, "a", "rows 3").await.unwrap();
    let mut direct = open(&store, dir.path()).await;
    direct.parser = Parser::new(|format, info, _, sink| parse(format, info, &mut &b"rows 4"[..], sink));
    let mut reader = direct.reader(&Heads::new(), Limits::default()).unwrap();
    let refused = reader.next().await;
    assert!(matches!(refused, Err(Error::Changed { .. })), "{refused:?}");
    assert!(reader.next().await.is_err(), "a reader that failed went on");
}

#[tokio::test]
async fn a_journal_with_a_hole_is_not_read() {
    let (store, dir) = (memory(), tempfile::tempdir().unwrap());
    let file = archive(&open(&store, dir.path()).await, "a", "rows 3").await;
    let entry = Entry::new(2, "w", &file, |_| 0);
    assert!(journal::append(&store.folder("journal"), &entry).await.unwrap());
    let archive = Archive::new(store.folder("archive"));
    let opened = Direct::open_with(store.folder("journal"), archive, dir.path().to_owned(), Parser::new(parse)).await;
    assert!(matches!(opened, Err(Error::Damaged { .. })), "{opened:?}");
}

#[test]
fn entries_of_every_layout_so_far_are_read() {
    let entry = journal::parse(GOLDEN.as_bytes(), 7).unwrap();
    assert_eq!(serde_json::to_string_pretty(&entry).unwrap(), GOLDEN.trim_end());
    assert_eq!(entry.file.name, "sub/a.txt");
    assert_eq!(entry.topics[1], Span { contract: "ledger_balance".to_owned(), from: 10, to: 15 });
    let traced = journal::parse(GOLDEN_2.as_bytes(), 7).unwrap();
    assert_eq!(serde_json::to_string_pretty(&traced).unwrap(), GOLDEN_2.trim_end());
    assert_eq!(traced.trace.as_deref(), Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    assert_eq!(traced.topics, entry.topics);
    let newer = GOLDEN.replace("\"version\": 1", "\"version\": 3");
    assert!(journal::parse(newer.as_bytes(), 7).unwrap_err().contains("version 3"));
    assert!(journal::parse(GOLDEN.as_bytes(), 8).is_err());
}

/// The whole way from a landing place, on the local disk.
#[tokio::test]
async fn a_place_is_received_once_and_every_oddity_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = dir.path().join("inbox");
    std::fs::create_dir(&inbox).unwrap();
    for (name, script) in SCRIPTS {
        std::fs::write(inbox.join(name).with_extension("txt"), script).unwrap();
    }
    std::fs::write(inbox.join("f.txt"), "break").unwrap();
    std::fs::write(inbox.join("g.txt"), SCRIPTS[0].1).unwrap();
    std::fs::write(inbox.join("h.pdf"), "no rule").unwrap();
    std::fs::write(inbox.join("i.txt.tmp"), "rows 1").unwrap();
    let url = |path: &Path| url::Url::from_directory_path(path).unwrap();
    let rules = vec![crate::place::Rule { pattern: "*.txt".to_owned(), format: "bgmax".to_owned() }];
    let place = crate::place::LandingPlace::open("inbox", &url(&inbox), [], rules).unwrap();
    let store = Store::open(&url(&dir.path().join("store")), []).unwrap();
    let work_dir = dir.path().join("work");
    let archive = Archive::new(store.folder("archive"));

    let mut direct = open(&store, &work_dir).await;
    let mut receiver = Receiver::with_parser(archive.clone(), work_dir.clone(), Parser::new(parse));
    let told = receive(&mut receiver, &place, &mut direct).await;
    let expected = [
        "a.txt accepted 7",
        "b.txt accepted 10105",
        "c.txt refused 9",
        "d.txt test 8",
        "e.txt accepted 1",
        "f.txt failed",
        "g.txt known",
        "h.pdf no rule",
    ];
    assert_eq!(told, expected);
    assert_eq!(receive(&mut receiver, &place, &mut direct).await, ["f.txt failed"], "the second pass");
    assert_eq!(direct.entries().len(), 5);

    let mut direct = open(&store, &work_dir).await;
    let mut receiver = Receiver::with_parser(archive, work_dir.clone(), Parser::new(parse));
    let told = receive(&mut receiver, &place, &mut direct).await;
    assert_eq!(told, ["f.txt failed", "g.txt known", "h.pdf no rule"], "after a restart");
    assert_eq!(std::fs::read_dir(&work_dir).unwrap().count(), 0, "temporary files are left");

    std::fs::write(inbox.join("a.txt"), "rows 4").unwrap();
    let told = receive(&mut receiver, &place, &mut direct).await;
    assert_eq!(told, ["a.txt accepted 4", "f.txt failed"], "a file that was replaced");
}

async fn receive(receiver: &mut Receiver, place: &crate::place::LandingPlace, direct: &mut Direct) -> Vec<String> {
    let mut told = Vec::new();
    let mut tell = |receipt: Receipt| {
        let became = match receipt.outcome {
            Outcome::Delivered(report) => format!("{:?} {}", report.status, report.read_records).to_lowercase(),
            Outcome::Known { .. } => "known".to_owned(),
            Outcome::NoRule => "no rule".to_owned(),
            Outcome::Failed(_) => "failed".to_owned(),
        };
        told.push(format!("{} {became}", receipt.name));
    };
    receiver.receive(place, direct, &mut tell).await.unwrap();
    told
}
