//! Worked examples drawn from real rows.
//!
//! The rows that a row came from are found by tracing its job's plan. As many of them, and as many of their columns, as
//! can go without changing the row are left out; persons are replaced by test persons; and what is left is written as a
//! worked example, run, and handed out only when it passes.

mod persons;
mod reduce;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use commit::generation::Generation;
use datafusion::execution::context::SessionContext;
use serde_json::{Map, Value};

use self::persons::{Kept, Persons};
use self::reduce::reduced;
use crate::example::{Outcome, parse, written};
use crate::explain::{Question, personal_columns, the_row};
use crate::lineage::Lineage;
use crate::provenance::{columns_named, trace};
use crate::rows::RowSet;
use crate::{EngineError, Job, Planner, Workbench, rows, values};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The row.
    pub question: Question,
    /// How often the job may be computed to find what can be left out.
    pub tries: usize,
}

/// An example that passes.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Its text.
    pub markdown: String,
    /// Rows that the row came from.
    pub traced: usize,
    /// Rows of them that the example gives.
    pub given: usize,
    /// Whether nothing more can be left out; otherwise the tries were used up.
    pub least: bool,
}

/// One row of a table that is given.
type Given = (String, Map<String, Value>);

/// Draws an example from the tables of a generation in `context`. `progress` is told how many rows are left, and how
/// many tries.
///
/// # Errors
/// When there is no such row, it cannot be traced or computed again from what it came from, or the example would show a
/// real person.
pub async fn draw(
    context: &SessionContext,
    bench: &Workbench,
    generation: &Generation,
    wish: &Wish,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Drawn, EngineError> {
    let library = bench.library();
    let name = &wish.question.table;
    let fail = |reason: &str| EngineError::Result { job: name.clone(), reason: reason.to_owned() };
    let job = library.job(name).ok_or_else(|| fail("only rows of jobs have examples"))?;
    let row = the_row(context, library, &wish.question).await?;
    let inputs = traced(context, bench, generation, wish, job, &row).await?;
    let wanted = Wanted { job, row: schemas::json::row(&row, 0), columns: shown(job, &row) };
    let trial = Trial { bench, generation, wanted: &wanted };

    let mut tries = wish.tries;
    if !trial.gives_the_row(&inputs).await? {
        return Err(fail("the row does not come again from the rows it came from; was the job changed since?"));
    }
    let traced = inputs.len();
    let mut least = reduced(inputs, &mut async |items: &[Given]| {
        tries = tries.saturating_sub(1);
        progress(items.len(), tries);
        if tries == 0 { Ok(false) } else { trial.gives_the_row(items).await }
    })
    .await?;
    for (table, column) in columns_of(&least) {
        let without: Vec<Given> = least.iter().map(|given| left_out(given, &table, &column)).collect();
        tries = tries.saturating_sub(1);
        progress(least.len(), tries);
        if tries > 0 && trial.gives_the_row(&without).await? {
            least = without;
        }
    }
    for kept in [Kept::Year, Kept::Month] {
        let mut persons = Persons::new(generation.as_of, kept);
        let personal = Personal::of(bench, generation)?;
        let anonymous: Vec<Given> = least.iter().map(|given| personal.replaced(given, &mut persons)).collect();
        let Some(result) = trial.result(&anonymous).await? else { continue };
        let wanted = personal.replaced(&(name.clone(), trial.wanted.row.clone()), &mut persons).1;
        let compared = wanted_columns(&trial.wanted.columns, &personal, name, &job.header.key);
        let is_it = |row: &Map<String, Value>| compared.iter().all(|column| row.get(column) == wanted.get(column));
        if !result.iter().any(is_it) {
            continue;
        }
        let markdown = trial.markdown(&anonymous, &result);
        if persons.is_seen_in(&markdown) {
            continue;
        }
        let example = parse(Path::new("example.md"), &markdown)?;
        let outcome = match example.first() {
            Some(example) => bench.run(job, example).await?,
            None => return Err(fail("the example cannot be read again")),
        };
        return match outcome {
            Outcome::Passed => Ok(Drawn { markdown, traced, given: least.len(), least: tries > 0 }),
            Outcome::Failed { .. } => Err(fail("the example does not pass when it is read again")),
        };
    }
    Err(fail(
        "the row is another one when persons are replaced by test persons; write the example by hand, with rows as \
         `reskontra explain` shows them",
    ))
}

/// The rows of all tables but parameters that the row came from, in the columns that the job reads.
async fn traced(
    context: &SessionContext,
    bench: &Workbench,
    generation: &Generation,
    wish: &Wish,
    job: &Job,
    row: &RecordBatch,
) -> Result<Vec<Given>, EngineError> {
    let query = || EngineError::query(format!("tracing {}", job.name));
    let plan = Planner::new(bench.library(), generation.as_of).plan(context, job).await?.plan;
    let wanted = columns_named(row, &job.header.key).map_err(query())?;
    let found = trace(context, &plan, &job.header.key, &wanted, wish.question.limit).await.map_err(query())?;
    let fail = |reason: String| EngineError::Result { job: job.name.clone(), reason };
    if !found.is_complete() {
        return Err(fail(format!(
            "more than {} rows took part; ask for a row with less behind it",
            wish.question.limit
        )));
    }
    let same = RowSet::of(&found.rows)?.equals(&RowSet::of(row)?);
    if !same {
        return Err(fail("the job in sql/ gives another row than the generation; was it changed since?".to_owned()));
    }
    let mut read: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut batches: BTreeMap<String, Vec<RecordBatch>> = BTreeMap::new();
    for scan in found.scans.iter().filter(|scan| !bench.library().parameters.contains_key(&scan.table)) {
        let columns = scan.rows.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
        read.entry(scan.table.clone()).or_default().extend(columns);
        batches.entry(scan.table.clone()).or_default().push(scan.whole(context).await.map_err(query())?);
    }
    let mut given = Vec::new();
    for (table, batches) in batches {
        let Some(schema) = batches.first().map(RecordBatch::schema) else { continue };
        let all = rows::concat(&schema, batches.iter())?;
        let all = rows::distinct(&all)?;
        for index in 0..all.num_rows() {
            let mut cells = schemas::json::row(&all, index);
            cells.retain(|column, _| read.get(&table).is_some_and(|read| read.contains(column)));
            given.push((table.clone(), cells));
        }
    }
    Ok(given)
}

/// The row that has to come out.
struct Wanted<'a> {
    job: &'a Job,
    row: Map<String, Value>,
    /// Columns that the example expects.
    columns: Vec<String>,
}

