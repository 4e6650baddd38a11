//! `tick`: a thousand changed rows of a table, beside a scan of the table for the same rows, in tables that grow.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use datafusion::arrow::array::{ArrayRef, Date32Array, Decimal128Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::MemTable;
use datafusion::execution::context::SessionContext;
use lake::{Lake, Table};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Args;
use crate::measure::{self, Stopwatch, Time};
use crate::random::{Random, mix};
use crate::report::{self, Machine};
use crate::step::Step;

const JOB: &str = "item";
/// Rows that are made at once.
const BATCH: u64 = 100_000;
/// Rows that a tick changes.
const KEYS: u64 = 1_000;

/// A table and how often it changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    storage: PathBuf,
    rows: u64,
    ticks: u32,
}

/// What a table's ticks took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    rows: u64,
    ticks: u32,
    bytes: u64,
    /// The table written as a whole, once.
    build: Time,
    /// Median of the ticks: the table's log read,
    open: Time,
    /// the old rows found and read,
    read: Time,
    /// the new run and the vectors written,
    stage: Time,
    /// and committed.
    commit: Time,
    /// All of it.
    tick: Time,
    /// Compaction of all ticks, by the tick.
    compact: Time,
    compactions: u64,
    runs: usize,
    /// The same rows by a join that reads the table.
    scan: Time,
    memory_peak: u64,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    measured: Measured,
    /// A tick in thousandths of a scan for its keys, by the clock.
    of_scan: u64,
    /// A tick in thousandths of a tick of the first size, by the clock.
    of_first: u64,
}

/// Runs the benchmark.
///
/// # Errors
/// When it cannot be measured.
pub fn benchmark(args: &Args, machine: &Machine) -> Result<()> {
    let mut rows: Vec<Row> = Vec::new();
    for &size in &args.rows {
        report::note(&format!("{} ticks of a table of {} rows", args.ticks, report::grouped(size)));
        let work = tempfile::Builder::new().prefix("tick-").tempdir_in(&args.dir)?;
        let task = Task { storage: work.path().to_owned(), rows: size, ticks: args.ticks };
        let measured: Measured = Step::Tick(task).apart()?;
        let of_scan = report::permille(measured.tick.wall, measured.scan.wall);
        let of_first =
            report::permille(measured.tick.wall, rows.first().map_or(&measured, |row| &row.measured).tick.wall);
        rows.push(Row { measured, of_scan, of_first });
    }
    let method = format!(
        "Each line a process of its own, a local disk with fsync. A tick opens the table, reads {KEYS} rows by random \
         keys, replaces them by others and commits.\nMedian of {} ticks after one to warm up; compaction after every \
         tick, spread over all. The scan is DataFusion's join of the table with the keys,\nmedian of 3.",
        args.ticks
    );
    report::finish(&args.dir, "tick", machine, &method, &rows, &[table(&rows)])
}

fn table(rows: &[Row]) -> report::Table {
    let columns = [
        "rows",
        "MB",
        "written in",
        "open",
        "read",
        "stage",
        "commit",
        "tick",
        "on processors",
        "compact",
        "runs",
        "peak memory",
        "scan",
        "tick ÷ scan",
        "tick ÷ first",
    ];
    let mut table = report::Table::new(format!("{KEYS} rows changed in one commit"), &columns);
    for Row { measured, of_scan, of_first } in rows {
        table.row([
            report::grouped(measured.rows),
            report::grouped(measured.bytes / 1_000_000),
            report::seconds(measured.build.wall),
            report::milliseconds(measured.open.wall),
            report::milliseconds(measured.read.wall),
            report::milliseconds(measured.stage.wall),
            report::milliseconds(measured.commit.wall),
            report::milliseconds(measured.tick.wall),
            report::milliseconds(measured.tick.cpu),
            report::milliseconds(measured.compact.wall),
            measured.runs.to_string(),
            report::mebibytes(measured.memory_peak),
            report::milliseconds(measured.scan.wall),
            report::times(*of_scan),
            report::times(*of_first),
        ]);
    }
    table
}

