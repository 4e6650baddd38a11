//! Rows as JSON: amounts and dates are strings, as in the contract; timestamps are UTC to the second or finer.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, UInt32Type, UInt64Type,
};
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value};

use crate::money;

/// One row of a batch as a JSON object, its columns in order.
#[must_use]
pub fn row(batch: &RecordBatch, index: usize) -> Map<String, Value> {
    let schema = batch.schema();
    let cells = schema.fields().iter().zip(batch.columns());
    cells.map(|(field, column)| (field.name().clone(), cell(column.as_ref(), index))).collect()
}

/// One value of a column as JSON.
#[must_use]
pub fn cell(column: &dyn Array, index: usize) -> Value {
    if column.is_null(index) {
        return Value::Null;
    }
    let time = |time: Option<DateTime<chrono::Utc>>| {
        time.map_or(Value::Null, |time| Value::String(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)))
    };
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(index).into(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(index).into(),
        DataType::Utf8View => column.as_string_view().value(index).into(),
        DataType::Boolean => column.as_boolean().value(index).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(index).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(index).into(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(index).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(index).into(),
        DataType::Decimal128(_, scale) => {
            let value = column.as_primitive::<Decimal128Type>().value(index);
            money::plain(value, u32::try_from(*scale).unwrap_or_default()).into()
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(index);
            Date32Type::to_naive_date_opt(days).map_or(Value::Null, |date| date.to_string().into())
        }
        DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, _) => {
            time(DateTime::from_timestamp_millis(column.as_primitive::<TimestampMillisecondType>().value(index)))
        }
        DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, _) => {
            time(DateTime::from_timestamp_micros(column.as_primitive::<TimestampMicrosecondType>().value(index)))
        }
        DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, _) => {
            time(Some(DateTime::from_timestamp_nanos(column.as_primitive::<TimestampNanosecondType>().value(index))))
        }
        DataType::Binary => String::from_utf8_lossy(column.as_binary::<i32>().value(index)).into_owned().into(),
        DataType::BinaryView => String::from_utf8_lossy(column.as_binary_view().value(index)).into_owned().into(),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(index);
            (0..items.len()).map(|item| cell(items.as_ref(), item)).collect()
        }
        DataType::Struct(fields) => {
            let columns = column.as_struct().columns();
            let members = fields.iter().zip(columns);
            Value::Object(members.map(|(field, column)| (field.name().clone(), cell(column.as_ref(), index))).collect())
        }
        _ => arrow::util::display::array_value_to_string(column, index).map_or(Value::Null, Value::String),
    }
}
