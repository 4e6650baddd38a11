//! Receiving files: archive, parse, judge, deliver.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use formats::{Finding, SealKey, Total, Verdict};
use telemetry::metrics::{DELIVERED_ROWS, FILE_SECONDS, FILES, FILES_REFUSED};
use tracing::{Instrument as _, field};

use crate::archive::{Archive, temporary};
use crate::log::Delivery;
use crate::parsed::{Delivered, Origin, Parsed, Parser, Status};
use crate::place::{Found, LandingPlace};
use crate::{Error, FileId, Result, Retry};

/// Receives files.
#[derive(Debug)]
pub struct Receiver {
    archive: Archive,
    work_dir: PathBuf,
    parser: Parser,
    dealt_with: BTreeMap<(String, String), Found>,
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

impl From<&Parsed> for Report {
    fn from(file: &Parsed) -> Self {
        let summary = &file.summary;
        Self {
            file_id: file.origin.file_id,
            format: file.origin.format.clone(),
            status: file.status,
            reason: match &summary.verdict {
                Verdict::Refused(finding) => Some(finding.clone()),
                Verdict::Accepted => None,
            },
            declared_records: summary.declared_records,
            read_records: summary.read_records,
            rejected_records: summary.rejected_records,
            totals: summary.totals.clone(),
            deliveries: file.deliveries.clone(),
            remarks: summary.remarks.clone(),
        }
    }
}

impl Receiver {
    /// Keeps raw files in `archive` and what it works on in the folder `work_dir` (made if missing). A process
    /// that is killed leaves its temporary files there: empty the folder before the next one starts.
    #[must_use]
    pub fn new(archive: Archive, work_dir: PathBuf) -> Self {
        Self::with_parser(archive, work_dir, Parser::new(formats::parse))
    }

    /// The same, checking seals around files with these keys.
    #[must_use]
    pub fn with_seal_keys(mut self, keys: Arc<[SealKey]>) -> Self {
        self.parser.seal_keys = keys;
        self
    }

    pub(crate) const fn with_parser(archive: Archive, work_dir: PathBuf, parser: Parser) -> Self {
        Self { archive, work_dir, parser, dealt_with: BTreeMap::new() }
    }

    /// Receives every complete file of a place that has not been received, in order of name. `report` hears of
    /// each file that is not simply the one received before. At the end readers see all of them.
    ///
    /// # Errors
    /// When the place cannot be listed, the archive fails, or the log can no longer be delivered to. A file that
    /// cannot be read or parsed is an [`Outcome::Failed`] and the next one goes on.
    pub async fn receive(
        &mut self,
        place: &LandingPlace,
        delivery: &mut dyn Delivery,
        report: &mut (dyn FnMut(Receipt) + Send),
    ) -> Result<()> {
        for found in place.scan().await? {
            if self.is_dealt_with(place, &found) || delivery.has_received(&place.name, &found) {
                continue;
            }
            let outcome = self.receive_one(place, &found, delivery).await?;
            if !matches!(outcome, Outcome::Failed(_)) {
                self.dealt_with.insert((place.name.clone(), found.name.clone()), found.clone());
            }
            tell(&place.name, &outcome);
            let Found { name, size, received_at, .. } = found;
            report(Receipt { place: place.name.clone(), name, size, received_at, outcome });
        }
        faults::SETTLE.before();
        delivery.settle().await?;
        faults::SETTLE.after();
        Ok(())
    }

    /// Whether this very file was dealt with. Without a mark a file rewritten within the clock's resolution
    /// could be passed over: then it is read again.
    fn is_dealt_with(&self, place: &LandingPlace, found: &Found) -> bool {
        found.mark.is_some() && self.dealt_with.get(&(place.name.clone(), found.name.clone())) == Some(found)
    }

    async fn receive_one(&self, place: &LandingPlace, found: &Found, delivery: &mut dyn Delivery) -> Result<Outcome> {
        let Some(format) = &found.format else { return Ok(Outcome::NoRule) };
        let span = tracing::error_span!("receive", place = place.name, format, file = field::Empty);
        self.receive_file(place, found, format, delivery).instrument(span).await
    }

