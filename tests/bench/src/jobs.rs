//! `jobs`: the statements that control of a ledger is made of, on many rows, beside DuckDB on the same Parquet files.

mod duckdb;
mod tables;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::{ExecutionPlan, collect};
use engine::EngineError;
use engine::memory::{self, Memory};
use serde::{Deserialize, Serialize};

use crate::measure::{self, Stopwatch, Time};
use crate::report::{self, Machine, Table};
use crate::step::Step;
use crate::{Args, data};

pub use tables::{Task as Tables, write};

/// What is measured: what a person calls it, and its statement. Each gives one row: how many rows the job has, and sums
/// that prove that they are the right ones.
const STATEMENTS: [(&str, &str); 4] = [
    (
        "matching",
        "select count(*), sum(bank_row.amount), sum(bank_row.line), sum(invoice.line) \
         from bank_row join invoice \
         on bank_row.reference = invoice.reference and bank_row.amount = invoice.amount",
    ),
    (
        "anti-join",
        "select count(*), sum(amount), sum(line) from bank_row \
         where not exists (select 1 from invoice where invoice.reference = bank_row.reference)",
    ),
    (
        "reconciliation",
        "select count(*), sum(payments), sum(paid), max(paid) from \
         (select reference, count(*) as payments, sum(amount) as paid from bank_row group by reference)",
    ),
    (
        "duplicates",
        "select count(*), sum(copies), sum(amount) from \
         (select reference, amount, booked, count(*) as copies from bank_row \
          group by reference, amount, booked having count(*) > 1)",
    ),
];

/// A statement to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    storage: PathBuf,
    /// Where it may put what does not fit into memory.
    spill: PathBuf,
    sql: String,
    /// Bytes that it may take.
    memory: Option<u64>,
    /// Tell on standard error how it was done.
    explain: bool,
}

/// What a statement took.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measured {
    /// The one row.
    answer: Vec<String>,
    time: Time,
    /// In KiB, of the whole process.
    memory_peak: u64,
    /// Bytes that were put on disk.
    spilled: u64,
}

#[derive(Debug, Serialize)]
struct Row {
    statement: &'static str,
    memory_limit: Option<u64>,
    ours: Measured,
    duckdb: Measured,
    /// Our time in thousandths of DuckDB's, by the clock and on processors.
    wall: u64,
    cpu: u64,
}

/// Runs the benchmark.
///
/// # Errors
/// When it cannot be measured, the two answers differ, or a statement takes more memory than it may.
pub fn benchmark(args: &Args, machine: &Machine) -> Result<()> {
    let peer = duckdb::Peer::install(&args.dir)?;
    let bank_rows = args.bank_rows;
    let storage = data::once(&args.dir.join("data").join(format!("jobs-{bank_rows}")), |storage| {
        let task = Tables { storage: storage.to_owned(), bank_rows };
        Step::Tables(task).apart::<[u64; 2]>()?;
        Ok(())
    })?;
    let spill = tempfile::Builder::new().prefix("jobs-").tempdir_in(&args.dir)?;
    let mut rows = Vec::new();
    for memory in std::iter::once(None).chain(args.memory.iter().copied().map(Some)) {
        for (statement, sql) in STATEMENTS {
            let (spill, sql) = (spill.path().to_owned(), sql.to_owned());
            let task = Task { storage: storage.clone(), spill, sql, memory, explain: args.explain };
            rows.push(compare(args, &peer, statement, &task)?);
        }
    }
    let method = format!(
        "{} bank rows, {} invoices, written by the lake as it writes tables of jobs. Each measurement a process of its \
         own, which plans the statement and runs it once;\nthe two take turns, after one turn that warms up; medians of \
         {}. DuckDB {} reads the same Parquet files. The rows that both give agree.",
        report::grouped(bank_rows),
        report::grouped(bank_rows / 4),
        args.repeat,
        duckdb::VERSION,
    );
    report::finish(&args.dir, "jobs", machine, &method, &rows, &[table(&rows)])
}

