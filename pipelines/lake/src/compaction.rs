//! Compaction: many small files become few, in a commit that changes no row.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use arrow::row::OwnedRow;
use datafusion::execution::context::SessionContext;
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use deltalake::kernel::Action;
use deltalake::protocol::SaveMode;
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use crate::landing::is_conflict;
use crate::lookup::encoder;
use crate::staged::FILE_ROWS;
use crate::{DataFile, Lake, LakeError, LandingTable, Staged, Table, Writer};

/// Landing files smaller than this are merged.
const SMALL: u64 = 64 << 20;
/// So many small landing files are left alone.
const FEW: usize = 16;
/// So many runs of one size are merged into one of the next size.
const TIER: u64 = 8;
/// Runs are of one size up to this many rows; the next size is [`TIER`] times that.
const FIRST_TIER: u64 = 1_000;
/// A vector of so many bytes costs more to write anew at each change than a run costs to rewrite now and then.
const VECTOR_BYTES: i32 = 128 << 10;

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
        // By the table's columns: it may have some that this contract does not know.
        let schema = table.schema()?;
        self.lake.rewrite(table, &schema, &small, &[]).await
    }
}

impl Lake {
    /// Merges runs of a job's table, whose rows are sorted and unique by `key`: those of one size when there are many,
    /// and those that have lost many of their rows. Returns how many were merged; 0 when all is well, or when another
    /// process committed meanwhile (the next compaction finds them again).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn compact_keyed(&self, job: &str, key: &[String]) -> Result<usize, LakeError> {
        self.compact_chosen(job, key, choose).await
    }

    /// The same, for every run that has lost a row: afterwards readers of plain files see what the table holds.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn compact_deleted(&self, job: &str, key: &[String]) -> Result<usize, LakeError> {
        let deleted = |files: Vec<DataFile>| files.into_iter().filter(|file| file.vector.is_some()).collect();
        self.compact_chosen(job, key, deleted).await
    }

    async fn compact_chosen(
        &self,
        job: &str,
        key: &[String],
        choose: impl Fn(Vec<DataFile>) -> Vec<DataFile>,
    ) -> Result<usize, LakeError> {
        let Some(table) = self.job_table(job).await? else { return Ok(0) };
        let chosen = choose(table.files()?);
        if chosen.is_empty() {
            return Ok(0);
        }
        let schema = table.schema()?;
        self.rewrite(table, &schema, &chosen, key).await
    }

    /// Writes the rows of some files anew, sorted by `key` as the files are, in a commit that changes no row.
    async fn rewrite(
        &self,
        table: Table,
        schema: &SchemaRef,
        files: &[DataFile],
        key: &[String],
    ) -> Result<usize, LakeError> {
        let path = table.path.clone();
        let staged = self.merge(&path, schema, files, key).await?;
        let rows = files.iter().map(|file| file.rows).sum::<u64>();
        if staged.rows() != rows {
            self.delete(&path, &staged).await?;
            let reason = format!("compaction read {} rows of {rows}", staged.rows());
            return Err(LakeError::Change { table: path.to_string(), reason });
        }
        let adds = staged.adds.iter().cloned().map(|mut add| {
            add.data_change = false;
            Action::Add(add)
        });
        let actions = removes(&table, files)?.into_iter().chain(adds).collect();
        faults::COMPACTION.before();
        let committed = table.commit(actions, Vec::new(), SaveMode::Append).await;
        faults::COMPACTION.after();
        match committed {
            Ok(_) => Ok(files.len()),
            Err(LakeError::Delta { error, .. }) if is_conflict(&error) => {
                self.delete(&path, &staged).await?;
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// The rows of some files, merged by `key` into new ones.
    pub(crate) async fn merge(
        &self,
        table: &Path,
        schema: &SchemaRef,
        files: &[DataFile],
        key: &[String],
    ) -> Result<Staged, LakeError> {
        let context = SessionContext::new();
        self.register(&context);
        let mut runs = Vec::with_capacity(files.len());
        for file in files {
            // One partition a run: the merge below reads each from its start to its end.
            let run = crate::provider(self, table, schema.clone(), std::slice::from_ref(file))?;
            runs.push(run.scan(&context.state(), None, &[], None).await?);
        }
        let order = key.iter().map(|name| Ok(PhysicalSortExpr::new(col(name, schema)?, SortOptions::default())));
        let plan: Arc<dyn ExecutionPlan> = UnionExec::try_new(runs)?;
        let plan = match LexOrdering::new(order.collect::<Result<Vec<_>, LakeError>>()?) {
            Some(order) => Arc::new(SortPreservingMergeExec::new(order, plan)),
            None => plan,
        };
        let mut stream = execute_stream(plan, context.task_ctx())?;
        let mut writer = Writer::new(self.store(), table.clone(), schema.clone())?.sorted_by(key);
        let mut order = Order::new(table, schema, key)?;
        while let Some(batch) = stream.try_next().await? {
            order.check(&batch)?;
            writer.write(&batch).await?;
        }
        writer.finish().await
    }

    pub(crate) async fn delete(&self, table: &Path, staged: &Staged) -> Result<(), LakeError> {
        faults::DISCARD.before();
        for file in staged.files() {
            self.store().delete(&table.clone().join(file.path.as_str())).await?;
        }
        faults::DISCARD.after();
        Ok(())
    }
}

/// Runs that are worth a rewrite.
fn choose(files: Vec<DataFile>) -> Vec<DataFile> {
    let worn = |file: &DataFile| {
        let deleted = file.written.saturating_sub(file.rows);
        deleted * 2 > file.written || file.vector.as_ref().is_some_and(|vector| vector.size_in_bytes > VECTOR_BYTES)
    };
    let (mut chosen, sound): (Vec<_>, Vec<_>) = files.into_iter().partition(worn);
    let mut tiers: BTreeMap<u32, Vec<DataFile>> = BTreeMap::new();
    // By the rows that were written: a full run that has lost a few is no smaller run, and merging full runs gives as
    // many full runs.
    for file in sound.into_iter().filter(|file| file.written < FILE_ROWS as u64) {
        tiers.entry((file.written / FIRST_TIER).max(1).ilog(TIER)).or_default().push(file);
    }
    let full = tiers.into_values().find(|tier| tier.len() as u64 >= TIER);
    chosen.extend(full.into_iter().flatten());
    chosen
}

/// Merging runs that are not sorted would give a run that is not: keyed reads would miss rows.
struct Order<'a> {
    table: &'a Path,
    columns: Vec<usize>,
    last: Option<OwnedRow>,
}

impl<'a> Order<'a> {
    fn new(table: &'a Path, schema: &SchemaRef, key: &[String]) -> Result<Self, LakeError> {
        let columns = key.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { table, columns, last: None })
    }

    fn check(&mut self, batch: &arrow::array::RecordBatch) -> Result<(), LakeError> {
        if self.columns.is_empty() || batch.num_rows() == 0 {
            return Ok(());
        }
        let keys = batch.project(&self.columns)?;
        let rows = encoder(&keys)?.convert_columns(keys.columns())?;
        let first = self.last.as_ref().is_none_or(|last| last.row() < rows.row(0));
        if !first || (1..rows.num_rows()).any(|row| rows.row(row - 1) >= rows.row(row)) {
            let reason = "its runs are not sorted and unique by its key".to_owned();
            return Err(LakeError::Change { table: self.table.to_string(), reason });
        }
        self.last = Some(rows.row(rows.num_rows() - 1).owned());
        Ok(())
    }
}

