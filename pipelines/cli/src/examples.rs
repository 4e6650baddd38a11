//! `reskontra test`: the worked examples.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use engine::example::{self, Example, Outcome, Tables};
use engine::{EngineError, Job, Library};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::print;

/// Runs the examples of one job or of all; fails when one fails or a job has none.
pub async fn test(config: &Config, only: Option<&str>, quiet: bool) -> Result<ExitCode> {
    let library = Arc::new(Library::load(&config.sql)?);
    if let Some(name) = only
        && library.job(name).is_none()
    {
        let names: Vec<&str> = library.jobs.iter().map(|job| job.name.as_str()).collect();
        bail!("there is no job {name}; there are: {}", names.join(", "));
    }
    let tables = Arc::new(Tables::of(&library)?);
    let examples = examples(config, &library, only)?;
    let results = run_all(&library, &tables, &examples).await?;
    let mut failed = 0;
    for ((job, example), result) in examples.iter().zip(results) {
        let said = match result {
            Ok(Outcome::Passed) => {
                if !quiet {
                    print::out(&format!("ok    {}: {}", job.name, example.title));
                }
                continue;
            }
            Ok(Outcome::Failed(difference)) => difference,
            Err(error) => format!("    {error}"),
        };
        failed += 1;
        let place = format!("{}:{}", example.file.display(), example.line);
        print::out(&format!("FAIL  {}: {} ({place})\n{said}", job.name, example.title));
    }
    let asked = library.jobs.iter().filter(|job| only.is_none_or(|only| only == job.name));
    let without: Vec<&str> =
        asked.filter(|job| !examples.iter().any(|(of, _)| of.name == job.name)).map(|job| job.name.as_str()).collect();
    if !without.is_empty() {
        print::out(&format!("no worked example: {}", without.join(", ")));
    }
    print::out(&format!("{} passed, {failed} failed", examples.len() - failed));
    let good = failed == 0 && without.is_empty();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How many worked examples a job has.
pub fn count(config: &Config, library: &Library, job: &str) -> Result<usize> {
    Ok(examples(config, library, Some(job))?.len())
}

type OfJob = (Job, Arc<Example>);

fn examples(config: &Config, library: &Library, only: Option<&str>) -> Result<Vec<OfJob>> {
    let mut examples = Vec::new();
    for file in files(&config.examples)? {
        let Some(job) = library.job(&stem(&file)) else {
            bail!("{}: there is no job of this name", file.display());
        };
        if only.is_none_or(|only| only == job.name) {
            examples.extend(example::load(&file)?.into_iter().map(|example| (job.clone(), Arc::new(example))));
        }
    }
    Ok(examples)
}

/// Runs examples side by side; results stand in the order of the examples.
async fn run_all(
    library: &Arc<Library>,
    tables: &Arc<Tables>,
    examples: &[OfJob],
) -> Result<Vec<Result<Outcome, EngineError>>> {
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let mut waiting = examples.iter().cloned().enumerate();
    let mut running = JoinSet::new();
    let mut results = BTreeMap::new();
    loop {
        while running.len() < at_once
            && let Some((index, (job, example))) = waiting.next()
        {
            let (library, tables) = (library.clone(), tables.clone());
            running.spawn(async move { (index, example.run(&library, &tables, &job).await) });
        }
        match running.join_next().await {
            Some(done) => {
                let (index, result) = done?;
                results.insert(index, result);
            }
            None => return Ok(results.into_values().collect()),
        }
    }
}

fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn stem(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
