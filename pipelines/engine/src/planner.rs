use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Field, Int32Type, Schema, SchemaRef, TimeUnit};
use chrono::NaiveDate;
use datafusion::common::DFSchema;
use datafusion::datasource::MemTable;
use datafusion::execution::context::SessionContext;
use datafusion::functions::expr_fn::{coalesce, concat, encode, left, sha256};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};
use schemas::Contract;

use crate::{EngineError, Invariant, Job, Kind, Library, functions, money, session};
use schemas::calendar::{Calendar, ServiceLevel};

/// Plans jobs: what each means, once it has passed every check that needs no data.
#[derive(Debug, Clone)]
pub struct Planner<'a> {
    library: &'a Library,
    as_of: NaiveDate,
    calendar: Arc<Calendar>,
}

/// A job that passed its checks.
#[derive(Debug, Clone)]
pub struct PlannedJob {
    /// Its rows, sorted by key; for exceptions with `exception_id` and `due_at`.
    pub plan: LogicalPlan,
    /// Its columns.
    pub schema: SchemaRef,
}

/// Columns that the engine puts beside those of an exception job.
const EXCEPTION_ID: &str = "exception_id";
const DUE_AT: &str = "due_at";
/// The column of an exception job that starts the service-level clock.
const RECEIVED_AT: &str = "received_at";
/// The column by which a row of an exception job can have another service level than the header says.
const SERVICE_LEVEL: &str = "service_level";

impl<'a> Planner<'a> {
    /// A planner for `library` as of a business date.
    #[must_use]
    pub fn new(library: &'a Library, as_of: NaiveDate) -> Self {
        let calendar = library.parameters.get("ref_calendar").and_then(Calendar::from_rows).unwrap_or_default();
        Self { library, as_of, calendar: Arc::new(calendar) }
    }

    /// What is planned.
    #[must_use]
    pub const fn library(&self) -> &'a Library {
        self.library
    }

    /// The working days that the plans use.
    #[must_use]
    pub fn calendar(&self) -> &Arc<Calendar> {
        &self.calendar
    }

    /// A session with the functions and the parameter tables.
    ///
    /// # Errors
    /// When a table cannot be registered.
    pub fn session(&self) -> Result<SessionContext, EngineError> {
        self.with_parameters(session::session(self.as_of, &self.calendar)?)
    }

    /// The same for a handful of rows, as examples have them.
    pub(crate) fn small_session(&self) -> Result<SessionContext, EngineError> {
        self.with_parameters(session::small_session(self.as_of, &self.calendar))
    }

    fn with_parameters(&self, context: SessionContext) -> Result<SessionContext, EngineError> {
        for (name, rows) in &self.library.parameters {
            register_rows(&context, name, rows.clone())?;
        }
        Ok(context)
    }

    /// Plans every job against empty tables, in order: the static check of the whole library. Returns what each
    /// job's table looks like.
    ///
    /// # Errors
    /// The first job or invariant that does not pass.
    pub fn check(&self) -> Result<Vec<(&'a Job, SchemaRef)>, EngineError> {
        Ok(self.check_plans()?.into_iter().map(|(job, planned)| (job, planned.schema)).collect())
    }

    /// The same, with what each job means.
    pub(crate) fn check_plans(&self) -> Result<Vec<(&'a Job, PlannedJob)>, EngineError> {
        let context = self.small_session()?;
        for contract in schemas::contracts().values() {
            register_empty(&context, &contract.name, contract_view_schema(contract))?;
        }
        let mut jobs = Vec::with_capacity(self.library.jobs.len());
        for job in &self.library.jobs {
            let planned = futures::executor::block_on(self.plan(&context, job))?;
            register_empty(&context, &job.name, planned.schema.clone())?;
            jobs.push((job, planned));
        }
        for invariant in &self.library.invariants {
            futures::executor::block_on(self.plan_invariant(&context, invariant))?;
        }
        Ok(jobs)
    }

    /// Plans one job against the tables of `context`.
    ///
    /// # Errors
    /// When it reads a table that does not exist, is no valid SELECT, breaks a rule about money, or its header
    /// does not fit its columns.
    pub async fn plan(&self, context: &SessionContext, job: &Job) -> Result<PlannedJob, EngineError> {
        let fail = |reason: String| EngineError::source(&job.file, reason);
        self.check_reads(&job.reads).map_err(fail)?;
        let plan = context.state().create_logical_plan(&job.sql).await.map_err(|error| fail(describe(&error)))?;
        let plan = analyzed(context, plan).map_err(|error| fail(describe(&error)))?;
        money::check(&plan).map_err(|error| fail(describe(&error)))?;
        let plan = self.finish(job, plan)?;
        let schema = Arc::new(plan.schema().as_arrow().clone());
        check_header(job, &schema).map_err(fail)?;
        Ok(PlannedJob { plan, schema })
    }

    /// Plans an invariant against the tables of `context`.
    ///
    /// # Errors
    /// As for a job.
    pub async fn plan_invariant(
        &self,
        context: &SessionContext,
        invariant: &Invariant,
    ) -> Result<LogicalPlan, EngineError> {
        let fail = |reason: String| EngineError::source(&invariant.file, reason);
        self.check_reads(&invariant.reads).map_err(fail)?;
        let plan = context.state().create_logical_plan(&invariant.sql).await;
        let plan = plan.map_err(|error| fail(describe(&error)))?;
        let plan = analyzed(context, plan).map_err(|error| fail(describe(&error)))?;
        money::check(&plan).map_err(|error| fail(describe(&error)))?;
        Ok(plan)
    }

    fn check_reads(&self, reads: &BTreeSet<String>) -> Result<(), String> {
        let jobs = self.library.jobs.iter().map(|job| job.name.as_str());
        let known: Vec<&str> = jobs
            .chain(self.library.parameters.keys().map(String::as_str))
            .chain(schemas::contracts().keys().map(String::as_str))
            .collect();
        match reads.iter().find(|read| !known.contains(&read.as_str())) {
            None => Ok(()),
            Some(unknown) => Err(format!("there is no table {unknown}{}", did_you_mean(unknown, &known))),
        }
    }

    /// Gives every column a type that tables hold, adds what exceptions carry, and sorts by key.
    fn finish(&self, job: &Job, plan: LogicalPlan) -> Result<LogicalPlan, EngineError> {
        let schema = plan.schema().clone();
        let mut columns: Vec<Expr> = schema.fields().iter().map(|field| normal(field)).collect();
        if let (Kind::Exception, Some(exception)) = (job.header.kind, &job.header.exception) {
            let has_clock = schema.fields().iter().any(|field| field.name() == RECEIVED_AT);
            if !has_clock {
                let reason = format!("an exception job must give the column {RECEIVED_AT}, which starts the clock");
                return Err(EngineError::source(&job.file, reason));
            }
            let level = self.service_level(job, &schema, &exception.service_level)?;
            let due = functions::due_at(self.calendar.clone(), self.library.service_levels(self.as_of));
            columns.push(exception_id(job, &schema).alias(EXCEPTION_ID));
            columns.push(due.call(vec![cast(ident(RECEIVED_AT), utc_time()), level]).alias(DUE_AT));
        }
        let order = job.header.key.iter().map(|key| ident(key).sort(true, true));
        LogicalPlanBuilder::from(plan)
            .project(columns)
            .and_then(|builder| builder.sort(order))
            .and_then(LogicalPlanBuilder::build)
            .map_err(|error| EngineError::source(&job.file, describe(&error)))
    }

    /// The service level of each row: the job's column of that name, or the one in the header.
    fn service_level(&self, job: &Job, schema: &DFSchema, id: &str) -> Result<Expr, EngineError> {
        if !self.library.service_levels(self.as_of).contains_key(id) {
            let reason = format!("service level {id} is not in ref_service_level, or not valid {}", self.as_of);
            return Err(EngineError::source(&job.file, reason));
        }
        let own = schema.field_with_unqualified_name(SERVICE_LEVEL).is_ok();
        let of_header = lit(id);
        Ok(if own { coalesce(vec![cast(ident(SERVICE_LEVEL), DataType::Utf8), of_header]) } else { of_header })
    }
}

