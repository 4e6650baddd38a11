//! Collection: files that no version needs any more are deleted. The Delta library's vacuum would keep every vector
//! file; others' would delete those that are in use.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStore as _;
use object_store::path::Path;

use crate::{Lake, LakeError, Table, index, paths, vectors};

impl Lake {
    /// Deletes files of a job's table (data, vectors, and what killed runs staged) that neither the last version nor
    /// one of `keep` refers to, and that are older than `older_than`: a younger file may belong to a change that is
    /// about to be committed. The log stays. Returns how many files were deleted.
    ///
    /// # Errors
    /// When a version of `keep` cannot be read, in which case nothing is deleted, or the store fails.
    pub async fn collect(&self, job: &str, keep: &[u64], older_than: DateTime<Utc>) -> Result<u64, LakeError> {
        let Some(table) = self.job_table(job).await? else { return Ok(0) };
        let mut needed = table.needs()?;
        for version in keep {
            needed.extend(self.job_table_version(job, *version).await?.needs()?);
        }
        needed.extend(index::needs(self, &table.path).await?);
        let store = self.store();
        let folder = paths::job(job);
        let log = folder.clone().join("_delta_log");
        let objects = store.list(Some(&folder));
        let unneeded = objects.try_filter_map(|object| {
            let path = object.location;
            let stays = path.prefix_matches(&log) || needed.contains(&path) || object.last_modified >= older_than;
            std::future::ready(Ok((!stays).then_some(path)))
        });
        // Listed to the end before anything is deleted: a listing that fails half way deletes nothing.
        let unneeded: Vec<Path> = unneeded.try_collect().await?;
        let count = unneeded.len() as u64;
        let deleted = store.delete_stream(futures::stream::iter(unneeded.into_iter().map(Ok)).boxed());
        deleted.try_for_each(|_| std::future::ready(Ok(()))).await?;
        Ok(count)
    }
}

impl Table {
    /// Files that this version refers to.
    fn needs(&self) -> Result<HashSet<Path>, LakeError> {
        let mut needed = HashSet::new();
        for file in self.files()? {
            if let Some(name) = file.vector.as_ref().map(vectors::file_name).transpose()?.flatten() {
                needed.insert(self.path.clone().join(name.as_str()));
            }
            needed.insert(file.location(&self.path));
        }
        Ok(needed)
    }
}
