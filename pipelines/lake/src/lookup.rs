//! Finding rows by the values of some columns.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array as _, RecordBatch, new_null_array};
use arrow::compute::CastOptions;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use datafusion::common::nested_struct::cast_column;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::RowSelection;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use tokio::task::JoinSet;

use crate::files::Files;
use crate::pages::Keys;
use crate::vectors::{as_usize, only};
use crate::{DataFile, Lake, LakeError, Table, index};

/// Rows read from a file at once: a keyed read takes them from many pages.
const BATCH_ROWS: usize = 8_192;
/// A file of at most so many rows is read as a whole: that is cheaper than to look for pages.
const FEW_ROWS: u64 = 4_000;
/// From so many rows on, a file that is not sorted by the column is indexed by it: a smaller one is scanned as fast.
const INDEXED_ROWS: u64 = 100_000;

/// A table's files to look in.
#[derive(Debug, Clone)]
pub struct Place {
    pub lake: Lake,
    pub table: Path,
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
    batch: RecordBatch,
    keys: Keys,
    numbers: HashMap<Box<[u8]>, usize>,
}

impl Wanted {
    /// Keys of a table with these columns. The same key given twice has its first number.
    pub fn new(schema: &SchemaRef, columns: &[String], keys: &RecordBatch) -> Result<Self, LakeError> {
        let indices = columns.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let batch = adapt(keys, &Arc::new(schema.project(&indices)?))?;
        let mut numbers = HashMap::with_capacity(batch.num_rows());
        for (number, row) in encoder(&batch)?.convert_columns(batch.columns())?.iter().enumerate() {
            numbers.entry(row.data().into()).or_insert(number);
        }
        Ok(Self { columns: columns.to_vec(), keys: Keys::new(&batch)?, batch, numbers })
    }

    /// The same keys under other names, in the columns of another table.
    pub fn in_columns(&self, schema: &SchemaRef, columns: &[String]) -> Result<Self, LakeError> {
        let indices = columns.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let batch = RecordBatch::try_new(Arc::new(schema.project(&indices)?), self.batch.columns().to_vec())?;
        Self::new(schema, columns, &batch)
    }

    /// The number of the key that each row has, if it has one that is wanted.
    pub fn numbers_of(&self, rows: &RecordBatch) -> Result<Vec<Option<usize>>, LakeError> {
        let encoded = encoder(rows)?.convert_columns(rows.columns())?;
        Ok(encoded.iter().map(|row| self.numbers.get(row.data()).copied()).collect())
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
        // Members that a nested record does not have yet are null, too.
        Some(values) => cast_column(values, field.data_type(), &exact),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    });
    Ok(RecordBatch::try_new(schema.clone(), columns.collect::<Result<Vec<_>, _>>()?)?)
}

impl Place {
    pub fn new(lake: &Lake, table: Path, schema: SchemaRef) -> Self {
        Self { lake: lake.clone(), known: lake.files.clone(), folder: lake.folder(&table), table, schema }
    }

    /// Rows that have one of the wanted keys and are not deleted, by number of their file.
    pub async fn find(&self, files: &[DataFile], wanted: &Arc<Wanted>) -> Result<Vec<Vec<Hit>>, LakeError> {
        let mut tasks = JoinSet::new();
        for (number, file) in files.iter().enumerate() {
            let (place, file, wanted) = (self.clone(), file.clone(), wanted.clone());
            tasks.spawn(async move { Ok::<_, LakeError>((number, place.find_in(&file, &wanted).await?)) });
        }
        let mut found = vec![Vec::new(); files.len()];
        let mut indexed = BTreeSet::new();
        while let Some(done) = tasks.join_next().await {
            let (number, hits) = done.map_err(LakeError::stopped)??;
            match hits {
                Some(hits) => found[number] = hits,
                None => drop(indexed.insert(number)),
            }
        }
        if let ([column], false) = (wanted.columns.as_slice(), indexed.is_empty()) {
            let large: Vec<DataFile> = indexed.iter().map(|number| files[*number].clone()).collect();
            for (number, hits) in indexed.into_iter().zip(index::find(self, column, &large, wanted).await?) {
                found[number] = hits;
            }
        }
        Ok(found)
    }

    /// Nothing, when the file is large and not sorted by the one column that is asked for.
    async fn find_in(&self, file: &DataFile, wanted: &Wanted) -> Result<Option<Vec<Hit>>, LakeError> {
        let whole = || std::iter::once(0..as_usize(file.written)).collect();
        let ranges: Vec<Range<usize>> = if file.written <= FEW_ROWS {
            whole()
        } else {
            let bounds = self.known.bounds(&self.folder, file, &self.schema, &wanted.columns).await?;
            match bounds.filter(|bounds| bounds.are_sorted()) {
                Some(bounds) => bounds.rows_of(&wanted.keys),
                None if file.written >= INDEXED_ROWS && wanted.columns.len() == 1 => return Ok(None),
                None => whole(),
            }
        };
        let selection = RowSelection::from_consecutive_ranges(ranges.iter().cloned(), as_usize(file.written));
        if !selection.selects_any() {
            return Ok(Some(Vec::new()));
        }
        let deleted = self.known.deleted(&self.folder, file).await?;
        let mut numbers = ranges.into_iter().flatten();
        let mut hits = Vec::new();
        let mut batches = self.read(file, selection, Some(&wanted.columns)).await?;
        while let Some(batch) = batches.try_next().await? {
            for (key, number) in wanted.numbers_of(&batch)?.into_iter().zip(&mut numbers) {
                let row = number as u64;
                if let Some(key) = key.filter(|_| deleted.binary_search(&row).is_err()) {
                    hits.push(Hit { row, key });
                }
            }
        }
        Ok(Some(hits))
    }

    /// A column of all rows of a file, deleted ones too.
    pub async fn column(
        &self,
        file: &DataFile,
        column: &str,
    ) -> Result<impl Stream<Item = Result<RecordBatch, LakeError>> + Unpin + use<>, LakeError> {
        let all =
            RowSelection::from_consecutive_ranges(std::iter::once(0..as_usize(file.written)), as_usize(file.written));
        self.read(file, all, Some(&[column.to_owned()])).await
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
    /// equal nulls. Columns that runs are sorted by (the table's key, or its first columns) are looked up in the page
    /// indexes; one other column in an index of its own, once files are large; by several others, the table is scanned.
    ///
    /// # Errors
    /// When the store fails, or a column is not the table's.
    pub async fn rows_by_key(
        &self,
        table: &Table,
        columns: &[String],
        keys: &RecordBatch,
    ) -> Result<Vec<RecordBatch>, LakeError> {
        let place = table.place()?;
        let wanted = Arc::new(Wanted::new(&place.schema, columns, keys)?);
        let files = table.files()?;
        let found = place.find(&files, &wanted).await?;
        place.fetch(&files, &found).await
    }
}
