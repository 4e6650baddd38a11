//! Any interleaving of runs, rollbacks, crashes, zombies, lost answers and vacuums: every generation is a consistent
//! cut, published once, and readers never go back but by a rollback.
//!
//! A small world: what has landed only grows; two tables whose versions are immutable and hold what had landed when they
//! were computed; generations that are put conditionally under their number. Four writers do what a run and a rollback
//! do: read the last generation, commit the tables one by one, and put what [`Candidate::publish`] or
//! [`Generation::show_again`] gives. They share no memory, and a put can arrive long after its writer was killed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::fate::{Fate, fate};
use crate::retention::Keep;

const TABLES: [&str; 2] = ["match", "open"];
const WRITERS: usize = 4;

/// What a writer wants to publish.
#[derive(Debug, Clone)]
enum Aim {
    /// The tables computed on so much as has landed.
    Run { landed: u64 },
    /// An earlier generation.
    Back { to: Box<Generation> },
}

#[derive(Debug, Default)]
enum Writer {
    #[default]
    Down,
    /// It has read the last generation, and committed some of the tables.
    Working { last: Option<Box<Generation>>, aim: Aim, tables: BTreeMap<String, TableCut> },
}

#[derive(Debug, Default)]
struct World {
    clock: i64,
    landed: u64,
    /// By table and version: so much had landed when it was computed.
    tables: BTreeMap<&'static str, Vec<u64>>,
    /// What readers find.
    offered: BTreeMap<u64, Generation>,
    /// All that was ever published.
    published: BTreeMap<u64, Generation>,
    writers: [Writer; WRITERS],
    /// Puts that were sent and have not arrived.
    late: Vec<Generation>,
    names: u64,
}

#[derive(Debug, Clone)]
enum Event {
    Land,
    /// Time passes, or the clock is set back.
    Clock(i64),
    Run(usize),
    Rollback(usize, usize),
    /// A writer commits its next table.
    Commit(usize),
    /// A writer that has committed all puts its generation; how that fares.
    Publish(usize, Fate),
    Crash(usize),
    Arrive(usize),
    Vacuum(usize),
}

impl World {
    fn last(&self) -> Option<Box<Generation>> {
        self.offered.values().next_back().cloned().map(Box::new)
    }

    /// The store's side of a conditional put.
    fn put(&mut self, generation: Generation) -> bool {
        let number = generation.number;
        if self.offered.contains_key(&number) {
            return false;
        }
        assert!(self.published.insert(number, generation.clone()).is_none(), "generation {number} was published twice");
        self.offered.insert(number, generation);
        true
    }

    /// A put whose refusal is read back: ours is there when it has our name.
    fn put_and_look(&mut self, generation: &Generation) -> bool {
        self.put(generation.clone()) || self.offered[&generation.number].writer == generation.writer
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Land => self.landed += 1,
            Event::Clock(by) => self.clock += by,
            Event::Crash(writer) => self.writers[writer] = Writer::Down,
            Event::Run(writer) => {
                let aim = Aim::Run { landed: self.landed };
                self.writers[writer] = Writer::Working { last: self.last(), aim, tables: BTreeMap::new() };
            }
            Event::Rollback(writer, back) => {
                let Some(to) = self.offered.values().rev().nth(back).cloned().map(Box::new) else { return };
                self.writers[writer] =
                    Writer::Working { last: self.last(), aim: Aim::Back { to }, tables: BTreeMap::new() };
            }
            Event::Commit(writer) => {
                if let Writer::Working { last, aim, tables } = &mut self.writers[writer] {
                    let Some(name) = TABLES.get(tables.len()) else { return };
                    let versions = self.tables.entry(name).or_default();
                    tables.insert((*name).to_owned(), committed(versions, name, last.as_deref(), aim));
                }
            }
            Event::Publish(writer, fate) => match std::mem::take(&mut self.writers[writer]) {
                Writer::Working { last, aim, tables } if tables.len() == TABLES.len() => {
                    self.publish(last.as_deref(), aim, tables, fate);
                }
                other => self.writers[writer] = other,
            },
            Event::Arrive(index) => {
                if !self.late.is_empty() {
                    let late = self.late.remove(index % self.late.len());
                    self.put(late);
                }
            }
            Event::Vacuum(newest) => {
                let offered: Vec<_> = self.offered.values().map(|one| (one.number, one.published_at)).collect();
                for number in (Keep { newest, since: DateTime::<Utc>::MAX_UTC }).beyond(&offered) {
                    self.offered.remove(&number);
                    // The grace: nobody who began before it is still on the way to this number.
                    self.late.retain(|late| late.number > number);
                    for writer in &mut self.writers {
                        let is_old =
                            |last: &Option<Box<Generation>>| last.as_ref().map_or(0, |last| last.number) < number;
                        if matches!(writer, Writer::Working { last, .. } if is_old(last)) {
                            *writer = Writer::Down;
                        }
                    }
                }
            }
        }
    }

    fn publish(&mut self, last: Option<&Generation>, aim: Aim, tables: BTreeMap<String, TableCut>, fate: Fate) {
        self.names += 1;
        let (at, writer) = (DateTime::from_timestamp(self.clock, 0).unwrap(), format!("w{}", self.names));
        let generation = match (aim, last) {
            (Aim::Run { landed }, last) => {
                let cut = LandingCut { version: landed, positions: BTreeMap::new() };
                let landing = BTreeMap::from([("payment_in".to_owned(), cut)]);
                let candidate = Candidate { landing, tables, library: None };
                if last.is_some_and(|last| candidate.shows_the_same(last, NaiveDate::default())) {
                    return;
                }
                candidate.publish(last, NaiveDate::default(), at, writer, Audit::default().permit().unwrap())
            }
            (Aim::Back { to }, Some(last)) => to.show_again(last, tables, at, writer, "why".into()),
            (Aim::Back { .. }, None) => return,
        };
        let Ok(generation) = generation else { return };
        match fate {
            Fate::Answered => {
                let is_ours = self.put_and_look(&generation);
                assert!(!is_ours || self.published[&generation.number] == generation, "told so, and it is not there");
            }
            Fate::AnswerLost => drop(self.put(generation)),
            Fate::Late => self.late.push(generation),
            Fate::Twice => {
                let first = self.put(generation.clone());
                assert_eq!(
                    self.put_and_look(&generation),
                    first,
                    "a success is no conflict, and a conflict no success"
                );
            }
        }
    }
}

