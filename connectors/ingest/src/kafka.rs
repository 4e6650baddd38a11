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
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::{Client, ClientContext};
use rdkafka::consumer::Consumer as _;
use serde::Deserialize;
use telemetry::wait::Wait;

use crate::log::REJECT;
use crate::registry::RegistryConfig;
use crate::{Error, Result, secret};

mod consumer;
mod ends;
mod identity;
mod position;
mod producer;
mod rights;
mod topics;

pub use consumer::KafkaReader;
pub use producer::KafkaDelivery;
pub use rights::{Principals, acl_commands};
pub use topics::broker::{apply_topics, create_topics, plan_topics};
pub use topics::{Refusal, Step, TopicPlan, TopicSettings};

/// The largest message: an e-invoice of many thousand lines.
const MESSAGE_BYTES: &str = "16777216";

/// Settings of librdkafka whose value is a secret.
const SECRETS: [&str; 4] =
    ["sasl.password", "ssl.key.password", "ssl.keystore.password", "sasl.oauthbearer.client.secret"];

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
    /// How long topics keep their messages, and how safely.
    pub topics: TopicSettings,
    /// The schema registry; without one the contracts are.
    pub registry: Option<RegistryConfig>,
    /// Further settings of librdkafka, for example `security.protocol`. `env:NAME` and `file:PATH` say where a value
    /// is; secrets stand nowhere else.
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
            topics: TopicSettings::default(),
            registry: None,
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

    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds.into())
    }

    fn client(&self, own: &[(&str, &str)]) -> Result<ClientConfig> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("client.id", "reskontra");
        for (name, value) in &self.settings {
            let is_secret = SECRETS.contains(&name.as_str());
            config.set(name, secret::resolve(&format!("[kafka.settings] {name}"), value, is_secret)?);
        }
        for (name, value) in own {
            config.set(*name, *value);
        }
        Ok(config)
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

/// Contracts that have a topic. Rejects travel on the topic of the contract they were meant for.
fn contracts() -> impl Iterator<Item = &'static str> {
    schemas::contracts().keys().map(String::as_str).filter(|name| *name != REJECT)
}

/// Number of partitions of each contract's topic.
fn partitions<C: ClientContext>(client: &Client<C>, config: &KafkaConfig) -> Result<BTreeMap<&'static str, i32>> {
    identity::sign_in(config)?;
    let _wait = Wait::BrokerMetadata.begin();
    let metadata = client.fetch_metadata(None, config.deadline());
    let metadata = metadata.map_err(|source| Error::broker("asking for the topics", source))?;
    let count = |contract: &'static str| {
        let name = config.topic(contract);
        let topic = metadata.topics().iter().find(|topic| topic.name() == name && topic.error().is_none());
        let missing = || {
            let hint = "make it with `reskontra topics apply`, or see `reskontra topics acls`";
            Error::Configuration(format!("there is no topic {name}, or this user may not see it: {hint}"))
        };
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
pub(crate) mod tests;
