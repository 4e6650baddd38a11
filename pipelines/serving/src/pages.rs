//! The pages.

mod exception;
mod files;
mod queue;
mod rejects;
mod run;
mod start;
mod tables;

pub use exception::{find as find_exception, references};
pub use queue::exception_filters;

use axum::Router;
use axum::routing::get;
use worklist::queue::Sums;
use worklist::swedish;

use crate::App;
use crate::address::Address;
use crate::cells::{Cell, Heading};
use crate::rows::Table;
use crate::source::{Balance, Generation, Invariant};

/// Routes of the pages.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(start::page))
        .route("/koer/{queue}", get(queue::page))
        .route("/arenden/{exception_id}", get(exception::page))
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
    rows: Vec<Vec<Cell>>,
}

impl Grid {
    fn new(table: &Table, doc: impl Fn(&str) -> String) -> Self {
        let schema = table.schema();
        Self {
            headings: schema.fields().iter().map(|field| Heading::new(field, &doc(field.name()))).collect(),
            rows: table.rows().iter().map(|row| crate::cells::cells(&schema, row)).collect(),
        }
    }
}

/// Text from a form field; nothing when it was left empty.
fn chosen(value: Option<&String>) -> Option<&str> {
    value.map(|value| value.trim()).filter(|value| !value.is_empty())
}
