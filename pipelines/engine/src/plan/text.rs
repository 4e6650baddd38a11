//! A plan for people, the same in a terminal and in a build log.

use std::fmt;

use commit::fingerprint::Part;
use serde_json::{Map, Value};

use super::parameters::plain;
use super::{Change, JobChange, ParameterChange, Plan, Recompute, Refresh, RowChange, Said};

/// Rows of a parameter table, and lines of a text, that are shown.
const SHOWN: usize = 20;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.generation {
            Some(number) => writeln!(f, "Compared with generation {number}, which is in service:")?,
            None => writeln!(f, "No generation is in service; everything is new:")?,
        }
        if self.is_empty() {
            let why = if self.layout_only { " (white space, comments and order only)" } else { "" };
            writeln!(f, "  nothing differs{why}; nothing will be computed again")?;
        }
        for change in &self.parameters {
            parameters(f, change)?;
        }
        for change in &self.contracts {
            writeln!(f, "\ncontract {}", change.name)?;
            change.fields.iter().try_for_each(|field| said(f, field))?;
        }
        for change in &self.functions {
            writeln!(f, "\nfunction {}: version {} becomes {}", change.name, change.was, change.now)?;
        }
        for change in &self.invariants {
            writeln!(f, "\ninvariant {}: {}", change.name, word(change.change))?;
            indented(f, change.sql.as_deref().unwrap_or_default())?;
        }
        self.jobs.iter().try_for_each(|change| job(f, change))?;
        self.summary(f)
    }
}

impl Plan {
    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |change| self.jobs.iter().filter(|job| job.change == change).count();
        writeln!(
            f,
            "\nJobs: {} new, {} changed, {} reading a changed one, {} with other texts, {} removed, {} unchanged.",
            count(Change::New),
            count(Change::Changed),
            count(Change::Follows),
            count(Change::Texts),
            count(Change::Removed),
            self.unchanged
        )?;
        if self.landed.is_empty() {
            return writeln!(f, "Nothing has landed since.");
        }
        let landed: Vec<String> = self.landed.iter().map(|(contract, rows)| format!("{contract} {rows}")).collect();
        writeln!(f, "Landed since, which a run would bring in: {}.", landed.join(", "))
    }
}

const fn word(change: Change) -> &'static str {
    match change {
        Change::New => "new",
        Change::Removed => "removed",
        Change::Changed => "changed",
        Change::Follows => "reads what has changed",
        Change::Texts => "texts only",
    }
}

fn job(f: &mut fmt::Formatter<'_>, change: &JobChange) -> fmt::Result {
    writeln!(f, "\njob {}: {}", change.name, word(change.change))?;
    let named: Vec<String> =
        change.parts.iter().filter(|part| !matches!(part, Part::Texts)).map(ToString::to_string).collect();
    if !named.is_empty() {
        writeln!(f, "  because of {}", named.join(", "))?;
    }
    change.header.iter().try_for_each(|header| said(f, header))?;
    change.texts.iter().try_for_each(|text| said(f, text))?;
    indented(f, change.sql.as_deref().unwrap_or_default())?;
    match (&change.recompute, change.change) {
        (Some(recompute), _) => recomputed(f, recompute),
        (None, Change::Removed) => writeln!(f, "  its table is shown no more"),
        (None, _) => writeln!(f, "  nothing is computed again"),
    }
}

fn recomputed(f: &mut fmt::Formatter<'_>, recompute: &Recompute) -> fmt::Result {
    let rows = recompute.rows.map(|rows| format!(", {rows} rows now")).unwrap_or_default();
    match (recompute.all, recompute.period) {
        (true, Some(period)) => {
            writeln!(f, "  computed again for all keys{rows}; rows can differ where they rest on {period}")?;
        }
        (true, None) => writeln!(f, "  computed again for all keys and periods{rows}")?,
        (false, _) => writeln!(f, "  computed again where the rows that it reads come out otherwise{rows}")?,
    }
    match &recompute.refresh {
        Refresh::ByKey(columns) => writeln!(f, "  later runs: by {}", columns.join(" or ")),
        Refresh::InFull(reason) => writeln!(f, "  later runs: in full, {reason}"),
    }
}

fn parameters(f: &mut fmt::Formatter<'_>, change: &ParameterChange) -> fmt::Result {
    writeln!(f, "\nparameters {} (rows by {})", change.table, change.key.join(", "))?;
    change.columns.iter().try_for_each(|column| said(f, column))?;
    for row in change.rows.iter().take(SHOWN) {
        match row {
            RowChange::Added { row } => writeln!(f, "  + {}", cells(row))?,
            RowChange::Removed { row } => writeln!(f, "  - {}", cells(row))?,
            RowChange::Changed { key, cells: changed } => {
                let changed: Vec<String> = changed.iter().map(arrow).collect();
                writeln!(f, "  ~ {}: {}", cells(key), changed.join(", "))?;
            }
        }
    }
    if change.rows.len() > SHOWN {
        writeln!(f, "  … and {} more rows", change.rows.len() - SHOWN)?;
    }
    if let Some(period) = change.period {
        writeln!(f, "  holds {period}")?;
    }
    match change.read_by.as_slice() {
        [] => writeln!(f, "  read by no job: nothing is computed again for it"),
        jobs => writeln!(f, "  read by {}", jobs.join(", ")),
    }
}

fn cells(row: &Map<String, Value>) -> String {
    let cells = row.iter().filter(|(_, value)| !value.is_null());
    cells.map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join(", ")
}

fn arrow(said: &Said) -> String {
    let shown = |text: &Option<String>| match text.as_deref() {
        None | Some("") => "nothing".to_owned(),
        Some(text) => one_line(text),
    };
    format!("{}: {} → {}", said.name, shown(&said.was), shown(&said.now))
}

fn said(f: &mut fmt::Formatter<'_>, said: &Said) -> fmt::Result {
    writeln!(f, "  {}", arrow(said))
}

/// A text on one line, cut where it is long.
fn one_line(text: &str) -> String {
    const MOST: usize = 120;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn indented(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| writeln!(f, "  {line}"))
}
