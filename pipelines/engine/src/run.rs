//! Write, audit, publish.
//!
//! A run computes every job on one cut of the landing tables, into staged files that only it reads; checks every
//! invariant on them; and only when all hold commits the tables and publishes a generation. A failed audit leaves
//! the last good generation in service.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, NaiveDate, Utc};
use commit::generation::{Audit, Candidate, Generation, TableCut};
use datafusion::catalog::TableProvider;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use futures::TryStreamExt as _;
use lake::{Lake, Staged, StagedChange, Table};
use serde_json::{Map, Value};

use crate::audit::{self, Violations};
use crate::changes::Landing;
use crate::partition::Partition;
use crate::refresh::{self, Change, Refresher, Stop, Values};
use crate::rows::{self, KeyCheck};
use crate::{EngineError, Job, Library, Planner, views};

pub use crate::audit::LANDED_ONCE;

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
    /// How much is computed again.
    pub refresh: Limits,
}

/// Where refreshing by key ends and computing in full begins. What is computed is the same; how fast is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Keys of one job; with more, the job is computed in full. 0 computes everything in full.
    pub keys: usize,
    /// Rows of a table that is read whole rather than looked up.
    pub small: u64,
    /// Rows that a change carries from job to job; of a larger one, all that hangs on it is computed in full.
    pub rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keys: 20_000, small: 50_000, rows: 200_000 }
    }
}

/// How a job's table came to its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// Nothing that it reads has changed.
    Kept,
    /// For so many values of a column of its key.
    Keys {
        /// The column.
        column: String,
        /// How many values.
        values: usize,
    },
    /// In full, for this reason.
    Full(String),
}

impl std::fmt::Display for Refreshed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kept => write!(f, "kept"),
            Self::Keys { column, values } => write!(f, "{values} values of {column}"),
            Self::Full(reason) => write!(f, "in full: {reason}"),
        }
    }
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
        /// What was computed.
        refreshed: &'a Refreshed,
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
    /// What was computed, by job.
    pub refreshed: BTreeMap<String, Refreshed>,
    /// What the audit found.
    pub audit: Audit,
    /// The first violations of each broken invariant.
    pub violations: BTreeMap<String, Vec<Map<String, Value>>>,
}

/// Brings every job of `library` up to what has landed in `lake`.
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
    let planner = Planner::new(library, request.as_of);
    let context = planner.session()?;
    lake.register(&context);
    let landing = Landing::now(lake, request.partitions).await?;
    let tables = landing.providers()?;
    views::register(&context, &tables).await?;
    let changes = match &last {
        Some(last) => landing.since(&Landing::of(lake, last).await?, &context).await?,
        None => BTreeMap::new(),
    };
    let rows = landing.rows()?;
    let mut run = Run { lake, library, planner, context, request, last, changes, rows };

    let mut results = Vec::with_capacity(library.jobs.len());
    for (index, job) in library.jobs.iter().enumerate() {
        progress(Progress::Job { name: &job.name, number: index + 1, of: library.jobs.len() });
        let result = run.refresh(job).await?;
        let (rows, refreshed) = (result.content.rows(), &result.refreshed);
        progress(Progress::Done { name: &job.name, rows, changed: result.content.is_new(), refreshed });
        results.push(result);
    }

    progress(Progress::Audit);
    let (audit, violations) = run.audit(&tables).await?;
    let rows = results.iter().map(|result| (result.job.name.clone(), result.content.rows())).collect();
    let refreshed = results.iter().map(|result| (result.job.name.clone(), result.refreshed.clone())).collect();
    let Ok(permit) = audit.clone().permit() else {
        for result in &results {
            result.discard(lake).await?;
        }
        return Ok(Report { generation: None, published: false, rows, refreshed, audit, violations });
    };
    let mut candidate = Candidate { landing: landing.cuts, tables: BTreeMap::new() };
    for result in results {
        let name = result.job.name.clone();
        candidate.tables.insert(name, result.commit(lake).await?);
    }
    let last = run.last;
    if last.as_ref().is_some_and(|last| candidate.shows_the_same(last, request.as_of)) {
        return Ok(Report { generation: last, published: false, rows, refreshed, audit, violations });
    }
    let generation = candidate
        .publish(last.as_ref(), request.as_of, request.published_at, request.writer.clone(), permit)
        .map_err(|refusal| EngineError::Result { job: "publish".to_owned(), reason: refusal.to_string() })?;
    lake.publish(&generation).await?;
    Ok(Report { generation: Some(generation), published: true, rows, refreshed, audit, violations })
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
    let context = Planner::new(library, generation.as_of).session()?;
    lake.register(&context);
    views::register(&context, &Landing::of(lake, generation).await?.providers()?).await?;
    for (job, cut) in &generation.tables {
        let provider = lake.job_table_version(job, cut.version).await?.provider()?;
        context.register_table(job.as_str(), provider).map_err(EngineError::query(job))?;
    }
    Ok(context)
}

