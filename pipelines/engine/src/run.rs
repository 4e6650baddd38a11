//! Write, audit, publish.
//!
//! A run computes every job on one cut of the landing tables, into staged files that only it reads; checks every
//! invariant on them; and only when all hold commits the tables and publishes a generation. A failed audit leaves
//! the last good generation in service.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use commit::generation::{Audit, Candidate, Generation, TableCut};
use datafusion::execution::context::SessionContext;
use lake::Lake;

use crate::cut::{Computed, Cut, Violations};
use crate::{EngineError, Job, Library};

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct Request {
    /// The business date to compute for.
    pub as_of: NaiveDate,
    /// The time that the generation carries.
    pub published_at: DateTime<Utc>,
    /// A random identity of this run.
    pub writer: String,
    /// Log partitions of a topic.
    pub partitions: i32,
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A job begins.
    Job {
        /// Its name.
        name: &'a str,
        /// Which of all, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// A job is done.
    Done {
        /// Its name.
        name: &'a str,
        /// Rows in its table.
        rows: u64,
        /// False when the table holds the same rows as before.
        changed: bool,
    },
    /// The audit begins.
    Audit,
}

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// The generation that shows the result; nothing when the audit failed.
    pub generation: Option<Generation>,
    /// False when nothing has changed since the last generation, which stays.
    pub published: bool,
    /// Rows by job.
    pub rows: BTreeMap<String, u64>,
    /// What the audit found.
    pub audit: Audit,
    /// The first violations of each broken invariant.
    pub violations: Violations,
}

/// Runs every job of `library` on what has landed in `lake`.
///
/// # Errors
/// When a job is wrong, a table cannot be read or written, or another run published first. A failed audit is no
/// error: see [`Report::generation`].
pub async fn run(
    lake: &Lake,
    library: &Library,
    request: &Request,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Report, EngineError> {
    let last = lake.latest_generation().await?;
    let cut = Cut::now(lake, library, request.as_of, request.partitions).await?;
    let mut results = Vec::with_capacity(library.jobs.len());
    for (index, job) in library.jobs.iter().enumerate() {
        progress(Progress::Job { name: &job.name, number: index + 1, of: library.jobs.len() });
        let result = OfJob { job, computed: cut.compute(job).await?, fingerprint: job.fingerprint() };
        let changed = result.cut_in(last.as_ref()).is_none();
        progress(Progress::Done { name: &job.name, rows: result.computed.staged.rows(), changed });
        results.push(result);
    }

    progress(Progress::Audit);
    let (audit, violations) = cut.audit().await?;
    let rows = results.iter().map(|result| (result.job.name.clone(), result.computed.staged.rows())).collect();
    let Ok(permit) = audit.clone().permit() else {
        for result in &results {
            lake.discard(&result.job.name, &result.computed.staged).await?;
        }
        return Ok(Report { generation: None, published: false, rows, audit, violations });
    };
    let mut candidate = Candidate { landing: cut.landing().clone(), tables: BTreeMap::new() };
    for result in results {
        let table = result.commit(lake, last.as_ref()).await?;
        candidate.tables.insert(result.job.name.clone(), table);
    }
    if last.as_ref().is_some_and(|last| candidate.shows_the_same(last, request.as_of)) {
        return Ok(Report { generation: last, published: false, rows, audit, violations });
    }
    let generation = candidate
        .publish(last.as_ref(), request.as_of, request.published_at, request.writer.clone(), permit)
        .map_err(|refusal| EngineError::Result { job: "publish".to_owned(), reason: refusal.to_string() })?;
    lake.publish(&generation).await?;
    Ok(Report { generation: Some(generation), published: true, rows, audit, violations })
}

/// The tables of a published generation, in a session that reads nothing else.
///
/// # Errors
/// When a table of the generation cannot be read.
pub async fn generation_session(
    lake: &Lake,
    library: &Library,
    generation: &Generation,
) -> Result<SessionContext, EngineError> {
    let cut = Cut::then(lake, library, generation.as_of, &generation.landing).await?;
    for (job, table) in &generation.tables {
        cut.show(job, lake.job_table_version(job, table.version).await?.provider()?)?;
    }
    Ok(cut.context().clone())
}

struct OfJob<'a> {
    job: &'a Job,
    computed: Computed,
    fingerprint: String,
}

impl OfJob<'_> {
    /// The table of the last generation, when it holds the same rows.
    fn cut_in<'g>(&self, last: Option<&'g Generation>) -> Option<&'g TableCut> {
        last?
            .tables
            .get(&self.job.name)
            .filter(|cut| cut.digest == self.computed.staged.digest() && cut.fingerprint == self.fingerprint)
    }

    async fn commit(&self, lake: &Lake, last: Option<&Generation>) -> Result<TableCut, EngineError> {
        if let Some(same) = self.cut_in(last) {
            lake.discard(&self.job.name, &self.computed.staged).await?;
            return Ok(same.clone());
        }
        let table = lake.replace(&self.job.name, &self.computed.schema, &self.computed.staged).await?;
        Ok(TableCut {
            version: table.version(),
            rows: self.computed.staged.rows(),
            digest: self.computed.staged.digest().to_owned(),
            fingerprint: self.fingerprint.clone(),
        })
    }
}