impl Library {
    /// The rules of all service levels that are valid on a date, from `ref_service_level`.
    #[must_use]
    pub fn service_levels(&self, on: NaiveDate) -> BTreeMap<String, ServiceLevel> {
        self.parameters.get("ref_service_level").and_then(|rows| service_levels(rows, on)).unwrap_or_default()
    }
}

fn service_levels(rows: &RecordBatch, on: NaiveDate) -> Option<BTreeMap<String, ServiceLevel>> {
    let text = |name: &str| rows.column_by_name(name)?.as_string_opt::<i32>();
    let number = |name: &str, row: usize| {
        let column = rows.column_by_name(name)?.as_primitive_opt::<Int32Type>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let date = |name: &str, row: usize| {
        let column = rows.column_by_name(name)?.as_primitive_opt::<Date32Type>()?;
        if column.is_valid(row) { Date32Type::to_naive_date_opt(column.value(row)) } else { None }
    };
    let (ids, kinds) = (text("id")?, text("kind")?);
    let valid = |row: &usize| {
        date("valid_from", *row).is_none_or(|from| from <= on) && date("valid_to", *row).is_none_or(|to| on <= to)
    };
    let rules = (0..rows.num_rows()).filter(valid).filter_map(|row| {
        let rule = ServiceLevel::parse(kinds.value(row), number("n", row), number("weekday", row))?;
        Some((ids.value(row).to_owned(), rule))
    });
    Some(rules.collect())
}

/// The columns of the table that jobs see for a contract: its records, timestamps in microseconds.
#[must_use]
pub fn contract_view_schema(contract: &Contract) -> SchemaRef {
    Arc::new(Schema::new(contract.schema.fields().iter().map(|field| stored(field)).collect::<Vec<_>>()))
}

fn stored(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(Arc::new(stored(item))),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| stored(field)).collect()),
        DataType::Timestamp(..) => utc_time(),
        other => other.clone(),
    };
    Field::new(field.name(), data_type, true)
}

