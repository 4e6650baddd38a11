//! Bringing a job's table back to what an earlier version held, as a new version: versions only go up, and the table
//! itself is what the last generation shows, for every reader of the format and for the next run.

use std::collections::HashMap;

use deltalake::kernel::{Action, Add, MetadataExt as _};
use deltalake::protocol::SaveMode;
use object_store::ObjectStoreExt as _;

use crate::change::moved;
use crate::{DataFile, Lake, LakeError, Table};

impl Lake {
    /// Makes the content of an earlier version the content of a job's table, in one commit that writes no row. The
    /// table stays at its version when it holds that content already.
    ///
    /// # Errors
    /// When files of the earlier version have been collected, another process committed first, or the store fails.
    pub async fn restore(&self, job: &str, version: u64) -> Result<Table, LakeError> {
        let table = self.job_table(job).await?.ok_or_else(|| LakeError::NoTable(job.to_owned()))?;
        if table.version() == version {
            return Ok(table);
        }
        let earlier = self.job_table_version(job, version).await?;
        let (now, then) = (table.files()?, earlier.files()?);
        let same_columns = table.schema()? == earlier.schema()?;
        if now == then && same_columns {
            return Ok(table);
        }
        let back: Vec<&DataFile> = then.iter().filter(|file| !now.contains(file)).collect();
        for file in &back {
            self.store().head(&file.location(&table.path)).await?;
        }
        let state = table.delta.snapshot().map_err(LakeError::delta(job))?;
        let goes = |path: &str| now.iter().any(|file| file.path == path && !then.contains(file));
        let mut actions: Vec<Action> = state
            .log_data()
            .iter()
            .filter(|file| goes(file.path().as_ref()))
            .map(|file| Action::Remove(file.remove_action(true)))
            .collect();
        actions.extend(back.into_iter().map(|file| Action::Add(file.add())));
        if !same_columns {
            let old = earlier.delta.snapshot().map_err(LakeError::delta(job))?;
            let metadata = state.metadata().clone().with_schema(old.schema().as_ref());
            actions.push(Action::Metadata(metadata.map_err(|error| LakeError::delta(job)(error.into()))?));
        }
        faults::RESTORE.before();
        let restored = table.commit(actions, Vec::new(), SaveMode::Overwrite).await;
        faults::RESTORE.after();
        restored.map_err(|error| moved(job.to_owned(), error))
    }
}

impl DataFile {
    fn add(&self) -> Add {
        Add {
            path: self.path.clone(),
            partition_values: HashMap::new(),
            size: i64::try_from(self.size).unwrap_or(i64::MAX),
            data_change: true,
            stats: Some(format!("{{\"numRecords\":{}}}", self.written)),
            deletion_vector: self.vector.clone(),
            ..Add::default()
        }
    }
}
