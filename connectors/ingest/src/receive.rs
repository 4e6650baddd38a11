//! Receiving files: archive, parse, judge, deliver.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use formats::{Finding, Total};

use crate::archive::Archive;
use crate::log::Delivery;
use crate::parsed::{Delivered, Status};
use crate::place::{Found, LandingPlace};
use crate::{Error, FileId, Result};

/// Receives files.
#[derive(Debug)]
pub struct Receiver {
    archive: Archive,
    work_dir: PathBuf,
}

/// What became of a file at a landing place.
#[derive(Debug)]
pub struct Receipt {
    /// Name of the landing place.
    pub place: String,
    /// Name within the place.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a file.
#[derive(Debug)]
pub enum Outcome {
    /// Delivered to the log.
    Delivered(Box<Report>),
    /// The same bytes were delivered before: nothing was done.
    Known {
        /// Its id.
        file_id: FileId,
    },
    /// No rule of the place says how to read it: nothing was done.
    NoRule,
    /// It could not be received; it will be tried again.
    Failed(Error),
}

/// What a delivered file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its id.
    pub file_id: FileId,
    /// Its format.
    pub format: String,
    /// What it amounts to.
    pub status: Status,
    /// Why it was refused, with the position in the file.
    pub reason: Option<Finding>,
    /// Rows the file declares.
    pub declared_records: Option<u64>,
    /// Rows read, accepted and rejected.
    pub read_records: u64,
    /// Rows rejected.
    pub rejected_records: u64,
    /// Sums by currency.
    pub totals: Vec<Total>,
    /// Rows delivered by contract.
    pub deliveries: Vec<Delivered>,
    /// Tolerances used and other observations.
    pub remarks: Vec<Finding>,
}

impl Receiver {
    /// Keeps raw files in `archive` and what it works on in `work_dir` (made if missing).
    #[must_use]
    pub const fn new(archive: Archive, work_dir: PathBuf) -> Self {
        Self { archive, work_dir }
    }

    /// Receives every complete file of a place that has not been received, in order of name. `report` hears of
    /// each file that is not simply the one received before.
    ///
    /// # Errors
    /// When the place cannot be listed, or the log can no longer be delivered to. A file that cannot be received
    /// is an [`Outcome::Failed`] and the next one goes on.
    pub async fn receive(
        &mut self,
        place: &LandingPlace,
        delivery: &mut dyn Delivery,
        report: &mut (dyn FnMut(Receipt) + Send),
    ) -> Result<()> {
        let _ = (&self.archive, &self.work_dir, place.scan().await? as Vec<Found>, delivery, report);
        todo!()
    }
}
