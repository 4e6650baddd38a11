//! The JSON API under `/api/v1/`, its OpenAPI document, and a page that shows the document.
//!
//! Amounts and dates are strings, as in the contracts; timestamps are UTC.

mod exceptions;
mod model;
mod tables;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::failure::Failure;
use crate::frame::Frame;

/// Rows in a response unless the request says otherwise.
const DEFAULT_LIMIT: u64 = 100;
/// Rows in a response at most.
const MAX_LIMIT: u64 = 1000;

#[derive(OpenApi)]
#[openapi(info(
    title = "Reskontra",
    description = "What matches, what does not, and what to do next. Every response is read from one generation and \
                   names it, in its body and in the header `Reskontra-Generation`. Amounts and dates are strings; \
                   timestamps are UTC. Errors have the fields of `Problem`."
))]
struct Document;

/// The routes and the document that describes them, made from the same list.
pub fn router() -> (Router<App>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(tables::generation))
        .routes(routes!(exceptions::queues))
        .routes(routes!(exceptions::queue))
        .routes(routes!(exceptions::exception))
        .routes(routes!(exceptions::explanation))
        .routes(routes!(exceptions::evidence))
        .routes(routes!(tables::files))
        .routes(routes!(tables::file))
        .routes(routes!(tables::rejects))
        .routes(routes!(tables::tables))
        .routes(routes!(tables::rows))
        .routes(routes!(document))
        .split_for_parts()
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "API", responses((status = 200, description = "OpenAPI 3.1")))]
async fn document(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], app.document.to_string()).into_response()
}

/// How many rows and from where, refused when it is more than one response may hold.
fn window(limit: Option<u64>, offset: Option<u64>) -> Result<(u64, u64), Failure> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit if limit <= MAX_LIMIT => Ok((limit, offset.unwrap_or(0))),
        _ => Err(Failure::bad_request(&format!("”limit” får vara högst {MAX_LIMIT}."))),
    }
}

#[derive(Template)]
#[template(path = "api.html")]
struct Page {
    frame: Frame,
    description: String,
    operations: Vec<Operation>,
}

struct Operation {
    method: String,
    path: String,
    summary: String,
    parameters: Vec<Parameter>,
    responses: Vec<(String, String)>,
}

struct Parameter {
    name: String,
    place: String,
    required: bool,
    description: String,
}

/// `/api`: the document for people.
pub async fn page(State(app): State<App>) -> Result<Response, Failure> {
    let document: Value = serde_json::from_str(&app.document).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let operations = document["paths"].as_object().into_iter().flatten().flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, operation)| Operation {
            method: method.to_uppercase(),
            path: path.clone(),
            summary: format!("{} {}", text(&operation["summary"]), text(&operation["description"])),
            parameters: operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|parameter| Parameter {
                    name: text(&parameter["name"]),
                    place: text(&parameter["in"]),
                    required: parameter["required"].as_bool().unwrap_or_default(),
                    description: text(&parameter["description"]),
                })
                .collect(),
            responses: operation["responses"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(status, response)| (status.clone(), text(&response["description"])))
                .collect(),
        })
    });
    let mut frame = Frame::without_generation("API");
    frame.section = "/api";
    let page = Page {
        frame,
        description: text(&document["info"]["description"]).replace('`', ""),
        operations: operations.collect(),
    };
    Ok(Html(page.render()?).into_response())
}
