//! A pool that lets a statement have what is free, and shares fairly only when memory gets scarce.
//!
//! DataFusion's own are one or the other: the fair one divides by the number of those that could go to disk, and sends a
//! grouping there while most of the memory is free; the greedy one lets the first take all, and the others fail.

use std::fmt;
use std::sync::{Mutex, MutexGuard};

use datafusion::common::DataFusionError;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

use crate::lock::lock;

/// A quarter is kept for those that have less than their share.
const KEPT: usize = 4;

/// See the module.
#[derive(Debug)]
pub struct ScarcePool {
    size: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many can go to disk.
    spilling: usize,
    reserved: usize,
}

impl ScarcePool {
    /// So many bytes.
    pub fn new(size: usize) -> Self {
        Self { size, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Up to how much all together may have for one that has `size` to get more.
    fn end(&self, state: &State, size: usize, can_spill: bool) -> usize {
        let share = self.size / state.spilling.max(1);
        if can_spill && size > share { self.size - self.size / KEPT } else { self.size }
    }
}

impl fmt::Display for ScarcePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.state().reserved, self.size)
    }
}

impl MemoryPool for ScarcePool {
    fn name(&self) -> &'static str {
        "scarce"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.state().spilling += usize::from(consumer.can_spill());
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        let mut state = self.state();
        state.spilling = state.spilling.saturating_sub(usize::from(consumer.can_spill()));
    }

    fn grow(&self, _: &MemoryReservation, additional: usize) {
        self.state().reserved += additional;
    }

    fn shrink(&self, _: &MemoryReservation, by: usize) {
        let mut state = self.state();
        state.reserved = state.reserved.saturating_sub(by);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut state = self.state();
        let consumer = reservation.consumer();
        let end = self.end(&state, reservation.size() + additional, consumer.can_spill());
        if state.reserved + additional > end {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{} has {} bytes and needs {additional} more; of {} bytes, {} are taken",
                consumer.name(),
                reservation.size(),
                self.size,
                state.reserved
            )));
        }
        state.reserved += additional;
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.state().reserved
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.size)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn one_may_have_three_quarters_and_the_rest_is_for_those_with_less_than_their_share() {
        let pool: Arc<dyn MemoryPool> = Arc::new(ScarcePool::new(1000));
        let spilling = |name: &str| MemoryConsumer::new(name).with_can_spill(true).register(&pool);
        let (large, small) = (spilling("large"), spilling("small"));
        large.try_grow(750).unwrap();
        let error = large.try_grow(1).unwrap_err();
        assert!(matches!(error, DataFusionError::ResourcesExhausted(_)), "it goes to disk: {error}");
        small.try_grow(250).unwrap();
        assert!(small.try_grow(1).is_err(), "and never more than there is");
        large.free();
        small.try_grow(500).unwrap();
        assert_eq!(pool.reserved(), 750);
    }

    #[test]
    fn what_cannot_go_to_disk_may_have_all_that_is_left() {
        let pool: Arc<dyn MemoryPool> = Arc::new(ScarcePool::new(1000));
        let join = MemoryConsumer::new("join").register(&pool);
        join.try_grow(1000).unwrap();
        assert!(join.try_grow(1).is_err());
        drop(join);
        assert_eq!(pool.reserved(), 0);
    }
}
