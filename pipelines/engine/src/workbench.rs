//! Where jobs are tried: planned against empty tables, and run on the few rows of worked examples.
//!
//! What is the same for many examples is done once. A job is planned once for each business date, and its plan is run
//! on the rows of one example after the other; what a job gives for the same rows is computed once, which counts most for the many jobs upstream that an example
//! leaves empty. All of it stays between two saves of a file, so that an answer takes no longer than the change asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::NaiveDate;
use datafusion::execution::context::SessionContext;
use datafusion::physical_plan::ExecutionPlan;
use sha2::{Digest as _, Sha256};

use crate::example::{Example, Outcome, check_key};
use crate::fingerprint::digest_of_rows;
use crate::lock::lock;
use crate::near::did_you_mean;
use crate::planner::register_empty;
use crate::slots::{self, Contents};
use crate::{EngineError, Job, Library, PlannedJob, Planner, contract_view_schema};

/// Identifies what something was made of.
type Identity = [u8; 32];

/// Results that are kept; a morning's work on one job makes some hundred.
const KEPT: usize = 5_000;

/// The library with everything planned, and what has been tried on it.
///
/// A clone shares what has been tried.
#[derive(Clone)]
pub struct Workbench {
    library: Arc<Library>,
    tables: BTreeMap<String, SchemaRef>,
    /// Every table, empty, to plan against.
    empty: SessionContext,
    fingerprints: Arc<Mutex<BTreeMap<(String, NaiveDate), String>>>,
    plans: Arc<Mutex<BTreeMap<Identity, Prepared>>>,
    results: Arc<Mutex<BTreeMap<Identity, RecordBatch>>>,
}

impl std::fmt::Debug for Workbench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workbench").field("tables", &self.tables.len()).finish_non_exhaustive()
    }
}

/// Rows of a table, and what they were made of.
#[derive(Clone)]
struct Rows {
    batch: RecordBatch,
    identity: Identity,
}

impl Workbench {
    /// Plans the whole library.
    ///
    /// # Errors
    /// The first job or invariant that does not pass its checks.
    pub async fn open(library: Library) -> Result<Self, EngineError> {
        let bench = Self::of(library, |_| true).await?;
        let planner = Planner::new(&bench.library, planning_day());
        for invariant in &bench.library.invariants {
            planner.plan_invariant(&bench.empty, invariant).await?;
        }
        Ok(bench)
    }

    /// Plans these jobs and what they read, and nothing else: enough to try them.
    ///
    /// # Errors
    /// The first job that does not pass its checks.
    pub async fn open_for(library: Library, jobs: &BTreeSet<String>) -> Result<Self, EngineError> {
        let wanted = library.read_by(jobs);
        Self::of(library, |job| wanted.contains(&job.name)).await
    }

    async fn of(library: Library, wanted: impl Fn(&Job) -> bool) -> Result<Self, EngineError> {
        let library = Arc::new(library);
        let planner = Planner::new(&library, planning_day());
        let empty = planner.small_session()?;
        let mut tables = BTreeMap::new();
        for contract in schemas::contracts().values() {
            let schema = contract_view_schema(contract);
            register_empty(&empty, &contract.name, schema.clone())?;
            tables.insert(contract.name.clone(), schema);
        }
        for (name, rows) in &library.parameters {
            tables.insert(name.clone(), rows.schema());
        }
        for job in library.jobs.iter().filter(|job| wanted(job)) {
            let planned = planner.plan(&empty, job).await?;
            register_empty(&empty, &job.name, planned.schema.clone())?;
            tables.insert(job.name.clone(), planned.schema);
        }
        Ok(Self {
            library,
            tables,
            empty,
            fingerprints: Arc::default(),
            plans: Arc::default(),
            results: Arc::default(),
        })
    }

    /// What is planned.
    #[must_use]
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// The columns of a table.
    #[must_use]
    pub fn schema(&self, table: &str) -> Option<&SchemaRef> {
        self.tables.get(table)
    }

    /// Puts a changed or new job in the place of its former self, when it passes its checks. True says that its
    /// columns are others than before, so that the jobs that read it have to be checked too.
    ///
    /// # Errors
    /// When it does not pass; the former one stays.
    pub async fn replace(&mut self, job: Job) -> Result<bool, EngineError> {
        let library = self.library.with(job.clone())?;
        let planned = Planner::new(&library, planning_day()).plan(&self.empty, &job).await?;
        let is_other = self.tables.get(&job.name) != Some(&planned.schema);
        if is_other {
            self.empty.deregister_table(job.name.as_str()).map_err(EngineError::query(&*job.name))?;
            register_empty(&self.empty, &job.name, planned.schema.clone())?;
            self.tables.insert(job.name, planned.schema);
        }
        self.fingerprints = Arc::default();
        if lock(&self.results).len() > KEPT {
            lock(&self.results).clear();
            lock(&self.plans).clear();
        }
        self.library = Arc::new(library);
        Ok(is_other)
    }

