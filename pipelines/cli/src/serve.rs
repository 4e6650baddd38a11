//! `reskontra serve`: pages and API.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use chrono::Utc;
use engine::Library;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::print;
use crate::source::LakeSource;
use crate::stop::Stop;

/// Serves until it is asked to stop; requests under way are answered.
#[allow(clippy::disallowed_methods, reason = "the command line is where the clock is read")]
pub async fn serve(config: &Config, stop: Stop) -> Result<ExitCode> {
    let source = LakeSource::new(config.lake()?, config.archive()?, Library::load(&config.sql)?);
    let router = serving::router(Arc::new(source), Arc::new(Utc::now));
    let address = config.serve.address;
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    print::note(&format!("serving at http://{}; stop with Ctrl-C", listener.local_addr()?));
    axum::serve(listener, router).with_graceful_shutdown(stop.asked()).await?;
    Ok(ExitCode::SUCCESS)
}
