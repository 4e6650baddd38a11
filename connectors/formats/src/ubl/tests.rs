//! Tests of the UBL reader, by what they hold to account.

use std::io::Read;

use arrow::array::RecordBatch;
use schemas::Contract;
use serde_json::{Map, Value};

use crate::{Finding, Reject, Sink, SinkError, Summary, Verdict};

mod conformance;
mod encodings;
mod mutations;
mod random;
mod streams;
mod values;

/// What a document came to.
#[derive(Debug)]
struct Outcome {
    summary: Summary,
    rows: Vec<Map<String, Value>>,
    rejects: Vec<Reject>,
}

#[derive(Default)]
struct Collect {
    batches: Vec<RecordBatch>,
    rejects: Vec<Reject>,
}

impl Sink for Collect {
    fn rows(&mut self, contract: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        assert_eq!(contract.name, "supplier_invoice");
        assert_eq!(rows.schema(), contract.body_schema());
        self.batches.push(rows);
        Ok(())
    }

    fn reject(&mut self, contract: &'static Contract, reject: Reject) -> Result<(), SinkError> {
        assert_eq!(contract.name, "supplier_invoice");
        self.rejects.push(reject);
        Ok(())
    }
}

fn read_from(input: &mut dyn Read) -> Outcome {
    let mut sink = Collect::default();
    let summary = super::parse(input, &mut sink).unwrap();
    let rows = sink.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| schemas::json::row(batch, row)));
    let rows: Vec<_> = rows.collect();
    if let Verdict::Refused(_) = summary.verdict {
        assert!(rows.is_empty() && sink.rejects.is_empty(), "a refused file has no rows");
    } else {
        assert_eq!(rows.len() + sink.rejects.len(), 1, "one document is one row");
    }
    Outcome { summary, rows, rejects: sink.rejects }
}

fn read(document: impl AsRef<[u8]>) -> Outcome {
    read_from(&mut document.as_ref())
}

impl Outcome {
    /// The only row.
    fn row(&self) -> Value {
        assert_eq!(self.rows.len(), 1, "{:?} {:?}", self.summary, self.rejects);
        Value::Object(self.rows[0].clone())
    }

    /// The finding that the row was rejected for.
    fn reject(&self) -> &Reject {
        assert_eq!(self.summary.verdict, Verdict::Accepted);
        assert_eq!(self.summary.rejected_records, 1, "{:?}", self.rows);
        &self.rejects[0]
    }

    /// The finding that the file was refused for.
    fn refusal(&self) -> &Finding {
        match &self.summary.verdict {
            Verdict::Refused(finding) => finding,
            Verdict::Accepted => panic!("accepted: {:?} {:?}", self.rows, self.rejects),
        }
    }

    fn remark(&self, code: &str) -> &Finding {
        let found = self.summary.remarks.iter().find(|remark| remark.code == code);
        found.unwrap_or_else(|| panic!("no remark {code}: {:?}", self.summary.remarks))
    }

    fn has_remark(&self, code: &str) -> bool {
        self.summary.remarks.iter().any(|remark| remark.code == code)
    }
}

/// A complete small invoice; test identities only.
const INVOICE: &str = include_str!("tests/invoice.xml");
/// A complete small credit note.
const CREDIT_NOTE: &str = include_str!("tests/credit_note.xml");

/// [`INVOICE`] with one piece replaced, which must be there exactly once.
fn with(from: &str, to: &str) -> String {
    assert_eq!(INVOICE.matches(from).count(), 1, "{from}");
    INVOICE.replacen(from, to, 1)
}
