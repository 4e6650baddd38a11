//! What operators see of this process: metrics, whether it is alive, whether it is ready.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use axum::{Router, serve};
use chrono::Utc;
use lake::Lake;
use serde::Serialize;
use telemetry::Logs;
use telemetry::metrics;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::config::{Config, LogFormat};
use crate::stop::{Stop, gracefully};
use crate::{print, tell};

/// How long one question of `/readyz` may take.
const DEADLINE: Duration = Duration::from_secs(3);
/// So long an answer of `/readyz` stands, however often it is asked.
const FRESH: Duration = Duration::from_secs(2);

/// What a process needs to do its work.
#[derive(Debug, Clone, Copy)]
pub struct Role {
    /// A generation that it can read.
    generation: bool,
    /// The log.
    log: bool,
}

impl Role {
    /// Everything in one process.
    pub const UP: Self = Self { generation: true, log: true };
    /// From landing places to the log.
    pub const INGEST: Self = Self { generation: false, log: true };
    /// From the log to tables.
    pub const LAND: Self = Self { generation: false, log: true };
    /// From tables to a generation: the first one is what it makes.
    pub const RUN: Self = Self { generation: false, log: false };
    /// Pages and API.
    pub const SERVE: Self = Self { generation: true, log: false };
}

/// Begins to tell what this process does.
pub fn start(config: &Config) -> Result<telemetry::Telemetry> {
    let logs = match config.telemetry.logs {
        LogFormat::Text => Logs::Text,
        LogFormat::Json => Logs::Json,
    };
    if logs == Logs::Json {
        print::structured();
    }
    let version = env!("CARGO_PKG_VERSION");
    metrics::begin(version, config.memory.limit.unwrap_or_default());
    let traces = config.telemetry.traces.as_deref();
    let settings = telemetry::Settings { logs, traces, service: "reskontra", version, clock: since_1970 };
    telemetry::start(&settings).map_err(|error| anyhow!("telemetry: {error}"))
}

#[allow(clippy::disallowed_methods, reason = "the command line is where the clock is read")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[allow(clippy::disallowed_methods, reason = "the command line is where the clock is read")]
fn metrics_now() -> String {
    telemetry::render(Utc::now().timestamp_millis())
}

/// Writes the metrics to a file, at once or not at all.
pub fn write(file: &Path) -> Result<()> {
    let aside = file.with_extension("tmp");
    let written = fs::write(&aside, metrics_now()).and_then(|()| fs::rename(&aside, file));
    written.with_context(|| format!("writing metrics to {}", file.display()))
}

/// Does work that goes on until it is asked to stop, and answers operators meanwhile, where an address is configured.
pub async fn watched<W, F>(config: &Config, role: Role, work: W) -> Result<ExitCode>
where
    W: FnOnce(Stop) -> F,
    F: Future<Output = Result<ExitCode>>,
{
    let mut answering = JoinSet::new();
    if let Some(address) = config.telemetry.address {
        let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        print::note(&format!("metrics at http://{}/metrics", listener.local_addr()?));
        let router = router(Watch { config: config.clone(), lake: config.lake()?, role, last: Mutex::new(None) });
        answering.spawn(async move { serve(listener, router).await });
    }
    // It answers until the work has ended: a process that is stopping is alive.
    gracefully(config.grace(), work).await
}

struct Watch {
    config: Config,
    lake: Lake,
    role: Role,
    last: Mutex<Option<(Instant, Readiness)>>,
}

/// The answer of `/readyz`.
#[derive(Debug, Clone, Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<Check>,
}

/// Something that is needed, and what is wrong with it.
#[derive(Debug, Clone, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

fn router(watch: Watch) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(exposition))
        .with_state(Arc::new(watch))
}

async fn ready(State(watch): State<Arc<Watch>>) -> Response {
    let readiness = watch.ready().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn exposition(State(watch): State<Arc<Watch>>) -> Response {
    // Says which generation is read, of processes that publish none too.
    watch.ready().await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics_now()).into_response()
}

impl Watch {
    async fn ready(&self) -> Readiness {
        // Who comes meanwhile waits for the same answer: probes never add up at the store.
        let mut last = self.last.lock().await;
        if let Some((_, readiness)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return readiness.clone();
        }
        let mut checks = self.store().await;
        if self.role.log {
            checks.push(self.log().await);
        }
        let readiness = Readiness { ready: checks.iter().all(|check| check.ok), checks };
        *last = Some((Instant::now(), readiness.clone()));
        readiness
    }

    async fn store(&self) -> Vec<Check> {
        match in_time(async { Ok(self.lake.latest_generation().await?) }).await {
            Ok(generation) => {
                if let Some(generation) = &generation {
                    tell::generation(generation);
                }
                let number = generation.map(|generation| generation.number);
                let reason = number.is_none().then(|| "nothing has been published".to_owned());
                let published = Check { name: "generation", ok: reason.is_none(), generation: number, reason };
                let mut checks = vec![Check::of("store", Ok(()))];
                checks.extend(self.role.generation.then_some(published));
                checks
            }
            Err(error) => vec![Check::of("store", Err(error))],
        }
    }

    async fn log(&self) -> Check {
        let asked = async {
            match self.config.kafka() {
                Some(kafka) => Ok(ingest::kafka::reachable(&kafka, DEADLINE).await?),
                // The journal is in the store.
                None => Ok(()),
            }
        };
        Check::of("log", in_time(asked).await)
    }
}

impl Check {
    fn of(name: &'static str, result: Result<()>) -> Self {
        let reason = result.err().map(|error| format!("{error:#}"));
        Self { name, ok: reason.is_none(), generation: None, reason }
    }
}

async fn in_time<T>(question: impl Future<Output = Result<T>>) -> Result<T> {
    let answer = tokio::time::timeout(DEADLINE + Duration::from_secs(1), question).await;
    answer.unwrap_or_else(|_| Err(anyhow!("no answer within {} s", DEADLINE.as_secs() + 1)))
}
