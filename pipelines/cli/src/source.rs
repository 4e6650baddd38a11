//! What pages and API read: generations in the lake, bytes in the archive.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::functions::expr_fn::{lower, strpos};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, cast, ident, lit};
use engine::cut::LANDED_ONCE;
use engine::explain::Question;
use engine::files::Archived;
use engine::run::generation_session;
use engine::{EngineError, Library};
use futures::{StreamExt as _, TryStreamExt as _};
use ingest::FileId;
use ingest::archive::Archive;
use lake::Lake;
use schemas::calendar::{Calendar, ServiceLevel};
use serving::source::{
    Column, ExceptionInfo, ExplainedFile, ExplainedStep, Explanation, Files, Filter, Generation, Invariant, JobInfo,
    Missing, Outcome, RowQuery, Rows, Run, Source, SourceError, StepKind,
};
use tokio::sync::Mutex;
use worklist::RecordRef;
use worklist::decision::{Decision, Kind};
use worklist::queue::Group;

use crate::{money, runs};

/// Generations that stay open, so that a reader who pages through one finds it again.
const OPEN: usize = 4;

/// Rows of a table that an explanation shows.
const EXPLAINED: usize = 10;

/// Reads generations from the lake and bytes from the archive.
pub struct LakeSource {
    lake: Lake,
    archive: Archive,
    /// The jobs of generations that keep none.
    library: Arc<Library>,
    calendar: Arc<Calendar>,
    open: Mutex<VecDeque<Arc<Cut>>>,
}

/// An open generation.
struct Cut {
    generation: Arc<Generation>,
    jobs: Arc<Vec<JobInfo>>,
    library: Arc<Library>,
    context: SessionContext,
}

impl LakeSource {
    /// A source over `lake`, with the jobs' headers from `library`.
    pub fn new(lake: Lake, archive: Archive, library: Library) -> Self {
        let rows = library.parameters.get("ref_calendar");
        let calendar = Arc::new(rows.and_then(Calendar::from_rows).unwrap_or_default());
        Self { lake, archive, library: Arc::new(library), calendar, open: Mutex::new(VecDeque::new()) }
    }

    async fn cut(&self, number: u64) -> Result<Arc<Cut>, SourceError> {
        let mut open = self.open.lock().await;
        if let Some(cut) = open.iter().find(|cut| cut.generation.number == number) {
            return Ok(cut.clone());
        }
        if !self.lake.generation_numbers().await.map_err(unavailable)?.contains(&number) {
            return Err(SourceError::NoSuchGeneration(number));
        }
        let published = self.lake.generation(number).await.map_err(unavailable)?;
        let library = match &published.library {
            Some(digest) => Arc::new(Archived::open(&self.lake, digest).await.map_err(unavailable)?.library),
            None => self.library.clone(),
        };
        let context = generation_session(&self.lake, &library, &published).await.map_err(unavailable)?;
        let cut = Arc::new(self.open_cut(&published, library, context).await.map_err(damaged)?);
        if open.len() == OPEN {
            open.pop_front();
        }
        open.push_back(cut.clone());
        Ok(cut)
    }

    async fn open_cut(
        &self,
        published: &commit::generation::Generation,
        library: Arc<Library>,
        context: SessionContext,
    ) -> anyhow::Result<Cut> {
        let mut tables: BTreeMap<String, u64> =
            published.tables.iter().map(|(job, cut)| (job.clone(), cut.rows)).collect();
        for contract in published.landing.keys() {
            let rows = context.table(contract.as_str()).await?.count().await?;
            tables.insert(contract.clone(), rows as u64);
        }
        let audit =
            published.audit.invariants.iter().map(|(name, violations)| Self::invariant(&library, name, *violations));
        let generation = Generation {
            number: published.number,
            published_at: published.published_at,
            as_of: published.as_of,
            audit: audit.collect(),
            money: money::balances(&context).await?,
            files: files(&context).await?,
            tables,
        };
        let mut jobs = Vec::new();
        for job in library.jobs.iter().filter(|job| published.tables.contains_key(&job.name)) {
            let schema = context.table(job.name.as_str()).await?.schema().as_arrow().clone();
            jobs.push(Self::job_info(&library, job, &schema, published.as_of));
        }
        Ok(Cut { generation: Arc::new(generation), jobs: Arc::new(jobs), library, context })
    }

