//! What the last run came to, kept beside the generations so that pages can tell a run that was held back.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use lake::Lake;
use serde::{Deserialize, Serialize};

/// Version of the persisted form.
const FORMAT: u32 = 1;

/// A run that ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LastRun {
    format: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The business date that it computed.
    pub as_of: NaiveDate,
    /// The generation that it published.
    pub published: Option<u64>,
    /// Violations by invariant.
    pub audit: BTreeMap<String, u64>,
    /// Nothing had changed: the generation before stays.
    pub unchanged: bool,
    /// It could not be computed. Why stands in the log only, where it can quote data.
    pub failed: bool,
}

impl LastRun {
    /// A run that began at a time.
    pub fn started(started_at: DateTime<Utc>, as_of: NaiveDate) -> Self {
        Self {
            format: FORMAT,
            started_at,
            ended_at: started_at,
            as_of,
            published: None,
            audit: BTreeMap::new(),
            unchanged: false,
            failed: false,
        }
    }

    /// Keeps it.
    pub async fn keep(&self, lake: &Lake) -> Result<()> {
        Ok(lake.keep_last_run(serde_json::to_vec_pretty(self)?).await?)
    }

    /// The one that was kept last.
    pub async fn read(lake: &Lake) -> Result<Option<Self>> {
        let Some(bytes) = lake.last_run().await? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&bytes)?))
    }
}
