use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use schemas::Contract;
use telemetry::trace::TraceParent;

use super::Entry;
use crate::archive::Archive;
use crate::gather::Gathered;
use crate::log::{FILE, Heads, Limits, LogBatch, LogReader};
use crate::parsed::{Parsed, Parser};
use crate::receive::read;
use crate::spool::{Kind, Part, Parts};
use crate::{Error, Result, manifest};

/// Reads deliveries of the journal: rows first, then the `file` records of the files they are of.
#[derive(Debug)]
pub struct DirectReader {
    archive: Archive,
    work_dir: PathBuf,
    parser: Parser,
    entries: VecDeque<Arc<Entry>>,
    kept: BTreeMap<u64, Arc<Parsed>>,
    heads: Arc<Heads>,
    file: Option<Reading>,
    gathered: Option<Gathered>,
}

/// A file that is being read.
#[derive(Debug)]
struct Reading {
    entry: Arc<Entry>,
    file: Arc<Parsed>,
    topics: VecDeque<Topic>,
}

impl Reading {
    fn trace(&self) -> Option<TraceParent> {
        self.entry.trace.as_ref()?.parse().ok()
    }
}

#[derive(Debug)]
struct Topic {
    contract: &'static Contract,
    position: i64,
    /// Nothing of it has been gathered yet.
    begins: bool,
    parts: Parts,
}

impl DirectReader {
    pub(super) fn new(
        archive: Archive,
        work_dir: PathBuf,
        parser: Parser,
        entries: VecDeque<Arc<Entry>>,
        kept: BTreeMap<u64, Arc<Parsed>>,
        heads: Heads,
        limits: Limits,
    ) -> Self {
        let gathered = Some(Gathered::new(limits));
        Self { archive, work_dir, parser, entries, kept, heads: Arc::new(heads), file: None, gathered }
    }

    /// Begins with the next file; false when there is none.
    async fn begin(&mut self) -> Result<bool> {
        let Some(entry) = self.entries.pop_front() else { return Ok(false) };
        let file = match self.kept.remove(&entry.number) {
            Some(file) => file,
            None => {
                let copy = self.archive.fetch(entry.file.file_id, &self.work_dir).await?;
                let file = read(self.parser.clone(), entry.file.clone(), copy, self.work_dir.clone()).await?;
                entry.check(&file)?;
                Arc::new(file)
            }
        };
        let topic = |(contract, parts): (&'static Contract, Parts)| {
            let span = entry.topics.iter().find(|span| span.contract == contract.name)?;
            Some(Topic { contract, position: span.from, begins: true, parts })
        };
        let topics = Parts::of(&file).into_iter().filter_map(topic).collect();
        self.file = Some(Reading { entry, file, topics });
        Ok(true)
    }
}

/// Gathers rows of a file, and its `file` record after the last one. Gives the file back when a batch became
/// ready before its end. Blocks when rows wait on disk.
fn gather(mut reading: Reading, gathered: &mut Gathered, heads: &Heads) -> Result<Option<Reading>> {
    while let Some(mut topic) = reading.topics.pop_front() {
        let head = heads.get(&topic.contract.name, 0);
        while let Some(part) = topic.parts.next()? {
            let (from, part) = beyond(head, topic.position, part);
            topic.position = from + rows(&part);
            if rows(&part) == 0 {
                continue;
            }
            gathered.follow(reading.trace().filter(|_| topic.begins));
            topic.begins = false;
            if gathered.add(topic.contract, 0, from, topic.position, [part]) {
                reading.topics.push_front(topic);
                return Ok(Some(reading));
            }
        }
    }
    let span = reading.entry.topics.iter().find(|span| span.contract == FILE);
    if let Some(span) = span.filter(|span| span.to > heads.get(FILE, 0)) {
        let contract = schemas::contract(FILE).map_err(|error| Error::Defect(error.to_string()))?;
        let part = Part { kind: Kind::Accepted, rows: manifest::record(&reading.file)? };
        gathered.follow(reading.trace());
        gathered.add(contract, 0, span.from, span.to, [part]);
    }
    Ok(None)
}

/// What of a part that begins at `position` lies beyond `head`, and where that begins.
fn beyond(head: i64, position: i64, part: Part) -> (i64, Part) {
    let passed = (head - position).clamp(0, rows(&part));
    let skip = usize::try_from(passed).unwrap_or_default();
    let rows = part.rows.slice(skip, part.rows.num_rows() - skip);
    (position + passed, Part { rows, ..part })
}

fn rows(part: &Part) -> i64 {
    i64::try_from(part.rows.num_rows()).unwrap_or(i64::MAX)
}

#[async_trait]
impl LogReader for DirectReader {
    async fn next(&mut self) -> Result<Option<LogBatch>> {
        // Taken, and put back at the end: after an error or an abandoned call there is nothing to go on with.
        let abandoned = || Error::Defect("a reader of the journal was used after it failed".to_owned());
        let mut gathered = self.gathered.take().ok_or_else(abandoned)?;
        let batch = loop {
            if let Some(batch) = gathered.pop() {
                break Some(batch);
            }
            if let Some(reading) = self.file.take() {
                let heads = Arc::clone(&self.heads);
                let work = tokio::task::spawn_blocking(move || {
                    let left = gather(reading, &mut gathered, &heads)?;
                    Ok((left, gathered))
                });
                let done = work.await.map_err(|error| Error::Defect(format!("reading the journal: {error}")))?;
                (self.file, gathered) = done?;
            } else if !self.begin().await? && !gathered.flush() {
                break None;
            }
        };
        self.gathered = Some(gathered);
        Ok(batch)
    }
}
