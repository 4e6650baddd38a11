//! Any interleaving of writers, crashes, retries, zombies and lost answers lands each message exactly once.
//!
//! A small world: a log of two partitions that grows and loses its oldest messages, a table whose versions are put
//! conditionally, and three writers that do nothing but what [`Landing::next`] and [`Permit::answered`] tell them. They
//! share no memory and may all be given the same partitions; a put can arrive long after its writer was killed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::fate::{Fate, fate};

const PARTITIONS: i32 = 2;
const WRITERS: usize = 3;

/// A message: partition and offset.
type Message = (i32, i64);

/// A commit on its way to the store.
#[derive(Debug, Clone)]
struct Put {
    /// The version that it wants to be.
    version: usize,
    positions: Heads,
    rows: Vec<Message>,
}

#[derive(Debug, Default)]
enum Writer {
    /// Not running.
    #[default]
    Down,
    /// It has read up to these positions, and holds nothing.
    Reading(Heads),
    /// It holds rows that it wants to land.
    Holding { at: Heads, landing: Landing, rows: Vec<Message> },
    /// It was given leave to commit them as a version.
    Permitted { at: Heads, permit: Permit, put: Put },
}

#[derive(Debug, Default)]
struct World {
    /// By partition: the first message that is left, and the end.
    log: BTreeMap<i32, (i64, i64)>,
    table: Vec<Put>,
    writers: [Writer; WRITERS],
    /// Puts that were sent and have not arrived.
    late: Vec<Put>,
    /// Messages that an operator gave up.
    given_up: BTreeSet<Message>,
}

#[derive(Debug, Clone)]
enum Event {
    Grow(i32, i64),
    /// The log loses its oldest messages.
    Lose(i32, i64),
    Start(usize),
    /// A writer reads so many messages of each partition of a set.
    Take(usize, [i64; 2]),
    /// A writer that holds rows reads the heads and asks what to do.
    Look(usize),
    /// A writer with leave commits; how its put fares.
    Commit(usize, Fate),
    Crash(usize),
    /// A late put arrives.
    Arrive(usize),
    /// Something else commits: a compaction.
    Compact,
    /// An operator decides to go on without what a partition has lost.
    GoOn(i32),
}

impl World {
    fn heads(&self) -> Heads {
        self.table.iter().flat_map(|version| version.positions.clone()).collect()
    }

