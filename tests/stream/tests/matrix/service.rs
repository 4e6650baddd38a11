//! A library is put into service, taken back, and what is left of it vacuumed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::sound::Content;
use super::town::{Numbers, first};
use super::{Way, column as ways, points};
use crate::folder::{Folder, each_file};
use crate::program::run;

const DEPLOY: Way = Way { name: "put into service", commands: &[&["deploy", "--yes"]] };
const ROLLBACK: Way = Way { name: "taken back", commands: &[&["rollback", "--to", "1", "--reason", "counted twice"]] };
const VACUUM: Way = Way { name: "vacuumed", commands: &[&["vacuum", "--archive", "--as-of", LATE]] };
/// A date at which no raw file need be kept.
const LATE: &str = "2040-01-01";

/// Kills at each point on the way; gives the points.
pub fn column(seed: u64) -> BTreeSet<String> {
    let start = first();
    start.up().succeeded();
    let job = start.path().join("sql/town/town_bucket.sql");
    let text = fs::read_to_string(&job).unwrap();
    let edited = text.replace("sum(amount)", "sum(amount + amount)");
    assert_ne!(edited, text);
    fs::write(job, edited).unwrap();
    let mut reached = ways(DEPLOY, &start, || start.copy(), seed);
    DEPLOY.go(&start, "").unwrap();
    reached.extend(ways(ROLLBACK, &start, || start.copy(), seed));
    ROLLBACK.go(&start, "").unwrap();
    reached.extend(vacuumed(&start, seed));
    reached
}

/// A vacuum that is killed and done again leaves what one leaves that is not, and nothing to do.
fn vacuumed(start: &Folder, seed: u64) -> BTreeSet<String> {
    start.configure(|text| format!("{text}\n[retention]\ngenerations = 1\ndays = 0\ngrace_hours = 0\n"));
    let wanted = Content::of(start);
    let reached = VACUUM.reached(&start.copy());
    let mut numbers = Numbers::new(seed);
    for point in points().filter(|point| reached.contains_key(*point)) {
        let spared = numbers.below(reached[point]);
        let (folder, what) = (start.copy(), format!("vacuumed, killed at {point} ({})", spared + 1));
        println!("{what}");
        VACUUM.survive(&folder, &format!("{point}={spared}*kill"));
        assert_eq!(Content::of(&folder), wanted, "{what}");
        let numbers: Vec<u64> = folder.generations().iter().map(|generation| generation.number).collect();
        assert_eq!(numbers, [3], "{what}");
        let mut left = folder.reskontra(&["vacuum", "--dry-run", "--archive", "--as-of", LATE]);
        let left = run(&mut left).succeeded().out;
        let nothing = "0 files, 0 bytes would be deleted\n0 raw files, 0 bytes would be removed";
        assert!(left.starts_with(nothing), "{what}: {left}");
        assert_eq!(files_in(&folder.path().join("store/archive/sha256")), 0, "{what}");
        run(&mut folder.reskontra(&["ingest"])).succeeded();
        run(&mut folder.reskontra(&["land"])).succeeded();
        let again = run(&mut folder.reskontra(&["run"])).succeeded();
        assert!(again.said.contains("nothing has changed since generation 3"), "{what}: {again}");
        assert_eq!(run(&mut folder.reskontra(&["rollback", "--reason", "again"])).code, Some(1), "{what}");
    }
    reached.into_keys().collect()
}

fn files_in(folder: &Path) -> usize {
    let mut files = 0;
    each_file(folder, &mut |_| files += 1);
    files
}
