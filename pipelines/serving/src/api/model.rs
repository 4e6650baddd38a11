//! Bodies of the API.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use schemas::money;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use worklist::Due;
use worklist::queue::{Summary, Sums};

use crate::source::{Balance, ExplainedFile, ExplainedStep, Files, Generation, Invariant, JobInfo};

/// An amount in kronor and öre, or in the unit of its currency.
fn amount(ore: i128) -> String {
    money::plain(ore, 2)
}

fn amounts(sums: &Sums) -> BTreeMap<String, String> {
    sums.iter().map(|(currency, ore)| (currency.clone(), amount(*ore))).collect()
}

/// A moment, as rows have it.
pub fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// What is wrong, in Swedish.
    pub title: String,
    /// What to do about it, in Swedish.
    pub advice: String,
}

/// A generation: a consistent cut of all tables.
#[derive(Serialize, ToSchema)]
pub struct GenerationBody {
    /// Its number.
    pub generation: u64,
    /// When it was published.
    #[schema(example = "2026-03-31T05:12:00Z")]
    pub published_at: String,
    /// The business date it was computed for.
    #[schema(example = "2026-03-31")]
    pub as_of: String,
    /// The invariants and whether they hold.
    pub audit: Vec<InvariantBody>,
    /// Rows by table.
    pub tables: BTreeMap<String, u64>,
    /// Where the money is, by currency.
    pub money: Vec<BalanceBody>,
    /// The files it rests on.
    pub files: FilesBody,
}

/// A named statement and whether it holds.
#[derive(Serialize, ToSchema)]
pub struct InvariantBody {
    /// `INV-…`.
    pub name: String,
    /// The statement, in Swedish.
    pub statement: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was compared.
    pub detail: Option<String>,
}

/// Received = matched + open + rejected.
#[derive(Serialize, ToSchema)]
pub struct BalanceBody {
    /// ISO 4217.
    pub currency: String,
    /// What came in.
    #[schema(example = "1234.50")]
    pub received: String,
    /// Confirmed matches.
    pub matched: String,
    /// Suggested or unmatched.
    pub open: String,
    /// Rejected.
    pub rejected: String,
    /// Whether not an öre is missing.
    pub balances: bool,
}

/// Counts of files and their rows.
#[derive(Serialize, ToSchema)]
pub struct FilesBody {
    /// Files whose rows count.
    pub accepted: u64,
    /// Files refused whole.
    pub refused: u64,
    /// Files that call themselves tests.
    pub test: u64,
    /// Accepted records.
    pub records: u64,
    /// Rejects.
    pub rejects: u64,
}

impl From<&Generation> for GenerationBody {
    fn from(generation: &Generation) -> Self {
        let as_of: NaiveDate = generation.as_of;
        Self {
            generation: generation.number,
            published_at: moment(generation.published_at),
            as_of: as_of.to_string(),
            audit: generation.audit.iter().cloned().map(InvariantBody::from).collect(),
            tables: generation.tables.clone(),
            money: generation.money.iter().map(BalanceBody::from).collect(),
            files: FilesBody::from(generation.files.clone()),
        }
    }
}

impl From<Invariant> for InvariantBody {
    fn from(Invariant { name, statement, holds, detail }: Invariant) -> Self {
        Self { name, statement, holds, detail }
    }
}

impl From<&Balance> for BalanceBody {
    fn from(balance: &Balance) -> Self {
        Self {
            currency: balance.currency.clone(),
            received: amount(balance.received),
            matched: amount(balance.matched),
            open: amount(balance.open),
            rejected: amount(balance.rejected),
            balances: balance.balances(),
        }
    }
}

impl From<Files> for FilesBody {
    fn from(Files { accepted, refused, test, records, rejects }: Files) -> Self {
        Self { accepted, refused, test, records, rejects }
    }
}

