//! The log without a broker: a journal of deliveries in the archive.
//!
//! A delivered file is one entry of the journal, `00000000000000000001.json` and so on. Rows are not stored: a
//! reader parses the archived file again, and parsing the same bytes gives the same rows in the same order. Rows
//! of files that this process delivered itself are kept for its readers while memory lasts.
//!
//! A crash leaves nothing to repair: before the entry is written the file has not been delivered, and from then
//! on readers find it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use formats::SealKey;
use futures::{StreamExt as _, TryStreamExt as _};
use uuid::Uuid;

use crate::archive::Archive;
use crate::log::{Delivery, Gap, Heads, Limits};
use crate::parsed::{Parsed, Parser};
use crate::place::Found;
use crate::store::Store;
use crate::{Error, FileId, Result};

mod journal;
mod reader;

pub use journal::{Entry, Span};
pub use reader::DirectReader;

/// Rows that are kept for readers instead of being parsed again, in bytes.
const KEPT: usize = 256 << 20;

/// The log without a broker.
#[derive(Debug)]
pub struct Direct {
    archive: Archive,
    journal: Store,
    work_dir: PathBuf,
    parser: Parser,
    writer: String,
    entries: Vec<Arc<Entry>>,
    ends: BTreeMap<String, i64>,
    delivered: BTreeSet<FileId>,
    received: BTreeMap<(String, String), Arc<Entry>>,
    kept: BTreeMap<u64, Arc<Parsed>>,
    kept_bytes: usize,
}

impl Direct {
    /// Reads the journal in the folder `journal`; files are in `archive`, and `work_dir` is for temporary files.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub async fn open(journal: Store, archive: Archive, work_dir: PathBuf) -> Result<Self> {
        Self::open_with(journal, archive, work_dir, Parser::new(formats::parse)).await
    }

    /// The same, checking seals around files with these keys: those that the files were received with, so that what
    /// is read again from the archive is judged as it was.
    #[must_use]
    pub fn with_seal_keys(mut self, keys: Arc<[SealKey]>) -> Self {
        self.parser.seal_keys = keys;
        self
    }

    pub(crate) async fn open_with(journal: Store, archive: Archive, work_dir: PathBuf, parser: Parser) -> Result<Self> {
        let mut direct = Self {
            archive,
            journal,
            work_dir,
            parser,
            writer: Uuid::new_v4().to_string(),
            entries: Vec::new(),
            ends: BTreeMap::new(),
            delivered: BTreeSet::new(),
            received: BTreeMap::new(),
            kept: BTreeMap::new(),
            kept_bytes: 0,
        };
        let store = direct.journal.clone();
        let names = store.list().await?.into_iter().map(|object| object.name);
        let numbers: BTreeSet<u64> = names.filter_map(|name| journal::number(&name)).collect();
        let entries = futures::stream::iter(numbers.into_iter().map(|number| journal::read(&store, number)));
        let mut entries = std::pin::pin!(entries.buffered(16));
        while let Some(entry) = entries.try_next().await? {
            direct.admit(entry)?;
        }
        Ok(direct)
    }

    /// Reads what others have delivered since.
    ///
    /// # Errors
    /// When the journal cannot be read or is damaged.
    pub async fn follow(&mut self) -> Result<()> {
        while let Some(entry) = journal::find(&self.journal, self.entries.len() as u64 + 1).await? {
            self.admit(entry)?;
        }
        Ok(())
    }

    /// The deliveries so far, in order.
    #[must_use]
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// Position after the last message of a topic.
    #[must_use]
    pub fn end(&self, contract: &str) -> i64 {
        self.ends.get(contract).copied().unwrap_or_default()
    }

    /// Reads what has been delivered by now and lies beyond `heads`.
    ///
    /// # Errors
    /// When a head is beyond the end of the log: the tables know more than the archive.
    pub fn reader(&mut self, heads: &Heads, limits: Limits) -> Result<DirectReader> {
        for (contract, partition, head) in heads.iter() {
            let end = if partition == 0 { self.end(contract) } else { 0 };
            if let Some(gap) = Gap::between(contract, partition, head, (0, end)) {
                return Err(Error::Gap(gap));
            }
        }
        let beyond = |entry: &&Arc<Entry>| entry.topics.iter().any(|span| span.to > heads.get(&span.contract, 0));
        let first = self.entries.iter().position(|entry| beyond(&entry)).unwrap_or(self.entries.len());
        let entries = self.entries[first..].iter().filter(beyond).cloned().collect();
        self.kept_bytes = 0;
        let kept = std::mem::take(&mut self.kept);
        let (archive, work_dir) = (self.archive.clone(), self.work_dir.clone());
        Ok(DirectReader::new(archive, work_dir, self.parser.clone(), entries, kept, heads.clone(), limits))
    }

    /// Takes an entry for part of the log, after checking that it follows the last one.
    fn admit(&mut self, entry: Entry) -> Result<()> {
        let path = || journal::name(entry.number);
        let expected = self.entries.len() as u64 + 1;
        if entry.number != expected {
            return Err(Error::Damaged { path: path(), reason: format!("entry {expected} is missing before it") });
        }
        for span in &entry.topics {
            let end = self.end(&span.contract);
            if span.from != end || span.to <= end {
                let reason = format!("{} goes from {} to {} but is at {end}", span.contract, span.from, span.to);
                return Err(Error::Damaged { path: path(), reason });
            }
        }
        for span in &entry.topics {
            telemetry::lag::read(&span.contract, 0, span.to - 1, entry.file.received_at.timestamp_millis());
            telemetry::lag::ends(&span.contract, 0, span.to);
            self.ends.insert(span.contract.clone(), span.to);
        }
        let entry = Arc::new(entry);
        self.delivered.insert(entry.file.file_id);
        self.received.insert((entry.file.place.clone(), entry.file.name.clone()), Arc::clone(&entry));
        self.entries.push(entry);
        Ok(())
    }
}

#[async_trait]
impl Delivery for Direct {
    fn knows(&self, file_id: &FileId) -> bool {
        self.delivered.contains(file_id)
    }

    fn has_received(&self, place: &str, found: &Found) -> bool {
        let entry = self.received.get(&(place.to_owned(), found.name.clone()));
        entry.is_some_and(|entry| {
            let file = &entry.file;
            found.mark.is_some()
                && file.mark == found.mark
                && (file.size, file.received_at) == (found.size, found.received_at)
        })
    }

    async fn deliver(&mut self, file: Parsed) -> Result<()> {
        let number = self.entries.len() as u64 + 1;
        let entry = Entry::new(number, &self.writer, &file, |contract| self.end(contract));
        faults::JOURNAL.before();
        let appended = journal::append(&self.journal, &entry).await?;
        faults::JOURNAL.after();
        if !appended {
            return Err(Error::Fenced { what: format!("journal entry {number}") });
        }
        self.admit(entry)?;
        let bytes = file.spool.memory();
        if self.kept_bytes + bytes <= KEPT {
            self.kept_bytes += bytes;
            self.kept.insert(number, Arc::new(file));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
