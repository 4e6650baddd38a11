//! Rows in memory, compared by value: nulls equal nulls, and lists and records equal when their parts do.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, BooleanArray, NullArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{cast, concat_batches, filter_record_batch, not};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};

mod applied;
pub mod sorted;

type Result<T> = std::result::Result<T, ArrowError>;

/// Rows that went and rows that came; a row that changed is both.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// Rows as they were.
    pub removed: Vec<RecordBatch>,
    /// Rows as they are.
    pub added: Vec<RecordBatch>,
}

/// Rows as a set.
pub struct RowSet {
    converter: RowConverter,
    rows: HashSet<Box<[u8]>>,
}

impl RowSet {
    /// The rows of a batch.
    pub fn of(batch: &RecordBatch) -> Result<Self> {
        Self::of_columns(batch.columns(), batch.num_rows())
    }

    /// `len` rows with these columns.
    pub fn of_columns(columns: &[ArrayRef], len: usize) -> Result<Self> {
        let converter = converter(columns)?;
        let rows = encoded(&converter, columns, len)?;
        let rows = rows.iter().map(|row| row.data().into()).collect();
        Ok(Self { converter, rows })
    }

    /// Which of these rows are in the set.
    pub fn contained(&self, columns: &[ArrayRef], len: usize) -> Result<BooleanArray> {
        let rows = encoded(&self.converter, columns, len)?;
        Ok(rows.iter().map(|row| Some(self.rows.contains(row.data()))).collect())
    }

    /// Which of these rows are not.
    pub fn missing(&self, columns: &[ArrayRef], len: usize) -> Result<BooleanArray> {
        not(&self.contained(columns, len)?)
    }

    /// Whether both hold the same rows.
    pub fn equals(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

/// Encodes rows with columns of these types.
pub fn converter(columns: &[ArrayRef]) -> Result<RowConverter> {
    RowConverter::new(columns.iter().map(|column| SortField::new(column.data_type().clone())).collect())
}

/// Without columns all rows are alike.
pub fn encoded(converter: &RowConverter, columns: &[ArrayRef], len: usize) -> Result<Rows> {
    if columns.is_empty() {
        let nothing: Vec<ArrayRef> = vec![Arc::new(NullArray::new(len))];
        return RowConverter::new(vec![SortField::new(DataType::Null)])?.convert_columns(&nothing);
    }
    converter.convert_columns(columns)
}

/// Every row once, in the order in which they are met.
pub fn distinct(batch: &RecordBatch) -> Result<RecordBatch> {
    let rows = encoded(&converter(batch.columns())?, batch.columns(), batch.num_rows())?;
    let mut seen = HashSet::with_capacity(batch.num_rows());
    let first: BooleanArray = rows.iter().map(|row| Some(seen.insert(row))).collect();
    filter_record_batch(batch, &first)
}

/// The columns, none of them required.
pub fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// One batch of all, its columns nullable and named as in `schema`.
pub fn concat<'b>(schema: &SchemaRef, batches: impl IntoIterator<Item = &'b RecordBatch>) -> Result<RecordBatch> {
    let schema = nullable(schema);
    let renamed = batches.into_iter().map(|batch| renamed(batch, &schema)).collect::<Result<Vec<_>>>()?;
    concat_batches(&schema, &renamed)
}

fn renamed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() { Ok(column.clone()) } else { cast(column, field.data_type()) }
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<Vec<_>>>()?, &options)
}

/// The rows whose `column` holds one of the values.
pub fn among(batch: &RecordBatch, column: &str, values: &ArrayRef) -> Result<RecordBatch> {
    let wanted = RowSet::of_columns(std::slice::from_ref(values), values.len())?;
    let column = batch.column(batch.schema().index_of(column)?).clone();
    filter_record_batch(batch, &wanted.contained(&[column], batch.num_rows())?)
}

/// The rows of `before` that are not in `after`, and those of `after` that are not in `before`.
pub fn difference(before: &RecordBatch, after: &RecordBatch) -> Result<(RecordBatch, RecordBatch)> {
    let without = |batch: &RecordBatch, others: &RecordBatch| {
        filter_record_batch(batch, &RowSet::of(others)?.missing(batch.columns(), batch.num_rows())?)
    };
    Ok((without(before, after)?, without(after, before)?))
}

/// Which rows are null in all of these columns.
pub fn is_all_null(columns: &[ArrayRef], len: usize) -> BooleanArray {
    (0..len).map(|row| Some(columns.iter().all(|column| column.is_null(row)))).collect()
}
