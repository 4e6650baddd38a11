//! Compares the fees that the jobs compute with those of the law, for as many households as one likes.
#![allow(clippy::print_stdout, reason = "this is a command for the terminal")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use chrono::NaiveDate;
use clap::Parser;
use fees::{Report, compare, compare_taxed, jobs};

#[derive(Debug, Parser)]
#[command(name = "fees", version)]
struct Args {
    /// Household-years.
    #[arg(long, default_value_t = 100_000)]
    households: usize,
    /// Other households.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Last months of the years; the households are spread over them.
    #[arg(long, value_delimiter = ',', default_values_t = years())]
    as_of: Vec<NaiveDate>,
    /// Folder of the jobs.
    #[arg(long, default_value = "sql")]
    sql: PathBuf,
}

/// A year in which Stockholm's tariff began a month after the state's, one with two regimes, and one without a tariff.
fn years() -> Vec<NaiveDate> {
    [(2024, 12), (2025, 6), (2026, 8), (2026, 12), (2027, 3)]
        .map(|(year, month)| city::dates::date(year, month, 20))
        .to_vec()
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let library = jobs::library(&args.sql)?;
    let mut report = Report::default();
    // One year's households at a time, in parts that fit into memory.
    let (part, mut seed) = (20_000, args.seed);
    for as_of in &args.as_of {
        let mut left = args.households / args.as_of.len().max(1);
        while left > 0 {
            let now = left.min(part);
            report.add(compare(&library, seed, *as_of, now).await?);
            left -= now;
            seed = seed.wrapping_add(1);
        }
    }
    print!("{report}");
    let compared = compare_taxed(&library, args.seed, (args.households / 10).min(part)).await?;
    print!("on taxed income: {compared}");
    Ok(if report.differences.is_empty() && compared.differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
