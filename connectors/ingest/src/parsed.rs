//! A file that has been parsed and judged, its rows in delivery order.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use formats::{FileInfo, Finding, ParseError, Position, SealKey, Sink, Summary, Total, Verdict};
use serde::{Deserialize, Serialize};

use crate::spool::Spool;
use crate::{Error, FileId, Result, manifest};

/// What is known about a received file beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// SHA-256 of its bytes.
    pub file_id: FileId,
    /// Name of the landing place.
    pub place: String,
    /// Name within the place.
    pub name: String,
    /// Format it is read as.
    pub format: String,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// Bytes.
    pub size: u64,
    /// The store's mark of the file, where there is one: see [`Found`](crate::place::Found).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mark: Option<String>,
}

/// What a file amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Its rows are delivered.
    Accepted,
    /// It is wrong: nothing but its `file` record is delivered.
    Refused,
    /// It says of itself that it is a test: nothing but its `file` record is delivered.
    Test,
}

impl Status {
    /// Its name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Test => "test",
        }
    }
}

/// Rows of one contract that a file delivers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The contract.
    pub contract: String,
    /// Accepted rows.
    pub accepted: u64,
    /// Refused rows.
    pub rejected: u64,
}

/// Reads a file: [`formats::parse`], but for tests.
type Parse = fn(&str, FileInfo<'_>, &mut dyn Read, &mut dyn Sink) -> Result<Summary, ParseError>;

/// How files are read.
#[derive(Debug, Clone)]
pub(crate) struct Parser {
    parse: Parse,
    /// Keys that seals around files are checked with.
    pub seal_keys: Arc<[SealKey]>,
}

impl Parser {
    /// Reads with `parse`, and with no keys.
    pub fn new(parse: Parse) -> Self {
        Self { parse, seal_keys: Arc::new([]) }
    }
}

/// A parsed file.
#[derive(Debug)]
pub struct Parsed {
    /// Where it came from.
    pub origin: Origin,
    /// What the parser says about it.
    pub summary: Summary,
    /// What it amounts to.
    pub status: Status,
    /// What is delivered, by contract, without the `file` record; empty unless accepted.
    pub deliveries: Vec<Delivered>,
    pub(crate) spool: Spool,
}

impl Parsed {
    /// Parses a file; rows that do not fit in memory wait in the folder `dir`. Blocks.
    ///
    /// # Errors
    /// When the input cannot be read, there is no such format, or the disk fails. A file that is wrong is no
    /// error: see [`Status::Refused`].
    pub fn read(origin: Origin, input: &mut dyn Read, dir: &Path) -> Result<Self> {
        Self::read_with(&Parser::new(formats::parse), origin, input, dir)
    }

    pub(crate) fn read_with(parser: &Parser, origin: Origin, input: &mut dyn Read, dir: &Path) -> Result<Self> {
        let mut spool = Spool::new(&origin, dir);
        let failed = |source| Error::Parse { name: origin.name.clone(), source };
        let info = FileInfo { name: &origin.name, seal_keys: &parser.seal_keys };
        let mut summary = (parser.parse)(&origin.format, info, input, &mut spool).map_err(failed)?;
        spool.finish().map_err(|error| failed(ParseError::Sink(error)))?;
        if let (Verdict::Accepted, Some(finding)) = (&summary.verdict, out_of_range(&summary)) {
            summary.verdict = Verdict::Refused(finding);
        }
        let status = match &summary.verdict {
            Verdict::Refused(_) => Status::Refused,
            Verdict::Accepted if summary.test => Status::Test,
            Verdict::Accepted => Status::Accepted,
        };
        if status != Status::Accepted {
            spool = Spool::new(&origin, dir);
        }
        let deliveries = spool.deliveries();
        let rejected: u64 = deliveries.iter().map(|delivered| delivered.rejected).sum();
        let read = rejected + deliveries.iter().map(|delivered| delivered.accepted).sum::<u64>();
        if status == Status::Accepted && (read, rejected) != (summary.read_records, summary.rejected_records) {
            let said = (summary.read_records, summary.rejected_records);
            return Err(Error::Defect(format!(
                "{}: the parser says it read {} rows and refused {} of them, but gave {read} and {rejected}",
                origin.name, said.0, said.1
            )));
        }
        Ok(Self { origin, summary, status, deliveries, spool })
    }
}

/// A sum with more digits than money has cannot be stated, so it cannot be controlled.
fn out_of_range(summary: &Summary) -> Option<Finding> {
    let sums = |total: &Total| [Some(total.read), Some(total.rejected), total.declared];
    let unfit = summary.totals.iter().find(|total| !sums(total).iter().flatten().all(manifest::fits))?;
    Some(Finding {
        code: "ingest.amount_range",
        position: Position::default(),
        message: format!("a sum in {} has more than 18 digits", unfit.currency),
        message_sv: format!("En summa i {} har fler än 18 siffror.", unfit.currency),
    })
}

#[cfg(test)]
mod tests;
