//! `reskontra explain`: why is this row here.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use engine::explain::{Explanation, Question, Step, StepKind, explain as explained};
use engine::run::generation_session;
use ingest::FileId;
use serde_json::{Map, Value};

use crate::args::{Explain, TextFormat};
use crate::config::Config;
use crate::print;
use crate::query::published;

/// Rows that are followed at any operator of a job.
pub const FOLLOWED: usize = 10_000;

/// Bytes of a record that are shown.
const EXCERPT: u64 = 400;

/// Explains one row and prints the explanation.
pub async fn explain(config: &Config, asked: &Explain) -> Result<ExitCode> {
    let lake = config.lake()?;
    let generation = published(&lake, asked.generation).await?;
    let library = config.library_behind(&lake, &generation).await?;
    let context = generation_session(&lake, &library, &generation).await?;
    let question = Question {
        table: asked.table.clone(),
        key: asked.key.iter().map(|part| key_part(part)).collect(),
        shown: asked.rows,
        limit: FOLLOWED,
        persons: asked.raw,
    };
    let explanation = explained(&context, &library, &generation, &question).await?;
    let records = records(config, &explanation, asked.raw).await?;
    match asked.format {
        TextFormat::Text => show(&explanation, &records),
        TextFormat::Json => {
            let mut json = serde_json::to_value(&explanation)?;
            if let Some(object) = json.as_object_mut() {
                object.insert("records".to_owned(), Value::Array(records.into_iter().map(Value::Object).collect()));
            }
            print::out(&serde_json::to_string_pretty(&json)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `column=value`, or a value of the next column of the key.
pub fn key_part(text: &str) -> (Option<String>, String) {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match text.split_once('=') {
        Some((column, value)) if is_name(column) => (Some(column.to_owned()), value.to_owned()),
        _ => (None, text.to_owned()),
    }
}

/// The records that are shown, with the bytes they were read from where those may be shown.
async fn records(config: &Config, explanation: &Explanation, raw: bool) -> Result<Vec<Map<String, Value>>> {
    let archive = config.archive()?;
    let mut records = Vec::new();
    for step in explanation.steps.iter().filter(|step| step.kind == StepKind::Contract) {
        let personal = !schemas::contract(&step.table)?.person_fields.is_empty();
        for row in &step.rows {
            let (Some(file), Some(start), Some(end)) =
                (row["file_id"].as_str(), row["byte_start"].as_u64(), row["byte_end"].as_u64())
            else {
                continue;
            };
            let mut record = Map::new();
            record.insert("contract".to_owned(), step.table.clone().into());
            for column in ["file_id", "ordinal", "byte_start", "byte_end"] {
                record.insert(column.to_owned(), row[column].clone());
            }
            if raw || !personal {
                let id: FileId = file.parse().map_err(anyhow::Error::msg)?;
                match archive.range(id, start..end.min(start + EXCERPT)).await {
                    Ok(bytes) => {
                        record.insert("raw".to_owned(), String::from_utf8_lossy(&bytes).into());
                    }
                    Err(ingest::Error::Removed { on, reason, .. }) => {
                        record.insert("removed_on".to_owned(), on.to_string().into());
                        record.insert("removed_because".to_owned(), reason.into());
                    }
                    failed => drop(failed.with_context(|| format!("reading {file} in the archive"))?),
                }
            }
            records.push(record);
        }
    }
    Ok(records)
}

fn show(explanation: &Explanation, records: &[Map<String, Value>]) {
    print::out(&format!("generation {}, as of {}", explanation.generation, explanation.as_of));
    for (number, step) in explanation.steps.iter().enumerate() {
        show_step(number, step);
    }
    if !records.is_empty() {
        print::out("\nRecords in the archive");
    }
    for record in records {
        let text = |name: &str| plain(&record[name]);
        print::out(&format!(
            "  {} {} of file {}, bytes {}-{}",
            text("contract"),
            text("ordinal"),
            short(&text("file_id")),
            text("byte_start"),
            text("byte_end")
        ));
        match record.get("raw").and_then(Value::as_str) {
            Some(raw) => raw.lines().for_each(|line| print::out(&format!("    | {line}"))),
            None if record.contains_key("removed_on") => {
                print::out(&format!(
                    "    removed from the archive on {}, {}",
                    text("removed_on"),
                    text("removed_because")
                ));
            }
            None => print::out("    the bytes can tell who a person is; --raw shows them"),
        }
    }
    if !explanation.files.is_empty() {
        print::out("\nFiles");
    }
    for file in &explanation.files {
        let text = |name: &str| file.get(name).map(plain).unwrap_or_default();
        print::out(&format!(
            "  {} from {}, {}, {} bytes, received {}\n    SHA-256 {}",
            text("name"),
            text("landing"),
            text("format"),
            text("size"),
            text("received_at"),
            text("file_id")
        ));
    }
    if !explanation.decisions.is_empty() {
        print::out("\nDecisions");
    }
    for decision in &explanation.decisions {
        let text = |name: &str| decision.get(name).map(plain).unwrap_or_default();
        print::out(&format!(
            "  {} {} by {}: {}",
            text("decided_at"),
            text("kind"),
            text("decided_by"),
            text("comment")
        ));
    }
}

fn show_step(number: usize, step: &Step) {
    let kind = match step.kind {
        StepKind::Job => "job",
        StepKind::Contract => "contract",
        StepKind::Parameter => "parameter table",
    };
    print::out(&format!("\n{}. {} ({kind})", number + 1, step.table));
    if step.kind == StepKind::Job {
        print::out(&format!("   {} [{}]", step.title, step.catalogue.join(", ")));
        let version = step.version.as_deref().map(short).unwrap_or_default();
        print::out(&format!("   sql/{}, version {version}", step.file.as_deref().unwrap_or_default()));
    }
    if number == 0 {
        step.description.lines().for_each(|line| print::out(&format!("   {line}")));
    } else {
        let users: Vec<&str> = step.used_by.iter().map(String::as_str).collect();
        let rows = if step.found == 1 { "row" } else { "rows" };
        let more = if step.complete { "" } else { "at least " };
        print::out(&format!("   {more}{} {rows} used by {}", step.found, users.join(", ")));
    }
    if step.changed_since {
        print::out("   the job has been changed since this generation; its rows are explained as it stands now");
    }
    match step.recomputed {
        Some(true) => print::out("   computed again from the rows below alone: the same"),
        Some(false) => {
            print::out("   computed again from the rows below alone: NOT the same; something is missing here")
        }
        None => {}
    }
    for row in &step.rows {
        let cells: Vec<String> = row
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(column, value)| format!("{column} = {}", plain(value)))
            .collect();
        print::out(&format!("   - {}", cells.join(", ")));
    }
    if step.found > step.rows.len() {
        print::out(&format!("   … {} more; --rows shows more", step.found - step.rows.len()));
    }
    for absence in &step.absences {
        let tables: Vec<&str> = absence.tables.iter().map(String::as_str).collect();
        let condition = if absence.condition.is_empty() { "what the job looks for" } else { &absence.condition };
        print::out(&format!("   not found in {}: {condition}", tables.join(", ")));
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Enough of a digest to tell it from others.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_key_is_named_or_stands_in_its_place() {
        assert_eq!(key_part("payment_id=p1=x"), (Some("payment_id".to_owned()), "p1=x".to_owned()));
        assert_eq!(key_part("2026-03-31"), (None, "2026-03-31".to_owned()));
        assert_eq!(key_part("a b=c"), (None, "a b=c".to_owned()));
    }
}
