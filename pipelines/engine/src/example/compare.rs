//! Expected rows beside the rows that came.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use arrow::array::RecordBatch;
use serde_json::Value;

use super::cells;
use crate::markdown::Table;
use crate::values;

/// Characters of a cell that a difference shows.
const SHOWN: usize = 60;

/// Which expected row is which row that came.
#[derive(Debug)]
pub struct Comparison {
    /// For each expected row, the row that came: the same, or the one that it has become.
    pub rows: Vec<Pair>,
    /// Rows that came and stand for no expected one.
    pub unexpected: Vec<usize>,
    /// Cells of the rows that came, in the columns of the expectation.
    pub actual: Vec<Vec<Value>>,
    expected: Vec<Vec<Value>>,
}

/// What became of an expected row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// It came.
    Same,
    /// This row came in its place.
    Changed(usize),
    /// It did not come.
    Missing,
}

impl Comparison {
    /// Compares the columns of the expectation; the rows may come in any order. Rows that differ are paired by the
    /// `key` as far as the expectation shows it, else by the most equal cells.
    ///
    /// # Errors
    /// When an expected cell is no value of its column's type; the column's name comes first.
    pub fn of(expect: &Table, rows: &RecordBatch, key: &[String]) -> Result<Self, String> {
        let mut expected: Vec<Vec<Value>> = vec![Vec::new(); expect.rows.len()];
        let mut actual: Vec<Vec<Value>> = vec![Vec::new(); rows.num_rows()];
        for name in &expect.columns {
            let column = rows.column_by_name(name).ok_or_else(|| format!("there is no column {name}"))?;
            let written = cells(expect, name, column.data_type());
            let typed =
                values::column(&written, column.data_type()).map_err(|reason| format!("column {name}: {reason}"))?;
            for (row, written) in written.iter().enumerate() {
                expected[row].push(mentioned(&schemas::json::cell(typed.as_ref(), row), written));
            }
            for (row, cells) in actual.iter_mut().enumerate() {
                cells.push(schemas::json::cell(column.as_ref(), row));
            }
        }
        let mut left: Vec<usize> = (0..actual.len()).collect();
        let mut pairs = vec![Pair::Missing; expected.len()];
        for (want, pair) in expected.iter().zip(&mut pairs) {
            let same = |have: &usize| want.iter().zip(&actual[*have]).all(|(want, have)| fits(want, have));
            if let Some(found) = left.iter().position(same) {
                left.remove(found);
                *pair = Pair::Same;
            }
        }
        let keys: Vec<usize> =
            expect.columns.iter().enumerate().filter(|(_, name)| key.contains(name)).map(|(index, _)| index).collect();
        let mut near = Vec::new();
        for (row, want) in expected.iter().enumerate().filter(|(row, _)| pairs[*row] == Pair::Missing) {
            for have in &left {
                if let Some(score) = likeness(want, &actual[*have], &keys) {
                    near.push((std::cmp::Reverse(score), row, *have));
                }
            }
        }
        near.sort_unstable();
        for (_, row, have) in near {
            if pairs[row] == Pair::Missing
                && let Some(index) = left.iter().position(|left| *left == have)
            {
                left.remove(index);
                pairs[row] = Pair::Changed(have);
            }
        }
        Ok(Self { rows: pairs, unexpected: left, actual, expected })
    }

    /// Whether exactly the expected rows came.
    pub fn is_same(&self) -> bool {
        self.unexpected.is_empty() && self.rows.iter().all(|pair| *pair == Pair::Same)
    }

