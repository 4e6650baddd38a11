use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use async_trait::async_trait;
use rdkafka::Message as _;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use schemas::Contract;
use telemetry::trace::{self, TraceParent};
use telemetry::wait::Wait;

use super::ends::{Ends, watermarks};
use super::position::{Position, consumer};
use super::{KafkaConfig, MESSAGE_BYTES, blocking, partitions};
use crate::avro::Encoder;
use crate::log::{Delivery, FILE, REJECT};
use crate::parsed::Parsed;
use crate::registry::Registry;
use crate::spool::{Kind, Parts};
use crate::{Error, FileId, Result, manifest};

/// Delivers files in transactions.
pub struct KafkaDelivery {
    delivered: BTreeSet<FileId>,
    /// Taken while a file is delivered: after an error there is nothing to go on with.
    sender: Option<Box<Sender>>,
}

struct Sender {
    config: KafkaConfig,
    producer: ThreadedProducer<DefaultProducerContext>,
    partitions: BTreeMap<&'static str, i32>,
    registry: Registry,
    /// By topic and contract.
    encoders: BTreeMap<(String, &'static str), Encoder>,
    ends: Ends,
    /// Topic-partitions delivered to since readers were last known to see everything.
    touched: BTreeSet<(String, i32)>,
}

impl fmt::Debug for KafkaDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KafkaDelivery({} files)", self.delivered.len())
    }
}

impl KafkaDelivery {
    /// Fences earlier deliverers of this transactional id, ends what they left open, and reads which files have
    /// been delivered.
    ///
    /// # Errors
    /// When a topic is missing, or the broker refuses or does not answer.
    pub async fn open(config: &KafkaConfig) -> Result<Self> {
        let config = config.clone();
        let opened = blocking("opening the log for delivery", move || {
            let sender = Sender::new(config)?;
            let delivered = sender.delivered()?;
            Ok((sender, delivered))
        });
        let (sender, delivered) = opened.await?;
        Ok(Self { delivered, sender: Some(Box::new(sender)) })
    }

    /// The same, knowing files that have been landed, too: their records may have left the log since.
    #[must_use]
    pub fn with_landed(mut self, files: impl IntoIterator<Item = FileId>) -> Self {
        self.delivered.extend(files);
        self
    }

    async fn work(
        &mut self,
        what: &'static str,
        work: impl FnOnce(&mut Sender) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let abandoned = || Error::Defect("a deliverer was used after it failed".to_owned());
        let mut sender = self.sender.take().ok_or_else(abandoned)?;
        self.sender = Some(blocking(what, move || work(&mut sender).map(|()| sender)).await?);
        Ok(())
    }
}

#[async_trait]
impl Delivery for KafkaDelivery {
    fn knows(&self, file_id: &FileId) -> bool {
        self.delivered.contains(file_id)
    }

    async fn deliver(&mut self, file: Parsed) -> Result<()> {
        let file_id = file.origin.file_id;
        let trace = trace::current();
        self.work("delivering a file", move |sender| sender.deliver(&Arc::new(file), trace)).await?;
        self.delivered.insert(file_id);
        Ok(())
    }

    async fn settle(&mut self) -> Result<()> {
        self.work("waiting for what was delivered", Sender::settle).await
    }
}

