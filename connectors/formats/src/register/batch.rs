//! Rows into Arrow columns of a contract's body, by column type: no map and no string per row.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMillisecondBuilder, new_null_array,
};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;

use super::cells::{Kind, Value};
use crate::BATCH_ROWS;

/// A batch is handed over when its text reaches this many bytes, however few its rows are.
const BATCH_TEXT: usize = 16 * 1024 * 1024;

/// Collects rows.
pub(super) struct BatchBuilder {
    schema: SchemaRef,
    ordinal: Int64Builder,
    byte_start: Int64Builder,
    byte_end: Int64Builder,
    columns: Vec<ColumnBuilder>,
    rows: usize,
    text: usize,
}

enum ColumnBuilder {
    Text(StringBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Time(TimestampMillisecondBuilder),
    Decimal(Decimal128Builder),
    /// A column that a register cannot fill: always null.
    Null(DataType, usize),
}

impl BatchBuilder {
    /// A builder for a contract's body: three columns of the envelope, then the values.
    pub(super) fn new(schema: SchemaRef) -> Result<Self, ArrowError> {
        let values = schema.fields().get(3..).unwrap_or_default();
        let columns = values.iter().map(|field| ColumnBuilder::new(field.data_type())).collect::<Result<_, _>>()?;
        Ok(Self {
            schema,
            ordinal: Int64Builder::new(),
            byte_start: Int64Builder::new(),
            byte_end: Int64Builder::new(),
            columns,
            rows: 0,
            text: 0,
        })
    }

    /// Adds a row whose values are in the order of the contract.
    pub(super) fn push(&mut self, ordinal: u64, start: u64, end: u64, values: &[Value<'_>]) -> Result<(), ArrowError> {
        for (column, value) in self.columns.iter_mut().zip(values) {
            self.text += column.push(value)?;
        }
        let signed = |number: u64| i64::try_from(number).map_err(|_| misfit("a position beyond 2^63"));
        self.ordinal.append_value(signed(ordinal)?);
        self.byte_start.append_value(signed(start)?);
        self.byte_end.append_value(signed(end)?);
        self.rows += 1;
        Ok(())
    }

    /// True when the batch is to be handed over.
    pub(super) const fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.text >= BATCH_TEXT
    }

    /// True when there is nothing to hand over.
    pub(super) const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows so far; the builder begins anew.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let envelope: [ArrayRef; 3] =
            [Arc::new(self.ordinal.finish()), Arc::new(self.byte_start.finish()), Arc::new(self.byte_end.finish())];
        let columns = envelope.into_iter().chain(self.columns.iter_mut().map(ColumnBuilder::finish)).collect();
        (self.rows, self.text) = (0, 0);
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

impl ColumnBuilder {
    fn new(data_type: &DataType) -> Result<Self, ArrowError> {
        Ok(match (Kind::of(data_type), data_type) {
            (Some(Kind::Text), _) => Self::Text(StringBuilder::new()),
            (Some(Kind::Int), _) => Self::Int(Int32Builder::new()),
            (Some(Kind::Long), _) => Self::Long(Int64Builder::new()),
            (Some(Kind::Boolean), _) => Self::Boolean(BooleanBuilder::new()),
            (Some(Kind::Date), _) => Self::Date(Date32Builder::new()),
            (Some(Kind::Time), _) => Self::Time(TimestampMillisecondBuilder::new().with_data_type(data_type.clone())),
            (Some(Kind::Decimal { .. }), DataType::Decimal128(precision, scale)) => {
                Self::Decimal(Decimal128Builder::new().with_precision_and_scale(*precision, *scale)?)
            }
            _ => Self::Null(data_type.clone(), 0),
        })
    }

    /// Appends a value and returns its bytes of text.
    fn push(&mut self, value: &Value<'_>) -> Result<usize, ArrowError> {
        match (self, value) {
            (Self::Text(builder), Value::Text(text)) => {
                builder.append_value(text);
                return Ok(text.len());
            }
            (Self::Text(builder), Value::Null) => builder.append_null(),
            (Self::Int(builder), Value::Integer(number)) => {
                builder.append_value(i32::try_from(*number).map_err(|_| misfit("an int beyond 2^31"))?);
            }
            (Self::Int(builder), Value::Null) => builder.append_null(),
            (Self::Long(builder), Value::Integer(number)) => builder.append_value(*number),
            (Self::Long(builder), Value::Null) => builder.append_null(),
            (Self::Boolean(builder), Value::Boolean(truth)) => builder.append_value(*truth),
            (Self::Boolean(builder), Value::Null) => builder.append_null(),
            (Self::Date(builder), Value::Date(days)) => builder.append_value(*days),
            (Self::Date(builder), Value::Null) => builder.append_null(),
            (Self::Time(builder), Value::Time(millis)) => builder.append_value(*millis),
            (Self::Time(builder), Value::Null) => builder.append_null(),
            (Self::Decimal(builder), Value::Decimal(number)) => builder.append_value(*number),
            (Self::Decimal(builder), Value::Null) => builder.append_null(),
            (Self::Null(_, rows), Value::Null) => *rows += 1,
            _ => return Err(misfit("a value of another type than its column")),
        }
        Ok(0)
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Int(builder) => Arc::new(builder.finish()),
            Self::Long(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Decimal(builder) => Arc::new(builder.finish()),
            Self::Null(data_type, rows) => new_null_array(data_type, std::mem::take(rows)),
        }
    }
}

fn misfit(reason: &str) -> ArrowError {
    ArrowError::InvalidArgumentError(reason.to_owned())
}
