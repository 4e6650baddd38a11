//! Vacuum: generations that have served their time go, and with them the files that nothing else needs.
//!
//! In this order, so that a process that dies half way has harmed nobody: a generation is written down as retired, with
//! the time; it is taken out of those that are offered; and when its readers have had their time, its record goes, and
//! with that what only it needed. So whoever opened a generation the moment before it went can read it to the end.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use commit::generation::{Generation, LandingCut, TableCut};
use commit::retention::Keep;
use deltalake::kernel::Action;
use deltalake::protocol::SaveMode;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use serde::{Deserialize, Serialize};

use crate::collection::Broom;
use crate::{Lake, LakeError, Swept, paths};

/// Version of the persisted form of a retirement.
const FORMAT: u32 = 1;
/// Generations and tables that are looked at side by side.
const SIDE_BY_SIDE: usize = 8;

/// What a vacuum is asked to do.
#[derive(Debug, Clone)]
pub struct Vacuum {
    /// The time.
    pub now: DateTime<Utc>,
    /// Which generations stay.
    pub keep: Keep,
    /// How long readers, and writers that have not committed yet, may take.
    pub grace: TimeDelta,
    /// Readers are given no time: what was retired and everything that only it needed goes at once. Writers are given
    /// theirs all the same.
    pub at_once: bool,
    /// Nothing is deleted, only counted.
    pub dry_run: bool,
}

/// What a vacuum did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vacuumed {
    /// Generations that are no longer offered, ascending.
    pub retired: Vec<u64>,
    /// Retired generations whose readers have had their time, ascending.
    pub forgotten: Vec<u64>,
    /// Retired generations whose files stay until their readers have had their time.
    pub waiting: u64,
    /// What was deleted, by table, as `landing/payment_in`.
    pub tables: BTreeMap<String, Swept>,
}

impl Vacuumed {
    /// What was deleted of all tables.
    #[must_use]
    pub fn total(&self) -> Swept {
        let mut total = Swept::default();
        self.tables.values().for_each(|swept| total += *swept);
        total
    }
}

/// A generation that is no longer offered, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retired {
    format: u32,
    retired_at: DateTime<Utc>,
    number: u64,
    landing: BTreeMap<String, LandingCut>,
    tables: BTreeMap<String, TableCut>,
}

/// Which versions of which tables are kept.
#[derive(Debug, Default)]
struct Kept(BTreeMap<Path, BTreeSet<u64>>);

impl Kept {
    fn add(&mut self, landing: &BTreeMap<String, LandingCut>, tables: &BTreeMap<String, TableCut>) {
        let landing = landing.iter().map(|(name, cut)| (paths::landing(name), cut.version));
        let tables = tables.iter().map(|(name, cut)| (paths::job(name), cut.version));
        for (table, version) in landing.chain(tables) {
            self.0.entry(table).or_default().insert(version);
        }
    }
}

impl Lake {
    /// Deletes what nothing needs that is kept: generations beyond the retention, and files of tables that no kept
    /// version refers to, what killed landings and runs have staged and indexes of what is gone among them. Logs of
    /// tables, libraries of jobs and raw files stay.
    ///
    /// # Errors
    /// When a kept generation or a version of it cannot be read, or the store fails. Nothing is deleted then of the
    /// table in question, and doing it again does the rest.
    pub async fn vacuum(&self, asked: &Vacuum) -> Result<Vacuumed, LakeError> {
        let mut done = Vacuumed::default();
        let kept = self.retire(asked, &mut done).await?;
        let broom = Broom { older_than: asked.now - asked.grace, named: asked.at_once, dry_run: asked.dry_run };
        let tables = self.tables().await?;
        let kept = &kept;
        let sweeps = tables.into_iter().map(|table| async move {
            let swept = match kept.0.get(&table) {
                Some(versions) => self.sweep(&table, versions, broom).await?,
                None => self.sweep_dropped(&table, broom).await?,
            };
            Ok::<_, LakeError>((table.to_string(), swept))
        });
        let swept: Vec<(String, Swept)> = stream::iter(sweeps).buffered(SIDE_BY_SIDE).try_collect().await?;
        done.tables = swept.into_iter().filter(|(_, swept)| swept.files > 0).collect();
        Ok(done)
    }

