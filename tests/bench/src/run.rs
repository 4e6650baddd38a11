//! `run`: the jobs at the size of the demo and at ten times that, beside a hash join of the same tables.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, NaiveDate};
use datafusion::execution::context::SessionContext;
use engine::Library;
use engine::executor::Here;
use engine::run::{Limits, Progress, Request};
use serde::{Deserialize, Serialize};

use crate::measure::{self, Stopwatch, Time};
use crate::report::{self, Machine, Table};
use crate::step::Step;
use crate::{Args, data, stream};

/// What DataFusion needs for the least that matching can be: each payment with the items of its reference.
const JOIN: &str = "select count(*), sum(payment.amount), sum(item.remaining) \
                    from payment_in as payment join customer_item as item on payment.reference = item.ocr";

/// A store to run on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    pub storage: PathBuf,
    pub sql: PathBuf,
    pub as_of: NaiveDate,
}

/// What a run took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    /// By job.
    jobs: BTreeMap<String, Time>,
    /// Rows in the table of each job.
    pub rows: BTreeMap<String, u64>,
    /// Before the first job: the cut of the landing tables and the views.
    opening: Time,
    /// After the last job: the audit, commits, the generation.
    closing: Time,
    pub whole: Time,
    memory_peak: u64,
}

#[derive(Debug, Clone, Serialize)]
struct Scale {
    scale: u32,
    /// Rows that were landed.
    landed: u64,
    payments: u64,
    /// The first run, which writes every table.
    first: Time,
    /// A run that finds the same rows as before; of the repetitions the median.
    again: Time,
    groups: Vec<(String, Time)>,
    jobs: BTreeMap<String, Time>,
    join: Time,
    memory_peak: u64,
}

/// Runs the benchmark.
///
/// # Errors
/// When it cannot be measured.
pub fn benchmark(args: &Args, machine: &Machine) -> Result<()> {
    let sql = PathBuf::from("sql").canonicalize().context("the folder sql; start this where it is")?;
    let library = Library::load(&sql)?;
    let work = tempfile::Builder::new().prefix("run-").tempdir_in(&args.dir)?;
    let mut scales = Vec::new();
    for &scale in &args.scales {
        let landing = data::city(&args.dir.join("data"), scale)?;
        let storage = work.path().join(scale.to_string());
        report::note(&format!("scale {scale}: landing"));
        let landed: stream::Measured =
            Step::Direct(stream::Task { landing, storage: storage.clone(), broker: None }).apart()?;
        let task = Task { storage, sql: sql.clone(), as_of: city::default_as_of() };
        scales.push(scale_of(args, &library, scale, landed.landed, &task)?);
    }
    let method = format!(
        "Each run a process of its own on what was landed before; by the clock, all processors. The first run writes all \
         tables; the others find the same rows:\nof these the median of {}, in turn with the join, which is the best of \
         {} in a process that has read the tables once.",
        args.repeat, args.repeat
    );
    report::finish(&args.dir, "run", machine, &method, &scales, &[table(&scales), slowest(&scales)])
}

fn scale_of(args: &Args, library: &Library, scale: u32, landed: u64, task: &Task) -> Result<Scale> {
    report::note(&format!("scale {scale}: first run"));
    let first: Measured = Step::Run(task.clone()).apart()?;
    let (mut runs, mut joins) = (Vec::new(), Vec::new());
    for turn in 1..=args.repeat {
        report::note(&format!("scale {scale}: join and run, {turn} of {}", args.repeat));
        joins.push(Step::Join(task.clone()).apart::<Time>()?);
        runs.push(Step::Run(task.clone()).apart::<Measured>()?);
    }
    let median = |of: &dyn Fn(&Measured) -> Time| measure::median(runs.iter().map(of).collect());
    let in_group = |run: &Measured, name: &str| {
        let jobs = library.jobs.iter().filter(|job| group(&job.area, &job.name) == name);
        jobs.filter_map(|job| run.jobs.get(&job.name)).copied().fold(Time::default(), Time::plus)
    };
    let mut groups: Vec<(String, Time)> =
        GROUPS.iter().map(|&name| (name.to_owned(), median(&|run| in_group(run, name)))).collect();
    groups.push(("cut and views".to_owned(), median(&|run| run.opening)));
    groups.push(("audit, publish".to_owned(), median(&|run| run.closing)));
    let job = |name: &String| (name.clone(), median(&|run| run.jobs.get(name).copied().unwrap_or_default()));
    Ok(Scale {
        scale,
        landed,
        payments: first.rows.get("ar_payment").copied().unwrap_or_default(),
        first: first.whole,
        again: median(&|run| run.whole),
        groups,
        jobs: first.jobs.keys().map(job).collect(),
        join: joins.into_iter().min().unwrap_or_default(),
        memory_peak: runs.iter().map(|run| run.memory_peak).max().unwrap_or_default().max(first.memory_peak),
    })
}

const GROUPS: [&str; 5] = ["matching", "unmatched, candidates", "reconciliation", "fees", "other jobs"];

/// Which of the headline works a job is part of.
fn group(area: &str, job: &str) -> &'static str {
    match area {
        "ar" if job.contains("unmatched") || job.contains("suggest") => GROUPS[1],
        "ar" => GROUPS[0],
        "gl" => GROUPS[2],
        "fees" => GROUPS[3],
        _ => GROUPS[4],
    }
}

