//! A comparison for a terminal or a build log.

use std::fmt::Write as _;

use engine::diff::Comparison;
use serde_json::{Map, Value};

/// The comparison of one job as text.
pub fn comparison(of: &Comparison) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "\n{} ({})", of.job, of.title);
    let rows = |rows: Option<u64>| rows.map_or_else(|| "no table".to_owned(), |rows| format!("{rows} rows"));
    if of.is_same() {
        let _ = writeln!(text, "  the same: {}", rows(of.now));
        return text;
    }
    let _ = writeln!(text, "  before {}, now {}", rows(of.before), rows(of.now));
    let _ = writeln!(text, "  {} only before, {} only now, {} changed", of.only_before, of.only_now, of.changed);
    for column in &of.columns {
        let _ = match (&column.before, &column.now, column.changed) {
            (None, Some(now), _) => writeln!(text, "  column {} is new: {now}", column.name),
            (Some(before), None, _) => writeln!(text, "  column {} is gone: {before}", column.name),
            (before, now, changed) => {
                let changed = changed.map(|rows| format!(", {rows} rows differ")).unwrap_or_default();
                let types = match (before, now) {
                    (Some(before), Some(now)) if before != now => format!(" from {before} to {now}"),
                    _ => String::new(),
                };
                writeln!(text, "  column {}{types}{changed}", column.name)
            }
        };
    }
    for sum in &of.sums {
        let parts = [&sum.queue, &sum.department, &sum.currency].into_iter().flatten().cloned().collect::<Vec<_>>();
        let of = if parts.is_empty() { "all".to_owned() } else { parts.join(" / ") };
        let mark = if sum.before == sum.now && sum.rows_before == sum.rows_now { " " } else { "*" };
        let _ = writeln!(
            text,
            "  {mark} {of}: {} in {} rows → {} in {} rows",
            sum.before, sum.rows_before, sum.now, sum.rows_now
        );
    }
    for row in &of.samples.only_before {
        let _ = writeln!(text, "  - {}", cells(row));
    }
    for row in &of.samples.only_now {
        let _ = writeln!(text, "  + {}", cells(row));
    }
    for row in &of.samples.changed {
        let changed: Vec<String> = row.cells.iter().map(|(name, pair)| format!("{name}: {}", arrow(pair))).collect();
        let _ = writeln!(text, "  ~ {}: {}", cells(&row.key), changed.join(", "));
    }
    text
}

/// The cells of a row on one line.
pub fn cells(row: &Map<String, Value>) -> String {
    let cells = row.iter().filter(|(_, value)| !value.is_null());
    cells.map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join(", ")
}

/// A cell before and now.
pub fn arrow(pair: &Value) -> String {
    let side = |index: usize| pair.get(index).map_or_else(|| "nothing".to_owned(), plain);
    format!("{} → {}", side(0), side(1))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
