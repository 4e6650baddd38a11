//! Sums of a file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemas::money;

use crate::xml::Place;
use crate::{Finding, Total};

/// Sums of payments and of entries. A file's totals are those of its payments where it has any, because they are what
/// is matched; the entries of a statement are proven by its balances.
#[derive(Debug, Default)]
pub(super) struct Totals {
    payments: BTreeMap<String, Total>,
    entries: BTreeMap<String, Total>,
}

impl Totals {
    /// Counts a payment.
    pub fn payment(&mut self, currency: &str, amount: i128, rejected: bool) {
        add(&mut self.payments, currency, amount, rejected);
    }

    /// Counts an entry.
    pub fn entry(&mut self, currency: &str, amount: i128, rejected: bool) {
        add(&mut self.entries, currency, amount, rejected);
    }

    pub fn finish(self) -> Vec<Total> {
        let of = if self.payments.is_empty() { self.entries } else { self.payments };
        of.into_values().collect()
    }
}

fn add(totals: &mut BTreeMap<String, Total>, currency: &str, amount: i128, rejected: bool) {
    if !totals.contains_key(currency) {
        let total = Total { currency: currency.to_owned(), declared: None, read: 0, rejected: 0 };
        totals.insert(currency.to_owned(), total);
    }
    if let Some(total) = totals.get_mut(currency) {
        let sum = if rejected { &mut total.rejected } else { &mut total.read };
        *sum = sum.saturating_add(amount);
    }
}

/// Debits of a notification: they are no payments in.
#[derive(Debug, Default)]
pub(super) struct Debits {
    first: Option<Place>,
    count: u64,
    sums: BTreeMap<String, i128>,
}

/// Currencies told apart.
const MOST: usize = 20;

impl Debits {
    pub fn count(&mut self, currency: &str, amount: i128, place: Place) {
        self.first.get_or_insert(place);
        self.count += 1;
        if self.sums.len() < MOST || self.sums.contains_key(currency) {
            let sum = self.sums.entry(currency.to_owned()).or_default();
            *sum = sum.saturating_add(amount);
        }
    }

    pub fn remark(&self) -> Option<Finding> {
        let place = self.first?;
        let mut sums = String::new();
        for (currency, sum) in &self.sums {
            let _ = write!(sums, "{}{} {currency}", if sums.is_empty() { "" } else { ", " }, money::plain(*sum, 2));
        }
        let count = self.count;
        Some(place.finding(
            "camt.debit_notified",
            "/Document/BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry",
            format!("debits that are no payments in were passed over ({count}: {sums})"),
            format!("debiteringar som inte är inbetalningar hoppades över ({count}: {sums})"),
        ))
    }
}
