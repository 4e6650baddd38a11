//! `cargo xtask demo` and `cargo xtask bench`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::run::{build, must, pass_on, program, root};

/// The business date that the synthetic city is made for.
const AS_OF: &str = "2026-08-31";

/// Landing places of the city: name and which names are read as which format.
const PLACES: [(&str, &[(&str, &str)]); 5] = [
    ("bank", &[("KONTOUTDRAG*.csv", "bank_statement"), ("*", "bgmax")]),
    ("einvoice", &[("*.xml", "ubl")]),
    ("ber", &[("*HUSHALL*", "ber_household"), ("*PLACERING*", "ber_placement"), ("*INKOMST*", "ber_income")]),
    ("lois", &[("*AVTAL*", "lois_lease"), ("*HYRESRAD*", "lois_rent_component")]),
    (
        "erp",
        &[
            ("*KUNDRESKONTRA*", "erp_customer_item"),
            ("*SALDO*", "erp_ledger_balance"),
            ("*TRANS*", "erp_ledger_transaction"),
        ],
    ),
];

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
            must(city.args(["--seed", "1", "--as-of", AS_OF, "--scale", &scale.to_string(), "--dir"]).arg(&dir))?;
            fs::write(&mark, scale.to_string())?;
        }
    }
    let configuration = dir.join("reskontra.toml");
    if !configuration.exists() {
        fs::write(&configuration, toml(&root()))?;
    }
    let mut up = program("debug", "reskontra");
    up.arg("--config").arg(&configuration).arg("up");
    if once {
        up.arg("--once");
    }
    pass_on(&mut up)
}

fn toml(root: &Path) -> String {
    let mut text = format!(
        "# What `cargo xtask demo` runs with. Paths are relative to this file.\n\
         storage = \"store\"\nwork = \"work\"\nsql = {:?}\nexamples = {:?}\nas_of = \"{AS_OF}\"\n",
        root.join("sql"),
        root.join("tests/examples")
    );
    for (place, rules) in PLACES {
        let rules: Vec<String> =
            rules.iter().map(|(pattern, format)| format!("{{ pattern = {pattern:?}, format = {format:?} }}")).collect();
        let _ = write!(
            text,
            "\n[[landing]]\nname = {place:?}\nurl = \"landing/{place}\"\nrules = [{}]\n",
            rules.join(", ")
        );
    }
    text
}

/// Runs the benchmarks in an optimised build.
pub fn bench(name: Option<&str>) -> Result<ExitCode> {
    build(true)?;
    let mut bench = program("release", "bench");
    bench.current_dir(root()).args(name);
    pass_on(&mut bench)
}
