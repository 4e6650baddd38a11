//! Gathers rows into batches of a size worth a commit, and keeps their order: a `file` record is given only
//! after everything that was gathered before it.

use std::collections::{BTreeMap, VecDeque};

use arrow::array::RecordBatch;
use schemas::Contract;
use telemetry::trace::{LINKS, TraceParent};

use crate::log::{FILE, Limits, LogBatch};
use crate::spool::{Kind, Part};

#[derive(Debug)]
pub(crate) struct Gathered {
    limits: Limits,
    waiting: BTreeMap<(&'static str, i32), Waiting>,
    bytes: usize,
    ready: VecDeque<LogBatch>,
    /// Of files whose rows are added next.
    traces: Vec<TraceParent>,
}

#[derive(Debug)]
struct Waiting {
    batch: LogBatch,
    rows: usize,
    bytes: usize,
}

impl Gathered {
    pub const fn new(limits: Limits) -> Self {
        Self { limits, waiting: BTreeMap::new(), bytes: 0, ready: VecDeque::new(), traces: Vec::new() }
    }

    /// A batch that is ready.
    pub fn pop(&mut self) -> Option<LogBatch> {
        self.ready.pop_front()
    }

    /// The rows that are added next begin files that these spans delivered.
    pub fn follow(&mut self, traces: impl IntoIterator<Item = TraceParent>) {
        self.traces.extend(traces);
    }

    /// Adds rows that take a partition from `from` to `to`. True when a batch became ready.
    pub fn add(
        &mut self,
        contract: &'static Contract,
        partition: i32,
        from: i64,
        to: i64,
        parts: impl IntoIterator<Item = Part>,
    ) -> bool {
        let waiting = self.waiting.entry((&contract.name, partition)).or_insert_with(|| Waiting {
            batch: LogBatch {
                contract,
                partition,
                from,
                to,
                accepted: Vec::new(),
                rejects: Vec::new(),
                traces: std::mem::take(&mut self.traces),
            },
            rows: 0,
            bytes: 0,
        });
        waiting.batch.to = to;
        let room = LINKS.saturating_sub(waiting.batch.traces.len());
        waiting.batch.traces.extend(self.traces.drain(..).take(room));
        for part in parts {
            let bytes = size(&part.rows);
            waiting.rows += part.rows.num_rows();
            waiting.bytes += bytes;
            self.bytes += bytes;
            match part.kind {
                Kind::Accepted => waiting.batch.accepted.push(part.rows),
                Kind::Rejected => waiting.batch.rejects.push(part.rows),
            }
        }
        let full = waiting.rows >= self.limits.rows || waiting.bytes >= self.limits.bytes;
        if self.bytes >= self.limits.bytes || (full && contract.name == FILE) {
            return self.flush();
        }
        if full {
            self.make_ready((&contract.name, partition));
        }
        full
    }

    /// Moves the end of what waits of a partition on to `to`, past numbers that are no rows. False when nothing
    /// waits.
    pub fn reach(&mut self, contract: &'static Contract, partition: i32, to: i64) -> bool {
        let waiting = self.waiting.get_mut(&(contract.name.as_str(), partition));
        waiting.map(|waiting| waiting.batch.to = waiting.batch.to.max(to)).is_some()
    }

    /// Makes everything ready: rows, then `file` records. True when there was anything.
    pub fn flush(&mut self) -> bool {
        let keys: Vec<_> = self.waiting.keys().copied().collect();
        let (files, rows): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(contract, _)| *contract == FILE);
        rows.into_iter().chain(files).for_each(|key| self.make_ready(key));
        !self.ready.is_empty()
    }

    fn make_ready(&mut self, key: (&'static str, i32)) {
        if let Some(waiting) = self.waiting.remove(&key) {
            self.bytes -= waiting.bytes;
            self.ready.push_back(waiting.batch);
        }
    }
}

/// Bytes of a batch's own rows, whatever it shares with others.
fn size(rows: &RecordBatch) -> usize {
    let sliced = |column: &arrow::array::ArrayRef| column.to_data().get_slice_memory_size().unwrap_or_default();
    rows.columns().iter().map(sliced).sum()
}
