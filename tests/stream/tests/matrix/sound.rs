//! What a folder holds, and that everything in it is sound.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use datafusion::execution::context::SessionContext;
use lake::Lake;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::folder::{Folder, each_file};
use crate::program::run;

/// What the tables hold, however they came to it.
#[derive(Debug, PartialEq, Eq)]
pub struct Content {
    /// Rows of each landing table, sorted.
    landed: BTreeMap<String, Vec<String>>,
    /// Rows and digest of each job's table in the generation in service.
    jobs: BTreeMap<String, (u64, String)>,
}

impl Content {
    pub fn of(folder: &Folder) -> Self {
        let jobs = if folder.generations().is_empty() { BTreeMap::new() } else { folder.content() };
        Self { landed: landed(folder), jobs }
    }
}

fn lake(folder: &Folder) -> Lake {
    Lake::open(&Url::from_directory_path(folder.path().join("store")).unwrap()).unwrap()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(work)
}

fn landed(folder: &Folder) -> BTreeMap<String, Vec<String>> {
    let lake = lake(folder);
    block_on(async {
        let mut landed = BTreeMap::new();
        for contract in schemas::contracts().keys() {
            let Some(table) = lake.landing(contract).await.unwrap() else { continue };
            let context = SessionContext::new();
            lake.register(&context);
            let batches = context.read_table(table.provider().unwrap()).unwrap().collect().await.unwrap();
            let options = FormatOptions::new().with_null("∅");
            let mut rows = Vec::new();
            for batch in &batches {
                let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap());
                let columns: Vec<_> = columns.collect();
                let row = |row: usize| columns.iter().map(|column| format!("{}│", column.value(row))).collect();
                rows.extend((0..batch.num_rows()).map(row));
            }
            rows.sort_unstable();
            landed.insert(contract.clone(), rows);
        }
        landed
    })
}

/// Checks that the folder holds what is wanted, that archive, journal, tables and generations are valid, that what was
/// left behind is cleaned up or passed over, and that a further round finds nothing to do.
pub fn check(folder: &Folder, wanted: &Content, what: &str) {
    assert_eq!(&Content::of(folder), wanted, "{what}");
    let archived = archive(folder, what);
    let received = journal(folder, what);
    assert!(received.is_subset(&archived), "{what}: the journal speaks of files that are not in the archive");
    let generations = folder.generations();
    let numbers: Vec<u64> = generations.iter().map(|generation| generation.number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "{what}");
    assert_eq!(left_in(&folder.path().join("work")), 0, "{what}: temporary files are left");

    // What killed runs staged belongs to no version, and is collected without harm to the generation in service.
    let lake = lake(folder);
    block_on(async {
        for (job, cut) in &folder.generation().tables {
            lake.collect(job, &[cut.version], DateTime::<Utc>::MAX_UTC).await.unwrap();
            let table = lake.job_table_version(job, cut.version).await.unwrap();
            let context = SessionContext::new();
            lake.register(&context);
            let rows = context.read_table(table.provider().unwrap()).unwrap().count().await.unwrap();
            assert_eq!(rows as u64, cut.rows, "{what}: {job}");
        }
    });
    let again = run(&mut folder.reskontra(&["run"])).succeeded();
    assert!(again.said.contains("nothing has changed since generation"), "{what}: {again}");
}

/// Ids of the files in the archive, each of which holds what its name says.
fn archive(folder: &Folder, what: &str) -> BTreeSet<String> {
    let root = folder.path().join("store/archive/sha256");
    let mut ids = BTreeSet::new();
    each_file(&root, &mut |file| {
        let name: String =
            file.strip_prefix(&root).unwrap().components().map(|part| part.as_os_str().to_str().unwrap()).collect();
        if is_passed_over(&name) {
            return;
        }
        let hash: String = Sha256::digest(fs::read(file).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, name, "{what}: a file of the archive is damaged");
        ids.insert(name);
    });
    ids
}

/// Ids of the files that the journal delivers, each once; its entries and positions follow each other.
fn journal(folder: &Folder, what: &str) -> BTreeSet<String> {
    let mut entries = BTreeMap::new();
    each_file(&folder.path().join("store/archive/journal"), &mut |file| {
        let name = file.file_name().unwrap().to_str().unwrap();
        if !is_passed_over(name) {
            let entry: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            entries.insert(entry["number"].as_u64().unwrap(), entry);
        }
    });
    assert!(entries.keys().copied().eq(1..=entries.len() as u64), "{what}: the journal has holes");
    let mut ids = BTreeSet::new();
    let mut ends: BTreeMap<String, i64> = BTreeMap::new();
    for entry in entries.values() {
        let id = entry["file"]["file_id"].as_str().unwrap().to_owned();
        assert!(ids.insert(id), "{what}: a file is delivered twice");
        for span in entry["topics"].as_array().unwrap() {
            let end = ends.entry(span["contract"].as_str().unwrap().to_owned()).or_default();
            assert_eq!(span["from"].as_i64().unwrap(), *end, "{what}: positions do not follow each other");
            *end = span["to"].as_i64().unwrap();
        }
    }
    ids
}

/// Whether readers of a store never see an object of this name: it was being written when its writer died.
fn is_passed_over(name: &str) -> bool {
    name.starts_with('.')
        || name.rsplit_once('#').is_some_and(|(_, tail)| tail.bytes().all(|byte| byte.is_ascii_digit()))
}

fn left_in(folder: &Path) -> usize {
    let mut files = 0;
    each_file(folder, &mut |_| files += 1);
    files
}
