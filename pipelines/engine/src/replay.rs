//! Computing a generation again, from what it was computed from: its library, its cut of what had landed and its
//! business date. The same must come out, bit for bit.

use commit::generation::Generation;
use lake::Lake;
use serde::Serialize;

use crate::cut::{Cut, Scratch};
use crate::diff::{Comparison, Table, compare};
use crate::files::Archived;
use crate::{EngineError, Job};

/// What came of a replay.
#[derive(Debug, Clone, Serialize)]
pub struct Replayed {
    /// The generation.
    pub generation: u64,
    /// Tables that came out the same.
    pub same: Vec<String>,
    /// Tables that did not.
    pub different: Vec<Different>,
}

/// A table that came out otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Different {
    /// The job.
    pub job: String,
    /// Digest of the published rows.
    pub published: String,
    /// Digest of the rows that came out.
    pub replayed: String,
    /// How they differ.
    pub rows: Comparison,
}

/// Computes every job of a generation again and compares the digests of the tables. Nothing is kept.
///
/// # Errors
/// When the generation keeps no library, one of its versions has been collected, or a job fails.
pub async fn replay(
    lake: &Lake,
    generation: &Generation,
    samples: usize,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Replayed, EngineError> {
    let Some(digest) = &generation.library else {
        let reason = format!("generation {} was published before libraries were kept", generation.number);
        return Err(EngineError::Result { job: "replay".to_owned(), reason });
    };
    let archived = Archived::open(lake, digest).await?;
    let cut = Cut::then(lake, &archived.library, generation.as_of, &generation.landing).await?;
    let mut scratch = Scratch::new(lake);
    let replayed = compute(lake, generation, &cut, &archived.library.jobs, samples, progress, &mut scratch).await;
    scratch.discard().await?;
    replayed
}

async fn compute(
    lake: &Lake,
    generation: &Generation,
    cut: &Cut<'_>,
    jobs: &[Job],
    samples: usize,
    progress: &(dyn Fn(&str) + Sync),
    scratch: &mut Scratch,
) -> Result<Replayed, EngineError> {
    let mut replayed = Replayed { generation: generation.number, same: Vec::new(), different: Vec::new() };
    for job in jobs {
        progress(&job.name);
        let computed = scratch.compute(cut, job).await?;
        let Some(published) = generation.tables.get(&job.name) else { continue };
        if published.digest == computed.staged.digest() {
            replayed.same.push(job.name.clone());
            continue;
        }
        let table = lake.job_table_version(&job.name, published.version).await?;
        let before = Table { rows: table.provider()?, schema: table.schema()? };
        let rows = lake.staged_provider(&job.name, computed.schema.clone(), &computed.staged)?;
        let now = Table { rows, schema: computed.schema };
        replayed.different.push(Different {
            job: job.name.clone(),
            published: published.digest.clone(),
            replayed: computed.staged.digest().to_owned(),
            rows: compare(lake, job, Some(before), Some(now), samples).await?,
        });
    }
    Ok(replayed)
}
