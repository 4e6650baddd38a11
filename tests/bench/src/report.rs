//! What a benchmark tells: a table for people, the same numbers as JSON, and the machine they were measured on.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::json;

use crate::measure::Time;

/// Where it was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Name of the processor.
    pub processor: String,
    /// Processors.
    pub cores: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Load averages of 1, 5 and 15 minutes at the start: what else the machine had to do.
    pub load_average: String,
    /// Commit of the sources, `+` when files differ from it; nothing where git cannot tell.
    pub commit: Option<String>,
    /// False for a build whose times say little.
    pub optimised: bool,
}

impl Machine {
    /// This one, now.
    pub fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, key: &str| {
            let line = text.lines().find(|line| line.starts_with(key));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let memory: u64 = memory.split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or_default();
        let load = read("/proc/loadavg");
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory / 1024,
            load_average: load.split(' ').take(3).collect::<Vec<_>>().join(" "),
            commit: commit(),
            optimised: !cfg!(debug_assertions),
        }
    }
}

fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let hash = git(&["rev-parse", "--short", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|files| !files.is_empty());
    Some(if changed { format!("{hash}+") } else { hash })
}

/// A table for people.
#[derive(Debug)]
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with the names of its columns, units included.
    pub fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        Self { title: title.into(), rows: vec![columns.iter().map(|&column| column.to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
        let mut text = format!("\n{}\n", self.title);
        for row in &self.rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                let pad = " ".repeat(width - cell.chars().count());
                if column == 0 { format!("{cell}{pad}") } else { format!("{pad}{cell}") }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            text.push_str(&format!("  {}\n", line.trim_end()));
        }
        text
    }
}

/// Prints the tables and writes `NAME.json` in `dir`.
///
/// # Errors
/// When the file cannot be written.
pub fn finish(
    dir: &Path,
    name: &str,
    machine: &Machine,
    method: &str,
    results: &impl Serialize,
    tables: &[Table],
) -> Result<()> {
    let build = if machine.optimised { "" } else { ", NOT OPTIMISED: these times say little" };
    let mut text = format!(
        "\n{name}: {} cores ({}), {} MiB, load {} at the start{build}\n{method}\n",
        machine.cores, machine.processor, machine.memory_mib, machine.load_average
    );
    tables.iter().for_each(|table| text.push_str(&table.text()));
    say(&text);
    let file = dir.join(format!("{name}.json"));
    let content = json!({ "benchmark": name, "machine": machine, "method": method, "results": results });
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(&file, serde_json::to_vec_pretty(&content)?))
        .with_context(|| format!("writing {}", file.display()))?;
    say(&format!("written to {}\n", file.display()));
    Ok(())
}

/// Prints a text; a reader that has gone away is no failure.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
}

/// Tells on standard error what goes on.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "… {text}");
}

/// `1 234 567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Of something, per second.
pub fn per_second(count: u64, nanoseconds: u64) -> u64 {
    let rate = u128::from(count) * 1_000_000_000 / u128::from(nanoseconds.max(1));
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// Millions of bytes per second, with one decimal.
pub fn megabytes(bytes: u64, nanoseconds: u64) -> String {
    let tenths = per_second(bytes, nanoseconds) / 100_000;
    format!("{}.{}", grouped(tenths / 10), tenths % 10)
}

/// `12.34 s`.
pub fn seconds(nanoseconds: u64) -> String {
    let hundredths = nanoseconds / 10_000_000;
    format!("{}.{:02} s", hundredths / 100, hundredths % 100)
}

/// `12.3 ms`.
pub fn milliseconds(nanoseconds: u64) -> String {
    let tenths = nanoseconds / 100_000;
    format!("{}.{} ms", grouped(tenths / 10), tenths % 10)
}

/// Wall and processor time.
pub fn both(time: Time) -> [String; 2] {
    [seconds(time.wall), seconds(time.cpu)]
}

/// `part` in thousandths of `whole`: 1000 when they are the same.
pub fn permille(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 1000 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

/// Thousandths as a factor: `12.3×`.
pub fn times(permille: u64) -> String {
    let tenths = (permille + 50) / 100;
    match permille {
        0..1000 => format!("0.{permille:03}×"),
        _ => format!("{}.{}×", grouped(tenths / 10), tenths % 10),
    }
}

/// Thousandths as a factor with two decimals, for what is close to one: `0.98×`.
pub fn hundredths(permille: u64) -> String {
    let hundredths = (permille + 5) / 10;
    format!("{}.{:02}×", grouped(hundredths / 100), hundredths % 100)
}

/// KiB as MiB.
pub fn mebibytes(kib: u64) -> String {
    format!("{} MiB", grouped(kib / 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(1_234_567), "1 234 567");
        assert_eq!(megabytes(150_000_000, 500_000_000), "300.0");
        assert_eq!(seconds(1_239_000_000), "1.23 s");
        assert_eq!(milliseconds(1_239_450_000), "1 239.4 ms");
        assert_eq!(times(permille(5, 40)), "0.125×");
        assert_eq!(times(permille(40, 5)), "8.0×");
        assert_eq!((hundredths(996), hundredths(1_304)), ("1.00×".to_owned(), "1.30×".to_owned()));
        assert_eq!(per_second(10, 0), 10_000_000_000);
    }

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new("speed", &["what", "MB/s"]);
        table.row(["längre namn".to_owned(), "1 000".to_owned()]);
        assert_eq!(table.text(), "\nspeed\n  what          MB/s\n  längre namn  1 000\n");
    }
}
