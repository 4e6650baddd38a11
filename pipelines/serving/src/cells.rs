//! Rows as a page shows them.

use std::collections::HashMap;
use std::sync::OnceLock;

use arrow::datatypes::{DataType, Field, Schema};
use serde_json::{Map, Value};
use worklist::swedish;

/// A text with more characters wants a broad column.
const LONG: usize = 30;

static LABELS: &str = include_str!("../labels/sv.csv");

/// A value on a page.
#[derive(Debug)]
pub struct Cell {
    /// The value in Swedish.
    pub text: String,
    /// How it is set: `number` (to the right), `fixed` (never broken), `long` (needs width) or `text`.
    pub class: &'static str,
    /// True when there is no value.
    pub missing: bool,
    /// For a list of records: a table of its own.
    pub nested: Option<Nested>,
}

/// A list of records inside a row.
#[derive(Debug)]
pub struct Nested {
    /// Its columns.
    pub headings: Vec<Heading>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

/// Head of a column.
#[derive(Debug)]
pub struct Heading {
    /// What people call it.
    pub label: String,
    /// What the table calls it.
    pub name: String,
    /// What it is, in English; may be empty.
    pub doc: String,
    /// True for what is aligned to the right.
    pub number: bool,
}

impl Heading {
    /// The head of a column of a table.
    pub fn new(field: &Field, doc: &str) -> Self {
        Self {
            label: label(field.name()),
            name: field.name().clone(),
            doc: doc.to_owned(),
            number: is_number(field.data_type()),
        }
    }
}

/// The Swedish name of a column; its own name in words where it has none.
pub fn label(column: &str) -> String {
    static BY_NAME: OnceLock<HashMap<&str, &str>> = OnceLock::new();
    let labels = BY_NAME.get_or_init(|| LABELS.lines().skip(1).filter_map(|line| line.split_once(',')).collect());
    labels.get(column).map_or_else(|| sentence(column), |label| (*label).to_owned())
}

fn sentence(column: &str) -> String {
    let words = column.replace('_', " ");
    let mut characters = words.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// A value of a row.
pub fn cell(field: &Field, value: &Value, currency: &str) -> Cell {
    let text = if value.is_null() { String::new() } else { swedish::column(field, value, currency) };
    Cell {
        class: class(field.data_type(), &text),
        text,
        missing: value.is_null(),
        nested: nested(field.data_type(), value, currency),
    }
}

/// The cells of a row, in the order of its columns.
pub fn cells(schema: &Schema, row: &Map<String, Value>) -> Vec<Cell> {
    let currency = currency(row);
    schema.fields().iter().map(|field| cell(field, row.get(field.name()).unwrap_or(&Value::Null), currency)).collect()
}

/// The currency of a row's amounts.
pub fn currency(row: &Map<String, Value>) -> &str {
    row.get("currency").and_then(Value::as_str).unwrap_or("SEK")
}

fn nested(data_type: &DataType, value: &Value, currency: &str) -> Option<Nested> {
    let DataType::List(item) = data_type else { return None };
    let DataType::Struct(fields) = item.data_type() else { return None };
    let items = value.as_array().filter(|items| !items.is_empty())?;
    let schema = Schema::new(fields.clone());
    let row = |item: &Value| {
        let members = item.as_object().cloned().unwrap_or_default();
        let own = members.get("currency").and_then(Value::as_str).unwrap_or(currency).to_owned();
        let cell_of = |field: &std::sync::Arc<Field>| {
            let mut cell = cell(field, members.get(field.name()).unwrap_or(&Value::Null), &own);
            // One level of tables is readable; what lies deeper is written out.
            cell.nested = None;
            cell
        };
        fields.iter().map(cell_of).collect()
    };
    Some(Nested {
        headings: schema.fields().iter().map(|field| Heading::new(field, "")).collect(),
        rows: items.iter().map(row).collect(),
    })
}

fn class(data_type: &DataType, text: &str) -> &'static str {
    match data_type {
        number if is_number(number) => "number",
        DataType::Date32 | DataType::Timestamp(..) => "fixed",
        _ if text.chars().nth(LONG).is_some() => "long",
        _ => "text",
    }
}

fn is_number(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..)) || data_type.is_integer()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_column_of_every_contract_has_a_swedish_name() {
        fn walk(field: &Field, names: &mut BTreeSet<String>) {
            names.insert(field.name().clone());
            match field.data_type() {
                DataType::Struct(fields) => fields.iter().for_each(|field| walk(field, names)),
                DataType::List(item) => {
                    if let DataType::Struct(fields) = item.data_type() {
                        fields.iter().for_each(|field| walk(field, names));
                    }
                }
                _ => {}
            }
        }
        let mut names = BTreeSet::new();
        for contract in schemas::contracts().values() {
            contract.schema.fields().iter().for_each(|field| walk(field, &mut names));
        }
        let labelled: BTreeSet<&str> =
            LABELS.lines().skip(1).filter_map(|line| Some(line.split_once(',')?.0)).collect();
        let missing: Vec<&String> = names.iter().filter(|name| !labelled.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "labels/sv.csv has no name for {missing:?}");
    }

    #[test]
    fn labels_are_sorted_and_single() {
        let names: Vec<&str> = LABELS.lines().skip(1).filter_map(|line| Some(line.split_once(',')?.0)).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "sort labels/sv.csv");
        assert!(LABELS.lines().all(|line| line.split(',').count() == 2), "one comma a line");
    }

    #[test]
    fn a_column_without_label_keeps_its_name() {
        assert_eq!(label("residual_after_pass"), "Residual after pass");
    }
}
