//! Write, audit, publish.
//!
//! A run computes every job on one cut of the landing tables, into staged files that only it reads; checks every
//! invariant on them; and only when all hold commits the tables and publishes a generation. A failed audit leaves
//! the last good generation in service.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::row::{OwnedRow, RowConverter, SortField};
use chrono::{DateTime, NaiveDate, Utc};
use commit::generation::{Audit, Candidate, Generation, LandingCut, TableCut};
use datafusion::catalog::TableProvider;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use futures::TryStreamExt as _;
use lake::{Lake, LandingTable, Staged};
use serde_json::{Map, Value};

use crate::{EngineError, Job, Library, Planner, views};

/// Every row that landed is in exactly one of accepted or rejected, and there are as many as were delivered.
pub const LANDED_ONCE: &str = "INV-LANDED-ONCE";

/// Violations of an invariant that a report shows.
const SHOWN: usize = 10;

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
    pub violations: BTreeMap<String, Vec<Map<String, Value>>>,
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
    let planner = Planner::new(library, request.as_of);
    let context = planner.session()?;
    lake.register(&context);
    let (landing, tables) = landing(lake, request.partitions).await?;
    views::register(&context, &tables).await?;

    let mut results = Vec::with_capacity(library.jobs.len());
    for (index, job) in library.jobs.iter().enumerate() {
        progress(Progress::Job { name: &job.name, number: index + 1, of: library.jobs.len() });
        let planned = planner.plan(&context, job).await?;
        let staged = stage(lake, &context, job, planned.plan, &planned.schema).await?;
        let provider = lake.staged_provider(&job.name, planned.schema.clone(), &staged)?;
        context.register_table(&job.name, provider).map_err(EngineError::query(&*job.name))?;
        let result = Computed { job, schema: planned.schema, staged, fingerprint: job.fingerprint() };
        let changed = result.cut_in(last.as_ref()).is_none();
        progress(Progress::Done { name: &job.name, rows: result.staged.rows(), changed });
        results.push(result);
    }

    progress(Progress::Audit);
    let (audit, violations) = audit(&context, &planner, library, &tables).await?;
    let rows = results.iter().map(|result| (result.job.name.clone(), result.staged.rows())).collect();
    let Ok(permit) = audit.clone().permit() else {
        for result in &results {
            lake.discard(&result.job.name, &result.staged).await?;
        }
        return Ok(Report { generation: None, published: false, rows, audit, violations });
    };
    let mut candidate = Candidate { landing, tables: BTreeMap::new() };
    for result in results {
        let cut = result.commit(lake, last.as_ref()).await?;
        candidate.tables.insert(result.job.name.clone(), cut);
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
    let context = Planner::new(library, generation.as_of).session()?;
    lake.register(&context);
    let mut landing: BTreeMap<String, Arc<dyn TableProvider>> = BTreeMap::new();
    for (contract, cut) in &generation.landing {
        landing.insert(contract.clone(), lake.landing_version(contract, cut.version).await?.provider()?);
    }
    views::register(&context, &landing).await?;
    for (job, cut) in &generation.tables {
        let provider = lake.job_table_version(job, cut.version).await?.provider()?;
        context.register_table(job.as_str(), provider).map_err(EngineError::query(job))?;
    }
    Ok(context)
}

struct Computed<'a> {
    job: &'a Job,
    schema: SchemaRef,
    staged: Staged,
    fingerprint: String,
}

impl Computed<'_> {
    /// The table of the last generation, when it holds the same rows.
    fn cut_in<'g>(&self, last: Option<&'g Generation>) -> Option<&'g TableCut> {
        last?
            .tables
            .get(&self.job.name)
            .filter(|cut| cut.digest == self.staged.digest() && cut.fingerprint == self.fingerprint)
    }

    async fn commit(&self, lake: &Lake, last: Option<&Generation>) -> Result<TableCut, EngineError> {
        if let Some(same) = self.cut_in(last) {
            lake.discard(&self.job.name, &self.staged).await?;
            return Ok(same.clone());
        }
        let table = lake.replace(&self.job.name, &self.schema, &self.staged).await?;
        Ok(TableCut {
            version: table.version(),
            rows: self.staged.rows(),
            digest: self.staged.digest().to_owned(),
            fingerprint: self.fingerprint.clone(),
        })
    }
}

