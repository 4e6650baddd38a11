//! Collection: files that no version needs any more are deleted. The Delta library's vacuum would keep every vector
//! file; others' would delete those that are in use.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::AddAssign;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use deltalake::kernel::{Action, DeletionVectorDescriptor};
use deltalake::logstore::get_actions;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore as _, ObjectStoreExt as _};

use crate::{Lake, LakeError, Table, index, paths, vectors};

/// Log entries that are read side by side.
const SIDE_BY_SIDE: usize = 16;

/// What was deleted, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl AddAssign for Swept {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

/// Which of the files that no kept version needs are deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Broom {
    /// Those that are older: a younger one may belong to a commit that is about to be made.
    pub older_than: DateTime<Utc>,
    /// Those, too, that some version of the table's log has named, however young: nobody is about to commit them.
    pub named: bool,
    /// None is deleted, only counted.
    pub dry_run: bool,
}

impl Lake {
    /// Deletes files of a job's table (data, vectors, and what killed runs staged) that neither the last version nor
    /// one of `keep` refers to, and that are older than `older_than`: a younger file may belong to a change that is
    /// about to be committed. The log stays. Returns how many files were deleted.
    ///
    /// # Errors
    /// When a version of `keep` cannot be read, in which case nothing is deleted, or the store fails.
    pub async fn collect(&self, job: &str, keep: &[u64], older_than: DateTime<Utc>) -> Result<u64, LakeError> {
        let broom = Broom { older_than, named: false, dry_run: false };
        Ok(self.sweep(&paths::job(job), &keep.iter().copied().collect(), broom).await?.files)
    }

    /// Sweeps the folder of a table: see [`Lake::collect`].
    pub(crate) async fn sweep(&self, table: &Path, keep: &BTreeSet<u64>, broom: Broom) -> Result<Swept, LakeError> {
        let mut needs = match self.load(table.clone(), None).await? {
            Some(head) => head.needs(keep).await?,
            // Its first commit was never made.
            None => Needs::default(),
        };
        needs.files.extend(index::needs(self, table, &needs.files).await?);
        self.delete_unneeded(table, &needs, broom).await
    }

    async fn delete_unneeded(&self, table: &Path, needs: &Needs, broom: Broom) -> Result<Swept, LakeError> {
        let store = self.store();
        let log = table.clone().join("_delta_log");
        let goes = |object: &ObjectMeta| {
            let path = &object.location;
            let is_safe = object.last_modified < broom.older_than || broom.named && needs.named.contains(path);
            is_safe && !path.prefix_matches(&log) && !needs.files.contains(path)
        };
        let objects = store.list(Some(table)).try_filter(|object| std::future::ready(goes(object)));
        // Listed to the end before anything is deleted: a listing that fails half way deletes nothing.
        let unneeded: Vec<ObjectMeta> = objects.try_collect().await?;
        let swept = Swept { files: unneeded.len() as u64, bytes: unneeded.iter().map(|object| object.size).sum() };
        if !broom.dry_run {
            self.delete_all(unneeded.into_iter().map(|object| object.location)).await?;
        }
        Ok(swept)
    }

    /// Deletes objects; one that is gone already is no failure.
    pub(crate) async fn delete_all(&self, paths: impl IntoIterator<Item = Path>) -> Result<(), LakeError> {
        let paths: Vec<Path> = paths.into_iter().collect();
        faults::SWEEP.before();
        let store = self.store();
        let mut deleted = store.delete_stream(stream::iter(paths.into_iter().map(Ok)).boxed());
        while let Some(answer) = deleted.next().await {
            match answer {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        faults::SWEEP.after();
        Ok(())
    }
}

/// What versions of a table refer to.
#[derive(Debug, Default)]
struct Needs {
    /// Files of the versions that are kept.
    files: HashSet<Path>,
    /// Files that a version has named which was looked at: from the first kept one on, or from the first there is.
    named: HashSet<Path>,
}

impl Table {
    /// What `keep` and this version, the last, refer to. The log is read once, from the first of them on: a version
    /// more costs nothing.
    async fn needs(&self, keep: &BTreeSet<u64>) -> Result<Needs, LakeError> {
        let head = self.version();
        if let Some(ahead) = keep.iter().next_back().filter(|version| **version > head) {
            let reason = format!("version {ahead} is to be kept, the last one is {head}");
            return Err(LakeError::Format { path: self.path.to_string(), reason });
        }
        let kept = |version: u64| version == head || keep.contains(&version);
        let first = keep.first().copied().unwrap_or(head);
        let mut live = Live::of(&self.lake.load(self.path.clone(), Some(first)).await?.ok_or_else(|| self.missing())?)?;
        live.keep();
        let lake = &self.lake;
        let entry = |version| async move {
            let bytes: Bytes = lake.store().get(&paths::log_entry(&self.path, version)).await?.bytes().await?;
            Ok::<_, LakeError>((version, get_actions(version, &bytes).map_err(LakeError::delta(&self.path))?))
        };
        let mut entries = stream::iter(first + 1..=head).map(entry).buffered(SIDE_BY_SIDE);
        while let Some((version, actions)) = entries.try_next().await? {
            live.follow(actions)?;
            if kept(version) {
                live.keep();
            }
        }
        Ok(live.needs)
    }

    fn missing(&self) -> LakeError {
        LakeError::NoTable(self.path.to_string())
    }
}

/// The files of the version that the log has been followed to.
struct Live {
    table: Path,
    /// Vector files by data file.
    files: BTreeMap<String, Option<Path>>,
    /// Those that no version that is kept has had so far.
    unkept: BTreeSet<String>,
    needs: Needs,
}

impl Live {
    fn of(table: &Table) -> Result<Self, LakeError> {
        let (files, unkept) = (BTreeMap::new(), BTreeSet::new());
        let mut live = Self { table: table.path.clone(), files, unkept, needs: Needs::default() };
        for file in table.files()? {
            live.add(file.path, file.vector.as_ref())?;
        }
        Ok(live)
    }

    fn add(&mut self, path: String, vector: Option<&DeletionVectorDescriptor>) -> Result<(), LakeError> {
        let vector = vector.map(vectors::file_name).transpose()?.flatten();
        let vector = vector.map(|name| self.table.clone().join(name.as_str()));
        self.needs.named.extend(vector.clone());
        self.needs.named.insert(self.table.clone().join(path.as_str()));
        self.unkept.insert(path.clone());
        self.files.insert(path, vector);
        Ok(())
    }

    /// Goes to the next version. A file that is removed and added in one has another vector from then on.
    fn follow(&mut self, actions: Vec<Action>) -> Result<(), LakeError> {
        for action in &actions {
            if let Action::Remove(remove) = action {
                self.files.remove(&remove.path);
                self.unkept.remove(&remove.path);
            }
        }
        for action in actions {
            if let Action::Add(add) = action {
                self.add(add.path, add.deletion_vector.as_ref())?;
            }
        }
        Ok(())
    }

    /// This version is kept.
    fn keep(&mut self) {
        for path in std::mem::take(&mut self.unkept) {
            let vector = self.files.get(&path).cloned().flatten();
            self.needs.files.extend(vector);
            self.needs.files.insert(self.table.clone().join(path.as_str()));
        }
    }
}
