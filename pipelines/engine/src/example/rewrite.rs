//! Expectations written anew from the rows that came.

use std::ops::Range;

use serde_json::Value;

use super::compare::{Comparison, Pair, fits, mentioned};
use crate::markdown::Table;

/// A table of a file, and the text to put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Bytes of the file.
    pub range: Range<usize>,
    /// The new table.
    pub text: String,
}

impl Replacement {
    /// The table of `file` with the rows that came: its columns and the lines of rows that came stay as they are, a
    /// changed row keeps its place and its unchanged cells, missing rows go, and new ones stand last.
    pub fn of(file: &str, table: &Table, comparison: &Comparison, nested: &[bool]) -> Self {
        let text = &file[table.range.clone()];
        let mut lines: Vec<String> = text.lines().take(2).map(str::to_owned).collect();
        for (index, pair) in comparison.rows.iter().enumerate() {
            match pair {
                Pair::Same => lines.push(file[table.row_ranges[index].clone()].trim_end().to_owned()),
                Pair::Changed(row) => {
                    let columns = table.rows[index].iter().zip(&comparison.actual[*row]).zip(nested);
                    lines.push(line(columns.map(|((old, value), nested)| kept(old, value, *nested))));
                }
                Pair::Missing => {}
            }
        }
        for row in &comparison.unexpected {
            lines.push(line(comparison.actual[*row].iter().map(written)));
        }
        let end = if text.ends_with('\n') { "\n" } else { "" };
        Self { range: table.range.clone(), text: lines.join("\n") + end }
    }
}

/// The file with its tables replaced.
#[must_use]
pub fn replaced(file: &str, mut replacements: Vec<Replacement>) -> String {
    replacements.sort_by_key(|replacement| std::cmp::Reverse(replacement.range.start));
    let mut text = file.to_owned();
    for replacement in replacements {
        text.replace_range(replacement.range, &replacement.text);
    }
    text
}

/// The cell as it was when it still says what came, else the new value; of records, the fields that were mentioned.
fn kept(old: &str, value: &Value, nested: bool) -> String {
    let was = super::cell(old, nested);
    let typed_alike = match (&was, value) {
        (Value::String(text), Value::Number(number)) => serde_json::from_str(text).ok().as_ref() == Some(number),
        (Value::String(text), Value::Bool(flag)) => text.parse() == Ok(*flag),
        (was, value) => fits(was, value),
    };
    if typed_alike { old.replace('|', "\\|") } else { written(&mentioned(value, &was)) }
}

/// A value as the cell of a table.
#[must_use]
pub fn written(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.replace('\n', " "),
        other => other.to_string(),
    };
    text.replace('|', "\\|")
}

/// Cells as a line of a table.
pub fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {} |", cells.join(" | ")).replace("|  |", "| |")
}

/// The columns of `table` that hold records or lists.
pub fn nested(table: &Table, rows: &arrow::array::RecordBatch) -> Vec<bool> {
    let is_nested = |name: &String| rows.column_by_name(name).is_some_and(|column| column.data_type().is_nested());
    table.columns.iter().map(is_nested).collect()
}
