//! What a file amounts to so far: rows, rejects, sums.

use std::collections::BTreeMap;

use schemas::Contract;

use super::scan::{Scan, Stop};
use crate::{Finding, MAX_RAW, ParseError, Reject, Sink, Summary, Total, Verdict};

/// Counts and sums of a file.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Rows so far, accepted and rejected.
    pub ordinal: u64,
    pub rejected: u64,
    /// Rows that the file declares.
    pub declared: Option<u64>,
    /// True or false once the file has said whether it is a test.
    pub test: Option<bool>,
    totals: BTreeMap<String, Total>,
}

/// Sums of the payments of one part of a file: a deposit, an account.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    pub accepted: i128,
    pub rejected: i128,
    pub count: u64,
}

/// A row that is refused.
pub(crate) struct Refusal<'a> {
    pub finding: Finding,
    /// First byte in the file.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    pub raw: &'a [u8],
    /// In the smallest unit, as it would have counted.
    pub amount: Option<i128>,
    pub currency: Option<&'a str>,
}

impl Tally {
    /// Adds to the rows that the file declares.
    pub fn declare(&mut self, rows: u64) {
        self.declared = Some(self.declared.unwrap_or_default() + rows);
    }

    /// The sums of a currency.
    pub fn total(&mut self, currency: &str) -> &mut Total {
        let none = || Total { currency: currency.to_owned(), declared: None, read: 0, rejected: 0 };
        self.totals.entry(currency.to_owned()).or_insert_with(none)
    }

    /// Adds what was read of a part of the file.
    pub fn add(&mut self, currency: &str, sums: &Sums) {
        let total = self.total(currency);
        total.read += sums.accepted;
        total.rejected += sums.rejected;
    }

    /// Adds to what the file declares of a currency.
    pub fn declare_amount(&mut self, currency: &str, amount: i128) {
        let total = self.total(currency);
        total.declared = Some(total.declared.unwrap_or_default() + amount);
    }

    /// Gives the sink a refused row, the one that was last counted.
    pub fn reject(
        &mut self,
        contract: &'static Contract,
        sink: &mut dyn Sink,
        refusal: Refusal<'_>,
    ) -> Result<(), Stop> {
        self.rejected += 1;
        let reject = Reject {
            ordinal: self.ordinal,
            start: refusal.start,
            end: refusal.end,
            finding: refusal.finding,
            amount: refusal.amount,
            currency: refusal.currency.map(str::to_owned),
            raw: refusal.raw[..refusal.raw.len().min(MAX_RAW)].to_vec(),
        };
        Ok(sink.reject(contract, reject).map_err(ParseError::Sink)?)
    }

    /// The result of reading.
    pub fn summary(self, read: Result<(), Stop>, scan: Scan<'_>) -> Result<Summary, ParseError> {
        let verdict = match read {
            Ok(()) => Verdict::Accepted,
            Err(Stop::Refused(finding)) => Verdict::Refused(*finding),
            Err(Stop::Failed(error)) => return Err(error),
        };
        Ok(Summary {
            verdict,
            test: self.test.unwrap_or(false),
            declared_records: self.declared,
            read_records: self.ordinal,
            rejected_records: self.rejected,
            totals: self.totals.into_values().collect(),
            remarks: scan.into_findings(),
            extracted_on: None,
        })
    }
}
