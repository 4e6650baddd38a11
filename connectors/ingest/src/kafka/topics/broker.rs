//! Asking the broker for its topics, and changing them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigSource, NewPartitions, NewTopic, OwnedResourceSpecifier,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::FromClientConfig as _;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::{Step, Topic, TopicPlan, compare, wanted};
use crate::kafka::ends::Ends;
use crate::kafka::identity::sign_in;
use crate::kafka::{KafkaConfig, blocking, contracts};
use crate::log::Heads;
use crate::registry::Registry;
use crate::{Error, Result};

/// The broker as its administrator sees it.
struct Admin {
    client: Arc<AdminClient<DefaultClientContext>>,
    config: KafkaConfig,
    options: AdminOptions,
}

/// What differs from what the contracts and the configuration ask for. `heads` are the positions of the tables:
/// nothing is planned that could delete what has not landed.
///
/// # Errors
/// When the broker or the registry refuses or does not answer.
pub async fn plan_topics(config: &KafkaConfig, heads: &Heads) -> Result<TopicPlan> {
    let admin = Admin::open(config).await?;
    let mut plan = TopicPlan::default();
    let found = admin.found().await?;
    let unlanded = unlanded(config, heads, &found).await?;
    for contract in contracts() {
        let name = config.topic(contract);
        let unlanded = unlanded.get(contract).copied().unwrap_or_default();
        let TopicPlan { steps, refused } = compare(&name, &wanted(config, contract)?, found.get(&name), unlanded);
        plan.steps.extend(steps);
        plan.refused.extend(refused);
    }
    let schemas = Registry::open(config)?.plan(config).await?;
    plan.steps.extend(schemas.steps);
    plan.refused.extend(schemas.refused);
    Ok(plan)
}

/// Does what a plan says. What it refuses is left alone.
///
/// # Errors
/// When the broker or the registry refuses or does not answer; steps before that one are done.
pub async fn apply_topics(config: &KafkaConfig, plan: &TopicPlan) -> Result<()> {
    let admin = Admin::open(config).await?;
    admin.create(&plan.steps).await?;
    admin.add_partitions(&plan.steps).await?;
    admin.change_settings(&plan.steps).await?;
    Registry::open(config)?.register(config, &plan.steps).await
}

/// Makes the topics of contracts that are missing, and registers schemas that are. Where none is, no right to make
/// one is needed; topics that are there are not changed.
///
/// # Errors
/// When the broker or the registry refuses or does not answer.
pub async fn create_topics(config: &KafkaConfig) -> Result<()> {
    let admin = Admin::open(config).await?;
    let there = admin.counts().await?;
    let missing = contracts().filter(|contract| !there.contains_key(&config.topic(contract)));
    let steps = missing.map(|contract| Ok(compare(&config.topic(contract), &wanted(config, contract)?, None, 0).steps));
    let steps: Vec<Step> = steps.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    admin.create(&steps).await?;
    let registry = Registry::open(config)?;
    let schemas = registry.plan(config).await?;
    if let Some(refused) = schemas.refused.first() {
        return Err(Error::Configuration(format!("schema {}: {}", refused.of, refused.reason)));
    }
    registry.register(config, &schemas.steps).await
}

/// Messages of each contract that are in no table yet.
async fn unlanded(
    config: &KafkaConfig,
    heads: &Heads,
    found: &BTreeMap<String, Topic>,
) -> Result<BTreeMap<&'static str, i64>> {
    let there = contracts().filter_map(|name| Some((name, found.get(&config.topic(name))?.partitions)));
    let (config, heads, there) = (config.clone(), heads.clone(), there.collect::<Vec<_>>());
    let count = move || {
        let ends = Ends::new(&config)?;
        let of = |(name, partitions): &(&'static str, i32)| {
            let topic = config.topic(name);
            let behind = |partition| Ok(ends.end(&topic, partition)?.saturating_sub(heads.get(name, partition)).max(0));
            let behind = (0..*partitions).map(behind).collect::<Result<Vec<_>>>()?;
            Ok((*name, behind.iter().sum()))
        };
        there.iter().map(of).collect()
    };
    blocking("asking for the ends of the log", count).await
}

