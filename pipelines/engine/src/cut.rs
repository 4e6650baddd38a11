//! One cut of what has landed, and jobs computed on it.
//!
//! A [`Cut`] is a session over fixed versions of the landing tables, one library and one business date: all that a
//! job's rows depend on. Jobs computed on it are staged beside their tables; whether they are committed, compared or
//! thrown away is for the caller to say.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::NaiveDate;
use commit::generation::{Audit, LandingCut};
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::Transformed;
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::logical_expr::{LogicalPlan, TableScan};
use futures::TryStreamExt as _;
use lake::{Lake, Staged};

use crate::audit::audit;
use crate::changes::Landing;
use crate::executor::{Executor, Here};
use crate::lock::lock;
use crate::refresh::Refresher;
use crate::rows::sorted::KeyCheck;
use crate::rows::{self, Difference};
use crate::views::PlanTable;
use crate::{EngineError, Job, Library, PlannedJob, Planner, memory, views};

pub use crate::audit::{LANDED_ONCE, Violations};

/// Fixed versions of the landing tables, a library and a business date, in one session.
pub struct Cut<'a> {
    pub(crate) lake: &'a Lake,
    pub(crate) library: &'a Library,
    pub(crate) planner: Planner<'a>,
    pub(crate) context: SessionContext,
    pub(crate) landing: Landing,
    executor: Arc<dyn Executor>,
    /// What the executor reads in the place of tables whose files hold deleted rows, when it reads plain files.
    plain: Mutex<BTreeMap<String, Arc<dyn TableProvider>>>,
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
    pub async fn now(lake: &'a Lake, library: &'a Library, as_of: NaiveDate) -> Result<Self, EngineError> {
        Self::open(lake, library, as_of, Landing::now(lake).await?).await
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
        Self::open(lake, library, as_of, Landing::then(lake, landing).await?).await
    }

    async fn open(
        lake: &'a Lake,
        library: &'a Library,
        as_of: NaiveDate,
        landing: Landing,
    ) -> Result<Self, EngineError> {
        let planner = Planner::new(library, as_of);
        let context = planner.session()?;
        lake.register(&context);
        views::register(&context, &landing.providers()?).await?;
        Ok(Self { lake, library, planner, context, landing, executor: Arc::new(Here), plain: Mutex::default() })
    }

    /// Computes whole jobs with `executor`; otherwise they are computed in this process.
    #[must_use]
    pub fn on(self, executor: Arc<dyn Executor>) -> Self {
        Self { executor, ..self }
    }

    /// The session: parameters, contracts, and the jobs that were computed or shown so far.
    #[must_use]
    pub const fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The versions and positions of the landing tables.
    #[must_use]
    pub const fn landing(&self) -> &BTreeMap<String, LandingCut> {
        &self.landing.cuts
    }

    /// Computes a job into staged files, holds it to its key, and lets later jobs read it.
    ///
    /// # Errors
    /// When the job is wrong, two of its rows share a key, or a table cannot be read or written.
    pub async fn compute(&self, job: &Job) -> Result<Computed, EngineError> {
        let computed = self.stage(job, self.planner.plan(&self.context, job).await?).await?;
        self.show(&job.name, self.lake.staged_provider(&job.name, computed.schema.clone(), &computed.staged)?)?;
        Ok(computed)
    }

    /// Computes a planned job into staged files, and holds it to its key.
    pub(crate) async fn stage(&self, job: &Job, planned: PlannedJob) -> Result<Computed, EngineError> {
        let PlannedJob { plan, schema } = planned;
        let write = async |state| {
            again_if_lost(async || self.write(job, SessionState::clone(&state), plan.clone(), &schema).await).await
        };
        let staged = memory::within_limit(self.context.state(), write).await?;
        Ok(Computed { schema, staged })
    }

    async fn write(
        &self,
        job: &Job,
        state: SessionState,
        plan: LogicalPlan,
        schema: &SchemaRef,
    ) -> Result<Staged, EngineError> {
        let failed = || EngineError::query(&*job.name);
        let mut stream = self.execute(state, plan).await.map_err(failed())?;
        let mut writer = self.lake.stage(&job.name, rows::nullable(schema))?.sorted_by(&job.header.key);
        let mut key = KeyCheck::new(&job.header.key, schema)?;
        while let Some(batch) = stream.try_next().await.map_err(failed())? {
            key.check(job, &batch)?;
            writer.write(&batch).await?;
        }
        Ok(writer.finish().await?)
    }

    /// All rows of a plan that is computed in full.
    pub(crate) async fn collect(&self, name: &str, plan: &LogicalPlan) -> Result<Vec<RecordBatch>, EngineError> {
        let failed = || EngineError::query(name);
        let rows = async || {
            let rows = self.execute(self.context.state(), plan.clone()).await.map_err(failed())?;
            rows.try_collect().await.map_err(failed())
        };
        again_if_lost(rows).await
    }

    async fn execute(
        &self,
        state: SessionState,
        plan: LogicalPlan,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let plain = lock(&self.plain).clone();
        let plain = |node: LogicalPlan| match node {
            LogicalPlan::TableScan(scan) => Ok(match plain.get(scan.table_name.table()) {
                Some(rows) => {
                    let source = provider_as_source(rows.clone());
                    Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan }))
                }
                None => Transformed::no(LogicalPlan::TableScan(scan)),
            }),
            other => Ok(Transformed::no(other)),
        };
        self.executor.execute(state, plan.transform_up_with_subqueries(plain)?.data).await
    }

    /// Lets later jobs read a changed table: the rows of `before` by the given difference. `shown` holds the same rows.
    pub(crate) fn show_changed(
        &self,
        job: &Job,
        shown: Arc<dyn TableProvider>,
        before: Arc<dyn TableProvider>,
        rows: &Difference,
    ) -> Result<(), EngineError> {
        self.show(&job.name, shown)?;
        if self.executor.reads_plain_files() {
            let plain = rows.applied_to(before, &job.header.key).map_err(EngineError::query(&*job.name))?;
            lock(&self.plain).insert(job.name.clone(), Arc::new(PlanTable::new(plain)));
        }
        Ok(())
    }

    /// Lets later jobs read these rows as the job's, in the place of computing it.
    ///
    /// # Errors
    /// When the job has rows already.
    pub fn show(&self, job: &str, rows: Arc<dyn TableProvider>) -> Result<(), EngineError> {
        self.context.register_table(job, rows).map_err(EngineError::query(job))?;
        Ok(())
    }

    /// Checks every invariant in full on the jobs of the cut; all of them must have been computed or shown.
    ///
    /// # Errors
    /// When an invariant is wrong or a table cannot be read.
    pub async fn audit(&self) -> Result<(Audit, Violations), EngineError> {
        let nothing = BTreeMap::new();
        audit(self, &Refresher::new(&self.context, &nothing), None).await
    }
}

