//! `cargo xtask`: what a person or CI does with the workspace as a whole.
//!
//! It installs what it needs through the ordinary package managers, into the user's cache folder.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command for the terminal")]

mod check;
mod demo;
mod deploy;
mod fuzz;
mod run;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Build, try and check Reskontra.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a small synthetic city, run the whole stream on it without a broker, and serve the result.
    ///
    /// A second run on the same folder goes on from where it was.
    Demo {
        /// Stop after publishing; serve nothing.
        #[arg(long)]
        once: bool,
        /// Size of the city: 1 is 2 000 customers, 2 500 payments, 200 e-invoices and 1 500 children.
        #[arg(long, default_value_t = 1)]
        scale: u32,
        /// Folder that keeps everything of the run; `DIR/reskontra.toml` is its configuration.
        #[arg(long, default_value = "target/demo")]
        dir: PathBuf,
    },
    /// Everything that CI runs: format, lints, licences, unused dependencies, docs, tests, worked examples.
    Test {
        /// Only a part that `test` leaves out: `cluster`, jobs on a Ballista cluster, which is long to build; `kill`, the
        /// kill matrix with more rounds.
        part: Option<Part>,
        #[command(flatten)]
        kill: check::Kill,
    },
    /// The part of `test` that takes seconds when nothing heavy has changed: format, lints, worked examples.
    Check,
    /// Fuzz the parsers of files and numbers with libFuzzer, which needs a C++ compiler; a finding stops it.
    ///
    /// What is found stands under `target/fuzz/artifacts`: put it into `connectors/formats/fuzz/corpus/TARGET`, where
    /// the tests read it.
    Fuzz {
        /// Only this target: a format, `register` or `numbers`.
        target: Option<String>,
        /// How long each target runs.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Compare the fees that the jobs compute with a second calculation from the law, to the krona, for as many
    /// household-years as one likes; optimised.
    Fees {
        /// Options such as `--households 100000` and `--seed 7` (see `fees --help`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Benchmarks in an optimised build; prints ratios and writes them as JSON under `target/bench`.
    Bench {
        /// Only one of parse, land, live, run, tick, jobs and fees; options such as `--payments 100000` (see `bench --help`). Or
        /// `formats`, every parser on a large file, which builds little: `formats --megabytes 20 camt ubl`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// A part of the tests that is asked for by its name.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Part {
    /// Jobs on a Ballista cluster.
    Cluster,
    /// Killed at every point and at moments by the clock, with a broker and without, on all jobs.
    Kill,
}

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Demo { once, scale, dir } => demo::demo(once, scale, &dir),
        Command::Test { part: None, .. } => check::test(),
        Command::Test { part: Some(Part::Cluster), .. } => check::cluster(),
        Command::Test { part: Some(Part::Kill), kill } => check::kill(&kill),
        Command::Check => check::check(),
        Command::Fuzz { target, seconds } => fuzz::fuzz(target.as_deref(), seconds),
        Command::Fees { arguments } => demo::fees(&arguments),
        Command::Bench { arguments } => demo::bench(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
