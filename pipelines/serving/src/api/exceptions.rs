//! Queues, exceptions and the bytes behind them.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use worklist::RecordRef;
use worklist::decision::fold;
use worklist::queue::summary;

use super::model::{EvidenceBody, ExceptionBody, ExplanationBody, ItemBody, ItemsBody, Problem, QueueBody, QueuesBody};
use super::window;
use crate::cut::{Cut, Fresh, Pin};
use crate::failure::Failure;
use crate::items::{item, queues as queues_of};
use crate::pages::{exception_filters, find_exception, references};
use crate::rows::{Table, by};
use crate::source::{RowQuery, SourceError};

/// The queues with counts, sums and deadlines.
#[utoipa::path(get, path = "/api/v1/queues", tag = "Exceptions", params(Pin),
    responses((status = 200, description = "The queues", body = QueuesBody)))]
pub async fn queues(cut: Cut) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithinMinute) {
        return Ok(unchanged);
    }
    let calendar = cut.app.source.calendar(cut.number()).await?;
    let mut queues = Vec::new();
    for queue in queues_of(&cut.jobs) {
        queues.push(QueueBody::new(&queue, &queue.summary(&cut, &calendar).await?));
    }
    Ok(cut.reply(Json(QueuesBody { generation: cut.number(), queues }), Fresh::WithinMinute))
}

/// Which exceptions of a queue.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ItemsAsked {
    /// Job, where several feed the queue; without it, the first.
    job: Option<String>,
    /// Department; `-` for exceptions whose department is unknown.
    department: Option<String>,
    /// Text in the key.
    q: Option<String>,
    /// At most so many, 100 unless told, never more than 1000.
    limit: Option<u64>,
    /// Pass over so many.
    offset: Option<u64>,
}

/// The exceptions of a queue, the most urgent first.
#[utoipa::path(get, path = "/api/v1/queues/{queue}", tag = "Exceptions",
    params(("queue" = String, Path, description = "Slug of the queue"), ItemsAsked, Pin),
    responses(
        (status = 200, description = "The exceptions", body = ItemsBody),
        (status = 404, description = "No such queue or job", body = Problem),
    ))]
pub async fn queue(cut: Cut, Path(name): Path<String>, Query(asked): Query<ItemsAsked>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithinMinute) {
        return Ok(unchanged);
    }
    let (limit, offset) = window(asked.limit, asked.offset)?;
    let queues = queues_of(&cut.jobs);
    let queue = queues.iter().find(|queue| queue.name == name).ok_or_else(|| Failure::not_found("Kön"))?;
    let found = queue.jobs.iter().find(|(job, _)| asked.job.as_ref().is_none_or(|wanted| *wanted == job.name));
    let (job, exception) = *found.ok_or_else(|| Failure::not_found("Urvalet"))?;
    let department = asked.department.as_deref().filter(|department| !department.is_empty());
    if department.is_some() && !job.has("department") {
        return Err(Failure::bad_request("Kön har ingen förvaltning."));
    }
    let filters = exception_filters(job, department, asked.q.as_deref().filter(|q| !q.is_empty()));
    let groups = cut.app.source.groups(cut.number(), &job.name, &filters).await?;
    let calendar = cut.app.source.calendar(cut.number()).await?;
    let query = RowQuery { filters, order_by: by(["due_at", "exception_id"]), limit: Some(limit), offset };
    let table = Table::read(&cut, &job.name, query).await?;
    let schema = table.schema();
    let items = table.rows().into_iter().map(|row| {
        let item = item(&cut, &calendar, job, exception, &schema, &row)?;
        Ok(ItemBody::new(item, row))
    });
    let body = ItemsBody {
        generation: cut.number(),
        queue: name,
        job: job.name.clone(),
        total: summary(&groups, cut.now, &calendar).count,
        limit,
        offset,
        items: items.collect::<Result<_, Failure>>()?,
    };
    Ok(cut.reply(Json(body), Fresh::WithinMinute))
}

