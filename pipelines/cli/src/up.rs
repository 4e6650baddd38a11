//! `reskontra up`: everything in one process. And `ingest`, `land` and `run`, which go on when told to follow.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::NaiveDate;
use commit::generation::LandingCut;
use ingest::kafka::Shard;
use lake::Lake;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::follow::{Step, follow};
use crate::landing::Lander;
use crate::stop::Stop;
use crate::stream::{self, Intake, Received};
use crate::{print, serve, summary};

/// How long followers of the log and of the tables wait before they look again.
const PAUSE: Duration = Duration::from_millis(250);

/// Receives, lands, runs and publishes, and is done.
pub async fn once(config: &Config, as_of: NaiveDate) -> Result<ExitCode> {
    let mut intake = Some(Intake::open(config).await?);
    let verdict =
        round(config, &config.lake()?, &mut intake, &mut Runs::default(), as_of, true, &Stop::never()).await?;
    Ok(verdict.unwrap_or(ExitCode::FAILURE))
}

/// Receives, lands, runs and publishes; then serves and goes on until it is asked to stop.
pub async fn up(config: &Config, as_of: impl Fn() -> NaiveDate, stop: Stop) -> Result<ExitCode> {
    let lake = config.lake()?;
    let mut intake = Some(Intake::open(config).await?);
    let mut runs = Runs::default();
    round(config, &lake, &mut intake, &mut runs, as_of(), true, &stop).await?;
    let mut tasks = JoinSet::new();
    let (serving, told) = (config.clone(), stop.clone());
    tasks.spawn(async move { serve::serve(&serving, told).await });
    let going = follow(&stop, Duration::from_secs(config.poll_seconds), async || {
        round(config, &lake, &mut intake, &mut runs, as_of(), false, &stop).await?;
        Ok(Step::Idle)
    });
    let served = async { tasks.join_next().await.unwrap_or_else(|| Ok(Ok(ExitCode::SUCCESS)))? };
    // Asked to stop, both end; when one fails, so does the whole.
    let (ended, _) = tokio::try_join!(going, served)?;
    Ok(ended)
}

/// Receives and lands; runs when something has landed since the last run, or `always`. Asked to stop, it begins no
/// further step. The verdict on the run, if there was one.
async fn round(
    config: &Config,
    lake: &Lake,
    intake: &mut Option<Intake>,
    runs: &mut Runs,
    as_of: NaiveDate,
    always: bool,
    stop: &Stop,
) -> Result<Option<ExitCode>> {
    // After an error there is nothing to go on with: it is opened anew.
    let mut open = match intake.take() {
        Some(open) => open,
        None => Intake::open(config).await?,
    };
    let received = open.receive().await?;
    if stop.is_asked() {
        return Ok(None);
    }
    let landed = open.land(lake).await?;
    *intake = Some(open);
    landed.tell_gaps();
    if stop.is_asked() || !always && !runs.are_due(lake, as_of).await? {
        return Ok(None);
    }
    let report = stream::run(config, lake, as_of).await?;
    runs.ran(&report.landing, as_of);
    summary::print(config, lake, &received, landed.rows, &report).await?;
    Ok(Some(stream::verdict(&report)))
}

/// Receives files until asked to stop.
pub async fn ingest(config: &Config, stop: Stop) -> Result<ExitCode> {
    let mut intake = Some(Intake::open(config).await?);
    follow(&stop, Duration::from_secs(config.poll_seconds), async || {
        let mut open = match intake.take() {
            Some(open) => open,
            None => Intake::open(config).await?,
        };
        let received = open.receive().await?;
        intake = Some(open);
        if received != Received::default() {
            print::out(&received.to_string());
        }
        Ok(Step::Idle)
    })
    .await
}

/// Lands what is delivered until asked to stop.
pub async fn land(config: &Config, shard: Shard, stop: Stop) -> Result<ExitCode> {
    let mut lander = Lander::open(config, shard).await?;
    let mut told = Vec::new();
    follow(&stop, PAUSE, async || {
        let round = lander.round().await?;
        if round.rows > 0 {
            print::out(&format!("{} rows landed", round.rows));
        }
        if round.gaps != told {
            round.tell_gaps();
            told.clone_from(&round.gaps);
        }
        Ok(if round.rows > 0 { Step::Worked } else { Step::Idle })
    })
    .await
}

/// Runs the jobs whenever something has landed, until asked to stop.
pub async fn run(config: &Config, as_of: impl Fn() -> NaiveDate, stop: Stop) -> Result<ExitCode> {
    let lake = config.lake()?;
    let mut runs = Runs::default();
    follow(&stop, PAUSE, async || {
        let as_of = as_of();
        if !runs.are_due(&lake, as_of).await? {
            return Ok(Step::Idle);
        }
        let report = stream::run(config, &lake, as_of).await?;
        runs.ran(&report.landing, as_of);
        stream::verdict(&report);
        Ok(Step::Worked)
    })
    .await
}

/// How long `file` records and decisions are taken as a sign for all tables: what comes without them is rare.
const ASK_ALL: Duration = Duration::from_secs(5);

/// What the last run was made for.
#[derive(Default)]
struct Runs {
    last: Option<(NaiveDate, BTreeMap<String, LandingCut>)>,
    /// When all tables were asked for and had nothing new.
    asked: Option<Instant>,
}

impl Runs {
    /// Whether something has landed, or a day has begun, since the last run, whatever its verdict was.
    async fn are_due(&mut self, lake: &Lake, as_of: NaiveDate) -> Result<bool> {
        let published = match self.last {
            Some(_) => None,
            None => lake.latest_generation().await?.map(|last| (last.as_of, last.landing)),
        };
        let Some((day, before)) = self.last.as_ref().or(published.as_ref()) else { return Ok(true) };
        if *day != as_of {
            return Ok(true);
        }
        if self.asked.is_some_and(|asked| asked.elapsed() < ASK_ALL) {
            let signs = engine::run::landed_signs(lake).await?;
            return Ok(signs.iter().any(|(contract, cut)| before.get(contract) != Some(cut)));
        }
        let due = *before != engine::run::landed(lake).await?;
        self.asked = (!due).then(Instant::now);
        Ok(due)
    }

    fn ran(&mut self, landing: &BTreeMap<String, LandingCut>, as_of: NaiveDate) {
        self.last = Some((as_of, landing.clone()));
    }
}