    fn invariant(library: &Library, name: &str, violations: u64) -> Invariant {
        let statement = match library.invariants.iter().find(|invariant| invariant.name == name) {
            Some(invariant) => invariant.header.title.clone(),
            None if name == LANDED_ONCE => {
                "Varje mottagen rad finns exakt en gång, som godkänd eller avvisad".to_owned()
            }
            None => name.to_owned(),
        };
        let detail = (violations > 0).then(|| format!("{violations} avvikelser"));
        Invariant { name: name.to_owned(), statement, holds: violations == 0, detail }
    }

    fn job_info(library: &Library, job: &engine::Job, schema: &arrow::datatypes::Schema, as_of: NaiveDate) -> JobInfo {
        let columns = schema.fields().iter().map(|field| Column {
            name: field.name().clone(),
            doc: job.header.columns.get(field.name()).cloned().unwrap_or_default(),
            data_type: field.data_type().clone(),
        });
        let levels = library.service_levels(as_of);
        let exception = job.header.exception.as_ref().map(|exception| ExceptionInfo {
            queue: exception.queue.clone(),
            queue_title: exception.queue_title.clone(),
            service_level: exception.service_level.clone(),
            service_level_text: levels.get(&exception.service_level).and_then(ServiceLevel::text_sv),
            why: exception.why.clone(),
            action: exception.action.clone(),
        });
        JobInfo {
            name: job.name.clone(),
            area: job.area.clone(),
            title: job.header.title.clone(),
            description: job.header.description.clone(),
            catalogue: job.header.catalogue.clone(),
            key: job.header.key.clone(),
            amount: job.header.amount.clone(),
            columns: columns.collect(),
            exception,
        }
    }

    async fn frame(&self, generation: u64, table: &str, filters: &[Filter]) -> Result<DataFrame, SourceError> {
        let cut = self.cut(generation).await?;
        let known = cut.jobs.iter().any(|job| job.name == table) || table == "file" || table == "reject";
        if !known {
            return Err(SourceError::NotFound { generation, what: format!("table {table}") });
        }
        let mut frame = cut.context.table(table).await.map_err(failed)?;
        for filter in filters {
            frame = frame.filter(condition(filter)).map_err(failed)?;
        }
        Ok(frame)
    }
}

#[async_trait]
impl Source for LakeSource {
    async fn generation(&self, number: Option<u64>) -> Result<Option<Arc<Generation>>, SourceError> {
        let number = match number {
            Some(number) => Some(number),
            None => self.lake.generation_numbers().await.map_err(unavailable)?.last().copied(),
        };
        match number {
            Some(number) => Ok(Some(self.cut(number).await?.generation.clone())),
            None => Ok(None),
        }
    }

    async fn last_run(&self) -> Result<Option<Run>, SourceError> {
        let Some(run) = runs::LastRun::read(&self.lake).await.map_err(damaged)? else { return Ok(None) };
        let outcome = match run.published {
            _ if run.failed => {
                Outcome::Failed("Beräkningen avbröts av ett fel. Driften har fått felet i sin logg.".to_owned())
            }
            _ if run.unchanged => Outcome::Unchanged,
            Some(number) => Outcome::Published(number),
            None => Outcome::Held,
        };
        let audit =
            run.audit.iter().map(|(name, violations)| Self::invariant(&self.library, name, *violations)).collect();
        Ok(Some(Run { started_at: run.started_at, ended_at: run.ended_at, as_of: run.as_of, outcome, audit }))
    }

    async fn jobs(&self, generation: u64) -> Result<Arc<Vec<JobInfo>>, SourceError> {
        Ok(self.cut(generation).await?.jobs.clone())
    }

    async fn rows(&self, generation: u64, table: &str, query: RowQuery) -> Result<Rows, SourceError> {
        let mut frame = self.frame(generation, table, &query.filters).await?;
        if !query.order_by.is_empty() {
            let order = query.order_by.iter().map(|order| ident(&order.column).sort(!order.descending, false));
            frame = frame.sort(order.collect()).map_err(failed)?;
        }
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        if query.limit.is_some() || query.offset > 0 {
            frame = frame.limit(size(query.offset), query.limit.map(size)).map_err(failed)?;
        }
        let stream = frame.execute_stream().await.map_err(failed)?;
        Ok(Rows { schema: stream.schema(), batches: stream.map_err(failed).boxed() })
    }