/// A run under way.
struct Run<'a> {
    lake: &'a Lake,
    library: &'a Library,
    planner: Planner<'a>,
    /// The tables as this run has them so far.
    context: SessionContext,
    request: &'a Request,
    last: Option<Generation>,
    /// What is new in the tables so far.
    changes: BTreeMap<String, Change>,
    /// Rows of the tables so far.
    rows: BTreeMap<String, u64>,
}

/// A job's table as the last generation shows it.
struct Before {
    table: Table,
    cut: TableCut,
}

/// A job's table as this run will show it.
struct Computed<'a> {
    job: &'a Job,
    fingerprint: String,
    content: Content,
    refreshed: Refreshed,
}

enum Content {
    /// As before.
    Same(TableCut),
    /// Some rows replaced.
    Changed { table: Box<Table>, rows: u64, change: Box<StagedChange> },
    /// All rows replaced.
    New { schema: SchemaRef, staged: Staged },
}

impl Content {
    const fn rows(&self) -> u64 {
        match self {
            Self::Same(cut) => cut.rows,
            Self::Changed { rows, .. } => *rows,
            Self::New { staged, .. } => staged.rows(),
        }
    }

    const fn is_new(&self) -> bool {
        !matches!(self, Self::Same(_))
    }
}

impl Computed<'_> {
    async fn commit(self, lake: &Lake) -> Result<TableCut, EngineError> {
        let fingerprint = self.fingerprint;
        let rows = self.content.rows();
        match self.content {
            Content::Same(cut) => Ok(TableCut { fingerprint, ..cut }),
            Content::Changed { table, change, .. } => {
                let digest = change.digest().to_owned();
                let version = lake.commit_change(*table, &change).await?.version();
                Ok(TableCut { version, rows, digest, fingerprint })
            }
            Content::New { schema, staged } => {
                let version = lake.replace(&self.job.name, &schema, &staged).await?.version();
                Ok(TableCut { version, rows, digest: staged.digest().to_owned(), fingerprint })
            }
        }
    }

    async fn discard(&self, lake: &Lake) -> Result<(), EngineError> {
        match &self.content {
            Content::Same(_) => {}
            Content::Changed { change, .. } => lake.discard_change(change).await?,
            Content::New { staged, .. } => lake.discard(&self.job.name, staged).await?,
        }
        Ok(())
    }
}

impl<'a> Run<'a> {
    /// Brings a job's table up to date, for later jobs and for the audit.
    async fn refresh(&mut self, job: &'a Job) -> Result<Computed<'a>, EngineError> {
        let fingerprint = self.library.fingerprint(job, self.request.as_of);
        let before = self.before(job).await?;
        let same_meaning = before.as_ref().is_some_and(|before| before.cut.fingerprint == fingerprint);
        let mut reason = match (&before, &self.last) {
            (_, None) => "the first run",
            (None, _) => "it has no table yet that the last generation shows",
            (Some(_), _) if !same_meaning => "it means something else than before",
            _ => "",
        }
        .to_owned();
        if let Some(before) = before.as_ref().filter(|_| same_meaning) {
            if !job.reads.iter().any(|read| self.changes.contains_key(read)) {
                return self.kept(job, fingerprint, before, Refreshed::Kept);
            }
            match self.by_key(job, &fingerprint, before).await {
                Ok(computed) => return Ok(computed),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Blocked(blocked)) => reason = blocked.to_string(),
            }
        }
        self.in_full(job, fingerprint, before, Refreshed::Full(reason)).await
    }