/// All queues.
#[derive(Serialize, ToSchema)]
pub struct QueuesBody {
    /// Generation read.
    pub generation: u64,
    /// Queues, in the order of their areas.
    pub queues: Vec<QueueBody>,
}

/// A queue and what it holds now.
#[derive(Serialize, ToSchema)]
pub struct QueueBody {
    /// Slug.
    pub queue: String,
    /// Title, in Swedish.
    pub title: String,
    /// Jobs that feed it.
    pub jobs: Vec<String>,
    /// Exceptions.
    pub count: u64,
    /// Sums of their amounts by currency.
    #[schema(example = json!({"SEK": "1234.50"}))]
    pub sums: BTreeMap<String, String>,
    /// The next deadline, or the longest passed.
    pub nearest_due: Option<String>,
    /// Past their deadline.
    pub overdue: u64,
    /// Due today.
    pub today: u64,
    /// Due by the next working day.
    pub soon: u64,
    /// By department.
    pub departments: Vec<DepartmentBody>,
}

/// A department's part of a queue.
#[derive(Serialize, ToSchema)]
pub struct DepartmentBody {
    /// Department; null where unknown.
    pub department: Option<String>,
    /// Exceptions.
    pub count: u64,
    /// Sums of their amounts by currency.
    #[schema(example = json!({"SEK": "1234.50"}))]
    pub sums: BTreeMap<String, String>,
}

impl QueueBody {
    /// The body of a queue.
    pub fn new(queue: &crate::items::Queue<'_>, summary: &Summary) -> Self {
        let departments = summary.departments.iter().map(|(department, (count, sums))| DepartmentBody {
            department: department.clone(),
            count: *count,
            sums: amounts(sums),
        });
        Self {
            queue: queue.name.to_owned(),
            title: queue.title.to_owned(),
            jobs: queue.jobs.iter().map(|(job, _)| job.name.clone()).collect(),
            count: summary.count,
            sums: amounts(&summary.sums),
            nearest_due: summary.nearest_due.map(moment),
            overdue: summary.overdue,
            today: summary.today,
            soon: summary.soon,
            departments: departments.collect(),
        }
    }
}

/// Exceptions of one job in a queue.
#[derive(Serialize, ToSchema)]
pub struct ItemsBody {
    /// Generation read.
    pub generation: u64,
    /// Queue.
    pub queue: String,
    /// Job.
    pub job: String,
    /// Exceptions that fit the request.
    pub total: u64,
    /// At most so many are given.
    pub limit: u64,
    /// So many were passed over.
    pub offset: u64,
    /// The exceptions.
    pub items: Vec<ItemBody>,
}

/// An exception.
#[derive(Serialize, ToSchema)]
pub struct ItemBody {
    /// Stable identity.
    pub exception_id: String,
    /// Why it is there, in Swedish.
    pub why: String,
    /// The first moment that is too late.
    pub due_at: Option<String>,
    /// `overdue`, `today`, `soon`, `in_time` or `open`.
    pub due: String,
    /// Time left, in Swedish.
    pub time_left: String,
    /// The row: columns as the job's table has them.
    #[schema(value_type = Object)]
    pub row: Map<String, Value>,
}

impl ItemBody {
    /// The body of an exception.
    pub fn new(item: crate::items::Item, row: Map<String, Value>) -> Self {
        let due: Due = item.deadline.due;
        Self {
            exception_id: item.id,
            why: item.why,
            due_at: row.get("due_at").and_then(Value::as_str).map(str::to_owned),
            due: due.code().to_owned(),
            time_left: due.swedish(),
            row,
        }
    }
}

