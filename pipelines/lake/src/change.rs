//! Changes of a keyed table: a few rows out of many, in one commit.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use deltalake::kernel::{Action, Add, MetadataExt as _, Protocol};
use deltalake::protocol::SaveMode;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use crate::digest::{Digest, RowDigest};
use crate::landing::is_conflict;
use crate::lookup::{Hit, Place, Wanted, adapt, encoder};
use crate::vectors::{VectorFile, union};
use crate::{DataFile, Lake, LakeError, Staged, Table, Writer};

/// A change of a keyed table, written but not committed: small new runs, and the rows of the table's runs that they
/// replace or that go away.
#[derive(Debug, Clone)]
pub struct StagedChange {
    /// The version that it changes.
    version: u64,
    staged: Staged,
    /// Files that lose rows, as they are after the change; those that lose their last row have none.
    touched: Vec<DataFile>,
    vectors: Option<String>,
    removed: u64,
    digest: String,
}

impl StagedChange {
    /// Rows that come; a row that changes counts here and in what goes.
    #[must_use]
    pub const fn added(&self) -> u64 {
        self.staged.rows()
    }

    /// Rows that go.
    #[must_use]
    pub const fn removed(&self) -> u64 {
        self.removed
    }

    /// The digest of the table after the change.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether nothing comes and nothing goes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.removed == 0 && self.staged.rows() == 0
    }

    /// The table's files after the change.
    fn files_after(&self, before: Vec<DataFile>) -> Vec<DataFile> {
        let touched = |path: &str| self.touched.iter().find(|file| file.path == path).cloned();
        let kept = before.into_iter().map(|file| touched(&file.path).unwrap_or(file)).filter(|file| file.rows > 0);
        kept.chain(self.staged.files().iter().cloned()).collect()
    }
}

impl Lake {
    /// Stages a change of `table`, whose rows are unique by `key`: `removed` are whole rows that go, as they were
    /// read from the table, `added` whole rows that come; a row that changes is in both. `digest_before` is the
    /// table's digest. Nothing changes for readers until [`Lake::commit_change`].
    ///
    /// # Errors
    /// When a row that goes is not there, when a row comes whose key is there and stays, or the store fails.
    pub async fn stage_change(
        &self,
        table: &Table,
        key: &[String],
        removed: &[RecordBatch],
        added: &[RecordBatch],
        digest_before: &str,
    ) -> Result<StagedChange, LakeError> {
        let place = table.place()?;
        let change = Change::new(&place.schema, key, removed, added, &table.path)?;
        let digest = Digest::parse(&table.path, digest_before)?.minus(change.removed_digest).plus(change.added_digest);
        let files = table.files()?;
        let found = match change.keys.num_rows() {
            0 => Vec::new(),
            _ => {
                let wanted = Arc::new(Wanted::new(&place.schema, key, &change.keys)?);
                place.find(&files, &wanted).await?
            }
        };
        change.check(&found, &table.path)?;

        let mut writer = Writer::new(self.store(), table.path.clone(), place.schema.clone())?.sorted_by(key);
        writer.write(&change.added).await?;
        let staged = writer.finish().await?;
        let (touched, vectors) = self.stage_vectors(&place, &table.path, &files, &found).await?;
        let removed = change.removed_rows as u64;
        Ok(StagedChange { version: table.version(), staged, touched, vectors, removed, digest: digest.hex() })
    }

    /// Writes what is deleted after a change, all vectors in one file.
    async fn stage_vectors(
        &self,
        place: &Place,
        table: &Path,
        files: &[DataFile],
        found: &[Vec<Hit>],
    ) -> Result<(Vec<DataFile>, Option<String>), LakeError> {
        let mut touched = Vec::new();
        let mut shrunk = Vec::new();
        for (file, hits) in files.iter().zip(found).filter(|(_, hits)| !hits.is_empty()) {
            let rows: Vec<u64> = hits.iter().map(|hit| hit.row).collect();
            let deleted = union(&place.known.deleted(&place.folder, file).await?, &rows);
            let left = file.written.saturating_sub(deleted.len() as u64);
            let file = DataFile { rows: left, vector: None, ..file.clone() };
            match left {
                0 => touched.push(file),
                _ => shrunk.push((file, deleted)),
            }
        }
        if shrunk.is_empty() {
            return Ok((touched, None));
        }
        let vectors: Vec<_> = shrunk.iter().map(|(_, deleted)| deleted.clone()).collect();
        let written = VectorFile::new(&vectors)?;
        for ((file, deleted), entry) in shrunk.into_iter().zip(written.entries()) {
            place.known.keep_deleted(&place.folder, entry, deleted);
            touched.push(DataFile { vector: Some(entry.clone()), ..file });
        }
        let name = written.name();
        faults::VECTORS.before();
        self.store().put(&table.clone().join(name.as_str()), written.into_bytes().into()).await?;
        faults::VECTORS.after();
        Ok((touched, Some(name)))
    }

