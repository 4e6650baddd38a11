use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray, new_null_array,
};
use arrow::error::ArrowError;
use async_trait::async_trait;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::{Message as _, Offset, TopicPartitionList};
use schemas::Contract;
use telemetry::lag;
use telemetry::metrics::GAPS;
use telemetry::trace::{HEADER, TraceParent};

use super::ends::watermarks;
use super::position::{Position, consumer};
use super::{KafkaConfig, Shard, blocking, partitions};
use crate::avro::Decoder;
use crate::gather::Gathered;
use crate::log::{FILE, Gap, Heads, Limits, LogBatch, LogReader, REJECT};
use crate::registry::Registry;
use crate::spool::{Kind, Part};
use crate::{Error, Result};

/// Messages of a partition that are decoded together.
const CHUNK: usize = formats::BATCH_ROWS;
const CHUNK_BYTES: usize = 16 << 20;

/// How long the ends of the `file` topic are taken as a sign for all topics.
const ASK_ALL: Duration = Duration::from_secs(5);

/// Reads topics from given heads up to what was delivered when it was opened or last told to
/// [follow](Self::follow): first the rows, then the `file` records of files all of whose rows it has given.
pub struct KafkaReader {
    /// Taken while it works: after an error there is nothing to go on with.
    inner: Option<Box<Inner>>,
}

struct Inner {
    config: KafkaConfig,
    shard: Shard,
    heads: Heads,
    consumer: BaseConsumer,
    /// Asks for ends on a connection of its own, on which no fetch of messages lies waiting.
    ends: BaseConsumer,
    decoder: Decoder,
    topics: BTreeMap<String, Topic>,
    gathered: Gathered,
    phases: Vec<Phase>,
    position: Option<Position>,
    gaps: Vec<Gap>,
    /// When the ends of all topics were asked for.
    asked: Instant,
}

struct Topic {
    contract: &'static Contract,
    /// By partition of this shard: up to where rows have been taken into batches, up to where messages have been
    /// read, and where reading ends.
    partitions: BTreeMap<i32, Progress>,
}

struct Progress {
    taken: i64,
    read: i64,
    end: i64,
    /// Messages after `read` that wait to be decoded.
    chunk: Chunk,
}

/// Which topics are read together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Rows,
    Files,
}

/// Messages in one buffer.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    messages: Vec<Waiting>,
    traces: Vec<TraceParent>,
}

struct Waiting {
    end: usize,
    offset: i64,
    timestamp: i64,
}

impl fmt::Debug for KafkaReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.inner.iter().flat_map(|inner| inner.topics.keys())).finish()
    }
}

impl KafkaReader {
    /// A reader at `heads` of the partitions of a shard.
    ///
    /// # Errors
    /// When a topic is missing, or the broker refuses or does not answer.
    pub async fn open(config: &KafkaConfig, heads: &Heads, shard: Shard, limits: Limits) -> Result<Self> {
        let (config, heads) = (config.clone(), heads.clone());
        let open = move || Inner::open(config, &heads, shard, limits).map(Box::new);
        Ok(Self { inner: Some(blocking("opening the log for reading", open).await?) })
    }

    /// Sets the end of reading to what is delivered by now, in partitions that were added since, too;
    /// [`LogReader::next`] goes on from where it is. While no file comes, the topics of rows are asked for only now
    /// and then: a file delivers its rows and its `file` record together.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub async fn follow(&mut self) -> Result<()> {
        let follow = |inner: &mut Inner| if inner.is_quiet()? { Ok(()) } else { inner.follow() };
        self.work("asking for the ends of the log", follow).await
    }

    /// Tells the consumer group how far the tables are, for monitors of lag. Nothing depends on it.
    pub fn tell(&self, heads: &Heads) {
        let Some(inner) = &self.inner else { return };
        let mut list = TopicPartitionList::new();
        for (contract, partition, position) in heads.iter() {
            let topic = inner.config.topic(contract);
            if list.add_partition_offset(&topic, partition, Offset::Offset(position)).is_err() {
                return;
            }
        }
        if let Err(error) = inner.consumer.commit(&list, CommitMode::Async) {
            tracing::info!(%error, "the broker was not told how far the tables are");
        }
    }

    async fn work<T: Send + 'static>(
        &mut self,
        what: &'static str,
        work: impl FnOnce(&mut Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let abandoned = || Error::Defect("a reader of the log was used after it failed".to_owned());
        let mut inner = self.inner.take().ok_or_else(abandoned)?;
        let (done, inner) = blocking(what, move || work(&mut inner).map(|done| (done, inner))).await?;
        self.inner = Some(inner);
        Ok(done)
    }
}

