//! The one way to read a table: the data files of a version, or files that are staged and not yet committed, each
//! without its deleted rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, Statistics, project_schema};
use datafusion::config::ConfigOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;

use crate::files::{Readers, object};
use crate::lookup::{Place, Wanted};
use crate::vectors::{as_usize, kept, only};
use crate::{DataFile, Lake, LakeError};

/// Files whose footers are read side by side: reading one is waiting, above all.
const SIDE_BY_SIDE: usize = 32;

/// A table over the data files of one version, or over files that are staged and not yet committed.
///
/// # Errors
/// When the lake's address is of no kind that DataFusion knows.
pub fn provider(
    lake: &Lake,
    table: &Path,
    schema: SchemaRef,
    files: &[DataFile],
) -> std::result::Result<Arc<dyn TableProvider>, LakeError> {
    let store = ObjectStoreUrl::parse(lake.store_url().as_str())?;
    let place = Place::new(lake, table.clone(), schema);
    let files = files.iter().cloned().map(Part::whole).collect();
    Ok(Arc::new(LakeTable { store, place, files }))
}

/// The rows of a table of the lake whose `column` is one of `values`, as a table; nulls equal nulls. They are looked up
/// as [`Lake::rows_by_key`] does; none when the table is not one of [`provider`]'s.
///
/// # Errors
/// When the store fails, or the column is not the table's.
pub async fn looked_up(
    table: &dyn TableProvider,
    column: &str,
    values: &ArrayRef,
) -> std::result::Result<Option<Arc<dyn TableProvider>>, LakeError> {
    let Some(LakeTable { store, place, files }) = table.downcast_ref::<LakeTable>() else { return Ok(None) };
    let field = place.schema.field_with_name(column)?.clone();
    let keys = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![values.clone()])?;
    let wanted = Arc::new(Wanted::new(&place.schema, &[column.to_owned()], &keys)?);
    let all: Vec<DataFile> = files.iter().map(|part| part.file.clone()).collect();
    let found = place.find(&all, &wanted).await?;
    let parts = all.into_iter().zip(found).map(|(file, hits)| {
        let rows: Vec<u64> = hits.into_iter().map(|hit| hit.row).collect();
        Part { file: DataFile { rows: rows.len() as u64, ..file }, rows: Some(rows) }
    });
    let files = parts.filter(|part| part.file.rows > 0).collect();
    Ok(Some(Arc::new(LakeTable { store: store.clone(), place: place.clone(), files })))
}

/// The rows of some data files.
#[derive(Debug)]
struct LakeTable {
    store: ObjectStoreUrl,
    place: Place,
    files: Vec<Part>,
}

/// Rows of a data file.
#[derive(Debug)]
struct Part {
    file: DataFile,
    /// The numbers of those that were looked up, none of which is deleted; otherwise all that are not deleted.
    rows: Option<Vec<u64>>,
}

impl Part {
    const fn whole(file: DataFile) -> Self {
        Self { file, rows: None }
    }

    const fn is_selection(&self) -> bool {
        self.rows.is_some() || self.file.vector.is_some()
    }
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        self.place.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Files and pages are left out by their smallest and largest values; the rows that are left are filtered after.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        let rows = self.files.iter().map(|part| part.file.rows).sum();
        Some(Statistics::new_unknown(&self.place.schema).with_num_rows(Precision::Exact(as_usize(rows))))
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = &self.place.schema;
        if self.files.iter().all(|part| part.file.rows == 0) {
            return Ok(Arc::new(EmptyExec::new(project_schema(schema, projection)?)));
        }
        let files: Vec<_> = self.files.iter().filter(|part| part.file.rows > 0).map(|part| self.file(part)).collect();
        let files = futures::stream::iter(files).buffered(SIDE_BY_SIDE).try_collect::<Vec<_>>().await?;
        let groups = FileGroup::new(files).split_files(session.config().target_partitions());
        let groups = groups.into_iter().map(|group| self.summed(group)).collect::<Result<Vec<_>>>()?;
        let all = groups.iter().filter_map(|group| group.file_statistics(None));
        let statistics = Statistics::try_merge_iter(all, schema)?;

