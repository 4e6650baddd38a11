//! Rows of a table, read for one response.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Schema};
use futures::TryStreamExt;
use serde_json::{Map, Value};

use crate::cut::Cut;
use crate::failure::Failure;
use crate::source::{Filter, Order, RowQuery};

/// Rows of a table.
pub struct Table {
    batch: RecordBatch,
}

impl Table {
    /// Reads rows of the cut's generation. For a page of rows, never for a whole table: see `download`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn read(cut: &Cut, table: &str, query: RowQuery) -> Result<Self, Failure> {
        let rows = cut.app.source.rows(cut.number(), table, query).await?;
        let batches: Vec<RecordBatch> = rows.batches.try_collect().await?;
        Ok(Self { batch: concat_batches(&rows.schema, &batches)? })
    }

    /// The row whose column has this value, when there is one.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn find(cut: &Cut, table: &str, column: &str, value: &str) -> Result<Option<Self>, Failure> {
        let query = RowQuery { filters: vec![is(column, value)], limit: Some(1), ..RowQuery::default() };
        let table = Self::read(cut, table, query).await?;
        Ok((table.len() > 0).then_some(table))
    }

    /// How many rows were read.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Their columns.
    pub fn schema(&self) -> Schema {
        self.batch.schema().as_ref().clone()
    }

    /// One row as JSON.
    pub fn row(&self, index: usize) -> Map<String, Value> {
        schemas::json::row(&self.batch, index)
    }

    /// All rows as JSON.
    pub fn rows(&self) -> Vec<Map<String, Value>> {
        (0..self.len()).map(|index| self.row(index)).collect()
    }

    /// The bytes of a binary column, unchanged.
    pub fn bytes(&self, index: usize, column: &str) -> &[u8] {
        match self.batch.column_by_name(column) {
            Some(column) if column.is_null(index) => &[],
            Some(column) => match column.data_type() {
                DataType::Binary => column.as_binary::<i32>().value(index),
                DataType::LargeBinary => column.as_binary::<i64>().value(index),
                DataType::BinaryView => column.as_binary_view().value(index),
                _ => &[],
            },
            None => &[],
        }
    }
}

/// Rows whose column has this value.
pub fn is(column: &str, value: &str) -> Filter {
    Filter::Is(column.to_owned(), Some(value.to_owned()))
}

/// Ascending order by these columns.
pub fn by<S: AsRef<str>>(columns: impl IntoIterator<Item = S>) -> Vec<Order> {
    columns.into_iter().map(|column| Order { column: column.as_ref().to_owned(), descending: false }).collect()
}

/// A text of a row; empty when it is missing.
pub fn text<'a>(row: &'a Map<String, Value>, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

/// A count of a row; 0 when it is missing.
pub fn count(row: &Map<String, Value>, column: &str) -> u64 {
    row.get(column).and_then(Value::as_u64).unwrap_or_default()
}
