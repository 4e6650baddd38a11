//! Writes a synthetic city: `city --seed 1 --scale 1 --dir target/city`.

use std::io::Write as _;
use std::path::PathBuf;

use chrono::NaiveDate;
use city::City;
use clap::Parser;

/// Write a synthetic city: input files under DIR/landing, the ground truth under DIR/truth.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The same seed, scale and date give the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Size: 1 is 2 000 customers, 3 000 open items, 2 500 payments, 200 e-invoices, 1 500 children, 300 leases.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    scale: u32,
    /// Business date.
    #[arg(long, default_value_t = city::default_as_of())]
    as_of: NaiveDate,
    /// Folder to write to.
    #[arg(long)]
    dir: PathBuf,
    /// Folder of the jobs. With it, DIR/reskontra.toml is written too, which runs the stream on the city.
    #[arg(long, requires = "examples")]
    sql: Option<PathBuf>,
    /// Folder of the jobs' worked examples.
    #[arg(long, requires = "sql")]
    examples: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let city = City::generate_at(arguments.seed, arguments.scale, arguments.as_of)?;
    let truth = city.write(&arguments.dir)?;
    if let (Some(sql), Some(examples)) = (&arguments.sql, &arguments.examples) {
        let [sql, examples] = [std::path::absolute(sql)?, std::path::absolute(examples)?];
        std::fs::write(arguments.dir.join("reskontra.toml"), city.configuration(&sql, &examples))?;
    }
    let records: u64 = truth.files.iter().map(|file| file.records).sum();
    writeln!(
        std::io::stdout(),
        "{} files, {records} records, {} payments, {} placement months in {}",
        truth.files.len(),
        truth.payments.len(),
        truth.fees.len(),
        arguments.dir.display()
    )?;
    Ok(())
}
