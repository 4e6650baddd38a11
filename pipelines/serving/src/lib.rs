//! What people and programs see: server-rendered pages in Swedish and a JSON API over one generation.
//!
//! Every response is read from one generation and says which (`Reskontra-Generation`); a reader who pages through a
//! list stays in it (`generation=N`). What depends on the time (time left) is computed when read, from the clock that
//! [`router`] is given.
//!
//! Not here: tables and archive (a [`Source`] gives them), the words and rules of work items (`worklist`).
//! There is no authentication yet: it will be OpenID Connect in front of [`router`], and until then the program
//! listens on 127.0.0.1 only. Pages show what handlers must see, persons' names among it; logs and error texts never do.
//!
//! Start at [`Source`] and [`router`].

mod address;
mod api;
mod cells;
mod cut;
mod download;
mod failure;
mod frame;
mod items;
mod pages;
mod rows;
pub mod source;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use telemetry::metrics::HTTP_SECONDS;

pub use cut::GENERATION_HEADER;
pub use source::Source;

use failure::Failure;

/// Tells the time: only the binary reads the clock of the machine.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What handlers of requests share.
#[derive(Clone)]
struct App {
    source: Arc<dyn Source>,
    clock: Clock,
    document: Arc<str>,
}

/// All pages and the API over `source`.
pub fn router(source: Arc<dyn Source>, clock: Clock) -> Router {
    let (api, document) = api::router();
    let document = Arc::from(document.to_json().unwrap_or_default());
    Router::new()
        .merge(api)
        .merge(pages::router())
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/stil.css", get(|| asset("text/css; charset=utf-8", include_str!("../assets/style.css"))))
        .route("/ikon.svg", get(|| asset("image/svg+xml", include_str!("../assets/icon.svg"))))
        .fallback(|| async { Failure::not_found("Sidan") })
        .with_state(App { source, clock, document })
        .layer(middleware::from_fn(failure::present))
        .layer(middleware::from_fn(secure))
        .layer(middleware::from_fn(timed))
}

/// The process answers.
async fn alive() -> &'static str {
    "ok\n"
}

/// There is a generation to read.
async fn ready(State(app): State<App>) -> Result<Response, Failure> {
    let generation = app.source.generation(None).await?.ok_or_else(Failure::nothing_published)?;
    Ok((StatusCode::OK, format!("generation {}\n", generation.number)).into_response())
}

/// Tells how long an answer takes: of a route, not of an address, in which identities can stand.
async fn timed(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    HTTP_SECONDS.observe(&[route, response.status().as_str()], started.elapsed());
    response
}

async fn asset(content_type: &'static str, content: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "private, max-age=300")], content)
}

/// Nothing is loaded from elsewhere, nothing is framed, addresses (which hold identities) are not passed on.
async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
