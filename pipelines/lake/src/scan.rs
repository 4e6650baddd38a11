//! The one way to read a table: the data files of a version, or files that are staged and not yet committed, each
//! without its deleted rows.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
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

use crate::files::{Files, Readers, object};
use crate::vectors::{as_usize, kept};
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
    let folder = lake.folder(table);
    Ok(Arc::new(LakeTable { known: lake.files.clone(), store, folder, schema, files: files.to_vec() }))
}

/// The rows of some data files.
#[derive(Debug)]
struct LakeTable {
    known: Arc<Files>,
    store: ObjectStoreUrl,
    folder: Path,
    schema: SchemaRef,
    files: Vec<DataFile>,
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Files and pages are left out by their smallest and largest values; the rows that are left are filtered after.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        let rows = self.files.iter().map(|file| file.rows).sum();
        Some(Statistics::new_unknown(&self.schema).with_num_rows(Precision::Exact(as_usize(rows))))
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.files.iter().all(|file| file.rows == 0) {
            return Ok(Arc::new(EmptyExec::new(project_schema(&self.schema, projection)?)));
        }
        let files: Vec<_> = self.files.iter().filter(|file| file.rows > 0).map(|file| self.file(file)).collect();
        let files = futures::stream::iter(files).buffered(SIDE_BY_SIDE).try_collect::<Vec<_>>().await?;
        let groups = FileGroup::new(files).split_files(session.config().target_partitions());
        let groups = groups.into_iter().map(|group| self.summed(group)).collect::<Result<Vec<_>>>()?;
        let all = groups.iter().filter_map(|group| group.file_statistics(None));
        let statistics = Statistics::try_merge_iter(all, &self.schema)?;

        let mut options = session.table_options().parquet.clone();
        options.global = session.config_options().execution.parquet.clone();
        let readers = Readers { files: self.known.clone(), index: !filters.is_empty() };
        let mut source = ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(readers));
        if let Some(filter) = conjunction(filters.to_vec()) {
            let columns = DFSchema::try_from(self.schema.clone())?;
            source = source.with_predicate(session.create_physical_expr(filter, &columns)?);
        }
        let selected = self.files.iter().any(|file| file.vector.is_some());
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
        let table = self.folder.filename().unwrap_or_default().to_owned();
        Ok(Arc::new(SelectedRowsExec { table, scan: plan }))
    }
}

impl LakeTable {
    async fn file(&self, file: &DataFile) -> Result<PartitionedFile> {
        let path = file.location(&self.folder);
        let outside = |error: LakeError| DataFusionError::External(Box::new(error));
        let statistics = self.known.statistics(&self.folder, file, &self.schema).await.map_err(outside)?;
        let part = PartitionedFile::new_from_meta(object(&path, file.size)).with_statistics(statistics);
        if file.vector.is_none() {
            return Ok(part);
        }
        let deleted = self.known.deleted(&self.folder, file).await.map_err(outside)?;
        Ok(part.with_extension(ParquetRowSelection::new(kept(&deleted, file.written))))
    }

    fn summed(&self, group: FileGroup) -> Result<FileGroup> {
        let each = group.iter().filter_map(|file| file.statistics.as_deref());
        let statistics = Statistics::try_merge_iter(each, &self.schema)?;
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

/// A scan of files some of whose rows are deleted.
///
/// The row selections travel with the files as extensions, and those are lost silently when a plan is serialised:
/// deleted rows would come back. So this node stands around the scan, has no children that a codec could reach, and
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