    async fn receive_file(
        &self,
        place: &LandingPlace,
        found: &Found,
        format: &str,
        delivery: &mut dyn Delivery,
    ) -> Result<Outcome> {
        let started = Instant::now();
        let copy = temporary(&self.work_dir)?;
        let (file_id, size) = match place.download(&found.name, &copy).await {
            Ok(digest) => digest,
            Err(error @ Error::Disk { .. }) => return Err(error),
            Err(error) => return Ok(Outcome::Failed(error)),
        };
        tracing::Span::current().record("file", field::display(file_id));
        if delivery.knows(&file_id) {
            return Ok(Outcome::Known { file_id });
        }
        faults::ARCHIVE.before();
        self.archive.keep(file_id, copy.path(), size).instrument(tracing::info_span!("archive", size)).await?;
        faults::ARCHIVE.after();
        let origin = Origin {
            file_id,
            place: place.name.clone(),
            name: found.name.clone(),
            format: format.to_owned(),
            received_at: found.received_at,
            size,
            mark: found.mark.clone(),
        };
        faults::PARSE.before();
        let reading = read(self.parser.clone(), origin, copy, self.work_dir.clone());
        let parsed = match reading.instrument(tracing::info_span!("parse")).await {
            Ok(parsed) => parsed,
            Err(error @ Error::Disk { .. }) if error.retry() == Retry::Later => return Err(error),
            Err(error) => return Ok(Outcome::Failed(error)),
        };
        faults::PARSE.after();
        let report = Box::new(Report::from(&parsed));
        let rows = report.read_records;
        delivery.deliver(parsed).instrument(tracing::info_span!("deliver", rows)).await?;
        FILE_SECONDS.observe(&[format], started.elapsed());
        for delivered in &report.deliveries {
            DELIVERED_ROWS.add(&[&delivered.contract, "accepted"], delivered.accepted);
            DELIVERED_ROWS.add(&[&delivered.contract, "rejected"], delivered.rejected);
        }
        Ok(Outcome::Delivered(report))
    }
}

/// Tells what became of a file to those who operate the process: never its name, which its sender chose freely.
fn tell(place: &str, outcome: &Outcome) {
    let (status, code) = match outcome {
        Outcome::Delivered(report) => (report.status.name(), report.reason.as_ref().map(|reason| reason.code)),
        Outcome::Known { .. } => ("known", None),
        Outcome::NoRule => ("no_rule", None),
        Outcome::Failed(_) => ("failed", None),
    };
    FILES.add(&[place, status], 1);
    if let Some(code) = code {
        FILES_REFUSED.add(&[place, code], 1);
    }
    match outcome {
        Outcome::Delivered(report) => tracing::info!(
            place,
            status,
            code,
            file = %report.file_id,
            format = report.format,
            rows = report.read_records,
            rejected = report.rejected_records,
            "file received"
        ),
        Outcome::Known { file_id } => tracing::info!(place, status, file = %file_id, "file received before"),
        Outcome::NoRule => tracing::info!(place, status, "file without a rule"),
        Outcome::Failed(error) => tracing::info!(place, status, retry = ?error.retry(), "file not received"),
    }
}

/// Parses a local copy of a file beside the other work.
pub(crate) async fn read(
    parser: Parser,
    origin: Origin,
    copy: tempfile::NamedTempFile,
    work_dir: PathBuf,
) -> Result<Parsed> {
    let name = origin.name.clone();
    let work = tokio::task::spawn_blocking(move || {
        let failed = |source| Error::Disk { what: format!("reading {}", copy.path().display()), source };
        let file = copy.reopen().map_err(failed)?;
        let mut input = std::io::BufReader::with_capacity(256 << 10, file);
        Parsed::read_with(&parser, origin, &mut input, &work_dir)
    });
    work.await.map_err(|error| Error::Defect(format!("{name}: the parser broke down: {error}")))?
}
