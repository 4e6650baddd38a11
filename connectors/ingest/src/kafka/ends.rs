//! Where partitions end, and waiting until what was committed can be read.
//!
//! A commit is answered before its markers stand in the partitions, so that a reader may come too early. And a
//! broker that is killed between the two may forget the markers: the transaction then hangs, and holds up every
//! reader at its first message until somebody aborts it. Both show as committed messages that end before all
//! messages do.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use telemetry::wait::Wait;

use super::KafkaConfig;
use super::position::consumer;
use crate::{Error, Result};

const PAUSE: Duration = Duration::from_millis(5);

/// Asks for the ends of partitions.
pub(super) struct Ends {
    committed: BaseConsumer,
    all: BaseConsumer,
    deadline: Duration,
}

impl Ends {
    pub fn new(config: &KafkaConfig) -> Result<Self> {
        let committed = consumer(config)?;
        let all = config.client(&[("group.id", &config.group_id), ("isolation.level", "read_uncommitted")])?;
        let failed = |source| Error::broker("opening the log for reading", source);
        Ok(Self { committed, all: all.create().map_err(failed)?, deadline: config.deadline() })
    }

    /// Where a partition ends, with what is not committed yet.
    pub fn end(&self, topic: &str, partition: i32) -> Result<i64> {
        Ok(watermarks(&self.all, topic, partition, self.deadline)?.1)
    }

    /// Waits until everything that a partition holds by now can be read.
    pub fn settle(&self, topic: &str, partition: i32) -> Result<()> {
        let _wait = Wait::BrokerVisible.begin();
        let started = Instant::now();
        let (_, end) = watermarks(&self.all, topic, partition, self.deadline)?;
        loop {
            let (_, readable) = watermarks(&self.committed, topic, partition, self.deadline)?;
            if readable >= end {
                return Ok(());
            }
            if started.elapsed() > self.deadline {
                Wait::BrokerVisible.missed();
                return Err(Error::Unfinished { topic: topic.to_owned(), partition, position: readable });
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// First position and end of a partition as this consumer may read it. Partitions change their leader when
/// brokers come and go: errors count only when they last.
pub(super) fn watermarks(
    consumer: &BaseConsumer,
    topic: &str,
    partition: i32,
    deadline: Duration,
) -> Result<(i64, i64)> {
    let _wait = Wait::BrokerMetadata.begin();
    let started = Instant::now();
    loop {
        match consumer.fetch_watermarks(topic, partition, deadline) {
            Ok(ends) => return Ok(ends),
            Err(error) if started.elapsed() < deadline => {
                tracing::debug!(topic, partition, %error, "asking again for the end");
                std::thread::sleep(PAUSE);
            }
            Err(source) => {
                Wait::BrokerMetadata.missed();
                return Err(Error::broker(format!("asking for the end of {topic}/{partition}"), source));
            }
        }
    }
}