impl Admin {
    async fn open(config: &KafkaConfig) -> Result<Self> {
        let signing = config.clone();
        blocking("signing in at the broker", move || sign_in(&signing)).await?;
        let client = AdminClient::from_config(&config.client(&[])?);
        let client = Arc::new(client.map_err(|source| Error::broker("reaching the broker", source))?);
        let deadline = Some(config.deadline());
        let options = AdminOptions::new().request_timeout(deadline).operation_timeout(deadline);
        Ok(Self { client, config: config.clone(), options })
    }

    async fn within<T>(&self, what: &str, answer: impl Future<Output = Result<T, KafkaError>>) -> Result<T> {
        let deadline = self.config.deadline();
        let answer = tokio::time::timeout(deadline, answer).await;
        let late = |_| Error::Late { what: what.to_owned(), deadline };
        answer.map_err(late)?.map_err(|source| Error::broker(what, source))
    }

    /// Partitions and replicas of the topics that this user may see.
    async fn counts(&self) -> Result<BTreeMap<String, (i32, i32)>> {
        let (client, deadline) = (self.client.clone(), self.config.deadline());
        let ask = move || {
            let metadata = client.inner().fetch_metadata(None, deadline);
            let metadata = metadata.map_err(|source| Error::broker("asking for the topics", source))?;
            let count = |of: usize| i32::try_from(of).unwrap_or(i32::MAX);
            let topics = metadata.topics().iter().filter(|topic| topic.error().is_none());
            let counts = topics.map(|topic| {
                let replicas = topic.partitions().iter().map(|partition| partition.replicas().len()).max();
                (topic.name().to_owned(), (count(topic.partitions().len()), count(replicas.unwrap_or_default())))
            });
            Ok(counts.collect())
        };
        blocking("asking for the topics", ask).await
    }

    /// Topics of contracts, with all their settings.
    async fn found(&self) -> Result<BTreeMap<String, Topic>> {
        let counts = self.counts().await?;
        let names: Vec<String> =
            contracts().map(|name| self.config.topic(name)).filter(|name| counts.contains_key(name)).collect();
        let mut settings = self.settings(&names, |_| true).await?;
        let topic = |name: String| {
            let (partitions, replication) = counts.get(&name).copied().unwrap_or_default();
            let settings = settings.remove(&name).unwrap_or_default();
            (name, Topic { partitions, replication, settings })
        };
        Ok(names.into_iter().map(topic).collect())
    }

    /// Settings of topics whose source is as asked for.
    async fn settings(
        &self,
        topics: &[String],
        is_wanted: impl Fn(&ConfigSource) -> bool,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
        if topics.is_empty() {
            return Ok(BTreeMap::new());
        }
        let asked: Vec<_> = topics.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let what = "asking for the settings of the topics";
        let answers = self.within(what, self.client.describe_configs(&asked, &self.options)).await?;
        let mut settings = BTreeMap::new();
        for answer in answers {
            let answer = answer.map_err(|code| Error::broker(what, KafkaError::AdminOp(code)))?;
            let OwnedResourceSpecifier::Topic(topic) = answer.specifier else { continue };
            let entries = answer.entries.into_iter().filter(|entry| is_wanted(&entry.source));
            settings.insert(topic, entries.filter_map(|entry| Some((entry.name, entry.value?))).collect());
        }
        Ok(settings)
    }

