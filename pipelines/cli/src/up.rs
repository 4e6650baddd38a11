//! `reskontra up`: everything in one process.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use chrono::NaiveDate;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::stream::{self, Intake};
use crate::{print, serve, summary};

/// Receives, lands, runs and publishes; then serves and goes on until interrupted, or stops when `once`.
pub async fn up(config: &Config, once: bool, as_of: impl Fn() -> NaiveDate) -> Result<ExitCode> {
    let lake = config.lake()?;
    let mut intake = Intake::open(config).await?;
    let received = intake.receive().await?;
    let landed = intake.land(config, &lake).await?;
    let report = stream::run(config, &lake, as_of()).await?;
    summary::print(config, &lake, &received, landed, &report).await?;
    let verdict = stream::verdict(&report);
    if once {
        return Ok(verdict);
    }
    let mut tasks = JoinSet::new();
    let serving = config.clone();
    tasks.spawn(async move { serve::serve(&serving).await });
    let mut day = as_of();
    loop {
        tokio::select! {
            ended = tasks.join_next() => return ended.unwrap_or_else(|| Ok(Ok(ExitCode::SUCCESS)))?,
            () = tokio::time::sleep(Duration::from_secs(config.poll_seconds)) => {}
        }
        let received = match intake.receive().await {
            Ok(received) => received,
            Err(error) => {
                // The landing place or the log is away for the moment; what was published stays in service.
                print::error(&format!("{error:#}; trying again"));
                continue;
            }
        };
        let landed = intake.land(config, &lake).await?;
        if received.delivered() || landed > 0 || day != as_of() {
            day = as_of();
            let report = stream::run(config, &lake, day).await?;
            summary::print(config, &lake, &received, landed, &report).await?;
            stream::verdict(&report);
        }
    }
}
