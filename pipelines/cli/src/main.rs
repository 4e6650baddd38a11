//! `reskontra`: the one binary. Files in, tables and work-lists out.
//!
//! This crate reads the command line, the configuration and the clock, and hands them to the others; nothing
//! else in the workspace reads a clock or ends the process.

mod args;
mod config;
mod examples;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(code) => code,
        Err(error) => {
            print::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let config = config::Config::load(args.config.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(16 << 20).build()?;
    runtime.block_on(async move {
        match args.command {
            Command::Test { job, quiet } => examples::test(&config, job.as_deref(), quiet).await,
        }
    })
}

/// Where text goes: results to standard output, what happened to standard error.
#[allow(clippy::print_stdout, clippy::print_stderr)]
mod print {
    /// A line of the result.
    pub fn out(line: &str) {
        use std::io::Write as _;
        // A reader that has gone away, such as `head`, is no failure of ours.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// A line about what happened.
    pub fn note(line: &str) {
        eprintln!("{line}");
    }

    /// Why the command failed.
    pub fn error(line: &str) {
        eprintln!("error: {line}");
    }
}
