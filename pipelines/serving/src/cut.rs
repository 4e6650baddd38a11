//! The one generation that a response is read from.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::App;
use crate::address::Address;
use crate::failure::Failure;
use crate::frame::Frame;
use crate::source::{Generation, JobInfo};

/// The header that names the generation a response was read from.
pub const GENERATION_HEADER: HeaderName = HeaderName::from_static("reskontra-generation");

/// What a response is read from: one generation, its jobs, and the time of reading.
///
/// The request pins it with `generation=N`; otherwise it is the last one.
pub struct Cut {
    /// The application.
    pub app: App,
    /// The generation.
    pub generation: Arc<Generation>,
    /// Its jobs.
    pub jobs: Arc<Vec<JobInfo>>,
    /// The last generation, when this is an older one.
    pub newer: Option<u64>,
    /// The time of reading.
    pub now: DateTime<Utc>,
    if_none_match: Option<HeaderValue>,
}

/// How long a response stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// As long as the generation: what is there does not depend on the time.
    WithGeneration,
    /// Within the minute: it tells how much time is left.
    WithinMinute,
    /// Not at all: it tells of runs that published nothing.
    Never,
}

/// Which generation a request wants.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Pin {
    /// Number of the generation to read; without it, the last one published. A client that reads several pages names
    /// the generation of the first, so that no row is missed or seen twice.
    generation: Option<u64>,
}

impl FromRequestParts<App> for Cut {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Query(pin) = Query::<Pin>::try_from_uri(&parts.uri)
            .map_err(|_| Failure::bad_request("”generation” ska vara ett nummer."))?;
        let last = app.source.generation(None).await?.ok_or_else(Failure::nothing_published)?;
        let generation = match pin.generation {
            Some(number) if number != last.number => {
                app.source.generation(Some(number)).await?.ok_or_else(|| Failure::not_found("Resultatet"))?
            }
            _ => Arc::clone(&last),
        };
        Ok(Self {
            jobs: app.source.jobs(generation.number).await?,
            newer: (generation.number != last.number).then_some(last.number),
            generation,
            now: (app.clock)(),
            if_none_match: parts.headers.get(header::IF_NONE_MATCH).cloned(),
            app: app.clone(),
        })
    }
}

impl Cut {
    /// The number of the generation.
    pub fn number(&self) -> u64 {
        self.generation.number
    }

    /// The job with this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn job(&self, name: &str) -> Result<&JobInfo, Failure> {
        self.jobs.iter().find(|job| job.name == name).ok_or_else(|| Failure::not_found("Tabellen"))
    }

    /// The frame of a page of this generation.
    pub fn frame(&self, title: &str, section: &'static str) -> Frame {
        Frame::new(title, section, &self.generation, self.newer)
    }

    /// An address within what the reader reads: an older generation stays pinned.
    pub fn link(&self, address: Address) -> Address {
        if self.newer.is_some() { address.with("generation", self.number()) } else { address }
    }

    /// "Not modified", when the reader has what this request would give. Asked before anything is read.
    pub fn not_modified(&self, fresh: Fresh) -> Option<Response> {
        let tag = self.tag(fresh)?;
        let known = self.if_none_match.as_ref()?.to_str().ok()?;
        let matches = known.split(',').any(|candidate| candidate.trim() == tag || candidate.trim() == "*");
        matches.then(|| (StatusCode::NOT_MODIFIED, self.headers(fresh)).into_response())
    }

    /// A page.
    ///
    /// # Errors
    /// When it cannot be rendered.
    pub fn page(&self, page: &impl Template, fresh: Fresh) -> Result<Response, Failure> {
        Ok((self.headers(fresh), Html(page.render()?)).into_response())
    }

    /// Anything else.
    pub fn reply(&self, content: impl IntoResponse, fresh: Fresh) -> Response {
        (self.headers(fresh), content).into_response()
    }

    fn headers(&self, fresh: Fresh) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(GENERATION_HEADER, HeaderValue::from(self.number()));
        let cache = if fresh == Fresh::Never { "no-store" } else { "private, no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        if let Some(tag) = self.tag(fresh).and_then(|tag| HeaderValue::from_str(&tag).ok()) {
            headers.insert(header::ETAG, tag);
        }
        headers
    }

    /// Weak, because a response also changes its looks with the version of the program.
    fn tag(&self, fresh: Fresh) -> Option<String> {
        let base = format!("{}-{}", self.number(), env!("CARGO_PKG_VERSION"));
        let newer = self.newer.map(|newer| format!("-{newer}")).unwrap_or_default();
        match fresh {
            Fresh::WithGeneration => Some(format!("W/\"{base}{newer}\"")),
            Fresh::WithinMinute => Some(format!("W/\"{base}{newer}-{}\"", self.now.format("%Y%m%d%H%M"))),
            Fresh::Never => None,
        }
    }
}
