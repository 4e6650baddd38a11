//! The pages.

mod exception;
mod files;
mod queue;
mod rejects;
mod run;
mod start;
mod tables;
mod why;

pub use exception::{find as find_exception, references};
pub use queue::exception_filters;

use arrow::datatypes::{Field, Schema};
use axum::Router;
use axum::routing::get;
use serde_json::{Map, Value};
use worklist::due::due_day;
use worklist::queue::Sums;
use worklist::swedish;

use crate::App;
use crate::address::Address;
use crate::cells::{Cell, Heading, cells};
use crate::cut::Cut;
use crate::items::moment;
use crate::rows::{Table, text};
use crate::source::{Balance, Files, Generation, Invariant, JobInfo};

/// Routes of the pages.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(start::page))
        .route("/koer/{queue}", get(queue::page))
        .route("/arenden/{exception_id}", get(exception::page))
        .route("/arenden/{exception_id}/varfor", get(why::page))
        .route("/filer", get(files::list))
        .route("/filer/{file_id}", get(files::page))
        .route("/avvisade", get(rejects::page))
        .route("/tabeller", get(tables::list))
        .route("/tabeller/{job}", get(tables::page))
        .route("/tabeller/{job}/csv", get(crate::download::csv))
        .route("/tabeller/{job}/json", get(crate::download::json))
        .route("/korning", get(run::page))
        .route("/api", get(crate::api::page))
}

/// Money that came in and where it is, in words.
#[derive(Debug)]
struct BalanceLine {
    currency: String,
    received: String,
    matched: String,
    open: String,
    rejected: String,
    balances: bool,
}

impl BalanceLine {
    fn new(balance: &Balance) -> Self {
        let amount = |ore: i128| swedish::amount(&schemas::money::plain(ore, 2), &balance.currency);
        Self {
            currency: balance.currency.clone(),
            received: amount(balance.received),
            matched: amount(balance.matched),
            open: amount(balance.open),
            rejected: amount(balance.rejected),
            balances: balance.balances(),
        }
    }

    fn all(generation: &Generation) -> Vec<Self> {
        generation.money.iter().map(Self::new).collect()
    }
}

fn broken(audit: &[Invariant]) -> usize {
    audit.iter().filter(|invariant| !invariant.holds).count()
}

/// Counts of files and records, in words.
struct FilesLine {
    accepted: String,
    refused: String,
    /// Files that call themselves tests, when there are any.
    test: Option<String>,
    records: String,
    rejects: String,
}

impl From<&Files> for FilesLine {
    fn from(files: &Files) -> Self {
        Self {
            accepted: swedish::count(files.accepted),
            refused: swedish::count(files.refused),
            test: (files.test > 0).then(|| swedish::count(files.test)),
            records: swedish::count(files.records),
            rejects: swedish::count(files.rejects),
        }
    }
}

/// So many work items, in words.
fn cases(count: u64) -> String {
    format!("{} {}", swedish::count(count), if count == 1 { "ärende" } else { "ärenden" })
}

/// Sums by currency, kronor first.
fn sums(sums: &Sums) -> Vec<String> {
    let amount = |(currency, ore): (&String, &i128)| swedish::amount(&schemas::money::plain(*ore, 2), currency);
    let (kronor, others): (Vec<_>, Vec<_>) = sums.iter().partition(|(currency, _)| *currency == "SEK");
    kronor.into_iter().chain(others).map(amount).collect()
}

/// What an area is called.
pub fn area(area: &str) -> &str {
    match area {
        "ap" => "Leverantörsreskontra",
        "ar" => "Kundreskontra",
        "gl" => "Ekonomiservice",
        "fees" => "Avgiftshantering",
        "rent" => "Hyresadministration",
        "sla" => "Handläggningstider",
        other => other,
    }
}

/// Bytes of a file, shown.
#[derive(Debug)]
pub struct Original {
    text: String,
    encoding: &'static str,
    /// Bytes that are not shown.
    hidden: u64,
}

/// More than this of one record is not shown on a page.
const SHOWN_BYTES: usize = 64 * 1024;

impl Original {
    fn new(bytes: &[u8]) -> Self {
        let shown = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
        // A cut through a character must not turn the whole text into another encoding.
        let shown = match std::str::from_utf8(shown) {
            Err(error) if error.error_len().is_none() => shown.get(..error.valid_up_to()).unwrap_or(shown),
            _ => shown,
        };
        let (text, encoding) = worklist::evidence::text_of(shown);
        Self { text, encoding, hidden: u64::try_from(bytes.len() - shown.len()).unwrap_or(u64::MAX) }
    }
}

/// A choice of a list's filter.
#[derive(Debug)]
struct Choice {
    value: String,
    name: String,
    chosen: bool,
}

/// A head by which a list can be sorted.
#[derive(Debug)]
struct SortHead {
    name: &'static str,
    href: Address,
    /// `ascending`, `descending`, or empty when the list is sorted by something else.
    sorted: &'static str,
}

/// Rows with their heads.
#[derive(Debug)]
struct Grid {
    headings: Vec<Heading>,
    rows: Vec<GridRow>,
    /// True when rows are exceptions, which have pages of their own.
    linked: bool,
}

/// A row of a grid.
#[derive(Debug)]
struct GridRow {
    /// The page of an exception.
    href: Option<Address>,
    /// Its key.
    name: String,
    cells: Vec<Cell>,
}

impl Grid {
    fn new(cut: &Cut, table: &Table, job: &JobInfo) -> Self {
        // The link of an exception stands for its identity.
        let linked = job.exception.is_some();
        let shown = |name: &str| !linked || name != "exception_id";
        let full = table.schema();
        let fields: Vec<_> = full.fields().iter().filter(|field| shown(field.name())).cloned().collect();
        let schema = Schema::new(fields);
        let doc = |name: &str| job.columns.iter().find(|column| column.name == name).map_or("", |column| &column.doc);
        let row = |row: &Map<String, Value>| GridRow {
            href: linked.then(|| cut.link(Address::to("/arenden", text(row, "exception_id")).with("jobb", &job.name))),
            name: job.key.iter().map(|column| text(row, column)).collect::<Vec<_>>().join(" "),
            cells: cells(&schema, row)
                .into_iter()
                .zip(schema.fields())
                .map(|(cell, field)| short(cell, field, row))
                .collect(),
        };
        Self {
            headings: schema.fields().iter().map(|field| Heading::new(field, doc(field.name()))).collect(),
            rows: table.rows().iter().map(row).collect(),
            linked,
        }
    }
}

/// What a row of a table shows shorter than it is. Downloads and the exception's page have it all.
fn short(cell: Cell, field: &Field, row: &Map<String, Value>) -> Cell {
    match row.get(field.name()) {
        // Written out, a list would hide the row.
        Some(Value::Array(items)) => {
            Cell { text: format!("{}\u{a0}st", items.len()), class: "text", nested: None, ..cell }
        }
        // The first moment that is too late reads as a day too many: people go by the last day in time.
        Some(_) if field.name() == "due_at" => match moment(row, "due_at") {
            Some(due_at) => Cell { text: due_day(due_at).to_string(), ..cell },
            None => cell,
        },
        _ => cell,
    }
}

/// Text from a form field; nothing when it was left empty.
fn chosen(value: Option<&String>) -> Option<&str> {
    value.map(|value| value.trim()).filter(|value| !value.is_empty())
}
