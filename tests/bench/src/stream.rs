//! The stream of `reskontra`, with a clock at every stage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use ingest::archive::Archive;
use ingest::direct::Direct;
use ingest::kafka::{KafkaConfig, KafkaDelivery, KafkaReader, Shard, create_topics};
use ingest::log::{Delivery, Heads, Limits, LogReader};
use ingest::place::{LandingPlace, Rule};
use ingest::receive::{Outcome, Receiver};
use ingest::store::Store;
use lake::{Lake, Landed, LandingTable, Offer};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::measure::{self, Stopwatch, Time};

/// Landing places of the city: pattern of the name within the landing places, format.
const RULES: [(&str, &str); 12] = [
    ("bank/KONTOUTDRAG*.csv", "bank_statement"),
    ("bank/*", "bgmax"),
    ("einvoice/*.xml", "ubl"),
    ("ber/*HUSHALL*", "ber_household"),
    ("ber/*PLACERING*", "ber_placement"),
    ("ber/*INKOMST*", "ber_income"),
    ("ber/*DEBITERING*", "ber_charge"),
    ("lois/*AVTAL*", "lois_lease"),
    ("lois/*HYRESRAD*", "lois_rent_component"),
    ("erp/*KUNDRESKONTRA*", "erp_customer_item"),
    ("erp/*SALDO*", "erp_ledger_balance"),
    ("erp/*TRANS*", "erp_ledger_transaction"),
];

/// Files from here to there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// Folder of the landing places.
    pub landing: PathBuf,
    /// Folder of archive and tables.
    pub storage: PathBuf,
    /// The broker, if there is one.
    pub broker: Option<String>,
}

/// What was measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Files that were delivered.
    pub files: u64,
    /// Bytes of all files that were received.
    pub bytes: u64,
    /// Rows of accepted files.
    pub rows: u64,
    /// Archive, parse, deliver.
    pub receive: Time,
    /// Read the log, write tables, compact.
    pub land: Time,
    /// Rows that were landed, `file` records included.
    pub landed: u64,
    /// Commits to tables.
    pub commits: u64,
    /// The most memory in use, in KiB.
    pub memory_peak: u64,
}

/// Receives and lands in one process, as `reskontra up` does without a broker.
///
/// # Errors
/// When a file is not received, or landing fails.
pub async fn direct(task: &Task) -> Result<Measured> {
    let lake = task.lake()?;
    let mut measured = Measured::default();
    let watch = Stopwatch::start();
    let archive = task.archive(&lake);
    let journal = Store::new(lake.store(), "archive/journal".into());
    let mut direct = Direct::open(journal, archive, task.work()).await?;
    receive(task, &lake, &mut direct, &mut measured).await?;
    measured.receive = watch.time();
    let watch = Stopwatch::start();
    let mut reader = direct.reader(&heads(&lake).await?, Limits::default())?;
    land_all(&lake, &mut reader, &mut measured).await?;
    measured.land = watch.time();
    measured.memory_peak = measure::peak();
    Ok(measured)
}

/// Receives files and delivers them to the broker, as `reskontra ingest` does.
///
/// # Errors
/// When a file is not delivered.
pub async fn deliver(task: &Task) -> Result<Measured> {
    let (lake, kafka) = (task.lake()?, task.kafka()?);
    create_topics(&kafka).await?;
    let mut measured = Measured::default();
    let watch = Stopwatch::start();
    let mut delivery = KafkaDelivery::open(&kafka).await?;
    receive(task, &lake, &mut delivery, &mut measured).await?;
    measured.receive = watch.time();
    measured.memory_peak = measure::peak();
    Ok(measured)
}

