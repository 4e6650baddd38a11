//! `fees`: a year and a month of all children computed, and one changed income from its file to the published generation.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use city::dates::{add_days, date, month_start};
use city::families;
use city::output::Landing;
use city::people::{Registry, customers};
use fees::draw::Draw;
use fees::jobs;
use fees::registers::Family;
use serde::{Deserialize, Serialize};

use crate::measure::{self, Stopwatch, Time};
use crate::report::{self, Machine, Table};
use crate::step::Step;
use crate::{Args, data, run, stream};

/// Children of a thousand customers of the city, half of whom have some: a little less than there are.
const CHILDREN_OF_A_THOUSAND: usize = 740;
const SEED: u64 = 1;

/// Jobs to compute in memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    sql: PathBuf,
    children: usize,
    as_of: NaiveDate,
    /// Only the last month of the year.
    month: bool,
}

/// What they took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    children: usize,
    rows: usize,
    jobs: Vec<(String, Time)>,
    whole: Time,
    memory_peak: u64,
}

#[derive(Debug, Serialize)]
struct Row {
    what: &'static str,
    children: usize,
    rows: u64,
    time: Time,
    /// What it may take, seconds.
    limit: u64,
}

/// Runs the benchmark.
///
/// # Errors
/// When it cannot be measured.
pub fn benchmark(args: &Args, machine: &Machine) -> Result<()> {
    let sql = PathBuf::from("sql").canonicalize().context("the folder sql; start this where it is")?;
    let mut rows = Vec::new();
    let mut slowest = Table::new("Jobs of the year", &["job", "time", "on processors"]);
    for (what, month, limit) in [("a year, in memory", false, 60), ("a month, in memory", true, 5)] {
        report::note(what);
        let task = Task { sql: sql.clone(), children: args.children, as_of: date(2026, 12, 20), month };
        let runs =
            (0..args.repeat).map(|_| Step::Fees(task.clone()).apart::<Measured>()).collect::<Result<Vec<_>>>()?;
        let time = measure::median(runs.iter().map(|run| run.whole).collect());
        let Some(first) = runs.first() else { continue };
        if !month {
            for (job, time) in &first.jobs {
                let [wall, cpu] = report::both(*time);
                slowest.row([job.clone(), wall, cpu]);
            }
        }
        rows.push(Row { what, children: first.children, rows: first.rows as u64, time, limit });
    }
    rows.extend(changed(args, &sql)?);
    let method = "In memory: the five jobs of the fee on registers of households with awkward lives, planning included. \
                  From the file: a whole register of incomes in which one has changed is received, landed and run, with \
                  all jobs and invariants of fees, to the published generation; each step a process of its own.";
    let mut table = Table::new("Seconds", &["", "children", "rows", "time", "on processors", "may take"]);
    for row in &rows {
        let [wall, cpu] = report::both(row.time);
        let children = report::grouped(row.children as u64);
        table.row([row.what.to_owned(), children, report::grouped(row.rows), wall, cpu, format!("{} s", row.limit)]);
    }
    report::finish(&args.dir, "fees", machine, method, &rows, &[table, slowest])
}

/// The families of so many children.
fn families(children: usize, as_of: NaiveDate, month: bool) -> Vec<Family> {
    let mut draw = Draw::new(SEED, as_of);
    let mut families = Vec::new();
    let mut drawn = 0;
    while drawn < children {
        let mut family = draw.families(1).remove(0);
        let mut ids: Vec<&String> = family.placements.iter().map(|row| &row.child).collect();
        ids.sort_unstable();
        ids.dedup();
        drawn += ids.len();
        if month {
            let first = month_start(as_of);
            family.placements.retain(|row| row.ends_on.is_none_or(|end| end >= first));
            family.placements.iter_mut().for_each(|row| row.starts_on = row.starts_on.max(first));
        }
        families.push(family);
    }
    families
}

