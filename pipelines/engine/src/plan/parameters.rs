//! Rows of parameter tables that differ, and the days that they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use arrow::array::RecordBatch;
use chrono::{Days, NaiveDate};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Said;
use crate::Library;

const FROM: &str = "valid_from";
const TO: &str = "valid_to";

/// A parameter table that differs.
#[derive(Debug, Clone, Serialize)]
pub struct ParameterChange {
    /// The table.
    pub table: String,
    /// The columns that tell its rows apart.
    pub key: Vec<String>,
    /// Columns and their types.
    pub columns: Vec<Said>,
    /// Rows that differ.
    pub rows: Vec<RowChange>,
    /// The days that those rows hold.
    pub period: Option<Period>,
    /// Jobs that read it.
    pub read_by: Vec<String>,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum RowChange {
    /// It was not there.
    Added {
        /// The row.
        row: Map<String, Value>,
    },
    /// It is not there any more.
    Removed {
        /// The row.
        row: Map<String, Value>,
    },
    /// Some cells differ.
    Changed {
        /// The values that tell it apart.
        key: Map<String, Value>,
        /// Those cells.
        cells: Vec<Said>,
    },
}

/// Days, the first and the last among them; open where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Period {
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The last day.
    pub to: Option<NaiveDate>,
}

impl Period {
    /// The days of both and those between.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let from = self.from.zip(other.from).map(|(a, b)| a.min(b));
        let to = self.to.zip(other.to).map(|(a, b)| a.max(b));
        Self { from, to }
    }

    fn of(row: &Map<String, Value>) -> Self {
        Self { from: date(row, FROM), to: date(row, TO) }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (None, None) => write!(f, "all days"),
            (Some(from), None) => write!(f, "from {from} on"),
            (None, Some(to)) => write!(f, "up to {to}"),
            (Some(from), Some(to)) => write!(f, "{from} to {to}"),
        }
    }
}

fn date(row: &Map<String, Value>, column: &str) -> Option<NaiveDate> {
    row.get(column)?.as_str()?.parse().ok()
}

/// Tables that differ between two libraries.
pub fn changes(old: Option<&Library>, library: &Library) -> Vec<ParameterChange> {
    let Some(old) = old else { return Vec::new() };
    let names: BTreeSet<&String> = old.parameters.keys().chain(library.parameters.keys()).collect();
    let read_by = |name: &str| {
        let reads = |library: &Library| -> Vec<String> {
            let parts = library.parts().iter();
            parts.filter(|(_, parts)| parts.parameters.contains_key(name)).map(|(job, _)| job.clone()).collect()
        };
        let jobs: BTreeSet<String> = reads(old).into_iter().chain(reads(library)).collect();
        jobs.into_iter().collect()
    };
    let change = |name: &String| {
        let (was, now) = (old.parameters.get(name), library.parameters.get(name));
        change(name, was, now, read_by(name))
    };
    names.into_iter().filter_map(change).collect()
}

fn change(
    table: &str,
    was: Option<&RecordBatch>,
    now: Option<&RecordBatch>,
    read_by: Vec<String>,
) -> Option<ParameterChange> {
    let columns = super::said(columns(was), columns(now));
    let (old, new) = (rows(was), rows(now));
    let key = key(&[&old, &new]);
    let (old, new) = (by_key(&key, old), by_key(&key, new));
    let mut changes = Vec::new();
    let mut period: Option<Period> = None;
    let mut holds = |days: Period| period = Some(period.map_or(days, |period| period.and(days)));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for id in keys {
        match (old.get(id), new.get(id)) {
            (None, Some(row)) => {
                holds(Period::of(row));
                changes.push(RowChange::Added { row: row.clone() });
            }
            (Some(row), None) => {
                holds(Period::of(row));
                changes.push(RowChange::Removed { row: row.clone() });
            }
            (Some(was), Some(now)) if was != now => {
                let cells = super::said(cells(was), cells(now));
                holds(days(was, now, &cells));
                let key = key.iter().filter_map(|name| Some((name.clone(), now.get(name)?.clone()))).collect();
                changes.push(RowChange::Changed { key, cells });
            }
            _ => {}
        }
    }
    let differs = !columns.is_empty() || !changes.is_empty();
    let period = if columns.is_empty() { period } else { Some(Period { from: None, to: None }) };
    differs.then(|| ParameterChange { table: table.to_owned(), key, columns, rows: changes, period, read_by })
}

/// The days for which two forms of a row say something else: where only its end has moved, those between the ends.
fn days(was: &Map<String, Value>, now: &Map<String, Value>, cells: &[Said]) -> Period {
    let (a, b) = (Period::of(was), Period::of(now));
    if !cells.iter().all(|cell| cell.name == TO) {
        return a.and(b);
    }
    let first_end = match (a.to, b.to) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    Period { from: first_end.and_then(|day| day.checked_add_days(Days::new(1))), to: a.and(b).to }
}

fn columns(batch: Option<&RecordBatch>) -> Vec<(String, String)> {
    let fields = batch.into_iter().flat_map(|batch| batch.schema().fields().iter().cloned().collect::<Vec<_>>());
    fields.map(|field| (field.name().clone(), field.data_type().to_string())).collect()
}

fn rows(batch: Option<&RecordBatch>) -> Vec<Map<String, Value>> {
    let rows = batch.into_iter().flat_map(|batch| (0..batch.num_rows()).map(|row| schemas::json::row(batch, row)));
    rows.collect()
}

fn cells(row: &Map<String, Value>) -> Vec<(String, String)> {
    row.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// A cell as the file has it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The columns that tell rows apart: as few from the left as are needed together with the first day; tables name
/// what a value is of before they say the value. All columns when none suffice.
fn key(sides: &[&Vec<Map<String, Value>>]) -> Vec<String> {
    let all: Vec<String> =
        sides.iter().find_map(|rows| rows.first()).into_iter().flat_map(Map::keys).cloned().collect();
    let candidates = (1..=all.len()).map(|left| {
        let mut key = all[..left].to_vec();
        if !key.iter().any(|name| name == FROM) && all.iter().any(|name| name == FROM) {
            key.push(FROM.to_owned());
        }
        key
    });
    let tells_apart = |key: &Vec<String>| {
        sides.iter().all(|rows| {
            let ids: BTreeSet<String> = rows.iter().map(|row| id(key, row)).collect();
            ids.len() == rows.len()
        })
    };
    candidates.into_iter().find(tells_apart).unwrap_or(all)
}

fn id(key: &[String], row: &Map<String, Value>) -> String {
    let cells: Vec<String> = key.iter().map(|name| row.get(name).map(Value::to_string).unwrap_or_default()).collect();
    cells.join("\u{1f}")
}

fn by_key(key: &[String], rows: Vec<Map<String, Value>>) -> BTreeMap<String, Map<String, Value>> {
    rows.into_iter().map(|row| (id(key, &row), row)).collect()
}
