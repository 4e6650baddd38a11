//! `reskontra docs`: a static site about the tables, made from jobs, contracts, parameters and plans.
//!
//! It loads nothing from elsewhere and runs no script: a folder of pages that can be opened from a disk.

mod graph;
mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use arrow::datatypes::SchemaRef;
use askama::Template;
use chrono::NaiveDate;
use engine::example::{self, Example};
use engine::lineage::Lineage;
use engine::{Job, Library, Planner, contract_view_schema};

use crate::args::AsOf;
use crate::config::Config;
use crate::print;

/// Writes the site into a folder.
pub fn docs(config: &Config, out: &Path) -> Result<ExitCode> {
    let library = Library::load(&config.sql)?;
    let facts = Facts::gather(&library, &config.examples, config.as_of(AsOf { as_of: None }))?;
    let written = write(&facts, out)?;
    print::note(&format!("{written} pages in {}; begin at index.html", out.display()));
    Ok(ExitCode::SUCCESS)
}

/// What the pages are made from.
struct Facts<'a> {
    library: &'a Library,
    lineage: Lineage,
    /// Columns of every table that a job can read.
    schemas: BTreeMap<String, SchemaRef>,
    examples: BTreeMap<String, Vec<Example>>,
}

impl<'a> Facts<'a> {
    fn gather(library: &'a Library, examples_in: &Path, as_of: NaiveDate) -> Result<Self> {
        let planner = Planner::new(library, as_of);
        let mut schemas: BTreeMap<String, SchemaRef> = schemas::contracts()
            .values()
            .map(|contract| (contract.name.clone(), contract_view_schema(contract)))
            .chain(library.parameters.iter().map(|(name, rows)| (name.clone(), rows.schema())))
            .collect();
        for (job, schema) in planner.check()? {
            schemas.insert(job.name.clone(), schema);
        }
        let mut examples = BTreeMap::new();
        for job in &library.jobs {
            let file = examples_in.join(&job.area).join(format!("{}.md", job.name));
            examples.insert(job.name.clone(), if file.exists() { example::load(&file)? } else { Vec::new() });
        }
        Ok(Self { library, lineage: Lineage::of(&planner)?, schemas, examples })
    }

    /// The jobs that read a table.
    fn readers(&self, table: &str) -> Vec<&'a Job> {
        self.library.jobs.iter().filter(|job| job.reads.contains(table)).collect()
    }

    /// The contracts and parameter tables behind a table, through all jobs.
    fn origins(&self, table: &str) -> BTreeSet<&'a str> {
        let mut origins = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<&'a str> = self.library.job(table).iter().flat_map(|job| names(&job.reads)).collect();
        while let Some(name) = waiting.pop() {
            if !seen.insert(name) {
                continue;
            }
            match self.library.job(name) {
                Some(job) => waiting.extend(names(&job.reads)),
                None => drop(origins.insert(name)),
            }
        }
        origins
    }
}

fn names(set: &BTreeSet<String>) -> impl Iterator<Item = &str> {
    set.iter().map(String::as_str)
}

fn write(facts: &Facts<'_>, out: &Path) -> Result<usize> {
    let tables = out.join("tables");
    std::fs::create_dir_all(&tables).with_context(|| format!("making {}", tables.display()))?;
    let mut written = 0;
    let mut keep = |path: &Path, text: String| -> Result<()> {
        written += 1;
        std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    };
    keep(&out.join("index.html"), pages::Index::new(facts).render()?)?;
    keep(&out.join("catalogue.html"), pages::Requirements::new(facts).render()?)?;
    keep(&out.join("invariants.html"), pages::Invariants::new(facts).render()?)?;
    keep(&out.join("queues.html"), pages::Queues::new(facts).render()?)?;
    for name in facts.schemas.keys() {
        keep(&tables.join(format!("{name}.html")), pages::Table::new(facts, name).render()?)?;
    }
    let style = out.join("style.css");
    std::fs::write(&style, include_str!("../templates/docs/style.css"))
        .with_context(|| format!("writing {}", style.display()))?;
    Ok(written)
}

#[cfg(test)]
mod tests;
