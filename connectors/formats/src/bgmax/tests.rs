//! Tests of the BgMax reader: a valid file, one change per rule, files that no one here wrote, and random ones.

mod hostile;
mod mutations;
mod property;
mod rows;
mod samples;
mod tolerances;

use std::io::Read;

use arrow::array::RecordBatch;
use schemas::Contract;
use serde_json::{Map, Value};

use crate::testing::{file, latin1, put, record};
use crate::{Reject, Sink, SinkError, Summary, Verdict};

/// What a file gave.
#[derive(Debug)]
struct Outcome {
    rows: Vec<Map<String, Value>>,
    rejects: Vec<Reject>,
    summary: Summary,
}

#[derive(Default)]
struct Collector {
    rows: Vec<Map<String, Value>>,
    rejects: Vec<Reject>,
}

impl Sink for Collector {
    fn rows(&mut self, contract: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        assert_eq!(contract.name, "payment_in");
        assert!(rows.num_rows() <= crate::BATCH_ROWS);
        self.rows.extend((0..rows.num_rows()).map(|index| own_columns(schemas::json::row(&rows, index))));
        Ok(())
    }

    fn reject(&mut self, _: &'static Contract, reject: Reject) -> Result<(), SinkError> {
        self.rejects.push(reject);
        Ok(())
    }
}

/// A row without the columns that only other formats fill.
fn own_columns(row: Map<String, Value>) -> Map<String, Value> {
    let last = row.keys().position(|name| name == "payer_identity").unwrap();
    assert!(row.values().skip(last + 1).all(Value::is_null), "{row:?}");
    let mut row: Map<String, Value> = row.into_iter().take(last + 1).collect();
    for reference in row["references"].as_array_mut().unwrap() {
        assert_eq!(reference.as_object_mut().unwrap().remove("document_type"), Some(Value::Null));
    }
    row
}

fn read_from(input: &mut dyn Read) -> Outcome {
    let mut collector = Collector::default();
    let summary = super::parse(input, &mut collector).unwrap();
    Outcome { rows: collector.rows, rejects: collector.rejects, summary }
}

fn read(mut bytes: &[u8]) -> Outcome {
    read_from(&mut bytes)
}

impl Outcome {
    /// Code of the refusal, or `accepted`.
    fn verdict(&self) -> &'static str {
        match &self.summary.verdict {
            Verdict::Accepted => "accepted",
            Verdict::Refused(finding) => finding.code,
        }
    }

    fn remarks(&self) -> Vec<&'static str> {
        self.summary.remarks.iter().map(|remark| remark.code).collect()
    }

    fn column(&self, name: &str) -> Vec<String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.rows.iter().map(|row| text(&row[name])).collect()
    }
}

/// A valid file with every record type: two payments and a deduction in kronor, one payment in euro.
fn valid() -> Vec<String> {
    let sender = "0050501055";
    let unknown = "0000000000";
    vec![
        record(&[(1, "01BGMAX"), (23, "01"), (25, "20260302173035010331"), (45, "P")]), // 0
        record(&[(1, "050009912346"), (23, "SEK")]),                                    // 1
        payment("20", sender, &format!("{:>25}", "12345674"), 100_000, "21000000000010"), // 2
        record(&[(1, "25Betalning för mars")]),                                         // 3
        record(&[(1, "25 och april")]),                                                 // 4
        record(&[(1, "26Kalles Plåt AB"), (38, "Ekonomi")]),                            // 5
        record(&[(1, "27Storgatan 2"), (38, "123 45")]),                                // 6
        record(&[(1, "28Storåker"), (38, "Norge"), (73, "NO")]),                        // 7
        record(&[(1, "29005560360793")]),                                               // 8
        payment("20", unknown, "", 200_000, "03000000000021"),                          // 9
        payment("22", unknown, "573964", 150_000, "43000000000021"),                    // 10
        payment("22", unknown, "7495575", 70_000, "53000000000021"),                    // 11
        payment("23", unknown, "74450", 20_000, "53000000000021"),                      // 12
        record(&[(1, "26Berits Garn")]),                                                // 13
        payment("21", sender, "89854", 50_000, "320000000000300"),                      // 14
        deposit("20260302", "00056", 250_000, "SEK", 3),                                // 15
        record(&[(1, "050009912346"), (23, "EUR")]),                                    // 16
        payment("20", sender, "665869 665760", 30_000, "32000000000040"),               // 17
        payment("22", sender, "665869", 0, "22000000000040"),                           // 18
        payment("22", sender, "665760", 0, "22000000000040"),                           // 19
        deposit("20260302", "00057", 30_000, "EUR", 1),                                 // 20
        end(3, 1, 5, 2),                                                                // 21
    ]
}

/// TK20 to TK23; `codes` from position 56: reference code, channel, serial number, image, deduction code. The last
/// digit of the serial number stands directly before the image.
fn payment(kind: &str, sender: &str, reference: &str, amount: u64, codes: &str) -> String {
    let (code, serial) = codes.split_at(2);
    let image_at = if kind == "21" { serial.len() - 2 } else { serial.len() - 1 };
    let (serial, image) = serial.split_at(image_at);
    record(&[
        (1, kind),
        (3, sender),
        (13, reference),
        (38, &format!("{amount:018}")),
        (56, code),
        (58, &format!("{serial:0>12}")),
        (70, image),
    ])
}

fn deposit(date: &str, serial: &str, amount: u64, currency: &str, count: u64) -> String {
    record(&[
        (1, "15"),
        (3, &format!("{:0>35}", "58410000010098232")),
        (38, date),
        (46, serial),
        (51, &format!("{amount:018}{currency}{count:08}")),
    ])
}

fn end(payments: u64, deductions: u64, references: u64, deposits: u64) -> String {
    record(&[(1, "70"), (3, &format!("{payments:08}{deductions:08}{references:08}{deposits:08}"))])
}
