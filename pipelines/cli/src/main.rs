//! `reskontra`: the one binary. Files in, tables and work-lists out.
//!
//! This crate reads the command line, the configuration and the clock, and hands them to the others; nothing
//! else in the workspace reads a clock or ends the process.

mod args;
mod catalogue;
mod config;
mod deploy;
mod dev;
mod diff;
mod docs;
mod draw;
mod examples;
mod explain;
mod follow;
mod gaps;
mod landing;
mod lint;
mod money;
mod monitor;
mod parse;
mod query;
mod runs;
mod seal;
mod serve;
mod source;
mod stop;
mod stream;
mod summary;
mod tell;
mod topics;
mod up;
mod vacuum;
mod work;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command, GapsCommand};
use config::Config;
use monitor::Role;

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
    let config = Config::load(args.config.as_deref())?;
    let _telemetry = monitor::start(&config)?;
    config.limit_memory()?;
    // DataFusion plans recursively; deep plans need deep stacks in unoptimised builds.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(16 << 20).build()?;
    let ended = runtime.block_on(async move {
        match args.command {
            Command::Up { once, date, engine } => {
                let config = config.on(engine);
                let as_of = || config.as_of(date);
                if once {
                    return up::once(&config, as_of()).await;
                }
                monitor::watched(&config, Role::UP, |stop| up::up(&config, as_of, stop)).await
            }
            Command::Ingest { follow: true } => {
                monitor::watched(&config, Role::INGEST, |stop| up::ingest(&config, stop)).await
            }
            Command::Land { follow: true, shard } => {
                monitor::watched(&config, Role::LAND, |stop| up::land(&config, shard, stop)).await
            }
            Command::Ingest { follow: false } => {
                let received = stream::Intake::open(&config).await?.receive().await?;
                print::out(&received.to_string());
                Ok(if received.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
            Command::Land { follow: false, shard } => {
                let round = landing::Lander::open(&config, shard).await?.round().await?;
                print::out(&format!("{} rows landed", round.rows));
                Ok(if round.tell_gaps() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
            }
            Command::Gaps { command: None } => gaps::list(&config).await,
            Command::Gaps { command: Some(GapsCommand::Jump { gap, reason }) } => {
                gaps::jump(&config, &gap, &reason).await
            }
            Command::Gaps { command: Some(GapsCommand::Fill) } => gaps::fill(&config).await,
            Command::Run { follow, full, compact, date, engine } => {
                let mut config = config.on(engine);
                if full {
                    config.refresh.keys = 0;
                }
                config.compact |= compact;
                if follow {
                    let as_of = || config.as_of(date);
                    return monitor::watched(&config, Role::RUN, |stop| up::run(&config, as_of, stop)).await;
                }
                let report = stream::run(&config, &config.lake()?, config.as_of(date)).await?;
                Ok(stream::verdict(&report))
            }
            Command::Topics(asked) => topics::topics(&config, asked).await,
            Command::Serve => monitor::watched(&config, Role::SERVE, |stop| serve::serve(&config, stop)).await,
            Command::Parse { format, file, name } => parse::parse(&format, &file, name.as_deref()),
            Command::Example(asked) => draw::example(&config, &asked).await,
            Command::Lint { files } => lint::lint(&config, &files),
            Command::Dev { once: false, .. } => dev::watch(&config).await,
            Command::Dev { once: true, files } => dev::once(&config, &files).await,
            Command::Test { job, quiet, update } => {
                examples::test(&config, &examples::Request { only: job.as_deref(), quiet, update }).await
            }
            Command::Query(asked) => query::query(&config, &asked).await,
            Command::Explain(asked) => explain::explain(&config, &asked).await,
            Command::Docs { out } => docs::docs(&config, &out),
            Command::Plan { json, date } => deploy::plan(&config, json, config.as_of(date)).await,
            Command::Diff(asked) => Ok(diff::diff(&config, &asked).await.unwrap_or_else(|error| diff::failed(&error))),
            Command::Deploy { yes, date, engine } => {
                let as_of = config.as_of(date);
                deploy::deploy(&config.on(engine), yes, as_of).await
            }
            Command::Rollback { to, reason } => deploy::rollback(&config, to, reason).await,
            Command::Replay { generation, json } => {
                Ok(diff::replay(&config, generation, json).await.unwrap_or_else(|error| diff::failed(&error)))
            }
            Command::Generations => query::generations(&config).await,
            Command::Vacuum { dry_run, archive, date } => {
                vacuum::vacuum(&config, archive.then(|| config.as_of(date)), dry_run).await
            }
            Command::Catalogue { prefix, open } => catalogue::catalogue(&config, prefix.as_deref(), open),
        }
    });
    // A step that was abandoned may block a thread; what it does no longer counts.
    runtime.shutdown_background();
    if let Some(file) = args.metrics {
        monitor::write(&file)?;
    }
    ended
}

/// Where text goes: results to standard output, what happened to standard error.
#[allow(clippy::print_stderr, reason = "this is the one place that prints")]
mod print {
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A line of the result.
    pub fn out(line: &str) {
        use std::io::Write as _;
        // A reader that has gone away, such as `head`, is no failure of ours.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// Clears the screen, when there is one.
    pub fn clear() {
        use std::io::{IsTerminal as _, Write as _};
        let mut out = std::io::stdout().lock();
        if out.is_terminal() {
            let _ = write!(out, "\x1b[2J\x1b[H").and_then(|()| out.flush());
        }
    }

    /// Whether lines on standard error are for a program that reads JSON.
    static STRUCTURED: AtomicBool = AtomicBool::new(false);

    /// From now on standard error is for a program that reads JSON: what is written for people is left out, and what
    /// failed is an event.
    pub fn structured() {
        STRUCTURED.store(true, Ordering::Relaxed);
    }

    /// A line about what happened. As JSON it is told by events with fields, and not in words that may quote data.
    pub fn note(line: &str) {
        if !STRUCTURED.load(Ordering::Relaxed) {
            eprintln!("{line}");
        }
    }

    /// Why the command failed.
    pub fn error(line: &str) {
        if STRUCTURED.load(Ordering::Relaxed) {
            tracing::error!("{line}");
        } else {
            eprintln!("error: {line}");
        }
    }
}
