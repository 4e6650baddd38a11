//! The stream in this process: receive, land, run.

use std::fmt;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chrono::{NaiveDate, Utc};
use engine::Library;
use engine::files::Files;
use engine::run::{self, Progress, Report, Request};
use indicatif::{ProgressBar, ProgressStyle};
use ingest::direct::Direct;
use ingest::kafka::{KafkaDelivery, Shard, create_topics};
use ingest::log::Delivery;
use ingest::parsed::Status;
use ingest::place::LandingPlace;
use ingest::receive::{Outcome, Receipt, Receiver};
use lake::Lake;
use schemas::money;
use telemetry::trace;
use tracing::{Instrument as _, field};
use uuid::Uuid;

use crate::config::Config;
use crate::landing::{self, Lander, Round};
use crate::print;
use crate::runs::LastRun;
use crate::work::WorkFolder;
use crate::{seal, tell};

/// What a round of receiving did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// Files delivered: accepted.
    pub accepted: u64,
    /// Files delivered: refused.
    pub refused: u64,
    /// Files delivered: marked as tests.
    pub tests: u64,
    /// Files whose bytes were delivered before.
    pub known: u64,
    /// Files that no rule says how to read.
    pub no_rule: u64,
    /// Files that could not be received and will be tried again.
    pub failed: u64,
    /// Rows delivered, accepted and rejected.
    pub records: u64,
    /// Of them rejected.
    pub rejects: u64,
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, refused, tests, known, no_rule, failed, records, rejects } = self;
        write!(
            f,
            "{accepted} accepted, {refused} refused, {tests} test, {known} known before, {no_rule} without rule, "
        )?;
        write!(f, "{failed} failed; {records} records, {rejects} of them rejected")
    }
}

/// Receives files from the landing places and delivers them to the log.
pub struct Intake {
    places: Vec<LandingPlace>,
    receiver: Receiver,
    log: Log,
    _work: WorkFolder,
}

/// The log, with a broker or without.
enum Log {
    Direct(Box<Direct>),
    Kafka { delivery: Box<KafkaDelivery>, lander: Box<Lander> },
}

impl Intake {
    /// Opens the landing places, the archive and the log.
    pub async fn open(config: &Config) -> Result<Self> {
        let work = WorkFolder::open(&config.work)?;
        let receiver = Receiver::new(config.archive()?, work.path()).with_seal_keys(seal::keys()?);
        let log = match config.kafka() {
            Some(kafka) => {
                create_topics(&kafka).await?;
                let landed = engine::missing::landed_files(&config.lake()?).await?;
                let landed = landed.iter().filter_map(|file_id| file_id.parse().ok());
                let delivery = KafkaDelivery::open(&kafka).await?.with_landed(landed);
                let lander = Lander::open(config, Shard::WHOLE).await?;
                Log::Kafka { delivery: Box::new(delivery), lander: Box::new(lander) }
            }
            None => Log::Direct(Box::new(open_journal(config, &work).await?)),
        };
        Ok(Self { places: config.places()?, receiver, log, _work: work })
    }

    /// Receives what has appeared; each file is told on standard error.
    pub async fn receive(&mut self) -> Result<Received> {
        let mut total = Received::default();
        let delivery: &mut dyn Delivery = match &mut self.log {
            Log::Direct(direct) => direct.as_mut(),
            Log::Kafka { delivery, .. } => delivery.as_mut(),
        };
        let bar = ProgressBar::no_length().with_style(bar_style("{spinner} {pos} files received {wide_msg}"));
        for place in &self.places {
            let mut tell = |receipt: Receipt| {
                bar.inc(1);
                bar.set_message(format!("{}/{}", receipt.place, receipt.name));
                if let Some(line) = count(&mut total, &receipt) {
                    bar.suspend(|| print::note(&line));
                }
            };
            self.receiver
                .receive(place, delivery, &mut tell)
                .await
                .with_context(|| format!("landing place {}", place.name))?;
        }
        bar.finish_and_clear();
        Ok(total)
    }

    /// Lands what has been delivered.
    pub async fn land(&mut self, lake: &Lake) -> Result<Round> {
        match &mut self.log {
            Log::Direct(direct) => landing::land_journal(lake, direct).await,
            Log::Kafka { lander, .. } => lander.round().await,
        }
    }
}

/// Opens the journal of deliveries without a broker.
pub async fn open_journal(config: &Config, work: &WorkFolder) -> Result<Direct> {
    let direct = Direct::open(config.journal()?, config.archive()?, work.path()).await?;
    Ok(direct.with_seal_keys(seal::keys()?))
}

