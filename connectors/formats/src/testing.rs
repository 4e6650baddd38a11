//! What the tests of the formats share: writing records, collecting what a file gives, samples no one here wrote.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use schemas::Contract;
use serde_json::{Map, Value};

use crate::{FileInfo, Finding, Reject, Sink, SinkError, Summary, Verdict};

/// What a file gave.
#[derive(Debug)]
pub struct Outcome {
    /// Rows by contract.
    pub rows: BTreeMap<&'static str, Vec<Map<String, Value>>>,
    pub rejects: Vec<(&'static str, Reject)>,
    pub summary: Summary,
}

#[derive(Default)]
struct Collector {
    rows: BTreeMap<&'static str, Vec<Map<String, Value>>>,
    rejects: Vec<(&'static str, Reject)>,
}

impl Sink for Collector {
    fn rows(&mut self, contract: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        assert!(rows.num_rows() <= crate::BATCH_ROWS);
        let list = self.rows.entry(&contract.name).or_default();
        list.extend((0..rows.num_rows()).map(|index| schemas::json::row(&rows, index)));
        Ok(())
    }

    fn reject(&mut self, contract: &'static Contract, reject: Reject) -> Result<(), SinkError> {
        self.rejects.push((&contract.name, reject));
        Ok(())
    }
}

/// Takes rows and forgets them.
#[derive(Default)]
pub struct Nothing(pub usize);

impl Sink for Nothing {
    fn rows(&mut self, _: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        self.0 += rows.num_rows();
        Ok(())
    }

    fn reject(&mut self, _: &'static Contract, _: Reject) -> Result<(), SinkError> {
        Ok(())
    }
}

pub fn read_from(format: &str, info: FileInfo<'_>, input: &mut dyn Read) -> Outcome {
    let mut collector = Collector::default();
    let summary = crate::parse(format, info, input, &mut collector).unwrap();
    let outcome = Outcome { rows: collector.rows, rejects: collector.rejects, summary };
    outcome.check();
    outcome
}

/// Reads `bytes` as `format`.
pub fn read(format: &str, bytes: impl AsRef<[u8]>) -> Outcome {
    let bytes = bytes.as_ref();
    let outcome = read_from(format, FileInfo { name: "file", ..FileInfo::default() }, &mut &*bytes);
    assert!(
        outcome.places().iter().all(|(start, end)| start < end && *end <= bytes.len() as u64 + 1 || bytes.is_empty())
    );
    for (_, Reject { start, raw, .. }) in outcome.rejects.iter().filter(|_| outcome.verdict() == "accepted") {
        assert!(bytes[*start as usize..].starts_with(raw) && !raw.is_empty());
    }
    outcome
}

impl Outcome {
    /// What must hold of every accepted file: rows and rejects are as many as the summary says, numbered from 1.
    fn check(&self) {
        if self.verdict() != "accepted" {
            return;
        }
        let mut ordinals: Vec<u64> = self.rows.values().flatten().map(|row| row["ordinal"].as_u64().unwrap()).collect();
        ordinals.extend(self.rejects.iter().map(|(_, reject)| reject.ordinal));
        ordinals.sort_unstable();
        assert_eq!(ordinals, (1..=self.summary.read_records).collect::<Vec<_>>());
        assert_eq!(self.summary.rejected_records, self.rejects.len() as u64);
    }

    fn places(&self) -> Vec<(u64, u64)> {
        let of = |row: &Map<String, Value>| (row["byte_start"].as_u64().unwrap(), row["byte_end"].as_u64().unwrap());
        self.rows.values().flatten().map(of).chain(self.rejects.iter().map(|(_, r)| (r.start, r.end))).collect()
    }

    /// Code of the refusal, or `accepted`.
    pub fn verdict(&self) -> &'static str {
        match &self.summary.verdict {
            Verdict::Accepted => "accepted",
            Verdict::Refused(finding) => finding.code,
        }
    }

    /// Fails with the reason unless the file was accepted without rejects.
    pub fn accepted(self) -> Self {
        assert_eq!(self.verdict(), "accepted", "{:?}", self.summary.verdict);
        assert!(self.rejects.is_empty(), "{:?}", self.rejects);
        self
    }

    /// The finding that the file was refused for.
    pub fn refusal(&self) -> &Finding {
        match &self.summary.verdict {
            Verdict::Refused(finding) => finding,
            Verdict::Accepted => panic!("accepted: {:?}", self.rows),
        }
    }

    /// Codes of the rejects, in order.
    pub fn reject_codes(&self) -> Vec<&'static str> {
        self.rejects.iter().map(|(_, reject)| reject.finding.code).collect()
    }

