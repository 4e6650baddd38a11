//! What the tests of the formats share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use schemas::Contract;
use serde_json::{Map, Value};

use crate::{FileInfo, Finding, Reject, Sink, SinkError, Summary, Verdict};

/// What a file came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub summary: Summary,
    rows: BTreeMap<&'static str, Vec<Map<String, Value>>>,
    pub rejects: Vec<(&'static str, Reject)>,
}

#[derive(Default)]
struct Collect {
    rows: BTreeMap<&'static str, Vec<Map<String, Value>>>,
    rejects: Vec<(&'static str, Reject)>,
}

impl Sink for Collect {
    fn rows(&mut self, contract: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        assert_eq!(rows.schema(), contract.body_schema());
        let rows = (0..rows.num_rows()).map(|row| schemas::json::row(&rows, row));
        self.rows.entry(contract.name.as_str()).or_default().extend(rows);
        Ok(())
    }

    fn reject(&mut self, contract: &'static Contract, reject: Reject) -> Result<(), SinkError> {
        self.rejects.push((contract.name.as_str(), reject));
        Ok(())
    }
}

/// A sink that counts and forgets.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub rows: usize,
    pub rejects: usize,
}

impl Sink for Collected {
    fn rows(&mut self, _: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        self.rows += rows.num_rows();
        Ok(())
    }

    fn reject(&mut self, _: &'static Contract, _: Reject) -> Result<(), SinkError> {
        self.rejects += 1;
        Ok(())
    }
}

/// Reads `bytes` as `format`.
pub(crate) fn read(format: &str, bytes: impl AsRef<[u8]>) -> Outcome {
    let mut sink = Collect::default();
    let summary = crate::parse(format, FileInfo { name: "file" }, &mut bytes.as_ref(), &mut sink).unwrap();
    let outcome = Outcome { summary, rows: sink.rows, rejects: sink.rejects };
    if outcome.summary.verdict == Verdict::Accepted {
        let rows: usize = outcome.rows.values().map(Vec::len).sum();
        assert_eq!(outcome.summary.read_records, (rows + outcome.rejects.len()) as u64);
        assert_eq!(outcome.summary.rejected_records, outcome.rejects.len() as u64);
        outcome.check_places(bytes.as_ref());
    }
    outcome
}

impl Outcome {
    /// Ordinals are each given once, from 1 on; byte ranges lie in the file and hold something.
    fn check_places(&self, bytes: &[u8]) {
        let number = |row: &Map<String, Value>, name: &str| row[name].as_u64().unwrap();
        let rows = self.rows.values().flatten();
        let rows = rows.map(|row| (number(row, "ordinal"), number(row, "byte_start"), number(row, "byte_end")));
        let rejects = self.rejects.iter().map(|(_, reject)| (reject.ordinal, reject.start, reject.end));
        let mut places: Vec<_> = rows.chain(rejects).collect();
        places.sort_unstable();
        for (index, (ordinal, start, end)) in places.iter().enumerate() {
            assert_eq!(*ordinal, index as u64 + 1);
            assert!(start < end && *end <= bytes.len() as u64, "{start}..{end} of {}", bytes.len());
        }
        for (_, Reject { start, raw, .. }) in &self.rejects {
            assert!(bytes[*start as usize..].starts_with(raw) && !raw.is_empty());
        }
    }

    /// Rows of a contract.
    pub fn rows(&self, contract: &str) -> &[Map<String, Value>] {
        self.rows.get(contract).map_or(&[], Vec::as_slice)
    }

    /// One column of the rows of a contract, texts without quotes.
    pub fn column(&self, contract: &str, name: &str) -> Vec<String> {
        self.rows(contract).iter().map(|row| plain(&row[name])).collect()
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
    pub fn remark_codes(&self) -> Vec<&'static str> {
        self.summary.remarks.iter().map(|remark| remark.code).collect()
    }

    /// Sums of accepted and rejected rows by currency, as plain numbers.
    pub fn totals(&self) -> Vec<(String, String, String)> {
        let plain = |ore| schemas::money::plain(ore, 2);
        let totals = self.summary.totals.iter();
        totals.map(|total| (total.currency.clone(), plain(total.read), plain(total.rejected))).collect()
    }
}

/// A value as text.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The folder of public bank files, or nothing where it is missing, which is said aloud.
pub(crate) fn bank_samples(folder: &str) -> Option<PathBuf> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/bank").join(folder);
    if samples.is_dir() {
        return Some(samples);
    }
    #[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
    {
        eprintln!("skipped: there are no samples at {}", samples.display());
    }
    None
}
