//! Killed at any moment and started again, the stream comes to the same tables.

use std::process::Stdio;
use std::time::Duration;

use crate::folder::{Folder, each_file, published};

/// Kills while files are received and landed, and after that while jobs are computed, committed and published.
const ROUNDS: [(u32, u64); 2] = [(6, 160), (6, 115)];

/// How often is looked whether the moment has come.
const LOOK: Duration = Duration::from_millis(5);

/// Numbers that repeat from run to run of the test (a linear congruential generator, as in Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most + 1
    }
}

fn files(folder: &Folder) -> u64 {
    let mut count = 0;
    each_file(&folder.path().join("store"), &mut |_| count += 1);
    count
}

#[test]
fn killed_at_random_moments_it_comes_to_the_same_tables() {
    let folder = Folder::city(1);
    let (mut numbers, mut kills) = (Numbers(20_260_831), 0);
    for (rounds, most) in ROUNDS {
        for _ in 0..rounds {
            // A moment is when so many files have been written: it is the same moment on a fast machine and a slow one.
            let goal = files(&folder) + numbers.up_to(most);
            let mut up = folder.reskontra(&["up", "--once"]);
            let mut up = up.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let ended = loop {
                if let Some(status) = up.try_wait().unwrap() {
                    break Some(status);
                }
                if files(&folder) >= goal {
                    up.kill().unwrap();
                    up.wait().unwrap();
                    break None;
                }
                std::thread::sleep(LOOK);
            };
            match ended {
                None => kills += 1,
                Some(status) => assert!(status.success(), "{status}"),
            }
        }
    }
    println!("killed {kills} times; {} files, {} generations then", files(&folder), folder.generations().len());
    assert!(kills >= 8, "only {kills} rounds were ended by a kill");
    folder.up().succeeded();
    assert_eq!(folder.content(), published().content());
}
