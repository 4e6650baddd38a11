//! The log in Apache Kafka.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use crate::log::{Delivery, Heads, Limits, LogBatch, LogReader};
use crate::parsed::Parsed;
use crate::{FileId, Result};

/// How to reach a broker and what to call things there.
#[derive(Debug, Clone)]
pub struct KafkaConfig {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// Put before the name of a contract to name its topic; may be empty.
    pub topic_prefix: String,
    /// Names the one `ingest` that delivers here: a second one with the same id fences the first.
    pub transactional_id: String,
    /// Partitions of a topic that is created.
    pub partitions: i32,
    /// Replicas of a topic that is created.
    pub replication: i32,
    /// How long to wait for the broker's answer to one request.
    pub deadline: Duration,
    /// Further settings of librdkafka, for example `security.protocol`.
    pub settings: BTreeMap<String, String>,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic_prefix: String::new(),
            transactional_id: "reskontra-ingest".to_owned(),
            partitions: 1,
            replication: 1,
            deadline: Duration::from_secs(30),
            settings: BTreeMap::new(),
        }
    }
}

/// Which partitions a process reads: those whose number leaves remainder `index` when divided by `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u16,
    /// Number of shards, at least 1.
    pub of: u16,
}

/// Makes the topics of all contracts that are missing.
///
/// # Errors
/// When the broker refuses or does not answer.
pub async fn create_topics(_config: &KafkaConfig) -> Result<()> {
    todo!()
}

/// Delivers files in transactions.
pub struct KafkaDelivery {}

impl KafkaDelivery {
    /// Fences earlier deliverers of this transactional id and reads which files have been delivered.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub async fn open(_config: &KafkaConfig) -> Result<Self> {
        todo!()
    }
}

#[async_trait]
impl Delivery for KafkaDelivery {
    fn knows(&self, _file_id: &FileId) -> bool {
        todo!()
    }

    async fn deliver(&mut self, _file: Parsed) -> Result<()> {
        todo!()
    }
}

/// Reads topics from given heads.
pub struct KafkaReader {}

impl KafkaReader {
    /// A reader at `heads` of the partitions of a shard.
    ///
    /// # Errors
    /// When the broker refuses or does not answer, or no longer has what follows a head.
    pub async fn open(_config: &KafkaConfig, _heads: &Heads, _shard: Shard, _limits: Limits) -> Result<Self> {
        todo!()
    }

    /// Sets the end of reading to what is delivered by now; [`LogReader::next`] goes on from where it is.
    ///
    /// # Errors
    /// When the broker refuses or does not answer.
    pub async fn follow(&mut self) -> Result<()> {
        todo!()
    }
}

#[async_trait]
impl LogReader for KafkaReader {
    async fn next(&mut self) -> Result<Option<LogBatch>> {
        todo!()
    }
}