    async fn count(&self, generation: u64, table: &str, filters: &[Filter]) -> Result<u64, SourceError> {
        let rows = self.frame(generation, table, filters).await?.count().await.map_err(failed)?;
        Ok(rows as u64)
    }

    async fn groups(&self, generation: u64, job: &str, filters: &[Filter]) -> Result<Vec<Group>, SourceError> {
        let cut = self.cut(generation).await?;
        let info = cut.jobs.iter().find(|info| info.name == job);
        let info = info.ok_or_else(|| SourceError::NotFound { generation, what: format!("job {job}") })?;
        let due_type = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("+00:00".into()));
        let column = |name: &str, data_type: DataType| {
            let value = if info.has(name) { ident(name) } else { lit(datafusion::scalar::ScalarValue::Null) };
            cast(value, data_type).alias(name)
        };
        let keys =
            vec![column("department", DataType::Utf8), column("due_at", due_type), column("currency", DataType::Utf8)];
        let amount = match &info.amount {
            Some(amount) => ident(amount),
            None => cast(lit(datafusion::scalar::ScalarValue::Null), schemas::decimal_type()),
        };
        let total = cast(sum(amount), DataType::Decimal128(28, 2)).alias("total");
        let frame = self.frame(generation, job, filters).await?;
        let frame = frame.aggregate(keys, vec![count(lit(1_i64)).alias("rows"), total]).map_err(failed)?;
        let batches = frame.collect().await.map_err(failed)?;
        Ok(batches.iter().flat_map(groups_of).collect())
    }

    async fn calendar(&self, _generation: u64) -> Result<Arc<Calendar>, SourceError> {
        Ok(self.calendar.clone())
    }

    async fn decisions(&self, generation: u64, exception_id: &str) -> Result<Vec<Decision>, SourceError> {
        let cut = self.cut(generation).await?;
        let decisions = cut.context.table("decision").await.map_err(failed)?;
        let of_exception = ident("exception_id").eq(lit(exception_id));
        let batches = decisions.filter(of_exception).map_err(failed)?.collect().await.map_err(failed)?;
        Ok(batches.iter().flat_map(decisions_of).collect())
    }

    async fn explain(&self, generation: u64, table: &str, exception_id: &str) -> Result<Explanation, SourceError> {
        let cut = self.cut(generation).await?;
        let published = self.lake.generation(generation).await.map_err(unavailable)?;
        let question = Question {
            table: table.to_owned(),
            key: vec![(Some("exception_id".to_owned()), exception_id.to_owned())],
            shown: EXPLAINED,
            limit: crate::explain::FOLLOWED,
            persons: false,
        };
        let explained = engine::explain::explain(&cut.context, &cut.library, &published, &question).await;
        let explained = explained.map_err(|error| match error {
            EngineError::Query { error, .. } => failed(*error),
            other => SourceError::Failed(other.to_string()),
        })?;
        Ok(explanation(explained))
    }

    async fn raw(&self, reference: &RecordRef) -> Result<Bytes, SourceError> {
        let absent = || SourceError::NotFound { generation: 0, what: "record in the archive".to_owned() };
        let file_id: FileId = reference.file_id.parse().map_err(|_| absent())?;
        let bytes = self.archive.range(file_id, reference.byte_start..reference.byte_end).await;
        bytes.map_err(|error| match error {
            ingest::Error::Removed { on, .. } => SourceError::Removed(on),
            other => unavailable(other),
        })
    }
}

fn explanation(explained: engine::explain::Explanation) -> Explanation {
    let step = |step: engine::explain::Step| ExplainedStep {
        table: step.table,
        kind: match step.kind {
            engine::explain::StepKind::Job => StepKind::Job,
            engine::explain::StepKind::Contract => StepKind::Contract,
            engine::explain::StepKind::Parameter => StepKind::Parameter,
        },
        title: step.title,
        description: step.description,
        catalogue: step.catalogue,
        version: step.version,
        changed_since: step.changed_since,
        key: step.key,
        personal: step.personal,
        rows: step.rows,
        found: step.found,
        complete: step.complete,
        used_by: step.used_by,
        missing: step
            .absences
            .into_iter()
            .map(|absence| Missing { tables: absence.tables, condition: absence.condition })
            .collect(),
        recomputed: step.recomputed,
    };
    let file = |file: serde_json::Map<String, serde_json::Value>| {
        let text = |name: &str| file.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        ExplainedFile {
            file_id: text("file_id"),
            name: text("name"),
            landing: text("landing"),
            received_at: text("received_at"),
        }
    };
    Explanation {
        steps: explained.steps.into_iter().map(step).collect(),
        files: explained.files.into_iter().map(file).collect(),
    }
}

