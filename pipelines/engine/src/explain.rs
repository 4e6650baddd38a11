//! Why is this row here: the job that gave it, the rows that it came from through every job down to records and
//! files, the parameters that were used and the decisions about it.
//!
//! The tables of one generation are traced one after the other, from the row upstream: each job's rows that took
//! part are traced together, and the job is computed again on what was found alone, as a proof ([`Step::recomputed`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, RecordBatch};
use chrono::NaiveDate;
use commit::generation::Generation;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, ident, lit};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::did_you_mean;
use crate::lineage::Lineage;
use crate::provenance::{self, Absence, Provenance, columns_named};
use crate::rows::{RowSet, concat, distinct};
use crate::{EngineError, Job, Library, Planner, values};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The table: of a job or a contract.
    pub table: String,
    /// Columns and their values, which identify one row. A column without a name is the next one of the key.
    pub key: Vec<(Option<String>, String)>,
    /// Rows of a table that are shown; more are counted.
    pub shown: usize,
    /// Rows that are followed at any operator.
    pub limit: usize,
    /// Whether fields that identify a person are shown.
    pub persons: bool,
}

/// Why a row is there.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The generation that shows it.
    pub generation: u64,
    /// The business date that the generation was computed for.
    pub as_of: NaiveDate,
    /// The table of the row.
    pub table: String,
    /// The row's own table first, then what it came from: jobs, then contracts, then parameters.
    pub steps: Vec<Step>,
    /// The files of the records.
    pub files: Vec<Map<String, Value>>,
    /// What handlers have decided about the row.
    pub decisions: Vec<Map<String, Value>>,
}

/// A table whose rows took part.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// The table.
    pub table: String,
    /// What it is.
    pub kind: StepKind,
    /// Its name for people.
    pub title: String,
    /// The job's rule; what a record of the contract is.
    pub description: String,
    /// Requirements that the job implements.
    pub catalogue: Vec<String>,
    /// The job's file below the folder of jobs.
    pub file: Option<String>,
    /// Fingerprint of the job that computed the generation.
    pub version: Option<String>,
    /// True when the job has been changed since. The row is then explained as the job stands now.
    pub changed_since: bool,
    /// Columns that identify a row.
    pub key: Vec<String>,
    /// Columns that can tell who a person is.
    pub personal: BTreeSet<String>,
    /// The rows that took part, as many as are shown.
    pub rows: Vec<Map<String, Value>>,
    /// How many took part.
    pub found: usize,
    /// False when there are more than could be followed.
    pub complete: bool,
    /// The tables whose rows came from these.
    pub used_by: BTreeSet<String>,
    /// What the job looked for and did not find.
    pub absences: Vec<Absence>,
    /// Whether the job, computed on the rows found for it alone, gives the same rows; none where nothing was computed
    /// or the rows are not complete.
    pub recomputed: Option<bool>,
}

/// What a step's table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// The result of a job.
    Job,
    /// Records as they were received.
    Contract,
    /// Dated values with source and approval.
    Parameter,
}

/// Explains one row of a generation, whose tables are in `context` (see [`crate::run::generation_session`]).
///
/// # Errors
/// When the table or a column does not exist, not exactly one row has the values, or a job cannot be traced.
pub async fn explain(
    context: &SessionContext,
    library: &Library,
    generation: &Generation,
    question: &Question,
) -> Result<Explanation, EngineError> {
    let planner = Planner::new(library, generation.as_of);
    let row = the_row(context, library, question).await?;
    let exception = row.column_by_name("exception_id").and_then(|ids| ids.as_string_opt::<i32>());
    let decisions = match exception.map(|ids| ids.value(0).to_owned()) {
        Some(id) => rows_where(context, "decision", ident("exception_id").eq(lit(id))).await?,
        None => Vec::new(),
    };
    let mut chain = Chain { context, planner: &planner, generation, question, waiting: BTreeMap::new() };
    chain.waiting.insert(question.table.clone(), Waiting { rows: vec![row], complete: true, used_by: BTreeSet::new() });
    let mut steps = Vec::new();
    if let Some(job) = library.job(&question.table) {
        steps.extend(chain.job(job).await?);
    }
    for job in library.jobs.iter().rev() {
        steps.extend(chain.job(job).await?);
    }
    let mut files = BTreeSet::new();
    for contract in schemas::contracts().values() {
        steps.extend(chain.contract(contract, &mut files)?);
    }
    for name in library.parameters.keys() {
        steps.extend(chain.parameter(name)?);
    }
    let lineage = Lineage::of(&planner)?;
    for step in &mut steps {
        step.personal = personal(&lineage, step);
        if !question.persons {
            step.withhold();
        }
    }
    let ids = files.into_iter().map(lit).collect();
    let files = rows_where(context, "file", ident("file_id").in_list(ids, false)).await?;
    let table = question.table.clone();
    Ok(Explanation { generation: generation.number, as_of: generation.as_of, table, steps, files, decisions })
}

