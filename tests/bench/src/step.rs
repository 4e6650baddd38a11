//! One measurement in a process of its own.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{fees, jobs, land, parse, report, run, stream, tick};

/// Threads plan deep statements; deep plans need deep stacks in unoptimised builds.
const STACK: usize = 16 << 20;

/// What is measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Step {
    /// A format is parsed, in turn with its peers.
    Parse(parse::Task),
    /// Files are received without a broker and landed.
    Direct(stream::Task),
    /// Files are delivered to Apache Kafka.
    Deliver(stream::Task),
    /// What Apache Kafka has is landed.
    Land(stream::Task),
    /// A bare consumer counts what Apache Kafka has.
    Consume(land::Topic),
    /// All jobs run and are published.
    Run(run::Task),
    /// DataFusion joins payments with items.
    Join(run::Task),
    /// A table changes, tick by tick, and is scanned.
    Tick(tick::Task),
    /// Bank rows and invoices are written.
    Tables(jobs::Tables),
    /// A statement runs on them.
    Statement(jobs::Task),
    /// The fees of many children are computed.
    Fees(fees::Task),
}

impl Step {
    /// Takes it in a process of its own and gives what it measured.
    ///
    /// # Errors
    /// When it fails.
    pub fn apart<T: DeserializeOwned>(&self) -> Result<T> {
        let name = format!("{self:?}");
        let name = name.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--step").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = command.spawn().with_context(|| format!("starting {name}"))?;
        if let Some(mut input) = process.stdin.take() {
            serde_json::to_writer(&mut input, self).with_context(|| format!("telling {name} what to do"))?;
        }
        let output = process.wait_with_output()?;
        if !output.status.success() {
            bail!("{name} failed ({})", output.status);
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("what {name} printed"))
    }

    fn take(self) -> Result<String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build()?;
        Ok(match self {
            Self::Parse(task) => serde_json::to_string(&parse::measure(&task)?)?,
            Self::Direct(task) => serde_json::to_string(&runtime.block_on(stream::direct(&task))?)?,
            Self::Deliver(task) => serde_json::to_string(&runtime.block_on(stream::deliver(&task))?)?,
            Self::Land(task) => serde_json::to_string(&runtime.block_on(stream::land(&task))?)?,
            Self::Consume(topic) => serde_json::to_string(&land::consume(&topic)?)?,
            Self::Run(task) => serde_json::to_string(&runtime.block_on(run::measure(&task))?)?,
            Self::Join(task) => serde_json::to_string(&runtime.block_on(run::join(&task))?)?,
            Self::Tick(task) => serde_json::to_string(&runtime.block_on(tick::measure(&task))?)?,
            Self::Tables(task) => serde_json::to_string(&runtime.block_on(jobs::write(&task))?)?,
            Self::Fees(task) => serde_json::to_string(&runtime.block_on(fees::measure(&task))?)?,
            Self::Statement(task) => serde_json::to_string(&runtime.block_on(jobs::measure(&task))?)?,
        })
    }
}

/// Takes the step that stands on standard input as JSON, in this process, and prints what it measured.
///
/// # Errors
/// When it fails.
pub fn take() -> Result<()> {
    let step: Step = serde_json::from_reader(std::io::stdin().lock()).context("the step to take")?;
    report::say(&step.take()?);
    Ok(())
}
