//! `reskontra diff` and `replay`: which rows differ.

mod text;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use askama::Template;
use chrono::NaiveDate;
use engine::diff::{Comparison, Question};
use engine::replay;
use engine::{Library, did_you_mean};
use serde::Serialize;

use crate::args::Diff;
use crate::config::Config;
use crate::print;

/// Rows differ.
const DIFFERENT: u8 = 1;
/// Wrong usage, or something failed.
const FAILED: u8 = 2;

/// Rows that a replay shows of each kind of difference.
const SHOWN: usize = 5;

/// What was compared with what.
#[derive(Debug, Serialize, Template)]
#[template(path = "diff.html")]
struct Report {
    generation: u64,
    as_of: NaiveDate,
    jobs: Vec<Comparison>,
}

/// The exit code of a comparison that could not be made; an error is no difference.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    print::error(&format!("{error:#}"));
    ExitCode::from(FAILED)
}

/// Compares the job in `sql/` with the one in service.
pub async fn diff(config: &Config, asked: &Diff) -> Result<ExitCode> {
    let lake = config.lake()?;
    let generation = match asked.generation {
        Some(number) => Some(lake.generation(number).await.with_context(|| format!("generation {number}"))?),
        None => lake.latest_generation().await?,
    };
    let Some(generation) = generation else {
        bail!("no generation is published yet; there is nothing to compare with");
    };
    let Some(before) = config.library_of(&lake, &generation).await? else {
        bail!("generation {} keeps no library to compare with; run once more first", generation.number);
    };
    let now = Library::load(&config.sql)?;
    if now.job(&asked.job).is_none() && before.job(&asked.job).is_none() {
        let names: Vec<&str> = now.jobs.iter().map(|job| job.name.as_str()).collect();
        bail!("there is no job {}{}", asked.job, did_you_mean(&asked.job, &names));
    }
    let mut jobs = BTreeSet::from([asked.job.clone()]);
    if asked.downstream {
        let readers = now.readers_of(&jobs).into_iter().map(|job| job.name.clone()).collect::<Vec<_>>();
        jobs.extend(readers);
    }
    let as_of = asked.as_of.unwrap_or(generation.as_of);
    let question = Question { jobs, generation: &generation, as_of, samples: asked.samples };
    let jobs = engine::diff::diff(&lake, &before, &now, &question).await?;
    let report = Report { generation: generation.number, as_of, jobs };
    if let Some(file) = &asked.html {
        std::fs::write(file, report.render()?).with_context(|| format!("writing {}", file.display()))?;
    }
    if asked.json {
        print::out(&serde_json::to_string_pretty(&report)?);
    } else {
        print::out(&format!("sql/ beside generation {}, as of {as_of}", report.generation));
        report.jobs.iter().for_each(|job| print::out(text::comparison(job).trim_end()));
    }
    Ok(if report.jobs.iter().all(Comparison::is_same) { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) })
}

/// Computes a generation again and compares.
pub async fn replay(config: &Config, number: u64, json: bool) -> Result<ExitCode> {
    let lake = config.lake()?;
    let generation = lake.generation(number).await.with_context(|| format!("generation {number}"))?;
    let progress = |job: &str| tracing::info!(job, "replaying");
    let replayed = replay::replay(&lake, &generation, SHOWN, &progress).await?;
    if json {
        print::out(&serde_json::to_string_pretty(&replayed)?);
    } else {
        for different in &replayed.different {
            print::out(&format!(
                "{}: published {}, replayed {}",
                different.job, different.published, different.replayed
            ));
            print::out(text::comparison(&different.rows).trim_end());
        }
        print::out(&format!(
            "generation {number} as of {}: {} tables the same, {} different",
            generation.as_of,
            replayed.same.len(),
            replayed.different.len()
        ));
    }
    Ok(if replayed.different.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) })
}
