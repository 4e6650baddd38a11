//! A row that `reskontra query --format json` or `parse` printed.

use chrono::NaiveDate;
use serde_json::{Map, Value};

/// A row by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(Map<String, Value>);

impl Row {
    /// A printed line.
    #[track_caller]
    pub fn read(line: &str) -> Self {
        Self(serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// A cell.
    #[track_caller]
    pub fn cell(&self, column: &str) -> &Value {
        self.0.get(column).unwrap_or_else(|| panic!("no column {column} among {:?}", self.0.keys().collect::<Vec<_>>()))
    }

    /// A text that may be missing.
    #[track_caller]
    pub fn some_text(&self, column: &str) -> Option<String> {
        match self.cell(column) {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => panic!("{column} is no text but {other}"),
        }
    }

    /// A text.
    #[track_caller]
    pub fn text(&self, column: &str) -> String {
        self.some_text(column).unwrap_or_else(|| panic!("{column} is null in {:?}", self.0))
    }

    /// A date.
    #[track_caller]
    pub fn date(&self, column: &str) -> NaiveDate {
        self.text(column).parse().unwrap()
    }

    /// A date that may be missing.
    #[track_caller]
    pub fn some_date(&self, column: &str) -> Option<NaiveDate> {
        self.some_text(column).map(|text| text.parse().unwrap())
    }

    /// An amount that may be missing, in öre.
    #[track_caller]
    pub fn some_ore(&self, column: &str) -> Option<i64> {
        self.some_text(column).map(|text| ore(&text))
    }

    /// An amount in öre.
    #[track_caller]
    pub fn ore(&self, column: &str) -> i64 {
        ore(&self.text(column))
    }

    /// A whole number.
    #[track_caller]
    pub fn number(&self, column: &str) -> u64 {
        self.cell(column).as_u64().unwrap_or_else(|| panic!("{column} is no whole number in {:?}", self.0))
    }

    /// Yes or no.
    #[track_caller]
    pub fn flag(&self, column: &str) -> bool {
        self.cell(column).as_bool().unwrap_or_else(|| panic!("{column} is neither true nor false in {:?}", self.0))
    }

    /// The row in a cell.
    #[track_caller]
    pub fn value(&self, column: &str) -> Self {
        let value = self.cell(column).as_object();
        Self(value.unwrap_or_else(|| panic!("{column} is no row in {:?}", self.0)).clone())
    }

    /// The rows in a cell; null is none.
    #[track_caller]
    pub fn rows(&self, column: &str) -> Vec<Self> {
        match self.cell(column) {
            Value::Null => Vec::new(),
            Value::Array(list) => list.iter().map(|value| Self(value.as_object().unwrap().clone())).collect(),
            other => panic!("{column} is no list but {other}"),
        }
    }
}

/// Öre of an amount with two decimals.
#[track_caller]
pub fn ore(text: &str) -> i64 {
    let (whole, decimals) = text.split_once('.').unwrap_or_else(|| panic!("{text} has no decimals"));
    assert_eq!(decimals.len(), 2, "{text} has two decimals");
    format!("{whole}{decimals}").parse().unwrap()
}
