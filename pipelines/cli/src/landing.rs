//! Landing: from the log into the tables, rows and positions in one commit.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use indicatif::ProgressBar;
use ingest::direct::Direct;
use ingest::kafka::{KafkaConfig, KafkaReader, Shard};
use ingest::log::{Gap, Heads, Limits, LogBatch, LogReader};
use lake::{Lake, Landed, LandingTable, Offer};
use schemas::Contract;
use telemetry::trace;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::config::Config;
use crate::print;
use crate::stream::{bar_style, open_journal};
use crate::work::WorkFolder;

/// Lands the log, round by round.
pub struct Lander {
    lake: Lake,
    log: Log,
}

enum Log {
    Journal {
        direct: Box<Direct>,
        /// Deliveries up to which all is landed; not known at first.
        landed: Option<usize>,
        _work: WorkFolder,
    },
    Kafka {
        config: Box<KafkaConfig>,
        shard: Shard,
        /// Gone after an error: the next round begins at the heads of the tables.
        reader: Option<Box<KafkaReader>>,
    },
}

/// What a round of landing did.
#[derive(Debug, Default)]
pub struct Round {
    /// Rows landed.
    pub rows: u64,
    /// Where tables and log do not meet: nothing was landed of these partitions.
    pub gaps: Vec<Gap>,
}

impl Lander {
    /// Lands the partitions of a shard; the journal of deliveries without a broker has one.
    pub async fn open(config: &Config, shard: Shard) -> Result<Self> {
        let log = match config.kafka() {
            Some(config) => Log::Kafka { config: Box::new(config), shard, reader: None },
            None if shard != Shard::WHOLE => bail!("only a broker's log can be landed by several processes"),
            None => {
                let work = WorkFolder::open(&config.work)?;
                Log::Journal { direct: Box::new(open_journal(config, &work).await?), landed: None, _work: work }
            }
        };
        Ok(Self { lake: config.lake()?, log })
    }

    /// Lands what has been delivered by now.
    pub async fn round(&mut self) -> Result<Round> {
        match &mut self.log {
            Log::Journal { direct, landed, .. } => {
                direct.follow().await?;
                let delivered = Some(direct.entries().len());
                if *landed == delivered {
                    return Ok(Round::default());
                }
                let round = land_journal(&self.lake, direct).await?;
                *landed = delivered;
                Ok(round)
            }
            Log::Kafka { config, shard, reader: last } => {
                let mut reader = match last.take() {
                    Some(mut reader) => {
                        reader.follow().await?;
                        reader
                    }
                    None => {
                        let heads = heads(&self.lake).await?;
                        Box::new(KafkaReader::open(config, &heads, *shard, Limits::default()).await?)
                    }
                };
                let (rows, heads) = land_all(&self.lake, reader.as_mut()).await?;
                reader.tell(&heads);
                let gaps = reader.gaps().to_vec();
                // A gap is resolved in the table: the next round must look there.
                *last = gaps.is_empty().then_some(reader);
                Ok(Round { rows, gaps })
            }
        }
    }
}

impl Round {
    /// Tells where nothing could be landed. True when there was such a place.
    pub fn tell_gaps(&self) -> bool {
        for gap in &self.gaps {
            print::error(&format!("{gap}; nothing of partition {} is landed: see `reskontra gaps`", gap.partition));
        }
        !self.gaps.is_empty()
    }
}

/// Lands what the journal has beyond the tables.
pub async fn land_journal(lake: &Lake, direct: &mut Direct) -> Result<Round> {
    let mut reader = direct.reader(&heads(lake).await?, Limits::default())?;
    Ok(Round { rows: land_all(lake, &mut reader).await?.0, gaps: Vec::new() })
}

/// Positions of all tables.
pub async fn heads(lake: &Lake) -> Result<Heads> {
    let mut heads = Heads::new();
    for contract in schemas::contracts().values() {
        for (partition, position) in LandingTable::new(lake, contract).heads().await? {
            heads.set(&contract.name, partition, position);
        }
    }
    Ok(heads)
}

/// Lands what a reader gives: rows landed, and how far the tables are then. While a batch is landed, the next one is
/// read.
async fn land_all(lake: &Lake, reader: &mut dyn LogReader) -> Result<(u64, Heads)> {
    let bar = ProgressBar::no_length().with_style(bar_style("{spinner} {pos} rows landed {wide_msg}"));
    let (batches, mut ready) = mpsc::channel::<LogBatch>(1);
    let read = async move {
        while let Some(batch) = reader.next().await.context("reading the log")? {
            if batches.send(batch).await.is_err() {
                break;
            }
        }
        anyhow::Ok(())
    };
    let land = async {
        let (mut rows, mut heads) = (0, Heads::new());
        let mut touched: BTreeMap<&str, &'static Contract> = BTreeMap::new();
        while let Some(batch) = ready.recv().await {
            bar.set_message(batch.contract.name.clone());
            touched.insert(&batch.contract.name, batch.contract);
            heads.set(&batch.contract.name, batch.partition, batch.to);
            let offered = (batch.accepted_rows() + batch.rejected_rows()) as u64;
            if let Landed::Committed { .. } = land_batch(lake, batch).await? {
                rows += offered;
            }
            bar.inc(offered);
        }
        anyhow::Ok((rows, heads, touched))
    };
    let ((), (rows, heads, touched)) = tokio::try_join!(read, land)?;
    bar.finish_and_clear();
    for contract in touched.into_values() {
        LandingTable::new(lake, contract).compact().await?;
    }
    Ok((rows, heads))
}

async fn land_batch(lake: &Lake, batch: LogBatch) -> Result<Landed> {
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
    Ok(LandingTable::new(lake, batch.contract).land(&offer).instrument(span).await?)
}
