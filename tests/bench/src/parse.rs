//! `parse`: bytes into rows on one processor, beside a copy of the same bytes and their split into lines.

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use formats::{FileInfo, Reject, Sink, SinkError, Verdict};
use schemas::Contract;
use serde::{Deserialize, Serialize};

use crate::measure::{self, Time};
use crate::report::{self, Machine, Table};
use crate::step::Step;
use crate::{Args, data};

/// A format to parse.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    format: String,
    files: Vec<PathBuf>,
    /// Files are read again until so many bytes are parsed.
    bytes: u64,
    repeat: u32,
}

/// What was measured. Times are those of the thread; of the repetitions the best.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    format: String,
    bytes: u64,
    files: u64,
    rows: u64,
    rejects: u64,
    parse: Time,
    copy: Time,
    lines: Time,
    /// Memory in use before the first parse, the input included, and the most in use during it, in KiB.
    memory_before: u64,
    memory_peak: u64,
}

/// Runs the benchmark.
///
/// # Errors
/// When it cannot be measured.
pub fn benchmark(args: &Args, machine: &Machine) -> Result<()> {
    let bytes = args.megabytes * 1_000_000;
    let input = data::parser_input(&args.dir.join("data"), bytes)?;
    let inputs =
        [("bgmax", vec![input.bgmax]), ("ubl", data::files(&input.ubl)?), ("erp_customer_item", vec![input.register])];
    let mut results: Vec<Measured> = Vec::new();
    for (format, files) in inputs {
        report::note(&format!("parsing {format}"));
        results.push(Step::Parse(Task { format: format.to_owned(), files, bytes, repeat: args.repeat }).apart()?);
    }
    let mut speed = Table::new(
        "One processor: MB/s (10⁶ bytes)",
        &["format", "MB", "rows", "parse", "rows/s", "copy", "lines", "parse ÷ copy", "parse ÷ lines"],
    );
    let mut memory = Table::new("Memory", &["format", "MB in a file", "before", "peak", "grew by"]);
    for one in &results {
        let rate = |time: Time| report::megabytes(one.bytes, time.cpu);
        speed.row([
            one.format.clone(),
            report::grouped(one.bytes / 1_000_000),
            report::grouped(one.rows),
            rate(one.parse),
            report::grouped(report::per_second(one.rows, one.parse.cpu)),
            rate(one.copy),
            rate(one.lines),
            report::times(report::permille(one.copy.cpu, one.parse.cpu)),
            report::times(report::permille(one.lines.cpu, one.parse.cpu)),
        ]);
        let grown = one.memory_peak.saturating_sub(one.memory_before);
        let per_file = one.bytes / one.files.max(1) / 10_000;
        memory.row([
            one.format.clone(),
            format!("{}.{:02}", report::grouped(per_file / 100), per_file % 100),
            report::mebibytes(one.memory_before),
            report::mebibytes(one.memory_peak),
            report::mebibytes(grown),
        ]);
    }
    let method = format!(
        "Bytes in memory, rows dropped as they come; time of the thread on a processor; warmed up once, then the best of \
         {} with copy, lines and parse in turn.\nMemory before holds the input twice (once for the copy).",
        args.repeat
    );
    report::finish(&args.dir, "parse", machine, &method, &results, &[speed, memory])
}

/// Takes the measurement in this process.
///
/// # Errors
/// When a file cannot be read or is refused.
pub fn measure(task: &Task) -> Result<Measured> {
    let mut input: Vec<(String, Vec<u8>)> = Vec::new();
    for file in &task.files {
        let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        input.push((name, bytes));
    }
    let size: u64 = input.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    let rounds = task.bytes.div_ceil(size.max(1)).max(1);
    let mut copies: Vec<Vec<u8>> = input.iter().map(|(_, bytes)| vec![1; bytes.len()]).collect();

    let memory_before = measure::resident();
    measure::forget_peak();
    let count = parse(&task.format, &input)?;
    let memory_peak = measure::peak();
    copy(&input, &mut copies);
    lines(&input);

    let (mut parsed, mut copied, mut split) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..task.repeat {
        copied.push(again(rounds, || {
            copy(&input, &mut copies);
            Ok(())
        })?);
        split.push(again(rounds, || {
            lines(&input);
            Ok(())
        })?);
        parsed.push(again(rounds, || parse(&task.format, &input).map(|_| ()))?);
    }
    Ok(Measured {
        format: task.format.clone(),
        bytes: size * rounds,
        files: input.len() as u64 * rounds,
        rows: count.rows * rounds,
        rejects: count.rejects * rounds,
        parse: measure::best(&parsed),
        copy: measure::best(&copied),
        lines: measure::best(&split),
        memory_before,
        memory_peak,
    })
}

fn again(rounds: u64, mut work: impl FnMut() -> Result<()>) -> Result<Time> {
    measure::of_thread(|| (0..rounds).try_for_each(|_| work())).map(|(time, ())| time)
}

fn copy(input: &[(String, Vec<u8>)], copies: &mut [Vec<u8>]) {
    for ((_, from), to) in input.iter().zip(copies) {
        to.copy_from_slice(from);
        black_box(to);
    }
}

fn lines(input: &[(String, Vec<u8>)]) {
    for (_, bytes) in input {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            black_box(&bytes[start..end]);
            start = end + 1;
        }
    }
}

/// Counts rows and lets them go.
#[derive(Debug, Default)]
struct Count {
    rows: u64,
    rejects: u64,
}

impl Sink for Count {
    fn rows(&mut self, _: &'static Contract, rows: datafusion::arrow::array::RecordBatch) -> Result<(), SinkError> {
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    fn reject(&mut self, _: &'static Contract, _: Reject) -> Result<(), SinkError> {
        self.rejects += 1;
        Ok(())
    }
}

fn parse(format: &str, input: &[(String, Vec<u8>)]) -> Result<Count> {
    let mut count = Count::default();
    for (name, bytes) in input {
        let summary =
            formats::parse(format, FileInfo { name, ..FileInfo::default() }, &mut bytes.as_slice(), &mut count)?;
        if let Verdict::Refused(finding) = summary.verdict {
            bail!("{name} is refused: {}: {}", finding.position, finding.message);
        }
    }
    Ok(count)
}
