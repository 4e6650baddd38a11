//! Sets of rows, compared by value: nulls equal nulls, and lists and records equal when their parts do.

use std::collections::HashSet;

use arrow::array::{Array as _, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use datafusion::error::Result;

/// Rows as a set.
pub(crate) struct RowSet {
    converter: RowConverter,
    rows: HashSet<OwnedRow>,
}

impl RowSet {
    pub(crate) fn of(batch: &RecordBatch) -> Result<Self> {
        Self::of_columns(batch.columns(), batch.num_rows())
    }

    pub(super) fn of_columns(columns: &[ArrayRef], len: usize) -> Result<Self> {
        let converter = converter(columns)?;
        let rows = encoded(&converter, columns, len)?;
        let rows = rows.iter().map(|row| row.owned()).collect();
        Ok(Self { converter, rows })
    }

    /// Which of these rows are in the set.
    pub(super) fn contained(&self, columns: &[ArrayRef], len: usize) -> Result<BooleanArray> {
        let rows = encoded(&self.converter, columns, len)?;
        Ok(rows.iter().map(|row| Some(self.rows.contains(&row.owned()))).collect())
    }

    /// Which of these rows are not.
    pub(super) fn missing(&self, columns: &[ArrayRef], len: usize) -> Result<BooleanArray> {
        Ok(arrow::compute::not(&self.contained(columns, len)?)?)
    }

    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

pub(super) fn converter(columns: &[ArrayRef]) -> Result<RowConverter> {
    Ok(RowConverter::new(columns.iter().map(|column| SortField::new(column.data_type().clone())).collect())?)
}

/// Without columns all rows are alike.
pub(super) fn encoded(converter: &RowConverter, columns: &[ArrayRef], len: usize) -> Result<Rows> {
    if columns.is_empty() {
        let nothing: Vec<ArrayRef> = vec![std::sync::Arc::new(arrow::array::NullArray::new(len))];
        return Ok(
            RowConverter::new(vec![SortField::new(arrow::datatypes::DataType::Null)])?.convert_columns(&nothing)?
        );
    }
    Ok(converter.convert_columns(columns)?)
}

/// Every row once, in the order in which they are met.
pub(crate) fn distinct(batch: &RecordBatch) -> Result<RecordBatch> {
    let converter = converter(batch.columns())?;
    let rows = encoded(&converter, batch.columns(), batch.num_rows())?;
    let mut seen = HashSet::with_capacity(batch.num_rows());
    let first: BooleanArray = rows.iter().map(|row| Some(seen.insert(row.owned()))).collect();
    Ok(filter_record_batch(batch, &first)?)
}

/// One batch of all, its columns nullable and named as in `schema`.
pub(crate) fn concat<'b>(schema: &SchemaRef, batches: impl Iterator<Item = &'b RecordBatch>) -> Result<RecordBatch> {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>();
    let schema: SchemaRef = std::sync::Arc::new(arrow::datatypes::Schema::new(fields));
    let renamed = batches.map(|batch| renamed(batch, &schema)).collect::<Result<Vec<_>>>()?;
    Ok(concat_batches(&schema, &renamed)?)
}

fn renamed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() {
            Ok(column.clone())
        } else {
            arrow::compute::cast(column, field.data_type())
        }
    });
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// Which rows are null in all of these columns.
pub(super) fn is_all_null(columns: &[ArrayRef], len: usize) -> BooleanArray {
    (0..len).map(|row| Some(columns.iter().all(|column| column.is_null(row)))).collect()
}