    /// The rows of the table as they would be after a change.
    ///
    /// # Errors
    /// When the table is not at the version that the change was staged for.
    pub fn changed_provider(&self, table: &Table, change: &StagedChange) -> Result<Arc<dyn TableProvider>, LakeError> {
        if table.version() != change.version {
            return Err(LakeError::Moved(table.path.to_string()));
        }
        crate::provider(self, &table.path, table.schema()?, &change.files_after(table.files()?))
    }

    /// Makes a staged change part of the table, in one commit.
    ///
    /// # Errors
    /// [`LakeError::Moved`] when the table has another version by now, compacted or changed: then the change must be
    /// staged again, on the table as it is. Its rows stand elsewhere now, and a commit would double them.
    pub async fn commit_change(&self, table: Table, change: &StagedChange) -> Result<Table, LakeError> {
        if table.version() != change.version {
            return Err(LakeError::Moved(table.path.to_string()));
        }
        if change.is_empty() {
            return Ok(table);
        }
        let name = table.path.to_string();
        let actions = table.change_actions(change, true)?;
        faults::JOB_COMMIT.before();
        let committed = table.commit(actions, Vec::new(), SaveMode::Append).await;
        faults::JOB_COMMIT.after();
        committed.map_err(|error| moved(name, error))
    }

    /// Deletes the files of a change that will not be committed.
    ///
    /// # Errors
    /// When the store fails; what is left behind belongs to no table.
    pub async fn discard_change(&self, job: &str, change: &StagedChange) -> Result<(), LakeError> {
        self.discard(job, &change.staged).await?;
        if let Some(vectors) = &change.vectors {
            self.store().delete(&crate::paths::job(job).join(vectors.as_str())).await?;
        }
        Ok(())
    }
}

/// A commit that another process came before.
pub fn moved(table: String, error: LakeError) -> LakeError {
    match error {
        LakeError::Delta { error, .. } if is_conflict(&error) => LakeError::Moved(table),
        error => error,
    }
}

impl Table {
    fn change_actions(&self, change: &StagedChange, data_change: bool) -> Result<Vec<Action>, LakeError> {
        let state = self.delta.snapshot().map_err(LakeError::delta(&self.path))?;
        let log = state.log_data();
        let mut actions = Vec::new();
        for file in log.iter() {
            let Some(after) = change.touched.iter().find(|touched| touched.path == file.path().as_ref()) else {
                continue;
            };
            actions.push(Action::Remove(file.remove_action(data_change)));
            if after.rows > 0 {
                actions.push(Action::Add(Add {
                    path: after.path.clone(),
                    partition_values: HashMap::new(),
                    size: file.size(),
                    modification_time: file.modification_time(),
                    data_change,
                    stats: Some(format!("{{\"numRecords\":{}}}", after.written)),
                    deletion_vector: after.vector.clone(),
                    ..Add::default()
                }));
            }
        }
        actions.extend(change.staged.adds.iter().cloned().map(Action::Add));
        if change.vectors.is_some() {
            actions.extend(self.allow_vectors()?);
        }
        Ok(actions)
    }