/// One exception, what to do about it and what it rests on.
#[derive(Serialize, ToSchema)]
pub struct ExceptionBody {
    /// Generation read.
    pub generation: u64,
    /// Queue.
    pub queue: String,
    /// Job.
    pub job: String,
    /// What to do, in Swedish.
    pub action: String,
    /// Service level.
    pub service_level: String,
    /// The exception.
    #[serde(flatten)]
    pub item: ItemBody,
    /// `open`, `claimed`, `closed` or `settled`.
    #[schema(value_type = String)]
    pub status: worklist::decision::Status,
    /// Who works on it.
    pub owner: Option<String>,
    /// Decisions, oldest first.
    #[schema(value_type = Vec<Object>)]
    pub history: Vec<worklist::decision::Entry>,
    /// The records behind it; their bytes are at `evidence/{number}`, counted from 1.
    pub evidence: Vec<EvidenceBody>,
}

/// A record behind an exception.
#[derive(Serialize, ToSchema)]
pub struct EvidenceBody {
    /// Its number in the list, from 1.
    pub number: usize,
    /// Contract.
    pub contract: String,
    /// File.
    pub file_id: String,
    /// Number in the file, from 1.
    pub ordinal: u64,
    /// First byte in the file, from 0.
    pub byte_start: u64,
    /// One past the last byte.
    pub byte_end: u64,
}

/// What an exception came from.
#[derive(Serialize, ToSchema)]
pub struct ExplanationBody {
    /// Generation read.
    pub generation: u64,
    /// The exception's job.
    pub job: String,
    /// The exception itself first, then what it came from: jobs, then contracts, then parameters.
    pub steps: Vec<ExplainedStep>,
    /// The files of the records.
    pub files: Vec<ExplainedFile>,
}

/// Rows of a table.
#[derive(Serialize, ToSchema)]
pub struct RowsBody {
    /// Generation read.
    pub generation: u64,
    /// Table.
    pub table: String,
    /// Rows that fit the request.
    pub total: u64,
    /// At most so many are given.
    pub limit: u64,
    /// So many were passed over.
    pub offset: u64,
    /// The rows.
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<Map<String, Value>>,
}

/// One file.
#[derive(Serialize, ToSchema)]
pub struct FileBody {
    /// Generation read.
    pub generation: u64,
    /// Its manifest: the columns of the contract `file`.
    #[schema(value_type = Object)]
    pub file: Map<String, Value>,
}

/// All jobs' tables.
#[derive(Serialize, ToSchema)]
pub struct TablesBody {
    /// Generation read.
    pub generation: u64,
    /// The tables.
    pub tables: Vec<TableBody>,
}

/// A job's table.
#[derive(Serialize, ToSchema)]
pub struct TableBody {
    /// Name of job and table.
    pub name: String,
    /// Area.
    pub area: String,
    /// Title, in Swedish.
    pub title: String,
    /// The rule.
    pub description: String,
    /// Ids of the catalogue.
    pub catalogue: Vec<String>,
    /// Columns that identify a row.
    pub key: Vec<String>,
    /// The column that is summed.
    pub amount: Option<String>,
    /// Queue, for exceptions.
    pub queue: Option<String>,
    /// Rows.
    pub rows: Option<u64>,
    /// Columns.
    pub columns: Vec<ColumnBody>,
}

/// A column.
#[derive(Serialize, ToSchema)]
pub struct ColumnBody {
    /// Name.
    pub name: String,
    /// Type, in Arrow's words.
    pub data_type: String,
    /// What it is.
    pub doc: String,
    /// Its Swedish name.
    pub label: String,
}

impl TableBody {
    /// The body of a job's table.
    pub fn new(job: &JobInfo, rows: Option<u64>) -> Self {
        let columns = job.columns.iter().map(|column| ColumnBody {
            name: column.name.clone(),
            data_type: column.data_type.to_string(),
            doc: column.doc.clone(),
            label: crate::cells::label(&column.name),
        });
        Self {
            name: job.name.clone(),
            area: job.area.clone(),
            title: job.title.clone(),
            description: job.description.clone(),
            catalogue: job.catalogue.clone(),
            key: job.key.clone(),
            amount: job.amount.clone(),
            queue: job.exception.as_ref().map(|exception| exception.queue.clone()),
            rows,
            columns: columns.collect(),
        }
    }
}
