use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The streaming ledger control of a city: every record in, every öre accounted for, every exception on a list.
#[derive(Debug, Parser)]
#[command(name = "reskontra", version, propagate_version = true)]
pub struct Args {
    /// Configuration file. Without it `reskontra.toml` in the working directory is read when it exists.
    #[arg(long, short, global = true, env = "RESKONTRA_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the worked examples of the jobs and show what differs.
    #[command(after_help = "Examples:\n  reskontra test            all jobs\n  reskontra test ar_match   one job")]
    Test {
        /// Only the examples of this job.
        job: Option<String>,
        /// Name only what fails.
        #[arg(long, short)]
        quiet: bool,
    },
}
