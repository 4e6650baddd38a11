//! Traced rows with all their columns: a scan reads only those that its plan needs.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{ident, lit};

use super::{ScanRows, columns_named};
use crate::rows::{RowSet, concat, distinct};

impl ScanRows {
    /// The rows of the table that have the traced values, with all columns.
    ///
    /// # Errors
    /// When the query fails.
    pub(crate) async fn whole(&self, context: &SessionContext) -> Result<RecordBatch> {
        let names: Vec<String> = self.rows.schema().fields().iter().map(|field| field.name().clone()).collect();
        let frame = context.table(self.table.as_str()).await?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        if self.rows.num_rows() == 0 {
            return Ok(RecordBatch::new_empty(schema));
        }
        // The column with the most values narrows the question best.
        let mut narrowest: Option<(usize, &String)> = None;
        for (index, name) in names.iter().enumerate().filter(|(_, name)| !is_nested(&self.rows, name)) {
            let column = self.rows.column(index);
            let values = distinct(&self.rows.project(&[index])?)?.num_rows();
            if column.null_count() == 0 && narrowest.is_none_or(|(most, _)| values > most) {
                narrowest = Some((values, name));
            }
        }
        let frame = match narrowest {
            Some((_, name)) => {
                let index = self.rows.schema().index_of(name)?;
                let values = distinct(&self.rows.project(&[index])?)?;
                let values = (0..values.num_rows()).map(|row| ScalarValue::try_from_array(values.column(0), row));
                let values = values.map(|value| value.map(lit)).collect::<Result<Vec<_>>>()?;
                frame.filter(ident(name).in_list(values, false))?
            }
            None => frame,
        };
        let candidates = concat(&schema, frame.collect().await?.iter())?;
        let traced = RowSet::of(&self.rows)?;
        let same = traced.contained(&columns_named(&candidates, &names)?, candidates.num_rows())?;
        Ok(filter_record_batch(&candidates, &same)?)
    }
}

fn is_nested(rows: &RecordBatch, name: &str) -> bool {
    rows.column_by_name(name).is_some_and(|column| column.data_type().is_nested())
}