/// What a writer commits to a table, if it has to: the version that its generation is to show.
fn committed(versions: &mut Vec<u64>, name: &str, last: Option<&Generation>, aim: &Aim) -> TableCut {
    let shown = last.and_then(|last| last.tables.get(name));
    let (content, kept) = match aim {
        Aim::Run { landed } => (*landed, shown),
        Aim::Back { to } => (versions[usize::try_from(to.tables[name].version).unwrap()], None),
    };
    let head = versions.len().checked_sub(1).map(|head| head as u64);
    if let Some(shown) = kept.filter(|cut| Some(cut.version) == head && cut.digest == content.to_string()) {
        return shown.clone();
    }
    versions.push(content);
    let version = versions.len() as u64 - 1;
    TableCut { version, rows: content, digest: content.to_string(), fingerprint: "f".into(), parts: None }
}

fn event() -> impl Strategy<Value = Event> {
    let writer = || 0..WRITERS;
    prop_oneof![
        3 => Just(Event::Land),
        1 => (-50_i64..100).prop_map(Event::Clock),
        4 => writer().prop_map(Event::Run),
        2 => (writer(), 0_usize..5).prop_map(|(writer, back)| Event::Rollback(writer, back)),
        12 => writer().prop_map(Event::Commit),
        8 => (writer(), fate()).prop_map(|(writer, fate)| Event::Publish(writer, fate)),
        1 => writer().prop_map(Event::Crash),
        2 => (0_usize..8).prop_map(Event::Arrive),
        1 => (0_usize..4).prop_map(Event::Vacuum),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_generation_is_a_consistent_cut_and_readers_never_go_back(events in prop::collection::vec(event(), 0..160)) {
        let mut world = World { clock: 1_000, ..World::default() };
        let mut seen = 0;
        for event in events {
            world.happen(event);
            let now = world.offered.keys().next_back().copied().unwrap_or_default();
            prop_assert!(now >= seen, "a reader of the last generation went from {} to {}", seen, now);
            seen = now;
        }
        let published: Vec<&Generation> = world.published.values().collect();
        prop_assert!(published.iter().map(|one| one.number).eq(1..=published.len() as u64), "no number is left out");
        let names: BTreeSet<&str> = published.iter().map(|one| one.writer.as_str()).collect();
        prop_assert_eq!(names.len(), published.len(), "nobody publishes the same twice");
        for generation in &published {
            let landed = generation.landing["payment_in"].version;
            for (name, cut) in &generation.tables {
                let version = usize::try_from(cut.version).unwrap();
                prop_assert_eq!(world.tables[name.as_str()][version], landed, "generation {}: {}", generation.number, name);
            }
        }
        for pair in published.windows(2) {
            prop_assert!(pair[0].published_at <= pair[1].published_at);
            prop_assert!(pair[1].rolled_back.is_some() || pair[0].landing["payment_in"].version <= pair[1].landing["payment_in"].version);
            prop_assert!(TABLES.iter().all(|name| pair[0].tables[*name].version <= pair[1].tables[*name].version));
        }
    }
}
