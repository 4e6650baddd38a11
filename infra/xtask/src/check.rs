//! `cargo xtask test` and `cargo xtask check`.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::deploy;
use crate::run::{build, cargo, must, program, root, step};
use crate::tools::{DENY, MACHETE};

/// Everything that CI runs.
pub fn test() -> Result<ExitCode> {
    step("format", || must(&mut cargo(&["fmt", "--all", "--check"])))?;
    step("licences, bans, sources", deny)?;
    step("unused dependencies", || must(MACHETE.command()?.arg(".").current_dir(root())))?;
    step("lints", lints)?;
    step("docs", || {
        must(
            cargo(&["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"])
                .env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private-intra-doc-links"),
        )
    })?;
    step("Compose file, chart, alert rules", deploy::lint)?;
    step("servers", || {
        println!("   Apache Kafka in {}", harness::Kafka::install()?.display());
        println!("   Apache Kafka's tools in {}", harness::SecuredKafka::install()?.display());
        println!("   Apicurio Registry in {}", harness::SchemaRegistry::install()?.display());
        println!("   Versity Gateway in {}", harness::ObjectStorage::install()?.display());
        Ok(())
    })?;
    step("build", || build(false))?;
    step("style of the jobs", style)?;
    step("worked examples", examples)?;
    step("tests", || must(&mut cargo(&["test", "--quiet", "--workspace"])))?;
    println!("all good");
    Ok(ExitCode::SUCCESS)
}

/// Jobs on a cluster: a build of its own, because Ballista asks for all features of DataFusion.
pub fn cluster() -> Result<ExitCode> {
    const WITH: [&str; 3] = ["--workspace", "--features", "ballista"];
    step("build with Ballista", || must(cargo(&["build", "--bins"]).args(WITH)))?;
    step("lints with Ballista", || {
        must(cargo(&["clippy", "--quiet", "--all-targets"]).args(WITH).args(["--", "-D", "warnings"]))
    })?;
    step("jobs on a cluster", || {
        must(cargo(&["test", "--quiet", "--test", "stream"]).args(WITH).args([
            "cluster",
            "--",
            "--nocapture",
            "--test-threads",
            "1",
        ]))
    })?;
    println!("all good");
    Ok(ExitCode::SUCCESS)
}

/// How `test kill` is run.
#[derive(Debug, clap::Args)]
pub struct Kill {
    /// `kill`: how many rounds, each with a seed of its own.
    #[arg(long, default_value_t = 3)]
    rounds: u64,
    /// `kill`: the seed of the first round.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// `kill`: a folder with a folder for each landing place (bank, ber, einvoice, erp, lois), whose files take the
    /// place of the synthetic city's.
    #[arg(long)]
    files: Option<PathBuf>,
}

/// The kill matrix, longer than CI has time for.
pub fn kill(asked: &Kill) -> Result<ExitCode> {
    step("build", || build(false))?;
    step("killed again and again", || {
        let mut test = cargo(&["test", "--quiet", "--workspace", "--test", "stream", "--"]);
        test.args(["--ignored", "--nocapture", "killed_again_and_again"]);
        test.env("KILL_ROUNDS", asked.rounds.to_string()).env("KILL_SEED", asked.seed.to_string());
        if let Some(files) = &asked.files {
            test.env("KILL_FILES", files.canonicalize().with_context(|| files.display().to_string())?);
        }
        must(&mut test)
    })?;
    println!("all good");
    Ok(ExitCode::SUCCESS)
}

/// What takes seconds.
pub fn check() -> Result<ExitCode> {
    step("format", || must(&mut cargo(&["fmt", "--all", "--check"])))?;
    step("lints", lints)?;
    step("build", || build(false))?;
    step("contracts and their earlier versions", contracts)?;
    step("style of the jobs", style)?;
    step("worked examples", examples)?;
    Ok(ExitCode::SUCCESS)
}

fn lints() -> Result<()> {
    must(&mut cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn style() -> Result<()> {
    must(program("debug", "reskontra").arg("lint").current_dir(root()))
}

/// What earlier versions of the contracts wrote can be read. (`test` runs all tests.)
fn contracts() -> Result<()> {
    must(&mut cargo(&["test", "--quiet", "--workspace", "--test", "versions"]))
}

fn examples() -> Result<()> {
    must(program("debug", "reskontra").args(["test", "--quiet"]).current_dir(root()))
}

/// The workspaces, each with a lock file of its own.
const WORKSPACES: [&str; 2] = ["Cargo.toml", "connectors/formats/fuzz/Cargo.toml"];

/// Licences, bans and sources must hold, for all workspaces by one `deny.toml`. Advisories are checked where their
/// database can be reached, and said to be skipped where not.
fn deny() -> Result<()> {
    for workspace in WORKSPACES {
        must(deny_of(workspace)?.args(["check", "licenses", "bans", "sources"]))?;
    }
    let fetched = quiet(deny_of(WORKSPACES[0])?.args(["fetch", "db"]))?;
    if !fetched {
        println!("   advisories SKIPPED: their database cannot be reached from here");
        return Ok(());
    }
    WORKSPACES.into_iter().try_for_each(|workspace| must(deny_of(workspace)?.args(["check", "advisories"])))
}

fn deny_of(workspace: &str) -> Result<Command> {
    let mut command = DENY.command()?;
    command.args(["--log-level", "error", "--config", "deny.toml", "--manifest-path", workspace]).current_dir(root());
    Ok(command)
}

/// Runs a command that may fail; its output is shown only by `must`.
fn quiet(command: &mut Command) -> Result<bool> {
    let output = command.output();
    match output {
        Ok(output) => Ok(output.status.success()),
        Err(error) => bail!("{error}"),
    }
}
