//! `reskontra up`: everything in one process.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use chrono::NaiveDate;
use lake::Lake;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::stop::Stop;
use crate::stream::{self, Intake};
use crate::{print, serve, summary};

/// Receives, lands, runs and publishes, and is done.
pub async fn once(config: &Config, as_of: NaiveDate) -> Result<ExitCode> {
    let lake = config.lake()?;
    first_round(config, &lake, &mut Intake::open(config).await?, as_of, &Stop::never()).await
}

/// Receives, lands, runs and publishes; then serves and goes on until it is asked to stop.
pub async fn up(config: &Config, as_of: impl Fn() -> NaiveDate, stop: Stop) -> Result<ExitCode> {
    let lake = config.lake()?;
    let mut intake = Intake::open(config).await?;
    let mut day = as_of();
    first_round(config, &lake, &mut intake, day, &stop).await?;
    if stop.is_asked() {
        return Ok(ExitCode::SUCCESS);
    }
    let mut tasks = JoinSet::new();
    let (serving, told) = (config.clone(), stop.clone());
    tasks.spawn(async move { serve::serve(&serving, told).await });
    loop {
        tokio::select! {
            ended = tasks.join_next() => return ended.unwrap_or_else(|| Ok(Ok(ExitCode::SUCCESS)))?,
            _ = stop.pause(Duration::from_secs(config.poll_seconds)) => {}
        }
        if stop.is_asked() {
            return tasks.join_next().await.unwrap_or_else(|| Ok(Ok(ExitCode::SUCCESS)))?;
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

/// Does the first round, up to the step after which the process is asked to stop.
async fn first_round(
    config: &Config,
    lake: &Lake,
    intake: &mut Intake,
    as_of: NaiveDate,
    stop: &Stop,
) -> Result<ExitCode> {
    let received = intake.receive().await?;
    if stop.is_asked() {
        return Ok(ExitCode::SUCCESS);
    }
    let landed = intake.land(config, lake).await?;
    if stop.is_asked() {
        return Ok(ExitCode::SUCCESS);
    }
    let report = stream::run(config, lake, as_of).await?;
    summary::print(config, lake, &received, landed, &report).await?;
    Ok(stream::verdict(&report))
}
