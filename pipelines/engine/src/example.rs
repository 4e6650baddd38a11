//! Worked examples: Markdown files whose tables an accountant can read and correct.
//!
//! `# Title` begins an example, `as-of: 2026-03-31` is its business date, `## given TABLE` gives the rows of a
//! table that the job reads, `## expect` the rows that must come out. Columns left out are null, contracts left out
//! are empty, parameter tables left out are those of `sql/parameters`, and a job's table left out is computed from
//! what is given: an example shows one job alone, or a payment and an invoice going in and a match coming out. Only
//! the columns of `expect` are compared; rows in any order. `""` is an empty text, an empty cell is null.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use chrono::NaiveDate;
use datafusion::execution::context::SessionContext;
use serde_json::Value;

use crate::markdown::{Block, Table, blocks};
use crate::near::did_you_mean;
use crate::planner::{register_empty, register_rows};
use crate::{EngineError, Job, Library, PlannedJob, Planner, Position, contract_view_schema, values};

/// One example of a job.
#[derive(Debug, Clone)]
pub struct Example {
    /// What it shows.
    pub title: String,
    /// The file it stands in.
    pub file: PathBuf,
    /// The line of its title.
    pub line: usize,
    pub(crate) as_of: NaiveDate,
    given: BTreeMap<String, Table>,
    expect: Table,
}

/// What came of an example.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The rows were as expected.
    Passed,
    /// They were not; the text shows how.
    Failed(String),
}

/// The columns of every table that a job can read, found once for all examples.
#[derive(Debug)]
pub struct Tables {
    schemas: BTreeMap<String, SchemaRef>,
}

impl Tables {
    /// Plans the whole library.
    ///
    /// # Errors
    /// When a job does not pass its checks.
    pub fn of(library: &Library) -> Result<Self, EngineError> {
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap_or_default();
        let mut schemas: BTreeMap<String, SchemaRef> = schemas::contracts()
            .values()
            .map(|contract| (contract.name.clone(), contract_view_schema(contract)))
            .collect();
        for (job, schema) in Planner::new(library, day).check()? {
            schemas.insert(job.name.clone(), schema);
        }
        for (name, rows) in &library.parameters {
            schemas.insert(name.clone(), rows.schema());
        }
        Ok(Self { schemas })
    }
}

/// Reads the examples of a file.
///
/// # Errors
/// When the file cannot be read or does not have the form of worked examples.
pub fn load(file: &Path) -> Result<Vec<Example>, EngineError> {
    let text = std::fs::read_to_string(file).map_err(|error| EngineError::Read { file: file.to_owned(), error })?;
    let mut examples: Vec<Draft> = Vec::new();
    let mut section: Option<(String, usize)> = None;
    for block in blocks(&text) {
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
                    None if heading == "expect" => draft.expect = Some(table),
                    _ => return Err(fail(format!("the heading is `given TABLE` or `expect`, not `{heading}`"))),
                }
            }
        }
    }
    examples.into_iter().map(|draft| draft.finish(file)).collect()
}

#[derive(Default)]
struct Draft {
    title: String,
    line: usize,
    as_of: Option<String>,
    given: BTreeMap<String, Table>,
    expect: Option<Table>,
}

impl Draft {
    fn finish(self, file: &Path) -> Result<Example, EngineError> {
        let fail = |reason: &str| {
            EngineError::at(file, Some(Position::line(self.line)), format!("example `{}`: {reason}", self.title))
        };
        let as_of = self.as_of.as_deref().ok_or_else(|| fail("no line `as-of: YYYY-MM-DD`"))?;
        let as_of = as_of.parse().map_err(|_| fail("as-of is no date; write YYYY-MM-DD"))?;
        let expect = self.expect.ok_or_else(|| fail("no table under `## expect`"))?;
        Ok(Example { title: self.title, file: file.to_owned(), line: self.line, as_of, given: self.given, expect })
    }
}

impl Example {
    /// Runs the job on the given rows and compares.
    ///
    /// # Errors
    /// When the example or the job is wrong in itself.
    pub async fn run(&self, library: &Library, tables: &Tables, job: &Job) -> Result<Outcome, EngineError> {
        let planner = Planner::new(library, self.as_of);
        let context = self.inputs(&planner, library, tables, job).await?;
        let planned = planner.plan(&context, job).await?;
        self.check_columns(&self.expect, &planned.schema)?;
        self.compare(&self.rows_of(&context, job, planned).await?)
    }

