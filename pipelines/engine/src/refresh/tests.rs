//! Incremental is full: for every job and every invariant, whatever changes in the tables that it reads.
//!
//! The rows are those of the worked examples, which hold the cases that matter. Each round takes some away, brings
//! some of other examples in, and corrects some, in one or several tables at once. The rows of the keys that the
//! change reaches, computed alone, must be those of the full computation, and all other rows must be as before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::compute::{concat_batches, take};
use arrow::datatypes::SchemaRef;

use super::*;
use crate::example;
use crate::partition::Partition;
use crate::planner::register_rows;
use crate::{Job, Library, Planner, Workbench, rows};

thread_local! {
    static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// A reproducible source of choices.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }
}

type Inputs = BTreeMap<String, RecordBatch>;

/// Examples of a job whose rows are used.
const EXAMPLES: usize = 5;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The tables that a job reads in each of its examples, beside the parameters.
fn examples(bench: &Workbench, job: &Job) -> Vec<(chrono::NaiveDate, Inputs)> {
    let file = root().join("tests/examples").join(&job.area).join(format!("{}.md", job.name));
    let mut found = Vec::new();
    let examples = example::load(&file).unwrap();
    // Preparing an example computes all that the job hangs on, so a few stand for all, spread over the file.
    let step = examples.len().div_ceil(EXAMPLES);
    for example in examples.into_iter().step_by(step) {
        let mut inputs = block_on(bench.inputs(job, &example)).unwrap();
        inputs.retain(|name, _| !bench.library().parameters.contains_key(name));
        for batch in inputs.values_mut() {
            *batch = batch.clone().with_schema(rows::nullable(&batch.schema())).unwrap();
        }
        found.push((example.as_of, inputs));
    }
    found
}

fn context(planner: &Planner<'_>, inputs: &Inputs) -> SessionContext {
    let context = planner.small_session().unwrap();
    for (name, rows) in inputs {
        register_rows(&context, name, rows.clone()).unwrap();
    }
    context
}

/// The columns that identify a row of a table.
fn identity(library: &Library, table: &str) -> Vec<String> {
    match library.job(table) {
        Some(job) => job.header.key.clone(),
        None => ["file_id", "ordinal"].map(str::to_owned).to_vec(),
    }
}

/// Each row once, and each identity once, where it is stated.
fn distinct(batch: &RecordBatch, identity: &[String]) -> RecordBatch {
    let mut seen = BTreeSet::new();
    let keep = (0..batch.num_rows()).map(|row| {
        let cells = schemas::json::row(batch, row);
        let id: Vec<_> = identity.iter().map(|name| cells[name].to_string()).collect();
        let stated = id.iter().all(|cell| cell != "null");
        let whole = serde_json::Value::Object(cells).to_string();
        Some(seen.insert(whole) && (!stated || seen.insert(id.concat())))
    });
    let keep: arrow::array::BooleanArray = keep.collect();
    arrow::compute::filter_record_batch(batch, &keep).unwrap()
}

/// Some rows of `table` gone, some of `pool` come, some corrected: one cell taken from another row.
fn mutate(table: &RecordBatch, pool: &RecordBatch, dice: &mut Dice) -> RecordBatch {
    let kept: Vec<u64> = (0..table.num_rows() as u64).filter(|_| dice.roll(6) > 0).collect();
    let come: Vec<u64> = (0..pool.num_rows() as u64).filter(|_| dice.roll(pool.num_rows().max(8) / 2) == 0).collect();
    let pick = |batch: &RecordBatch, rows: Vec<u64>| {
        arrow::compute::take_record_batch(batch, &arrow::array::UInt64Array::from(rows)).unwrap()
    };
    let mixed = concat_batches(&table.schema(), &[pick(table, kept), pick(pool, come)]).unwrap();
    if mixed.num_rows() < 2 || dice.roll(3) == 0 {
        return mixed;
    }
    let column = dice.roll(mixed.num_columns());
    let (to, from) = (dice.roll(mixed.num_rows()), dice.roll(mixed.num_rows()));
    let cells: arrow::array::UInt64Array =
        (0..mixed.num_rows()).map(|row| Some(if row == to { from } else { row } as u64)).collect();
    let mut columns = mixed.columns().to_vec();
    columns[column] = take(&columns[column], &cells, None).unwrap();
    RecordBatch::try_new(mixed.schema(), columns).unwrap()
}

fn full(context: &SessionContext, plan: &LogicalPlan, schema: &SchemaRef) -> Result<RecordBatch, EngineError> {
    Ok(rows::concat(schema, &block_on(collect(context, plan))?)?)
}

/// Rows as text, sorted: what is compared.
fn shown(batch: &RecordBatch) -> Vec<String> {
    let row = |row| serde_json::Value::Object(schemas::json::row(batch, row)).to_string();
    let mut rows: Vec<String> = (0..batch.num_rows()).map(row).collect();
    rows.sort();
    rows
}

/// The rows with (or without) the values in a column.
fn split(batch: &RecordBatch, column: &str, values: &Values) -> (Vec<String>, Vec<String>) {
    let with = rows::among(batch, column, values.array()).unwrap();
    let (without, _) = rows::difference(batch, &with).unwrap();
    (shown(&with), shown(&without))
}

/// How often a job was refreshed by key, kept, or would have been computed in full.
#[derive(Debug, Default)]
struct Tally {
    by_key: usize,
    kept: usize,
    in_full: usize,
}

