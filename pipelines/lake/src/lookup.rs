//! Finding rows by the values of some columns.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array as _, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::RowSelection;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use tokio::task::JoinSet;

use crate::files::Files;
use crate::pages::Keys;
use crate::vectors::{as_usize, only};
use crate::{DataFile, Lake, LakeError, Table};

/// Rows read from a file at once: a keyed read takes them from many pages.
const BATCH_ROWS: usize = 8_192;
/// A file of at most so many rows is read as a whole: that is cheaper than to look for pages.
const FEW_ROWS: u64 = 4_000;

/// Files to look in.
#[derive(Debug, Clone)]
pub struct Place {
    pub known: Arc<Files>,
    pub folder: Path,
    pub schema: SchemaRef,
}

/// A row that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Its number in its file.
    pub row: u64,
    /// The number of the key it has.
    pub key: usize,
}

/// Keys that are looked for.
#[derive(Debug)]
pub struct Wanted {
    columns: Vec<String>,
    keys: Keys,
    numbers: HashMap<Box<[u8]>, usize>,
    /// Whether runs are sorted by the columns, so that the page index helps.
    sorted: bool,
}

impl Wanted {
    /// Keys of a table whose runs are sorted by `key`. The same key given twice has its first number.
    pub fn new(schema: &SchemaRef, key: &[String], columns: &[String], keys: &RecordBatch) -> Result<Self, LakeError> {
        let indices = columns.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let keys = adapt(keys, &Arc::new(schema.project(&indices)?))?;
        let mut numbers = HashMap::with_capacity(keys.num_rows());
        for (number, row) in encoder(&keys)?.convert_columns(keys.columns())?.iter().enumerate() {
            numbers.entry(row.data().into()).or_insert(number);
        }
        let sorted = key.iter().take(columns.len()).all(|name| columns.contains(name));
        Ok(Self { columns: columns.to_vec(), keys: Keys::new(&keys)?, numbers, sorted })
    }
}

/// Encodes rows of a batch so that bytes compare as values do.
pub fn encoder(batch: &RecordBatch) -> Result<RowConverter, LakeError> {
    let fields = batch.schema_ref().fields().iter().map(|field| SortField::new(field.data_type().clone()));
    Ok(RowConverter::new(fields.collect())?)
}

/// The columns of `schema`, by name; those that are not there are null.
pub fn adapt(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, LakeError> {
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(values) if values.data_type() == field.data_type() => Ok(values.clone()),
        Some(values) => cast_with_options(values, field.data_type(), &exact),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    });
    Ok(RecordBatch::try_new(schema.clone(), columns.collect::<Result<Vec<_>, _>>()?)?)
}

impl Place {
    /// Rows that have one of the wanted keys and are not deleted, by number of their file.
    pub async fn find(&self, files: &[DataFile], wanted: &Arc<Wanted>) -> Result<Vec<Vec<Hit>>, LakeError> {
        let mut tasks = JoinSet::new();
        for (number, file) in files.iter().enumerate() {
            let (place, file, wanted) = (self.clone(), file.clone(), wanted.clone());
            tasks.spawn(async move { Ok::<_, LakeError>((number, place.find_in(&file, &wanted).await?)) });
        }
        let mut found = vec![Vec::new(); files.len()];
        while let Some(done) = tasks.join_next().await {
            let (number, hits) = done.map_err(LakeError::stopped)??;
            found[number] = hits;
        }
        Ok(found)
    }

    async fn find_in(&self, file: &DataFile, wanted: &Wanted) -> Result<Vec<Hit>, LakeError> {
        let whole = std::iter::once(0..as_usize(file.written)).collect();
        let ranges: Vec<Range<usize>> = if file.written <= FEW_ROWS || !wanted.sorted {
            whole
        } else {
            let bounds = self.known.bounds(&self.folder, file, &self.schema, &wanted.columns).await?;
            bounds.map_or(whole, |bounds| bounds.rows_of(&wanted.keys))
        };
        let selection = RowSelection::from_consecutive_ranges(ranges.iter().cloned(), as_usize(file.written));
        if !selection.selects_any() {
            return Ok(Vec::new());
        }
        let deleted = self.known.deleted(&self.folder, file).await?;
        let mut numbers = ranges.into_iter().flatten();
        let mut hits = Vec::new();
        let mut batches = self.read(file, selection, Some(&wanted.columns)).await?;
        while let Some(batch) = batches.try_next().await? {
            for row in &encoder(&batch)?.convert_columns(batch.columns())? {
                let Some(number) = numbers.next() else { break };
                let Some(&key) = wanted.numbers.get(row.data()) else { continue };
                if deleted.binary_search(&(number as u64)).is_err() {
                    hits.push(Hit { row: number as u64, key });
                }
            }
        }
        Ok(hits)
    }

    /// Whole rows, by the numbers that `find` gave.
    pub async fn fetch(&self, files: &[DataFile], found: &[Vec<Hit>]) -> Result<Vec<RecordBatch>, LakeError> {
        let mut tasks = JoinSet::new();
        for (number, (file, hits)) in files.iter().zip(found).enumerate().filter(|(_, (_, hits))| !hits.is_empty()) {
            let rows: Vec<u64> = hits.iter().map(|hit| hit.row).collect();
            let (place, file) = (self.clone(), file.clone());
            tasks.spawn(async move {
                let selection = only(&rows, file.written);
                let batches: Vec<RecordBatch> = place.read(&file, selection, None).await?.try_collect().await?;
                Ok::<_, LakeError>((number, batches))
            });
        }
        let mut fetched = Vec::new();
        while let Some(done) = tasks.join_next().await {
            fetched.push(done.map_err(LakeError::stopped)??);
        }
        fetched.sort_by_key(|(number, _)| *number);
        Ok(fetched.into_iter().flat_map(|(_, batches)| batches).collect())
    }

    /// Selected rows of a file; all columns, or some.
    async fn read(
        &self,
        file: &DataFile,
        selection: RowSelection,
        columns: Option<&[String]>,
    ) -> Result<impl Stream<Item = Result<RecordBatch, LakeError>> + Unpin + use<>, LakeError> {
        let whole = selection.row_count() == as_usize(file.written);
        let reader = self.known.reader(&file.location(&self.folder), file.size, !whole);
        let builder = ParquetRecordBatchStreamBuilder::new(reader).await?.with_batch_size(BATCH_ROWS);
        let schema = match columns {
            None => self.schema.clone(),
            Some(names) => {
                let indices = names.iter().map(|name| self.schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
                Arc::new(self.schema.project(&indices)?)
            }
        };
        let builder = match columns {
            None => builder,
            Some(names) => {
                let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().map(String::as_str));
                builder.with_projection(mask)
            }
        };
        let batches = builder.with_row_selection(selection).build()?;
        Ok(batches.map(move |batch| adapt(&batch?, &schema)))
    }
}

impl Lake {
    /// Rows of `table` whose columns `columns` equal one of the rows of `keys`, a batch of just those columns; nulls
    /// equal nulls. Columns that runs are sorted by (a prefix of `key`, or all of it) are looked up in the page
    /// indexes; by any other columns, the table is scanned.
    ///
    /// # Errors
    /// When the store fails, or a column is not the table's.
    pub async fn rows_by_key(
        &self,
        table: &Table,
        key: &[String],
        columns: &[String],
        keys: &RecordBatch,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let place = table.place()?;
        let wanted = Arc::new(Wanted::new(&place.schema, key, columns, keys)?);
        let files = table.files()?;
        let found = place.find(&files, &wanted).await?;
        place.fetch(&files, &found).await
    }
}
