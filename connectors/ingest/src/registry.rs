//! Which id a schema has: from a schema registry beside the broker, or, without one, from the contracts themselves.
//!
//! The registry speaks Confluent's API. A topic carries records of its contract and rejects, so subjects are named by
//! topic and record (`TopicRecordNameStrategy`): `payment_in-se.reskontra.payment_in` and
//! `payment_in-se.reskontra.reject`. Each subject is held to backward compatibility: what was written can be read.
//!
//! Without a registry an id is taken from the schema ([`schemas::schema_id`]), and earlier versions stand in
//! `schemas/history/`.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use schemas::{Contract, earlier_versions, schema_id};
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;

use crate::kafka::{KafkaConfig, Refusal, Step, TopicPlan};
use crate::log::REJECT;
use crate::{Error, Result, avro};

mod client;

use client::{Client, Compatibility};

/// How to reach a schema registry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// Address of its Confluent-compatible API.
    pub url: String,
    /// User, when it asks for one.
    #[serde(default)]
    pub user: Option<String>,
    /// Where the password is: `env:NAME` or `file:PATH`.
    #[serde(default)]
    pub password: Option<String>,
}

/// Gives ids to schemas and finds schemas by their ids. The default one is built in.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    remote: Option<Arc<Client>>,
}

impl Registry {
    /// The registry of a configuration, or the one that is built in.
    ///
    /// # Errors
    /// When its address or password cannot be used.
    pub fn open(config: &KafkaConfig) -> Result<Self> {
        let open = |registry| Client::new(registry, config.deadline()).map(Arc::new);
        Ok(Self { remote: config.registry.as_ref().map(open).transpose()? })
    }

    /// The id that records of a contract are written to a topic with. Blocks; not for asynchronous code.
    pub(crate) fn id(&self, topic: &str, contract: &Contract) -> Result<u32> {
        let Some(client) = &self.remote else { return Ok(schema_id(&contract.avro)) };
        let subject = subject(topic, contract);
        let id = Handle::current().block_on(client.id(&subject, &contract.avro))?;
        id.ok_or_else(|| {
            let hint = "register it with `reskontra topics apply`";
            Error::Configuration(format!("the schema registry does not have {subject} as this version: {hint}"))
        })
    }

    /// The schema that has an id, if one has. Blocks; not for asynchronous code.
    pub(crate) fn schema(&self, id: u32) -> Result<Option<String>> {
        match &self.remote {
            Some(client) => Handle::current().block_on(client.schema(id)),
            None => Ok(built_in().get(&id).map(|avro| (*avro).to_owned())),
        }
    }

    /// Which schemas are to be registered, and which the registry would not take.
    pub(crate) async fn plan(&self, config: &KafkaConfig) -> Result<TopicPlan> {
        let mut plan = TopicPlan::default();
        let Some(client) = &self.remote else { return Ok(plan) };
        for (subject, contract) in subjects(config) {
            if client.id(&subject, &contract.avro).await?.is_some() {
                continue;
            }
            match client.compatibility(&subject, &contract.avro).await? {
                Compatibility::Good => plan.steps.push(Step::RegisterSchema { subject }),
                Compatibility::Bad(said) => {
                    // Registries name the place; our reader names the reason too.
                    let latest = client.latest(&subject).await?;
                    let unread = latest.and_then(|latest| avro::unread(contract, &latest));
                    let unread = unread.unwrap_or_else(|| "our reader takes it".to_owned());
                    let reason = format!("what was written before could not be read: {unread}; the registry: {said}");
                    plan.refused.push(Refusal { of: subject, reason });
                }
            }
        }
        Ok(plan)
    }

    /// Registers the schemas that steps name.
    pub(crate) async fn register(&self, config: &KafkaConfig, steps: &[Step]) -> Result<()> {
        let Some(client) = &self.remote else { return Ok(()) };
        let wanted = |step: &Step, name: &str| matches!(step, Step::RegisterSchema { subject } if subject == name);
        for (subject, contract) in subjects(config) {
            if steps.iter().any(|step| wanted(step, &subject)) {
                client.demand_backward(&subject).await?;
                client.register(&subject, &contract.avro).await?;
            }
        }
        Ok(())
    }
}

/// All schemas of this version and earlier ones, by the ids that they have without a registry.
fn built_in() -> &'static BTreeMap<u32, &'static str> {
    static BY_ID: OnceLock<BTreeMap<u32, &'static str>> = OnceLock::new();
    BY_ID.get_or_init(|| {
        let earlier = earlier_versions().iter().map(|version| (version.id, version.avro));
        let now = schemas::contracts().values().map(|contract| (schema_id(&contract.avro), contract.avro.as_str()));
        earlier.chain(now).collect()
    })
}

/// The subject of a contract's records on a topic.
fn subject(topic: &str, contract: &Contract) -> String {
    let json: Value = serde_json::from_str(&contract.avro).unwrap_or_default();
    match json["namespace"].as_str() {
        Some(namespace) => format!("{topic}-{namespace}.{}", contract.name),
        None => format!("{topic}-{}", contract.name),
    }
}

/// The subjects of all topics: each carries its contract's records, and rejects.
fn subjects(config: &KafkaConfig) -> impl Iterator<Item = (String, &'static Contract)> {
    let contracts = schemas::contracts();
    let topics = contracts.values().filter(|contract| contract.name != REJECT);
    topics.flat_map(move |contract| {
        let topic = config.topic(&contract.name);
        let carried = std::iter::once(contract).chain(contracts.get(REJECT));
        carried.map(move |contract| (subject(&topic, contract), contract))
    })
}

#[cfg(test)]
mod tests;
