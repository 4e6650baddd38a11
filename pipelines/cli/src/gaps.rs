//! `reskontra gaps`: where the log has lost messages before they were landed.

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use chrono::DateTime;
use engine::missing::missing;
use ingest::again::{read_again, rows_without};
use ingest::kafka::{KafkaReader, Shard};
use ingest::log::{Gap, Limits, LogReader as _};
use ingest::parsed::Origin;
use lake::{Lake, Landed, LandingTable, Offer};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::work::WorkFolder;
use crate::{landing, print, seal};

/// Names the gaps.
pub async fn list(config: &Config) -> Result<ExitCode> {
    let gaps = find(config, &config.lake()?).await?;
    for gap in &gaps {
        print::out(&describe(gap));
    }
    if gaps.is_empty() {
        print::note("no gaps: the log has everything that was not landed");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Goes on behind a gap.
pub async fn jump(config: &Config, name: &str, reason: &str) -> Result<ExitCode> {
    if reason.trim().is_empty() {
        bail!("say why with --reason: it is kept in the table's log");
    }
    let lake = config.lake()?;
    let gaps = find(config, &lake).await?;
    let Some(gap) = gaps.iter().find(|gap| self::name(gap) == name) else {
        let names: Vec<String> = gaps.iter().map(self::name).collect();
        bail!("{name} is no gap; gaps are: {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") });
    };
    if gap.head > gap.end {
        bail!("{}", describe(gap));
    }
    let contract = schemas::contract(&gap.contract).context("the contract of the gap")?;
    let landed = LandingTable::new(&lake, contract).jump(gap.partition, gap.head, gap.start, reason).await?;
    print::out(&match landed {
        Landed::Committed { version } => {
            format!(
                "{name} goes on at {}; the reason stands in version {version} of landing table {}",
                gap.start, contract.name
            )
        }
        Landed::Already => format!("{name} goes on at {} already", gap.start),
    });
    Ok(ExitCode::SUCCESS)
}

/// Lands what is missing of landed files.
pub async fn fill(config: &Config) -> Result<ExitCode> {
    let (lake, archive, keys) = (config.lake()?, config.archive()?, seal::keys()?);
    let work = WorkFolder::open(&config.work)?;
    let missing = missing(&lake).await?;
    if missing.is_empty() {
        print::note("nothing is missing of any landed file");
    }
    let mut done = true;
    for missing in missing {
        let origin = origin(&missing.file).context("the record of a file")?;
        let name = format!("{}/{}", origin.place, origin.name);
        let (file_id, contract) = (origin.file_id.to_string(), schemas::contract(&missing.contract)?);
        let file = read_again(&archive, work.path(), keys.clone(), origin).await?;
        let rows = rows_without(&file, &contract.name, &missing.landed)?;
        if rows.count() as i64 != missing.rows {
            done = false;
            print::error(&format!(
                "{name}: {} rows of {} are missing, but it now reads with {} more: it was delivered by another version \
                 of this program. Fill it with that one",
                missing.rows,
                contract.name,
                rows.count()
            ));
            continue;
        }
        let all = (missing.landed.len() + rows.count()) as i64;
        let offer = Offer { accepted: rows.accepted, rejects: rows.rejects, ..Offer::default() };
        LandingTable::new(&lake, contract).fill(&file_id, all, &offer).await?;
        print::out(&format!("{name}: {} rows of {} filled in", missing.rows, contract.name));
    }
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a `file` record says about where the file came from.
fn origin(file: &Map<String, Value>) -> Result<Origin> {
    let text = |name: &str| file.get(name).and_then(Value::as_str).with_context(|| format!("it has no {name}"));
    Ok(Origin {
        file_id: text("file_id")?.parse().map_err(|_| anyhow!("its id is none"))?,
        place: text("landing")?.to_owned(),
        name: text("name")?.to_owned(),
        format: text("format")?.to_owned(),
        received_at: DateTime::parse_from_rfc3339(text("received_at")?)?.into(),
        size: file.get("size").and_then(Value::as_u64).context("it has no size")?,
        mark: None,
    })
}

async fn find(config: &Config, lake: &Lake) -> Result<Vec<Gap>> {
    let Some(kafka) = config.kafka() else {
        bail!("without a broker the log is the archive, which keeps everything: there are no gaps");
    };
    let reader = KafkaReader::open(&kafka, &landing::heads(lake).await?, Shard::WHOLE, Limits::default()).await?;
    Ok(reader.gaps().to_vec())
}

fn name(gap: &Gap) -> String {
    format!("{}/{}", gap.contract, gap.partition)
}

fn describe(gap: &Gap) -> String {
    let Gap { head, start, end, .. } = gap;
    let name = name(gap);
    if head > end {
        return format!(
            "{name}: landed up to {head}, but the log ends at {end}: it is another log, or was made anew. Point \
             `[kafka]` at the log that was landed; rows must not be counted by two logs"
        );
    }
    format!(
        "{name}: landed up to {head}, but the log begins at {start}: up to {} messages are gone. Restore the topic, or \
         `reskontra gaps jump {name} --reason …`, land what is left, and bring the lost rows back with \
         `reskontra gaps fill`",
        start - head
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_says_what_to_do() {
        let gap = |head| Gap { contract: "payment_in".to_owned(), partition: 3, head, start: 40, end: 90 };
        let lost = describe(&gap(10));
        assert!(lost.contains("up to 30 messages are gone") && lost.contains("gaps jump payment_in/3"), "{lost}");
        assert!(describe(&gap(91)).contains("another log"));
    }
}