#[async_trait]
impl LogReader for KafkaReader {
    async fn next(&mut self) -> Result<Option<LogBatch>> {
        self.work("reading the log", Inner::next).await
    }

    fn gaps(&self) -> &[Gap] {
        self.inner.as_ref().map_or(&[], |inner| &inner.gaps)
    }
}

impl Inner {
    fn open(config: KafkaConfig, heads: &Heads, shard: Shard, limits: Limits) -> Result<Self> {
        let (reading, ends) = (consumer(&config)?, consumer(&config)?);
        let decoder = Decoder::new(Registry::open(&config)?);
        let mut inner = Self {
            config,
            shard,
            heads: heads.clone(),
            consumer: reading,
            ends,
            decoder,
            topics: BTreeMap::new(),
            gathered: Gathered::new(limits),
            phases: Vec::new(),
            position: None,
            gaps: Vec::new(),
            asked: Instant::now(),
        };
        inner.follow()?;
        Ok(inner)
    }

    /// Finds the partitions of the shard; those that are new are read from their heads.
    fn find_partitions(&mut self) -> Result<()> {
        let counts = partitions(self.ends.client(), &self.config)?;
        if self.shard.of > 1 && counts.values().any(|count| Some(count) != counts.values().next()) {
            let reason = "topics have different numbers of partitions, so shards cannot keep a file together";
            return Err(Error::Configuration(format!("{reason}: {counts:?}")));
        }
        for (name, count) in counts {
            let contract = schemas::contract(name).map_err(|error| Error::Defect(error.to_string()))?;
            let topic = self.topics.entry(self.config.topic(name));
            let topic = topic.or_insert_with(|| Topic { contract, partitions: BTreeMap::new() });
            for partition in (0..count).filter(|partition| self.shard.holds(*partition)) {
                topic.partitions.entry(partition).or_insert_with(|| {
                    let head = self.heads.get(name, partition);
                    Progress { taken: head, read: head, end: head, chunk: Chunk::default() }
                });
            }
        }
        Ok(())
    }