fn condition(filter: &Filter) -> Expr {
    let text = |column: &str| cast(ident(column), DataType::Utf8);
    match filter {
        Filter::Is(column, Some(value)) => text(column).eq(lit(value.as_str())),
        Filter::Is(column, None) => ident(column).is_null(),
        Filter::Contains(columns, wanted) => {
            let holds = |column: &String| strpos(lower(text(column)), lit(wanted.to_lowercase())).gt(lit(0));
            columns.iter().map(holds).reduce(Expr::or).unwrap_or_else(|| lit(false))
        }
    }
}

fn groups_of(batch: &RecordBatch) -> Vec<Group> {
    let text = |column: usize, row: usize| {
        let column = batch.column(column).as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let due = batch.column(1).as_primitive::<TimestampMicrosecondType>();
    let rows = batch.column(3).as_primitive::<Int64Type>();
    let sums = batch.column(4).as_primitive::<Decimal128Type>();
    let group = |row| Group {
        department: text(0, row),
        due_at: if due.is_valid(row) { DateTime::from_timestamp_micros(due.value(row)) } else { None },
        currency: text(2, row),
        count: u64::try_from(rows.value(row)).unwrap_or_default(),
        sum: sums.is_valid(row).then(|| sums.value(row)),
    };
    (0..batch.num_rows()).map(group).collect()
}

fn decisions_of(batch: &RecordBatch) -> Vec<Decision> {
    let text = |name: &str, row: usize| {
        let column = batch.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let decision = |row| {
        let time = batch.column_by_name("decided_at")?.as_primitive_opt::<TimestampMicrosecondType>()?.value(row);
        let kind = match text("kind", row)?.as_str() {
            "claim" => Kind::Claim,
            "note" => Kind::Note,
            "close" => Kind::Close,
            "reopen" => Kind::Reopen,
            _ => return None,
        };
        Some(Decision {
            decision_id: text("decision_id", row)?,
            kind,
            decided_by: text("decided_by", row)?,
            decided_at: DateTime::from_timestamp_micros(time)?,
            comment: text("comment", row),
        })
    };
    (0..batch.num_rows()).filter_map(decision).collect()
}

async fn files(context: &SessionContext) -> anyhow::Result<Files> {
    let sql = "select status, count(*), cast(sum(read_records) as bigint), cast(sum(rejected_records) as bigint) from file group by status";
    let mut files = Files::default();
    for batch in context.sql(sql).await?.collect().await? {
        let status = batch.column(0).as_string::<i32>();
        let [count, read, rejected] = [1, 2, 3].map(|column| batch.column(column).as_primitive::<Int64Type>());
        for row in 0..batch.num_rows() {
            let number = |column: &arrow::array::Int64Array| u64::try_from(column.value(row)).unwrap_or_default();
            match status.value(row) {
                "accepted" => {
                    files.accepted = number(count);
                    files.rejects = number(rejected);
                    files.records = number(read).saturating_sub(number(rejected));
                }
                "refused" => files.refused = number(count),
                _ => files.test = number(count),
            }
        }
    }
    Ok(files)
}

fn unavailable(error: impl std::fmt::Display) -> SourceError {
    SourceError::Unavailable(error.to_string())
}

/// What went wrong with the plan is told; what went wrong with a value is not, because it can quote the value.
fn failed(error: DataFusionError) -> SourceError {
    let text = match error.find_root() {
        DataFusionError::Plan(_) | DataFusionError::SchemaError(..) | DataFusionError::ResourcesExhausted(_) => {
            error.strip_backtrace()
        }
        _ => "the statement failed; the reason is withheld because it can quote data".to_owned(),
    };
    SourceError::Failed(text)
}

fn damaged(error: anyhow::Error) -> SourceError {
    match error.downcast::<DataFusionError>() {
        Ok(error) => failed(error),
        Err(error) => SourceError::Failed(error.to_string()),
    }
}
