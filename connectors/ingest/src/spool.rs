//! Rows of a file between parsing and delivery: in memory while they are few, else on the local disk.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow::error::ArrowError;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use formats::{BATCH_ROWS, Reject, Sink, SinkError};
use schemas::Contract;
use tempfile::NamedTempFile;

use crate::archive;
use crate::log::REJECT;
use crate::parsed::{Delivered, Origin, Parsed};
use crate::{Error, Result};

/// Rows of a file beyond this many bytes go to disk.
const MEMORY: usize = 64 << 20;

/// Rejects that are gathered into one batch.
const REJECTS: usize = 1024;
const REJECT_BYTES: usize = 4 << 20;

/// Whether rows are accepted or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Accepted,
    Rejected,
}

/// Rows of one kind, envelope included.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub kind: Kind,
    pub rows: RecordBatch,
}

#[derive(Debug)]
enum Slot {
    Memory(Part),
    Disk(Kind),
}

/// The rows of one contract, in order.
#[derive(Debug)]
struct Topic {
    contract: &'static Contract,
    slots: Vec<Slot>,
    accepted: u64,
    rejected: u64,
    waiting: Vec<Reject>,
    waiting_bytes: usize,
    disk: BTreeMap<Kind, Spilled>,
}

struct Spilled {
    file: NamedTempFile,
    writer: Option<StreamWriter<BufWriter<File>>>,
}

impl fmt::Debug for Spilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.fmt(f)
    }
}

/// The rows of a file, by contract.
#[derive(Debug)]
pub(crate) struct Spool {
    envelope: Envelope,
    dir: PathBuf,
    topics: BTreeMap<&'static str, Topic>,
    bytes: usize,
    limit: usize,
}

impl Spool {
    pub fn new(origin: &Origin, dir: &Path) -> Self {
        let envelope = Envelope::new(origin);
        Self { envelope, dir: dir.to_owned(), topics: BTreeMap::new(), bytes: 0, limit: MEMORY }
    }

    /// Bytes in memory, roughly.
    pub const fn memory(&self) -> usize {
        self.bytes
    }

    pub fn deliveries(&self) -> Vec<Delivered> {
        let delivered = |topic: &Topic| Delivered {
            contract: topic.contract.name.clone(),
            accepted: topic.accepted,
            rejected: topic.rejected,
        };
        self.topics.values().map(delivered).collect()
    }

    /// Ends writing.
    pub fn finish(&mut self) -> Result<(), SinkError> {
        let names: Vec<_> = self.topics.keys().copied().collect();
        for name in names {
            self.flush_rejects(name)?;
        }
        for spilled in self.topics.values_mut().flat_map(|topic| topic.disk.values_mut()) {
            if let Some(mut writer) = spilled.writer.take() {
                writer.finish()?;
            }
        }
        Ok(())
    }

    fn topic(&mut self, contract: &'static Contract) -> &mut Topic {
        self.topics.entry(&contract.name).or_insert_with(|| Topic {
            contract,
            slots: Vec::new(),
            accepted: 0,
            rejected: 0,
            waiting: Vec::new(),
            waiting_bytes: 0,
            disk: BTreeMap::new(),
        })
    }

    fn flush_rejects(&mut self, name: &'static str) -> Result<(), SinkError> {
        let Some(topic) = self.topics.get_mut(name).filter(|topic| !topic.waiting.is_empty()) else { return Ok(()) };
        topic.waiting_bytes = 0;
        let rejects = std::mem::take(&mut topic.waiting);
        let rows = reject_rows(&topic.contract.name, &rejects, &self.envelope)?;
        self.push(name, Part { kind: Kind::Rejected, rows })
    }

    fn push(&mut self, name: &'static str, part: Part) -> Result<(), SinkError> {
        let Some(topic) = self.topics.get_mut(name) else { return Ok(()) };
        let rows = part.rows.num_rows() as u64;
        match part.kind {
            Kind::Accepted => topic.accepted += rows,
            Kind::Rejected => topic.rejected += rows,
        }
        // The envelope's columns are shared by all batches: they would be counted over and over.
        let bytes: usize = part.rows.columns()[2..].iter().map(|column| column.get_array_memory_size()).sum();
        if self.bytes + bytes <= self.limit {
            self.bytes += bytes;
            topic.slots.push(Slot::Memory(part));
            return Ok(());
        }
        let spilled = match topic.disk.entry(part.kind) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let file = archive::temporary(&self.dir)?;
                let writer = StreamWriter::try_new_buffered(file.reopen()?, &part.rows.schema())?;
                entry.insert(Spilled { file, writer: Some(writer) })
            }
        };
        if let Some(writer) = &mut spilled.writer {
            writer.write(&part.rows)?;
        }
        topic.slots.push(Slot::Disk(part.kind));
        Ok(())
    }
}

impl Sink for Spool {
    fn rows(&mut self, contract: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        self.topic(contract);
        self.flush_rejects(&contract.name)?;
        let mut columns = self.envelope.columns(rows.num_rows());
        columns.extend_from_slice(rows.columns());
        let rows = RecordBatch::try_new(Arc::clone(&contract.schema), columns)?;
        self.push(&contract.name, Part { kind: Kind::Accepted, rows })
    }

