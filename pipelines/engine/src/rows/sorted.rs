//! Rows in the order of a job's key.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::{SortColumn, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt as _;

use super::Difference;
use crate::{EngineError, Job};

/// The rows in the order of a job's key, as its plan gives them: ascending, nulls first.
pub fn by_key(batch: &RecordBatch, key: &[String]) -> Result<RecordBatch, EngineError> {
    let columns = key.iter().filter_map(|name| batch.column_by_name(name));
    let columns: Vec<SortColumn> = columns.map(|values| SortColumn { values: values.clone(), options: None }).collect();
    if columns.is_empty() || batch.num_rows() < 2 {
        return Ok(batch.clone());
    }
    Ok(take_record_batch(batch, &lexsort_to_indices(&columns, None)?)?)
}

/// Holds rows that come sorted by key to it: two of one key stand side by side.
#[derive(Debug)]
pub struct KeyCheck {
    columns: Vec<usize>,
    converter: RowConverter,
    last: Option<OwnedRow>,
}

impl KeyCheck {
    /// A check of rows with these columns.
    pub fn new(key: &[String], schema: &Schema) -> Result<Self, EngineError> {
        let columns = key.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let fields = columns.iter().map(|&index| SortField::new(schema.field(index).data_type().clone()));
        Ok(Self { converter: RowConverter::new(fields.collect())?, columns, last: None })
    }

    /// Looks at the next rows.
    ///
    /// # Errors
    /// The first key that two rows have.
    pub fn check(&mut self, job: &Job, batch: &RecordBatch) -> Result<(), EngineError> {
        let keys = batch.project(&self.columns)?;
        let rows = self.converter.convert_columns(keys.columns())?;
        for (index, row) in rows.iter().enumerate() {
            let before = if index == 0 { self.last.as_ref().map(OwnedRow::row) } else { Some(rows.row(index - 1)) };
            if before == Some(row) {
                let key = serde_json::Value::Object(schemas::json::row(&keys, index));
                return Err(EngineError::Result {
                    job: job.name.clone(),
                    reason: format!("two rows have the key {key}"),
                });
            }
        }
        if rows.num_rows() > 0 {
            self.last = Some(rows.row(rows.num_rows() - 1).owned());
        }
        Ok(())
    }
}

/// What differs between two streams of rows that are both sorted by key. Nothing when it is more than `most` rows.
pub async fn changed(
    old: SendableRecordBatchStream,
    new: SendableRecordBatchStream,
    key: &[String],
    most: usize,
) -> Result<Option<Difference>, EngineError> {
    let schema = new.schema();
    let converters = Arc::new(Converters::new(key, &schema)?);
    let mut old = Side::new(old, converters.clone());
    let mut new = Side::new(new, converters);
    loop {
        let (has_old, has_new) = (old.load().await?, new.load().await?);
        let order = match (has_old, has_new) {
            (false, false) => return Ok(Some(Difference { removed: old.differing, added: new.differing })),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (true, true) => old.keys.row(old.at).cmp(&new.keys.row(new.at)),
        };
        match order {
            Ordering::Less => old.step(true),
            Ordering::Greater => new.step(true),
            Ordering::Equal => {
                let differs = old.rows.row(old.at) != new.rows.row(new.at);
                old.step(differs);
                new.step(differs);
            }
        }
        if old.differing_rows + new.differing_rows > most {
            return Ok(None);
        }
    }
}

struct Converters {
    key: Vec<usize>,
    keys: RowConverter,
    rows: RowConverter,
}

impl Converters {
    fn new(key: &[String], schema: &SchemaRef) -> Result<Self, EngineError> {
        let key = key.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let field = |index: usize| SortField::new(schema.field(index).data_type().clone());
        let keys = RowConverter::new(key.iter().map(|index| field(*index)).collect())?;
        let rows = RowConverter::new((0..schema.fields().len()).map(field).collect())?;
        Ok(Self { key, keys, rows })
    }
}

/// One of the two streams, at a row.
struct Side {
    stream: SendableRecordBatchStream,
    converters: Arc<Converters>,
    batch: Option<RecordBatch>,
    keys: Rows,
    rows: Rows,
    at: usize,
    marked: Vec<u64>,
    differing: Vec<RecordBatch>,
    differing_rows: usize,
}

impl Side {
    fn new(stream: SendableRecordBatchStream, converters: Arc<Converters>) -> Self {
        let (keys, rows) = (converters.keys.empty_rows(0, 0), converters.rows.empty_rows(0, 0));
        let (batch, marked, differing) = (None, Vec::new(), Vec::new());
        Self { stream, converters, batch, keys, rows, at: 0, marked, differing, differing_rows: 0 }
    }

    /// True when there is a row to look at.
    async fn load(&mut self) -> Result<bool, EngineError> {
        while self.at >= self.batch.as_ref().map_or(0, RecordBatch::num_rows) {
            if let Some(batch) = self.batch.take()
                && !self.marked.is_empty()
            {
                let marked = UInt64Array::from(std::mem::take(&mut self.marked));
                self.differing.push(take_record_batch(&batch, &marked)?);
            }
            let Some(batch) = self.stream.try_next().await.map_err(EngineError::query("comparing rows"))? else {
                return Ok(false);
            };
            self.keys = self.converters.keys.convert_columns(batch.project(&self.converters.key)?.columns())?;
            self.rows = self.converters.rows.convert_columns(batch.columns())?;
            self.at = 0;
            self.batch = Some(batch);
        }
        Ok(true)
    }

    fn step(&mut self, differs: bool) {
        if differs {
            self.marked.push(self.at as u64);
            self.differing_rows += 1;
        }
        self.at += 1;
    }
}
