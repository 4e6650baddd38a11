//! Reading partitions up to given ends.
//!
//! A consumer is told its partitions and offsets by hand and asked for its position, which moves past the
//! broker's transaction markers too: they occupy numbers but are no messages.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use telemetry::wait::{Wait, Waiting};

use super::{KafkaConfig, MESSAGE_BYTES};
use crate::{Error, Result};

/// How long to wait for a message before looking whether the ends are reached.
const POLL: Duration = Duration::from_millis(10);

/// Messages between two looks at the position.
const LOOK: usize = 1000;

/// A consumer that reads what is committed and belongs to no group's assignment.
pub(super) fn consumer(config: &KafkaConfig) -> Result<BaseConsumer> {
    let client = config.client(&[
        ("group.id", &config.group_id),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "error"),
        ("isolation.level", "read_committed"),
        ("check.crcs", "true"),
        ("queued.max.messages.kbytes", "65536"),
        // A broker answers one request of a connection after the other: what is asked next waits for this.
        ("fetch.wait.max.ms", "100"),
        ("fetch.message.max.bytes", MESSAGE_BYTES),
        ("receive.message.max.bytes", "100000000"),
    ])?;
    client.create().map_err(|source| Error::broker("opening the log for reading", source))
}

/// Where reading of some partitions is and where it ends.
#[derive(Debug)]
pub(super) struct Position {
    at: BTreeMap<(String, i32), (i64, i64)>,
    deadline: Duration,
    moved: Instant,
    since_look: usize,
    last_error: Option<KafkaError>,
    /// While no message comes though the ends are not reached.
    waiting: Option<Waiting>,
}

impl Position {
    /// Begins to read partitions: topic, partition, first offset, end. Partitions at their end are left out.
    pub fn assign(consumer: &BaseConsumer, partitions: &[(String, i32, i64, i64)], deadline: Duration) -> Result<Self> {
        let open: Vec<_> = partitions.iter().filter(|(_, _, from, end)| from < end).collect();
        let mut list = TopicPartitionList::with_capacity(open.len());
        let failed = |source| Error::broker("beginning to read", source);
        for (topic, partition, from, _) in &open {
            list.add_partition_offset(topic, *partition, Offset::Offset(*from)).map_err(failed)?;
        }
        consumer.assign(&list).map_err(failed)?;
        let at =
            |(topic, partition, from, end): &&(String, i32, i64, i64)| ((topic.clone(), *partition), (*from, *end));
        let at = open.iter().map(at).collect();
        Ok(Self { at, deadline, moved: Instant::now(), since_look: LOOK, last_error: None, waiting: None })
    }

    /// The next message, or none when there is none at the moment.
    pub fn next<'c>(&mut self, consumer: &'c BaseConsumer) -> Result<Option<BorrowedMessage<'c>>> {
        match consumer.poll(POLL) {
            Some(Ok(message)) => {
                self.since_look += 1;
                self.waiting = None;
                Ok(Some(message))
            }
            Some(Err(error)) => {
                self.since_look = LOOK;
                self.told(error).map(|()| None)
            }
            None => {
                self.since_look = LOOK;
                self.waiting.get_or_insert_with(|| Wait::BrokerRead.begin());
                Ok(None)
            }
        }
    }

    /// Whether all partitions have been read to their ends.
    pub fn is_reached(&mut self, consumer: &BaseConsumer) -> Result<bool> {
        if self.since_look < LOOK {
            return Ok(false);
        }
        self.since_look = 0;
        let what = "asking how far reading is";
        let positions = consumer.position().map_err(|source| Error::broker(what, source))?;
        let mut reached = true;
        for ((topic, partition), (at, end)) in &mut self.at {
            let position = positions.find_partition(topic, *partition).and_then(|found| found.offset().to_raw());
            if let Some(position) = position.filter(|position| *position > *at) {
                *at = position;
                self.moved = Instant::now();
            }
            reached &= at >= end;
        }
        if reached || self.moved.elapsed() < self.deadline {
            return Ok(reached);
        }
        Wait::BrokerRead.missed();
        let what = "reading the log".to_owned();
        Err(match self.last_error.take() {
            Some(source) => Error::broker(what, source),
            None => Error::Late { what, deadline: self.deadline },
        })
    }

    /// How far each partition is: topic, partition, position.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i32, i64)> {
        self.at.iter().map(|((topic, partition), (at, end))| (topic.as_str(), *partition, *at.min(end)))
    }

    /// Most errors pass: the client connects anew. If nothing moves, the deadline tells the last one.
    fn told(&mut self, source: KafkaError) -> Result<()> {
        let passes = !matches!(
            source.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::AutoOffsetReset
                    | RDKafkaErrorCode::OffsetOutOfRange
                    | RDKafkaErrorCode::UnknownTopicOrPartition
                    | RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::GroupAuthorizationFailed
                    | RDKafkaErrorCode::SaslAuthenticationFailed
                    | RDKafkaErrorCode::Authentication
                    | RDKafkaErrorCode::Fatal
            )
        );
        if passes {
            tracing::info!(error = %source, "the broker did not answer; trying again");
            self.last_error = Some(source);
            return Ok(());
        }
        Err(Error::broker("reading the log", source))
    }
}