/// The columns of a result that say something to a reader: not where its records lie in files, nor what the engine
/// adds.
fn shown(job: &Job, row: &RecordBatch) -> Vec<String> {
    let schema = row.schema();
    let tells = schema.fields().iter().filter(|field| {
        let name = field.name();
        let of_engine = ["exception_id", "due_at"].contains(&name.as_str());
        let is_envelope = schemas::ENVELOPE.contains(&name.as_str());
        job.header.key.contains(name) || !(of_engine || is_envelope || field.data_type().is_nested())
    });
    tells.map(|field| field.name().clone()).collect()
}

struct Trial<'a> {
    bench: &'a Workbench,
    generation: &'a Generation,
    wanted: &'a Wanted<'a>,
}

impl Trial<'_> {
    /// What the job gives for these rows; nothing when it fails on them, as it may on rows torn apart.
    async fn result(&self, given: &[Given]) -> Result<Option<Vec<Map<String, Value>>>, EngineError> {
        let tables = self.tables(given)?;
        let result = self.bench.compute(self.wanted.job, self.generation.as_of, &tables).await;
        Ok(result.ok().map(|rows| (0..rows.num_rows()).map(|row| schemas::json::row(&rows, row)).collect()))
    }

    async fn gives_the_row(&self, given: &[Given]) -> Result<bool, EngineError> {
        let is_it = |row: &Map<String, Value>| {
            self.wanted.columns.iter().all(|column| row.get(column) == self.wanted.row.get(column))
        };
        Ok(self.result(given).await?.is_some_and(|rows| rows.iter().any(is_it)))
    }

    /// Every table that the job reads, parameters left out; those without rows are empty.
    fn tables(&self, given: &[Given]) -> Result<BTreeMap<String, RecordBatch>, EngineError> {
        let mut tables = BTreeMap::new();
        for table in &self.wanted.job.reads {
            let is_parameter = self.bench.library().parameters.contains_key(table);
            let Some(schema) = self.bench.schema(table).filter(|_| !is_parameter) else { continue };
            let of_table: Vec<&Map<String, Value>> =
                given.iter().filter(|(name, _)| name == table).map(|(_, cells)| cells).collect();
            let columns = schema.fields().iter().map(|field| {
                let cells: Vec<Value> =
                    of_table.iter().map(|cells| cells.get(field.name()).cloned().unwrap_or_default()).collect();
                values::column(&cells, field.data_type())
                    .map_err(|_| EngineError::Result { job: table.clone(), reason: format!("column {}", field.name()) })
            });
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            tables.insert(table.clone(), RecordBatch::try_new(rows::nullable(schema), columns)?);
        }
        Ok(tables)
    }

    fn markdown(&self, given: &[Given], result: &[Map<String, Value>]) -> String {
        let job = self.wanted.job;
        let mut text = format!(
            "# {}: as in generation {}\nas-of: {}\n\nDrawn from real rows; persons are test persons.\n",
            job.header.title, self.generation.number, self.generation.as_of
        );
        let tables: BTreeSet<&String> = given.iter().map(|(table, _)| table).collect();
        for table in tables {
            let rows: Vec<&Map<String, Value>> =
                given.iter().filter(|(name, _)| name == table).map(|(_, cells)| cells).collect();
            let order = self.bench.schema(table).map(Arc::clone);
            let names = order.iter().flat_map(|schema| schema.fields()).map(|field| field.name().clone());
            let used = |name: &String| rows.iter().any(|row| row.get(name).is_some_and(|value| !value.is_null()));
            let mut columns: Vec<String> = names.filter(used).collect();
            if columns.is_empty() {
                // A row must be there, whatever it holds.
                columns
                    .extend(order.iter().flat_map(|schema| schema.fields()).take(1).map(|field| field.name().clone()));
            }
            text.push_str(&format!("\n## given {table}\n{}", markdown_table(&columns, &rows)));
        }
        let rows: Vec<&Map<String, Value>> = result.iter().collect();
        text.push_str(&format!("\n## expect\n{}", markdown_table(&self.wanted.columns, &rows)));
        text
    }
}

