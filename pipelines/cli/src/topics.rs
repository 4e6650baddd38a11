//! `reskontra topics`: the broker's topics, the schemas in its registry, and the rights of each process.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use ingest::kafka::{KafkaConfig, Principals, TopicPlan, acl_commands, apply_topics, plan_topics};

use crate::args::Topics;
use crate::config::Config;
use crate::deploy::confirmed;
use crate::{landing, print};

/// There is something to apply.
const TO_APPLY: u8 = 2;

/// Plans, applies, or says which rights are needed.
pub async fn topics(config: &Config, asked: Topics) -> Result<ExitCode> {
    let kafka = config.kafka().context("there is no broker: the configuration has no [kafka]")?;
    match asked {
        Topics::Plan { json } => {
            let plan = plan(config, &kafka).await?;
            let text = if json { serde_json::to_string_pretty(&plan)? } else { plan.to_string() };
            print::out(text.trim_end());
            Ok(match (plan.refused.is_empty(), plan.steps.is_empty()) {
                (false, _) => ExitCode::FAILURE,
                (true, false) => ExitCode::from(TO_APPLY),
                (true, true) => ExitCode::SUCCESS,
            })
        }
        Topics::Apply { yes } => {
            let plan = plan(config, &kafka).await?;
            print::out(plan.to_string().trim_end());
            if !plan.steps.is_empty() {
                if !yes && !confirmed("apply")? {
                    print::note("nothing was applied");
                    return Ok(ExitCode::FAILURE);
                }
                apply_topics(&kafka, &plan).await?;
                print::note(&format!("{} steps done", plan.steps.len()));
            }
            Ok(if plan.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Topics::Acls { ingest, land, topics } => {
            for command in acl_commands(&kafka, &Principals { ingest, land, topics }) {
                print::out(&command);
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn plan(config: &Config, kafka: &KafkaConfig) -> Result<TopicPlan> {
    let heads = landing::heads(&config.lake()?).await?;
    Ok(plan_topics(kafka, &heads).await?)
}
