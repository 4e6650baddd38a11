//! Write, audit, publish.
//!
//! A run computes every job on one cut of the landing tables, into staged files that only it reads; checks every
//! invariant on them; and only when all hold commits the tables and publishes a generation. A failed audit leaves
//! the last good generation in service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, NaiveDate, Utc};
use commit::generation::{Audit, Candidate, Generation, LandingCut, TableCut};
use datafusion::catalog::TableProvider;
use datafusion::execution::context::SessionContext;
use futures::stream::{self, FuturesUnordered, StreamExt as _, TryStreamExt as _};
use lake::{Lake, Staged, StagedChange, Table};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::audit::{Violations, audit};
use crate::changes::Landing;
use crate::cut::{Computed, Cut};
use crate::executor::Executor;
use crate::partition::Partition;
use crate::refresh::{self, Change, Refresher, Stop, Values};
use crate::rows::sorted::{self, KeyCheck};
use crate::rows::{self, Difference};
use crate::views::WITHOUT_FILE;
use crate::{EngineError, Job, Library, PlannedJob};

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct Request {
    /// The business date to compute for.
    pub as_of: NaiveDate,
    /// The time that the generation carries.
    pub published_at: DateTime<Utc>,
    /// A random identity of this run.
    pub writer: String,
    /// How much is computed again.
    pub refresh: Limits,
    /// Leave no deleted row in the files of the tables.
    pub compact: bool,
    /// Where that runs which is computed in full. When it reads plain files, no deleted row is left for it either.
    pub executor: Arc<dyn Executor>,
}

/// How much is computed at once, and where refreshing by key ends and computing in full begins. What is computed is the
/// same; how fast is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Keys of one job; with more, the job is computed in full. 0 computes everything in full.
    pub keys: usize,
    /// Rows of a table that is read whole rather than looked up.
    pub small: u64,
    /// So many rows can be read in the time that one question to the tables takes: a job is computed for some keys only
    /// where that promises to be cheaper than computing it in full. 0 computes for keys whatever it costs.
    pub look_up: u64,
    /// Rows that a change carries from job to job; of a larger one, all that hangs on it is computed in full.
    pub rows: usize,
    /// Jobs that are computed side by side: those that depend on nothing of each other. They share the processors and
    /// the memory.
    pub jobs: usize,
}

/// Tables that are committed side by side, at most: a commit is waiting for the store, above all.
const COMMITS: usize = 16;

