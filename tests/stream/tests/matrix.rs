//! The kill matrix: killed at every named point and started again, the stream comes to the same tables.
//!
//! Every point of `faults::STAGES` is one row of the matrix. The columns are the ways to come there: everything in one
//! process from nothing, a later round step by step, the steps around Apache Kafka, and a library that is put into
//! service, taken back and vacuumed. In each cell the real programs
//! run until the point kills one of them, start again, and have to leave what an undisturbed run leaves, and nothing
//! that hinders anybody. Which time at a point is the last one is drawn from a seed.
//!
//! `cargo xtask test kill` goes on from there: more rounds, other seeds, moments by the clock, the whole library, and
//! files of the caller's own.

use std::collections::{BTreeMap, BTreeSet};

use harness::Kafka;

use crate::folder::Folder;
use crate::program::{Ended, run};

mod index;
mod longer;
mod service;
pub mod sound;
pub mod town;

use sound::Content;
use town::{Numbers, first, later};

/// A way to bring a folder up to date: commands, one after the other.
#[derive(Debug, Clone, Copy)]
struct Way {
    name: &'static str,
    commands: &'static [&'static [&'static str]],
}

const TOGETHER: Way = Way { name: "in one process", commands: &[&["up", "--once"]] };
const STEPS: Way = Way { name: "step by step", commands: &[&["ingest"], &["land"], &["run", "--compact"]] };
const KAFKA: Way = Way { name: "around Kafka", commands: &[&["ingest"], &["land"], &["run"]] };

impl Way {
    /// Goes it, with these orders to the points. Stops at the command that does not succeed.
    fn go(self, folder: &Folder, orders: &str) -> Result<Vec<Ended>, Ended> {
        let mut ended = Vec::new();
        for command in self.commands {
            let one = run(folder.reskontra(command).env("FAILPOINTS", orders));
            match one.code {
                Some(0) => ended.push(one),
                _ => return Err(one),
            }
        }
        Ok(ended)
    }

    /// Goes it undisturbed, and tells how often one of its programs reached each point.
    fn reached(self, folder: &Folder) -> BTreeMap<String, u64> {
        let orders: Vec<String> = points().map(|point| format!("{point}=say")).collect();
        let ended = self.go(folder, &orders.join(";")).unwrap_or_else(|ended| panic!("{}: {ended}", self.name));
        let mut most = BTreeMap::new();
        for program in ended {
            let mut times: BTreeMap<&str, u64> = BTreeMap::new();
            for point in program.said.lines().filter_map(|line| line.strip_prefix(faults::REACHED)) {
                *times.entry(point).or_default() += 1;
            }
            for (point, times) in times {
                let most = most.entry(point.to_owned()).or_default();
                *most = times.max(*most);
            }
        }
        most
    }

    /// Is killed where the orders say, and starts again.
    fn survive(self, folder: &Folder, orders: &str) {
        match self.go(folder, orders) {
            Err(killed) if killed.is_killed() => {}
            Err(ended) => panic!("{}, {orders}: {ended}", self.name),
            Ok(_) => panic!("{}, {orders}: nothing was killed", self.name),
        }
        if let Err(ended) = self.go(folder, "") {
            panic!("{}, killed at {orders}, does not start again: {ended}", self.name);
        }
    }
}

/// Names of all points, in the order in which a file goes through them.
fn points() -> impl Iterator<Item = &'static str> {
    faults::STAGES.iter().flat_map(|stage| [stage.before.name, stage.after.name])
}

/// Kills at each point that a way from a folder leads through; gives the points.
fn column(way: Way, start: &Folder, fresh: impl Fn() -> Folder, seed: u64) -> BTreeSet<String> {
    let undisturbed = fresh();
    let reached = way.reached(&undisturbed);
    println!("{}: {reached:?}", way.name);
    let wanted = Content::of(&undisturbed);
    assert_ne!(wanted, Content::of(start), "the way leads somewhere");
    let mut numbers = Numbers::new(seed);
    for point in points() {
        let Some(times) = reached.get(point) else { continue };
        let spared = numbers.below(*times);
        let folder = fresh();
        way.survive(&folder, &format!("{point}={spared}*kill"));
        let what = format!("{}, killed at {point} ({} of {times})", way.name, spared + 1);
        println!("{what}");
        sound::check(&folder, &wanted, &what);
    }
    reached.into_keys().collect()
}

/// A town whose topics are its own on a broker that it shares.
pub fn on(kafka: &Kafka, folder: Folder) -> Folder {
    static TOWNS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = TOWNS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let broker = kafka.address();
    folder.configure(|text| {
        format!(
            "{text}\n[kafka]\nbrokers = {broker:?}\ntopic_prefix = \"town-{number}-\"\ntransactional_id = \"town-{number}\"\npartitions = 2\n"
        )
    });
    folder
}

#[test]
fn killed_at_every_point_it_comes_to_the_same_tables() {
    const SEED: u64 = 20_261_124;
    let broker = tempfile::tempdir().unwrap();
    let columns = std::thread::scope(|scope| {
        let steps = scope.spawn(|| {
            let start = later();
            column(STEPS, &start, || start.copy(), SEED)
        });
        let kafka = scope.spawn(|| {
            let kafka = Kafka::start(broker.path()).unwrap();
            let start = first();
            column(KAFKA, &start, || on(&kafka, start.copy()), SEED)
        });
        let start = first();
        let together = column(TOGETHER, &start, || start.copy(), SEED);
        [together, steps.join().unwrap(), kafka.join().unwrap(), index::column(), service::column(SEED)]
    });
    let reached: BTreeSet<String> = columns.into_iter().flatten().collect();
    let never: Vec<&str> = points().filter(|point| !reached.contains(*point)).collect();
    assert!(never.is_empty(), "no way leads to {never:?}");
}