    /// True when everything has been read and no file has been delivered since, as far as is worth asking.
    fn is_quiet(&self) -> Result<bool> {
        if !self.phases.is_empty() || !self.gaps.is_empty() || self.asked.elapsed() > ASK_ALL {
            return Ok(false);
        }
        for (name, topic) in self.topics.iter().filter(|(_, topic)| phase_of(topic) == Phase::Files) {
            for (partition, progress) in &topic.partitions {
                if watermarks(&self.ends, name, *partition, self.config.deadline())?.1 != progress.end {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The end of the `file` topic is asked for first: whatever rows its records speak of have been delivered
    /// in the same transactions, and lie before the ends of the other topics that are asked for afterwards.
    fn follow(&mut self) -> Result<()> {
        self.find_partitions()?;
        let deadline = self.config.deadline();
        self.asked = Instant::now();
        self.gaps.clear();
        for phase in [Phase::Files, Phase::Rows] {
            for (name, topic) in self.topics.iter_mut().filter(|(_, topic)| phase_of(topic) == phase) {
                for (partition, progress) in &mut topic.partitions {
                    let ends = watermarks(&self.ends, name, *partition, deadline)?;
                    let gap = Gap::between(&topic.contract.name, *partition, progress.read, ends);
                    GAPS.set(&[&topic.contract.name, &partition.to_string()], gap.is_some().into());
                    lag::ends(&topic.contract.name, *partition, ends.1);
                    self.gaps.extend(gap);
                    progress.end = ends.1;
                    progress.chunk = Chunk::default();
                }
            }
        }
        for topic in self.topics.values_mut() {
            for gap in &self.gaps {
                if let Some(progress) = topic.partitions.get_mut(&gap.partition) {
                    progress.end = progress.read;
                }
            }
        }
        self.position = None;
        self.phases = vec![Phase::Files, Phase::Rows];
        Ok(())
    }

    fn next(&mut self) -> Result<Option<LogBatch>> {
        loop {
            if let Some(batch) = self.gathered.pop() {
                return Ok(Some(batch));
            }
            let Some(phase) = self.phases.last().copied() else { return Ok(None) };
            let mut position = match self.position.take() {
                Some(position) => position,
                None => self.begin(phase)?,
            };
            if self.read(&mut position)? {
                self.end(&position)?;
                self.phases.pop();
                self.gathered.flush();
            } else {
                self.position = Some(position);
            }
        }
    }

    fn begin(&self, phase: Phase) -> Result<Position> {
        let mut list = Vec::new();
        for (name, topic) in self.topics.iter().filter(|(_, topic)| phase_of(topic) == phase) {
            let each =
                |(partition, progress): (&i32, &Progress)| (name.clone(), *partition, progress.read, progress.end);
            list.extend(topic.partitions.iter().map(each));
        }
        Position::assign(&self.consumer, &list, self.config.deadline())
    }

    /// Reads until batches are ready (false) or all partitions of the phase are at their ends (true).
    fn read(&mut self, position: &mut Position) -> Result<bool> {
        while !position.is_reached(&self.consumer)? {
            let Some(message) = position.next(&self.consumer)? else { continue };
            let topic = self.topics.get_mut(message.topic());
            let progress = topic.and_then(|topic| topic.partitions.get_mut(&message.partition()));
            let Some(progress) = progress.filter(|progress| message.offset() < progress.end) else { continue };
            if progress.chunk.push(&message) {
                let (name, partition) = (message.topic().to_owned(), message.partition());
                drop(message);
                if self.decode(&name, partition)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Decodes what is left and moves the positions past the markers behind it.
    fn end(&mut self, position: &Position) -> Result<()> {
        let keys = position.iter().map(|(name, partition, at)| (name.to_owned(), partition, at));
        for (name, partition, at) in keys.collect::<Vec<_>>() {
            self.decode(&name, partition)?;
            let Some(topic) = self.topics.get_mut(&name) else { continue };
            if let Some(progress) = topic.partitions.get_mut(&partition) {
                progress.read = at;
                if self.gathered.reach(topic.contract, partition, at) {
                    progress.taken = at;
                }
            }
        }
        Ok(())
    }

    /// Decodes the messages of a partition that wait; true when a batch became ready.
    fn decode(&mut self, name: &str, partition: i32) -> Result<bool> {
        let Some(topic) = self.topics.get_mut(name) else { return Ok(false) };
        let contract = topic.contract;
        let Some(progress) = topic.partitions.get_mut(&partition) else { return Ok(false) };
        let chunk = std::mem::take(&mut progress.chunk);
        let Some(last) = chunk.messages.last() else { return Ok(false) };
        let starts = std::iter::once(0).chain(chunk.messages.iter().map(|message| message.end));
        let messages: Vec<&[u8]> =
            starts.zip(&chunk.messages).map(|(start, message)| &chunk.bytes[start..message.end]).collect();
        let decoded = self.decoder.decode(&messages, &[&contract.name, REJECT])?;
        let mut parts: Vec<Part> = Vec::new();
        for (rows_of, rows) in decoded.rows {
            let kind = if rows_of == REJECT { Kind::Rejected } else { Kind::Accepted };
            parts.push(Part { kind, rows });
        }
        if !decoded.undecodable.is_empty() {
            let bad = decoded.undecodable.iter().map(|bad| {
                let Waiting { offset, timestamp, .. } = chunk.messages[bad.index];
                Bad { offset, timestamp, reason: &bad.reason, raw: messages[bad.index] }
            });
            let rows = rejects(contract, name, partition, &bad.collect::<Vec<_>>());
            let what = || format!("rejects of topic {name} cannot be made");
            parts.push(Part {
                kind: Kind::Rejected,
                rows: rows.map_err(|source| Error::Rows { what: what(), source })?,
            });
        }
        if let Some(first) = chunk.messages.first() {
            lag::read(&contract.name, partition, first.offset, first.timestamp);
        }
        self.gathered.follow(chunk.traces);
        let from = progress.taken;
        (progress.taken, progress.read) = (last.offset + 1, last.offset + 1);
        Ok(self.gathered.add(contract, partition, from, last.offset + 1, parts))
    }
}

impl Chunk {
    /// Takes a message in; true when it is time to decode.
    fn push(&mut self, message: &BorrowedMessage<'_>) -> bool {
        self.traces.extend(trace(message));
        self.bytes.extend_from_slice(message.payload().unwrap_or_default());
        self.messages.push(Waiting {
            end: self.bytes.len(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis().unwrap_or_default(),
        });
        self.messages.len() >= CHUNK || self.bytes.len() >= CHUNK_BYTES
    }
}

/// The span that delivered the file whose first message this is.
fn trace(message: &BorrowedMessage<'_>) -> Option<TraceParent> {
    let header = message.headers()?.iter().find(|header| header.key == HEADER)?;
    std::str::from_utf8(header.value?).ok()?.parse().ok()
}

fn phase_of(topic: &Topic) -> Phase {
    if topic.contract.name == FILE { Phase::Files } else { Phase::Rows }
}

struct Bad<'a> {
    offset: i64,
    timestamp: i64,
    reason: &'a str,
    raw: &'a [u8],
}

/// Messages that are no rows, as rejects: their place in the log stands for the place in a file.
fn rejects(contract: &Contract, topic: &str, partition: i32, bad: &[Bad<'_>]) -> Result<RecordBatch, ArrowError> {
    let schema = schemas::contract(REJECT).map_err(|error| ArrowError::ExternalError(Box::new(error)))?.schema.clone();
    let texts = |text: &dyn Fn(&Bad<'_>) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(bad.iter().map(text)))
    };
    let numbers = |number: &dyn Fn(&Bad<'_>) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(bad.iter().map(number)))
    };
    let times = TimestampMillisecondArray::from_iter_values(bad.iter().map(|bad| bad.timestamp));
    let raw = bad.iter().map(|bad| &bad.raw[..bad.raw.len().min(formats::MAX_RAW)]);
    let nulls = |name: &str| Ok::<_, ArrowError>(new_null_array(schema.field_with_name(name)?.data_type(), bad.len()));
    let columns = vec![
        texts(&|_| format!("kafka:{topic}/{partition}")),
        Arc::new(times.with_timezone("+00:00")),
        numbers(&|bad| bad.offset),
        numbers(&|_| 0),
        numbers(&|bad| i64::try_from(bad.raw.len()).unwrap_or(i64::MAX)),
        texts(&|_| contract.name.clone()),
        texts(&|_| "undecodable".to_owned()),
        texts(&|bad| format!("message {} of {topic}/{partition} cannot be decoded: {}", bad.offset, bad.reason)),
        texts(&|bad| format!("Meddelande {} i {topic}/{partition} kan inte avkodas.", bad.offset)),
        nulls("amount")?,
        nulls("currency")?,
        Arc::new(BinaryArray::from_iter_values(raw)),
    ];
    RecordBatch::try_new(schema, columns)
}
