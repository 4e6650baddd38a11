//! The log in Apache Kafka.
//!
//! A file is one transaction: all its records, its rejects and its `file` record, or nothing. All messages of a
//! file go to one partition of each topic, chosen by the file's id: a file stays in order and is read by one
//! process, and files spread evenly. The key of a message is the key of its contract.
//!
//! Readers are given their partitions by hand and start at the positions that the tables have. Consumer groups
//! are only told how far the tables are, for monitors of lag.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{Client, ClientContext, DefaultClientContext};
use rdkafka::config::FromClientConfig;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use serde::Deserialize;
use telemetry::wait::Wait;

use crate::log::REJECT;
use crate::{Error, Result};

mod consumer;
mod ends;
mod position;
mod producer;

pub use consumer::KafkaReader;
pub use producer::KafkaDelivery;

/// The largest message: an e-invoice of many thousand lines.
const MESSAGE_BYTES: &str = "16777216";

/// How to reach a broker and what to call things there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaConfig {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// Put before the name of a contract to name its topic; may be empty.
    pub topic_prefix: String,
    /// Names the one `ingest` that delivers here: a second one with the same id fences the first.
    pub transactional_id: String,
    /// The consumer group that shows how far the tables are.
    pub group_id: String,
    /// Partitions of a topic that is created.
    pub partitions: i32,
    /// Replicas of a topic that is created.
    pub replication: i32,
    /// Seconds to wait for the broker's answer, or for the next step of a long work.
    pub deadline_seconds: u32,
    /// Further settings of librdkafka, for example `security.protocol`.
    pub settings: BTreeMap<String, String>,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic_prefix: String::new(),
            transactional_id: "reskontra-ingest".to_owned(),
            group_id: "reskontra-landing".to_owned(),
            partitions: 1,
            replication: 1,
            deadline_seconds: 30,
            settings: BTreeMap::new(),
        }
    }
}

impl KafkaConfig {
    /// The topic of a contract.
    #[must_use]
    pub fn topic(&self, contract: &str) -> String {
        format!("{}{contract}", self.topic_prefix)
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds.into())
    }

    fn client(&self, own: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("client.id", "reskontra");
        let settings = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in settings.chain(own.iter().copied()) {
            config.set(name, value);
        }
        config
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

impl FromStr for Shard {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let numbers = written.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        let shard = numbers.map(|(index, of)| Self { index, of }).filter(|shard| shard.index < shard.of);
        shard.ok_or_else(|| format!("{written} is no shard: of three shards, say 0/3, 1/3 or 2/3"))
    }
}

impl Shard {
    /// All partitions.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    fn holds(self, partition: i32) -> bool {
        partition.rem_euclid(i32::from(self.of.max(1))) == i32::from(self.index)
    }
}

/// Makes the topics of all contracts that are missing. They keep their messages for ever.
///
/// # Errors
/// When the broker refuses or does not answer.
pub async fn create_topics(config: &KafkaConfig) -> Result<()> {
    let what = || "creating topics".to_owned();
    let admin = AdminClient::<DefaultClientContext>::from_config(&config.client(&[]));
    let admin = admin.map_err(|source| Error::Broker { what: what(), source })?;
    let names: Vec<String> = contracts().map(|contract| config.topic(contract)).collect();
    let topics: Vec<NewTopic<'_>> = names
        .iter()
        .map(|name| {
            let topic = NewTopic::new(name, config.partitions, TopicReplication::Fixed(config.replication));
            let topic = topic.set("retention.ms", "-1").set("retention.bytes", "-1");
            topic.set("cleanup.policy", "delete").set("max.message.bytes", MESSAGE_BYTES)
        })
        .collect();
    let deadline = config.deadline();
    let options = AdminOptions::new().request_timeout(Some(deadline)).operation_timeout(Some(deadline));
    let waiting = Wait::BrokerMetadata.begin();
    let answer = tokio::time::timeout(deadline, admin.create_topics(&topics, &options)).await;
    drop(waiting);
    let answer = answer.map_err(|_| {
        Wait::BrokerMetadata.missed();
        Error::Late { what: what(), deadline }
    })?;
    let results = answer.map_err(|source| Error::Broker { what: what(), source })?;
    for result in results {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => {
                let what = format!("creating topic {name}");
                return Err(Error::Broker { what, source: KafkaError::AdminOp(code) });
            }
        }
    }
    let config = config.clone();
    blocking("creating topics", move || wait_for_topics(admin.inner(), &config)).await
}

/// Whether the broker answers within this time and has the topics.
///
/// # Errors
/// When not.
pub async fn reachable(config: &KafkaConfig, deadline: Duration) -> Result<()> {
    let seconds = u32::try_from(deadline.as_secs()).unwrap_or(u32::MAX).max(1);
    let config = KafkaConfig { deadline_seconds: seconds, ..config.clone() };
    blocking("asking the broker", move || {
        let client = position::consumer(&config)?;
        partitions(client.client(), &config).map(drop)
    })
    .await
}

/// A topic that has been created shows up a little later.
fn wait_for_topics<C: ClientContext>(client: &Client<C>, config: &KafkaConfig) -> Result<()> {
    let started = Instant::now();
    loop {
        match partitions(client, config) {
            Ok(_) => return Ok(()),
            Err(Error::Configuration(_)) if started.elapsed() < config.deadline() => {}
            Err(error) => return Err(error),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Contracts that have a topic. Rejects travel on the topic of the contract they were meant for.
fn contracts() -> impl Iterator<Item = &'static str> {
    schemas::contracts().keys().map(String::as_str).filter(|name| *name != REJECT)
}

/// Number of partitions of each contract's topic.
fn partitions<C: ClientContext>(client: &Client<C>, config: &KafkaConfig) -> Result<BTreeMap<&'static str, i32>> {
    let what = || "asking for the topics".to_owned();
    let _wait = Wait::BrokerMetadata.begin();
    let metadata = client.fetch_metadata(None, config.deadline());
    let metadata = metadata.map_err(|source| Error::Broker { what: what(), source })?;
    let count = |contract: &'static str| {
        let name = config.topic(contract);
        let topic = metadata.topics().iter().find(|topic| topic.name() == name && topic.error().is_none());
        let missing = || Error::Configuration(format!("the broker has no topic {name}: create the topics first"));
        let count = topic.map(|topic| topic.partitions().len()).filter(|count| *count > 0).ok_or_else(missing)?;
        Ok((contract, i32::try_from(count).unwrap_or(i32::MAX)))
    };
    contracts().map(count).collect()
}

/// Runs what blocks beside the other work.
async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Defect(format!("{what} broke down: {error}")))?
}

#[cfg(test)]
mod tests;
