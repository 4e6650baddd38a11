//! Values written as text, in parameters and worked examples, as columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Array, Decimal128Array, Int32Array, Int64Array, ListArray,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Date32Type, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::Value;

/// A column of `data_type` from JSON values: strings, numbers, booleans, arrays, objects and null.
///
/// Amounts may be written as strings or whole numbers; dates `2026-03-31`; times `2026-03-31T11:59:00Z`.
pub fn column(values: &[Value], data_type: &DataType) -> Result<ArrayRef, String> {
    let wrong = |value: &Value| format!("{value} is not a value of type {data_type}");
    macro_rules! parsed {
        ($parse:expr) => {
            values
                .iter()
                .map(|value| match value {
                    Value::Null => Ok(None),
                    value => $parse(value).map(Some).ok_or_else(|| wrong(value)),
                })
                .collect::<Result<Vec<_>, String>>()?
        };
    }
    Ok(match data_type {
        DataType::Utf8 => Arc::new(StringArray::from(parsed!(|value: &Value| text(value)))),
        DataType::Int32 => Arc::new(Int32Array::from(parsed!(|value: &Value| text(value)?.trim().parse::<i32>().ok()))),
        DataType::Int64 => Arc::new(Int64Array::from(parsed!(|value: &Value| text(value)?.trim().parse::<i64>().ok()))),
        DataType::Boolean => {
            let mut builder = BooleanBuilder::new();
            for value in parsed!(|value: &Value| boolean(value)) {
                builder.append_option(value);
            }
            Arc::new(builder.finish())
        }
        DataType::Binary => {
            let mut builder = BinaryBuilder::new();
            for value in parsed!(|value: &Value| text(value)) {
                builder.append_option(value);
            }
            Arc::new(builder.finish())
        }
        DataType::Decimal128(precision, scale) => {
            let decimals = u32::try_from(*scale).map_err(|_| format!("no text form for {data_type}"))?;
            let values = parsed!(|value: &Value| schemas::money::parse_decimal(text(value)?.trim(), decimals));
            let array = Decimal128Array::from(values).with_precision_and_scale(*precision, *scale);
            Arc::new(array.map_err(|error| error.to_string())?)
        }
        DataType::Date32 => Arc::new(Date32Array::from(parsed!(|value: &Value| {
            text(value)?.trim().parse::<NaiveDate>().ok().map(Date32Type::from_naive_date)
        }))),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let values = parsed!(|value: &Value| timestamp(text(value)?.trim()));
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone_opt(zone.clone()))
        }
        DataType::List(item) => {
            let mut items = Vec::new();
            let mut lengths = Vec::with_capacity(values.len());
            let mut valid = Vec::with_capacity(values.len());
            for value in values {
                let list = match value {
                    Value::Null => &[],
                    Value::Array(list) => list.as_slice(),
                    other => return Err(wrong(other)),
                };
                items.extend_from_slice(list);
                lengths.push(list.len());
                valid.push(!value.is_null());
            }
            let items = column(&items, item.data_type())?;
            let item = Arc::new(item.as_ref().clone().with_nullable(true));
            let list =
                ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), items, Some(NullBuffer::from(valid)));
            Arc::new(list.map_err(|error| error.to_string())?)
        }
        DataType::Struct(fields) => {
            if let Some(other) = values.iter().find(|value| !value.is_object() && !value.is_null()) {
                return Err(wrong(other));
            }
            let known = |name: &str| fields.iter().any(|field| field.name() == name);
            let unknown =
                values.iter().filter_map(Value::as_object).flat_map(|object| object.keys()).find(|name| !known(name));
            if let Some(name) = unknown {
                let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
                return Err(format!("there is no field {name}; there are: {}", names.join(", ")));
            }
            let mut columns = Vec::with_capacity(fields.len());
            for field in fields {
                let members: Vec<Value> = values.iter().map(|value| value[field.name().as_str()].clone()).collect();
                columns.push(column(&members, field.data_type())?);
            }
            let valid = NullBuffer::from(values.iter().map(|value| !value.is_null()).collect::<Vec<_>>());
            let array = StructArray::try_new_with_length(fields.clone(), columns, Some(valid), values.len());
            Arc::new(array.map_err(|error| error.to_string())?)
        }
        other => return Err(format!("no text form for {other}")),
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn timestamp(text: &str) -> Option<i64> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_micros());
    zoned.ok().or_else(|| Some(text.parse::<NaiveDateTime>().ok()?.and_utc().timestamp_micros()))
}