/// Lands what the broker has, as `reskontra land` does.
///
/// # Errors
/// When landing fails.
pub async fn land(task: &Task) -> Result<Measured> {
    let (lake, kafka) = (task.lake()?, task.kafka()?);
    let mut measured = Measured::default();
    let watch = Stopwatch::start();
    let mut reader = KafkaReader::open(&kafka, &heads(&lake).await?, Shard::WHOLE, Limits::default()).await?;
    land_all(&lake, &mut reader, &mut measured).await?;
    measured.land = watch.time();
    measured.memory_peak = measure::peak();
    Ok(measured)
}

impl Task {
    fn lake(&self) -> Result<Lake> {
        open_lake(&self.storage)
    }

    fn archive(&self, lake: &Lake) -> Archive {
        Archive::new(Store::new(lake.store(), "archive".into()))
    }

    fn work(&self) -> PathBuf {
        self.storage.join("work")
    }

    fn kafka(&self) -> Result<KafkaConfig> {
        let brokers = self.broker.clone().context("no broker")?;
        Ok(KafkaConfig { brokers, ..KafkaConfig::default() })
    }
}

/// Opens the lake in a folder, which is made if it is missing.
///
/// # Errors
/// When it cannot be made.
pub fn open_lake(storage: &Path) -> Result<Lake> {
    std::fs::create_dir_all(storage).with_context(|| format!("making {}", storage.display()))?;
    Ok(Lake::open(&folder(storage)?)?)
}

/// The address of a folder.
///
/// # Errors
/// When it is not there.
pub fn folder(path: &Path) -> Result<Url> {
    let path = path.canonicalize().with_context(|| format!("finding {}", path.display()))?;
    Url::from_directory_path(&path).map_err(|()| anyhow!("{} is no folder that can be addressed", path.display()))
}

async fn receive(task: &Task, lake: &Lake, delivery: &mut dyn Delivery, measured: &mut Measured) -> Result<()> {
    let rules = RULES.map(|(pattern, format)| Rule { pattern: pattern.to_owned(), format: format.to_owned() });
    let place = LandingPlace::open("city", &folder(&task.landing)?, [], rules.to_vec())?;
    let mut receiver = Receiver::new(task.archive(lake), task.work());
    let mut failure = None;
    let mut count = |receipt: ingest::receive::Receipt| match receipt.outcome {
        Outcome::Delivered(report) => {
            measured.files += 1;
            measured.bytes += receipt.size;
            measured.rows += report.deliveries.iter().map(|of| of.accepted + of.rejected).sum::<u64>();
        }
        Outcome::Known { .. } => measured.bytes += receipt.size,
        Outcome::NoRule => failure = Some(format!("{}: no rule", receipt.name)),
        Outcome::Failed(error) => failure = Some(format!("{}: {error}", receipt.name)),
    };
    receiver.receive(&place, delivery, &mut count).await?;
    match failure {
        Some(failure) => bail!("not received: {failure}"),
        None => Ok(()),
    }
}

async fn heads(lake: &Lake) -> Result<Heads> {
    let mut heads = Heads::new();
    for contract in schemas::contracts().values() {
        for (partition, position) in LandingTable::new(lake, contract).heads().await? {
            heads.set(&contract.name, partition, position);
        }
    }
    Ok(heads)
}

async fn land_all(lake: &Lake, reader: &mut dyn LogReader, measured: &mut Measured) -> Result<()> {
    let mut touched = BTreeSet::new();
    while let Some(batch) = reader.next().await? {
        let rows = batch.accepted_rows() + batch.rejected_rows();
        touched.insert(batch.contract.name.as_str());
        let offer = Offer {
            ranges: BTreeMap::from([(batch.partition, (batch.from, batch.to))]),
            accepted: batch.accepted,
            rejects: batch.rejects,
        };
        if let Landed::Committed { .. } = LandingTable::new(lake, batch.contract).land(&offer).await? {
            measured.landed += rows as u64;
            measured.commits += 1;
        }
    }
    for contract in touched {
        LandingTable::new(lake, schemas::contract(contract)?).compact().await?;
    }
    Ok(())
}