    /// The differences as a table: changed rows with both values of the cells that differ, then what is missing
    /// and what was not expected.
    pub fn text(&self, columns: &[String]) -> String {
        let mut rows: Vec<(char, Vec<String>)> = Vec::new();
        for (want, pair) in self.expected.iter().zip(&self.rows) {
            if let Pair::Changed(have) = pair {
                let cells = want.iter().zip(&self.actual[*have]).map(|(want, have)| {
                    if fits(want, have) { show(have) } else { format!("{} → {}", shown(want), shown(have)) }
                });
                rows.push(('~', cells.collect()));
            }
        }
        let missing = self.expected.iter().zip(&self.rows).filter(|(_, pair)| **pair == Pair::Missing);
        rows.extend(missing.map(|(want, _)| ('-', want.iter().map(show).collect())));
        rows.extend(self.unexpected.iter().map(|have| ('+', self.actual[*have].iter().map(show).collect())));

        let mut meaning: BTreeMap<char, &str> = BTreeMap::new();
        for (mark, _) in &rows {
            meaning.entry(*mark).or_insert(match mark {
                '~' => "~ changed: expected → got",
                '-' => "- expected and missing",
                _ => "+ not expected",
            });
        }
        let order = ['~', '-', '+'];
        let legend: Vec<&str> = order.iter().filter_map(|mark| meaning.get(mark).copied()).collect();
        let width = |index: usize| {
            let cells = rows.iter().map(|(_, row)| row[index].chars().count());
            cells.chain([columns[index].chars().count()]).max().unwrap_or_default().min(SHOWN)
        };
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        let mut text = format!("    {}\n", legend.join(", "));
        let mut line = |mark: char, cells: &[String]| {
            let _ = write!(text, "    {mark} |");
            for (cell, width) in cells.iter().zip(&widths) {
                let _ = write!(text, " {cell:width$} |");
            }
            text.push('\n');
        };
        line(' ', columns);
        for (mark, row) in &rows {
            line(*mark, row);
        }
        text
    }
}

/// How alike two rows are; nothing when they are different things.
fn likeness(want: &[Value], have: &[Value], keys: &[usize]) -> Option<usize> {
    let equal = |index: &usize| fits(&want[*index], &have[*index]);
    let count = (0..want.len()).filter(equal).count();
    if keys.is_empty() { (count * 2 >= want.len()).then_some(count) } else { keys.iter().all(equal).then_some(count) }
}

/// The typed value without the fields of records that the author did not mention.
pub fn mentioned(typed: &Value, written: &Value) -> Value {
    match (typed, written) {
        (Value::Object(fields), Value::Object(names)) => {
            let kept =
                names.iter().filter_map(|(name, written)| Some((name.clone(), mentioned(fields.get(name)?, written))));
            Value::Object(kept.collect())
        }
        (Value::Array(items), Value::Array(written)) => {
            items.iter().zip(written).map(|(item, written)| mentioned(item, written)).collect()
        }
        (typed, _) => typed.clone(),
    }
}

/// Whether a value is as expected; of records, in the fields that are expected.
pub fn fits(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            expected.iter().all(|(name, value)| actual.get(name).is_some_and(|have| fits(value, have)))
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(want, have)| fits(want, have))
        }
        (expected, actual) => expected == actual,
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// As [`show`], where nothing would be seen of an empty cell.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        other => show(other),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::*;

    fn table(columns: &[&str], rows: &[&[&str]]) -> Table {
        let text = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        Table {
            columns: text(columns),
            rows: rows.iter().map(|row| text(row)).collect(),
            line: 1,
            range: 0..0,
            row_ranges: Vec::new(),
        }
    }

    fn batch(columns: &[(&str, &[&str])]) -> RecordBatch {
        let column = |values: &[&str]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
        RecordBatch::try_from_iter(columns.iter().map(|(name, values)| (*name, column(values)))).unwrap()
    }

    #[test]
    fn a_changed_row_is_paired_by_its_key_and_shows_the_cell_that_differs() {
        let expect = table(&["id", "kind", "sum"], &[&["1", "a", "10"], &["2", "a", "20"], &["4", "d", "40"]]);
        let rows = batch(&[("id", &["1", "2", "3"]), ("kind", &["a", "b", "d"]), ("sum", &["10", "20", "40"])]);
        let comparison = Comparison::of(&expect, &rows, &["id".to_owned()]).unwrap();
        assert_eq!(comparison.rows, [Pair::Same, Pair::Changed(1), Pair::Missing]);
        assert_eq!(comparison.unexpected, [2]);
        let expected = [
            "    ~ changed: expected → got, - expected and missing, + not expected",
            "      | id | kind  | sum |",
            "    ~ | 2  | a → b | 20  |",
            "    - | 4  | d     | 40  |",
            "    + | 3  | d     | 40  |",
            "",
        ];
        assert_eq!(comparison.text(&expect.columns), expected.join("\n"));
    }

    #[test]
    fn without_the_key_rows_are_paired_by_what_they_share() {
        let expect = table(&["kind", "sum"], &[&["a", "10"], &["b", ""]]);
        let rows = batch(&[("id", &["1", "2"]), ("kind", &["c", "a"]), ("sum", &["30", "11"])]);
        let comparison = Comparison::of(&expect, &rows, &["id".to_owned()]).unwrap();
        assert_eq!(comparison.rows, [Pair::Changed(1), Pair::Missing]);
    }
}
