//! What a changed library makes of a job's rows: the job as it would be beside the job as it is, on the same cut of
//! what has landed.
//!
//! Whatever differs is computed into staged files, compared and thrown away; nothing is published. What is the same
//! on both sides is computed at most once.

mod compare;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::NaiveDate;
use commit::generation::Generation;
use datafusion::catalog::TableProvider;
use lake::Lake;

use crate::cut::{Cut, Scratch};
use crate::{EngineError, Job, Library};

pub use compare::{ColumnChange, Comparison, Samples, Sum, Table, compare};

/// What is compared.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The jobs whose tables are compared.
    pub jobs: BTreeSet<String>,
    /// The generation whose cut of what has landed is read.
    pub generation: &'a Generation,
    /// The business date; that of the generation, or another, for which both sides are computed.
    pub as_of: NaiveDate,
    /// Rows that are shown of each kind of difference.
    pub samples: usize,
}

/// One side's table of a job.
#[derive(Clone)]
struct Side {
    rows: Arc<dyn TableProvider>,
    schema: SchemaRef,
}

/// Compares `now` with `before`, the library that computed the generation.
///
/// # Errors
/// When a job is wrong, or a table cannot be read or written.
pub async fn diff(
    lake: &Lake,
    before: &Library,
    now: &Library,
    question: &Question<'_>,
) -> Result<Vec<Comparison>, EngineError> {
    let mut scratch = Scratch::new(lake);
    let compared = sides(lake, before, now, question, &mut scratch).await;
    scratch.discard().await?;
    compared
}

async fn sides(
    lake: &Lake,
    before: &Library,
    now: &Library,
    question: &Question<'_>,
    scratch: &mut Scratch,
) -> Result<Vec<Comparison>, EngineError> {
    let Question { generation, as_of, .. } = *question;
    let was = Cut::then(lake, before, as_of, &generation.landing).await?;
    let is = Cut::then(lake, now, as_of, &generation.landing).await?;
    let wanted = needed(before, now, &question.jobs);
    let mut compared = Vec::new();
    // A job that stands in one library only has its place in that one's order.
    let removed = before.jobs.iter().filter(|job| now.job(&job.name).is_none());
    for job in now.jobs.iter().chain(removed).filter(|job| wanted.contains(&job.name)) {
        let (old, new) = (before.job(&job.name), now.job(&job.name));
        let left = match (old, generation.tables.get(&job.name)) {
            (Some(_), Some(cut)) if as_of == generation.as_of => {
                let table = lake.job_table_version(&job.name, cut.version).await?;
                let side = Side { rows: table.provider()?, schema: table.schema()? };
                was.show(&job.name, side.rows.clone())?;
                Some(side)
            }
            (Some(old), _) => Some(computed(lake, &was, old, scratch).await?),
            (None, _) => None,
        };
        let same = old.is_some()
            && before.parts().get(&job.name).map(rows_rest_on) == now.parts().get(&job.name).map(rows_rest_on);
        let right = match (new, &left) {
            (Some(_), Some(left)) if same => {
                is.show(&job.name, left.rows.clone())?;
                Some(left.clone())
            }
            (Some(new), _) => Some(computed(lake, &is, new, scratch).await?),
            (None, _) => None,
        };
        if question.jobs.contains(&job.name) {
            let table = |side: Option<Side>| side.map(|side| Table { rows: side.rows, schema: side.schema });
            compared.push(compare(lake, job, table(left), table(right), question.samples).await?);
        }
    }
    Ok(compared)
}

/// The parts of a fingerprint that rows rest on.
fn rows_rest_on(parts: &commit::fingerprint::Fingerprint) -> commit::fingerprint::Fingerprint {
    commit::fingerprint::Fingerprint { texts: String::new(), ..parts.clone() }
}

async fn computed(lake: &Lake, cut: &Cut<'_>, job: &Job, scratch: &mut Scratch) -> Result<Side, EngineError> {
    let computed = scratch.compute(cut, job).await?;
    let rows = lake.staged_provider(&job.name, computed.schema.clone(), &computed.staged)?;
    Ok(Side { rows, schema: computed.schema })
}

/// Jobs, and all that they read, directly or not, in either library.
fn needed(before: &Library, now: &Library, jobs: &BTreeSet<String>) -> BTreeSet<String> {
    let needed = now.read_by(&before.read_by(jobs));
    if needed == *jobs { needed } else { self::needed(before, now, &needed) }
}
