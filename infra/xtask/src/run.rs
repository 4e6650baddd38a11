//! Running other programs.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map(PathBuf::from).unwrap_or(here)
}

/// Cargo, in the workspace.
///
/// Cargo tells this program about the package it belongs to. Cargo itself must not hear that: build scripts that watch
/// such a variable (ring's `CARGO_MANIFEST_DIR`) would run again whenever a person and this program take turns, and
/// all that stands on them, DataFusion among it, would be compiled again.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"].contains(&told.as_ref()) {
            command.env_remove(&name);
        }
    }
    command
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    root().join(set.unwrap_or_else(|| "target".into()))
}

/// A program of the workspace, built.
pub fn program(profile: &str, name: &str) -> Command {
    Command::new(target().join(profile).join(name))
}

/// Builds every program of the workspace.
///
/// Always all of it: another selection would have other features, and cargo would build the heavy crates twice.
pub fn build(release: bool) -> Result<()> {
    let mut command = cargo(&["build", "--workspace", "--bins"]);
    if release {
        command.arg("--release");
    }
    must(&mut command)
}

/// Runs a command that must succeed.
pub fn must(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command.status().with_context(|| format!("running {shown}"))?;
    if !status.success() {
        bail!("{shown} failed ({status})");
    }
    Ok(())
}

/// Runs a command and passes its exit code on.
pub fn pass_on(command: &mut Command) -> Result<ExitCode> {
    let shown = show(command);
    let status = command.status().with_context(|| format!("running {shown}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Runs a step of a longer work and says how long it took.
pub fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("── {name}");
    let start = Instant::now();
    work().with_context(|| name.to_owned())?;
    println!("   {name}: {:.0?}", start.elapsed());
    Ok(())
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