/// Adds a receipt to the counts, and says what an operator should read.
fn count(total: &mut Received, receipt: &Receipt) -> Option<String> {
    let name = format!("{}/{}", receipt.place, receipt.name);
    match &receipt.outcome {
        Outcome::Delivered(report) => {
            if report.status == Status::Accepted {
                total.records += report.read_records;
                total.rejects += report.rejected_records;
            }
            match report.status {
                Status::Accepted => total.accepted += 1,
                Status::Refused => total.refused += 1,
                Status::Test => total.tests += 1,
            }
            let sums: Vec<String> = report
                .totals
                .iter()
                .map(|total| format!("{} {}", money::plain(total.read, 2), total.currency))
                .collect();
            match (&report.reason, report.status, report.rejected_records) {
                (Some(reason), ..) => {
                    Some(format!("refused   {name}: {} ({}): {}", reason.position, reason.code, reason.message))
                }
                (None, Status::Test, _) => {
                    Some(format!("test      {name}: marked as a test; its rows are not delivered"))
                }
                (None, _, 0) => None,
                (None, _, rejects) => {
                    Some(format!("rejects   {name}: {rejects} of {} rows; {}", report.read_records, sums.join(", ")))
                }
            }
        }
        Outcome::Known { .. } => {
            total.known += 1;
            Some(format!("known     {name}: the same bytes were delivered before; nothing done"))
        }
        Outcome::NoRule => {
            total.no_rule += 1;
            Some(format!("no rule   {name}: no rule of the landing place says how to read it"))
        }
        Outcome::Failed(error) => {
            total.failed += 1;
            Some(format!("failed    {name}: {error}; it will be tried again"))
        }
    }
}

/// Runs the jobs in service, audits and publishes; tells how it went. Before the first generation the jobs are those
/// in `sql/`.
pub async fn run(config: &Config, lake: &Lake, as_of: NaiveDate) -> Result<Report> {
    let library = match config.library_in_service(lake).await? {
        Some(library) => {
            if Files::read(&config.sql).is_ok_and(|files| files != library.files) {
                print::note("sql/ differs from the library in service: see `reskontra plan`, then `reskontra deploy`");
            }
            library
        }
        None => Library::load(&config.sql)?,
    };
    run_library(config, lake, &library, as_of).await
}

/// Runs the jobs of a library, audits and publishes; tells how it went.
#[allow(clippy::disallowed_methods, reason = "the command line is where the clock is read")]
pub async fn run_library(config: &Config, lake: &Lake, library: &Library, as_of: NaiveDate) -> Result<Report> {
    let request = Request {
        as_of,
        published_at: Utc::now(),
        writer: Uuid::new_v4().to_string(),
        refresh: config.refresh,
        compact: config.compact,
        executor: config.executor()?,
    };
    let bar = ProgressBar::new(library.jobs.len() as u64).with_style(bar_style("{bar:30} {pos}/{len} jobs {wide_msg}"));
    let telling = tell::Run::begins();
    let progress = |progress: Progress<'_>| {
        telling.progress(&progress);
        match progress {
            Progress::Job { name, .. } => bar.set_message(name.to_owned()),
            Progress::Done { name, rows, changed, refreshed } => {
                tracing::info!(job = name, rows, changed, %refreshed, "computed");
                bar.inc(1);
            }
            Progress::Audit => bar.set_message("audit"),
        }
    };
    let span = tracing::error_span!("run", %as_of, generation = field::Empty, error = field::Empty);
    let before = if trace::of(&span).is_some() { lake.latest_generation().await? } else { None };
    let mut last = LastRun::started(request.published_at, as_of);
    let result = run::run(lake, library, &request, &progress).instrument(span.clone()).await;
    bar.finish_and_clear();
    telling.ends(result.as_ref().ok());
    match &result {
        Ok(report) => tell::follow(&span, lake, before.as_ref(), report).await?,
        Err(_) => drop(span.record("error", true)),
    }
    drop(span);
    last.ended_at = Utc::now();
    match &result {
        Ok(report) => {
            let generation = report.generation.as_ref().map(|generation| generation.number);
            last.published = generation.filter(|_| report.published);
            last.unchanged = generation.is_some() && !report.published;
            last.audit = report.audit.invariants.clone();
        }
        Err(_) => last.failed = true,
    }
    last.keep(lake).await?;
    let report = result?;
    for (name, violations) in report.audit.broken() {
        print::note(&format!("broken    {name}: {violations} violations, for example"));
        for row in report.violations.get(name).into_iter().flatten() {
            print::note(&format!("          {}", serde_json::Value::Object(row.clone())));
        }
    }
    Ok(report)
}

/// Exit code of a run.
pub fn verdict(report: &Report) -> ExitCode {
    match &report.generation {
        Some(generation) => {
            let what = if report.published { "published" } else { "nothing has changed since" };
            print::note(&format!("{what} generation {} as of {}", generation.number, generation.as_of));
            ExitCode::SUCCESS
        }
        None => {
            print::error("the audit held the generation back; the last good one stays in service");
            ExitCode::FAILURE
        }
    }
}

/// How a bar looks.
pub fn bar_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
