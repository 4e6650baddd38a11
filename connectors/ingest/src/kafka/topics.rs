//! Topics and their settings: what the contracts and the configuration ask for, beside what the broker has.
//!
//! A log keeps its messages for ever unless told otherwise: then the tables can be built again from it. Where the
//! configuration gives an end to that, the topic `file` is left out: deliverers learn from it what has been
//! delivered. Registers (contracts whose files are full extracts) may be compacted: of the records with one key only
//! the newest stays. A compacted record leaves a hole in the positions, which readers pass as they pass transaction
//! markers; but a record that is gone before it has landed is lost, so compaction waits for days, and is not
//! switched on while anything has not landed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{KafkaConfig, MESSAGE_BYTES};
use crate::log::FILE;
use crate::{Error, Result};

pub(super) mod broker;
mod text;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// How long topics keep their messages, and how safely.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopicSettings {
    /// Days after which messages are deleted; for ever when left out. Never those of `file`.
    pub retention_days: Option<u32>,
    /// Bytes of a partition beyond which its oldest messages are deleted; no limit when left out.
    pub retention_bytes: Option<u64>,
    /// Days after which only the newest record of a key stays in the topics of registers; all when left out.
    pub compact_after_days: Option<u32>,
    /// Replicas that must have a message before it counts; two of three or more replicas, else one.
    pub min_insync_replicas: Option<i32>,
}

/// A topic as it should be or is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Topic {
    pub partitions: i32,
    pub replication: i32,
    pub settings: BTreeMap<String, String>,
}

/// Something that `topics apply` does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Makes a topic.
    CreateTopic {
        /// Its name.
        topic: String,
        /// Its partitions.
        partitions: i32,
        /// Its replicas.
        replication: i32,
        /// Its settings.
        settings: BTreeMap<String, String>,
    },
    /// Gives a topic more partitions.
    AddPartitions {
        /// Its name.
        topic: String,
        /// Partitions it has.
        from: i32,
        /// Partitions it gets.
        to: i32,
    },
    /// Changes a setting of a topic.
    ChangeSetting {
        /// The topic.
        topic: String,
        /// Name of the setting.
        setting: String,
        /// What it is.
        from: String,
        /// What it becomes.
        to: String,
    },
    /// Registers a contract's schema, whose subject is held to backward compatibility first.
    RegisterSchema {
        /// The subject.
        subject: String,
    },
}

/// Something that differs and that `topics apply` leaves alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The topic or the subject.
    pub of: String,
    /// Why it is left alone, and what can be done.
    pub reason: String,
}

/// What `topics apply` would do, and what it would leave alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TopicPlan {
    /// In the order in which they are done.
    pub steps: Vec<Step>,
    /// What needs a person.
    pub refused: Vec<Refusal>,
}

impl TopicPlan {
    /// Nothing differs.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.refused.is_empty()
    }
}

/// The topic that a contract should have.
pub(super) fn wanted(config: &KafkaConfig, contract: &str) -> Result<Topic> {
    let replication = config.replication;
    let TopicSettings { retention_days, retention_bytes, compact_after_days, min_insync_replicas } = config.topics;
    let in_sync = min_insync_replicas.unwrap_or(if replication > 2 { 2 } else { 1 });
    if !(1..=replication).contains(&in_sync) || config.partitions < 1 {
        let found = format!("partitions = {}, replication = {replication}", config.partitions);
        return Err(Error::Configuration(format!(
            "[kafka] {found}, min_insync_replicas = {in_sync}: at least one of each, and no more replicas in sync than \
             there are"
        )));
    }
    let for_ever = || "-1".to_owned();
    let ms = |days: u32| (u64::from(days) * DAY_MS).to_string();
    let is_register = schemas::contract(contract).is_ok_and(|contract| contract.snapshot);
    let mut settings = BTreeMap::from([
        ("max.message.bytes".to_owned(), MESSAGE_BYTES.to_owned()),
        ("min.insync.replicas".to_owned(), in_sync.to_string()),
    ]);
    let mut set = |name: &str, value: String| drop(settings.insert(name.to_owned(), value));
    if let (Some(days), true) = (compact_after_days, is_register) {
        set("cleanup.policy", "compact".to_owned());
        set("min.compaction.lag.ms", ms(days));
    } else {
        let kept = contract == FILE;
        set("cleanup.policy", "delete".to_owned());
        set("retention.ms", retention_days.filter(|_| !kept).map_or_else(for_ever, ms));
        let bytes = retention_bytes.filter(|_| !kept);
        set("retention.bytes", bytes.map_or_else(for_ever, |bytes| bytes.to_string()));
    }
    Ok(Topic { partitions: config.partitions, replication, settings })
}

/// What makes a topic what it should be. `unlanded` messages of it are in no table yet.
pub(super) fn compare(name: &str, wanted: &Topic, found: Option<&Topic>, unlanded: i64) -> TopicPlan {
    let topic = || name.to_owned();
    let mut plan = TopicPlan::default();
    let Some(found) = found else {
        let Topic { partitions, replication, settings } = wanted.clone();
        plan.steps.push(Step::CreateTopic { topic: topic(), partitions, replication, settings });
        return plan;
    };
    let mut refuse = |reason: String| plan.refused.push(Refusal { of: topic(), reason });
    let (from, to) = (found.partitions, wanted.partitions);
    if to < from {
        refuse(format!(
            "it has {from} partitions and cannot get fewer: what they hold would be lost. Set partitions = {from}"
        ));
    }
    if found.replication != wanted.replication {
        refuse(format!(
            "it has {} replicas, not {}: `kafka-reassign-partitions.sh` moves replicas",
            found.replication, wanted.replication
        ));
    }
    if to > from {
        plan.steps.push(Step::AddPartitions { topic: topic(), from, to });
    }
    for (setting, to) in &wanted.settings {
        let from = found.settings.get(setting).map_or("", String::as_str);
        if is_as_wanted(setting, from, to) {
            continue;
        }
        if unlanded > 0 && loses(setting, from, to) {
            let reason = format!(
                "{setting} cannot go from {from} to {to} while {unlanded} messages have not landed: they could be \
                 deleted first. Run `reskontra land`, then plan again"
            );
            plan.refused.push(Refusal { of: topic(), reason });
            continue;
        }
        let (setting, from, to) = (setting.clone(), from.to_owned(), to.clone());
        plan.steps.push(Step::ChangeSetting { topic: topic(), setting, from, to });
    }
    plan
}

/// A broker that takes larger messages is no difference.
fn is_as_wanted(setting: &str, found: &str, wanted: &str) -> bool {
    let at_least = || found.parse::<i64>().ok() >= wanted.parse().ok();
    found == wanted || (setting == "max.message.bytes" && at_least())
}

/// Whether messages may be deleted that were kept before.
fn loses(setting: &str, from: &str, to: &str) -> bool {
    // -1 is for ever.
    let length = |value: &str| value.parse::<i64>().ok().filter(|length| *length >= 0).unwrap_or(i64::MAX);
    match setting {
        "retention.ms" | "retention.bytes" | "min.compaction.lag.ms" => length(to) < length(from),
        "cleanup.policy" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
