//! A file that has been parsed and judged, its rows in delivery order.

use chrono::{DateTime, Utc};
use formats::Summary;
use serde::{Deserialize, Serialize};

use crate::FileId;

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
}
