//! Speed, beside the speed of something that everyone knows, measured in the same run.
//!
//! `cargo xtask bench [parse|land|live|run|tick|jobs|fees]` builds this optimised and runs it. Each benchmark prints a table with ratios and
//! writes the same numbers to `target/bench/NAME.json`. No time makes it fail. What is measured how, and what came of it,
//! stands in `docs/benchmarks.md`.
//!
//! Every measurement is a [`step::Step`] in a process of its own: memory is counted for it alone, and no measurement
//! finds warm what another one left behind.

mod data;
mod fees;
mod jobs;
mod land;
mod live;
mod measure;
mod parse;
mod random;
mod report;
mod run;
mod step;
mod stream;
mod tick;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use report::Machine;

/// Measure the speed of parsing, landing, running, changing and querying.
#[derive(Debug, Clone, Parser)]
#[command(name = "bench", version)]
struct Args {
    /// Only this one.
    name: Option<Name>,
    /// Megabytes that each format is parsed of.
    #[arg(long, default_value_t = 100)]
    megabytes: u64,
    /// Payments that are landed, at least.
    #[arg(long, default_value_t = 1_000_000)]
    payments: u64,
    /// Open items of the ledger that payments come in for.
    #[arg(long, default_value_t = 1_000_000)]
    items: u64,
    /// Seconds for which payments come in, a thousand a second.
    #[arg(long, default_value_t = 60)]
    seconds: usize,
    /// Sizes of the city that jobs run on; the first is what the others are compared with.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10])]
    scales: Vec<u32>,
    /// Rows of the tables that ticks change; the first is what the others are compared with.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000, 10_000_000])]
    rows: Vec<u64>,
    /// Ticks of each table.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    ticks: u32,
    /// Children whose fees are computed.
    #[arg(long, default_value_t = 120_000)]
    children: usize,
    /// Rows that statements run on, and a quarter as many invoices.
    #[arg(long, default_value_t = 20_000_000)]
    bank_rows: u64,
    /// Bytes of memory that each statement is run with, beside once with all there are, for example `4GiB`.
    #[arg(long, value_delimiter = ',', default_value = "4GiB,1GiB", value_parser = engine::memory::bytes)]
    memory: Vec<u64>,
    /// Show how statements were run.
    #[arg(long)]
    explain: bool,
    /// How often each measurement is taken.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Folder for input, work and results.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
    /// Take the one measurement that standard input asks for; the benchmarks call themselves with this.
    #[arg(long, hide = true)]
    step: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// Bytes into rows, beside a memory copy and a split into lines.
    Parse,
    /// Payments into tables, directly and through Apache Kafka, beside a bare consumer.
    Land,
    /// From the broker to a published generation, with processes that follow and are killed.
    Live,
    /// The jobs, beside a hash join of the same tables.
    Run,
    /// A thousand changed rows of a large table, beside a scan of it.
    Tick,
    /// Join, anti-join and groupings of many rows, beside DuckDB.
    Jobs,
    /// The fees of all children for a year and a month, and after one changed income.
    Fees,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = if args.step { step::take() } else { benchmarks(&args) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::note(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn benchmarks(args: &Args) -> Result<()> {
    std::fs::create_dir_all(&args.dir)?;
    let args = Args { dir: args.dir.canonicalize()?, ..args.clone() };
    for (name, benchmark) in [
        (Name::Parse, parse::benchmark as fn(&Args, &Machine) -> Result<()>),
        (Name::Land, land::benchmark),
        (Name::Live, live::benchmark),
        (Name::Run, run::benchmark),
        (Name::Tick, tick::benchmark),
        (Name::Jobs, jobs::benchmark),
        (Name::Fees, fees::benchmark),
    ] {
        if args.name.is_none_or(|only| only == name) {
            benchmark(&args, &Machine::look())?;
        }
    }
    Ok(())
}