fn markdown_table(columns: &[String], rows: &[&Map<String, Value>]) -> String {
    let mut text = format!("| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
    for row in rows {
        let cells: Vec<String> =
            columns.iter().map(|column| written(row.get(column).unwrap_or(&Value::Null))).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

fn columns_of(given: &[Given]) -> BTreeSet<(String, String)> {
    let filled = given.iter().flat_map(|(table, cells)| {
        cells.iter().filter(|(_, value)| !value.is_null()).map(move |(column, _)| (table.clone(), column.clone()))
    });
    filled.collect()
}

fn left_out((table, cells): &Given, of: &str, column: &str) -> Given {
    let mut cells = cells.clone();
    if table == of {
        cells.remove(column);
    }
    (table.clone(), cells)
}

/// Which columns can tell who a person is.
struct Personal {
    columns: BTreeMap<String, BTreeSet<String>>,
}

impl Personal {
    fn of(bench: &Workbench, generation: &Generation) -> Result<Self, EngineError> {
        let lineage = Lineage::of(&Planner::new(bench.library(), generation.as_of))?;
        let mut columns = BTreeMap::new();
        for job in &bench.library().jobs {
            let names = lineage.job(&job.name).into_iter().flatten().map(|(name, _)| name.clone());
            columns.insert(job.name.clone(), personal_columns(&lineage, &job.name, names));
        }
        Ok(Self { columns })
    }

    /// The row with test persons: in the marked fields of a contract, in all of a job's columns that come from such.
    fn replaced(&self, (table, cells): &Given, persons: &mut Persons) -> Given {
        let mut cells = cells.clone();
        if let Some(contract) = schemas::contracts().get(table) {
            for path in &contract.person_fields {
                let parts: Vec<&str> = path.split('.').collect();
                if let Some((column, below)) = parts.split_first()
                    && let Some(value) = cells.get_mut(*column)
                {
                    persons.replace(value, below, parts.last().unwrap_or(column));
                }
            }
        }
        for column in self.columns.get(table).into_iter().flatten() {
            if let Some(value) = cells.get_mut(column) {
                persons.replace(value, &[], column);
            }
        }
        (table.clone(), cells)
    }
}

/// The columns by which the row is recognised after persons were replaced: its key, and what tells nothing of persons.
fn wanted_columns(columns: &[String], personal: &Personal, table: &str, key: &[String]) -> Vec<String> {
    let tells = |column: &&String| personal.columns.get(table).is_some_and(|personal| personal.contains(*column));
    columns.iter().filter(|column| key.contains(*column) || !tells(column)).cloned().collect()
}

#[cfg(test)]
mod tests;
