//! The `file` record: what a file declared, what was read, and the verdict.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use chrono::{NaiveDate, SecondsFormat};
use formats::{Finding, Position, Verdict};
use serde::Serialize;

use crate::log::FILE;
use crate::parsed::{Delivered, Parsed, Status};
use crate::{Error, Result};

/// Whether an amount in the smallest unit has at most the 18 digits of money.
pub(crate) const fn fits(amount: &i128) -> bool {
    amount.unsigned_abs() < 10_u128.pow(18)
}

#[derive(Serialize)]
struct Record<'a> {
    file_id: String,
    received_at: String,
    ordinal: i64,
    byte_start: i64,
    byte_end: u64,
    name: &'a str,
    landing: &'a str,
    format: &'a str,
    size: u64,
    status: Status,
    reason_code: Option<&'a str>,
    reason: Option<&'a str>,
    reason_position: Option<String>,
    declared_records: Option<u64>,
    read_records: u64,
    rejected_records: u64,
    totals: Vec<Totals<'a>>,
    deliveries: &'a [Delivered],
    remarks: Vec<Remark<'a>>,
    extracted_on: Option<NaiveDate>,
}

#[derive(Serialize)]
struct Totals<'a> {
    currency: &'a str,
    declared_amount: Option<String>,
    read_amount: String,
    rejected_amount: String,
}

#[derive(Serialize)]
struct Remark<'a> {
    code: &'a str,
    message: &'a str,
    position: String,
}

/// The `file` record of a file, as one row of that contract.
///
/// # Errors
/// When it does not fit the contract: a defect.
pub fn record(file: &Parsed) -> Result<RecordBatch> {
    let (origin, summary) = (&file.origin, &file.summary);
    let reason = match &summary.verdict {
        Verdict::Refused(finding) => Some(finding),
        Verdict::Accepted => None,
    };
    let amount = |amount: i128| schemas::money::plain(amount, 2);
    // Sums that cannot be stated are the reason why such a file is refused.
    let stated = summary.totals.iter().filter(|total| fits(&total.read) && fits(&total.rejected));
    let totals = stated.map(|total| Totals {
        currency: &total.currency,
        declared_amount: total.declared.filter(fits).map(amount),
        read_amount: amount(total.read),
        rejected_amount: amount(total.rejected),
    });
    let remarks = summary.remarks.iter().map(|finding: &Finding| Remark {
        code: finding.code,
        message: &finding.message_sv,
        position: position_sv(&finding.position),
    });
    let record = Record {
        file_id: origin.file_id.to_string(),
        received_at: origin.received_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        ordinal: 1,
        byte_start: 0,
        byte_end: origin.size,
        name: &origin.name,
        landing: &origin.place,
        format: &origin.format,
        size: origin.size,
        status: file.status,
        reason_code: reason.map(|finding| finding.code),
        reason: reason.map(|finding| finding.message_sv.as_str()),
        reason_position: reason.map(|finding| position_sv(&finding.position)),
        declared_records: summary.declared_records,
        read_records: summary.read_records,
        rejected_records: summary.rejected_records,
        totals: totals.collect(),
        deliveries: &file.deliveries,
        remarks: remarks.collect(),
        extracted_on: summary.extracted_on,
    };
    let unfit = |source| Error::Rows { what: format!("the file record of {} cannot be made", origin.name), source };
    row(&record).map_err(unfit)
}

fn row(record: &Record<'_>) -> Result<RecordBatch, ArrowError> {
    let contract = schemas::contract(FILE).map_err(|error| ArrowError::ExternalError(Box::new(error)))?;
    let mut decoder = ReaderBuilder::new(Arc::clone(&contract.schema)).with_strict_mode(true).build_decoder()?;
    decoder.serialize(std::slice::from_ref(record))?;
    decoder.flush()?.ok_or_else(|| ArrowError::JsonError("no row".to_owned()))
}

/// A position in Swedish: `rad 3, kolumn 4, byte 120`.
#[must_use]
pub fn position_sv(position: &Position) -> String {
    let line = position.line.map(|line| format!("rad {line}"));
    let column = position.column.map(|column| format!("kolumn {column}"));
    let byte = Some(format!("byte {}", position.byte));
    let parts: Vec<String> = [line, column, position.path.clone(), byte].into_iter().flatten().collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests;
