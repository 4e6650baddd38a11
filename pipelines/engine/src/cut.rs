//! One cut of what has landed, and jobs computed on it.
//!
//! A [`Cut`] is a session over fixed versions of the landing tables, one library and one business date: all that a
//! job's rows depend on. Jobs computed on it are staged beside their tables; whether they are committed, compared or
//! thrown away is for the caller to say.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::row::{OwnedRow, RowConverter, SortField};
use chrono::NaiveDate;
use commit::generation::{Audit, LandingCut};
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

type Tables = BTreeMap<String, Arc<dyn TableProvider>>;

/// The first violations of each broken invariant.
pub type Violations = BTreeMap<String, Vec<Map<String, Value>>>;

/// Fixed versions of the landing tables, a library and a business date, in one session.
pub struct Cut<'a> {
    lake: &'a Lake,
    library: &'a Library,
    planner: Planner<'a>,
    context: SessionContext,
    landing: BTreeMap<String, LandingCut>,
    tables: Tables,
}

impl fmt::Debug for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cut").field("landing", &self.landing).finish_non_exhaustive()
    }
}

/// A job's rows, staged.
#[derive(Debug, Clone)]
pub struct Computed {
    /// Its columns.
    pub schema: SchemaRef,
    /// Its files.
    pub staged: Staged,
}

impl<'a> Cut<'a> {
    /// What has landed by now.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub async fn now(
        lake: &'a Lake,
        library: &'a Library,
        as_of: NaiveDate,
        partitions: i32,
    ) -> Result<Self, EngineError> {
        let (landing, tables) = landed(lake, partitions).await?;
        Self::open(lake, library, as_of, landing, tables).await
    }

    /// The landing tables as a generation shows them.
    ///
    /// # Errors
    /// When one of the versions cannot be read any more.
    pub async fn then(
        lake: &'a Lake,
        library: &'a Library,
        as_of: NaiveDate,
        landing: &BTreeMap<String, LandingCut>,
    ) -> Result<Self, EngineError> {
        let mut tables = Tables::new();
        for (contract, cut) in landing {
            tables.insert(contract.clone(), lake.landing_version(contract, cut.version).await?.provider()?);
        }
        Self::open(lake, library, as_of, landing.clone(), tables).await
    }

    async fn open(
        lake: &'a Lake,
        library: &'a Library,
        as_of: NaiveDate,
        landing: BTreeMap<String, LandingCut>,
        tables: Tables,
    ) -> Result<Self, EngineError> {
        let planner = Planner::new(library, as_of);
        let context = planner.session()?;
        lake.register(&context);
        views::register(&context, &tables).await?;
        Ok(Self { lake, library, planner, context, landing, tables })
    }

    /// The session: parameters, contracts, and the jobs that were computed or shown so far.
    #[must_use]
    pub const fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The versions and positions of the landing tables.
    #[must_use]
    pub const fn landing(&self) -> &BTreeMap<String, LandingCut> {
        &self.landing
    }

    /// Computes a job into staged files, holds it to its key, and lets later jobs read it.
    ///
    /// # Errors
    /// When the job is wrong, two of its rows share a key, or a table cannot be read or written.
    pub async fn compute(&self, job: &Job) -> Result<Computed, EngineError> {
        let planned = self.planner.plan(&self.context, job).await?;
        let staged = stage(self.lake, &self.context, job, planned.plan, &planned.schema).await?;
        let provider = self.lake.staged_provider(&job.name, planned.schema.clone(), &staged)?;
        self.show(&job.name, provider)?;
        Ok(Computed { schema: planned.schema, staged })
    }

    /// Lets later jobs read these rows as the job's, in the place of computing it.
    ///
    /// # Errors
    /// When the job has rows already.
    pub fn show(&self, job: &str, rows: Arc<dyn TableProvider>) -> Result<(), EngineError> {
        self.context.register_table(job, rows).map_err(EngineError::query(job))?;
        Ok(())
    }

    /// Checks every invariant on the jobs of the cut; all of them must have been computed or shown.
    ///
    /// # Errors
    /// When an invariant is wrong or a table cannot be read.
    pub async fn audit(&self) -> Result<(Audit, Violations), EngineError> {
        let mut plans = Vec::new();
        if let Some(sql) = views::landed_otherwise(&self.tables) {
            let plan = self.context.state().create_logical_plan(&sql).await;
            plans.push((LANDED_ONCE, plan.map_err(EngineError::query(LANDED_ONCE))?));
        }
        for invariant in &self.library.invariants {
            plans.push((invariant.name.as_str(), self.planner.plan_invariant(&self.context, invariant).await?));
        }
        let mut audit = Audit::default();
        let mut violations = Violations::new();
        for (name, plan) in plans {
            let frame = self.context.execute_logical_plan(plan).await.map_err(EngineError::query(name))?;
            let mut stream = frame.execute_stream().await.map_err(EngineError::query(name))?;
            let mut count = 0;
            while let Some(batch) = stream.try_next().await.map_err(EngineError::query(name))? {
                let shown = violations.entry(name.to_owned()).or_default();
                let more = SHOWN.saturating_sub(shown.len());
                shown.extend((0..batch.num_rows()).take(more).map(|row| schemas::json::row(&batch, row)));
                count += batch.num_rows() as u64;
            }
            violations.retain(|_, rows| !rows.is_empty());
            audit.invariants.insert(name.to_owned(), count);
        }
        Ok((audit, violations))
    }
}

/// The landing tables as they are. The table of `file` records is read first: what it names has landed before it.
async fn landed(lake: &Lake, partitions: i32) -> Result<(BTreeMap<String, LandingCut>, Tables), EngineError> {
    let mut cuts = BTreeMap::new();
    let mut tables = Tables::new();
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
