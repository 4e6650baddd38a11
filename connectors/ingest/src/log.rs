//! What the log means, with a broker or without.
//!
//! The log has one topic per contract, each with numbered partitions. A *position* counts the messages before a
//! point of a partition: 0 is its start, and a reader at position `p` has consumed messages `0..p` and reads
//! message `p` next. A batch `(from, to]` takes a reader from position `from` to position `to`; it holds the
//! messages `from..to`, less those that are no rows (a broker's transaction markers occupy numbers too), so
//! `to - from` is at least its number of rows. Batches of a partition are contiguous: each begins where the one
//! before ended.
//!
//! A file is delivered as a whole: its records and rejects on the topics of their contracts, and one record on
//! the topic `file`. Readers get the rows of a file before its `file` record, so a table of files that has been
//! landed never names rows that have not.

use std::collections::BTreeMap;
use std::fmt;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use schemas::Contract;
use telemetry::trace::TraceParent;

use crate::parsed::Parsed;
use crate::place::Found;
use crate::{FileId, Result};

/// The contract whose topic carries one record per file.
pub const FILE: &str = "file";

/// The contract of refused rows. They travel on the topic of the contract they were meant for.
pub const REJECT: &str = "reject";

/// Rows of one topic-partition with the positions they span: what landing commits at once.
#[derive(Debug, Clone)]
pub struct LogBatch {
    /// The contract, also the topic.
    pub contract: &'static Contract,
    /// Partition of the topic; 0 without a broker.
    pub partition: i32,
    /// Position before the batch: the head that the table must have.
    pub from: i64,
    /// Position after the batch: the head that the table then has. Larger than `from`.
    pub to: i64,
    /// Accepted rows, in `contract.schema`.
    pub accepted: Vec<RecordBatch>,
    /// Refused rows, in the schema of the contract `reject`.
    pub rejects: Vec<RecordBatch>,
    /// Where the files come from whose first rows are in it, for those who follow them; none without traces.
    pub traces: Vec<TraceParent>,
}

impl LogBatch {
    /// Number of accepted rows.
    #[must_use]
    pub fn accepted_rows(&self) -> usize {
        self.accepted.iter().map(RecordBatch::num_rows).sum()
    }

    /// Number of refused rows.
    #[must_use]
    pub fn rejected_rows(&self) -> usize {
        self.rejects.iter().map(RecordBatch::num_rows).sum()
    }
}

/// The position of each topic-partition that tables have landed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads(BTreeMap<(String, i32), i64>);

impl Heads {
    /// No table has landed anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The position of a partition: 0 where nothing is known.
    #[must_use]
    pub fn get(&self, contract: &str, partition: i32) -> i64 {
        self.0.get(&(contract.to_owned(), partition)).copied().unwrap_or_default()
    }

    /// Sets the position of a partition.
    pub fn set(&mut self, contract: &str, partition: i32, position: i64) {
        self.0.insert((contract.to_owned(), partition), position);
    }

    /// All known positions: contract, partition, position.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i32, i64)> {
        self.0.iter().map(|((contract, partition), position)| (contract.as_str(), *partition, *position))
    }
}

/// A table and a partition of the log that do not meet: messages are gone that were never landed, or the table knows
/// more than the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Contract.
    pub contract: String,
    /// Partition.
    pub partition: i32,
    /// Position of the table.
    pub head: i64,
    /// First position that the log has.
    pub start: i64,
    /// Position after the last message of the log.
    pub end: i64,
}

impl Gap {
    /// The gap between a table at `head` and a log from `start` to `end`, if there is one.
    #[must_use]
    pub fn between(contract: &str, partition: i32, head: i64, (start, end): (i64, i64)) -> Option<Self> {
        let meets = (start..=end).contains(&head);
        (!meets).then(|| Self { contract: contract.to_owned(), partition, head, start, end })
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contract, partition, head, start, end } = self;
        write!(f, "{contract}/{partition}: the table is at {head} but the log goes from {start} to {end}")
    }
}

/// How much a reader gathers before it gives a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of a batch, accepted and refused; a batch has at least one row.
    pub rows: usize,
    /// Bytes of a batch in memory, roughly; one message or one parsed batch can go over.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 1_000_000, bytes: 256 << 20 }
    }
}

/// Reads what has been delivered beyond given heads.
#[async_trait]
pub trait LogReader: Send {
    /// The next batch, or none when the reader has caught up with what had been delivered when it started.
    /// After an error the reader is of no further use: open a new one at the tables' heads.
    ///
    /// # Errors
    /// When the log cannot be read, or has a gap after a head.
    async fn next(&mut self) -> Result<Option<LogBatch>>;

    /// Where the tables and the log do not meet. Nothing of a partition with this number is given, of any contract:
    /// what belongs together stays together.
    fn gaps(&self) -> &[Gap] {
        &[]
    }
}

/// Where received files are delivered.
#[async_trait]
pub trait Delivery: Send {
    /// Whether a file with these bytes has been delivered.
    fn knows(&self, file_id: &FileId) -> bool;

    /// Whether this very file at a landing place has been delivered, as far as that can be told without reading
    /// it.
    fn has_received(&self, place: &str, found: &Found) -> bool {
        let _ = (place, found);
        false
    }

    /// Delivers a file as a whole. When this returns, the delivery outlives a power cut.
    ///
    /// # Errors
    /// When it was not delivered, or it is not known whether it was: then this writer is of no further use, and
    /// a new one finds out by [`Self::knows`].
    async fn deliver(&mut self, file: Parsed) -> Result<()>;

    /// Waits until readers see what was delivered.
    ///
    /// # Errors
    /// When something holds readers up.
    async fn settle(&mut self) -> Result<()> {
        Ok(())
    }
}