    async fn create(&self, steps: &[Step]) -> Result<()> {
        let created = steps.iter().filter_map(|step| match step {
            Step::CreateTopic { topic, partitions, replication, settings } => {
                let new = NewTopic::new(topic, *partitions, TopicReplication::Fixed(*replication));
                Some(settings.iter().fold(new, |new, (name, value)| new.set(name, value)))
            }
            _ => None,
        });
        let created: Vec<NewTopic<'_>> = created.collect();
        if created.is_empty() {
            return Ok(());
        }
        let results = self.within("creating topics", self.client.create_topics(&created, &self.options)).await?;
        for result in results {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => {
                    let what = format!("topic {name} is not to be seen, and was not created");
                    return Err(Error::broker(what, KafkaError::AdminOp(code)));
                }
            }
        }
        let wanted: Vec<_> = created.iter().map(|topic| (topic.name.to_owned(), topic.num_partitions)).collect();
        self.wait_for(&wanted).await
    }

    async fn add_partitions(&self, steps: &[Step]) -> Result<()> {
        let grown = steps.iter().filter_map(|step| match step {
            Step::AddPartitions { topic, to, .. } => Some((topic.clone(), *to)),
            _ => None,
        });
        let grown: Vec<(String, i32)> = grown.collect();
        if grown.is_empty() {
            return Ok(());
        }
        let new = |(topic, to): &'_ (String, i32)| (topic.clone(), usize::try_from(*to).unwrap_or_default());
        let counts: Vec<(String, usize)> = grown.iter().map(new).collect();
        let new: Vec<NewPartitions<'_>> = counts.iter().map(|(topic, to)| NewPartitions::new(topic, *to)).collect();
        let results = self.within("adding partitions", self.client.create_partitions(&new, &self.options)).await?;
        for result in results {
            let failed =
                |(name, code)| Error::broker(format!("adding partitions to {name}"), KafkaError::AdminOp(code));
            result.map_err(failed)?;
        }
        self.wait_for(&grown).await
    }

    /// The broker takes all settings of a topic at once and forgets those that are left out, so what was set on
    /// the topic before is sent along.
    async fn change_settings(&self, steps: &[Step]) -> Result<()> {
        let mut changed: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        for step in steps {
            if let Step::ChangeSetting { topic, setting, to, .. } = step {
                changed.entry(topic).or_default().insert(setting, to);
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = changed.keys().map(|name| (*name).to_owned()).collect();
        let own = self.settings(&names, |source| matches!(source, ConfigSource::DynamicTopic)).await?;
        let altered = changed.iter().map(|(topic, new)| {
            let before = own.get(*topic).into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()));
            let all: BTreeMap<&str, &str> = before.chain(new.iter().map(|(name, value)| (*name, *value))).collect();
            let alter = AlterConfig::new(ResourceSpecifier::Topic(topic));
            all.into_iter().fold(alter, |alter, (name, value)| alter.set(name, value))
        });
        let altered: Vec<AlterConfig<'_>> = altered.collect();
        let what = "changing the settings of topics";
        for result in self.within(what, self.client.alter_configs(&altered, &self.options)).await? {
            result.map_err(|(of, code)| Error::broker(format!("{what}: {of:?}"), KafkaError::AdminOp(code)))?;
        }
        self.wait_until(what, async || {
            let found = self.settings(&names, |_| true).await?;
            let is_set = |topic: &str, name: &str, value: &str| {
                found.get(topic).and_then(|settings| settings.get(name)).is_some_and(|found| found == value)
            };
            Ok(changed.iter().all(|(topic, new)| new.iter().all(|(name, value)| is_set(topic, name, value))))
        })
        .await
    }

    async fn wait_for(&self, topics: &[(String, i32)]) -> Result<()> {
        self.wait_until("waiting for new topics and partitions", async || {
            let counts = self.counts().await?;
            Ok(topics.iter().all(|(name, wanted)| counts.get(name).is_some_and(|(count, _)| count >= wanted)))
        })
        .await
    }

    /// What a broker has accepted shows up a little later.
    async fn wait_until(&self, what: &str, is_there: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let started = Instant::now();
        while !is_there().await? {
            if started.elapsed() > self.config.deadline() {
                return Err(Error::Late { what: what.to_owned(), deadline: self.config.deadline() });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
