//! Worked examples: Markdown files whose tables an accountant can read and correct.
//!
//! `# Title` begins an example, `as-of: 2026-03-31` is its business date, `## given TABLE` gives the rows of a
//! table that the job reads, `## expect` the rows that must come out, and `## expect step NAME` the rows of a `with`
//! step on the way there. Columns left out are null, contracts left out are empty, parameter tables left out are
//! those of `sql/parameters`, and a job's table left out is computed from what is given: an example shows one job
//! alone, or a payment and an invoice going in and a match coming out. Only the columns of an expectation are
//! compared; rows in any order. `""` is an empty text, an empty cell is null.

mod compare;
mod rewrite;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use chrono::NaiveDate;
use serde_json::Value;

use self::compare::Comparison;
pub use self::rewrite::{Replacement, replaced, written};
use crate::markdown::{Block, Table, blocks};
use crate::near::did_you_mean;
use crate::{EngineError, Job, Position, values};

/// One example of a job.
#[derive(Debug, Clone)]
pub struct Example {
    /// What it shows.
    pub title: String,
    /// The file it stands in.
    pub file: PathBuf,
    /// The line of its title.
    pub line: usize,
    /// Its business date.
    pub as_of: NaiveDate,
    given: BTreeMap<String, Table>,
    expect: Vec<Expectation>,
    text: Arc<str>,
}

/// Rows that must come out.
#[derive(Debug, Clone)]
struct Expectation {
    /// A `with` step of the job; nothing for its result.
    step: Option<String>,
    table: Table,
}

/// What came of an example.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The rows were as expected.
    Passed,
    /// They were not.
    Failed {
        /// How they differ, to read.
        difference: String,
        /// The expectations that would have passed.
        replacements: Vec<Replacement>,
    },
}

/// Reads the examples of a file.
///
/// # Errors
/// When the file cannot be read or does not have the form of worked examples.
pub fn load(file: &Path) -> Result<Vec<Example>, EngineError> {
    let text = std::fs::read_to_string(file).map_err(|error| EngineError::Read { file: file.to_owned(), error })?;
    parse(file, &text)
}

/// Reads the examples in the text of a file.
///
/// # Errors
/// When it does not have the form of worked examples.
pub fn parse(file: &Path, text: &str) -> Result<Vec<Example>, EngineError> {
    let shared: Arc<str> = text.into();
    let mut examples: Vec<Draft> = Vec::new();
    let mut section: Option<(String, usize)> = None;
    for block in blocks(text) {
        match block {
            Block::Heading { level: 1, text, line } => {
                examples.push(Draft { title: text, line, ..Draft::default() });
                section = None;
            }
            Block::Heading { text, line, .. } => section = Some((text, line)),
            Block::Paragraph { text } => {
                let date = text.lines().find_map(|line| line.strip_prefix("as-of:"));
                if let (Some(draft), Some(date)) = (examples.last_mut(), date) {
                    draft.as_of = Some(date.trim().to_owned());
                }
            }
            Block::Table(table) => {
                let fail = |reason: String| EngineError::at(file, Some(Position::line(table.line)), reason);
                let draft = examples.last_mut().ok_or_else(|| fail("a table before the first `# Title`".to_owned()))?;
                let (heading, _) =
                    section.take().ok_or_else(|| fail("a table without `## given …` or `## expect`".to_owned()))?;
                match heading.split_once(' ') {
                    Some(("given", name)) => {
                        draft.given.insert(name.trim().to_owned(), table);
                    }
                    None if heading == "expect" => draft.expect.push(Expectation { step: None, table }),
                    Some(("expect", step)) if step.trim_start().starts_with("step ") => {
                        let step = step.trim_start().trim_start_matches("step ").trim().to_owned();
                        draft.expect.push(Expectation { step: Some(step), table });
                    }
                    _ => {
                        let reason =
                            format!("the heading is `given TABLE`, `expect` or `expect step NAME`, not `{heading}`");
                        return Err(fail(reason));
                    }
                }
            }
        }
    }
    examples.into_iter().map(|draft| draft.finish(file, &shared)).collect()
}

#[derive(Default)]
struct Draft {
    title: String,
    line: usize,
    as_of: Option<String>,
    given: BTreeMap<String, Table>,
    expect: Vec<Expectation>,
}

impl Draft {
    fn finish(self, file: &Path, text: &Arc<str>) -> Result<Example, EngineError> {
        let fail = |reason: &str| {
            EngineError::at(file, Some(Position::line(self.line)), format!("example `{}`: {reason}", self.title))
        };
        let as_of = self.as_of.as_deref().ok_or_else(|| fail("no line `as-of: YYYY-MM-DD`"))?;
        let as_of = as_of.parse().map_err(|_| fail("as-of is no date; write YYYY-MM-DD"))?;
        if self.expect.is_empty() {
            return Err(fail("no table under `## expect`"));
        }
        Ok(Example {
            title: self.title,
            file: file.to_owned(),
            line: self.line,
            as_of,
            given: self.given,
            expect: self.expect,
            text: text.clone(),
        })
    }
}