fn removes(table: &Table, files: &[DataFile]) -> Result<Vec<Action>, LakeError> {
    let state = table.delta.snapshot().map_err(LakeError::delta("compaction"))?;
    let log = state.log_data();
    let merged = |path: &str| files.iter().any(|file| file.path == path);
    let removed = log.iter().filter(|file| merged(file.path().as_ref()));
    Ok(removed.map(|file| Action::Remove(file.remove_action(false))).collect())
}

#[cfg(test)]
mod tests {
    use deltalake::kernel::DeletionVectorDescriptor;

    use super::*;

    fn run(written: u64, deleted: u64) -> DataFile {
        let vector = (deleted > 0).then(|| DeletionVectorDescriptor {
            storage_type: deltalake::kernel::StorageType::UuidRelativePath,
            path_or_inline_dv: String::new(),
            offset: Some(1),
            size_in_bytes: i32::try_from(deleted * 2).unwrap(),
            cardinality: i64::try_from(deleted).unwrap(),
        });
        DataFile { path: format!("{written}-{deleted}"), size: written * 24, rows: written - deleted, written, vector }
    }

    fn chosen(files: Vec<DataFile>) -> usize {
        choose(files).len()
    }

    #[test]
    fn eight_runs_of_one_size_are_merged_and_no_larger_ones_with_them() {
        assert_eq!(chosen(vec![run(1_000, 0); 7]), 0);
        assert_eq!(chosen(vec![run(1_000, 0); 8]), 8);
        assert_eq!(chosen([vec![run(900, 10); 8], vec![run(64_000, 100); 7], vec![run(1_000_000, 0); 3]].concat()), 8);
        assert_eq!(chosen([vec![run(900, 10); 8], vec![run(64_000, 100); 8]].concat()), 8, "the smaller size first");
    }

    #[test]
    fn full_runs_are_left_alone_until_half_of_their_rows_or_much_of_a_vector_is_written() {
        assert_eq!(chosen(vec![run(1_000_000, 100); 10]), 0, "a tick takes a few rows of each");
        assert_eq!(
            chosen(vec![run(1_000_000, 60_000), run(1_000_000, 70_000)]),
            1,
            "vectors are written anew each time"
        );
        assert_eq!(chosen(vec![run(1_000, 500), run(1_000, 501)]), 1);
    }

    #[test]
    fn a_table_that_changes_forever_writes_each_row_a_few_times() {
        let (mut files, mut merged) = (Vec::new(), 0);
        for _ in 0..2_000 {
            files.push(run(1_000, 0));
            loop {
                let chosen = choose(files.clone());
                if chosen.is_empty() {
                    break;
                }
                let rows = chosen.iter().map(|file| file.rows).sum::<u64>();
                merged += rows;
                files.retain(|file| !chosen.contains(file));
                let full = rows / FILE_ROWS as u64;
                files.extend((0..full).map(|_| run(FILE_ROWS as u64, 0)));
                files.extend((rows % FILE_ROWS as u64 > 0).then(|| run(rows % FILE_ROWS as u64, 0)));
            }
        }
        assert!(merged < 4 * 2_000 * 1_000, "{merged} rows were written again");
        assert!(files.len() < 4 * 8, "{} runs are left", files.len());
    }
}
