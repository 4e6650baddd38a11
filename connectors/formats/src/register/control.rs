//! What is counted while a file is read, and what the file declares of itself.

use std::collections::BTreeMap;

use super::cells::{Problem, Value};
use super::mapping::{Currency, Mapping, Trailer};
use crate::{Finding, Position, Total};

/// Sums over the rows of a file.
pub(super) struct Control<'m> {
    mapping: &'m Mapping,
    /// Rows accepted and rejected.
    pub read: u64,
    /// Rows rejected.
    pub rejected: u64,
    totals: BTreeMap<String, Total>,
    /// For each declared sum: the sum of the readable amounts and the number of rows without one.
    sums: Vec<(i128, u64)>,
}

/// What a trailer line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    pub records: Option<u64>,
    /// In the order of the mapping's sums.
    pub sums: Vec<i128>,
    pub position: Position,
}

impl<'m> Control<'m> {
    pub(super) fn new(mapping: &'m Mapping) -> Self {
        let sums = mapping.trailer.as_ref().map_or(0, |trailer| trailer.sums.len());
        Self { mapping, read: 0, rejected: 0, totals: BTreeMap::new(), sums: vec![(0, 0); sums] }
    }

    /// Counts an accepted row.
    pub(super) fn accept(&mut self, values: &[Value<'_>]) {
        self.read += 1;
        self.add(values, |total, amount| total.read += amount);
    }

    /// Counts a rejected row, as far as its values could be read, and returns its amount and currency.
    pub(super) fn reject(&mut self, values: &[Value<'_>]) -> (Option<i128>, Option<String>) {
        self.read += 1;
        self.rejected += 1;
        self.add(values, |total, amount| total.rejected += amount)
    }

    fn add(&mut self, values: &[Value<'_>], add: impl Fn(&mut Total, i128)) -> (Option<i128>, Option<String>) {
        let sums = self.mapping.trailer.iter().flat_map(|trailer| &trailer.sums);
        for (sum, (read, unreadable)) in sums.zip(&mut self.sums) {
            match values.get(sum.column) {
                Some(Value::Decimal(amount)) => *read += amount,
                // An empty cell of a nullable column counts as nothing; a row that could not be read at all is unknown.
                Some(Value::Null) if self.mapping.columns.get(sum.column).is_some_and(|c| c.rule.nullable) => {}
                _ => *unreadable += 1,
            }
        }
        let Some(total) = &self.mapping.total else { return (None, None) };
        let currency = match &total.currency {
            Currency::Constant(currency) => Some(currency.as_str()),
            Currency::Column(column) => match values.get(*column) {
                Some(Value::Text(currency)) => Some(currency.as_ref()),
                _ => None,
            },
        };
        let amount = match values.get(total.column) {
            Some(Value::Decimal(amount)) => Some(*amount),
            _ => None,
        };
        if let (Some(amount), Some(currency)) = (amount, currency) {
            if let Some(total) = self.totals.get_mut(currency) {
                add(total, amount);
            } else {
                let mut total = Total { currency: currency.to_owned(), declared: None, read: 0, rejected: 0 };
                add(&mut total, amount);
                self.totals.insert(currency.to_owned(), total);
            }
        }
        (amount, currency.map(str::to_owned))
    }

    /// Compares what the file declares with what was read.
    ///
    /// A sum can only be compared when the amounts of all rows could be read; otherwise it is remarked on.
    pub(super) fn check(&self, trailer: &Trailer, declared: &Declared, remarks: &mut Remarks) -> Result<(), Finding> {
        let finding = |problem: Problem, path: Option<String>| Finding {
            code: problem.code,
            position: Position { path, ..declared.position.clone() },
            message: problem.english,
            message_sv: problem.swedish,
        };
        if let Some(records) = declared.records
            && records != self.read
        {
            let english = format!("the file declares {records} rows and has {}", self.read);
            let swedish = format!("filen anger {records} rader men innehåller {}", self.read);
            return Err(finding(Problem::new("register.count", english, swedish), None));
        }
        for ((sum, (read, unreadable)), declared_sum) in trailer.sums.iter().zip(&self.sums).zip(&declared.sums) {
            let name = self.mapping.columns.get(sum.column).map(|column| column.header().to_owned());
            if *unreadable > 0 {
                let english = format!("the declared sum cannot be checked: {unreadable} rows have no readable amount");
                let swedish = format!("summan kan inte kontrolleras: {unreadable} rader saknar läsbart belopp");
                let problem = Problem::new("register.sum_unchecked", english, swedish);
                remarks.note(&problem, Position { path: name, ..declared.position.clone() });
                continue;
            }
            if read != declared_sum {
                let (declared, read) = (schemas::money::plain(*declared_sum, 2), schemas::money::plain(*read, 2));
                let english = format!("the file declares the sum {declared} and its rows have {read}");
                let swedish = format!("filen anger summan {declared} men raderna ger {read}");
                return Err(finding(Problem::new("register.sum", english, swedish), name));
            }
        }
        Ok(())
    }

    /// Sums by currency. A declared sum is shown when there is one currency: a trailer does not tell them apart.
    pub(super) fn totals(&self, declared: Option<&Declared>) -> Vec<Total> {
        let column = self.mapping.total.as_ref().map(|total| total.column);
        let sums = self.mapping.trailer.iter().flat_map(|trailer| &trailer.sums);
        let declared_sums = declared.map(|declared| declared.sums.as_slice()).unwrap_or_default();
        let of_total =
            sums.zip(declared_sums).find(|(sum, _)| Some(sum.column) == column).map(|(_, declared)| *declared);
        let declared = of_total.filter(|_| self.totals.len() == 1);
        self.totals.values().cloned().map(|total| Total { declared, ..total }).collect()
    }
}

/// Observations of a file, one for each code and column however often it was made.
#[derive(Default)]
pub(super) struct Remarks {
    seen: BTreeMap<(&'static str, Option<String>), (u64, Finding)>,
}

impl Remarks {
    /// Counts an observation and keeps the first place.
    pub(super) fn note(&mut self, problem: &Problem, position: Position) {
        let key = (problem.code, position.path.clone());
        let seen = self.seen.entry(key).or_insert_with(|| {
            let finding = Finding {
                code: problem.code,
                position,
                message: problem.english.clone(),
                message_sv: problem.swedish.clone(),
            };
            (0, finding)
        });
        seen.0 += 1;
    }

    /// The observations by their first place.
    pub(super) fn finish(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> =
            self.seen.into_values().map(|(times, finding)| with_count(times, finding)).collect();
        findings.sort_by_key(|finding| finding.position.byte);
        findings
    }
}

fn with_count(times: u64, finding: Finding) -> Finding {
    if times == 1 {
        return finding;
    }
    let message = format!("{} ({times} times, first here)", finding.message);
    let message_sv = format!("{} ({times} gånger, första gången här)", finding.message_sv);
    Finding { message, message_sv, ..finding }
}
