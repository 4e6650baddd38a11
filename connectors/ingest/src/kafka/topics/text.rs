use std::fmt;

use super::{Refusal, Step, TopicPlan};

impl fmt::Display for TopicPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "topics and schemas are as the contracts and the configuration say");
        }
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        for Refusal { of, reason } in &self.refused {
            writeln!(f, "! {of}: {reason}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateTopic { topic, partitions, replication, settings } => {
                write!(f, "+ {topic}: {partitions} partitions, {replication} replicas")?;
                settings.iter().try_for_each(|(name, value)| write!(f, ", {name} = {value}"))
            }
            Self::AddPartitions { topic, from, to } => write!(f, "~ {topic}: {from} → {to} partitions"),
            Self::ChangeSetting { topic, setting, from, to } => write!(f, "~ {topic}: {setting} {from} → {to}"),
            Self::RegisterSchema { subject } => write!(f, "+ schema {subject}"),
        }
    }
}
