//! `reskontra catalogue`: which requirements are implemented, by what.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use engine::{Library, example};

use crate::config::Config;
use crate::print;

/// Lists catalogue ids with the jobs that implement them and the number of their worked examples.
pub fn catalogue(config: &Config, prefix: Option<&str>) -> Result<ExitCode> {
    let library = Library::load(&config.sql)?;
    let mut ids: BTreeMap<(String, u32), Vec<(String, usize)>> = BTreeMap::new();
    for job in &library.jobs {
        let file = config.examples.join(&job.area).join(format!("{}.md", job.name));
        let examples = if file.exists() { example::load(&file)?.len() } else { 0 };
        for id in &job.header.catalogue {
            if prefix.is_none_or(|prefix| id.starts_with(prefix)) {
                ids.entry(parts(id)).or_default().push((job.name.clone(), examples));
            }
        }
    }
    for ((area, number), jobs) in &ids {
        let jobs: Vec<String> = jobs.iter().map(|(job, examples)| format!("{job} ({examples} examples)")).collect();
        print::out(&format!("{:<7} {}", format!("{area}{number:02}"), jobs.join(", ")));
    }
    print::out(&format!("{} catalogue rows implemented", ids.len()));
    Ok(ExitCode::SUCCESS)
}

/// `AR35` sorts by area, then number.
fn parts(id: &str) -> (String, u32) {
    let split = id.find(|c: char| c.is_ascii_digit()).unwrap_or(id.len());
    (id[..split].to_owned(), id[split..].parse().unwrap_or_default())
}