impl Default for Limits {
    fn default() -> Self {
        Self { keys: 20_000, small: 50_000, look_up: 100_000, rows: 200_000, jobs: 4 }
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
    /// What had landed when it began.
    pub landing: BTreeMap<String, LandingCut>,
    /// What the audit found.
    pub audit: Audit,
    /// The first violations of each broken invariant.
    pub violations: BTreeMap<String, Vec<Map<String, Value>>>,
}

/// What has landed by now, as a generation would say it.
///
/// # Errors
/// When a table cannot be read.
pub async fn landed(lake: &Lake) -> Result<BTreeMap<String, LandingCut>, EngineError> {
    Ok(Landing::now(lake).await?.cuts)
}

/// What of it brings rows into view: rows of files are seen with their `file` record, and decisions belong to none.
///
/// # Errors
/// When a table cannot be read.
pub async fn landed_signs(lake: &Lake) -> Result<BTreeMap<String, LandingCut>, EngineError> {
    Ok(Landing::of(lake, |name| WITHOUT_FILE.contains(&name)).await?.cuts)
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
    let cut = Cut::now(lake, library, request.as_of).await?.on(request.executor.clone());
    let changes = match &last {
        Some(last) if last.landing != cut.landing.cuts => {
            let before = Landing::then(lake, &last.landing).await?;
            cut.landing.since(&before, &cut.context, request.refresh.rows).await?
        }
        _ => BTreeMap::new(),
    };
    let rows = cut.landing.rows()?;
    let tables = Tables { changes, rows };
    let plain = request.compact || request.executor.reads_plain_files();
    let mut run = Run { cut, limits: request.refresh, last, tables };
    let results = run.jobs(progress).await?;

    progress(Progress::Audit);
    faults::AUDIT.before();
    let (audit, violations) = run.audit().await?;
    faults::AUDIT.after();
    let rows = results.iter().map(|result| (result.job.name.clone(), result.content.rows())).collect();
    let refreshed = results.iter().map(|result| (result.job.name.clone(), result.refreshed.clone())).collect();
    let landing = run.cut.landing.cuts.clone();
    let permit = audit.clone().permit();
    let report =
        Report { generation: None, published: false, rows, refreshed, landing: landing.clone(), audit, violations };
    let Ok(permit) = permit else {
        for result in &results {
            result.discard(lake).await?;
        }
        return Ok(report);
    };
    let (digest, bytes) = library.to_keep()?;
    if run.last.as_ref().is_none_or(|last| last.library.as_ref() != Some(&digest)) {
        lake.keep_library(&digest, bytes).await?;
    }
    let parts = library.parts();
    let mut candidate = Candidate { landing, library: Some(digest), ..Candidate::default() };
    let commits = results.into_iter().map(|result| async {
        let name = result.job.name.clone();
        let cut = result.commit(lake, plain).await?;
        Ok::<_, EngineError>((name.clone(), TableCut { parts: parts.get(&name).cloned(), ..cut }))
    });
    candidate.tables = stream::iter(commits).buffer_unordered(COMMITS).try_collect().await?;
    let last = run.last;
    if last.as_ref().is_some_and(|last| candidate.shows_the_same(last, request.as_of)) {
        return Ok(Report { generation: last, ..report });
    }
    let generation = candidate
        .publish(last.as_ref(), request.as_of, request.published_at, request.writer.clone(), permit)
        .map_err(|refusal| EngineError::Result { job: "publish".to_owned(), reason: refusal.to_string() })?;
    lake.publish(&generation).await?;
    Ok(Report { generation: Some(generation), published: true, ..report })
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
    Ok(cut.context)
}

/// A run under way.
struct Run<'a> {
    cut: Cut<'a>,
    limits: Limits,
    last: Option<Generation>,
    /// The tables as this run has them so far.
    tables: Tables,
}

/// What is known of the tables that a job reads.
#[derive(Debug, Clone, Default)]
struct Tables {
    /// What is new in them.
    changes: BTreeMap<String, Change>,
    /// Their rows.
    rows: BTreeMap<String, u64>,
}

impl Tables {
    /// Those that some job reads.
    fn of(&self, job: &Job) -> Self {
        let reads = |name: &String| job.reads.contains(name);
        let changes = self.changes.iter().filter(|(name, _)| reads(name));
        let rows = self.rows.iter().filter(|(name, _)| reads(name));
        Self {
            changes: changes.map(|(name, change)| (name.clone(), change.clone())).collect(),
            rows: rows.map(|(name, rows)| (name.clone(), *rows)).collect(),
        }
    }
}

/// A job's table as the last generation shows it.
struct Before {
    table: Table,
    cut: TableCut,
}

/// A job's table as this run will show it.
struct Refresh<'a> {
    job: &'a Job,
    fingerprint: String,
    content: Content,
    refreshed: Refreshed,
    /// Its rows, for later jobs and for the audit.
    provider: Arc<dyn TableProvider>,
    /// What is new in it.
    change: Option<Change>,
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

impl Refresh<'_> {
    /// Commits the rows; `plain` leaves no deleted one in the files.
    async fn commit(self, lake: &Lake, plain: bool) -> Result<TableCut, EngineError> {
        let fingerprint = self.fingerprint;
        let rows = self.content.rows();
        match self.content {
            Content::Same(cut) if plain => {
                Ok(TableCut { version: compacted(lake, self.job, cut.version, plain).await?, fingerprint, ..cut })
            }
            Content::Same(cut) => Ok(TableCut { fingerprint, ..cut }),
            Content::Changed { table, change, .. } => {
                let digest = change.digest().to_owned();
                let version = lake.commit_change(*table, &change).await?.version();
                let version = compacted(lake, self.job, version, plain).await?;
                Ok(TableCut { version, rows, digest, fingerprint, parts: None })
            }
            Content::New { schema, staged } => {
                let version = lake.replace(&self.job.name, &schema, &staged).await?.version();
                Ok(TableCut { version, rows, digest: staged.digest().to_owned(), fingerprint, parts: None })
            }
        }
    }

    async fn discard(&self, lake: &Lake) -> Result<(), EngineError> {
        match &self.content {
            Content::Same(_) => {}
            Content::Changed { change, .. } => lake.discard_change(&self.job.name, change).await?,
            Content::New { staged, .. } => lake.discard(&self.job.name, staged).await?,
        }
        Ok(())
    }
}

