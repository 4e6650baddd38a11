//! A small town: few files and three jobs of its own, which are computed by key, in full, and in full
//! with the same result. So it can be killed a hundred times in minutes.

use std::fs;
use std::path::PathBuf;

use crate::folder::{Folder, each_file};
use crate::program::root;
use crate::ticks::{bring, hold_back};

/// Of so many files at a landing place, one is kept; the other places stay empty.
const SPARSE: [(&str, usize); 2] = [("bank", 7), ("einvoice", 40)];
/// Files that come later: they bring few of the payments, or all would be computed again.
const LATER: usize = 4;

/// Numbers that repeat from run to run (a linear congruential generator, as in Knuth's MMIX).
#[derive(Debug)]
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        let mut numbers = Self(seed);
        numbers.below(1);
        numbers
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// The town before anything is received.
pub fn first() -> Folder {
    let folder = Folder::city(1);
    let sql = folder.own_sql();
    each_file(&sql, &mut |file| {
        if file.extension().is_some_and(|kind| kind == "sql") {
            fs::remove_file(file).unwrap();
        }
    });
    let own = root().join("tests/stream/tests/matrix/sql");
    each_file(&own, &mut |file| {
        let copy = sql.join(file.strip_prefix(&own).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(file, copy).unwrap();
    });
    let mut files: Vec<PathBuf> = Vec::new();
    each_file(&folder.path().join("landing"), &mut |file| files.push(file.to_owned()));
    files.sort();
    let kept: Vec<PathBuf> = SPARSE
        .iter()
        .flat_map(|(place, of)| {
            let here = files.iter().filter(|file| file.starts_with(folder.landing(place)));
            here.step_by(*of).cloned().collect::<Vec<_>>()
        })
        .collect();
    for file in files.iter().filter(|file| !kept.contains(file)) {
        fs::remove_file(file).unwrap();
    }
    folder
}

/// The town after its first generation, with more files at its landing places.
pub fn later() -> Folder {
    let folder = first();
    let held = hold_back(&folder, &[LATER]);
    folder.up().succeeded();
    held.into_iter().for_each(bring);
    folder
}