type LandingTables = (BTreeMap<String, LandingCut>, BTreeMap<String, Arc<dyn TableProvider>>);

/// One cut of the landing tables. The table of `file` records is read first: what it names has landed before it.
async fn landing(lake: &Lake, partitions: i32) -> Result<LandingTables, EngineError> {
    let mut cuts = BTreeMap::new();
    let mut tables: BTreeMap<String, Arc<dyn TableProvider>> = BTreeMap::new();
    let files_first = |name: &str| (name != "file", name.to_owned());
    let mut contracts: Vec<_> = schemas::contracts().values().collect();
    contracts.sort_by_key(|contract| files_first(&contract.name));
    for contract in contracts {
        if let Some(table) = lake.landing(&contract.name).await? {
            let positions = LandingTable::new(lake, contract).heads_of(&table, partitions).await?;
            cuts.insert(contract.name.clone(), LandingCut { version: table.version(), positions });
            tables.insert(contract.name.clone(), table.provider()?);
        }
    }
    Ok((cuts, tables))
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
    let mut writer = lake.stage(&job.name, nullable(schema))?;
    let mut key = KeyCheck::new(job, schema)?;
    while let Some(batch) = stream.try_next().await.map_err(EngineError::query(&*job.name))? {
        key.check(&batch)?;
        writer.write(&batch).await?;
    }
    Ok(writer.finish().await?)
}

fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>()))
}

/// Rows come sorted by key, so two rows of one key stand side by side.
struct KeyCheck<'a> {
    job: &'a Job,
    columns: Vec<usize>,
    converter: RowConverter,
    last: Option<OwnedRow>,
}

impl<'a> KeyCheck<'a> {
    fn new(job: &'a Job, schema: &SchemaRef) -> Result<Self, EngineError> {
        let columns = job.header.key.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let fields = columns.iter().map(|&index| SortField::new(schema.field(index).data_type().clone()));
        Ok(Self { job, converter: RowConverter::new(fields.collect())?, columns, last: None })
    }

    fn check(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        let keys = batch.project(&self.columns)?;
        let rows = self.converter.convert_columns(keys.columns())?;
        for (index, row) in rows.iter().enumerate() {
            let before = if index == 0 { self.last.as_ref().map(OwnedRow::row) } else { Some(rows.row(index - 1)) };
            if before == Some(row) {
                let key = Value::Object(schemas::json::row(&keys, index)).to_string();
                return Err(EngineError::Result {
                    job: self.job.name.clone(),
                    reason: format!("two rows have the key {key}"),
                });
            }
        }
        if rows.num_rows() > 0 {
            self.last = Some(rows.row(rows.num_rows() - 1).owned());
        }
        Ok(())
    }
}

type Violations = BTreeMap<String, Vec<Map<String, Value>>>;

async fn audit(
    context: &SessionContext,
    planner: &Planner<'_>,
    library: &Library,
    landing: &BTreeMap<String, Arc<dyn TableProvider>>,
) -> Result<(Audit, Violations), EngineError> {
    let mut plans = Vec::new();
    if let Some(sql) = views::landed_otherwise(landing) {
        let plan = context.state().create_logical_plan(&sql).await.map_err(EngineError::query(LANDED_ONCE))?;
        plans.push((LANDED_ONCE, plan));
    }
    for invariant in &library.invariants {
        plans.push((invariant.name.as_str(), planner.plan_invariant(context, invariant).await?));
    }
    let mut audit = Audit::default();
    let mut violations = Violations::new();
    for (name, plan) in plans {
        let frame = context.execute_logical_plan(plan).await.map_err(EngineError::query(name))?;
        let mut stream = frame.execute_stream().await.map_err(EngineError::query(name))?;
        let mut count = 0;
        while let Some(batch) = stream.try_next().await.map_err(EngineError::query(name))? {
            let shown = violations.entry(name.to_owned()).or_default();
            shown.extend(
                (0..batch.num_rows())
                    .take(SHOWN.saturating_sub(shown.len()))
                    .map(|row| schemas::json::row(&batch, row)),
            );
            count += batch.num_rows() as u64;
        }
        violations.retain(|_, rows| !rows.is_empty());
        audit.invariants.insert(name.to_owned(), count);
    }
    Ok((audit, violations))
}