/// Jobs that are computed to be looked at, and thrown away.
#[derive(Debug)]
pub(crate) struct Scratch {
    lake: Lake,
    staged: Vec<(String, Staged)>,
}

impl Scratch {
    pub fn new(lake: &Lake) -> Self {
        Self { lake: lake.clone(), staged: Vec::new() }
    }

    /// Computes a job on a cut, and lets later jobs of the cut read it.
    pub async fn compute(&mut self, cut: &Cut<'_>, job: &Job) -> Result<Computed, EngineError> {
        let computed = cut.compute(job).await?;
        self.staged.push((job.name.clone(), computed.staged.clone()));
        Ok(computed)
    }

    /// Throws away what was computed; what the store does not delete belongs to no table.
    pub async fn discard(self) -> Result<(), EngineError> {
        for (job, staged) in &self.staged {
            self.lake.discard(job, staged).await?;
        }
        Ok(())
    }
}

/// So often is computed again what was lost; by then something else is wrong.
const AGAIN: usize = 3;

/// Computes again what was lost.
async fn again_if_lost<T>(compute: impl AsyncFn() -> Result<T, EngineError>) -> Result<T, EngineError> {
    for _ in 0..AGAIN {
        match compute().await {
            Err(error) if error.is_lost() => {}
            computed => return computed,
        }
    }
    compute().await
}
