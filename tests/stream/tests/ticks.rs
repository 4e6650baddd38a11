//! Files that come one after another, in another order, give the tables that they give at once.

use std::fs;
use std::path::PathBuf;

use crate::folder::{Folder, each_file, published};

/// Settings that make every tick go the ways that large tables go: looking up rather than reading whole.
const LOOK_UP: &str = "small = 0\n";
/// How the machine is used must not matter either.
const OTHER_MACHINE: [(&str, &str); 2] =
    [("DATAFUSION_EXECUTION_BATCH_SIZE", "97"), ("DATAFUSION_EXECUTION_TARGET_PARTITIONS", "3")];

/// Takes files away from the landing places: so many each for some later rounds, spread over all places.
pub fn hold_back(folder: &Folder, rounds: &[usize]) -> Vec<Vec<(PathBuf, PathBuf)>> {
    let mut files = Vec::new();
    each_file(&folder.path().join("landing"), &mut |file| files.push(file.to_owned()));
    files.sort();
    let held = folder.path().join("held");
    fs::create_dir_all(&held).unwrap();
    let step = files.len() / rounds.iter().sum::<usize>();
    let mut chosen = files.into_iter().step_by(step).enumerate();
    let mut take_away = |_| {
        let (index, file) = chosen.next().unwrap();
        let away = held.join(index.to_string());
        fs::rename(&file, &away).unwrap();
        (away, file)
    };
    rounds.iter().map(|files| (0..*files).map(&mut take_away).collect()).collect()
}

/// Brings the files of a round back.
pub fn bring(files: Vec<(PathBuf, PathBuf)>) {
    for (away, file) in files {
        fs::rename(away, file).unwrap();
    }
}

#[test]
fn files_that_come_in_any_order_give_the_tables_that_they_give_at_once() {
    let folder = Folder::city(1);
    folder.configure(|text| text + LOOK_UP);
    let later = hold_back(&folder, &[5, 5]);
    folder.up().succeeded();
    // As an older program left them: these jobs are computed in full, and their digests were made in another way.
    folder.change_generation(|generation| {
        for job in ["ar_payment_outcome", "sla_period_day"] {
            let table = generation.tables.get_mut(job).unwrap();
            table.fingerprint.clear();
            table.digest = "0".repeat(64);
        }
    });
    for (round, files) in later.into_iter().enumerate() {
        bring(files);
        let mut up = folder.reskontra(&["up", "--once"]);
        if round == 1 {
            up.envs(OTHER_MACHINE);
        }
        crate::program::run(&mut up).succeeded();
    }
    assert_eq!(folder.content(), published().content());
    let ticked = folder.generation();

    // Computed anew, nothing is different: no table gets a new version.
    crate::program::run(&mut folder.reskontra(&["run", "--full"])).succeeded();
    assert_eq!(folder.generation().tables, ticked.tables);
}
