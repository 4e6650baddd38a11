//! Killed at any moment and started again, the stream comes to the same tables.

use std::process::Stdio;
use std::time::Duration;

use crate::folder::{Folder, each_file, published};

/// How often the stream is killed while it writes where, and after how many new files: at least, at most.
const STAGES: [(u32, &str, [u64; 2]); 5] = [
    // Receiving: a raw file and a delivery each.
    (5, "archive", [1, 90]),
    // Landing: rows and log of each contract.
    (2, "landing", [1, 15]),
    // Computing: the staged rows of each job.
    (2, "tables", [1, 36]),
    // Committing: the log of each job's table, after all are staged.
    (2, "tables", [38, 70]),
    // Publishing.
    (1, "generations", [1, 1]),
];

/// How often is looked whether the moment has come.
const LOOK: Duration = Duration::from_millis(5);

/// Numbers that repeat from run to run of the test (a linear congruential generator, as in Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn between(&mut self, [least, most]: [u64; 2]) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        least + (self.0 >> 33) % (most - least + 1)
    }
}

/// Files that a stage has written.
fn written(folder: &Folder, stage: &str) -> u64 {
    let mut count = 0;
    each_file(&folder.path().join("store").join(stage), &mut |_| count += 1);
    count
}

/// Starts `reskontra` with these arguments and kills it when it has written `more` files at a stage.
///
/// A moment is told by what has been written, so that it is the same one on a fast machine and a slow one.
pub fn kill_at(folder: &Folder, arguments: &[&str], stage: &str, more: u64) {
    let goal = written(folder, stage) + more;
    let mut command = folder.reskontra(arguments);
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while written(folder, stage) < goal {
        if let Some(status) = process.try_wait().unwrap() {
            panic!("ended ({status}) before it had written {more} files in {stage}");
        }
        std::thread::sleep(LOOK);
    }
    process.kill().unwrap();
    let status = process.wait().unwrap();
    // Publishing is nearly the last thing that it does.
    assert!(status.code().is_none_or(|code| code == 0 && stage == "generations"), "{status}");
}

#[test]
fn killed_at_random_moments_it_comes_to_the_same_tables() {
    let folder = Folder::city(1);
    let mut numbers = Numbers(20_260_831);
    for (rounds, stage, range) in STAGES {
        for _ in 0..rounds {
            let more = numbers.between(range);
            kill_at(&folder, &["up", "--once"], stage, more);
            let left = ["archive", "landing", "tables", "generations"].map(|stage| written(&folder, stage));
            println!(
                "killed after {more} more files in {stage}; files in archive, landing, tables, generations: {left:?}"
            );
        }
    }
    folder.up().succeeded();
    assert_eq!(folder.content(), published().content());
}
