//! Waits for outside systems: each is counted while it lasts, so that one without an end is seen too.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::metrics::{DEADLINES_MISSED, STALLED};

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The broker's answer about topics and where they end.
    BrokerMetadata,
    /// Messages that lie before a known end.
    BrokerRead,
    /// Room in the queue of messages to send.
    BrokerSend,
    /// The end of a transaction.
    BrokerCommit,
    /// That what was committed can be read.
    BrokerVisible,
    /// A request to the object store.
    Store,
    /// A landing commit, files and log.
    LandingCommit,
    /// The collector of traces.
    TraceCollector,
}

impl Wait {
    /// Every kind of wait.
    pub const ALL: [Self; 8] = [
        Self::BrokerMetadata,
        Self::BrokerRead,
        Self::BrokerSend,
        Self::BrokerCommit,
        Self::BrokerVisible,
        Self::Store,
        Self::LandingCommit,
        Self::TraceCollector,
    ];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BrokerMetadata => "broker_metadata",
            Self::BrokerRead => "broker_read",
            Self::BrokerSend => "broker_send",
            Self::BrokerCommit => "broker_commit",
            Self::BrokerVisible => "broker_visible",
            Self::Store => "store",
            Self::LandingCommit => "landing_commit",
            Self::TraceCollector => "trace_collector",
        }
    }

    /// Begins a wait; it ends when the guard is dropped.
    #[must_use]
    pub fn begin(self) -> Waiting {
        let mut waits = WAITS.lock().unwrap_or_else(PoisonError::into_inner);
        waits.begun += 1;
        let number = waits.begun;
        waits.open.insert(number, (self, Instant::now()));
        Waiting(number)
    }

    /// A wait was given up at its deadline.
    pub fn missed(self) {
        DEADLINES_MISSED.add(&[self.name()], 1);
    }
}

struct Waits {
    begun: u64,
    /// What is waited for, and since when that is not counted yet.
    open: BTreeMap<u64, (Wait, Instant)>,
}

static WAITS: Mutex<Waits> = Mutex::new(Waits { begun: 0, open: BTreeMap::new() });

/// A wait under way.
#[derive(Debug)]
pub struct Waiting(u64);

impl Drop for Waiting {
    fn drop(&mut self) {
        let ended = WAITS.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&self.0);
        if let Some((what, since)) = ended {
            STALLED.spent(&[what.name()], since.elapsed());
        }
    }
}

/// Counts what the waits under way have lasted so far.
pub(crate) fn count() {
    let now = Instant::now();
    let mut waits = WAITS.lock().unwrap_or_else(PoisonError::into_inner);
    for (what, since) in waits.open.values_mut() {
        STALLED.spent(&[what.name()], now.saturating_duration_since(*since));
        *since = now;
    }
}