/// The one row that is asked for.
pub(crate) async fn the_row(
    context: &SessionContext,
    library: &Library,
    question: &Question,
) -> Result<RecordBatch, EngineError> {
    let table = &question.table;
    let fail = |reason: String| EngineError::Result { job: table.clone(), reason };
    let contract = schemas::contracts().get(table);
    let key = match (library.job(table), contract) {
        (Some(job), _) => job.header.key.clone(),
        (None, Some(contract)) => contract.key.clone(),
        (None, None) => {
            let jobs = library.jobs.iter().map(|job| job.name.as_str());
            let known: Vec<&str> = jobs.chain(schemas::contracts().keys().map(String::as_str)).collect();
            return Err(fail(format!("there is no such table of a job or contract{}", did_you_mean(table, &known))));
        }
    };
    let frame = context.table(table.as_str()).await;
    let frame = frame.map_err(|_| fail("the generation does not have this table yet".to_owned()))?;
    let schema = frame.schema().as_arrow().clone();
    let mut condition = lit(true);
    let mut next = key.iter();
    for (column, value) in &question.key {
        let column = match column {
            Some(column) => column,
            None => next.next().ok_or_else(|| fail(format!("the key has only {}: {}", key.len(), key.join(", "))))?,
        };
        let field = schema.field_with_name(column).map_err(|_| {
            let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            fail(format!("there is no column {column}{}", did_you_mean(column, &known)))
        })?;
        let typed = values::column(&[Value::String(value.clone())], field.data_type()).map_err(&fail)?;
        let value = datafusion::scalar::ScalarValue::try_from_array(&typed, 0).map_err(EngineError::query(table))?;
        condition = condition.and(ident(column).eq(lit(value)));
    }
    let rows = frame.filter(condition).map_err(EngineError::query(table))?;
    let rows = rows.limit(0, Some(2)).map_err(EngineError::query(table))?;
    let batches = rows.collect().await.map_err(EngineError::query(table))?;
    let rows = concat(&Arc::new(schema), &batches)?;
    match rows.num_rows() {
        1 => Ok(rows),
        0 => Err(fail("no row of the generation has these values".to_owned())),
        _ => Err(fail(format!("more than one row has these values; the key is {}", key.join(", ")))),
    }
}

async fn rows_where(
    context: &SessionContext,
    table: &str,
    condition: Expr,
) -> Result<Vec<Map<String, Value>>, EngineError> {
    let frame =
        context.table(table).await.and_then(|frame| frame.filter(condition)).map_err(EngineError::query(table))?;
    let batches = frame.collect().await.map_err(EngineError::query(table))?;
    Ok(batches.iter().flat_map(json_rows).collect())
}

fn json_rows(batch: &RecordBatch) -> Vec<Map<String, Value>> {
    (0..batch.num_rows()).map(|row| schemas::json::row(batch, row)).collect()
}

/// Rows of a table that took part and have not been traced yet.
struct Waiting {
    rows: Vec<RecordBatch>,
    complete: bool,
    used_by: BTreeSet<String>,
}

struct Chain<'a> {
    context: &'a SessionContext,
    planner: &'a Planner<'a>,
    generation: &'a Generation,
    question: &'a Question,
    waiting: BTreeMap<String, Waiting>,
}

