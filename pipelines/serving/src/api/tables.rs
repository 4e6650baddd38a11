//! The generation, files, rejects and the jobs' tables.

use axum::Json;
use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::{FileBody, GenerationBody, Problem, RowsBody, TableBody, TablesBody};
use super::window;
use crate::cut::{Cut, Fresh, Pin};
use crate::failure::Failure;
use crate::rows::{Table, by, is};
use crate::source::{Filter, Order, RowQuery};

/// The generation: audit, money, files, tables.
#[utoipa::path(get, path = "/api/v1/generation", tag = "Generation", params(Pin),
    responses(
        (status = 200, description = "The generation", body = GenerationBody),
        (status = 503, description = "None is published", body = Problem),
    ))]
pub async fn generation(cut: Cut) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    Ok(cut.reply(Json(GenerationBody::from(cut.generation.as_ref())), Fresh::WithGeneration))
}

/// Which files.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilesAsked {
    /// `accepted`, `refused` or `test`.
    status: Option<String>,
    /// At most so many, 100 unless told, never more than 1000.
    limit: Option<u64>,
    /// Pass over so many.
    offset: Option<u64>,
}

/// Received files, the last first, with verdicts and sums.
#[utoipa::path(get, path = "/api/v1/files", tag = "Files", params(FilesAsked, Pin),
    responses((status = 200, description = "Rows of the contract `file`", body = RowsBody)))]
pub async fn files(cut: Cut, Query(asked): Query<FilesAsked>) -> Result<Response, Failure> {
    let filters = asked.status.iter().map(|status| is("status", status)).collect();
    let order = newest_first(&["file_id"]);
    page_of(&cut, "file", filters, order, window(asked.limit, asked.offset)?).await
}

/// One file.
#[utoipa::path(get, path = "/api/v1/files/{file_id}", tag = "Files",
    params(("file_id" = String, Path, description = "SHA-256 of the file"), Pin),
    responses(
        (status = 200, description = "Its manifest", body = FileBody),
        (status = 404, description = "No such file", body = Problem),
    ))]
pub async fn file(cut: Cut, Path(file_id): Path<String>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let found = Table::find(&cut, "file", "file_id", &file_id).await?;
    let file = found.ok_or_else(|| Failure::not_found("Filen"))?.row(0);
    Ok(cut.reply(Json(FileBody { generation: cut.number(), file }), Fresh::WithGeneration))
}

/// Which rejects.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RejectsAsked {
    /// SHA-256 of the file.
    file_id: Option<String>,
    /// Reason code.
    code: Option<String>,
    /// At most so many, 100 unless told, never more than 1000.
    limit: Option<u64>,
    /// Pass over so many.
    offset: Option<u64>,
}

/// Refused pieces of input, the last file first. `raw` is shown as text: UTF-8, else ISO-8859-1.
#[utoipa::path(get, path = "/api/v1/rejects", tag = "Files", params(RejectsAsked, Pin),
    responses((status = 200, description = "Rows of the contract `reject`", body = RowsBody)))]
pub async fn rejects(cut: Cut, Query(asked): Query<RejectsAsked>) -> Result<Response, Failure> {
    let file = asked.file_id.iter().map(|file| is("file_id", file));
    let filters = file.chain(asked.code.iter().map(|code| is("code", code))).collect();
    let order = newest_first(&["file_id", "ordinal", "byte_start"]);
    page_of(&cut, "reject", filters, order, window(asked.limit, asked.offset)?).await
}

/// The jobs' tables and their columns.
#[utoipa::path(get, path = "/api/v1/tables", tag = "Tables", params(Pin),
    responses((status = 200, description = "The tables", body = TablesBody)))]
pub async fn tables(cut: Cut) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let table = |job: &crate::source::JobInfo| TableBody::new(job, cut.generation.tables.get(&job.name).copied());
    let body = TablesBody { generation: cut.number(), tables: cut.jobs.iter().map(table).collect() };
    Ok(cut.reply(Json(body), Fresh::WithGeneration))
}

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RowsAsked {
    /// Text in the key.
    q: Option<String>,
    /// A column that must have the value of `value`.
    column: Option<String>,
    /// The value; without it, the column must be empty.
    value: Option<String>,
    /// At most so many, 100 unless told, never more than 1000.
    limit: Option<u64>,
    /// Pass over so many.
    offset: Option<u64>,
}

/// Rows of a job's table, in the order of its key. All rows at once are at `/tabeller/{table}/json`.
#[utoipa::path(get, path = "/api/v1/tables/{table}", tag = "Tables",
    params(("table" = String, Path, description = "Name of the table"), RowsAsked, Pin),
    responses(
        (status = 200, description = "The rows", body = RowsBody),
        (status = 400, description = "No such column", body = Problem),
        (status = 404, description = "No such table", body = Problem),
    ))]
pub async fn rows(cut: Cut, Path(name): Path<String>, Query(asked): Query<RowsAsked>) -> Result<Response, Failure> {
    let job = cut.job(&name)?;
    let by_value = match asked.column {
        Some(column) if !job.has(&column) => return Err(Failure::bad_request("Tabellen har inte den kolumnen.")),
        Some(column) => Some(Filter::Is(column, asked.value)),
        None => None,
    };
    let by_key = asked.q.filter(|q| !q.is_empty()).map(|q| Filter::Contains(job.key.clone(), q));
    let filters = by_value.into_iter().chain(by_key).collect();
    page_of(&cut, &job.name, filters, by(&job.key), window(asked.limit, asked.offset)?).await
}

fn newest_first(rest: &[&str]) -> Vec<Order> {
    let newest = Order { column: "received_at".to_owned(), descending: true };
    std::iter::once(newest).chain(by(rest)).collect()
}

async fn page_of(
    cut: &Cut,
    table: &str,
    filters: Vec<Filter>,
    order_by: Vec<Order>,
    (limit, offset): (u64, u64),
) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let total = cut.app.source.count(cut.number(), table, &filters).await?;
    let found = Table::read(cut, table, RowQuery { filters, order_by, limit: Some(limit), offset }).await?;
    let mut rows = found.rows();
    for (index, row) in rows.iter_mut().enumerate() {
        if let Some(raw) = row.get_mut("raw") {
            *raw = worklist::evidence::text_of(found.bytes(index, "raw")).0.into();
        }
    }
    let body = RowsBody { generation: cut.number(), table: table.to_owned(), total, limit, offset, rows };
    Ok(cut.reply(Json(body), Fresh::WithGeneration))
}
