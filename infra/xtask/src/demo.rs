//! `cargo xtask demo` and `cargo xtask bench`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::run::{build, cargo, must, pass_on, program, root};

/// Makes the city, runs the stream, serves.
pub fn demo(once: bool, scale: u32, dir: &Path) -> Result<ExitCode> {
    build(false)?;
    let dir = root().join(dir);
    fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    let mark = dir.join("city-scale");
    match fs::read_to_string(&mark) {
        Ok(made) if made.trim() == scale.to_string() => {}
        Ok(made) => bail!("{} holds a city of scale {}; take another --dir, or remove it", dir.display(), made.trim()),
        Err(_) => {
            let mut city = program("debug", "city");
            city.args(["--seed", "1", "--scale", &scale.to_string(), "--dir"]).arg(&dir);
            city.arg("--sql").arg(root().join("sql")).arg("--examples").arg(root().join("tests/examples"));
            must(&mut city)?;
            fs::write(&mark, scale.to_string())?;
        }
    }
    let mut up = program("debug", "reskontra");
    up.arg("--config").arg(dir.join("reskontra.toml")).arg("up");
    if once {
        up.arg("--once");
    }
    pass_on(&mut up)
}

/// Runs the benchmarks in an optimised build; that of the parsers needs nothing else built.
pub fn bench(arguments: &[String]) -> Result<ExitCode> {
    if let Some((first, rest)) = arguments.split_first()
        && first == "formats"
    {
        return pass_on(cargo(&["bench", "--quiet", "--package", "formats", "--bench", "formats", "--"]).args(rest));
    }
    optimised("bench", arguments)
}

/// Builds optimised and compares the fees with the law.
pub fn fees(arguments: &[String]) -> Result<ExitCode> {
    optimised("fees", arguments)
}

fn optimised(name: &str, arguments: &[String]) -> Result<ExitCode> {
    build(true)?;
    pass_on(program("release", name).current_dir(root()).args(arguments))
}
