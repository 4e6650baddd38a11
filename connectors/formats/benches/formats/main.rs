//! `cargo xtask bench formats`: every parser on a large file, beside a copy of the same bytes and their split into
//! lines, in one run: `cargo bench -p formats -- [--megabytes 100] [--repeat 3] [FORMAT…]`.
//!
//! One thread; time on a processor, the best of several turns, in which parse, copy and lines alternate. Rows are dropped
//! as they come. Memory is what the process grew by while it parsed, for the file and for a tenth of it: where the two are
//! alike, memory does not follow the size of a file.
#![allow(clippy::print_stdout, reason = "a measurement is read by people")]

use std::hint::black_box;

use anyhow::{Context as _, Result, bail};
use arrow::array::RecordBatch;
use formats::{FileInfo, Reject, Sink, SinkError, Verdict};
use schemas::Contract;

mod input;
#[allow(dead_code, unused_imports, reason = "the other benchmarks use the rest of it")]
#[path = "../../../../tests/bench/src/measure.rs"]
mod measure;

/// Drops rows.
#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn rows(&mut self, _: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        self.0 += black_box(rows).num_rows() as u64;
        Ok(())
    }

    fn reject(&mut self, _: &'static Contract, reject: Reject) -> Result<(), SinkError> {
        Err(format!("{}: {}", reject.finding.position, reject.finding.message).into())
    }
}

fn main() -> Result<()> {
    let (mut megabytes, mut repeat, mut wanted) = (100, 3, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse().ok()).context("a number must follow");
        match argument.as_str() {
            "--megabytes" => megabytes = number()?,
            "--repeat" => repeat = number()?,
            // What `cargo bench` itself says.
            "--bench" => {}
            format => wanted.push(format.to_owned()),
        }
    }
    println!(
        "| format | MB | rows | parse MB/s | rows/s | copy MB/s | lines MB/s | parse ÷ copy | parse ÷ lines | grew by MB: tenth, whole |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (name, format, write) in input::INPUTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name || wanted == format) {
            measure(name, format, *write, megabytes * 1_000_000, repeat)?;
        }
    }
    Ok(())
}

fn measure(name: &str, format: &str, write: input::Write, size: usize, repeat: usize) -> Result<()> {
    let small = growth(format, &write(size / 10))?;
    let file = write(size);
    let whole = growth(format, &file)?;
    let mut copied = vec![1; file.len()];
    let [mut parses, mut copies, mut splits] = [(); 3].map(|()| Vec::new());
    let mut rows = 0;
    for _ in 0..repeat {
        copies.push(measure::of_thread(|| copy(&file, &mut copied))?.0);
        splits.push(measure::of_thread(|| lines(&file))?.0);
        let (time, read) = measure::of_thread(|| parse(format, &file))?;
        parses.push(time);
        rows = read;
    }
    let [parse, copy, split] = [parses, copies, splits].map(|times| measure::best(&times).cpu.max(1));
    let speed = |cpu: u64| file.len() as u64 * 1_000 / cpu;
    let ratio = |other: u64| format!("{}.{}", parse / other, parse * 10 / other % 10);
    println!(
        "| {name} | {} | {rows} | {} | {} | {} | {} | {} | {} | {}, {} |",
        file.len() / 1_000_000,
        speed(parse),
        rows * 1_000_000_000 / parse,
        speed(copy),
        speed(split),
        ratio(copy),
        ratio(split),
        small / 1024,
        whole / 1024
    );
    Ok(())
}

/// KiB that the process grows by while it parses.
fn growth(format: &str, file: &[u8]) -> Result<u64> {
    let before = measure::resident();
    measure::forget_peak();
    parse(format, file)?;
    Ok(measure::peak().saturating_sub(before))
}

/// The number of rows; a document that is one row is read as often as it stands in the file.
fn parse(format: &str, file: &[u8]) -> Result<u64> {
    let mut count = Count::default();
    let documents = if format == "ubl" { input::documents(file) } else { vec![file] };
    for document in documents {
        let info = FileInfo { name: "20260331.txt", ..FileInfo::default() };
        let summary = formats::parse(format, info, &mut &*document, &mut count)?;
        if let Verdict::Refused(finding) = summary.verdict {
            bail!("{format} is refused: {}: {}", finding.position, finding.message);
        }
    }
    Ok(count.0)
}

fn copy(from: &[u8], to: &mut [u8]) -> Result<()> {
    to.copy_from_slice(from);
    black_box(to);
    Ok(())
}

fn lines(bytes: &[u8]) -> Result<()> {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        black_box(&bytes[start..end]);
        start = end + 1;
    }
    Ok(())
}
