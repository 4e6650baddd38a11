//! DuckDB, a program of its own that the benchmark installs for itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::{Measured, Task, tables};
use crate::report::note;

/// What it is compared with.
pub const VERSION: &str = "2.0.0";
const SCRIPT: &str = include_str!("duckdb.py");

/// The Python that has it.
pub struct Peer {
    python: PathBuf,
}

impl Peer {
    /// Installs it in a folder of the benchmark's, once.
    ///
    /// # Errors
    /// When there is no Python, or the package cannot be had.
    pub fn install(dir: &Path) -> Result<Self> {
        let home = dir.join(format!("duckdb-{VERSION}"));
        let python = home.join("bin/python");
        let have = Command::new(&python).args(["-c", "import duckdb"]).stderr(Stdio::null()).status();
        if !have.is_ok_and(|status| status.success()) {
            note(&format!("installing DuckDB {VERSION} in {}", home.display()));
            must(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
            let package = format!("duckdb=={VERSION}");
            must(Command::new(&python).args(["-m", "pip", "install", "--quiet", &package]))?;
        }
        Ok(Self { python })
    }

    /// Runs a statement in a process of its own.
    ///
    /// # Errors
    /// When it fails.
    pub fn run(&self, task: &Task) -> Result<Measured> {
        let files = |name: &&'static str| (*name, tables::files(&task.storage, name));
        let order = json!({
            "sql": task.sql,
            "memory": task.memory,
            "spill": task.spill,
            "threads": std::thread::available_parallelism().map_or(1, usize::from),
            "tables": tables::NAMES.iter().map(files).collect::<BTreeMap<_, _>>(),
        });
        let mut command = Command::new(&self.python);
        command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = command.spawn().context("starting DuckDB")?;
        if let Some(mut input) = process.stdin.take() {
            serde_json::to_writer(&mut input, &order).context("telling DuckDB what to do")?;
        }
        let output = process.wait_with_output()?;
        if !output.status.success() {
            bail!("DuckDB failed ({})", output.status);
        }
        serde_json::from_slice(&output.stdout).context("what DuckDB printed")
    }
}

fn must(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.stdout(Stdio::null()).status().with_context(|| format!("running {program}"))?;
    if !status.success() {
        bail!("DuckDB cannot be installed: {program} failed ({status})");
    }
    Ok(())
}