    /// A session with all that the job reads.
    pub(crate) async fn inputs(
        &self,
        planner: &Planner<'_>,
        library: &Library,
        tables: &Tables,
        job: &Job,
    ) -> Result<SessionContext, EngineError> {
        let context = planner.small_session()?;
        let needed = self.needed(library, job);
        for (name, table) in &self.given {
            let schema = tables.schemas.get(name).ok_or_else(|| {
                let known: Vec<&str> = tables.schemas.keys().map(String::as_str).collect();
                self.fail(table.line, &format!("there is no table {name}{}", did_you_mean(name, &known)))
            })?;
            if !needed.contains(name) {
                return Err(self.fail(table.line, &format!("the job does not need {name}")));
            }
            let columns = schema.fields().iter().map(|field| {
                let cells = cells(table, field.name(), field.data_type());
                values::column(&cells, field.data_type())
                    .map_err(|reason| self.fail(table.line, &format!("column {}: {reason}", field.name())))
            });
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            self.check_columns(table, schema)?;
            let schema = std::sync::Arc::new(nullable(schema));
            // A parameter table that is given stands in for the one in `sql/parameters`.
            context.deregister_table(name.as_str()).map_err(EngineError::query(name))?;
            register_rows(&context, name, RecordBatch::try_new(schema, columns)?)?;
        }
        let left_out = needed
            .iter()
            .filter(|name| !self.given.contains_key(*name) && !library.parameters.contains_key(*name))
            .filter(|name| library.job(name).is_none());
        for name in left_out {
            if let Some(schema) = tables.schemas.get(name) {
                register_empty(&context, name, schema.clone())?;
            }
        }
        let upstream = library.jobs.iter().filter(|other| needed.contains(&other.name));
        for other in upstream.filter(|other| !self.given.contains_key(&other.name)) {
            let planned = planner.plan(&context, other).await?;
            let rows = self.rows_of(&context, other, planned).await?;
            register_rows(&context, &other.name, rows)?;
        }
        Ok(context)
    }

    /// The business date.
    #[cfg(test)]
    pub(crate) const fn as_of(&self) -> NaiveDate {
        self.as_of
    }

    /// The tables that `job` depends on, as far as the given ones do not stand in the way.
    fn needed(&self, library: &Library, job: &Job) -> BTreeSet<String> {
        let mut needed = BTreeSet::new();
        let mut waiting: Vec<&String> = job.reads.iter().collect();
        while let Some(name) = waiting.pop() {
            let is_new = needed.insert(name.clone());
            if let Some(other) = library.job(name)
                && is_new
                && !self.given.contains_key(name)
            {
                waiting.extend(&other.reads);
            }
        }
        needed
    }

    /// The result of a job on the tables of `context`.
    async fn rows_of(
        &self,
        context: &SessionContext,
        job: &Job,
        planned: PlannedJob,
    ) -> Result<RecordBatch, EngineError> {
        let frame = context.execute_logical_plan(planned.plan).await.map_err(EngineError::query(&*job.name))?;
        let batches =
            frame.collect().await.map_err(EngineError::query(format!("example `{}` of {}", self.title, job.name)))?;
        let schema = batches.first().map_or(planned.schema, RecordBatch::schema);
        let rows = arrow::compute::concat_batches(&schema, &batches)?;
        check_key(job, &rows)?;
        Ok(rows)
    }

    fn compare(&self, actual: &RecordBatch) -> Result<Outcome, EngineError> {
        let schema = actual.schema();
        let mut expected_rows: Vec<Vec<Value>> = vec![Vec::new(); self.expect.rows.len()];
        let mut actual_rows: Vec<Vec<Value>> = vec![Vec::new(); actual.num_rows()];
        for name in &self.expect.columns {
            let field = schema.field_with_name(name)?;
            let written = cells(&self.expect, name, field.data_type());
            let typed = values::column(&written, field.data_type())
                .map_err(|reason| self.fail(self.expect.line, &format!("column {name}: {reason}")))?;
            for (row, written) in written.iter().enumerate() {
                expected_rows[row].push(mentioned(&schemas::json::cell(typed.as_ref(), row), written));
            }
            let column = actual.column(schema.index_of(name)?);
            for (row, cells) in actual_rows.iter_mut().enumerate() {
                cells.push(schemas::json::cell(column.as_ref(), row));
            }
        }
        let mut unexpected: Vec<Vec<Value>> = actual_rows;
        let mut missing = Vec::new();
        for expected in expected_rows {
            match unexpected.iter().position(|actual| expected.iter().zip(actual).all(|(want, have)| fits(want, have)))
            {
                Some(found) => drop(unexpected.remove(found)),
                None => missing.push(expected),
            }
        }
        if missing.is_empty() && unexpected.is_empty() {
            return Ok(Outcome::Passed);
        }
        Ok(Outcome::Failed(difference(&self.expect.columns, &missing, &unexpected)))
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

fn nullable(schema: &SchemaRef) -> arrow::datatypes::Schema {
    arrow::datatypes::Schema::new(
        schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>(),
    )
}

/// The key must identify each row: a job that gives two rows for one key is wrong, whatever is expected.
fn check_key(job: &Job, rows: &RecordBatch) -> Result<(), EngineError> {
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
    let value = |row: &Vec<String>| match index.and_then(|index| row.get(index)).map(String::as_str) {
        None | Some("") => Value::Null,
        Some("\"\"") => Value::String(String::new()),
        Some(text) if data_type.is_nested() => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
        }
        Some(text) => Value::String(text.to_owned()),
    };
    table.rows.iter().map(value).collect()
}

/// The typed value without the fields of records that the author did not mention.
fn mentioned(typed: &Value, written: &Value) -> Value {
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

fn fits(expected: &Value, actual: &Value) -> bool {
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

fn difference(columns: &[String], missing: &[Vec<Value>], unexpected: &[Vec<Value>]) -> String {
    let show = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let rows = missing.iter().map(|row| ('-', row)).chain(unexpected.iter().map(|row| ('+', row)));
    let rows: Vec<(char, Vec<String>)> = rows.map(|(mark, row)| (mark, row.iter().map(show).collect())).collect();
    let width = |index: usize| {
        let cells = rows.iter().map(|(_, row)| row[index].chars().count());
        cells.chain([columns[index].chars().count()]).max().unwrap_or_default().min(60)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::from("    - expected and missing, + not expected\n");
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