fn check(library: &Library, job: &Job, rounds: usize, pools: &[(chrono::NaiveDate, Inputs)]) -> Tally {
    let mut tally = Tally::default();
    let mut dice =
        Dice(job.name.bytes().fold(0x9e37_79b9_7f4a_7c15, |seed, byte| (seed ^ u64::from(byte)).rotate_left(7)));
    for round in 0..rounds {
        let (as_of, before) = &pools[dice.roll(pools.len())];
        let mut after = before.clone();
        let mut changes = BTreeMap::new();
        let names: Vec<&String> = before.keys().collect();
        for _ in 0..=dice.roll(2) {
            let name = names[dice.roll(names.len())];
            let pool = &pools[dice.roll(pools.len())].1[name];
            let now = distinct(&mutate(&before[name], pool, &mut dice), &identity(library, name));
            let (removed, added) = rows::difference(&before[name], &now).unwrap();
            if removed.num_rows() + added.num_rows() > 0 {
                changes.insert(name.clone(), Change::Rows(Difference { removed: vec![removed], added: vec![added] }));
                after.insert(name.clone(), now);
            }
        }
        let planner = Planner::new(library, *as_of);
        let (old, new) = (context(&planner, before), context(&planner, &after));
        let planned = block_on(planner.plan(&new, job)).unwrap();
        let schema = rows::nullable(&planned.schema);
        let plan = new.state().optimize(&planned.plan).unwrap();
        let old_plan = block_on(planner.plan(&old, job)).unwrap().plan;
        let old_plan = old.state().optimize(&old_plan).unwrap();
        let was = full(&old, &old_plan, &schema).unwrap();
        // A correction can make a row that the job refuses to compute, such as an amount out of range.
        let Ok(is) = full(&new, &plan, &schema) else { continue };

        let rows = after.iter().map(|(name, rows)| (name.clone(), rows.num_rows() as u64)).collect();
        let small = if round % 2 == 0 { 0 } else { u64::MAX };
        let refresher = Refresher { context: &new, changes: &changes, rows: &rows, most: 10_000, small, look_up: 0 };
        let mut keyed = false;
        for partition in Partition::of(&plan, &job.header.key).unwrap_or_default() {
            let column = &partition.column;
            match block_on(by_key(&refresher, &plan, column, None)) {
                Ok(None) => {
                    assert_eq!(shown(&was), shown(&is), "{} round {round}: nothing was to change", job.name);
                    tally.kept += 1;
                }
                Ok(Some((values, narrowed))) => {
                    let computed = full(&new, &narrowed, &schema).unwrap();
                    let (now, others) = split(&is, column, &values);
                    let (computed, _) = split(&computed, column, &values);
                    assert_eq!(computed, now, "{} round {round}: the rows of the reached {column}", job.name);
                    assert_eq!(split(&was, column, &values).1, others, "{} round {round}: other rows", job.name);
                    tally.by_key += 1;
                }
                Err(Stop::Blocked(_)) => continue,
                Err(Stop::Failed(error)) => panic!("{} round {round}: {error}", job.name),
            }
            keyed = true;
        }
        tally.in_full += usize::from(!keyed);
    }
    tally
}

#[test]
fn computed_by_key_is_what_is_computed_in_full() {
    let rounds = std::env::var("RESKONTRA_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(4);
    let library = Library::load(&root().join("sql")).unwrap();
    let bench = block_on(Workbench::open(library.clone())).unwrap();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let keyed = std::sync::Mutex::new(BTreeSet::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = library.jobs.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let pools = examples(&bench, job);
                    if pools.iter().all(|(_, inputs)| inputs.is_empty()) {
                        continue; // it reads parameters alone
                    }
                    let tally = check(&library, job, rounds, &pools);
                    if tally.by_key > 0 {
                        keyed.lock().unwrap().insert(job.name.clone());
                    }
                }
            });
        }
    });
    let keyed = keyed.into_inner().unwrap();
    assert!(keyed.len() * 2 > library.jobs.len(), "most jobs are refreshed by key: {keyed:?}");
}

/// Two tables of which the second has changed; `a.k` is reached through a question to `a`.
fn is_by_key(rows: u64, look_up: u64) -> Result<usize, String> {
    let library = Library::parse(Path::new("sql"), crate::files::Files::default()).unwrap();
    let planner = Planner::new(&library, chrono::NaiveDate::from_ymd_opt(2026, 3, 31).unwrap());
    let cells = |values: [&str; 2]| Arc::new(arrow::array::StringArray::from(values.to_vec())) as ArrayRef;
    let table = |k, x| RecordBatch::try_from_iter([("k", cells(k)), ("x", cells(x))]).unwrap();
    let (a, b) = (table(["1", "2"], ["p", "q"]), table(["8", "9"], ["p", "r"]));
    let context = context(&planner, &[("a".to_owned(), a), ("b".to_owned(), b.clone())].into());
    let plan = block_on(context.state().create_logical_plan("select a.k, b.x from a join b on a.x = b.x")).unwrap();
    let plan = context.state().optimize(&plan).unwrap();
    let changes = [("b".to_owned(), Change::Rows(Difference { removed: Vec::new(), added: vec![b] }))].into();
    let rows = [("a".to_owned(), rows), ("b".to_owned(), 2)].into();
    let refresher = Refresher { context: &context, changes: &changes, rows: &rows, most: 10, small: 100, look_up };
    match block_on(by_key(&refresher, &plan, "k", None)) {
        Ok(found) => Ok(found.unwrap().0.len()),
        Err(Stop::Blocked(reason)) => Err(reason.to_string()),
        Err(Stop::Failed(error)) => panic!("{error}"),
    }
}

#[test]
fn where_finding_the_keys_costs_more_than_everything_it_is_computed_in_full() {
    assert_eq!(is_by_key(10_000_000, 100_000), Ok(1), "a few questions beside a large table");
    assert_eq!(is_by_key(2, 0), Ok(1), "whatever it costs");
    let reason = is_by_key(2, 100_000).unwrap_err();
    assert!(reason.contains("costs more than to compute everything"), "{reason}");
}