    /// What the log has to say before a table's first deletion vector, so that readers who know none refuse the table.
    fn allow_vectors(&self) -> Result<Vec<Action>, LakeError> {
        const FEATURE: &str = "deletionVectors";
        let state = self.delta.snapshot().map_err(LakeError::delta(&self.path))?;
        let damaged = |error: serde_json::Error| LakeError::Format {
            path: self.path.to_string(),
            reason: format!("the table's protocol cannot be raised: {error}"),
        };
        let mut protocol = serde_json::to_value(state.protocol()).map_err(damaged)?;
        let has = |list: &serde_json::Value| {
            list.as_array().is_some_and(|features| features.iter().any(|feature| feature == FEATURE))
        };
        if has(&protocol["readerFeatures"]) && has(&protocol["writerFeatures"]) {
            return Ok(Vec::new());
        }
        let with = |list: &serde_json::Value, also: &[&str]| {
            let mut features = list.as_array().cloned().unwrap_or_default();
            features.extend(also.iter().map(|feature| (*feature).into()));
            features.dedup();
            serde_json::Value::Array(features)
        };
        // A table of the old protocol has these two features without a word.
        let before: &[&str] = if protocol["minWriterVersion"] == 7 { &[] } else { &["appendOnly", "invariants"] };
        protocol["readerFeatures"] = with(&protocol["readerFeatures"], &[FEATURE]);
        protocol["writerFeatures"] = with(&protocol["writerFeatures"], &[before, &[FEATURE]].concat());
        protocol["minReaderVersion"] = 3.into();
        protocol["minWriterVersion"] = 7.into();
        let protocol: Protocol = serde_json::from_value(protocol).map_err(damaged)?;
        let metadata = state
            .metadata()
            .clone()
            .add_config_key("delta.enableDeletionVectors".to_owned(), "true".to_owned())
            .map_err(|error| LakeError::delta(&self.path)(error.into()))?;
        Ok(vec![Action::Protocol(protocol), Action::Metadata(metadata)])
    }
}

/// What was asked for, in the table's columns.
struct Change {
    /// Keys of the rows that go, then of those that come.
    keys: RecordBatch,
    removed_rows: usize,
    removed_digest: Digest,
    /// Sorted by key.
    added: RecordBatch,
    added_digest: Digest,
}

impl Change {
    fn new(
        schema: &SchemaRef,
        key: &[String],
        removed: &[RecordBatch],
        added: &[RecordBatch],
        table: &Path,
    ) -> Result<Self, LakeError> {
        let columns = key.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let joined = |batches: &[RecordBatch]| -> Result<RecordBatch, LakeError> {
            let batches = batches.iter().map(|batch| adapt(batch, schema)).collect::<Result<Vec<_>, _>>()?;
            Ok(concat_batches(schema, &batches)?)
        };
        let (removed, added) = (joined(removed)?, sorted(&joined(added)?, &columns)?);
        let keys = [removed.project(&columns)?, added.project(&columns)?];
        for keys in &keys {
            if encoder(keys)?.convert_columns(keys.columns())?.iter().collect::<HashSet<_>>().len() < keys.num_rows() {
                return Err(misfit(table, "it names the same key twice"));
            }
        }
        let digest = RowDigest::new(schema)?;
        Ok(Self {
            keys: concat_batches(keys[0].schema_ref(), &keys)?,
            removed_rows: removed.num_rows(),
            removed_digest: digest.of(&removed)?,
            added_digest: digest.of(&added)?,
            added,
        })
    }

    /// Holds the change to the table: what goes is there once, and what comes is not there, or goes.
    fn check(&self, found: &[Vec<Hit>], table: &Path) -> Result<(), LakeError> {
        let mut there = vec![false; self.removed_rows];
        for hit in found.iter().flatten() {
            match there.get_mut(hit.key) {
                None => return Err(misfit(table, "a row comes whose key is in the table and stays")),
                Some(true) => return Err(misfit(table, "the table holds two rows of one key")),
                Some(there) => *there = true,
            }
        }
        match there.iter().all(|there| *there) {
            true => Ok(()),
            false => Err(misfit(table, "a row goes that is not in the table")),
        }
    }
}

fn misfit(table: &Path, reason: &str) -> LakeError {
    LakeError::Change { table: table.to_string(), reason: reason.to_owned() }
}

fn sorted(rows: &RecordBatch, columns: &[usize]) -> Result<RecordBatch, LakeError> {
    let columns = columns.iter().map(|&index| SortColumn { values: rows.column(index).clone(), options: None });
    let order = lexsort_to_indices(&columns.collect::<Vec<_>>(), None)?;
    Ok(take_record_batch(rows, &order)?)
}
