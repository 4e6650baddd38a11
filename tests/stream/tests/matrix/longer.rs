//! `cargo xtask test kill`: more rounds, other seeds, moments by the clock, all jobs, and files of the caller's own.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use harness::Kafka;

use super::sound::{self, Content};
use super::town::{Numbers, first, later};
use super::{KAFKA, STEPS, TOGETHER, Way, column, on, points};
use crate::folder::{Folder, each_file};

/// So often a folder is disturbed before it is left in peace.
const DISTURBED: u64 = 6;
/// How often is looked whether the moment has come.
const LOOK: Duration = Duration::from_millis(2);

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}: {value} is no number")))
}

/// A city, with the files of a caller's folder in the place of its own if there is one.
fn start() -> Folder {
    let folder = Folder::city(1);
    let Some(own) = env::var_os("KILL_FILES").map(PathBuf::from) else { return folder };
    fs::remove_dir_all(folder.path().join("landing")).unwrap();
    let mut files = 0;
    each_file(&own, &mut |file| {
        let copy = folder.path().join("landing").join(file.strip_prefix(&own).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(file, copy).unwrap();
        files += 1;
    });
    let places = "it needs a folder for each landing place: bank, ber, einvoice, erp, lois";
    assert!(files > 0, "{} holds no files: {places}", own.display());
    folder
}

impl Way {
    /// Goes it until a moment has come, and is killed; or comes to the end before.
    fn go_until(self, folder: &Folder, moment: Duration) {
        let since = Instant::now();
        for command in self.commands {
            let mut process = folder.reskontra(command);
            let mut process = process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let status = loop {
                if let Some(status) = process.try_wait().unwrap() {
                    break status;
                }
                if since.elapsed() >= moment {
                    process.kill().unwrap();
                    process.wait().unwrap();
                    return;
                }
                std::thread::sleep(LOOK);
            };
            assert!(status.success(), "{}: {command:?} ended by itself: {status}", self.name);
        }
    }

    fn to_the_end(self, folder: &Folder, what: &str) {
        if let Err(ended) = self.go(folder, "") {
            panic!("{what}: {ended}");
        }
    }

    /// Disturbs one folder again and again, by the clock and at points, then lets it come to its end.
    fn disturbed(self, fresh: &dyn Fn() -> Folder, wanted: &Content, took: Duration, seed: u64) {
        let mut numbers = Numbers::new(seed);
        let folder = fresh();
        let most = u64::try_from(took.as_millis()).unwrap();
        let mut what = format!("{}, seed {seed}:", self.name);
        for _ in 0..DISTURBED {
            if numbers.below(2) == 0 {
                let moment = Duration::from_millis(numbers.below(most));
                what += &format!(" after {moment:?},");
                self.go_until(&folder, moment);
            } else {
                let points: Vec<_> = points().collect();
                let point = points[usize::try_from(numbers.below(points.len() as u64)).unwrap()];
                let spared = numbers.below(20);
                what += &format!(" {point}={spared}*kill,");
                match self.go(&folder, &format!("{point}={spared}*kill")) {
                    Ok(_) => {}
                    Err(ended) => assert!(ended.is_killed(), "{what} {ended}"),
                }
            }
        }
        println!("{what}");
        self.to_the_end(&folder, &what);
        sound::check(&folder, wanted, &what);
    }
}

/// Takes a folder to its end undisturbed: what it then holds, and how long it took.
fn undisturbed(way: Way, folder: &Folder) -> (Content, Duration) {
    let since = Instant::now();
    way.to_the_end(folder, way.name);
    (Content::of(folder), since.elapsed())
}

#[test]
#[ignore = "`cargo xtask test kill` runs it"]
fn killed_again_and_again_it_comes_to_the_same_tables() {
    let (rounds, seed) = (number("KILL_ROUNDS", 3), number("KILL_SEED", 1));
    let broker = tempfile::tempdir().unwrap();
    let kafka = Kafka::start(broker.path()).unwrap();
    let (city, town, grown) = (start(), first(), later());
    let around = || on(&kafka, city.copy());
    let (wanted, took) = undisturbed(TOGETHER, &city.copy());
    let (same, took_around) = undisturbed(KAFKA, &around());
    assert_eq!(same, wanted, "with a broker and without");
    for seed in (0..rounds).map(|round| seed.wrapping_add(round)) {
        println!("round with seed {seed}");
        TOGETHER.disturbed(&|| city.copy(), &wanted, took, seed);
        KAFKA.disturbed(&around, &wanted, took_around, seed);
        column(TOGETHER, &town, || town.copy(), seed);
        column(STEPS, &grown, || grown.copy(), seed);
        column(KAFKA, &town, || on(&kafka, town.copy()), seed);
    }
}
