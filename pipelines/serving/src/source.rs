//! What pages and API read. The binary implements it over tables and archive; tests over rows in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures::stream::BoxStream;
use schemas::calendar::Calendar;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use worklist::RecordRef;
use worklist::decision::Decision;
use worklist::queue::Group;

/// Where results come from. Everything that takes a generation reads that one and no other.
#[async_trait]
pub trait Source: Send + Sync {
    /// The generation with this number, or the last one published; nothing when there is none yet.
    ///
    /// # Errors
    /// [`SourceError::NoSuchGeneration`] when the number is not kept (any more).
    async fn generation(&self, number: Option<u64>) -> Result<Option<Arc<Generation>>, SourceError>;

    /// The last run that ended, published or not.
    async fn last_run(&self) -> Result<Option<Run>, SourceError> {
        Ok(None)
    }

    /// The jobs of a generation, in the order in which people read them.
    async fn jobs(&self, generation: u64) -> Result<Arc<Vec<JobInfo>>, SourceError>;

    /// Rows of a job's table, or of the tables `file` and `reject` (the contracts of these names).
    async fn rows(&self, generation: u64, table: &str, query: RowQuery) -> Result<Rows, SourceError>;

    /// How many rows [`Source::rows`] would give without limit and offset.
    async fn count(&self, generation: u64, table: &str, filters: &[Filter]) -> Result<u64, SourceError>;

    /// The exceptions of a job counted by department, deadline and currency: `select department, due_at, currency,
    /// count(*), sum(amount) … group by department, due_at, currency`, with nulls for columns that it does not have.
    async fn groups(&self, generation: u64, job: &str, filters: &[Filter]) -> Result<Vec<Group>, SourceError>;

    /// The city's working days.
    async fn calendar(&self, generation: u64) -> Result<Arc<Calendar>, SourceError>;

    /// What handlers have decided about an exception.
    async fn decisions(&self, _generation: u64, _exception_id: &str) -> Result<Vec<Decision>, SourceError> {
        Ok(Vec::new())
    }

    /// Why a row of a job is there: what it came from, step by step, down to records and files.
    async fn explain(&self, generation: u64, table: &str, exception_id: &str) -> Result<Explanation, SourceError>;

    /// The bytes of the archive that a record was read from.
    async fn raw(&self, reference: &RecordRef) -> Result<Bytes, SourceError>;
}

/// A consistent cut of all tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its number.
    pub number: u64,
    /// When it was published.
    pub published_at: DateTime<Utc>,
    /// The business date that it was computed for.
    pub as_of: NaiveDate,
    /// What was checked before it was published.
    pub audit: Vec<Invariant>,
    /// Rows by table: jobs, landing tables.
    pub tables: BTreeMap<String, u64>,
    /// Where the money that came in is, by currency.
    pub money: Vec<Balance>,
    /// The files that it rests on.
    pub files: Files,
}

/// A named statement that must hold, and whether it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invariant {
    /// `INV-…`.
    pub name: String,
    /// The statement in Swedish.
    pub statement: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was compared with what, in Swedish, without personal data.
    pub detail: Option<String>,
}

/// Money in a currency: what came in is matched, open or rejected, to the öre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// ISO 4217.
    pub currency: String,
    /// What the accepted files brought.
    pub received: i128,
    /// Confirmed matches.
    pub matched: i128,
    /// Suggested or unmatched.
    pub open: i128,
    /// Rejected.
    pub rejected: i128,
}

impl Balance {
    /// True when not an öre is missing.
    #[must_use]
    pub const fn balances(&self) -> bool {
        self.received == self.matched + self.open + self.rejected
    }
}

/// Counts of the files that a generation rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Files whose rows count.
    pub accepted: u64,
    /// Files that were refused whole.
    pub refused: u64,
    /// Files that call themselves tests.
    pub test: u64,
    /// Accepted records.
    pub records: u64,
    /// Rejects.
    pub rejects: u64,
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The business date that it computed.
    pub as_of: NaiveDate,
    /// How it ended.
    pub outcome: Outcome,
    /// What was checked, when it came to that.
    pub audit: Vec<Invariant>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It published this generation.
    Published(u64),
    /// Nothing had changed.
    Unchanged,
    /// An invariant did not hold: the generation before stays.
    Held,
    /// It could not be computed; the reason in Swedish, without personal data.
    Failed(String),
}

/// A job: one `.sql` file, one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobInfo {
    /// Name of job and table.
    pub name: String,
    /// `ap`, `ar`, `gl`, `fees`, `rent` or `sla`.
    pub area: String,
    /// Title in Swedish.
    pub title: String,
    /// The rule, in English.
    pub description: String,
    /// Ids of the catalogue.
    pub catalogue: Vec<String>,
    /// Columns that identify a row.
    pub key: Vec<String>,
    /// The column that queues are summed by.
    pub amount: Option<String>,
    /// All columns of the table, what the engine appends included.
    pub columns: Vec<Column>,
    /// For jobs of kind `exception`.
    pub exception: Option<ExceptionInfo>,
}