fn utc_time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
}

/// The column, cast to a type that a table holds.
fn normal(field: &Field) -> Expr {
    let column = ident(field.name());
    let wanted = normal_type(field.data_type());
    if &wanted == field.data_type() { column } else { cast(column, wanted).alias(field.name()) }
}

fn normal_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::UInt64 | DataType::UInt32 => DataType::Int64,
        DataType::UInt16 | DataType::UInt8 | DataType::Int16 | DataType::Int8 => DataType::Int32,
        DataType::Timestamp(..) => utc_time(),
        DataType::LargeList(item) | DataType::ListView(item) | DataType::List(item) => {
            DataType::List(Arc::new(Field::new("item", normal_type(item.data_type()), true)))
        }
        DataType::Struct(fields) => DataType::Struct(
            fields.iter().map(|field| Field::new(field.name(), normal_type(field.data_type()), true)).collect(),
        ),
        other => other.clone(),
    }
}

/// A digest of the job's name and the row's key: the same exception has the same id in every run.
fn exception_id(job: &Job, schema: &DFSchema) -> Expr {
    let mut parts = vec![lit(job.name.clone())];
    for key in &job.header.key {
        let column = cast(ident(key), DataType::Utf8);
        let nullable = schema.field_with_unqualified_name(key).is_ok_and(|field| field.is_nullable());
        parts.push(lit("\u{1f}"));
        let absent = || lit("\u{0}");
        let text = if nullable {
            when(column.clone().is_null(), absent()).otherwise(column.clone())
        } else {
            Ok(column.clone())
        };
        parts.push(text.unwrap_or(column));
    }
    left(encode(sha256(concat(parts)), lit("hex")), lit(20_i64))
}

fn check_header(job: &Job, schema: &Schema) -> Result<(), String> {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mentioned = job.header.key.iter().chain(&job.header.amount).chain(job.header.columns.keys());
    if let Some(unknown) = mentioned.into_iter().find(|column| !names.contains(&column.as_str())) {
        return Err(format!(
            "the header names the column {unknown}, which the SELECT does not give{}",
            did_you_mean(unknown, &names)
        ));
    }
    let of_engine = [EXCEPTION_ID, DUE_AT];
    let undocumented: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !of_engine.contains(name) && !job.header.columns.contains_key(*name))
        .collect();
    if !undocumented.is_empty() {
        return Err(format!("[columns] does not say what these columns are: {}", undocumented.join(", ")));
    }
    if job.header.key.is_empty() {
        return Err("key is empty; name the columns that identify a row".to_owned());
    }
    if let Some(amount) = &job.header.amount
        && !schema.field_with_name(amount).is_ok_and(|field| matches!(field.data_type(), DataType::Decimal128(..)))
    {
        return Err(format!("amount names {amount}, which is no decimal"));
    }
    if let Some(exception) = &job.header.exception {
        check_braces(&exception.why)?;
        let placeholders =
            exception.why.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name);
        if let Some(unknown) = placeholders.into_iter().find(|name| !names.contains(name)) {
            return Err(format!("why names {{{unknown}}}, which is no column{}", did_you_mean(unknown, &names)));
        }
    }
    Ok(())
}

/// Every `{` of a template is closed before the next one opens.
fn check_braces(template: &str) -> Result<(), String> {
    let mut open = false;
    for brace in template.chars().filter(|c| matches!(c, '{' | '}')) {
        if (brace == '{') == open {
            return Err(format!("why has a brace without its partner: {template}"));
        }
        open = !open;
    }
    if open { Err(format!("why has a brace without its partner: {template}")) } else { Ok(()) }
}

/// `; did you mean …?` when a known name is near.
pub fn did_you_mean(unknown: &str, known: &[&str]) -> String {
    let near = known.iter().map(|name| (distance(unknown, name), *name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + unknown.len() / 4 => format!("; did you mean {name}?"),
        _ => String::new(),
    }
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn analyzed(context: &SessionContext, plan: LogicalPlan) -> datafusion::error::Result<LogicalPlan> {
    let state = context.state();
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
}

/// What is wrong, without the engine's words for where it noticed.
pub(crate) fn describe(error: &datafusion::error::DataFusionError) -> String {
    let mut text = error.strip_backtrace();
    for prefix in ["Error during planning: ", "Schema error: ", "SQL error: "] {
        text = text.trim_start_matches(prefix).to_owned();
    }
    text
}

pub(crate) fn register_rows(context: &SessionContext, name: &str, rows: RecordBatch) -> Result<(), EngineError> {
    let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).map_err(EngineError::query(name))?;
    context.register_table(name, Arc::new(table)).map_err(EngineError::query(name))?;
    Ok(())
}

pub(crate) fn register_empty(context: &SessionContext, name: &str, schema: SchemaRef) -> Result<(), EngineError> {
    register_rows(context, name, RecordBatch::new_empty(schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(did_you_mean("paymnet_in", &["file", "payment_in"]), "; did you mean payment_in?");
        assert_eq!(did_you_mean("zzz", &["file", "payment_in"]), "");
    }
}