    /// Checks a job again, after one that it reads has changed.
    ///
    /// # Errors
    /// When it no longer passes.
    pub async fn check(&mut self, name: &str) -> Result<(), EngineError> {
        match self.library.job(name).cloned() {
            Some(job) => self.replace(job).await.map(drop),
            None => Ok(()),
        }
    }

    /// Checks the invariants that read one of these tables.
    ///
    /// # Errors
    /// The first that does not pass.
    pub async fn check_invariants(&self, tables: &BTreeSet<String>) -> Result<(), EngineError> {
        let planner = Planner::new(&self.library, planning_day());
        for invariant in &self.library.invariants {
            if !invariant.reads.is_disjoint(tables) {
                planner.plan_invariant(&self.empty, invariant).await?;
            }
        }
        Ok(())
    }

    /// Runs an example of a job and compares.
    ///
    /// # Errors
    /// When the example or the job is wrong in itself.
    pub async fn run(&self, job: &Job, example: &Example) -> Result<Outcome, EngineError> {
        let mut tables = self.given(job, example)?;
        let trial = Trial { bench: self, planner: Planner::new(&self.library, example.as_of), as_of: example.as_of };
        let mut came = Vec::new();
        for step in example.expected() {
            came.push(trial.rows(job, step, &mut tables).await?.batch);
        }
        example.judge(job, &came)
    }

    /// What a job gives for these rows as of a date; tables that are not given are empty or computed.
    ///
    /// # Errors
    /// When the job fails on them.
    pub async fn compute(
        &self,
        job: &Job,
        as_of: NaiveDate,
        given: &BTreeMap<String, RecordBatch>,
    ) -> Result<RecordBatch, EngineError> {
        let identity =
            |name: &String, batch: &RecordBatch| Sha256::digest(format!("{name} {}", digest_of_rows(batch))).into();
        let mut tables: BTreeMap<String, Rows> = given
            .iter()
            .map(|(name, batch)| (name.clone(), Rows { batch: batch.clone(), identity: identity(name, batch) }))
            .collect();
        let trial = Trial { bench: self, planner: Planner::new(&self.library, as_of), as_of };
        Ok(trial.rows(job, None, &mut tables).await?.batch)
    }

    /// What a job reads in an example, parameters that the example does not give left out.
    ///
    /// # Errors
    /// When the example or a job that is computed for it is wrong in itself.
    pub async fn inputs(&self, job: &Job, example: &Example) -> Result<BTreeMap<String, RecordBatch>, EngineError> {
        let mut tables = self.given(job, example)?;
        let trial = Trial { bench: self, planner: Planner::new(&self.library, example.as_of), as_of: example.as_of };
        trial.inputs(job, &mut tables).await?;
        let read = tables.into_iter().filter(|(name, _)| job.reads.contains(name));
        Ok(read.map(|(name, rows)| (name, rows.batch)).collect())
    }

    fn given(&self, job: &Job, example: &Example) -> Result<BTreeMap<String, Rows>, EngineError> {
        let given: BTreeSet<&str> = example.given().map(String::as_str).collect();
        let needed = self.needed(job, &given);
        let mut tables = BTreeMap::new();
        for name in given {
            let known = self.library.table_names();
            if !known.contains(name) {
                let near = did_you_mean(name, known);
                return Err(example.refuse(name, &format!("there is no table {name}{near}")));
            }
            let Some(schema) = self.tables.get(name).filter(|_| needed.contains(name)) else {
                return Err(example.refuse(name, &format!("the job does not need {name}")));
            };
            if let Some(batch) = example.rows(name, schema)? {
                let mut hash = Sha256::new();
                hash.update(name);
                hash.update(example.written(name));
                tables.insert(name.to_owned(), Rows { batch, identity: hash.finalize().into() });
            }
        }
        Ok(tables)
    }

    fn fingerprint(&self, job: &Job, as_of: NaiveDate) -> String {
        let mut known = lock(&self.fingerprints);
        known.entry((job.name.clone(), as_of)).or_insert_with(|| self.library.fingerprint(job, as_of)).clone()
    }

    /// The tables that `job` depends on, as far as the given ones do not stand in the way.
    fn needed<'a>(&'a self, job: &'a Job, given: &BTreeSet<&str>) -> BTreeSet<&'a str> {
        let mut needed = BTreeSet::new();
        let mut waiting: Vec<&String> = job.reads.iter().collect();
        while let Some(name) = waiting.pop() {
            let is_new = needed.insert(name.as_str());
            if let Some(other) = self.library.job(name)
                && is_new
                && !given.contains(name.as_str())
            {
                waiting.extend(&other.reads);
            }
        }
        needed
    }
}