fn compare(args: &Args, peer: &duckdb::Peer, statement: &'static str, task: &Task) -> Result<Row> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 0..=args.repeat {
        let step = Step::Statement(Task { explain: task.explain && turn == 0, ..task.clone() });
        let (our, their) = (step.apart::<Measured>()?, peer.run(task)?);
        if our.answer != their.answer {
            bail!("{statement}: {:?}, but DuckDB says {:?}", our.answer, their.answer);
        }
        if let Some(limit) = task.memory.filter(|limit| our.memory_peak.saturating_mul(1024) > *limit) {
            bail!("{statement} took {} KiB and may take {}", our.memory_peak, limit / 1024);
        }
        if turn > 0 {
            report::note(&format!(
                "{statement}, {turn} of {}: {} and {}",
                args.repeat,
                report::seconds(our.time.wall),
                report::seconds(their.time.wall)
            ));
            ours.push(our);
            theirs.push(their);
        }
    }
    let (ours, duckdb) = (summed_up(&ours), summed_up(&theirs));
    Ok(Row {
        statement,
        memory_limit: task.memory,
        wall: report::permille(ours.time.wall, duckdb.time.wall),
        cpu: report::permille(ours.time.cpu, duckdb.time.cpu),
        ours,
        duckdb,
    })
}

/// Medians of the times by the clock and on processors, each for itself, and the most memory.
fn summed_up(runs: &[Measured]) -> Measured {
    let median = |of: fn(Time) -> u64| {
        measure::median(runs.iter().map(|run| Time { wall: of(run.time), cpu: 0 }).collect()).wall
    };
    Measured {
        answer: runs.first().map(|run| run.answer.clone()).unwrap_or_default(),
        time: Time { wall: median(|time| time.wall), cpu: median(|time| time.cpu) },
        memory_peak: runs.iter().map(|run| run.memory_peak).max().unwrap_or_default(),
        spilled: runs.iter().map(|run| run.spilled).max().unwrap_or_default(),
    }
}

fn table(rows: &[Row]) -> Table {
    let columns = [
        "",
        "limit",
        "time",
        "on processors",
        "peak memory",
        "on disk",
        "DuckDB",
        "on processors",
        "peak memory",
        "÷ DuckDB",
        "on processors",
    ];
    let mut table = Table::new("Seconds, and ratios to DuckDB", &columns);
    for row in rows {
        let [our_wall, our_cpu] = report::both(row.ours.time);
        let [their_wall, their_cpu] = report::both(row.duckdb.time);
        table.row([
            row.statement.to_owned(),
            row.memory_limit.map(|bytes| report::mebibytes(bytes / 1024)).unwrap_or_default(),
            our_wall,
            our_cpu,
            report::mebibytes(row.ours.memory_peak),
            report::mebibytes(row.ours.spilled / 1024),
            their_wall,
            their_cpu,
            report::mebibytes(row.duckdb.memory_peak),
            report::hundredths(row.wall),
            report::hundredths(row.cpu),
        ]);
    }
    table
}

/// Plans a statement as the engine does and runs it, in this process.
///
/// # Errors
/// When a table is missing, or memory is not enough.
pub async fn measure(task: &Task) -> Result<Measured> {
    if let Some(limit) = task.memory {
        Memory { limit, spill: task.spill.clone() }.set()?;
    }
    let lake = tables::lake(&task.storage)?;
    let context = engine::session(city::default_as_of(), &Arc::default())?;
    lake.register(&context);
    for name in tables::NAMES {
        context.register_table(name, tables::open(&lake, name).await?.provider()?)?;
    }
    let watch = Stopwatch::start();
    let statement = context.state().create_logical_plan(&task.sql).await?;
    let (plan, batches) = memory::within_limit(context.state(), |state| run(state, statement.clone())).await?;
    let time = watch.time();
    if task.explain {
        let shown = DisplayableExecutionPlan::with_metrics(plan.as_ref());
        report::note(&format!("{}\n{}", task.sql, shown.indent(false)));
    }
    let row = batches.iter().find(|batch| batch.num_rows() > 0).context("no row")?;
    let answer = row.columns().iter().map(|column| array_value_to_string(column, 0)).collect::<Result<_, _>>()?;
    Ok(Measured { answer, time, memory_peak: measure::peak(), spilled: spilled(plan.as_ref()) })
}

async fn run(
    state: SessionState,
    statement: LogicalPlan,
) -> Result<(Arc<dyn ExecutionPlan>, Vec<RecordBatch>), EngineError> {
    let failed = |error| EngineError::Query { context: "the statement".to_owned(), error: Box::new(error) };
    let plan = state.create_physical_plan(&statement).await.map_err(failed)?;
    let batches = collect(plan.clone(), state.task_ctx()).await.map_err(failed)?;
    Ok((plan, batches))
}

fn spilled(plan: &dyn ExecutionPlan) -> u64 {
    let own = plan.metrics().and_then(|metrics| metrics.spilled_bytes()).unwrap_or_default();
    let below = plan.children().into_iter().map(|child| spilled(child.as_ref()));
    own as u64 + below.sum::<u64>()
}
