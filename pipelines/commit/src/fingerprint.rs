//! What a job's rows depend on beside the rows of its tables, part by part, so that a change can be named.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// Digests of the parts. No part depends on a date, a machine or the way that a file is laid out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// The statement, white space, comments and the case of names aside.
    pub sql: String,
    /// What the header says about the table: key, kind, amount, queue, service level.
    pub header: String,
    /// What the header says to people. It never makes a table be computed again.
    pub texts: String,
    /// The columns and rows of each parameter table that is read, by the statement or by the engine for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// The fields of each contract that is read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contracts: BTreeMap<String, String>,
    /// All that decides each job that is read, and those that it reads.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub jobs: BTreeMap<String, String>,
    /// The version of each function of ours that is used, and of what the engine adds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<String, u32>,
}

/// A part of a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "part", content = "name")]
pub enum Part {
    /// The statement.
    Sql,
    /// What the header says about the table.
    Header,
    /// What the header says to people.
    Texts,
    /// A parameter table.
    Parameters(String),
    /// A contract.
    Contract(String),
    /// A function, or what the engine adds.
    Function(String),
    /// A job that is read.
    Job(String),
}

impl Part {
    /// True when the table has to be computed again for it.
    #[must_use]
    pub const fn recomputes(&self) -> bool {
        !matches!(self, Self::Texts)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql => write!(f, "its SQL"),
            Self::Header => write!(f, "its header"),
            Self::Texts => write!(f, "its texts"),
            Self::Parameters(name) => write!(f, "parameters {name}"),
            Self::Contract(name) => write!(f, "contract {name}"),
            Self::Function(name) => write!(f, "function {name}"),
            Self::Job(name) => write!(f, "job {name}"),
        }
    }
}

impl Fingerprint {
    /// The parts in which it differs from `before`, in a fixed order.
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> Vec<Part> {
        let mut parts = Vec::new();
        let single = [
            (Part::Sql, self.sql != before.sql),
            (Part::Header, self.header != before.header),
            (Part::Texts, self.texts != before.texts),
        ];
        parts.extend(single.into_iter().filter(|(_, changed)| *changed).map(|(part, _)| part));
        parts.extend(changed(&self.parameters, &before.parameters).map(|name| Part::Parameters(name.clone())));
        parts.extend(changed(&self.contracts, &before.contracts).map(|name| Part::Contract(name.clone())));
        parts.extend(changed(&self.functions, &before.functions).map(|name| Part::Function(name.clone())));
        parts.extend(changed(&self.jobs, &before.jobs).map(|name| Part::Job(name.clone())));
        parts
    }
}

/// Names whose value differs, or that only one side has.
fn changed<'a, V: PartialEq>(
    now: &'a BTreeMap<String, V>,
    before: &'a BTreeMap<String, V>,
) -> impl Iterator<Item = &'a String> {
    let names: BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    names.into_iter().filter(|name| now.get(*name) != before.get(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_named_and_texts_do_not_recompute() {
        let before = Fingerprint {
            parameters: BTreeMap::from([("a".into(), "1".into()), ("b".into(), "1".into())]),
            ..Fingerprint::default()
        };
        let mut now = before.clone();
        assert!(now.changed_since(&before).is_empty());
        now.texts = "other".into();
        assert!(now.changed_since(&before).iter().all(|part| !part.recomputes()));
        now.parameters = BTreeMap::from([("b".into(), "2".into()), ("c".into(), "1".into())]);
        let names: Vec<String> = now.changed_since(&before).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["its texts", "parameters a", "parameters b", "parameters c"]);
    }
}
