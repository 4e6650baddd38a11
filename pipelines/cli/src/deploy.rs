//! `reskontra plan`, `deploy` and `rollback`: which library is in service.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{Result, bail};
use chrono::{NaiveDate, Utc};
use engine::Library;
use engine::plan::Plan;
use engine::rollback::{Rollback, roll_back};
use uuid::Uuid;

use crate::config::Config;
use crate::{print, stream};

/// There is something to deploy.
const TO_DEPLOY: u8 = 2;

/// Prints what the library in `sql/` would change.
pub async fn plan(config: &Config, json: bool, as_of: NaiveDate) -> Result<ExitCode> {
    let library = Library::load(&config.sql)?;
    let plan = Plan::make(&config.lake()?, &library, as_of).await?;
    let text = if json { serde_json::to_string_pretty(&plan)? } else { plan.to_string() };
    print::out(text.trim_end());
    Ok(if plan.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(TO_DEPLOY) })
}

/// Puts the library in `sql/` into service.
pub async fn deploy(config: &Config, yes: bool, as_of: NaiveDate) -> Result<ExitCode> {
    let lake = config.lake()?;
    let library = Library::load(&config.sql)?;
    let plan = Plan::make(&lake, &library, as_of).await?;
    print::out(plan.to_string().trim_end());
    if plan.is_empty() && !plan.layout_only && plan.generation.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    if !yes && !confirmed()? {
        print::note("nothing was deployed");
        return Ok(ExitCode::FAILURE);
    }
    let now = lake.latest_generation().await?.map(|generation| generation.number);
    if now != plan.generation {
        let number = |number: Option<u64>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
        bail!(
            "generation {} is in service by now, the plan was made for {}: look at the plan again, then deploy",
            number(now),
            number(plan.generation)
        );
    }
    let report = stream::run_library(config, &lake, &library, as_of).await?;
    Ok(stream::verdict(&report))
}

/// Asks the person at the terminal.
fn confirmed() -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask at: say --yes to deploy this");
    }
    let mut out = std::io::stderr().lock();
    write!(out, "Deploy this? Only \"yes\" does: ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

/// Shows an earlier generation again.
#[allow(clippy::disallowed_methods, reason = "the command line is where the clock is read")]
pub async fn rollback(config: &Config, to: Option<u64>, reason: String) -> Result<ExitCode> {
    let request = Rollback { to, reason, published_at: Utc::now(), writer: Uuid::new_v4().to_string() };
    let generation = roll_back(&config.lake()?, request).await?;
    let shown = generation.rolled_back.as_ref().map_or(generation.number, |back| back.to);
    print::out(&format!(
        "generation {} shows generation {shown} again, as of {}, with its library; the next run brings in what has \
         landed since, and `reskontra deploy` puts sql/ into service",
        generation.number, generation.as_of
    ));
    Ok(ExitCode::SUCCESS)
}
