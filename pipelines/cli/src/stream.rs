//! The stream in this process: receive, land, run.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chrono::{NaiveDate, Utc};
use engine::Library;
use engine::files::Files;
use engine::run::{self, Progress, Report, Request};
use indicatif::{ProgressBar, ProgressStyle};
use ingest::direct::Direct;
use ingest::kafka::{KafkaDelivery, KafkaReader, Shard, create_topics};
use ingest::log::{Delivery, Heads, Limits, LogReader};
use ingest::parsed::Status;
use ingest::place::LandingPlace;
use ingest::receive::{Outcome, Receipt, Receiver};
use lake::{Lake, Landed, LandingTable, Offer};
use schemas::{Contract, money};
use telemetry::trace;
use tracing::{Instrument as _, field};
use uuid::Uuid;

use crate::config::Config;
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

impl Received {
    /// True when something new went to the log.
    pub const fn delivered(&self) -> bool {
        self.accepted + self.refused + self.tests > 0
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
    Kafka(Box<KafkaDelivery>),
}

impl Intake {
    /// Opens the landing places, the archive and the log.
    pub async fn open(config: &Config) -> Result<Self> {
        let work = WorkFolder::open(&config.work)?;
        let receiver = Receiver::new(config.archive()?, work.path()).with_seal_keys(seal::keys()?);
        let log = match config.kafka() {
            Some(kafka) => {
                create_topics(&kafka).await?;
                Log::Kafka(Box::new(KafkaDelivery::open(&kafka).await?))
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
            Log::Kafka(kafka) => kafka.as_mut(),
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
    pub async fn land(&mut self, config: &Config, lake: &Lake) -> Result<u64> {
        match &mut self.log {
            Log::Direct(direct) => {
                let mut reader = direct.reader(&heads(lake, 1).await?, Limits::default())?;
                land_all(lake, &mut reader).await
            }
            Log::Kafka(_) => land(config, lake).await,
        }
    }
}

async fn open_journal(config: &Config, work: &WorkFolder) -> Result<Direct> {
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

/// Lands what has been delivered, in a process of its own.
pub async fn land(config: &Config, lake: &Lake) -> Result<u64> {
    match config.kafka() {
        Some(kafka) => {
            let heads = heads(lake, kafka.partitions).await?;
            let mut reader = KafkaReader::open(&kafka, &heads, Shard { index: 0, of: 1 }, Limits::default()).await?;
            land_all(lake, &mut reader).await
        }
        None => {
            let work = WorkFolder::open(&config.work)?;
            let mut direct = open_journal(config, &work).await?;
            let mut reader = direct.reader(&heads(lake, 1).await?, Limits::default())?;
            land_all(lake, &mut reader).await
        }
    }
}

async fn heads(lake: &Lake, partitions: i32) -> Result<Heads> {
    let mut heads = Heads::new();
    for contract in schemas::contracts().values() {
        for (partition, position) in LandingTable::new(lake, contract).heads(partitions).await? {
            heads.set(&contract.name, partition, position);
        }
    }
    Ok(heads)
}

async fn land_all(lake: &Lake, reader: &mut dyn LogReader) -> Result<u64> {
    let bar = ProgressBar::no_length().with_style(bar_style("{spinner} {pos} rows landed {wide_msg}"));
    let mut rows = 0;
    let mut touched: Vec<&'static Contract> = Vec::new();
    while let Some(batch) = reader.next().await? {
        bar.set_message(batch.contract.name.clone());
        if !touched.iter().any(|contract| contract.name == batch.contract.name) {
            touched.push(batch.contract);
        }
        let landed = batch.accepted_rows() + batch.rejected_rows();
        let table = LandingTable::new(lake, batch.contract);
        let offer = Offer {
            ranges: BTreeMap::from([(batch.partition, (batch.from, batch.to))]),
            accepted: batch.accepted,
            rejects: batch.rejects,
        };
        let span = tracing::error_span!(
            "land",
            contract = batch.contract.name,
            partition = batch.partition,
            from = batch.from,
            to = batch.to
        );
        trace::continue_from(&span, &batch.traces);
        if let Landed::Committed { .. } = table.land(&offer).instrument(span).await? {
            rows += landed as u64;
        }
        bar.inc(landed as u64);
    }
    bar.finish_and_clear();
    for contract in touched {
        LandingTable::new(lake, contract).compact().await?;
    }
    Ok(rows)
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
        partitions: config.partitions(),
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

fn bar_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
