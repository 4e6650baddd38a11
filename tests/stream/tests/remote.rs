//! Object storage: the same tables as on a local disk, whatever the wire does to the answers.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::{ObjectStorage, Wire};

use crate::folder::{Folder, each_file, published};
use crate::program::{Ended, run};

/// So often all answers are lost while something is written.
const CUTS: usize = 30;

fn on_storage(folder: &Folder, storage: &ObjectStorage, address: &str, arguments: &[&str]) -> Ended {
    let mut command = folder.reskontra(arguments);
    run(command.envs(storage.environment(address)))
}

fn city_on(storage: &ObjectStorage) -> Folder {
    let folder = Folder::city(1);
    folder.configure(|text| text.replace("storage = \"store\"", &format!("storage = {:?}", storage.url("city"))));
    folder
}

/// Rows and digest of each table of the last generation, read through `query`'s own door: the bucket.
fn content(storage: &ObjectStorage, number: u64) -> Vec<(String, u64, String)> {
    let path = storage.objects().join(format!("city/generations/{number:012}.json"));
    let generation: commit::generation::Generation =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    generation.tables.into_iter().map(|(job, cut)| (job, cut.rows, cut.digest)).collect()
}

fn as_on_disk() -> Vec<(String, u64, String)> {
    published().content().into_iter().map(|(job, (rows, digest))| (job, rows, digest)).collect()
}

fn files(folder: &Path) -> usize {
    let mut count = 0;
    each_file(folder, &mut |_| count += 1);
    count
}

/// Loses all answers from time to time, each time until something has been written whose writer does not know.
fn lose_answers(wire: &Wire, objects: &Path, stop: &AtomicBool) -> usize {
    let mut cuts = 0;
    while !stop.load(Ordering::SeqCst) && cuts < CUTS {
        thread::sleep(Duration::from_millis(100));
        let (before, since) = (files(objects), Instant::now());
        let lost = wire.lost();
        wire.lose_answers(true);
        while !stop.load(Ordering::SeqCst) && since.elapsed() < Duration::from_millis(150) {
            if files(objects) > before && wire.lost() > lost {
                cuts += 1;
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        wire.lose_answers(false);
    }
    cuts
}

#[test]
fn lost_answers_of_an_object_store_are_neither_conflicts_nor_doubles() {
    let dir = tempfile::tempdir().unwrap();
    let storage = ObjectStorage::start(dir.path()).unwrap();
    let wire = Wire::to(storage.address()).unwrap();
    let folder = city_on(&storage);
    let stop = AtomicBool::new(false);
    let cuts = thread::scope(|scope| {
        let losing = scope.spawn(|| lose_answers(&wire, storage.objects(), &stop));
        let ended = on_storage(&folder, &storage, wire.address(), &["up", "--once"]);
        stop.store(true, Ordering::SeqCst);
        ended.succeeded();
        losing.join().unwrap()
    });
    println!("answers lost: {}, while something was written: {cuts} times", wire.lost());
    assert_eq!(cuts, CUTS);
    assert_eq!(content(&storage, 1), as_on_disk());

    // Nothing was delivered, landed or published twice: a second run finds nothing to do.
    let again = on_storage(&folder, &storage, &storage.address(), &["up", "--once"]).succeeded();
    assert!(again.out.contains("0 accepted") && again.out.contains("0 rows landed"), "{again}");
    assert_eq!(files(&storage.objects().join("city/generations")), 1, "{again}");
    let rows = |folder: &Folder, sql: &str| on_storage(folder, &storage, &storage.address(), &["query", sql]).out;
    for table in published().generation().landing.keys() {
        let count = format!("select count(*) as rows from landing.{table}");
        assert_eq!(rows(&folder, &count), rows(published(), &count), "{table}");
    }
}