/// Compacts a job's table before its version is published: later, the next run would take it for another run's. Gives
/// the version to publish.
async fn compacted(lake: &Lake, job: &Job, version: u64, plain: bool) -> Result<u64, EngineError> {
    let key = &job.header.key;
    let merged = match plain {
        true => lake.compact_deleted(&job.name, key).await?,
        false => lake.compact_keyed(&job.name, key).await?,
    };
    let table = if merged > 0 { lake.job_table(&job.name).await? } else { None };
    Ok(table.map(|table| table.version()).filter(|compacted| *compacted == version + 1).unwrap_or(version))
}

impl<'a> Run<'a> {
    /// Brings every job's table up to date: a job begins when those that it reads are done. The results are in the
    /// order of the library.
    async fn jobs(&mut self, progress: &(dyn Fn(Progress<'_>) + Sync)) -> Result<Vec<Refresh<'a>>, EngineError> {
        let jobs = &self.cut.library.jobs;
        let mut waiting: BTreeMap<usize, &'a Job> = jobs.iter().enumerate().collect();
        let mut open: BTreeSet<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        let mut done: BTreeMap<usize, Refresh<'a>> = BTreeMap::new();
        let Self { cut, limits, last, tables } = self;
        let work = Work { cut, limits: *limits, last: last.as_ref() };
        let mut running = FuturesUnordered::new();
        loop {
            let is_ready = |job: &Job| !job.reads.iter().any(|read| open.contains(read.as_str()));
            let ready = waiting.iter().filter(|(_, job)| is_ready(job)).map(|(index, _)| *index);
            for index in ready.take(limits.jobs.max(1).saturating_sub(running.len())).collect::<Vec<_>>() {
                let Some(job) = waiting.remove(&index) else { continue };
                progress(Progress::Job { name: &job.name, number: index + 1, of: jobs.len() });
                let tables = tables.of(job);
                let work = &work;
                running.push(async move { (index, work.refresh(job, &tables).await) });
            }
            let Some((index, result)) = running.next().await else { break };
            let mut result = result?;
            let (job, rows, refreshed) = (result.job, result.content.rows(), &result.refreshed);
            progress(Progress::Done { name: &job.name, rows, changed: result.content.is_new(), refreshed });
            let shown = result.provider.clone();
            match (&result.content, &result.change) {
                (Content::Changed { table, .. }, Some(Change::Rows(rows))) => {
                    work.cut.show_changed(job, shown, table.provider()?, rows)?;
                }
                _ => work.cut.show(&job.name, shown)?,
            }
            tables.rows.insert(job.name.clone(), rows);
            tables.changes.extend(result.change.take().map(|change| (job.name.clone(), change)));
            open.remove(job.name.as_str());
            done.insert(index, result);
        }
        Ok(done.into_values().collect())
    }

    /// Checks every invariant on the tables of this run.
    async fn audit(&self) -> Result<(Audit, Violations), EngineError> {
        let held = self.last.as_ref().filter(|_| self.limits.keys > 0).map(|last| &last.audit);
        let refresher = refresher(&self.cut, &self.tables, self.limits);
        audit(&self.cut, &refresher, held).await
    }
}

const fn refresher<'t>(cut: &'t Cut<'_>, tables: &'t Tables, limits: Limits) -> Refresher<'t> {
    let Limits { keys: most, small, look_up, .. } = limits;
    Refresher { context: &cut.context, changes: &tables.changes, rows: &tables.rows, most, small, look_up }
}

/// What jobs are computed with, side by side.
struct Work<'r, 'a> {
    cut: &'r Cut<'a>,
    limits: Limits,
    last: Option<&'r Generation>,
}

impl<'a> Work<'_, 'a> {
    /// Brings a job's table up to date.
    async fn refresh(&self, job: &'a Job, tables: &Tables) -> Result<Refresh<'a>, EngineError> {
        let fingerprint = self.cut.library.fingerprint(job, self.cut.planner.as_of());
        let before = self.before(job).await?;
        let by_key = self.limits.keys > 0;
        let same_meaning = before.as_ref().is_some_and(|before| before.cut.fingerprint == fingerprint);
        let mut reason = match (&before, self.last) {
            (_, None) => "the first run",
            (None, _) => "it has no table yet that the last generation shows",
            _ if !by_key => "asked for",
            (Some(_), _) if !same_meaning => "it means something else than before",
            _ => "",
        }
        .to_owned();
        let comparable = before.as_ref().filter(|_| same_meaning && by_key);
        if let Some(before) = comparable
            && tables.changes.is_empty()
        {
            return self.kept(job, fingerprint, before, Refreshed::Kept);
        }
        let planned = self.cut.planner.plan(&self.cut.context, job).await?;
        if let Some(before) = comparable {
            match self.by_key(job, tables, &fingerprint, before, &planned).await {
                Ok(computed) => return Ok(computed),
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Blocked(blocked)) => reason = blocked.to_string(),
            }
        }
        self.in_full(job, fingerprint, before, planned, Refreshed::Full(reason)).await
    }