fn table(scales: &[Scale]) -> Table {
    let mut columns = vec![String::new()];
    for (index, one) in scales.iter().enumerate() {
        columns.push(format!("scale {}", one.scale));
        columns.push("÷ join".to_owned());
        if index > 0 {
            columns.push(format!("÷ scale {}", scales[0].scale));
        }
    }
    let payments = |one: &Scale| format!("{} of {}", report::grouped(one.payments), report::grouped(one.landed));
    let payments: Vec<String> = scales.iter().map(payments).collect();
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(format!("Payments, of all landed rows: {}", payments.join("; ")), &names);
    let mut add = |what: &str, time: &dyn Fn(&Scale) -> Time| {
        let mut cells = vec![what.to_owned()];
        for (index, one) in scales.iter().enumerate() {
            let milliseconds = time(one).wall / 1_000_000;
            cells.push(format!("{} ms", report::grouped(milliseconds)));
            cells.push(report::times(report::permille(time(one).wall, one.join.wall)));
            if index > 0 {
                cells.push(report::times(report::permille(time(one).wall, time(&scales[0]).wall)));
            }
        }
        table.row(cells);
    };
    let groups: Vec<String> =
        scales.iter().take(1).flat_map(|one| one.groups.iter().map(|(name, _)| name.clone())).collect();
    for name in &groups {
        add(name, &|one| one.groups.iter().find(|(other, _)| other == name).map(|(_, time)| *time).unwrap_or_default());
    }
    add("whole run, nothing new", &|one| one.again);
    add("whole run, the first", &|one| one.first);
    add("hash join", &|one| one.join);
    let mut cells = vec!["peak memory".to_owned()];
    for (index, one) in scales.iter().enumerate() {
        cells.extend([report::mebibytes(one.memory_peak), String::new()]);
        if index > 0 {
            cells.push(report::times(report::permille(one.memory_peak, scales[0].memory_peak)));
        }
    }
    table.row(cells);
    table
}

/// Jobs that take longest at the largest scale.
fn slowest(scales: &[Scale]) -> Table {
    let mut table = Table::new("Slowest jobs at the largest scale", &["job", "time", "processor", "÷ smallest scale"]);
    let Some((last, first)) = scales.last().zip(scales.first()) else { return table };
    let mut jobs: Vec<(&String, Time)> = last.jobs.iter().map(|(name, time)| (name, *time)).collect();
    jobs.sort_by_key(|(_, time)| std::cmp::Reverse(time.wall));
    for (name, time) in jobs.into_iter().take(10) {
        let small = first.jobs.get(name).copied().unwrap_or_default();
        let [wall, cpu] = report::both(time);
        table.row([name.clone(), wall, cpu, report::times(report::permille(time.wall, small.wall))]);
    }
    table
}

/// When each part of a run was over.
struct Marks {
    watch: Stopwatch,
    last: Time,
    opening: Option<Time>,
    jobs: BTreeMap<String, Time>,
}

impl Marks {
    fn lap(&mut self) -> Time {
        let now = self.watch.time();
        let lap = Time { wall: now.wall - self.last.wall, cpu: now.cpu - self.last.cpu };
        self.last = now;
        lap
    }
}

/// Runs and publishes, in this process.
///
/// # Errors
/// When the run fails or its audit does.
pub async fn measure(task: &Task) -> Result<Measured> {
    let lake = stream::open_lake(&task.storage)?;
    let number = lake.generation_numbers().await?.last().map_or(1, |last| last + 1);
    let request = Request {
        as_of: task.as_of,
        published_at: DateTime::UNIX_EPOCH,
        writer: format!("bench-{number}"),
        refresh: Limits::default(),
        compact: false,
        executor: Arc::new(Here),
    };
    let marks =
        Mutex::new(Marks { watch: Stopwatch::start(), last: Time::default(), opening: None, jobs: BTreeMap::new() });
    let progress = |progress: Progress<'_>| {
        let mut marks = marks.lock().unwrap_or_else(PoisonError::into_inner);
        let lap = marks.lap();
        match progress {
            Progress::Job { number: 1, .. } => marks.opening = Some(lap),
            Progress::Done { name, .. } => {
                marks.jobs.insert(name.to_owned(), lap);
            }
            Progress::Job { .. } | Progress::Audit => {}
        }
    };
    let library = Library::load(&task.sql)?;
    let report = engine::run::run(&lake, &library, &request, &progress).await?;
    let mut marks = marks.into_inner().unwrap_or_else(PoisonError::into_inner);
    let closing = marks.lap();
    if report.generation.is_none() {
        bail!("the audit held the run back: {:?}", report.audit);
    }
    Ok(Measured {
        jobs: marks.jobs,
        rows: report.rows,
        opening: marks.opening.unwrap_or_default(),
        closing,
        whole: marks.last,
        memory_peak: measure::peak(),
    })
}

/// Joins, in this process; the best of some.
///
/// # Errors
/// When a table is missing.
pub async fn join(task: &Task) -> Result<Time> {
    let lake = stream::open_lake(&task.storage)?;
    let context = SessionContext::new();
    lake.register(&context);
    for contract in ["payment_in", "customer_item"] {
        let table = lake.landing(contract).await?.with_context(|| format!("nothing landed of {contract}"))?;
        context.register_table(contract, table.provider()?)?;
    }
    let mut times = Vec::new();
    for _ in 0..4 {
        let watch = Stopwatch::start();
        context.sql(JOIN).await?.collect().await?;
        times.push(watch.time());
    }
    times.into_iter().skip(1).min().context("no time")
}
