use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use deltalake::kernel::Add;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::AsyncArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use uuid::Uuid;

use crate::digest::{Digest, RowDigest};
use crate::{DataFile, LakeError};

/// Rows in a data file, a run sorted by the table's key.
pub const FILE_ROWS: usize = 1_000_000;
/// Rows in a page: the smallest piece that a keyed read has to look at.
const PAGE_ROWS: usize = 1_000;
/// A dictionary is read whole for any page of its column. A keyed read takes a few pages of each of many files, so only
/// columns of few values have one; in a megabyte, the usual limit, it would cost more than all pages together.
const DICTIONARY_BYTES: usize = 32 << 10;

/// Writes rows into data files that no table names yet.
#[derive(Debug)]
pub struct Writer {
    store: Arc<dyn ObjectStore>,
    table: Path,
    schema: SchemaRef,
    /// What the rows are sorted by.
    key: Vec<String>,
    rows: RowDigest,
    digest: Digest,
    open: Option<OpenFile>,
    staged: Staged,
}

struct OpenFile {
    writer: AsyncArrowWriter<BufWriter>,
    name: String,
    rows: usize,
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} rows)", self.name, self.rows)
    }
}

/// Data files that are written but belong to no version yet.
#[derive(Debug, Clone, Default)]
pub struct Staged {
    pub(crate) adds: Vec<Add>,
    files: Vec<DataFile>,
    rows: u64,
    digest: String,
}

impl Staged {
    /// The files.
    #[must_use]
    pub fn files(&self) -> &[DataFile] {
        &self.files
    }

    /// Rows in all files.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// A sum over the hashes of the rows, 64 hexadecimal digits: the same rows have the same digest, however they were
    /// ordered, batched and spread over files.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl Writer {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, table: Path, schema: SchemaRef) -> Result<Self, LakeError> {
        let rows = RowDigest::new(&schema)?;
        let (digest, staged) = (Digest::default(), Staged::default());
        Ok(Self { store, table, schema, key: Vec::new(), rows, digest, open: None, staged })
    }

    /// Says that rows come sorted by `key`. Keyed reads look for pages by these columns, so only they have their
    /// smallest and largest values kept page by page; and as every value of a key is another, they are not spelt as
    /// references to a dictionary.
    #[must_use]
    pub fn sorted_by(mut self, key: &[String]) -> Self {
        self.key = key.to_vec();
        self
    }

    /// Writes a batch.
    ///
    /// # Errors
    /// When the store fails or the batch does not have the writer's columns.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let batch = RecordBatch::try_new(self.schema.clone(), batch.columns().to_vec())?;
        self.digest = self.digest.plus(self.rows.of(&batch)?);
        let mut done = 0;
        while done < batch.num_rows() {
            let mut file = match self.open.take() {
                Some(file) => file,
                None => self.start()?,
            };
            let rows = (FILE_ROWS - file.rows).min(batch.num_rows() - done);
            file.writer.write(&batch.slice(done, rows)).await?;
            file.rows += rows;
            done += rows;
            if file.rows == FILE_ROWS {
                self.close(file).await?;
            } else {
                self.open = Some(file);
            }
        }
        self.staged.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Closes the last file.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn finish(mut self) -> Result<Staged, LakeError> {
        if let Some(file) = self.open.take() {
            self.close(file).await?;
        }
        self.staged.digest = self.digest.hex();
        Ok(self.staged)
    }

    fn start(&self) -> Result<OpenFile, LakeError> {
        let name = format!("{}.parquet", Uuid::new_v4());
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_write_batch_size(PAGE_ROWS)
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            .set_max_row_group_row_count(Some(FILE_ROWS))
            .set_created_by("reskontra".to_owned());
        if self.key.is_empty() {
            properties = properties.set_statistics_enabled(EnabledStatistics::Page);
        }
        for column in &self.key {
            let column = ColumnPath::new(vec![column.clone()]);
            properties = properties
                .set_column_statistics_enabled(column.clone(), EnabledStatistics::Page)
                .set_column_dictionary_enabled(column, false);
        }
        let properties = properties.build();
        let sink = BufWriter::new(self.store.clone(), self.table.clone().join(name.as_str()));
        let writer = AsyncArrowWriter::try_new(sink, self.schema.clone(), Some(properties))?;
        Ok(OpenFile { writer, name, rows: 0 })
    }

    async fn close(&mut self, file: OpenFile) -> Result<(), LakeError> {
        file.writer.close().await?;
        let object = self.store.head(&self.table.clone().join(file.name.as_str())).await?;
        let size = i64::try_from(object.size).unwrap_or(i64::MAX);
        self.staged.adds.push(Add {
            path: file.name.clone(),
            partition_values: HashMap::new(),
            size,
            modification_time: object.last_modified.timestamp_millis(),
            data_change: true,
            stats: Some(format!("{{\"numRecords\":{}}}", file.rows)),
            ..Add::default()
        });
        self.staged.files.push(DataFile {
            path: file.name,
            size: object.size,
            rows: file.rows as u64,
            written: file.rows as u64,
            vector: None,
        });
        Ok(())
    }
}
