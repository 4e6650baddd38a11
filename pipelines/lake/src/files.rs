//! Data files and what is known about them: footers, page indexes, statistics and deletion vectors, read once and
//! kept as long as they fit. Files never change once they are written, so nothing kept is ever out of date.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use datafusion::common::heap_size::{DFHeapSize as _, DFHeapSizeCtx};
use datafusion::common::stats::Precision;
use datafusion::common::{Statistics, TableReference};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::{ParquetFileMetrics, ParquetFileReaderFactory};
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::cache::{Cache as _, CacheKey, CacheValue};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use deltalake::kernel::DeletionVectorDescriptor;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use crate::pages::Bounds;
use crate::vectors::{self, Deleted, as_usize};
use crate::{DataFile, LakeError};

/// What is kept about files, at most: page indexes of a hundred million rows take about 25 MB.
pub const KEPT_BYTES: usize = 512 << 20;
/// Footers are at the end of a file; so much is read at first, which is most often all.
const FOOTER_BYTES: usize = 64 << 10;

/// A store of data files with what is known about them.
pub struct Files {
    store: Arc<dyn ObjectStore>,
    kept: DefaultCache<Key, Kept>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Files({}, {} bytes kept)", self.store, self.kept.memory_used())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    path: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum What {
    Footer,
    Index,
    /// Of these columns.
    Statistics(SchemaRef),
    /// Of these columns.
    Bounds(Vec<String>),
    /// At this place of a vector file.
    Deleted(Option<i32>),
}

#[derive(Clone)]
enum Kept {
    Metadata(Arc<ParquetMetaData>),
    Statistics(Arc<Statistics>),
    Bounds(Option<Arc<Bounds>>),
    Deleted(Deleted),
}

impl CacheKey for Key {
    fn size(&self) -> usize {
        let names = match &self.what {
            What::Bounds(columns) => columns.iter().map(String::len).sum(),
            _ => 0,
        };
        size_of::<Self>() + self.path.len() + names
    }

    fn table_ref(&self) -> Option<&TableReference> {
        None
    }
}

impl CacheValue for Kept {
    fn size(&self) -> usize {
        let heap = match self {
            Self::Metadata(metadata) => metadata.memory_size(),
            Self::Statistics(statistics) => statistics.heap_size(&mut DFHeapSizeCtx::default()),
            Self::Bounds(bounds) => bounds.as_ref().map_or(0, |bounds| bounds.size()),
            Self::Deleted(rows) => size_of_val::<[u64]>(rows),
        };
        size_of::<Self>() + heap
    }
}

impl Files {
    /// Files of a store; at most so many bytes of what is known about them are kept.
    pub fn new(store: Arc<dyn ObjectStore>, bytes: usize) -> Self {
        Self { store, kept: DefaultCache::new(bytes).with_name("lake files") }
    }

    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The footer of a file.
    pub async fn footer(&self, path: &Path, size: u64) -> Result<Arc<ParquetMetaData>, LakeError> {
        self.metadata(path, size, What::Footer).await
    }

    /// The footer of a file, with its page indexes.
    pub async fn index(&self, path: &Path, size: u64) -> Result<Arc<ParquetMetaData>, LakeError> {
        self.metadata(path, size, What::Index).await
    }

    async fn metadata(&self, path: &Path, size: u64, what: What) -> Result<Arc<ParquetMetaData>, LakeError> {
        let key = Key { path: path.to_string(), what };
        if let Some(Kept::Metadata(metadata)) = self.kept.get(&key) {
            return Ok(metadata);
        }
        let metadata = if key.what == What::Index {
            let footer = Box::pin(self.footer(path, size)).await?;
            let mut reader = ParquetMetaDataReader::new_with_metadata(footer.as_ref().clone())
                .with_page_index_policy(PageIndexPolicy::Optional);
            reader.load_page_index(&mut RangeReader { store: self.store.clone(), path: path.clone() }).await?;
            Arc::new(reader.finish()?)
        } else {
            let object = object(path, size);
            DFParquetMetadata::new(&self.store, &object)
                .with_metadata_size_hint(Some(FOOTER_BYTES))
                .with_page_index_policy(Some(PageIndexPolicy::Skip))
                .fetch_metadata()
                .await?
        };
        self.kept.put(&key, Kept::Metadata(metadata.clone()));
        Ok(metadata)
    }

    /// What is known about the rows of a file. The count is exact and leaves out deleted rows; when there are any,
    /// the rest is an estimate.
    pub async fn statistics(
        &self,
        table: &Path,
        file: &DataFile,
        schema: &SchemaRef,
    ) -> Result<Arc<Statistics>, LakeError> {
        let path = file.location(table);
        let key = Key { path: path.to_string(), what: What::Statistics(schema.clone()) };
        let whole = match self.kept.get(&key) {
            Some(Kept::Statistics(statistics)) => statistics,
            _ => {
                let footer = self.footer(&path, file.size).await?;
                let statistics = Arc::new(DFParquetMetadata::statistics_from_parquet_metadata(&footer, schema)?);
                self.kept.put(&key, Kept::Statistics(statistics.clone()));
                statistics
            }
        };
        Ok(match file.vector {
            None => whole,
            Some(_) => {
                let left = whole.as_ref().clone().to_inexact();
                Arc::new(left.with_num_rows(Precision::Exact(as_usize(file.rows))))
            }
        })
    }