/// Makes the table, changes it and scans it.
///
/// # Errors
/// When the store fails, or a tick does not find its rows.
pub async fn measure(task: &Task) -> Result<Measured> {
    let lake = lake(&task.storage)?;
    let key = vec!["key".to_owned()];
    let watch = Stopwatch::start();
    let mut writer = lake.stage(JOB, schema())?.sorted_by(&key);
    for start in (0..task.rows).step_by(usize::try_from(BATCH)?) {
        writer.write(&batch(start..task.rows.min(start + BATCH), 0)?).await?;
    }
    let staged = writer.finish().await?;
    let mut digest = staged.digest().to_owned();
    let table = lake.replace(JOB, &schema(), &staged).await?;
    let build = watch.time();
    let bytes = table.files()?.iter().map(|file| file.size).sum();

    measure::forget_peak();
    let mut random = Random(1);
    let (mut open, mut read, mut stage, mut commit, mut tick) = (vec![], vec![], vec![], vec![], vec![]);
    let (mut compact, mut compactions) = (Time::default(), 0);
    for turn in 0..=u64::from(task.ticks) {
        let numbers = random.numbers(KEYS.min(task.rows), task.rows);
        let wanted = batch(numbers.iter().copied(), 0)?.project(&[0])?;
        let after = batch(numbers.iter().copied(), turn + 1)?;
        let watch = Stopwatch::start();
        let table = now(&lake).await?;
        let opened_in = watch.time();
        let reading = Stopwatch::start();
        let before = lake.rows_by_key(&table, &key, &wanted).await?;
        let read_in = reading.time();
        let staging = Stopwatch::start();
        let change = lake.stage_change(&table, &key, &before, &[after], &digest).await?;
        let staged_in = staging.time();
        let committing = Stopwatch::start();
        lake.commit_change(table, &change).await?;
        let (committed_in, all) = (committing.time(), watch.time());
        if change.removed() != numbers.len() as u64 {
            bail!("a tick found {} rows of {}", change.removed(), numbers.len());
        }
        change.digest().clone_into(&mut digest);
        // The first turn reads footers and page indexes: later ones find them kept.
        if turn > 0 {
            open.push(opened_in);
            read.push(read_in);
            stage.push(staged_in);
            commit.push(committed_in);
            tick.push(all);
        }
        let compacting = Stopwatch::start();
        compactions += u64::from(lake.compact_keyed(JOB, &key).await? > 0);
        compact = compact.plus(compacting.time());
    }
    let memory_peak = measure::peak();
    let table = now(&lake).await?;
    if table.rows()? != task.rows {
        bail!("the table has {} rows and should have {}", table.rows()?, task.rows);
    }
    let mut scans = Vec::new();
    for _ in 0..3 {
        scans.push(scan(&lake, &table, &mut random, task.rows).await?);
    }
    let ticks = u64::from(task.ticks) + 1;
    Ok(Measured {
        rows: task.rows,
        ticks: task.ticks,
        bytes,
        build,
        open: measure::median(open),
        read: measure::median(read),
        stage: measure::median(stage),
        commit: measure::median(commit),
        tick: measure::median(tick),
        compact: Time { wall: compact.wall / ticks, cpu: compact.cpu / ticks },
        compactions,
        runs: table.files()?.len(),
        scan: measure::median(scans),
        memory_peak,
    })
}

async fn now(lake: &Lake) -> Result<Table> {
    lake.job_table(JOB).await?.context("the table that changes")
}

/// The rows of some keys, by reading the whole table.
async fn scan(lake: &Lake, table: &Table, random: &mut Random, rows: u64) -> Result<Time> {
    let numbers = random.numbers(KEYS.min(rows), rows);
    let wanted = batch(numbers.iter().copied(), 0)?.project(&[0])?;
    let context = SessionContext::new();
    lake.register(&context);
    context.register_table("item", table.provider()?)?;
    context.register_table("wanted", Arc::new(MemTable::try_new(wanted.schema(), vec![vec![wanted]])?))?;
    let watch = Stopwatch::start();
    let found = context.sql("select item.* from item join wanted using (key)").await?.collect().await?;
    let time = watch.time();
    let found: usize = found.iter().map(RecordBatch::num_rows).sum();
    if found != numbers.len() {
        bail!("a scan found {found} rows of {}", numbers.len());
    }
    Ok(time)
}

fn lake(storage: &Path) -> Result<Lake> {
    let url = Url::from_directory_path(storage).ok().with_context(|| format!("{} is no folder", storage.display()))?;
    Ok(Lake::open(&url)?)
}

fn schema() -> SchemaRef {
    let fields = [
        ("key", DataType::Utf8),
        ("reference", DataType::Utf8),
        ("amount", DataType::Decimal128(18, 2)),
        ("date", DataType::Date32),
        ("status", DataType::Utf8),
        ("text", DataType::Utf8),
    ];
    Arc::new(Schema::new(fields.map(|(name, data_type)| Field::new(name, data_type, true)).to_vec()))
}

/// Rows by number; keys ascend with numbers. `turn` makes other rows of the same keys.
fn batch(numbers: impl IntoIterator<Item = u64>, turn: u64) -> Result<RecordBatch> {
    const STATUS: [&str; 5] = ["open", "matched", "paid", "disputed", "written off"];
    let numbers: Vec<(u64, u64)> = numbers.into_iter().map(|number| (number, mix(number ^ turn << 40))).collect();
    let text = |value: &dyn Fn(u64, u64) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(numbers.iter().map(|&(number, noise)| value(number, noise))))
    };
    let amounts = Decimal128Array::from_iter_values(numbers.iter().map(|&(_, noise)| i128::from(noise % 10_000_000)));
    let days = numbers.iter().map(|&(_, noise)| 20_000 + i32::try_from(noise % 700).unwrap_or_default());
    let status = numbers.iter().map(|&(_, noise)| STATUS[usize::try_from(noise % 5).unwrap_or_default()]);
    let columns: Vec<ArrayRef> = vec![
        text(&|number, _| format!("I{number:019}")),
        text(&|_, noise| format!("{:012}", noise % 1_000_000_000_000)),
        Arc::new(amounts.with_precision_and_scale(18, 2)?),
        Arc::new(Date32Array::from_iter_values(days)),
        Arc::new(StringArray::from_iter_values(status)),
        text(&|_, noise| format!("Avgift {:x} för period {}", noise, noise % 12 + 1)),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}
