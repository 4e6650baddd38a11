//! `reskontra lint`: the style of the jobs.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use engine::{Library, lint};

use crate::config::Config;
use crate::print;

/// Remarks on the given files, or on all jobs and invariants; fails when there is one.
pub fn lint(config: &Config, files: &[PathBuf]) -> Result<ExitCode> {
    let library = Library::load(&config.sql)?;
    let asked = files.iter().map(|file| file.canonicalize()).collect::<std::io::Result<Vec<_>>>()?;
    let is_asked = |file: &PathBuf| asked.is_empty() || file.canonicalize().is_ok_and(|file| asked.contains(&file));
    let mut remarks = Vec::new();
    let mut looked_at = 0;
    for job in library.jobs.iter().filter(|job| is_asked(&job.file)) {
        looked_at += 1;
        remarks.extend(lint::job(&library, job)?);
    }
    for invariant in library.invariants.iter().filter(|invariant| is_asked(&invariant.file)) {
        looked_at += 1;
        remarks.extend(lint::invariant(invariant)?);
    }
    if looked_at == 0 {
        bail!("none of the files is a job or an invariant under {}", config.sql.display());
    }
    for remark in &remarks {
        print::out(&remark.to_string());
    }
    print::note(&format!("{looked_at} files, {} remarks", remarks.len()));
    Ok(if remarks.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
