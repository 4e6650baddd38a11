//! How far landing is behind the log, in messages and in time.
//!
//! The time is a lower bound that needs no message to be read twice: a message at a position is at least as old as
//! the moment when the log was first seen to reach beyond it, and as the time that it carries, once it was read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::metrics::{COMMITTED_THROUGH, LAG_RECORDS, LAG_SECONDS, LOG_END};

/// Moments that are remembered of a partition, at most.
const KEPT: usize = 64;

#[derive(Debug, Clone, Copy)]
enum Moment {
    /// The log was seen to reach so far.
    Seen(Instant),
    /// A message says when it was written, in milliseconds since 1970.
    Written(i64),
}

impl Moment {
    fn age(self, now_millis: i64) -> Duration {
        match self {
            Self::Seen(at) => at.elapsed(),
            Self::Written(at) => Duration::from_millis(u64::try_from(now_millis - at).unwrap_or_default()),
        }
    }
}

#[derive(Debug, Default)]
struct Partition {
    end: i64,
    committed: i64,
    /// Below this position, something is at least as old as this.
    moments: BTreeMap<i64, Moment>,
}

static PARTITIONS: Mutex<BTreeMap<(String, i32), Partition>> = Mutex::new(BTreeMap::new());

fn with(contract: &str, partition: i32, change: impl FnOnce(&mut Partition)) {
    let mut partitions = PARTITIONS.lock().unwrap_or_else(PoisonError::into_inner);
    change(partitions.entry((contract.to_owned(), partition)).or_default());
}

impl Partition {
    fn remember(&mut self, below: i64, moment: Moment) {
        if below <= self.committed {
            return;
        }
        self.moments.entry(below).or_insert(moment);
        if self.moments.len() > KEPT {
            // Every other one: without it the bound is lower, and still one.
            let mut number = 0;
            self.moments.retain(|_, _| {
                number += 1;
                number % 2 == 1
            });
        }
    }

    fn age(&self, now_millis: i64) -> Duration {
        self.moments.values().map(|moment| moment.age(now_millis)).max().unwrap_or_default()
    }
}

/// The log of a partition ends here.
pub fn ends(contract: &str, partition: i32, end: i64) {
    with(contract, partition, |at| {
        at.end = at.end.max(end);
        at.remember(end, Moment::Seen(Instant::now()));
    });
}

/// The message at this position was written at this time, in milliseconds since 1970.
pub fn read(contract: &str, partition: i32, position: i64, written_millis: i64) {
    with(contract, partition, |at| at.remember(position + 1, Moment::Written(written_millis)));
}

/// The landing table holds a partition through this position.
pub fn committed(contract: &str, partition: i32, position: i64) {
    with(contract, partition, |at| {
        at.committed = position;
        at.end = at.end.max(position);
        at.moments.retain(|below, _| *below > position);
    });
}

/// Tells all partitions.
pub(crate) fn tell(now_millis: i64) {
    let partitions = PARTITIONS.lock().unwrap_or_else(PoisonError::into_inner);
    for ((contract, number), partition) in partitions.iter() {
        let labels = [contract.as_str(), &number.to_string()];
        LOG_END.set(&labels, partition.end);
        COMMITTED_THROUGH.set(&labels, partition.committed);
        LAG_RECORDS.set(&labels, partition.end - partition.committed);
        LAG_SECONDS.set_seconds(&labels, partition.age(now_millis));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_as_old_as_the_oldest_message_that_is_not_committed() {
        let mut partition = Partition::default();
        partition.remember(11, Moment::Written(1_000));
        partition.remember(21, Moment::Written(61_000));
        assert_eq!(partition.age(121_000), Duration::from_secs(120));
        partition.committed = 15;
        partition.moments.retain(|below, _| *below > 15);
        assert_eq!(partition.age(121_000), Duration::from_secs(60));
        partition.remember(15, Moment::Written(0));
        assert_eq!(partition.age(121_000), Duration::from_secs(60), "what is committed is not late");
    }

    #[test]
    fn a_long_backlog_keeps_its_oldest_moment_in_bounded_memory() {
        let mut partition = Partition::default();
        for position in 0..10_000 {
            partition.remember(position + 1, Moment::Written(position * 1_000));
        }
        assert!(partition.moments.len() <= KEPT);
        assert_eq!(partition.age(10_000_000), Duration::from_secs(10_000));
    }
}