/// One exception: why, what to do, until when, and the records behind it.
#[utoipa::path(get, path = "/api/v1/exceptions/{exception_id}", tag = "Exceptions",
    params(("exception_id" = String, Path, description = "Identity of the exception"), Pin),
    responses(
        (status = 200, description = "The exception", body = ExceptionBody),
        (status = 404, description = "Not in this generation: new data may have settled it", body = Problem),
    ))]
pub async fn exception(cut: Cut, Path(exception_id): Path<String>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithinMinute) {
        return Ok(unchanged);
    }
    let (job, exception, table) = find_exception(&cut, &exception_id, None).await?;
    let calendar = cut.app.source.calendar(cut.number()).await?;
    let row = table.row(0);
    let item = item(&cut, &calendar, job, exception, &table.schema(), &row)?;
    let work = fold(cut.app.source.decisions(cut.number(), &exception_id).await?, true);
    let references = references(&row);
    let evidence = references.iter().enumerate().map(|(index, reference)| {
        let RecordRef { contract, file_id, ordinal, byte_start, byte_end } = read(reference, &job.name)?;
        Ok(EvidenceBody { number: index + 1, contract, file_id, ordinal, byte_start, byte_end })
    });
    let body = ExceptionBody {
        generation: cut.number(),
        queue: exception.queue.clone(),
        job: job.name.clone(),
        action: exception.action.clone(),
        service_level: exception.service_level.clone(),
        evidence: evidence.collect::<Result<_, Failure>>()?,
        item: ItemBody::new(item, row),
        status: work.status,
        owner: work.owner,
        history: work.history,
    };
    Ok(cut.reply(Json(body), Fresh::WithinMinute))
}

/// Why an exception is there: the rows that it came from through every job, down to records and files.
///
/// Values that can tell who a person is are withheld. Asking takes seconds: the jobs are computed again on those rows.
#[utoipa::path(get, path = "/api/v1/exceptions/{exception_id}/explanation", tag = "Exceptions",
    params(("exception_id" = String, Path, description = "Identity of the exception"), Pin),
    responses(
        (status = 200, description = "What it came from", body = ExplanationBody),
        (status = 404, description = "Not in this generation: new data may have settled it", body = Problem),
    ))]
pub async fn explanation(cut: Cut, Path(exception_id): Path<String>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let (job, _, _) = find_exception(&cut, &exception_id, None).await?;
    let explanation = cut.app.source.explain(cut.number(), &job.name, &exception_id).await?;
    let body = ExplanationBody {
        generation: cut.number(),
        job: job.name.clone(),
        steps: explanation.steps,
        files: explanation.files,
    };
    Ok(cut.reply(Json(body), Fresh::WithGeneration))
}

/// The original bytes of a record behind an exception.
///
/// Only what an exception rests on can be read: a request names the exception, not the bytes.
#[utoipa::path(get, path = "/api/v1/exceptions/{exception_id}/evidence/{number}", tag = "Exceptions",
    params(
        ("exception_id" = String, Path, description = "Identity of the exception"),
        ("number" = usize, Path, description = "Number of the record, from 1"),
        Pin,
    ),
    responses(
        (status = 200, description = "The bytes, unchanged", content_type = "application/octet-stream"),
        (status = 404, description = "No such exception or record", body = Problem),
    ))]
pub async fn evidence(cut: Cut, Path((exception_id, number)): Path<(String, usize)>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let (job, _, table) = find_exception(&cut, &exception_id, None).await?;
    let references = references(&table.row(0));
    let reference = number.checked_sub(1).and_then(|index| references.get(index));
    let reference = read(reference.ok_or_else(|| Failure::not_found("Underlaget"))?, &job.name)?;
    let bytes = cut.app.source.raw(&reference).await?;
    let short: String = reference.file_id.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    let name = format!("attachment; filename=\"{short}_{}.txt\"", reference.ordinal);
    let headers = [(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok(cut.reply((headers, bytes), Fresh::WithGeneration))
}

fn read(reference: &str, job: &str) -> Result<RecordRef, Failure> {
    reference
        .parse()
        .map_err(|_| Failure::from(SourceError::Failed(format!("evidence of {job} is no record reference"))))
}