impl JobInfo {
    /// True when the table has this column.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|candidate| candidate.name == column)
    }
}

/// A column of a job's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it is, in English.
    pub doc: String,
    /// Its type.
    pub data_type: DataType,
}

/// What makes rows of a job work for someone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionInfo {
    /// Slug of the queue; several jobs can feed one.
    pub queue: String,
    /// Title of the queue in Swedish.
    pub queue_title: String,
    /// Id of the service level, for example `SLA06`.
    pub service_level: String,
    /// The time it allows, in Swedish, for example `5 arbetsdagar`.
    pub service_level_text: Option<String>,
    /// Why a row is here: template over the columns.
    pub why: String,
    /// What to do, in Swedish.
    pub action: String,
}

/// What a row came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The row's own table first, then what it came from: jobs, then contracts, then parameters.
    pub steps: Vec<ExplainedStep>,
    /// The files of the records.
    pub files: Vec<ExplainedFile>,
}

/// A table whose rows took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExplainedStep {
    /// The table.
    pub table: String,
    /// What it is.
    pub kind: StepKind,
    /// The job's title, in Swedish; the name of a contract or parameter table.
    pub title: String,
    /// The job's rule, or what a record of the contract is, in English.
    pub description: String,
    /// Requirements that the job implements.
    pub catalogue: Vec<String>,
    /// Fingerprint of the job that computed the generation.
    pub version: Option<String>,
    /// Whether the job has been changed since: the row is then explained as the job stands now.
    pub changed_since: bool,
    /// Columns that identify a row.
    pub key: Vec<String>,
    /// Columns that can tell who a person is. Their values are withheld.
    pub personal: BTreeSet<String>,
    /// The rows that took part, the first of them.
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<Map<String, Value>>,
    /// How many took part.
    pub found: usize,
    /// Whether these are all: false when there were too many to follow.
    pub complete: bool,
    /// Jobs whose rows came from these.
    pub used_by: BTreeSet<String>,
    /// What the job looked for and did not find.
    pub missing: Vec<Missing>,
    /// Whether the job, computed on the rows found for it alone, gives the same rows; null where that was not tried.
    pub recomputed: Option<bool>,
}

/// What a step's table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// The result of a job.
    Job,
    /// Records as they were received.
    Contract,
    /// Dated values with source and approval.
    Parameter,
}

/// Something that was looked for and not found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Missing {
    /// Tables that were searched.
    pub tables: BTreeSet<String>,
    /// The condition, with the values of the row; may be empty.
    pub condition: String,
}

/// A file that a record stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExplainedFile {
    /// SHA-256 of the file: its name in the archive.
    pub file_id: String,
    /// Its name at the landing place.
    pub name: String,
    /// The landing place.
    pub landing: String,
    /// When it arrived.
    pub received_at: String,
}

/// Which rows, in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowQuery {
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Earlier entries count more. Always ends with columns that identify a row, so that pages do not overlap.
    pub order_by: Vec<Order>,
    /// At most so many rows; nothing means all.
    pub limit: Option<u64>,
    /// Rows to pass over.
    pub offset: u64,
}

/// A condition on rows. Values are compared as text: `cast(column as string) = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// The column has this value, or is null.
    Is(String, Option<String>),
    /// One of the columns contains this text, whatever the case of its letters.
    Contains(Vec<String>, String),
}

/// Order by a column, nulls last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: String,
    /// Largest first.
    pub descending: bool,
}

/// Rows as they come.
pub struct Rows {
    /// Their columns, known before the first of them.
    pub schema: SchemaRef,
    /// Batches with these columns.
    pub batches: BoxStream<'static, Result<RecordBatch, SourceError>>,
}

/// Why something could not be read. Texts hold no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// There is no such table, job or record in the generation.
    #[error("generation {generation} has no {what}")]
    NotFound {
        /// Where it was looked for.
        generation: u64,
        /// What was looked for.
        what: String,
    },
    /// The generation is not kept.
    #[error("there is no generation {0}")]
    NoSuchGeneration(u64),
    /// The file that the bytes stood in was removed on this date, as its retention was over.
    #[error("the file was removed from the archive on {0}")]
    Removed(NaiveDate),
    /// Storage does not answer; later it may.
    #[error("storage does not answer: {0}")]
    Unavailable(String),
    /// A defect of ours, or damaged data.
    #[error("reading failed: {0}")]
    Failed(String),
}
