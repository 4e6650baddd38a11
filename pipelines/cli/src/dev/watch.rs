use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::changes::Changes;
use crate::config::Config;

/// Quiet after which a save is complete: editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(30);

/// The folders that are watched.
pub struct Watch<'a> {
    config: &'a Config,
    events: UnboundedReceiver<notify::Result<Event>>,
    /// Files that were saved and not yet told: what [`Watch::next`] had gathered when it was dropped.
    gathered: BTreeSet<PathBuf>,
    _watcher: RecommendedWatcher,
}

impl<'a> Watch<'a> {
    /// Watches folders and all below them.
    pub fn start<'p>(config: &'a Config, folders: impl Iterator<Item = &'p Path>) -> Result<Self> {
        let (send, events) = unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event| {
            // The receiver is gone when the program ends.
            let _ = send.send(event);
        })?;
        for folder in folders {
            watcher
                .watch(folder, RecursiveMode::Recursive)
                .with_context(|| format!("watching {}", folder.display()))?;
        }
        Ok(Self { config, events, gathered: BTreeSet::new(), _watcher: watcher })
    }

    /// Waits for the next save, and for quiet after it.
    pub async fn next(&mut self) -> Result<Changes> {
        loop {
            if self.gathered.is_empty() {
                let event = self.events.recv().await;
                self.gather(event)?;
            }
            while let Ok(event) = tokio::time::timeout(QUIET, self.events.recv()).await {
                self.gather(event)?;
            }
            let mut changes = Changes::default();
            for file in std::mem::take(&mut self.gathered) {
                changes.add(self.config, &file);
            }
            if !changes.is_empty() {
                return Ok(changes);
            }
        }
    }

    fn gather(&mut self, event: Option<notify::Result<Event>>) -> Result<()> {
        let Some(event) = event else { bail!("the folders are no longer watched") };
        let event = event.context("watching")?;
        if !matches!(event.kind, EventKind::Access(_)) {
            self.gathered.extend(event.paths);
        }
        Ok(())
    }
}
