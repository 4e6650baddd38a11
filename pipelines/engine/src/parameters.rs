//! Parameter tables: dated values in CSV, so that a change of law is a row and not a program.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::Value;

use crate::{EngineError, Position, values};

/// Columns that every parameter table has: when a value holds, where it comes from and who approved it.
const REQUIRED: [&str; 6] = ["valid_from", "valid_to", "source", "entered_by", "approved_by", "recorded_at"];

/// Reads a parameter table. Its first row names the columns as `name:type`; an empty cell is null.
pub fn parse(file: &Path, text: &str) -> Result<RecordBatch, EngineError> {
    let fail = |reason: String| EngineError::at(file, Some(Position::line(1)), reason);
    let unread = |error: csv::Error| {
        let line = error.position().and_then(|position| usize::try_from(position.line()).ok());
        EngineError::at(file, line.map(Position::line), error.to_string())
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(unread)?.clone();
    let mut fields = Vec::with_capacity(header.len());
    for (index, cell) in header.iter().enumerate() {
        let (name, type_name) = cell
            .split_once(':')
            .ok_or_else(|| fail(format!("column {}: write the header as name:type, not {cell}", index + 1)))?;
        let data_type = data_type(type_name).ok_or_else(|| {
            fail(format!("{type_name} is no type; there are string, int, boolean, date and decimal(p,s)"))
        })?;
        fields.push(Field::new(name, data_type, true));
    }
    if let Some(missing) = REQUIRED.iter().find(|name| !fields.iter().any(|field| field.name() == *name)) {
        return Err(fail(format!(
            "the column {missing} is missing; every parameter table has {}",
            REQUIRED.join(", ")
        )));
    }
    let mut cells: Vec<Vec<Value>> = vec![Vec::new(); fields.len()];
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unread)?;
        lines.push(record.position().map_or(1, |position| usize::try_from(position.line()).unwrap_or(1)));
        for (column, cell) in cells.iter_mut().zip(&record) {
            column.push(if cell.is_empty() { Value::Null } else { Value::String(cell.to_owned()) });
        }
    }
    let columns = fields.iter().zip(&cells).map(|(field, column)| {
        values::column(column, field.data_type()).map_err(|reason| {
            let alone = |cell: &Value| values::column(std::slice::from_ref(cell), field.data_type());
            let line = column.iter().position(|cell| alone(cell).is_err()).map(|row| Position::line(lines[row]));
            EngineError::at(file, line, format!("column {}: {reason}", field.name()))
        })
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn data_type(name: &str) -> Option<DataType> {
    Some(match name.trim() {
        "string" => DataType::Utf8,
        "int" => DataType::Int32,
        "boolean" => DataType::Boolean,
        "date" => DataType::Date32,
        decimal => {
            let (precision, scale) = decimal.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
            DataType::Decimal128(precision.trim().parse().ok()?, scale.trim().parse().ok()?)
        }
    })
}
