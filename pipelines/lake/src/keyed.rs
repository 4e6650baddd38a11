//! Changes of keyed tables.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{concat_batches, lexsort_to_indices, take_record_batch};
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::catalog::TableProvider;
use datafusion::execution::context::SessionContext;

use crate::{Lake, LakeError, Staged, Table};

/// A change of a keyed table, written but not committed.
#[derive(Debug, Clone)]
pub struct StagedChange {
    staged: Staged,
    job: String,
    added: u64,
    removed: u64,
}

impl StagedChange {
    /// Rows that come.
    #[must_use]
    pub const fn added(&self) -> u64 {
        self.added
    }

    /// Rows that go.
    #[must_use]
    pub const fn removed(&self) -> u64 {
        self.removed
    }

    /// Digest of the table after it.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.staged.digest()
    }
}

impl Lake {
    /// Rows of `table` whose `columns` equal one of the rows of `keys`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rows_by_key(
        &self,
        table: &Table,
        _key: &[String],
        columns: &[String],
        keys: &RecordBatch,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let wanted = rows(keys, columns)?;
        let wanted: HashSet<OwnedRow> = wanted.into_iter().collect();
        let mut found = Vec::new();
        for batch in self.all(table).await? {
            let keep: Vec<bool> = rows(&batch, columns)?.iter().map(|row| wanted.contains(row)).collect();
            let kept = arrow::compute::filter_record_batch(&batch, &keep.into())?;
            if kept.num_rows() > 0 {
                found.push(kept);
            }
        }
        Ok(found)
    }

    async fn all(&self, table: &Table) -> Result<Vec<RecordBatch>, LakeError> {
        let context = SessionContext::new();
        self.register(&context);
        Ok(context.read_table(table.provider()?)?.collect().await?)
    }

    /// Stages a change: `removed` rows go, `added` rows come.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stage_change(
        &self,
        job: &str,
        table: &Table,
        key: &[String],
        removed: &[RecordBatch],
        added: &[RecordBatch],
        _digest_before: &str,
    ) -> Result<StagedChange, LakeError> {
        let schema = table.schema()?;
        let mut gone = HashSet::new();
        for batch in removed {
            gone.extend(rows(batch, key)?);
        }
        let mut kept = Vec::new();
        for batch in self.all(table).await? {
            let keep: Vec<bool> = rows(&batch, key)?.iter().map(|row| !gone.contains(row)).collect();
            kept.push(arrow::compute::filter_record_batch(&batch, &keep.into())?.with_schema(schema.clone())?);
        }
        for batch in added {
            kept.push(RecordBatch::try_new(schema.clone(), batch.columns().to_vec())?);
        }
        let whole = concat_batches(&schema, &kept)?;
        let columns = key
            .iter()
            .filter_map(|name| whole.column_by_name(name))
            .map(|values| arrow::compute::SortColumn { values: values.clone(), options: None });
        let order = lexsort_to_indices(&columns.collect::<Vec<_>>(), None)?;
        let mut writer = self.stage(job, schema)?;
        writer.write(&take_record_batch(&whole, &order)?).await?;
        Ok(StagedChange {
            staged: writer.finish().await?,
            job: job.to_owned(),
            added: added.iter().map(|batch| batch.num_rows() as u64).sum(),
            removed: removed.iter().map(|batch| batch.num_rows() as u64).sum(),
        })
    }

    /// What the table would hold.
    ///
    /// # Errors
    /// When a file's address cannot be built.
    pub fn changed_provider(&self, table: &Table, change: &StagedChange) -> Result<Arc<dyn TableProvider>, LakeError> {
        self.staged_provider(&change.job, table.schema()?, &change.staged)
    }

    /// Commits a change.
    ///
    /// # Errors
    /// When another process committed first, or the store fails.
    pub async fn commit_change(&self, table: Table, change: &StagedChange) -> Result<Table, LakeError> {
        self.replace(&change.job, &table.schema()?, &change.staged).await
    }

    /// Deletes the files of a change that will not be committed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn discard_change(&self, change: &StagedChange) -> Result<(), LakeError> {
        self.discard(&change.job, &change.staged).await
    }
}

fn rows(batch: &RecordBatch, columns: &[String]) -> Result<Vec<OwnedRow>, LakeError> {
    let columns: Vec<_> = columns.iter().filter_map(|name| batch.column_by_name(name)).cloned().collect();
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone()));
    let converter = RowConverter::new(fields.collect())?;
    Ok(converter.convert_columns(&columns)?.iter().map(|row| row.owned()).collect())
}
