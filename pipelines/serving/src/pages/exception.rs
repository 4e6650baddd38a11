//! `/arenden/{exception_id}`: one exception, why it is there, what to do, and the bytes that it rests on.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use worklist::decision::{WorkItem, fold};
use worklist::{RecordRef, swedish};

use super::Original;
use crate::address::Address;
use crate::cells::{Cell, Heading, cell, currency};
use crate::cut::{Cut, Fresh};
use crate::failure::Failure;
use crate::frame::Frame;
use crate::items::{Item, item, moment};
use crate::rows::{Table, text};
use crate::source::{ExceptionInfo, JobInfo, SourceError};

/// References beyond this are counted, not shown.
const SHOWN_RECORDS: usize = 50;

/// What the address asks for.
#[derive(Deserialize)]
pub struct Asked {
    /// The job to look at first.
    pub jobb: Option<String>,
}

#[derive(Template)]
#[template(path = "exception.html")]
struct Page {
    frame: Frame,
    queue_title: String,
    queue_href: Address,
    job_title: String,
    job_href: Address,
    why_href: Address,
    catalogue: String,
    action: String,
    service_level: String,
    service_level_text: String,
    received_at: String,
    item: Item,
    work: WorkItem,
    history: Vec<HistoryLine>,
    fields: Vec<(Heading, Cell)>,
    nested: Vec<(Heading, Cell)>,
    evidence: Vec<Evidence>,
    hidden_evidence: usize,
}

struct HistoryLine {
    at: String,
    text: String,
    comment: String,
    effective: bool,
}

struct Evidence {
    number: usize,
    reference: RecordRef,
    file_name: String,
    file_href: Address,
    download: Address,
    original: Result<Original, &'static str>,
}

/// The page.
pub async fn page(cut: Cut, Path(exception_id): Path<String>, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithinMinute) {
        return Ok(unchanged);
    }
    let (job, exception, table) = find(&cut, &exception_id, asked.jobb.as_deref()).await?;
    let calendar = cut.app.source.calendar(cut.number()).await?;
    let schema = table.schema();
    let row = table.row(0);
    let item = item(&cut, &calendar, job, exception, &schema, &row)?;
    let decisions = cut.app.source.decisions(cut.number(), &exception_id).await?;
    let work = fold(decisions, true);

    let docs: BTreeMap<&str, &str> = job.columns.iter().map(|c| (c.name.as_str(), c.doc.as_str())).collect();
    // The rest of the page tells these.
    let told = ["evidence", "exception_id", "received_at", "due_at"];
    let own = schema.fields().iter().filter(|field| !told.contains(&field.name().as_str()));
    let cells = own.map(|field| {
        let heading = Heading::new(field, docs.get(field.name().as_str()).unwrap_or(&""));
        (heading, cell(field, row.get(field.name()).unwrap_or(&Value::Null), currency(&row)))
    });
    let (nested, fields) = cells.partition(|(_, cell)| cell.nested.is_some());

    let references = references(&row);
    let evidence = evidence(&cut, &exception_id, &job.name, &references).await?;
    let page = Page {
        frame: cut.frame(&format!("{}: {}", exception.queue_title, item.key), "/"),
        queue_title: exception.queue_title.clone(),
        queue_href: cut.link(Address::to("/koer", &exception.queue).with("jobb", &job.name)),
        job_title: job.title.clone(),
        job_href: cut.link(Address::to("/tabeller", &job.name)),
        why_href: cut
            .link(Address::path(&format!("{}/varfor", Address::to("/arenden", &exception_id))).with("jobb", &job.name)),
        catalogue: job.catalogue.join(", "),
        action: exception.action.clone(),
        service_level: exception.service_level.clone(),
        service_level_text: exception.service_level_text.clone().unwrap_or_default(),
        received_at: moment(&row, "received_at").map(swedish::time).unwrap_or_default(),
        history: history(&work),
        hidden_evidence: references.len().saturating_sub(SHOWN_RECORDS),
        item,
        work,
        fields,
        nested,
        evidence,
    };
    cut.page(&page, Fresh::WithinMinute)
}

/// The exception with this identity: its job and its row. `hint` is the job to look at first.
///
/// # Errors
/// When no job of the generation has it.
pub async fn find<'a>(
    cut: &'a Cut,
    exception_id: &str,
    hint: Option<&str>,
) -> Result<(&'a JobInfo, &'a ExceptionInfo, Table), Failure> {
    let mut jobs: Vec<(&JobInfo, &ExceptionInfo)> =
        cut.jobs.iter().filter_map(|job| Some((job, job.exception.as_ref()?))).collect();
    jobs.sort_by_key(|(job, _)| Some(job.name.as_str()) != hint);
    for (job, exception) in jobs {
        if let Some(table) = Table::find(cut, &job.name, "exception_id", exception_id).await? {
            return Ok((job, exception, table));
        }
    }
    Err(Failure::not_found("Ärendet"))
}

/// The records behind an exception, in the order in which its job names them.
pub fn references(row: &serde_json::Map<String, Value>) -> Vec<String> {
    let listed = row.get("evidence").and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(Value::as_str).map(str::to_owned).collect()
}

async fn evidence(cut: &Cut, exception_id: &str, job: &str, references: &[String]) -> Result<Vec<Evidence>, Failure> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut evidence = Vec::new();
    for (index, reference) in references.iter().take(SHOWN_RECORDS).enumerate() {
        let Ok(reference) = reference.parse::<RecordRef>() else {
            tracing::error!(job, "a job wrote evidence that is no record reference");
            return Err(Failure::from(SourceError::Failed(format!("evidence of {job}"))));
        };
        if !names.contains_key(&reference.file_id) {
            let file = Table::find(cut, "file", "file_id", &reference.file_id).await?;
            let name = file.map(|file| text(&file.row(0), "name").to_owned()).unwrap_or_default();
            names.insert(reference.file_id.clone(), name);
        }
        let file_name = names.get(&reference.file_id).filter(|name| !name.is_empty()).unwrap_or(&reference.file_id);
        let original = match cut.app.source.raw(&reference).await {
            Ok(bytes) => Ok(Original::new(&bytes)),
            Err(SourceError::NotFound { .. }) => Err("Originalet finns inte i arkivet. Kontakta driften."),
            Err(error) => {
                // The rest of the page is worth reading without this record.
                tracing::warn!(%error, "a record could not be read from the archive");
                Err("Originalet går inte att läsa just nu. Försök igen om några minuter.")
            }
        };
        evidence.push(Evidence {
            number: index + 1,
            file_name: file_name.clone(),
            file_href: cut.link(Address::to("/filer", &reference.file_id)),
            download: Address::path(&format!(
                "{}/{}",
                Address::to("/api/v1/exceptions", exception_id),
                format_args!("evidence/{}", index + 1)
            ))
            .with("generation", cut.number()),
            reference,
            original,
        });
    }
    Ok(evidence)
}

fn history(work: &WorkItem) -> Vec<HistoryLine> {
    let line = |entry: &worklist::decision::Entry| HistoryLine {
        at: swedish::time(entry.decision.decided_at),
        text: format!("{} {}", entry.decision.decided_by, entry.decision.kind.swedish()),
        comment: entry.decision.comment.clone().unwrap_or_default(),
        effective: entry.effective,
    };
    work.history.iter().map(line).collect()
}
