//! `reskontra vacuum`: what nothing needs any more goes.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chrono::{NaiveDate, Utc};
use chrono_tz::Europe::Stockholm;
use engine::retention::{Landed, Rule, landed};
use ingest::FileId;
use ingest::archive::Removal;
use lake::{Lake, Swept, Vacuum, Vacuumed};

use crate::config::Config;
use crate::print;

/// Deletes, or counts, what nothing needs; on a date also raw files that are past their retention.
#[allow(clippy::disallowed_methods, reason = "the command line is where the clock is read")]
pub async fn vacuum(config: &Config, archive: Option<NaiveDate>, dry_run: bool) -> Result<ExitCode> {
    let now = Utc::now();
    let retention = config.retention;
    let asked = Vacuum { now, keep: retention.keep(now), grace: retention.grace(), at_once: false, dry_run };
    let lake = config.lake()?;
    let done = lake.vacuum(&asked).await?;
    describe(&done, dry_run, retention.grace_hours).iter().for_each(|line| print::out(line));
    if let Some(on) = archive {
        dispose(config, &lake, on, dry_run).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes, or counts, raw files that are past their retention on a date.
async fn dispose(config: &Config, lake: &Lake, on: NaiveDate, dry_run: bool) -> Result<()> {
    let library = config.library_in_service(lake).await?;
    let library = library.context("no library is in service yet, and it says how long files are kept")?;
    let (rules, archive) = (library.retention(on)?, config.archive()?);
    let (mut removed, mut without_rule): (BTreeMap<String, Swept>, BTreeMap<String, u64>) = Default::default();
    for file in landed(lake).await? {
        let Some(rule) = rules.get(&file.format) else {
            *without_rule.entry(file.format).or_default() += 1;
            continue;
        };
        if !is_past(&file, rule, on) {
            continue;
        }
        let file_id: FileId = file.file_id.parse().map_err(anyhow::Error::msg)?;
        let Some(bytes) = archive.size(file_id).await? else { continue };
        if !dry_run {
            archive.remove(&Removal::new(file_id, on, format!("past its retention: {}", rule.source))).await?;
        }
        *removed.entry(file.format).or_default() += Swept { files: 1, bytes };
    }
    let mut total = Swept::default();
    for (format, swept) in removed {
        print::out(&format!("archive, {format}: {} files, {} bytes", swept.files, swept.bytes));
        total += swept;
    }
    let would = if dry_run { "would be " } else { "" };
    print::out(&format!(
        "{} raw files, {} bytes {would}removed as past their retention on {on}",
        total.files, total.bytes
    ));
    for (format, files) in without_rule {
        print::note(&format!("{files} files are kept: no row of ref_retention says how long for format {format}"));
    }
    Ok(())
}

/// Whether a file need not be kept any more on a date.
fn is_past(file: &Landed, rule: &Rule, on: NaiveDate) -> bool {
    let day = file.received_at.with_timezone(&Stockholm).date_naive();
    rule.term.ends(day).is_some_and(|end| end <= on)
}

fn describe(done: &Vacuumed, dry_run: bool, grace_hours: u32) -> Vec<String> {
    let would = if dry_run { "would be " } else { "" };
    let tables = done.tables.iter();
    let mut lines: Vec<String> =
        tables.map(|(table, swept)| format!("{table}: {} files, {} bytes", swept.files, swept.bytes)).collect();
    let total = done.total();
    lines.push(format!("{} files, {} bytes {would}deleted", total.files, total.bytes));
    if let (Some(first), Some(last)) = (done.retired.first(), done.retired.last()) {
        lines.push(format!("{} generations from {first} to {last} {would}taken out of service", done.retired.len()));
    }
    if done.waiting > 0 {
        lines.push(format!(
            "files of {} generations stay until their readers have had {grace_hours} hours; then a vacuum deletes them",
            done.waiting
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use commit::retention::Term;
    use engine::Library;

    use super::*;

    #[test]
    fn a_file_of_new_years_eve_belongs_to_the_year_that_ends_in_stockholm() {
        let file = |time: &str| Landed {
            file_id: String::new(),
            format: "bgmax".to_owned(),
            received_at: time.parse().unwrap(),
        };
        let rule = Rule { term: Term::FromYearEnd(7), source: String::new() };
        let on = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
        assert!(is_past(&file("2026-12-31T22:59:59Z"), &rule, on(2034, 1, 1)));
        assert!(!is_past(&file("2026-12-31T22:59:59Z"), &rule, on(2033, 12, 31)));
        assert!(!is_past(&file("2026-12-31T23:00:00Z"), &rule, on(2034, 12, 31)));
    }

    #[test]
    fn every_format_has_a_rule() {
        let library = Library::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql")).unwrap();
        let rules = library.retention(NaiveDate::from_ymd_opt(2026, 11, 25).unwrap()).unwrap();
        let without: Vec<_> = formats::formats().into_iter().filter(|format| !rules.contains_key(*format)).collect();
        assert!(without.is_empty(), "sql/parameters/ref_retention.csv has no row for {without:?}");
    }

    #[test]
    fn a_vacuum_says_what_went_and_what_is_still_to_go() {
        let tables = BTreeMap::from([("landing/file".to_owned(), Swept { files: 2, bytes: 70 })]);
        let done = Vacuumed { retired: vec![4], forgotten: vec![], waiting: 1, tables };
        let lines = describe(&done, true, 24).join("\n");
        assert!(lines.contains("landing/file: 2 files, 70 bytes\n2 files, 70 bytes would be deleted"), "{lines}");
        assert!(lines.contains("1 generations from 4 to 4") && lines.contains("24 hours"), "{lines}");
        assert_eq!(describe(&Vacuumed::default(), false, 24), ["0 files, 0 bytes deleted"]);
    }
}