    /// The job's table, when it is as the last generation shows it. A run that was killed between its commits and
    /// its publication leaves a later version, which nobody reads.
    async fn before(&self, job: &Job) -> Result<Option<Before>, EngineError> {
        let Some(cut) = self.last.and_then(|last| last.tables.get(&job.name)) else { return Ok(None) };
        let table = self.cut.lake.job_table(&job.name).await?.filter(|table| table.version() == cut.version);
        Ok(table.map(|table| Before { table, cut: cut.clone() }))
    }

    fn kept(
        &self,
        job: &'a Job,
        fingerprint: String,
        before: &Before,
        refreshed: Refreshed,
    ) -> Result<Refresh<'a>, EngineError> {
        let (provider, content) = (before.table.provider()?, Content::Same(before.cut.clone()));
        Ok(Refresh { job, fingerprint, content, refreshed, provider, change: None })
    }

    /// Computes the rows of those keys which the changes reach.
    async fn by_key(
        &self,
        job: &'a Job,
        tables: &Tables,
        fingerprint: &str,
        before: &Before,
        planned: &PlannedJob,
    ) -> Result<Refresh<'a>, Stop> {
        if before.table.schema()? != rows::nullable(&planned.schema) {
            return Err(Stop::Blocked(refresh::blocked("its columns are not those of before")));
        }
        let plan = self.cut.context.state().optimize(&planned.plan).map_err(EngineError::query(&*job.name))?;
        let partitions = Partition::of(&plan, &job.header.key).map_err(|blocked| refresh::none(&blocked))?;
        let refresher = refresher(self.cut, tables, self.limits);
        let mut stop = None;
        for partition in &partitions {
            match refresh::by_key(&refresher, &plan, &partition.column, Some(before.cut.rows)).await {
                Ok(None) => return Ok(self.kept(job, fingerprint.to_owned(), before, Refreshed::Kept)?),
                Ok(Some((values, narrowed))) => {
                    let after = refresh::collect(&self.cut.context, &narrowed).await?;
                    let (column, fingerprint) = (&partition.column, fingerprint.to_owned());
                    let refreshed = Refreshed::Keys { column: column.clone(), values: values.len() };
                    let (removed, added) = self.compare(job, before, column, &values, &planned.schema, &after).await?;
                    if removed.num_rows() + added.num_rows() == 0 {
                        return Ok(self.kept(job, fingerprint, before, refreshed)?);
                    }
                    let rows = Difference { removed: vec![removed], added: vec![added] };
                    let change = self.stage_change(job, before, &rows).await?;
                    return Ok(self.changed(job, fingerprint, before, change, rows, refreshed)?);
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
        let after = sorted::by_key(&after, &job.header.key)?;
        KeyCheck::new(&job.header.key, &schema)?.check(job, &after)?;
        let keys = values.named(column)?;
        let old = self.cut.lake.rows_by_key(&before.table, &[column.to_owned()], &keys).await?;
        Ok(rows::difference(&rows::concat(&schema, &old)?, &after)?)
    }

    async fn stage_change(&self, job: &Job, before: &Before, rows: &Difference) -> Result<StagedChange, EngineError> {
        let Difference { removed, added } = rows;
        let key = &job.header.key;
        faults::JOB_STAGE.before();
        let change = self.cut.lake.stage_change(&before.table, key, removed, added, &before.cut.digest).await?;
        faults::JOB_STAGE.after();
        Ok(change)
    }

    /// The table with some rows replaced.
    fn changed(
        &self,
        job: &'a Job,
        fingerprint: String,
        before: &Before,
        change: StagedChange,
        rows: Difference,
        refreshed: Refreshed,
    ) -> Result<Refresh<'a>, EngineError> {
        let (table, change) = (Box::new(before.table.clone()), Box::new(change));
        let count = before.cut.rows + change.added() - change.removed();
        let provider = self.cut.lake.changed_provider(&table, &change)?;
        let content = Content::Changed { table, rows: count, change };
        Ok(Refresh { job, fingerprint, content, refreshed, provider, change: Some(Change::Rows(rows)) })
    }

    /// Computes every row.
    async fn in_full(
        &self,
        job: &'a Job,
        fingerprint: String,
        before: Option<Before>,
        planned: PlannedJob,
        refreshed: Refreshed,
    ) -> Result<Refresh<'a>, EngineError> {
        faults::JOB_STAGE.before();
        let Computed { schema, staged } = self.cut.stage(job, planned).await?;
        faults::JOB_STAGE.after();
        let provider = self.cut.lake.staged_provider(&job.name, schema.clone(), &staged)?;
        if let Some(before) = before {
            if before.cut.digest == staged.digest() {
                self.cut.lake.discard(&job.name, &staged).await?;
                return self.kept(job, fingerprint, &before, refreshed);
            }
            if let Some(rows) = self.changed_rows(job, &before, &schema, provider.clone()).await? {
                let change = self.stage_change(job, &before, &rows).await?;
                // A digest that an older program made in another way does not lead to that of the rows.
                if change.digest() == staged.digest() {
                    self.cut.lake.discard(&job.name, &staged).await?;
                    return self.changed(job, fingerprint, &before, change, rows, refreshed);
                }
                self.cut.lake.discard_change(&job.name, &change).await?;
            }
        }
        let content = Content::New { schema, staged };
        Ok(Refresh { job, fingerprint, content, refreshed, provider, change: Some(Change::All) })
    }

    /// The rows by which a table that was computed in full differs from the one before, when they are few.
    async fn changed_rows(
        &self,
        job: &Job,
        before: &Before,
        schema: &SchemaRef,
        now: Arc<dyn TableProvider>,
    ) -> Result<Option<Difference>, EngineError> {
        if before.table.schema()? != rows::nullable(schema) {
            return Ok(None);
        }
        let half = usize::try_from(before.cut.rows / 2).unwrap_or(usize::MAX);
        let most = self.limits.rows.min(half);
        let failed = || EngineError::query(&*job.name);
        let in_order = |table| {
            let order = job.header.key.iter().map(|key| datafusion::logical_expr::ident(key).sort(true, true));
            self.cut.context.read_table(table)?.sort(order.collect())
        };
        let old = in_order(before.table.provider()?).map_err(failed())?.execute_stream().await.map_err(failed())?;
        let new = in_order(now).map_err(failed())?.execute_stream().await.map_err(failed())?;
        sorted::changed(old, new, &job.header.key, most).await
    }
}

#[cfg(test)]
mod tests;
