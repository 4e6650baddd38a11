//! `cargo xtask fuzz`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::run::{must, root, step, target};
use crate::tools::FUZZ;

/// The longest input. A finding in more bytes is one in fewer; long inputs are slow.
const LONGEST: &str = "-max_len=16384";
/// Seconds that an input may take: a thousand times what it should, on a machine that does much else.
const SLOWEST: &str = "-timeout=10";
/// MiB of the whole process, behind the bound on each input that the targets keep themselves.
const MOST_MEMORY: &str = "-rss_limit_mb=2048";

/// Runs each target for a time.
pub fn fuzz(only: Option<&str>, seconds: u32) -> Result<ExitCode> {
    let sources = root().join("connectors/formats/fuzz");
    let targets = names(&sources.join("targets"))?;
    if let Some(only) = only.filter(|only| !targets.iter().any(|target| target == only)) {
        bail!("there is no target {only}; there are: {}", targets.join(", "));
    }
    let built = target().join("fuzz");
    step("build", || {
        // Without a sanitizer the pinned, stable toolchain will do; the code is free of `unsafe`.
        must(cargo_fuzz("build", &sources, &built)?.args(only))
    })?;
    for target in targets.iter().filter(|target| only.is_none_or(|only| only == target.as_str())) {
        step(target, || {
            let [found, artifacts] = ["corpus", "artifacts"].map(|kind| built.join(kind).join(target));
            for folder in [&found, &artifacts] {
                fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
            }
            let mut run = cargo_fuzz("run", &sources, &built)?;
            run.arg(target).arg(&found).arg(sources.join("corpus").join(target));
            run.args(["--", LONGEST, SLOWEST, MOST_MEMORY, "-print_final_stats=1", "-verbosity=0"]);
            run.arg(format!("-max_total_time={seconds}"));
            run.arg(format!("-artifact_prefix={}/", artifacts.display()));
            must(&mut run)
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn cargo_fuzz(verb: &str, sources: &Path, built: &Path) -> Result<Command> {
    let mut command = FUZZ.command()?;
    command.arg(verb).arg("--fuzz-dir").arg(sources).args(["--sanitizer", "none", "--target-dir"]).arg(built);
    command.current_dir(root());
    Ok(command)
}

/// Names of the targets, in alphabetical order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<PathBuf>, _>>()?;
    let mut names: Vec<String> = paths.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}
