//! What each process may do at the broker: no more than its work needs.

use super::{KafkaConfig, contracts};
use crate::log::FILE;

/// The users that processes sign in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principals {
    /// Of `ingest`, for example `User:ingest`.
    pub ingest: String,
    /// Of `land`.
    pub land: String,
    /// Of `topics plan` and `topics apply`.
    pub topics: String,
}

/// What a user may do with some resources.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Right<'a> {
    principal: &'a str,
    operations: &'static [&'static str],
    kind: &'static str,
    names: Vec<String>,
}

/// One `kafka-acls.sh` command for each right. `run` and `serve` need none: they read tables only.
#[must_use]
pub fn acl_commands(config: &KafkaConfig, principals: &Principals) -> Vec<String> {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let command = |right: Right<'_>| {
        let operations = right.operations.iter().map(|operation| format!(" --operation {operation}"));
        let names = right.names.iter().map(|name| format!(" --{} {}", right.kind, quoted(name)));
        format!(
            "kafka-acls.sh --bootstrap-server {} --command-config admin.properties --add --allow-principal {}{}{}",
            quoted(&config.brokers),
            quoted(right.principal),
            operations.collect::<String>(),
            names.collect::<String>()
        )
    };
    rights(config, principals).into_iter().map(command).collect()
}

fn rights<'a>(config: &KafkaConfig, principals: &'a Principals) -> Vec<Right<'a>> {
    let Principals { ingest, land, topics } = principals;
    let all = || contracts().map(|name| config.topic(name)).collect::<Vec<_>>();
    let right = |principal, operations, kind, names| Right { principal, operations, kind, names };
    vec![
        right(ingest, &["Write", "Describe"], "topic", all()),
        // What has been delivered is known from the log alone.
        right(ingest, &["Read"], "topic", vec![config.topic(FILE)]),
        right(ingest, &["Write", "Describe"], "transactional-id", vec![config.transactional_id.clone()]),
        right(land, &["Read", "Describe"], "topic", all()),
        right(land, &["Read", "Describe"], "group", vec![config.group_id.clone()]),
        right(topics, &["Create", "Describe", "DescribeConfigs", "Alter", "AlterConfigs"], "topic", all()),
    ]
}
