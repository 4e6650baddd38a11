//! Compaction: many small files of a landing table become few, in a commit that changes no row.

use datafusion::execution::context::SessionContext;
use deltalake::kernel::Action;
use deltalake::protocol::SaveMode;
use futures::TryStreamExt as _;

use crate::landing::is_conflict;
use crate::{DataFile, Lake, LakeError, LandingTable, Table, Writer, paths};

/// Files smaller than this are merged.
const SMALL: u64 = 64 << 20;
/// So many small files are left alone.
const FEW: usize = 16;

impl LandingTable {
    /// Merges the table's small files when there are many. Returns how many were merged; 0 when there are few, or
    /// when another process committed meanwhile (the next compaction finds them again).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn compact(&self) -> Result<usize, LakeError> {
        let Some(table) = self.lake.landing(&self.contract.name).await? else { return Ok(0) };
        let small: Vec<DataFile> = table.files()?.into_iter().filter(|file| file.size < SMALL).collect();
        if small.len() <= FEW {
            return Ok(0);
        }
        let staged = self.merge(&small).await?;
        let removes = removes(&table, &small)?;
        let adds = staged.adds.iter().cloned().map(|mut add| {
            add.data_change = false;
            Action::Add(add)
        });
        let actions = removes.into_iter().chain(adds).collect();
        match table.commit(actions, Vec::new(), SaveMode::Append).await {
            Ok(_) => Ok(small.len()),
            Err(LakeError::Delta { error, .. }) if is_conflict(&error) => {
                self.lake.delete(&paths::landing(&self.contract.name), &staged).await?;
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    async fn merge(&self, files: &[DataFile]) -> Result<crate::Staged, LakeError> {
        let path = paths::landing(&self.contract.name);
        let context = SessionContext::new();
        self.lake.register(&context);
        let rows = context.read_table(crate::provider(&self.lake, &path, self.schema.clone(), files)?)?;
        let mut stream = rows.execute_stream().await?;
        let mut writer = Writer::new(self.lake.store(), path, self.schema.clone())?;
        while let Some(batch) = stream.try_next().await? {
            writer.write(&batch).await?;
        }
        writer.finish().await
    }
}

fn removes(table: &Table, files: &[DataFile]) -> Result<Vec<Action>, LakeError> {
    let state = table.delta.snapshot().map_err(LakeError::delta("compaction"))?;
    let log = state.log_data();
    let merged = |path: &str| files.iter().any(|file| file.path == path);
    let removed = log.iter().filter(|file| merged(file.path().as_ref()));
    Ok(removed.map(|file| Action::Remove(file.remove_action(false))).collect())
}

impl Lake {
    pub(crate) async fn delete(
        &self,
        table: &object_store::path::Path,
        staged: &crate::Staged,
    ) -> Result<(), LakeError> {
        use object_store::ObjectStoreExt as _;
        for file in staged.files() {
            self.store().delete(&table.clone().join(file.path.as_str())).await?;
        }
        Ok(())
    }
}