/// Computes the jobs, in this process.
///
/// # Errors
/// When a job fails.
pub async fn measure(task: &Task) -> Result<Measured> {
    let families = families(task.children, task.as_of, task.month);
    let library = jobs::library(&task.sql)?;
    let context = jobs::session(&library, &families, task.as_of)?;
    let mut children: Vec<_> = families.iter().flat_map(|family| &family.placements).map(|row| &row.child).collect();
    children.sort_unstable();
    children.dedup();
    let watch = Stopwatch::start();
    let (mut laps, mut rows, mut last) = (Vec::new(), 0, Time::default());
    for job in jobs::JOBS {
        let batches = jobs::compute(&library, &context, task.as_of, job).await?;
        rows = batches.iter().map(|batch| batch.num_rows()).sum();
        let now = watch.time();
        laps.push((job.to_owned(), Time { wall: now.wall - last.wall, cpu: now.cpu - last.cpu }));
        last = now;
    }
    Ok(Measured { children: children.len(), rows, jobs: laps, whole: last, memory_peak: measure::peak() })
}

/// One income of the register changes.
fn changed(args: &Args, sql: &Path) -> Result<Vec<Row>> {
    let as_of = city::default_as_of();
    let thousands = args.children.div_ceil(CHILDREN_OF_A_THOUSAND);
    let source = data::once(&args.dir.join("data").join(format!("fees-{thousands}")), |dir| {
        let mut registry = Registry::default();
        let customers = customers(SEED, thousands * 1_000, &mut registry);
        let households = families::households(SEED, as_of, &customers, &mut registry);
        families::write(&Landing::new(dir), add_days(as_of, -1), &customers, &households)?;
        Ok(())
    })?;
    let work = tempfile::Builder::new().prefix("fees-").tempdir_in(&args.dir)?;
    let (landing, storage, jobs) = (work.path().join("landing"), work.path().join("store"), work.path().join("sql"));
    copy(&source.join("landing/ber"), &landing.join("ber"), |_| true)?;
    copy(sql, &jobs, |name| name == "catalogue.csv")?;
    copy(&sql.join("parameters"), &jobs.join("parameters"), |_| true)?;
    copy(&sql.join("fees"), &jobs.join("fees"), |_| true)?;
    copy(&sql.join("invariants"), &jobs.join("invariants"), |name| name.starts_with("INV-FEE-"))?;
    let receive = Step::Direct(stream::Task { landing: landing.clone(), storage: storage.clone(), broker: None });
    let run = Step::Run(run::Task { storage, sql: jobs, as_of });

    report::note("the first run, from the files");
    let landed: stream::Measured = receive.apart()?;
    let first: run::Measured = run.apart()?;
    let rows = first.rows.get("fee_month").copied().unwrap_or_default();
    let row = |what, rows, time, limit| Row { what, children: args.children, rows, time, limit };
    let first_time = landed.receive.plus(landed.land).plus(first.whole);
    let mut measured = vec![row("everything, from the files", rows, first_time, 60)];

    let register = landing.join(format!("ber/BER_INKOMST_{}.csv", add_days(as_of, -1)));
    let mut times = Vec::new();
    for turn in 0..args.repeat {
        report::note(&format!("one changed income, {} of {}", turn + 1, args.repeat));
        let text = fs::read(&register)?;
        let amount = format!(";{} 345,00;G;", 12 + turn);
        let changed = change(&text, amount.as_bytes()).context("the register has no line to change")?;
        fs::write(landing.join(format!("ber/BER_INKOMST_{as_of}_{turn}.csv")), changed)?;
        let landed: stream::Measured = receive.apart()?;
        let run: run::Measured = run.apart()?;
        times.push(landed.receive.plus(landed.land).plus(run.whole));
    }
    measured.push(row("one changed income, from its file", rows, measure::median(times), 1));
    Ok(measured)
}

/// The register with another amount in the line of the first household whose income is approved.
fn change(register: &[u8], amount: &[u8]) -> Option<Vec<u8>> {
    const STATUS: &[u8] = b";G;";
    let end = register.windows(STATUS.len()).position(|bytes| bytes == STATUS)?;
    let start = register[..end].iter().rposition(|byte| *byte == b';')?;
    Some([&register[..start], amount, &register[end + STATUS.len()..]].concat())
}

/// Copies the files of a folder whose names are wanted.
fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() && entry.file_name().to_str().is_some_and(&wanted) {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
