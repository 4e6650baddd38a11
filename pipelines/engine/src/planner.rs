use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Field, Int32Type, Schema, SchemaRef, TimeUnit};
use chrono::NaiveDate;
use datafusion::common::DFSchema;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::functions::expr_fn::{coalesce, concat, encode, left, sha256};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};
use datafusion::sql::parser::Statement as DfStatement;
use schemas::Contract;

use crate::diagnosis::{self, Finding};
use crate::near::did_you_mean;
use crate::statement::SelectStatement;
use crate::{EngineError, Invariant, Job, Kind, Library, functions, header, locate, money, named, session};
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
/// The column by which a row of an exception job can say on which day it is due, whatever its service level.
const DUE_ON: &str = "due_on";

impl<'a> Planner<'a> {
    /// A planner for `library` as of a business date.
    #[must_use]
    pub fn new(library: &'a Library, as_of: NaiveDate) -> Self {
        let calendar = library.calendar(as_of);
        Self { library, as_of, calendar: Arc::new(calendar) }
    }

    /// What is planned.
    #[must_use]
    pub const fn library(&self) -> &'a Library {
        self.library
    }

    /// The business date.
    #[must_use]
    pub const fn as_of(&self) -> NaiveDate {
        self.as_of
    }

    /// What decides a job's table as of the planner's date; see [`Library::fingerprint`].
    #[must_use]
    pub fn fingerprint(&self, job: &Job) -> String {
        self.library.fingerprint(job, self.as_of)
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
        let select = SelectStatement::parse(&job.sql).map_err(EngineError::found(&job.file))?;
        let plan = self.plan_select(context, &job.file, &job.reads, &job.sql, &select).await?;
        check_header(job, &select, plan.schema().as_arrow()).map_err(EngineError::found(&job.file))?;
        let plan = self.finish(job, plan)?;
        let schema = Arc::new(plan.schema().as_arrow().clone());
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
        let select = SelectStatement::parse(&invariant.sql).map_err(EngineError::found(&invariant.file))?;
        self.plan_select(context, &invariant.file, &invariant.reads, &invariant.sql, &select).await
    }

    /// Plans the rows of a `with` step of a job against the tables of `context`.
    ///
    /// # Errors
    /// When the job has no such step, or as for the job.
    pub async fn plan_step(&self, context: &SessionContext, job: &Job, step: &str) -> Result<PlannedJob, EngineError> {
        let select = SelectStatement::parse(&job.sql).map_err(EngineError::found(&job.file))?;
        let Some(statement) = select.up_to(step) else {
            let steps: Vec<&str> = select.steps().map(|step| step.alias.name.value.as_str()).collect();
            let near = did_you_mean(step, &steps);
            return Err(EngineError::source(&job.file, format!("there is no step {step}{near}")));
        };
        self.check_reads(&job.file, &job.reads, &select)?;
        let plan = match checked_plan(context, statement).await {
            Ok(plan) => self.with_named(&job.file, &job.reads, &job.sql, &select, plan)?,
            Err(error) => return Err(self.explained(context, &job.file, &job.sql, &select, &error).await),
        };
        let columns: Vec<Expr> = plan.schema().fields().iter().map(|field| normal(field)).collect();
        let plan = LogicalPlanBuilder::from(plan).project(columns).and_then(LogicalPlanBuilder::build);
        let plan = plan.map_err(EngineError::query(format!("step {step} of {}", job.name)))?;
        let schema = Arc::new(plan.schema().as_arrow().clone());
        Ok(PlannedJob { plan, schema })
    }

    async fn plan_select(
        &self,
        context: &SessionContext,
        file: &Path,
        reads: &BTreeSet<String>,
        sql: &str,
        select: &SelectStatement,
    ) -> Result<LogicalPlan, EngineError> {
        self.check_reads(file, reads, select)?;
        match checked_plan(context, select.statement()).await {
            Ok(plan) => self.with_named(file, reads, sql, select, plan),
            Err(error) => Err(self.explained(context, file, sql, select, &error).await),
        }
    }

    /// The plan of a statement, reading only the parameters that it names.
    fn with_named(
        &self,
        file: &Path,
        reads: &BTreeSet<String>,
        sql: &str,
        select: &SelectStatement,
        plan: LogicalPlan,
    ) -> Result<LogicalPlan, EngineError> {
        let Some(all) = self.library.parameters.get(named::TABLE).filter(|_| reads.contains(named::TABLE)) else {
            return Ok(plan);
        };
        let Some(names) = named::named(select) else { return Ok(plan) };
        named::check(&names, all, sql).map_err(EngineError::found(file))?;
        named::only(plan, &names).map_err(EngineError::query(file.to_string_lossy()))
    }

    /// What the query engine said, with a place: its own, else the smallest part that fails alone, else the first
    /// name that it mentions, else the final SELECT.
    async fn explained(
        &self,
        context: &SessionContext,
        file: &Path,
        sql: &str,
        select: &SelectStatement,
        error: &DataFusionError,
    ) -> EngineError {
        let Finding { at, reason } = diagnosis::of(error, &diagnosis::Known::of(&context.state()));
        let at = match at {
            Some(at) => Some(at),
            None => {
                let scratch = session::small_session(self.as_of, &self.calendar);
                let found = locate::locate(context, scratch, select, &reason).await;
                found.or_else(|| diagnosis::named_in(&reason, sql)).or_else(|| select.final_position())
            }
        };
        EngineError::at(file, at, reason)
    }

    fn check_reads(&self, file: &Path, reads: &BTreeSet<String>, select: &SelectStatement) -> Result<(), EngineError> {
        let known = self.library.table_names();
        match reads.iter().find(|read| !known.contains(read.as_str())) {
            None => Ok(()),
            Some(unknown) => {
                let steps = select.steps().map(|step| step.alias.name.value.as_str());
                let near = did_you_mean(unknown, known.iter().copied().chain(steps));
                let at = select.read_position(unknown);
                Err(EngineError::at(file, at, format!("there is no table {unknown}{near}")))
            }
        }
    }

    /// Gives every column a type that tables hold, adds what exceptions carry, and sorts by key.
    fn finish(&self, job: &Job, plan: LogicalPlan) -> Result<LogicalPlan, EngineError> {
        let schema = plan.schema().clone();
        let mut columns: Vec<Expr> = schema.fields().iter().map(|field| normal(field)).collect();
        if let (Kind::Exception, Some(exception)) = (job.header.kind, &job.header.exception) {
            let level = self.service_level(job, &schema, &exception.service_level)?;
            let due = functions::due_at(self.calendar.clone(), self.library.service_levels(self.as_of));
            columns.push(exception_id(job, &schema).alias(EXCEPTION_ID));
            let mut due = due.call(vec![cast(ident(RECEIVED_AT), utc_time()), level]);
            if schema.field_with_unqualified_name(DUE_ON).is_ok() {
                due = coalesce(vec![functions::day_end().call(vec![ident(DUE_ON)]), due]);
            }
            columns.push(due.alias(DUE_AT));
        }
        let order = job.header.key.iter().map(|key| ident(key).sort(true, true));
        LogicalPlanBuilder::from(plan)
            .project(columns)
            .and_then(|builder| builder.sort(order))
            .and_then(LogicalPlanBuilder::build)
            .map_err(|error| {
                let Finding { reason, .. } = diagnosis::of(&error, &diagnosis::Known::default());
                EngineError::at(&job.file, header::position(&job.text, "key", None), format!("key: {reason}"))
            })
    }

    /// The service level of each row: the job's column of that name, or the one in the header.
    fn service_level(&self, job: &Job, schema: &DFSchema, id: &str) -> Result<Expr, EngineError> {
        if !self.library.service_levels(self.as_of).contains_key(id) {
            let levels = self.library.service_levels(self.as_of);
            let near = did_you_mean(id, levels.keys());
            let reason = format!(
                "service level {id} is not in sql/parameters/ref_service_level.csv, or not valid on {}{near}",
                self.as_of
            );
            let at = header::position(&job.text, "exception", Some("service_level"));
            return Err(EngineError::at(&job.file, at, reason));
        }
        let own = schema.field_with_unqualified_name(SERVICE_LEVEL).is_ok();
        let of_header = lit(id);
        Ok(if own { coalesce(vec![cast(ident(SERVICE_LEVEL), DataType::Utf8), of_header]) } else { of_header })
    }
}

