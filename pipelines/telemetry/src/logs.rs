//! How a process begins to tell what it does.

use std::time::Duration;

use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::otlp::Exporter;
use crate::trace::{self, Traces};

/// Our crates: what others do is told only when it goes wrong, and is in no trace.
const OURS: [&str; 8] = ["reskontra", "ingest", "lake", "engine", "serving", "worklist", "cluster", "telemetry"];

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Logs {
    /// For a terminal.
    #[default]
    Text,
    /// One object a line, with the fields of the spans around it.
    Json,
}

/// What is told, and where.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    /// How lines look.
    pub logs: Logs,
    /// The collector of traces, `http://HOST:4318`; none without.
    pub traces: Option<&'a str>,
    /// The name of the process in traces.
    pub service: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The time since 1970.
    pub clock: fn() -> Duration,
}

/// Sends what was not sent yet when it goes.
#[derive(Debug)]
pub struct Telemetry(());

impl Drop for Telemetry {
    fn drop(&mut self) {
        trace::flush();
    }
}

/// Begins to tell. `RUST_LOG` chooses what is logged: without it warnings, and as JSON also what our own crates do.
///
/// # Errors
/// When something else tells already, or no thread can be started.
pub fn start(settings: &Settings<'_>) -> Result<Telemetry, Box<dyn std::error::Error + Send + Sync>> {
    let ours = |level: &str| OURS.map(|name| format!("{name}={level}")).join(",");
    let chosen = EnvFilter::try_from_default_env().unwrap_or_else(|_| match settings.logs {
        Logs::Text => "warn".into(),
        Logs::Json => format!("warn,{}", ours("info")).into(),
    });
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match settings.logs {
        Logs::Text => lines.with_filter(chosen).boxed(),
        Logs::Json => lines.json().flatten_event(true).with_span_list(false).with_filter(chosen).boxed(),
    };
    let traces = match settings.traces {
        Some(address) => {
            let exporter = Exporter::start(address, settings.service, settings.version)?;
            let targets = Targets::new().with_targets(OURS.map(|name| (name, LevelFilter::INFO)));
            Some(Traces::new(exporter, settings.clock).with_filter(targets))
        }
        None => None,
    };
    tracing_subscriber::registry().with(lines).with(traces).try_init()?;
    Ok(Telemetry(()))
}