impl Sender {
    fn new(config: KafkaConfig) -> Result<Self> {
        let client = config.client(&[
            ("transactional.id", &config.transactional_id),
            ("transaction.timeout.ms", "300000"),
            ("enable.idempotence", "true"),
            ("compression.type", "zstd"),
            ("linger.ms", "5"),
            ("queue.buffering.max.kbytes", "65536"),
            ("message.max.bytes", MESSAGE_BYTES),
        ])?;
        let failed = |source| Error::broker("opening the log for delivery", source);
        let producer: ThreadedProducer<DefaultProducerContext> = client.create().map_err(failed)?;
        let partitions = partitions(producer.client(), &config)?;
        producer.init_transactions(config.deadline()).map_err(|error| transaction_error(&config, error))?;
        let (ends, registry) = (Ends::new(&config)?, Registry::open(&config)?);
        let (encoders, touched) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { config, producer, partitions, registry, encoders, ends, touched })
    }

    /// The files whose `file` record is in the log. None may be in doubt: a file that is delivered again while
    /// its first delivery is still to be seen would count twice.
    fn delivered(&self) -> Result<BTreeSet<FileId>> {
        let consumer: BaseConsumer = consumer(&self.config)?;
        let (topic, deadline) = (self.config.topic(FILE), self.config.deadline());
        let mut delivered = BTreeSet::new();
        for partition in 0..self.partitions.get(FILE).copied().unwrap_or_default() {
            self.ends.settle(&topic, partition)?;
            let (start, end) = watermarks(&consumer, &topic, partition, deadline)?;
            let mut position = Position::assign(&consumer, &[(topic.clone(), partition, start, end)], deadline)?;
            while !position.is_reached(&consumer)? {
                if let Some(message) = position.next(&consumer)? {
                    let key = message.key().and_then(|key| std::str::from_utf8(key).ok());
                    delivered.extend(key.and_then(|key| key.parse::<FileId>().ok()));
                }
            }
        }
        Ok(delivered)
    }

    fn settle(&mut self) -> Result<()> {
        for (topic, partition) in std::mem::take(&mut self.touched) {
            self.ends.settle(&topic, partition)?;
        }
        Ok(())
    }

    fn deliver(&mut self, file: &Arc<Parsed>, trace: Option<TraceParent>) -> Result<()> {
        self.producer.begin_transaction().map_err(|error| transaction_error(&self.config, error))?;
        match self.send(file, trace).and_then(|()| self.commit()) {
            Ok(()) => Ok(()),
            Err(error) => {
                // The first error is the one to tell. If this one fails too, the next deliverer ends the
                // transaction.
                let _ = self.producer.flush(self.config.deadline());
                let _ = self.producer.abort_transaction(self.config.deadline());
                Err(error)
            }
        }
    }

    fn send(&mut self, file: &Arc<Parsed>, trace: Option<TraceParent>) -> Result<()> {
        let contract = |name: &str| schemas::contract(name).map_err(|error| Error::Defect(error.to_string()));
        let reject = contract(REJECT)?;
        for (topic, mut parts) in Parts::of(file) {
            // The rows of a file lie together in a partition: who reads the first one knows of all.
            let mut trace = trace;
            while let Some(part) = parts.next()? {
                let rows_of = match part.kind {
                    Kind::Accepted => topic,
                    Kind::Rejected => reject,
                };
                self.send_rows(&topic.name, rows_of, &part.rows, file.origin.file_id, trace.take())?;
            }
        }
        self.send_rows(FILE, contract(FILE)?, &manifest::record(file)?, file.origin.file_id, trace)
    }

    fn send_rows(
        &mut self,
        topic: &str,
        contract: &'static Contract,
        rows: &RecordBatch,
        file: FileId,
        mut trace: Option<TraceParent>,
    ) -> Result<()> {
        faults::SEND.before();
        let partition = file.partition(self.partitions.get(topic).copied().unwrap_or_default());
        let topic = self.config.topic(topic);
        let encoder = match self.encoders.entry((topic.clone(), &contract.name)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Encoder::new(contract, self.registry.id(&topic, contract)?)?),
        };
        let messages = encoder.encode(rows)?;
        let keys = Keys::new(contract, rows);
        for (row, message) in messages.iter().enumerate() {
            let key = keys.of(row);
            let mut record = BaseRecord::to(&topic).partition(partition).key(key.as_str()).payload(message.as_ref());
            if let Some(trace) = trace.take() {
                let header = Header { key: trace::HEADER, value: Some(&trace.to_string()) };
                record = record.headers(OwnedHeaders::new().insert(header));
            }
            self.send_one(record)?;
        }
        self.touched.insert((topic, partition));
        faults::SEND.after();
        Ok(())
    }

    fn send_one(&self, mut record: BaseRecord<'_, str, [u8]>) -> Result<()> {
        let (mut waiting_since, mut waiting) = (None, None);
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => record = back,
                Err((source, _)) => return Err(self.sending_error(source)),
            }
            let since = *waiting_since.get_or_insert_with(Instant::now);
            waiting.get_or_insert_with(|| Wait::BrokerSend.begin());
            if since.elapsed() > self.config.deadline() {
                Wait::BrokerSend.missed();
                return Err(Error::Late { what: "sending a record".to_owned(), deadline: self.config.deadline() });
            }
            self.producer.poll(Duration::from_millis(10));
        }
    }

    /// A producer that was fenced learns it from the broker, and says no more than "fatal" to whatever it does next.
    fn sending_error(&self, source: KafkaError) -> Error {
        match self.producer.client().fatal_error() {
            Some((code, _)) if is_fenced(code) => fenced(&self.config),
            _ => Error::broker("sending a record", source),
        }
    }

    fn commit(&self) -> Result<()> {
        let deadline = self.config.deadline();
        let _wait = Wait::BrokerCommit.begin();
        let late = || {
            Wait::BrokerCommit.missed();
            Error::Late { what: "delivering a file".to_owned(), deadline }
        };
        let mut in_flight = i32::MAX;
        while self.producer.flush(deadline).is_err() {
            let left = self.producer.in_flight_count();
            if left >= in_flight {
                return Err(late());
            }
            in_flight = left;
        }
        faults::TRANSACTION.before();
        let started = Instant::now();
        loop {
            match self.producer.commit_transaction(deadline) {
                Ok(()) => break,
                Err(KafkaError::Transaction(error)) if error.is_retriable() && started.elapsed() < deadline => {}
                Err(error) => return Err(transaction_error(&self.config, error)),
            }
        }
        faults::TRANSACTION.after();
        Ok(())
    }
}

fn transaction_error(config: &KafkaConfig, source: KafkaError) -> Error {
    let code = match &source {
        KafkaError::Transaction(error) => Some(error.code()),
        other => other.rdkafka_error_code(),
    };
    match code {
        Some(code) if is_fenced(code) => fenced(config),
        _ => Error::broker("the transaction of a file", source),
    }
}

const fn is_fenced(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{Fenced, InvalidProducerEpoch, ProducerFenced};
    matches!(code, Fenced | ProducerFenced | InvalidProducerEpoch)
}

fn fenced(config: &KafkaConfig) -> Error {
    Error::Fenced { what: format!("transactional id {}", config.transactional_id) }
}

/// Keys of messages: the key column as it is, or several as a JSON list.
struct Keys<'a> {
    columns: Vec<&'a dyn Array>,
}

impl<'a> Keys<'a> {
    fn new(contract: &Contract, rows: &'a RecordBatch) -> Self {
        let column = |name: &String| rows.column_by_name(name).map(AsRef::as_ref);
        Self { columns: contract.key.iter().filter_map(column).collect() }
    }

    fn of(&self, row: usize) -> String {
        match self.columns[..] {
            [only] if *only.data_type() == DataType::Utf8 => only.as_string::<i32>().value(row).to_owned(),
            _ => {
                let cells = self.columns.iter().map(|column| schemas::json::cell(*column, row));
                serde_json::Value::Array(cells.collect()).to_string()
            }
        }
    }
}