    /// The job's table, when it is as the last generation shows it. A run that was killed between its commits and
    /// its publication leaves a later version, which nobody reads.
    async fn before(&self, job: &Job) -> Result<Option<Before>, EngineError> {
        let Some(cut) = self.last.as_ref().and_then(|last| last.tables.get(&job.name)) else { return Ok(None) };
        let table = self.lake.job_table(&job.name).await?.filter(|table| table.version() == cut.version);
        Ok(table.map(|table| Before { table, cut: cut.clone() }))
    }

    fn kept(
        &mut self,
        job: &'a Job,
        fingerprint: String,
        before: &Before,
        refreshed: Refreshed,
    ) -> Result<Computed<'a>, EngineError> {
        self.show(job, before.table.provider()?, before.cut.rows)?;
        Ok(Computed { job, fingerprint, content: Content::Same(before.cut.clone()), refreshed })
    }

    fn show(&mut self, job: &Job, provider: Arc<dyn TableProvider>, rows: u64) -> Result<(), EngineError> {
        self.context.register_table(&job.name, provider).map_err(EngineError::query(&*job.name))?;
        self.rows.insert(job.name.clone(), rows);
        Ok(())
    }

    /// Computes the rows of those keys which the changes reach.
    async fn by_key(&mut self, job: &'a Job, fingerprint: &str, before: &Before) -> Result<Computed<'a>, Stop> {
        let planned = self.planner.plan(&self.context, job).await?;
        if before.table.schema()? != rows::nullable(&planned.schema) {
            return Err(Stop::Blocked(refresh::blocked("its columns are not those of before")));
        }
        let plan = self.context.state().optimize(&planned.plan).map_err(EngineError::query(&*job.name))?;
        let partitions = Partition::of(&plan, &job.header.key).map_err(|blocked| refresh::none(&blocked))?;
        let refresher = self.refresher();
        let mut stop = None;
        for partition in &partitions {
            match refresh::by_key(&refresher, &plan, &partition.column).await {
                Ok(None) => return Ok(self.kept(job, fingerprint.to_owned(), before, Refreshed::Kept)?),
                Ok(Some((values, narrowed))) => {
                    let after = refresh::collect(&self.context, &narrowed).await?;
                    let (column, count) = (partition.column.clone(), values.len());
                    let refreshed = Refreshed::Keys { column, values: count };
                    let (removed, added) =
                        self.compare(job, before, &partition.column, &values, &planned.schema, &after).await?;
                    return Ok(self
                        .changed(job, fingerprint.to_owned(), before, vec![removed], vec![added], refreshed)
                        .await?);
                }
                Err(Stop::Blocked(blocked)) => stop = stop.or(Some(blocked)),
                Err(failed) => return Err(failed),
            }
        }
        Err(Stop::Blocked(stop.unwrap_or_else(|| refresh::blocked("its key is empty"))))
    }

    /// Rows of some values of a column: those that went and those that came.
    async fn compare(
        &self,
        job: &Job,
        before: &Before,
        column: &str,
        values: &Values,
        schema: &SchemaRef,
        after: &[RecordBatch],
    ) -> Result<(RecordBatch, RecordBatch), EngineError> {
        let schema = rows::nullable(schema);
        let after = rows::among(&rows::concat(&schema, after)?, column, values.array())?;
        let after = rows::sorted(&after, &job.header.key)?;
        if let Some(key) = KeyCheck::new(&job.header.key, &schema)?.repeated(&after)? {
            return Err(two_rows(job, &key));
        }
        let keys = values.named(column)?;
        let old = self.lake.rows_by_key(&before.table, &job.header.key, &[column.to_owned()], &keys).await?;
        rows::difference(&rows::concat(&schema, &old)?, &after)
    }

    /// The table with some rows replaced.
    async fn changed(
        &mut self,
        job: &'a Job,
        fingerprint: String,
        before: &Before,
        removed: Vec<RecordBatch>,
        added: Vec<RecordBatch>,
        refreshed: Refreshed,
    ) -> Result<Computed<'a>, EngineError> {
        if removed.iter().chain(&added).all(|batch| batch.num_rows() == 0) {
            return self.kept(job, fingerprint, before, refreshed);
        }
        let (table, cut) = (Box::new(before.table.clone()), &before.cut);
        let key = &job.header.key;
        let change = self.lake.stage_change(&job.name, &table, key, &removed, &added, &cut.digest).await?;
        let change = Box::new(change);
        let rows = cut.rows + change.added() - change.removed();
        self.show(job, self.lake.changed_provider(&table, &change)?, rows)?;
        self.changes.insert(job.name.clone(), Change::Rows { removed, added });
        Ok(Computed { job, fingerprint, content: Content::Changed { table, rows, change }, refreshed })
    }

    /// Checks every invariant on the tables of this run.
    async fn audit(
        &self,
        landing: &BTreeMap<String, Arc<dyn TableProvider>>,
    ) -> Result<(Audit, Violations), EngineError> {
        let held = self.last.as_ref().map(|last| &last.audit);
        audit::audit(&self.planner, &self.refresher(), landing, held, self.request.as_of).await
    }

    const fn refresher(&self) -> Refresher<'_> {
        let Limits { keys: most, small, .. } = self.request.refresh;
        Refresher { context: &self.context, changes: &self.changes, rows: &self.rows, most, small }
    }

    /// Computes every row.
    async fn in_full(
        &mut self,
        job: &'a Job,
        fingerprint: String,
        before: Option<Before>,
        refreshed: Refreshed,
    ) -> Result<Computed<'a>, EngineError> {
        let planned = self.planner.plan(&self.context, job).await?;
        let schema = planned.schema;
        let staged = stage(self.lake, &self.context, job, planned.plan, &schema).await?;
        let provider = self.lake.staged_provider(&job.name, schema.clone(), &staged)?;
        if let Some(before) = before {
            if before.cut.digest == staged.digest() {
                self.lake.discard(&job.name, &staged).await?;
                return self.kept(job, fingerprint, &before, refreshed);
            }
            if let Some((removed, added)) = self.changed_rows(job, &before, &schema, provider.clone()).await? {
                self.lake.discard(&job.name, &staged).await?;
                return self.changed(job, fingerprint, &before, removed, added, refreshed).await;
            }
        }
        self.show(job, provider, staged.rows())?;
        self.changes.insert(job.name.clone(), Change::All);
        Ok(Computed { job, fingerprint, content: Content::New { schema, staged }, refreshed })
    }

    /// The rows by which a table that was computed in full differs from the one before, when they are few.
    async fn changed_rows(
        &self,
        job: &Job,
        before: &Before,
        schema: &SchemaRef,
        now: Arc<dyn TableProvider>,
    ) -> Result<Option<(Vec<RecordBatch>, Vec<RecordBatch>)>, EngineError> {
        if before.table.schema()? != rows::nullable(schema) {
            return Ok(None);
        }
        let half = usize::try_from(before.cut.rows / 2).unwrap_or(usize::MAX);
        let most = self.request.refresh.rows.min(half);
        let failed = || EngineError::query(&*job.name);
        let sorted = |table| {
            let order = job.header.key.iter().map(|key| datafusion::logical_expr::ident(key).sort(true, true));
            self.context.read_table(table)?.sort(order.collect())
        };
        let old = sorted(before.table.provider()?).map_err(failed())?.execute_stream().await.map_err(failed())?;
        let new = sorted(now).map_err(failed())?.execute_stream().await.map_err(failed())?;
        rows::changed(old, new, &job.header.key, most).await
    }
}

/// Computes a job into staged files, and holds it to its key.
async fn stage(
    lake: &Lake,
    context: &SessionContext,
    job: &Job,
    plan: LogicalPlan,
    schema: &SchemaRef,
) -> Result<Staged, EngineError> {
    let frame = context.execute_logical_plan(plan).await.map_err(EngineError::query(&*job.name))?;
    let mut stream = frame.execute_stream().await.map_err(EngineError::query(&*job.name))?;
    let mut writer = lake.stage(&job.name, rows::nullable(schema))?;
    let mut key = KeyCheck::new(&job.header.key, schema)?;
    while let Some(batch) = stream.try_next().await.map_err(EngineError::query(&*job.name))? {
        if let Some(key) = key.repeated(&batch)? {
            return Err(two_rows(job, &key));
        }
        writer.write(&batch).await?;
    }
    Ok(writer.finish().await?)
}

fn two_rows(job: &Job, key: &str) -> EngineError {
    EngineError::Result { job: job.name.clone(), reason: format!("two rows have the key {key}") }
}
