//! Showing an earlier generation again. See `docs/decisions/0007-the-library-in-service.md`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commit::generation::{Generation, Refusal, TableCut};
use lake::Lake;

use crate::EngineError;

/// Who rolls back, when and why.
#[derive(Debug, Clone)]
pub struct Rollback {
    /// The generation to show again; the one before the last when left out.
    pub to: Option<u64>,
    /// Why, for those who read the generation later.
    pub reason: String,
    /// The time that the new generation carries.
    pub published_at: DateTime<Utc>,
    /// A random identity of this run.
    pub writer: String,
}

/// Publishes a generation that shows an earlier one again: the rows of its tables, its cut of what had landed, its
/// library. Tables get new versions that refer to the files of the old ones; no row is written.
///
/// # Errors
/// When there is no such earlier generation, files of it have been collected, or another run published first.
pub async fn roll_back(lake: &Lake, request: Rollback) -> Result<Generation, EngineError> {
    let failed = |reason: String| EngineError::Result { job: "rollback".to_owned(), reason };
    let Some(last) = lake.latest_generation().await? else {
        return Err(failed("no generation has been published yet".to_owned()));
    };
    let to = request.to.unwrap_or(last.number.saturating_sub(1));
    if to == 0 || to >= last.number {
        return Err(failed(Refusal::NotEarlier { to, last: last.number }.to_string()));
    }
    let earlier = lake.generation(to).await?;
    let mut tables = BTreeMap::new();
    for (job, cut) in &earlier.tables {
        let version = lake.restore(job, cut.version).await?.version();
        tables.insert(job.clone(), TableCut { version, ..cut.clone() });
    }
    let Rollback { published_at, writer, reason, .. } = request;
    let generation = earlier.show_again(&last, tables, published_at, writer, reason);
    let generation = generation.map_err(|refusal| failed(refusal.to_string()))?;
    lake.publish(&generation).await?;
    Ok(generation)
}
