//! `reskontra catalogue`: how far the requirements are implemented, by what.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Result, bail};
use engine::Library;
use engine::catalogue::{Automation, Requirement};

use crate::config::Config;
use crate::{examples, print};

/// Characters of a requirement that fit on a line.
const SHOWN: usize = 100;

/// Lists requirements with the jobs that implement them and the number of their worked examples, and counts them by
/// area.
pub fn catalogue(config: &Config, prefix: Option<&str>, open: bool) -> Result<ExitCode> {
    let library = Library::load(&config.sql)?;
    if library.catalogue.requirements().is_empty() {
        bail!("there is no catalogue: {} is missing or empty", config.sql.join("catalogue.csv").display());
    }
    let prefix = prefix.unwrap_or_default().to_uppercase();
    let asked: Vec<&Requirement> =
        library.catalogue.requirements().iter().filter(|requirement| requirement.id.starts_with(&prefix)).collect();
    if asked.is_empty() {
        bail!("no requirement of the catalogue begins with {prefix}");
    }
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for requirement in asked {
        let status = Status::of(requirement, &library);
        counts.entry(requirement.area()).or_default().add(&status);
        if !open || !matches!(status, Status::Implemented(_) | Status::Out) {
            let title: String = requirement.title.chars().take(SHOWN).collect();
            print::out(&format!("{:<7} {:<12} {title}", requirement.id, status.word()));
            for job in status.jobs() {
                print::out(&format!("{:20} {job} ({} examples)", "", examples::count(config, &library, job)?));
            }
            if matches!(status, Status::InPart(_)) {
                print::out(&format!("{:20} missing: {}", "", requirement.missing));
            }
        }
    }
    print::out(&format!(
        "\n{:<7} {:>11} {:>7} {:>6} {:>12} {:>7}",
        "area", "implemented", "in part", "open", "no data", "all"
    ));
    let mut all = Count::default();
    for (area, count) in &counts {
        print::out(&count.line(area));
        all.implemented += count.implemented;
        all.in_part += count.in_part;
        all.open += count.open;
        all.out += count.out;
    }
    print::out(&all.line("all"));
    Ok(ExitCode::SUCCESS)
}

/// What has become of a requirement.
#[derive(Debug, PartialEq, Eq)]
pub enum Status<'a> {
    /// By these jobs.
    Implemented(Vec<&'a str>),
    /// By these jobs, but for what the catalogue says is missing.
    InPart(Vec<&'a str>),
    /// Not yet.
    Open,
    /// There is nothing in it to compute.
    Out,
}

impl<'a> Status<'a> {
    /// The status that the headers of the jobs say.
    pub fn of(requirement: &Requirement, library: &'a Library) -> Self {
        let names = |job: &&engine::Job| job.header.catalogue.contains(&requirement.id);
        let jobs: Vec<&str> = library.jobs.iter().filter(names).map(|job| job.name.as_str()).collect();
        match requirement.automation {
            _ if !jobs.is_empty() && requirement.missing.is_empty() => Self::Implemented(jobs),
            _ if !jobs.is_empty() => Self::InPart(jobs),
            Automation::Out => Self::Out,
            Automation::Full | Automation::Assist => Self::Open,
        }
    }

    /// The jobs that implement it.
    pub fn jobs(&self) -> &[&'a str] {
        match self {
            Self::Implemented(jobs) | Self::InPart(jobs) => jobs,
            Self::Open | Self::Out => &[],
        }
    }

    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Implemented(_) => "implemented",
            Self::InPart(_) => "in part",
            Self::Open => "open",
            Self::Out => "no data",
        }
    }
}

/// How many requirements have which status.
#[derive(Debug, Default)]
pub struct Count {
    /// Implemented.
    pub implemented: usize,
    /// Implemented in part.
    pub in_part: usize,
    /// Open.
    pub open: usize,
    /// Nothing to compute.
    pub out: usize,
}

impl Count {
    /// Counts one more.
    pub fn add(&mut self, status: &Status<'_>) {
        match status {
            Status::Implemented(_) => self.implemented += 1,
            Status::InPart(_) => self.in_part += 1,
            Status::Open => self.open += 1,
            Status::Out => self.out += 1,
        }
    }

    fn line(&self, area: &str) -> String {
        let Self { implemented, in_part, open, out } = self;
        let all = implemented + in_part + open + out;
        format!("{area:<7} {implemented:>11} {in_part:>7} {open:>6} {out:>12} {all:>7}")
    }
}