impl Example {
    /// Names of the tables that the example gives.
    pub(crate) fn given(&self) -> impl Iterator<Item = &String> {
        self.given.keys()
    }

    /// The rows that it gives of a table with this schema.
    pub(crate) fn rows(&self, name: &str, schema: &SchemaRef) -> Result<Option<RecordBatch>, EngineError> {
        let Some(table) = self.given.get(name) else { return Ok(None) };
        self.check_columns(table, schema)?;
        let columns = schema.fields().iter().map(|field| {
            let cells = cells(table, field.name(), field.data_type());
            values::column(&cells, field.data_type())
                .map_err(|reason| self.fail(table.line, &format!("column {}: {reason}", field.name())))
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        Ok(Some(RecordBatch::try_new(Arc::new(nullable(schema)), columns)?))
    }

    /// The text of a given table.
    pub(crate) fn written(&self, name: &str) -> &str {
        self.given.get(name).map_or("", |table| &self.text[table.range.clone()])
    }

    /// Says that a given table is not one that can be given.
    pub(crate) fn refuse(&self, name: &str, reason: &str) -> EngineError {
        self.fail(self.given.get(name).map_or(self.line, |table| table.line), reason)
    }

    /// The steps that are expected; nothing stands for the result.
    pub(crate) fn expected(&self) -> Vec<Option<&str>> {
        self.expect.iter().map(|expect| expect.step.as_deref()).collect()
    }

    /// Compares what came, in the order of [`Example::expected`], with what is expected.
    pub(crate) fn judge(&self, job: &Job, came: &[RecordBatch]) -> Result<Outcome, EngineError> {
        let mut difference = String::new();
        let mut replacements = Vec::new();
        for (Expectation { step, table }, rows) in self.expect.iter().zip(came) {
            self.check_columns(table, &rows.schema())?;
            let comparison =
                Comparison::of(table, rows, &job.header.key).map_err(|reason| self.fail(table.line, &reason))?;
            if comparison.is_same() {
                continue;
            }
            if let Some(step) = step {
                difference.push_str(&format!("    step {step}\n"));
            }
            difference.push_str(&comparison.text(&table.columns));
            replacements.push(Replacement::of(&self.text, table, &comparison, &rewrite::nested(table, rows)));
        }
        if replacements.is_empty() { Ok(Outcome::Passed) } else { Ok(Outcome::Failed { difference, replacements }) }
    }

    fn check_columns(&self, table: &Table, schema: &SchemaRef) -> Result<(), EngineError> {
        let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        match table.columns.iter().find(|column| !known.contains(&column.as_str())) {
            None => Ok(()),
            Some(unknown) => {
                Err(self.fail(table.line, &format!("there is no column {unknown}{}", did_you_mean(unknown, &known))))
            }
        }
    }

    fn fail(&self, line: usize, reason: &str) -> EngineError {
        EngineError::at(&self.file, Some(Position::line(line)), format!("example `{}`: {reason}", self.title))
    }
}

pub(crate) fn nullable(schema: &SchemaRef) -> Schema {
    Schema::new(schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>())
}

/// The key must identify each row: a job that gives two rows for one key is wrong, whatever is expected.
pub(crate) fn check_key(job: &Job, rows: &RecordBatch) -> Result<(), EngineError> {
    let mut seen = BTreeSet::new();
    for row in 0..rows.num_rows() {
        let key: Vec<Value> = job
            .header
            .key
            .iter()
            .filter_map(|key| rows.column_by_name(key))
            .map(|column| schemas::json::cell(column.as_ref(), row))
            .collect();
        let text = Value::Array(key).to_string();
        if !seen.insert(text.clone()) {
            return Err(EngineError::Result { job: job.name.clone(), reason: format!("two rows have the key {text}") });
        }
    }
    Ok(())
}

fn cells(table: &Table, column: &str, data_type: &DataType) -> Vec<Value> {
    let index = table.columns.iter().position(|name| name == column);
    let text = |row: &Vec<String>| index.and_then(|index| row.get(index)).map_or("", String::as_str).to_owned();
    table.rows.iter().map(|row| cell(&text(row), data_type.is_nested())).collect()
}

/// What a cell says: null when it is empty.
fn cell(text: &str, nested: bool) -> Value {
    match text {
        "" => Value::Null,
        "\"\"" => Value::String(String::new()),
        text if nested => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        text => Value::String(text.to_owned()),
    }
}