    fn reject(&mut self, contract: &'static Contract, reject: Reject) -> Result<(), SinkError> {
        let topic = self.topic(contract);
        topic.waiting_bytes += reject.raw.len();
        topic.waiting.push(reject);
        if topic.waiting.len() >= REJECTS || topic.waiting_bytes >= REJECT_BYTES {
            self.flush_rejects(&contract.name)?;
        }
        Ok(())
    }
}

/// The two columns that are the same in all rows of a file.
#[derive(Debug)]
struct Envelope {
    file_id: ArrayRef,
    received_at: ArrayRef,
}

impl Envelope {
    fn new(origin: &Origin) -> Self {
        let id = origin.file_id.to_string();
        let times = TimestampMillisecondArray::from_value(origin.received_at.timestamp_millis(), BATCH_ROWS);
        Self {
            file_id: Arc::new(StringArray::from_iter_values(std::iter::repeat_n(id, BATCH_ROWS))),
            received_at: Arc::new(times.with_timezone("+00:00")),
        }
    }

    fn columns(&self, rows: usize) -> Vec<ArrayRef> {
        let column = |values: &ArrayRef| match rows {
            0..=BATCH_ROWS => Ok(values.slice(0, rows)),
            _ => {
                let repeated = vec![values.as_ref(); rows.div_ceil(BATCH_ROWS)];
                arrow::compute::concat(&repeated).map(|values| values.slice(0, rows))
            }
        };
        [&self.file_id, &self.received_at].into_iter().filter_map(|values| column(values).ok()).collect()
    }
}

fn reject_rows(contract: &str, rejects: &[Reject], envelope: &Envelope) -> Result<RecordBatch, SinkError> {
    let schema = &schemas::contract(REJECT)?.schema;
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let numbers = |get: fn(&Reject) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rejects.iter().map(|reject| number(get(reject)))))
    };
    let texts =
        |get: fn(&Reject) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rejects.iter().map(get))) };
    let amounts: Decimal128Array = rejects.iter().map(|reject| reject.amount.filter(crate::manifest::fits)).collect();
    let currencies: StringArray = rejects.iter().map(|reject| reject.currency.as_deref()).collect();
    let mut columns = envelope.columns(rejects.len());
    let contracts = StringArray::from_iter_values(std::iter::repeat_n(contract, rejects.len()));
    columns.extend([
        numbers(|reject| reject.ordinal),
        numbers(|reject| reject.start),
        numbers(|reject| reject.end),
        Arc::new(contracts) as ArrayRef,
        texts(|reject| reject.finding.code),
        texts(|reject| &reject.finding.message),
        texts(|reject| &reject.finding.message_sv),
        Arc::new(amounts.with_precision_and_scale(18, 2)?),
        Arc::new(currencies),
        Arc::new(BinaryArray::from_iter_values(rejects.iter().map(|reject| &reject.raw))),
    ]);
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// Reads the rows of one contract of a parsed file, in order. Blocks when they are on disk.
pub(crate) struct Parts {
    file: Arc<Parsed>,
    contract: &'static str,
    next: usize,
    disk: BTreeMap<Kind, StreamReader<BufReader<File>>>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from part {}", self.contract, self.next)
    }
}

impl Parts {
    /// The rows of the contracts of a file, one reader each.
    pub fn of(file: &Arc<Parsed>) -> Vec<(&'static Contract, Self)> {
        let parts = |topic: &Topic| {
            let file = Arc::clone(file);
            (topic.contract, Self { file, contract: &topic.contract.name, next: 0, disk: BTreeMap::new() })
        };
        file.spool.topics.values().map(parts).collect()
    }

    /// The next rows.
    pub fn next(&mut self) -> Result<Option<Part>> {
        let Some(topic) = self.file.spool.topics.get(self.contract) else { return Ok(None) };
        let Some(slot) = topic.slots.get(self.next) else { return Ok(None) };
        self.next += 1;
        let kind = match slot {
            Slot::Memory(part) => return Ok(Some(part.clone())),
            Slot::Disk(kind) => *kind,
        };
        let disk = |source: ArrowError| Error::Rows {
            what: format!("rows of {} that wait on disk cannot be read", self.file.origin.name),
            source,
        };
        let lost = || disk(ArrowError::IpcError("they end too early".to_owned()));
        if let std::collections::btree_map::Entry::Vacant(entry) = self.disk.entry(kind) {
            let file = &topic.disk.get(&kind).ok_or_else(lost)?.file;
            let file = file.reopen().map_err(|error| disk(error.into()))?;
            entry.insert(StreamReader::try_new_buffered(file, None).map_err(disk)?);
        }
        let reader = self.disk.get_mut(&kind).ok_or_else(lost)?;
        let rows = reader.next().ok_or_else(lost)?.map_err(disk)?;
        Ok(Some(Part { kind, rows }))
    }
}

#[cfg(test)]
mod tests;