impl Chain<'_> {
    /// Traces a job's rows that are waiting; what they came from waits then.
    async fn job(&mut self, job: &Job) -> Result<Option<Step>, EngineError> {
        let query = || EngineError::query(format!("tracing {}", job.name));
        let Some((waiting, rows)) = self.take(&job.name)? else { return Ok(None) };
        let plan = self.planner.plan(self.context, job).await?.plan;
        let wanted: Vec<ArrayRef> = columns_named(&rows, &job.header.key).map_err(query())?;
        let traced = provenance::trace(self.context, &plan, &job.header.key, &wanted, self.question.limit);
        let traced = traced.await.map_err(query())?;
        let complete = waiting.complete && traced.is_complete();
        let same = RowSet::of(&traced.rows)?.equals(&RowSet::of(&rows)?);
        let recomputed = match complete && same {
            true => Some(traced.recompute(self.context, &job.header.key).await.map_err(query())?),
            false => None,
        };
        let absences = traced.absences.clone();
        self.wait(&job.name, traced);
        let now = self.planner.fingerprint(job);
        let version = self.generation.tables.get(&job.name).map(|cut| cut.fingerprint.clone());
        let file = job.file.file_name().map(|name| format!("{}/{}", job.area, name.to_string_lossy()));
        Ok(Some(Step {
            title: job.header.title.clone(),
            description: job.header.description.trim().to_owned(),
            catalogue: job.header.catalogue.clone(),
            file,
            changed_since: version.as_ref().is_some_and(|version| *version != now) || !same,
            version,
            key: job.header.key.clone(),
            absences,
            recomputed,
            ..self.step(&job.name, StepKind::Job, &waiting, &rows)
        }))
    }

    fn contract(
        &mut self,
        contract: &schemas::Contract,
        files: &mut BTreeSet<String>,
    ) -> Result<Option<Step>, EngineError> {
        let Some((waiting, rows)) = self.take(&contract.name)? else { return Ok(None) };
        if let Some(ids) = rows.column_by_name("file_id").and_then(|ids| ids.as_string_opt::<i32>()) {
            files.extend(ids.iter().flatten().map(ToOwned::to_owned));
        }
        let step = self.step(&contract.name, StepKind::Contract, &waiting, &rows);
        Ok(Some(Step { description: contract.doc.clone(), key: contract.key.clone(), ..step }))
    }

    fn parameter(&mut self, name: &str) -> Result<Option<Step>, EngineError> {
        let Some((waiting, rows)) = self.take(name)? else { return Ok(None) };
        Ok(Some(self.step(name, StepKind::Parameter, &waiting, &rows)))
    }

    fn take(&mut self, table: &str) -> Result<Option<(Waiting, RecordBatch)>, EngineError> {
        let Some(waiting) = self.waiting.remove(table) else { return Ok(None) };
        let Some(first) = waiting.rows.first() else { return Ok(None) };
        let rows = distinct(&concat(&first.schema(), &waiting.rows)?)?;
        Ok((rows.num_rows() > 0).then_some((waiting, rows)))
    }

    fn wait(&mut self, job: &str, traced: Provenance) {
        for scan in traced.scans.into_iter().filter(|scan| scan.rows.num_rows() > 0) {
            let entry = self.waiting.entry(scan.table);
            let waiting =
                entry.or_insert_with(|| Waiting { rows: Vec::new(), complete: true, used_by: BTreeSet::new() });
            waiting.rows.push(scan.rows);
            waiting.complete &= scan.complete;
            waiting.used_by.insert(job.to_owned());
        }
    }

    fn step(&self, table: &str, kind: StepKind, waiting: &Waiting, rows: &RecordBatch) -> Step {
        Step {
            table: table.to_owned(),
            kind,
            title: table.to_owned(),
            description: String::new(),
            catalogue: Vec::new(),
            file: None,
            version: None,
            changed_since: false,
            key: Vec::new(),
            personal: BTreeSet::new(),
            rows: json_rows(&rows.slice(0, rows.num_rows().min(self.question.shown))),
            found: rows.num_rows(),
            complete: waiting.complete,
            used_by: waiting.used_by.clone(),
            absences: Vec::new(),
            recomputed: None,
        }
    }
}

impl Step {
    fn withhold(&mut self) {
        for row in &mut self.rows {
            for (column, value) in row.iter_mut() {
                if self.personal.contains(column) && !value.is_null() {
                    *value = Value::String("(withheld)".to_owned());
                }
            }
        }
    }
}

/// The columns of a step whose values come from fields that identify a person.
fn personal(lineage: &Lineage, step: &Step) -> BTreeSet<String> {
    let columns = step.rows.first().map(|row| row.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    personal_columns(lineage, &step.table, columns.into_iter())
}

/// Those of a table's columns whose values come from fields that identify a person.
pub(crate) fn personal_columns(
    lineage: &Lineage,
    table: &str,
    columns: impl Iterator<Item = String>,
) -> BTreeSet<String> {
    let identifies = |table: &str, column: &str| {
        schemas::contracts().get(table).is_some_and(|contract| {
            let is =
                |path: &String| path == column || path.strip_prefix(column).is_some_and(|rest| rest.starts_with('.'));
            contract.person_fields.iter().any(is)
        })
    };
    let is_personal = |column: &String| {
        let origins = lineage.origins(table, column).values;
        origins.iter().any(|origin| identifies(&origin.table, &origin.column))
    };
    columns.filter(is_personal).collect()
}