/// One computation of jobs on given rows.
struct Trial<'a> {
    bench: &'a Workbench,
    planner: Planner<'a>,
    as_of: NaiveDate,
}

impl Trial<'_> {
    /// The rows of a job, or of one of its steps. What it reads is computed first where it is not in `tables`, and
    /// put there.
    async fn rows(
        &self,
        job: &Job,
        step: Option<&str>,
        tables: &mut BTreeMap<String, Rows>,
    ) -> Result<Rows, EngineError> {
        self.inputs(job, tables).await?;
        let mut kind = Sha256::new();
        kind.update(&job.name);
        kind.update(self.bench.fingerprint(job, self.as_of));
        kind.update(step.unwrap_or_default());
        let mut content = kind.clone();
        for name in &job.reads {
            if let Some(rows) = tables.get(name) {
                let columns = format!("{name}{:?}", rows.batch.schema().fields());
                kind.update(&columns);
                content.update(&columns);
                content.update(rows.identity);
            }
        }
        let (kind, identity): (Identity, Identity) = (kind.finalize().into(), content.finalize().into());
        let known = lock(&self.bench.results).get(&identity).cloned();
        if let Some(batch) = known {
            return Ok(Rows { batch, identity });
        }
        let batch = self.compute(job, step, kind, tables).await?;
        lock(&self.bench.results).insert(identity, batch.clone());
        Ok(Rows { batch, identity })
    }

    /// Computes what a job reads and is not in `tables`, and puts it there.
    async fn inputs(&self, job: &Job, tables: &mut BTreeMap<String, Rows>) -> Result<(), EngineError> {
        for name in &job.reads {
            if !tables.contains_key(name)
                && let Some(rows) = self.table(name, tables).await?
            {
                tables.insert(name.clone(), rows);
            }
        }
        Ok(())
    }

    /// The rows of a table that is not given: of a job, computed; of a contract, none. Parameters stay as they are.
    async fn table(&self, name: &str, tables: &mut BTreeMap<String, Rows>) -> Result<Option<Rows>, EngineError> {
        let library = &self.bench.library;
        if let Some(job) = library.job(name) {
            return Box::pin(self.rows(job, None, tables)).await.map(Some);
        }
        if library.parameters.contains_key(name) {
            return Ok(None);
        }
        let empty = |schema: &SchemaRef| Rows {
            batch: RecordBatch::new_empty(schema.clone()),
            identity: Sha256::digest(format!("no {name}")).into(),
        };
        Ok(self.bench.tables.get(name).map(empty))
    }

    async fn compute(
        &self,
        job: &Job,
        step: Option<&str>,
        kind: Identity,
        tables: &BTreeMap<String, Rows>,
    ) -> Result<RecordBatch, EngineError> {
        let Prepared { context, plan } = self.prepared(job, step, kind, tables).await?;
        let of_job = job.reads.iter().filter_map(|name| Some((name.clone(), tables.get(name)?.batch.clone())));
        let schema = plan.schema();
        let batches = slots::run(&context, plan, Contents(of_job.collect())).await;
        let batches = batches.map_err(EngineError::query(format!("computing {}", job.name)))?;
        let rows = arrow::compute::concat_batches(&schema, &batches)?;
        if step.is_none() {
            check_key(job, &rows)?;
        }
        Ok(rows)
    }

    /// The plan of a job for tables of these columns, ready to run.
    async fn prepared(
        &self,
        job: &Job,
        step: Option<&str>,
        kind: Identity,
        tables: &BTreeMap<String, Rows>,
    ) -> Result<Prepared, EngineError> {
        let known = lock(&self.bench.plans).get(&kind).cloned();
        if let Some(prepared) = known {
            return Ok(prepared);
        }
        let context = self.planner.small_session()?;
        for name in &job.reads {
            if let Some(rows) = tables.get(name) {
                // A parameter table that is given stands in for the one in `sql/parameters`.
                slots::register(&context, name, rows.batch.schema())?;
            }
        }
        let PlannedJob { plan, .. } = match step {
            None => self.planner.plan(&context, job).await?,
            Some(step) => self.planner.plan_step(&context, job, step).await?,
        };
        let plan = context.state().create_physical_plan(&plan).await;
        let plan = plan.map_err(EngineError::query(format!("planning {}", job.name)))?;
        let prepared = Prepared { context, plan };
        if slots::is_reusable(&prepared.plan) {
            lock(&self.bench.plans).insert(kind, prepared.clone());
        }
        Ok(prepared)
    }
}

/// A plan and the session that it was made in.
#[derive(Clone)]
struct Prepared {
    context: SessionContext,
    plan: Arc<dyn ExecutionPlan>,
}

/// Any day: the columns of a job do not depend on it.
fn planning_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap_or_default()
}