        let mut options = session.table_options().parquet.clone();
        options.global = session.config_options().execution.parquet.clone();
        let looked_up = self.files.iter().any(|part| part.rows.is_some());
        let readers = Readers { files: self.place.known.clone(), index: looked_up || !filters.is_empty() };
        let mut source = ParquetSource::new(schema.clone())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(readers));
        if let Some(filter) = conjunction(filters.to_vec()) {
            let columns = DFSchema::try_from(schema.clone())?;
            source = source.with_predicate(session.create_physical_expr(filter, &columns)?);
        }
        let selected = self.files.iter().any(Part::is_selection);
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            // A limit leaves out row groups by the rows they hold, deleted rows included.
            .with_limit(limit.filter(|_| !selected))
            .build();
        let plan = DataSourceExec::from_data_source(config);
        if !selected {
            return Ok(plan);
        }
        let table = self.place.table.filename().unwrap_or_default().to_owned();
        Ok(Arc::new(SelectedRowsExec { table, scan: plan }))
    }
}

impl LakeTable {
    async fn file(&self, part: &Part) -> Result<PartitionedFile> {
        let Part { file, rows } = part;
        let Place { known, folder, schema, .. } = &self.place;
        let path = file.location(folder);
        let outside = |error: LakeError| DataFusionError::External(Box::new(error));
        let mut statistics = known.statistics(folder, file, schema).await.map_err(outside)?;
        if rows.is_some() {
            let some = Statistics::clone(&statistics).to_inexact();
            statistics = Arc::new(some.with_num_rows(Precision::Exact(as_usize(file.rows))));
        }
        let scanned = PartitionedFile::new_from_meta(object(&path, file.size)).with_statistics(statistics);
        let selection = match rows {
            Some(rows) => only(rows, file.written),
            None if file.vector.is_none() => return Ok(scanned),
            None => kept(&known.deleted(folder, file).await.map_err(outside)?, file.written),
        };
        Ok(scanned.with_extension(ParquetRowSelection::new(selection)))
    }

    fn summed(&self, group: FileGroup) -> Result<FileGroup> {
        let each = group.iter().filter_map(|file| file.statistics.as_deref());
        let statistics = Statistics::try_merge_iter(each, &self.place.schema)?;
        Ok(group.with_statistics(Arc::new(statistics)))
    }
}

/// A table that a plan reads without its deleted rows; nothing when all files are read whole. Where there is one, the
/// plan can only run in this process.
#[must_use]
pub fn with_deleted_rows(plan: &Arc<dyn ExecutionPlan>) -> Option<&str> {
    match plan.downcast_ref::<SelectedRowsExec>() {
        Some(scan) => Some(&scan.table),
        None => plan.children().into_iter().find_map(with_deleted_rows),
    }
}

/// A scan of files some of whose rows are left out: they are deleted, or were not looked up.
///
/// The row selections travel with the files as extensions, and those are lost silently when a plan is serialised:
/// the rows would come back. So this node stands around the scan, has no children that a codec could reach, and
/// is of no kind that a codec knows: a plan that carries it is refused, never shipped.
#[derive(Debug)]
struct SelectedRowsExec {
    table: String,
    scan: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for SelectedRowsExec {
    fn fmt_as(&self, style: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SelectedRowsExec: ")?;
        self.scan.fmt_as(style, f)
    }
}

impl ExecutionPlan for SelectedRowsExec {
    fn name(&self) -> &'static str {
        "SelectedRowsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.scan.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => Err(DataFusionError::Internal("SelectedRowsExec has no children".to_owned())),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => Err(DataFusionError::Internal("SelectedRowsExec has no children".to_owned())),
        }
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.scan.apply_expressions(visit)
    }

    fn repartitioned(&self, partitions: usize, config: &ConfigOptions) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let scan = self.scan.repartitioned(partitions, config)?;
        Ok(scan.map(|scan| Arc::new(Self { table: self.table.clone(), scan }) as Arc<dyn ExecutionPlan>))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.scan.execute(partition, context)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        self.scan.metrics()
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        self.scan.statistics_from_inputs(inputs, args)
    }
}
