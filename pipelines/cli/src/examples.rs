//! `reskontra test`: the worked examples.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use engine::example::{self, Example, Outcome, Replacement};
use engine::{EngineError, Job, Library, Workbench, did_you_mean};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::print;

/// What `reskontra test` is asked to do.
pub struct Request<'a> {
    /// Only the examples of this job.
    pub only: Option<&'a str>,
    /// Name only what fails.
    pub quiet: bool,
    /// Write the expectations of failing examples anew.
    pub update: bool,
}

/// Runs the examples of one job or of all; fails when one fails or a job has none.
pub async fn test(config: &Config, request: &Request<'_>) -> Result<ExitCode> {
    let library = Library::load(&config.sql)?;
    if let Some(name) = request.only
        && library.job(name).is_none()
    {
        let near = did_you_mean(name, library.jobs.iter().map(|job| job.name.as_str()));
        bail!("there is no job {name}{near}");
    }
    let bench = match request.only {
        Some(only) => Workbench::open_for(library, &BTreeSet::from([only.to_owned()])).await?,
        None => Workbench::open(library).await?,
    };
    let bench = Arc::new(bench);
    let examples = examples(config, bench.library(), |job| request.only.is_none_or(|only| only == job.name))?;
    let report = run_all(&bench, &examples).await?;
    for line in report.lines(&examples, request.quiet) {
        print::out(&line);
    }
    let jobs = bench.library().jobs.iter().filter(|job| request.only.is_none_or(|only| only == job.name));
    let mut all_have_one = true;
    for job in jobs.filter(|job| !examples.iter().any(|(of, _)| of.name == job.name)) {
        all_have_one = false;
        print::out(&format!("{}: no worked example; write {}", job.name, file_of(config, job).display()));
    }
    let failed = report.failed();
    print::out(&format!("{} passed, {failed} failed", examples.len() - failed));
    if request.update {
        let written = report.update(&examples)?;
        for file in &written {
            print::out(&format!("wrote {}", file.display()));
        }
    }
    let good = failed == 0 && all_have_one;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How many worked examples a job has.
pub fn count(config: &Config, library: &Library, job: &str) -> Result<usize> {
    Ok(of_job(config, library, job)?.len())
}

/// Where the examples of a job belong.
pub fn file_of(config: &Config, job: &Job) -> PathBuf {
    config.examples.join(&job.area).join(format!("{}.md", job.name))
}

/// The examples of one job; none when it has no file of them.
pub fn of_job(config: &Config, library: &Library, name: &str) -> Result<Vec<OfJob>> {
    let Some(job) = library.job(name) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for file in files(&config.examples)?.iter().filter(|file| stem(file) == name) {
        all.extend(example::load(file)?.into_iter().map(|example| (job.clone(), Arc::new(example))));
    }
    Ok(all)
}

/// An example and its job.
pub type OfJob = (Job, Arc<Example>);

/// The examples of the jobs that are asked for, in the order of their files.
fn examples(config: &Config, library: &Library, asked: impl Fn(&Job) -> bool) -> Result<Vec<OfJob>> {
    let mut examples = Vec::new();
    for file in files(&config.examples)? {
        let name = stem(&file);
        let Some(job) = library.job(&name) else {
            let near = did_you_mean(&name, library.jobs.iter().map(|job| job.name.as_str()));
            bail!("{}: there is no job {name}{near}", file.display());
        };
        if asked(job) {
            examples.extend(example::load(&file)?.into_iter().map(|example| (job.clone(), Arc::new(example))));
        }
    }
    Ok(examples)
}

/// What came of examples, in their order.
pub struct Report {
    results: Vec<Result<Outcome, EngineError>>,
}

impl Report {
    /// How many failed.
    pub fn failed(&self) -> usize {
        self.results.iter().filter(|result| !matches!(result, Ok(Outcome::Passed))).count()
    }

    /// What to say: a line for each example, and how those that failed differ.
    pub fn lines(&self, examples: &[OfJob], quiet: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for ((job, example), result) in examples.iter().zip(&self.results) {
            let said = match result {
                Ok(Outcome::Passed) if quiet => continue,
                Ok(Outcome::Passed) => {
                    lines.push(format!("ok    {}: {}", job.name, example.title));
                    continue;
                }
                Ok(Outcome::Failed { difference, .. }) => difference.trim_end().to_owned(),
                Err(error) => format!("    {error}"),
            };
            let place = format!("{}:{}", example.file.display(), example.line);
            lines.push(format!("FAIL  {}: {} ({place})\n{said}", job.name, example.title));
        }
        lines
    }

    /// Writes the expectations of failing examples anew; returns the files.
    fn update(&self, examples: &[OfJob]) -> Result<Vec<PathBuf>> {
        let mut files: BTreeMap<&Path, Vec<Replacement>> = BTreeMap::new();
        for ((_, example), result) in examples.iter().zip(&self.results) {
            if let Ok(Outcome::Failed { replacements, .. }) = result {
                files.entry(&example.file).or_default().extend(replacements.iter().cloned());
            }
        }
        let mut written = Vec::new();
        for (file, replacements) in files {
            let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            std::fs::write(file, example::replaced(&text, replacements))
                .with_context(|| format!("writing {}", file.display()))?;
            written.push(file.to_owned());
        }
        Ok(written)
    }
}

/// Runs examples side by side on all cores.
pub async fn run_all(bench: &Arc<Workbench>, examples: &[OfJob]) -> Result<Report> {
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let mut waiting = examples.iter().cloned().enumerate();
    let mut running = JoinSet::new();
    let mut results = BTreeMap::new();
    loop {
        while running.len() < at_once
            && let Some((index, (job, example))) = waiting.next()
        {
            let bench = bench.clone();
            running.spawn(async move { (index, bench.run(&job, &example).await) });
        }
        match running.join_next().await {
            Some(done) => {
                let (index, result) = done?;
                results.insert(index, result);
            }
            None => return Ok(Report { results: results.into_values().collect() }),
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

/// The name of the job that a file is about.
pub fn stem(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
