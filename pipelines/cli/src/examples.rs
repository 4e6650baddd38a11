//! `reskontra test`: the worked examples.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use engine::Library;
use engine::example::{self, Outcome, Tables};

use crate::config::Config;
use crate::print;

/// Runs the examples of one job or of all; fails when one fails or a job has none.
pub async fn test(config: &Config, only: Option<&str>, quiet: bool) -> Result<ExitCode> {
    let library = Library::load(&config.sql)?;
    if let Some(name) = only
        && library.job(name).is_none()
    {
        let names: Vec<&str> = library.jobs.iter().map(|job| job.name.as_str()).collect();
        bail!("there is no job {name}; there are: {}", names.join(", "));
    }
    let tables = Tables::of(&library)?;
    let mut passed = 0;
    let mut failed = 0;
    let mut without = Vec::new();
    for file in files(&config.examples)? {
        let job = library.job(&stem(&file));
        let Some(job) = job else {
            bail!("{}: there is no job of this name", file.display());
        };
        if only.is_some_and(|only| only != job.name) {
            continue;
        }
        for example in example::load(&file)? {
            let place = format!("{}:{}", file.display(), example.line);
            match example.run(&library, &tables, job).await {
                Ok(Outcome::Passed) => {
                    passed += 1;
                    if !quiet {
                        print::out(&format!("ok    {}: {}", job.name, example.title));
                    }
                }
                Ok(Outcome::Failed(difference)) => {
                    failed += 1;
                    print::out(&format!("FAIL  {}: {} ({place})\n{difference}", job.name, example.title));
                }
                Err(error) => {
                    failed += 1;
                    print::out(&format!("FAIL  {}: {} ({place})\n    {error}", job.name, example.title));
                }
            }
        }
    }
    for job in &library.jobs {
        let file = config.examples.join(&job.area).join(format!("{}.md", job.name));
        if !file.exists() && only.is_none_or(|only| only == job.name) {
            without.push(job.name.as_str());
        }
    }
    if !without.is_empty() {
        print::out(&format!("no worked example: {}", without.join(", ")));
    }
    print::out(&format!("{passed} passed, {failed} failed"));
    let good = failed == 0 && without.is_empty();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
