//! A file format for tests of everything but formats. Each line is one instruction:
//!
//! | line | meaning |
//! |---|---|
//! | `rows N` | N accepted rows of `ledger_balance` |
//! | `invoices N` | N accepted rows of `customer_item` |
//! | `reject N` | N rejects meant for `ledger_balance` |
//! | `test` | the file is a test |
//! | `refuse` | the file is refused at this line |
//! | `huge` | the file's sum has too many digits |
//! | `break` | the parser fails |

use std::io::Read;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray, new_null_array,
};
use arrow::datatypes::DataType;
use chrono::DateTime;
use formats::{BATCH_ROWS, FileInfo, Finding, ParseError, Position, Reject, Sink, Summary, Total, Verdict};
use object_store::memory::InMemory;
use object_store::path::Path;
use schemas::Contract;
use sha2::{Digest as _, Sha256};

use crate::FileId;
use crate::log::LogBatch;
use crate::parsed::{Origin, Parsed, Parser};
use crate::store::Store;

pub(crate) fn memory() -> Store {
    Store::new(Arc::new(InMemory::new()), Path::default())
}

pub(crate) fn origin(name: &str, bytes: &[u8]) -> Origin {
    Origin {
        file_id: FileId::new(Sha256::digest(bytes).into()),
        place: "inbox".to_owned(),
        name: name.to_owned(),
        format: "script".to_owned(),
        received_at: DateTime::from_timestamp_millis(1_774_000_000_123).unwrap(),
        size: bytes.len() as u64,
        mark: None,
    }
}

pub(crate) fn parsed(script: &str) -> Parsed {
    let dir = tempfile::tempdir().unwrap();
    let bytes = script.as_bytes();
    Parsed::read_with(&Parser::new(parse), origin("a.txt", bytes), &mut &bytes[..], dir.path()).unwrap()
}

pub(crate) fn parse(
    _format: &str,
    _info: FileInfo<'_>,
    input: &mut dyn Read,
    sink: &mut dyn Sink,
) -> Result<Summary, ParseError> {
    let mut script = String::new();
    input.read_to_string(&mut script)?;
    let mut summary = Summary {
        verdict: Verdict::Accepted,
        test: false,
        declared_records: None,
        read_records: 0,
        rejected_records: 0,
        totals: vec![Total { currency: "SEK".to_owned(), declared: Some(12_345), read: 12_300, rejected: 45 }],
        remarks: vec![finding("script.remark", 1)],
        extracted_on: chrono::NaiveDate::from_ymd_opt(2026, 3, 31),
    };
    for (line, instruction) in (1..).zip(script.lines()) {
        let (verb, count) = instruction.split_once(' ').unwrap_or((instruction, "0"));
        let count: u64 = count.parse().unwrap_or_default();
        let first = summary.read_records + 1;
        match verb {
            "rows" => accept("ledger_balance", first, count, sink)?,
            "invoices" => accept("customer_item", first, count, sink)?,
            "reject" => {
                let contract = schemas::contract("ledger_balance").unwrap();
                for ordinal in first..first + count {
                    sink.reject(contract, reject(ordinal, line)).map_err(ParseError::Sink)?;
                }
                summary.rejected_records += count;
            }
            "test" => summary.test = true,
            "refuse" => summary.verdict = Verdict::Refused(finding("script.refused", line)),
            "huge" => summary.totals[0].read = 10_i128.pow(18),
            "break" => return Err(ParseError::Configuration("the script broke".to_owned())),
            _ => {}
        }
        summary.read_records += count;
    }
    Ok(summary)
}

fn finding(code: &'static str, line: u64) -> Finding {
    let position = Position { line: Some(line), column: Some(2), path: None, byte: 7 };
    Finding { code, position, message: "english".to_owned(), message_sv: "svenska".to_owned() }
}

fn reject(ordinal: u64, line: u64) -> Reject {
    let currency = Some("SEK".to_owned());
    let finding = finding("script.reject", line);
    Reject { ordinal, start: 3, end: 9, finding, amount: Some(-450), currency, raw: ordinal.to_string().into() }
}

fn accept(contract: &str, first: u64, count: u64, sink: &mut dyn Sink) -> Result<(), ParseError> {
    let contract = schemas::contract(contract).unwrap();
    let ordinals: Vec<u64> = (first..first + count).collect();
    for ordinals in ordinals.chunks(BATCH_ROWS) {
        sink.rows(contract, body(contract, ordinals)).map_err(ParseError::Sink)?;
    }
    Ok(())
}

/// Rows whose every value follows from the ordinal.
fn body(contract: &Contract, ordinals: &[u64]) -> RecordBatch {
    let schema = contract.body_schema();
    let columns = schema.fields().iter().map(|field| column(field, ordinals)).collect();
    RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
}

/// Values of a column that follow from the ordinal of their row.
pub(crate) fn column(field: &arrow::datatypes::Field, ordinals: &[u64]) -> ArrayRef {
    let numbers = || ordinals.iter().map(|n| *n as i64);
    match field.data_type() {
        DataType::Utf8 => Arc::new(StringArray::from_iter_values(numbers().map(|n| n.to_string()))),
        DataType::Boolean => Arc::new(BooleanArray::from_iter(numbers().map(|n| Some(n % 2 == 0)))),
        DataType::Int32 => Arc::new(Int32Array::from_iter_values(numbers().map(|n| n as i32))),
        DataType::Int64 => Arc::new(Int64Array::from_iter_values(numbers())),
        DataType::Date32 => Arc::new(Date32Array::from_iter_values(numbers().map(|n| n as i32 % 20_000))),
        DataType::Timestamp(..) => {
            Arc::new(TimestampMillisecondArray::from_iter_values(numbers()).with_timezone("+00:00"))
        }
        DataType::Decimal128(precision, scale) => {
            let values = Decimal128Array::from_iter_values(numbers().map(i128::from));
            Arc::new(values.with_precision_and_scale(*precision, *scale).unwrap())
        }
        other => new_null_array(other, ordinals.len()),
    }
}

/// What a reader gave, as text: contract, position after each row's batch, and the rows.
pub(crate) fn rows_of(batches: &[LogBatch]) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        for (kind, parts) in [("accepted", &batch.accepted), ("rejected", &batch.rejects)] {
            for part in parts {
                let json = |row| serde_json::to_string(&schemas::json::row(part, row)).unwrap();
                rows.extend((0..part.num_rows()).map(|row| format!("{} {kind} {}", batch.contract.name, json(row))));
            }
        }
    }
    rows.sort();
    rows
}