    /// Codes of the remarks, in order.
    pub fn remarks(&self) -> Vec<&'static str> {
        self.summary.remarks.iter().map(|remark| remark.code).collect()
    }

    /// Sums of accepted and rejected rows by currency, as plain numbers.
    pub fn totals(&self) -> Vec<(String, String, String)> {
        let plain = |ore| schemas::money::plain(ore, 2);
        let totals = self.summary.totals.iter();
        totals.map(|total| (total.currency.clone(), plain(total.read), plain(total.rejected))).collect()
    }

    /// Rows of a contract.
    pub fn of(&self, contract: &str) -> &[Map<String, Value>] {
        self.rows.get(contract).map_or(&[], Vec::as_slice)
    }

    /// The values of a column as text.
    pub fn column(&self, contract: &str, name: &str) -> Vec<String> {
        self.of(contract).iter().map(|row| plain(&row[name])).collect()
    }

    /// Number and sum in öre of a contract's rows that have these values.
    pub fn sum(&self, contract: &str, filter: &[(&str, &str)]) -> (usize, i128) {
        let fits = |row: &&Map<String, Value>| filter.iter().all(|(name, value)| row[*name] == *value);
        let rows: Vec<_> = self.of(contract).iter().filter(fits).collect();
        (rows.len(), rows.iter().map(|row| ore(&row["amount"])).sum())
    }
}

/// Öre of an amount in a row.
pub fn ore(value: &Value) -> i128 {
    value.as_str().map_or(0, |text| schemas::money::parse_decimal(text, 2).unwrap())
}

/// A record of 80 characters: texts at 1-based positions.
pub fn record(fields: &[(usize, &str)]) -> String {
    let mut text = " ".repeat(80);
    fields.iter().for_each(|(from, field)| put(&mut text, *from, field));
    text
}

/// Puts a text into a record.
pub fn put(record: &mut String, from: usize, text: &str) {
    let mut cells: Vec<char> = record.chars().collect();
    for (index, character) in text.chars().enumerate() {
        cells[from - 1 + index] = character;
    }
    *record = cells.into_iter().collect();
}

pub fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
}

/// The file of the records, as the bank writes it.
pub fn file(records: &[String]) -> Vec<u8> {
    latin1(&records.iter().map(|record| format!("{record}\r\n")).collect::<String>())
}

/// The folder of samples, or nothing, said aloud.
#[expect(clippy::print_stderr, reason = "a skipped oracle is said aloud")]
pub fn samples(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/bank").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: no samples at {}", path.display());
    None
}

pub fn sample(format: &str, folder: &std::path::Path, name: &str) -> Outcome {
    let bytes = std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    read(format, &bytes)
}

/// Gives one byte at a time.
pub struct Drip<'a>(pub &'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
        buffer[0] = *first;
        self.0 = rest;
        Ok(1)
    }
}

/// A value as text.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A valid file, code, line and column of the finding (0 for none), change.
pub type Breaking = (fn() -> Vec<String>, &'static str, u64, u32, fn(&mut Vec<String>));

/// Each change to a valid file must refuse it with its code, at its place, in both languages.
pub fn each_refuses(cases: &[Breaking], read: impl Fn(&[String]) -> Outcome) {
    for (index, (file, code, line, column, change)) in cases.iter().enumerate() {
        let mut records = file();
        change(&mut records);
        let outcome = read(&records);
        let context = format!("change {index}, {code}: {:?}", outcome.summary.verdict);
        let crate::Verdict::Refused(finding) = &outcome.summary.verdict else { panic!("{context}") };
        assert_eq!(finding.code, *code, "{context}");
        assert_eq!(finding.position.line, Some(*line), "{context}");
        assert_eq!(finding.position.column, (*column > 0).then_some(*column), "{context}");
        assert!(!finding.message.is_empty() && !finding.message_sv.is_empty());
    }
}

/// A valid file, code of the remark, change.
pub type Remarked = (fn() -> Vec<String>, &'static str, fn(&mut Vec<String>));

/// Each change to a valid file must leave it accepted, with its remark and no other but those on short lines.
pub fn each_is_remarked(cases: &[Remarked], read: impl Fn(&[String]) -> Outcome) {
    for (index, (file, code, change)) in cases.iter().enumerate() {
        let mut records = file();
        change(&mut records);
        let outcome = read(&records).accepted();
        let remarks: Vec<_> = outcome.remarks().into_iter().filter(|code| !code.starts_with("fixed.short")).collect();
        assert_eq!(remarks, [*code], "change {index}");
    }
}