    /// Retires generations, and forgets those that were retired long ago. Gives what is kept.
    async fn retire(&self, asked: &Vacuum, done: &mut Vacuumed) -> Result<Kept, LakeError> {
        let numbers = self.generation_numbers().await?;
        let generations = stream::iter(numbers).map(|number| self.generation(number)).buffered(SIDE_BY_SIDE);
        let generations: Vec<Generation> = generations.try_collect().await?;
        let published: Vec<_> = generations.iter().map(|one| (one.number, one.published_at)).collect();
        done.retired = asked.keep.beyond(&published);
        let mut retired: BTreeMap<u64, Retired> =
            self.retired().await?.into_iter().map(|record| (record.number, record)).collect();
        let mut kept = Kept::default();
        for generation in generations {
            if done.retired.binary_search(&generation.number).is_err() {
                kept.add(&generation.landing, &generation.tables);
                continue;
            }
            let Generation { number, landing, tables, .. } = generation;
            let record = Retired { format: FORMAT, retired_at: asked.now, number, landing, tables };
            if !asked.dry_run {
                self.write_down(&record).await?;
            }
            retired.insert(number, record);
        }
        for record in retired.into_values() {
            if asked.at_once || record.retired_at + asked.grace <= asked.now {
                done.forgotten.push(record.number);
            } else {
                done.waiting += 1;
                kept.add(&record.landing, &record.tables);
            }
        }
        if !asked.dry_run {
            self.delete_all(done.forgotten.iter().map(|number| paths::retired(*number))).await?;
        }
        Ok(kept)
    }

    /// Writes a retirement down, then takes the generation out of those that are offered.
    async fn write_down(&self, record: &Retired) -> Result<(), LakeError> {
        let path = paths::retired(record.number);
        let json = serde_json::to_vec_pretty(record).map_err(|error| unreadable(&path, &error.to_string()))?;
        self.store().put(&path, json.into()).await?;
        faults::RETIRE.before();
        self.delete_all([paths::generation(record.number)]).await?;
        faults::RETIRE.after();
        tracing::info!(generation = record.number, "retired");
        Ok(())
    }

    async fn retired(&self) -> Result<Vec<Retired>, LakeError> {
        let store = self.store();
        let objects: Vec<_> = store.list(Some(&paths::retirements())).try_collect().await?;
        let mut records = Vec::with_capacity(objects.len());
        for path in objects.into_iter().map(|object| object.location) {
            if paths::generation_number(&path).is_none() {
                continue;
            }
            let bytes = store.get(&path).await?.bytes().await?;
            let record: Retired =
                serde_json::from_slice(&bytes).map_err(|error| unreadable(&path, &error.to_string()))?;
            if record.format > FORMAT {
                return Err(unreadable(
                    &path,
                    &format!("its format is {}, this program reads {FORMAT}", record.format),
                ));
            }
            records.push(record);
        }
        Ok(records)
    }

    /// Folders of all tables.
    async fn tables(&self) -> Result<Vec<Path>, LakeError> {
        let mut tables = Vec::new();
        for folder in paths::table_folders() {
            tables.extend(self.store().list_with_delimiter(Some(&folder)).await?.common_prefixes);
        }
        Ok(tables)
    }

    /// Sweeps a table that no kept generation shows. One of a job that is no longer in the library is emptied first;
    /// one that was committed lately belongs to a run, or a landing, whose generation is still to come.
    async fn sweep_dropped(&self, table: &Path, broom: Broom) -> Result<Swept, LakeError> {
        let is_of_job = table.prefix_matches(&paths::table_folders()[1]);
        if let Some(head) = self.load(table.clone(), None).await?.filter(|_| is_of_job) {
            let entry = self.store().head(&paths::log_entry(table, head.version())).await?;
            let files = head.files()?;
            if entry.last_modified < broom.older_than && !files.is_empty() {
                let mut gone = Swept { files: files.len() as u64, bytes: files.iter().map(|file| file.size).sum() };
                if !broom.dry_run {
                    let state = head.delta.snapshot().map_err(LakeError::delta(table))?;
                    let removed =
                        state.log_data().iter().map(|file| Action::Remove(file.remove_action(true))).collect();
                    let reason = Some("no generation that is kept shows this table");
                    head.commit_because(reason, removed, Vec::new(), SaveMode::Overwrite).await?;
                    gone = Swept::default();
                }
                gone += self.sweep(table, &BTreeSet::new(), broom).await?;
                return Ok(gone);
            }
        }
        self.sweep(table, &BTreeSet::new(), broom).await
    }
}

fn unreadable(path: &Path, reason: &str) -> LakeError {
    LakeError::Format { path: path.to_string(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_persisted_form_is_kept() {
        let written = include_str!("../golden/retired-1.json");
        let read: Retired = serde_json::from_str(written).unwrap();
        assert_eq!(serde_json::to_string_pretty(&read).unwrap(), written.trim_end());
    }
}
