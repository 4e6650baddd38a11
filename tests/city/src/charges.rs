//! What BER has invoiced: the lines of each month's run before the as-of's, some of them wrong in a known way, and what
//! must therefore be charged or given back.

use std::collections::BTreeMap;
use std::io;

use chrono::{Datelike as _, NaiveDate};

use crate::dates::{add_days, add_months, date, month_start, months};
use crate::families::Household;
use crate::output::{Landing, comma};
use crate::people::Customer;
use crate::registers::{CHARGE, Extract};
use crate::truth::{FeeChange, FeeDifferenceTruth, FeeStatus, FeeTruth, FileTruth};

/// First month whose lines BER delivers.
fn known_from() -> NaiveDate {
    date(2026, 1, 1)
}

/// An invoice line, kronor.
#[derive(Debug, Clone)]
struct Line {
    kind: &'static str,
    placement: String,
    month: NaiveDate,
    payer: String,
    kronor: i64,
}

/// What a placement costs in a month, and who pays.
struct Due<'c> {
    placement: &'c str,
    month: NaiveDate,
    payer: &'c str,
    /// Somebody else, who is charged by mistake.
    stranger: &'c str,
    kronor: i64,
    /// A for the maxtaxa, K for fritidsklubb.
    kind: &'static str,
}

/// Lines and differences as they are made.
#[derive(Debug, Default)]
struct Book {
    lines: Vec<Line>,
    differences: Vec<FeeDifferenceTruth>,
}

impl Book {
    fn line(&mut self, due: &Due<'_>, payer: &str, kind: &'static str, kronor: i64) {
        let (placement, month, payer) = (due.placement.to_owned(), due.month, payer.to_owned());
        self.lines.push(Line { kind, placement, month, payer, kronor });
    }

    fn difference(&mut self, due: &Due<'_>, payer: &str, change: FeeChange, kronor: i64) {
        let (placement_id, month, payer) = (due.placement.to_owned(), due.month, payer.to_owned());
        self.differences.push(FeeDifferenceTruth { payer, placement_id, month, change, difference_kr: kronor });
    }

    /// The `number`th placement month: most are invoiced as they should be.
    fn invoice(&mut self, number: usize, due: &Due<'_>) {
        match number % 97 {
            // Too much.
            5 => {
                self.line(due, due.payer, due.kind, due.kronor + 100);
                self.difference(due, due.payer, FeeChange::Changed, -100);
            }
            // Too much, and too little of it given back.
            11 => {
                self.line(due, due.payer, due.kind, due.kronor + 50);
                self.line(due, due.payer, "R", -20);
                self.difference(due, due.payer, FeeChange::Changed, -30);
            }
            // Wrong once and put right.
            17 => {
                self.line(due, due.payer, due.kind, due.kronor + 70);
                self.line(due, due.payer, "R", -70);
            }
            // Forgotten.
            23 if due.kronor > 0 => self.difference(due, due.payer, FeeChange::NotInvoiced, due.kronor),
            // Another payer's invoice.
            41 if due.kronor > 0 => {
                self.line(due, due.stranger, due.kind, due.kronor);
                self.difference(due, due.stranger, FeeChange::NothingDue, -due.kronor);
                self.difference(due, due.payer, FeeChange::NotInvoiced, due.kronor);
            }
            _ if due.kronor > 0 => self.line(due, due.payer, due.kind, due.kronor),
            _ => {}
        }
    }
}

/// Writes the runs of the months before the as-of's, and says what is left to charge and to give back.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    landing: &Landing,
    as_of: NaiveDate,
    customers: &[Customer],
    households: &[Household],
    fees: &[FeeTruth],
) -> io::Result<(Vec<FileTruth>, Vec<FeeDifferenceTruth>)> {
    let mut payers = BTreeMap::new();
    for (index, household) in households.iter().enumerate().filter(|(_, household)| !household.protected) {
        let stranger = &households[(index + 1) % households.len()];
        let ids = (&*customers[household.customer].id, &*customers[stranger.customer].id);
        let placements = household.children.iter().flat_map(|child| &child.placements);
        payers.extend(placements.map(|placement| (&*placement.id, ids)));
    }
    // All rows of a placement in a month are one line. Fritidsklubb: 900 kr a term on four invoices.
    let mut costs: BTreeMap<(NaiveDate, &str), (i64, &'static str)> = BTreeMap::new();
    for fee in fees.iter().filter(|fee| fee.month >= known_from()) {
        let key = (fee.month, &*fee.placement_id);
        if let Some(fee_kr) = fee.fee_kr {
            costs.entry(key).or_insert((0, "A")).0 += fee_kr;
        } else if fee.status == FeeStatus::OtherTariff && matches!(fee.month.month(), 2..=5 | 9..=12) {
            costs.insert(key, (900 / 4, "K"));
        }
    }
    let (mut book, this_month) = (Book::default(), month_start(as_of));
    for (number, ((month, placement), (kronor, kind))) in costs.into_iter().enumerate() {
        let Some((payer, stranger)) = payers.get(placement).copied() else { continue };
        let due = Due { placement, month, payer, stranger, kronor, kind };
        if month < this_month {
            book.invoice(number, &due);
        } else if kronor > 0 {
            book.difference(&due, payer, FeeChange::Ordinary, kronor);
        }
    }
    let mut files = Vec::new();
    let mut number = 0_u64;
    for month in months(known_from(), add_months(this_month, -1)) {
        let run = add_days(month, 11);
        let mut extract = Extract::create(landing, &format!("ber/BER_DEBITERING_{run}.csv"), &CHARGE, Some(run))?;
        for line in book.lines.iter().filter(|line| line.month == month) {
            number += 1;
            let ore = line.kronor * 100;
            let (id, amount, invoice) = (format!("D{number:09}"), comma(ore), format!("5{number:08}"));
            let (month, day) = (line.month.to_string(), run.to_string());
            let fields = [&*id, line.kind, &line.placement, &month, &line.payer, &amount, &invoice, &day, "104"];
            extract.row(&fields, &[ore])?;
        }
        files.push(extract.finish(Some("SEK"))?);
    }
    Ok((files, book.differences))
}