    /// Smallest and largest values of `columns` on each page of a file; none when the file does not say.
    pub async fn bounds(
        &self,
        table: &Path,
        file: &DataFile,
        schema: &SchemaRef,
        columns: &[String],
    ) -> Result<Option<Arc<Bounds>>, LakeError> {
        let path = file.location(table);
        let key = Key { path: path.to_string(), what: What::Bounds(columns.to_vec()) };
        if let Some(Kept::Bounds(bounds)) = self.kept.get(&key) {
            return Ok(bounds);
        }
        let index = self.index(&path, file.size).await?;
        let bounds = Bounds::read(&index, schema, columns)?.map(Arc::new);
        self.kept.put(&key, Kept::Bounds(bounds.clone()));
        Ok(bounds)
    }

    /// The deleted rows of a file.
    pub async fn deleted(&self, table: &Path, file: &DataFile) -> Result<Deleted, LakeError> {
        let Some(vector) = &file.vector else { return Ok(Deleted::default()) };
        let key = deleted_key(table, vector);
        if let Some(Kept::Deleted(rows)) = self.kept.get(&key) {
            return Ok(rows);
        }
        let rows = vectors::read(self, table, vector).await?;
        self.kept.put(&key, Kept::Deleted(rows.clone()));
        Ok(rows)
    }

    /// Keeps a vector that was just written: the next read needs it.
    pub fn keep_deleted(&self, table: &Path, vector: &DeletionVectorDescriptor, rows: Deleted) {
        self.kept.put(&deleted_key(table, vector), Kept::Deleted(rows));
    }

    /// A reader of one file.
    pub fn reader(self: &Arc<Self>, path: &Path, size: u64, index: bool) -> FileReader {
        FileReader { files: self.clone(), path: path.clone(), size, index, metrics: None }
    }
}

fn deleted_key(table: &Path, vector: &DeletionVectorDescriptor) -> Key {
    Key { path: format!("{table}/{}", vector.path_or_inline_dv), what: What::Deleted(vector.offset) }
}

/// A file as stores describe it. Its age is no matter: files never change.
pub fn object(path: &Path, size: u64) -> ObjectMeta {
    ObjectMeta { location: path.clone(), last_modified: chrono::DateTime::UNIX_EPOCH, size, e_tag: None, version: None }
}

fn outside(error: impl std::error::Error + Send + Sync + 'static) -> ParquetError {
    ParquetError::External(Box::new(error))
}

struct RangeReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
}

impl parquet::arrow::async_reader::MetadataFetch for &mut RangeReader {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move { self.store.get_range(&self.path, range).await.map_err(outside) }.boxed()
    }
}

/// Reads a data file; its footer comes from what is kept.
pub struct FileReader {
    files: Arc<Files>,
    path: Path,
    size: u64,
    /// Whether the page indexes are wanted even when the asker could do without.
    index: bool,
    metrics: Option<ParquetFileMetrics>,
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.count(range.end - range.start);
        async move { self.files.store.get_range(&self.path, range).await.map_err(outside) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        self.count(ranges.iter().map(|range| range.end - range.start).sum());
        async move { self.files.store.get_ranges(&self.path, &ranges).await.map_err(outside) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        let skip = options.is_none_or(|options| options.column_index_policy() == PageIndexPolicy::Skip);
        async move {
            let metadata = match skip && !self.index {
                true => self.files.footer(&self.path, self.size).await,
                false => self.files.index(&self.path, self.size).await,
            };
            metadata.map_err(outside)
        }
        .boxed()
    }
}

impl FileReader {
    fn count(&self, bytes: u64) {
        if let Some(metrics) = &self.metrics {
            metrics.bytes_scanned.add(as_usize(bytes));
        }
    }
}

/// Gives DataFusion readers of ours: its own would fetch page indexes again for every query.
#[derive(Debug)]
pub struct Readers {
    pub files: Arc<Files>,
    /// Whether the query can leave out pages.
    pub index: bool,
}

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        _: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> datafusion::error::Result<Box<dyn AsyncFileReader + Send>> {
        let path = file.path();
        let mut reader = self.files.reader(path, file.object_meta.size, self.index);
        reader.metrics = Some(ParquetFileMetrics::new(partition, path.as_ref(), metrics));
        Ok(Box::new(reader))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch};
    use object_store::memory::InMemory;

    use super::*;
    use crate::Writer;

    /// Writes so many files of one row, and reads what is known of each.
    async fn read(bytes: usize) -> Files {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let files = Files::new(store.clone(), bytes);
        let table = Path::from("t");
        for number in 0..50 {
            let rows: arrow::array::ArrayRef = Arc::new(Int64Array::from(vec![number]));
            let batch = RecordBatch::try_from_iter([("id", rows)]).unwrap();
            let mut writer = Writer::new(store.clone(), table.clone(), batch.schema()).unwrap();
            writer.write(&batch).await.unwrap();
            let staged = writer.finish().await.unwrap();
            for _ in 0..2 {
                let known = files.statistics(&table, &staged.files()[0], &batch.schema()).await.unwrap();
                assert_eq!(known.num_rows, Precision::Exact(1));
                let bounds = files.bounds(&table, &staged.files()[0], &batch.schema(), &["id".to_owned()]).await;
                assert!(bounds.unwrap().is_some());
            }
        }
        files
    }

    #[tokio::test]
    async fn what_is_kept_stays_below_its_bound_and_what_was_dropped_is_read_again() {
        let (small, large) = (read(20_000).await, read(KEPT_BYTES).await);
        assert!(small.kept.memory_used() <= 20_000);
        assert!(large.kept.memory_used() > 40_000, "{large:?}");
        assert_eq!(large.kept.len(), 200, "footer, index, statistics and bounds of each file");
        read(0).await;
    }
}
