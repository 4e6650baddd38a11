//! File formats: bytes in, records and rejects out. Pure: no clock, no network, no files opened here.
//!
//! A *parser* reads a file front to back with bounded memory. Rows go to a [`Sink`] as Arrow batches of a
//! contract's [body](schemas::Contract::body_schema) or as [`Reject`]s; at the end it gives a [`Summary`] with
//! the verdict on the whole file. What the sink received of a refused file does not count.
//!
//! A bad record in a good file becomes a reject; a file whose grammar or control totals are broken is refused.
//! Every violation has a code, a position, and a text in English and Swedish that holds no personal data.
//!
//! Start at [`parse`].

use std::fmt;
use std::io::Read;

use arrow::array::RecordBatch;
use chrono::NaiveDate;
use schemas::Contract;

pub use fixed::SealKey;

pub mod abw;
pub mod autogiro;
pub mod bgmax;
pub mod camt;
mod columns;
mod fixed;
pub mod lb;
pub mod pain002;
pub mod register;
mod rows;
pub mod sie;
pub mod swish;
mod table;
#[cfg(test)]
mod testing;
pub mod totalin;
pub mod ubl;
mod xml;

/// Where in a file something is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// 1-based line.
    pub line: Option<u64>,
    /// 1-based column, in characters.
    pub column: Option<u32>,
    /// Path in an XML document, or the name of a column.
    pub path: Option<String>,
    /// 0-based byte.
    pub byte: u64,
}

/// Something wrong or noteworthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable code, for example `bgmax.deposit_sum`.
    pub code: &'static str,
    /// Where.
    pub position: Position,
    /// What is wrong with what, in English, without personal data.
    pub message: String,
    /// The same in plain Swedish.
    pub message_sv: String,
}

/// A refused row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Number of the row among the rows of the file, as for accepted rows.
    pub ordinal: u64,
    /// First byte of the row in the file.
    pub start: u64,
    /// One past its last byte.
    pub end: u64,
    /// Why.
    pub finding: Finding,
    /// Amount in the smallest unit, signed as it would have counted, where it could be read.
    pub amount: Option<i128>,
    /// Currency of the amount.
    pub currency: Option<String>,
    /// The bytes of the row, at most [`MAX_RAW`].
    pub raw: Vec<u8>,
}

/// The longest piece of raw bytes that a reject carries.
pub const MAX_RAW: usize = 64 * 1024;

/// Rows in a batch, unless the file ends.
pub const BATCH_ROWS: usize = 8192;

/// Receives what a parser reads.
pub trait Sink {
    /// Accepted rows: the columns of `contract.body_schema()`.
    ///
    /// # Errors
    /// When the rows cannot be taken; the parser stops.
    fn rows(&mut self, contract: &'static Contract, rows: RecordBatch) -> Result<(), SinkError>;

    /// A row that was meant for `contract` and is refused.
    ///
    /// # Errors
    /// When it cannot be taken; the parser stops.
    fn reject(&mut self, contract: &'static Contract, reject: Reject) -> Result<(), SinkError>;
}

/// Why a sink stopped the parser.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Sums of one currency, in the smallest unit, deductions subtracted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// ISO 4217.
    pub currency: String,
    /// What the file says.
    pub declared: Option<i128>,
    /// Sum of accepted rows.
    pub read: i128,
    /// Sum of rejected rows whose amount can be read.
    pub rejected: i128,
}

/// Whether the file counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its rows count.
    Accepted,
    /// Nothing in it counts.
    Refused(Finding),
}

/// The result of reading a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Whether the file counts.
    pub verdict: Verdict,
    /// True when the file says of itself that it is a test: its rows never become money.
    pub test: bool,
    /// Rows that the file declares.
    pub declared_records: Option<u64>,
    /// Rows read, accepted and rejected.
    pub read_records: u64,
    /// Rows rejected.
    pub rejected_records: u64,
    /// Sums by currency, in alphabetical order.
    pub totals: Vec<Total>,
    /// Tolerances used and other observations.
    pub remarks: Vec<Finding>,
    /// Business date of a register extract.
    pub extracted_on: Option<NaiveDate>,
}

/// What is known about a file beside its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileInfo<'a> {
    /// Name at the landing place; a register's mapping can read the extract's date from it.
    pub name: &'a str,
    /// Keys that seals around files of Bankgirot are checked with. A seal made with another key is remarked.
    pub seal_keys: &'a [SealKey],
}

/// The input could not be read, the sink stopped, or there is no such format.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// No parser has this name.
    #[error("there is no format {0}; there are: {1}")]
    UnknownFormat(String, String),
    /// Reading failed.
    #[error("the input could not be read: {0}")]
    Read(#[from] std::io::Error),
    /// The sink stopped.
    #[error("{0}")]
    Sink(SinkError),
    /// A defect of ours: a batch does not fit its contract.
    #[error("rows do not fit the contract: {0}")]
    Rows(#[from] arrow::error::ArrowError),
    /// A mapping or contract cannot be used.
    #[error("{0}")]
    Configuration(String),
}

/// Formats that are read by a module of this crate; registers come with their mappings.
pub const OWN: [&str; 12] = [
    "abw",
    "autogiro",
    "bgmax",
    "camt",
    "camt_statement",
    "lb",
    "pain002",
    "sie",
    "sie_import",
    "swish",
    "totalin",
    "ubl",
];

/// Reads `input` as `format`: one of [`formats`].
///
/// # Errors
/// When there is no such format, reading fails or the sink stops. A file that is wrong is no error: see
/// [`Verdict`].
pub fn parse(
    format: &str,
    info: FileInfo<'_>,
    input: &mut dyn Read,
    sink: &mut dyn Sink,
) -> Result<Summary, ParseError> {
    match format {
        "abw" => abw::parse(input, sink),
        "autogiro" => autogiro::parse(info.seal_keys, input, sink),
        "bgmax" => bgmax::parse(input, sink),
        "camt" => camt::parse(camt::Wanted::All, input, sink),
        "camt_statement" => camt::parse(camt::Wanted::Entries, input, sink),
        "lb" => lb::parse(info.seal_keys, input, sink),
        "pain002" => pain002::parse(input, sink),
        "sie" => sie::parse(sie::Kind::Export, input, sink),
        "sie_import" => sie::parse(sie::Kind::Import, input, sink),
        "swish" => swish::parse(input, sink),
        "totalin" => totalin::parse(input, sink),
        "ubl" => ubl::parse(input, sink),
        register => match register::mappings().get(register) {
            Some(mapping) => register::parse(mapping, info, input, sink),
            None => Err(ParseError::UnknownFormat(register.to_owned(), formats().join(", "))),
        },
    }
}

/// Names of all formats, register mappings included.
#[must_use]
pub fn formats() -> Vec<&'static str> {
    OWN.into_iter().chain(register::mappings().keys().map(String::as_str)).collect()
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(line) = self.line {
            write!(f, "line {line}")?;
            separator = ", ";
        }
        if let Some(column) = self.column {
            write!(f, "{separator}column {column}")?;
            separator = ", ";
        }
        if let Some(path) = &self.path {
            write!(f, "{separator}{path}")?;
            separator = ", ";
        }
        write!(f, "{separator}byte {}", self.byte)
    }
}