    /// The store's side of a conditional put.
    fn put(&mut self, put: Put) -> Answer {
        if put.version != self.table.len() {
            return Answer::Taken;
        }
        self.table.push(put);
        Answer::Written
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Grow(partition, by) => self.log.entry(partition).or_default().1 += by,
            Event::Lose(partition, by) => {
                let (start, end) = self.log.entry(partition).or_default();
                *start = (*start + by).min(*end);
            }
            Event::Start(writer) => self.writers[writer] = Writer::Reading(self.heads()),
            Event::Crash(writer) => self.writers[writer] = Writer::Down,
            Event::Compact => {
                let _ = self.put(Put { version: self.table.len(), positions: Heads::new(), rows: Vec::new() });
            }
            Event::Arrive(index) => {
                if !self.late.is_empty() {
                    let put = self.late.remove(index % self.late.len());
                    let _ = self.put(put);
                }
            }
            Event::GoOn(partition) => self.go_on(partition),
            Event::Take(writer, counts) => {
                let taken = match std::mem::take(&mut self.writers[writer]) {
                    Writer::Reading(at) => self.take(at, counts),
                    busy => busy,
                };
                self.writers[writer] = taken;
            }
            Event::Look(writer) => {
                let looked = match std::mem::take(&mut self.writers[writer]) {
                    Writer::Holding { at, landing, rows } => self.look(at, landing, rows),
                    other => other,
                };
                self.writers[writer] = looked;
            }
            Event::Commit(writer, fate) => {
                let committed = match std::mem::take(&mut self.writers[writer]) {
                    Writer::Permitted { at, permit, put } => self.commit(at, permit, put, fate),
                    other => other,
                };
                self.writers[writer] = committed;
            }
        }
    }

    /// Reads on, from where this writer is, whatever the table says by now. Where messages are lost, it finds the first
    /// that is left.
    fn take(&self, mut at: Heads, counts: [i64; 2]) -> Writer {
        let mut ranges = Vec::new();
        let mut rows = Vec::new();
        for (partition, count) in (0..).zip(counts) {
            let (start, end) = self.log.get(&partition).copied().unwrap_or_default();
            let from = at.get(&partition).copied().unwrap_or_default().max(start);
            let to = (from + count).min(end);
            if from < to {
                ranges.push((partition, Range { from, to }));
                rows.extend((from..to).map(|offset| (partition, offset)));
                at.insert(partition, to);
            }
        }
        match ranges.is_empty() {
            true => Writer::Reading(at),
            false => Writer::Holding { at, landing: Landing::of(ranges), rows },
        }
    }

    fn look(&self, at: Heads, landing: Landing, rows: Vec<Message>) -> Writer {
        match landing.next(&self.heads()) {
            Next::Commit(permit) => {
                let put = Put { version: self.table.len(), positions: permit.positions().collect(), rows };
                Writer::Permitted { at, permit, put }
            }
            Next::Landed => Writer::Reading(at),
            Next::Refuse(Refusal::Stale { .. } | Refusal::Gap { .. }) => Writer::Down,
            Next::Refuse(refusal) => panic!("a writer offered nonsense: {refusal:?}"),
        }
    }

    fn commit(&mut self, at: Heads, permit: Permit, put: Put, fate: Fate) -> Writer {
        let rows = put.rows.clone();
        let answer = match fate {
            Fate::Answered => self.put(put),
            Fate::AnswerLost => {
                let _ = self.put(put);
                Answer::Unknown
            }
            Fate::Late => {
                self.late.push(put);
                Answer::Unknown
            }
            Fate::Twice => {
                let first = self.put(put.clone());
                let second = self.put(put);
                assert!(second == Answer::Taken);
                first
            }
        };
        match permit.answered(answer) {
            After::GoOn => Writer::Reading(at),
            After::LookAgain(landing) => Writer::Holding { at, landing, rows },
            After::GiveUp | After::BeginAnew => Writer::Down,
        }
    }

    /// The operator's decision goes the way of every landing.
    fn go_on(&mut self, partition: i32) {
        let (start, _) = self.log.get(&partition).copied().unwrap_or_default();
        let head = self.heads().get(&partition).copied().unwrap_or_default();
        if head >= start {
            return;
        }
        let gap = Landing::of([(partition, Range { from: head, to: start })]);
        if let Next::Commit(permit) = gap.next(&self.heads()) {
            let positions = permit.positions().collect();
            let answer = self.put(Put { version: self.table.len(), positions, rows: Vec::new() });
            assert_eq!(permit.answered(answer), After::GoOn);
            self.given_up.extend((head..start).map(|offset| (partition, offset)));
        }
    }

    /// All that is late arrives, and one writer alone lands what is left.
    fn settle(&mut self) {
        while !self.late.is_empty() {
            self.happen(Event::Arrive(0));
        }
        let ends: Heads = self.log.iter().map(|(partition, (_, end))| (*partition, *end)).collect();
        for _ in 0..100 {
            (0..PARTITIONS).for_each(|partition| self.go_on(partition));
            if ends.iter().all(|(partition, end)| self.heads().get(partition).copied().unwrap_or_default() == *end) {
                return;
            }
            for event in [Event::Start(0), Event::Take(0, [7, 7]), Event::Look(0), Event::Commit(0, Fate::Answered)] {
                self.happen(event);
            }
        }
        panic!("a single writer does not come to the end: {self:?}");
    }

    /// Rows, in the order in which they were landed.
    fn rows(&self) -> Vec<Message> {
        self.table.iter().flat_map(|version| version.rows.clone()).collect()
    }
}

fn event() -> impl Strategy<Value = Event> {
    let writer = || 0..WRITERS;
    let partition = || 0..PARTITIONS;
    prop_oneof![
        3 => (partition(), 1_i64..6).prop_map(|(partition, by)| Event::Grow(partition, by)),
        1 => (partition(), 1_i64..4).prop_map(|(partition, by)| Event::Lose(partition, by)),
        2 => writer().prop_map(Event::Start),
        6 => (writer(), 0_i64..4, 0_i64..4).prop_map(|(writer, a, b)| Event::Take(writer, [a, b])),
        6 => writer().prop_map(Event::Look),
        6 => (writer(), fate()).prop_map(|(writer, fate)| Event::Commit(writer, fate)),
        1 => writer().prop_map(Event::Crash),
        1 => (0_usize..8).prop_map(Event::Arrive),
        1 => Just(Event::Compact),
        1 => partition().prop_map(Event::GoOn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn each_message_is_landed_exactly_once_whatever_happens(events in prop::collection::vec(event(), 0..120)) {
        let mut world = World::default();
        for event in events {
            world.happen(event);
        }
        world.settle();
        let rows = world.rows();
        for partition in 0..PARTITIONS {
            let landed: Vec<i64> = rows.iter().filter(|row| row.0 == partition).map(|row| row.1).collect();
            let (_, end) = world.log.get(&partition).copied().unwrap_or_default();
            let wanted = (0..end).filter(|offset| !world.given_up.contains(&(partition, *offset)));
            prop_assert_eq!(landed, wanted.collect::<Vec<_>>(), "partition {}", partition);
        }
    }
}