impl Library {
    /// The working days and closing days, with what is decided about the latter on a date.
    #[must_use]
    pub fn calendar(&self, on: NaiveDate) -> Calendar {
        let calendar = self.parameters.get("ref_calendar").and_then(Calendar::from_rows).unwrap_or_default();
        match self.parameters.get("ref_period_calendar") {
            Some(closings) => calendar.with_closings(closings, on),
            None => calendar,
        }
    }

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

fn check_header(job: &Job, select: &SelectStatement, schema: &Schema) -> Result<(), Finding> {
    let header = &job.header;
    let mut names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let of_engine: &[&str] = if header.kind == Kind::Exception { &[EXCEPTION_ID, DUE_AT] } else { &[] };
    names.extend(of_engine);
    let at = |key: &str, value: Option<&str>| header::position(&job.text, key, value);
    if header.key.is_empty() {
        return Err(Finding::new(at("key", None), "key is empty; name the columns that identify a row"));
    }
    if header.kind == Kind::Exception && !names.contains(&RECEIVED_AT) {
        let reason = format!("an exception job must give the column {RECEIVED_AT}, which starts the clock");
        return Err(Finding::new(select.final_position(), reason));
    }
    let mentioned = header
        .key
        .iter()
        .map(|column| ("key", column))
        .chain(header.amount.iter().map(|column| ("amount", column)))
        .chain(header.columns.keys().map(|column| ("columns", column)));
    for (key, column) in mentioned {
        if !names.contains(&column.as_str()) {
            let near = did_you_mean(column, &names);
            let reason = format!("{key} names {column}, which the SELECT does not give{near}");
            return Err(Finding::new(at(key, Some(column)), reason));
        }
    }
    let undocumented: Vec<&str> =
        names.iter().copied().filter(|name| !of_engine.contains(name) && !header.columns.contains_key(*name)).collect();
    if let Some(first) = undocumented.first() {
        let reason = format!("[columns] does not say what these columns are: {}", undocumented.join(", "));
        return Err(Finding::new(select.column_position(first).or_else(|| at("columns", None)), reason));
    }
    if let Some(amount) = &header.amount
        && !schema.field_with_name(amount).is_ok_and(|field| matches!(field.data_type(), DataType::Decimal128(..)))
    {
        return Err(Finding::new(at("amount", Some(amount)), format!("amount names {amount}, which is no decimal")));
    }
    if let Some(exception) = &header.exception {
        let why = at("exception", Some("why"));
        check_braces(&exception.why).map_err(|reason| Finding::new(why, reason))?;
        let mut placeholders =
            exception.why.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name);
        if let Some(unknown) = placeholders.find(|name| !names.contains(name)) {
            let near = did_you_mean(unknown, &names);
            return Err(Finding::new(why, format!("why names {{{unknown}}}, which is no column{near}")));
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

fn analyzed(context: &SessionContext, plan: LogicalPlan) -> datafusion::error::Result<LogicalPlan> {
    let state = context.state();
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
}

/// The analysed plan of a statement that passes the rules about money.
pub(crate) async fn checked_plan(
    context: &SessionContext,
    statement: DfStatement,
) -> datafusion::error::Result<LogicalPlan> {
    let plan = context.state().statement_to_plan(statement).await?;
    let plan = analyzed(context, plan)?;
    money::check(&plan)?;
    Ok(plan)
}

pub(crate) fn register_rows(context: &SessionContext, name: &str, rows: RecordBatch) -> Result<(), EngineError> {
    let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).map_err(EngineError::query(name))?;
    context.register_table(name, Arc::new(table)).map_err(EngineError::query(name))?;
    Ok(())
}

pub(crate) fn register_empty(context: &SessionContext, name: &str, schema: SchemaRef) -> Result<(), EngineError> {
    register_rows(context, name, RecordBatch::new_empty(schema))
}
