//! Balances: `#IB`, `#UB` and `#RES` of a year, `#OIB` and `#OUB` of an object, `#PSALDO` and `#PBUDGET` of a period.

use std::fmt::Write as _;

use crate::{Finding, Reject};

use super::text::Line;
use super::{Kind, Reading, Stop, rules};

/// A balance as its line says it.
pub(super) struct Balance<'l> {
    pub kind: String,
    pub year: i32,
    pub period: &'l str,
    pub account: &'l str,
    /// `dimension:object`, several joined by a blank.
    pub objects: String,
    pub amount: i128,
    pub quantity: Option<i128>,
}

impl Reading<'_> {
    pub(super) fn balance(&mut self, line: &Line, raw: &[u8]) -> Result<(), Stop> {
        // A budget stands in import files too; what a ledger holds does not.
        if !matches!(line.label(), "#PBUDGET") {
            self.has_balances = true;
        }
        if self.kind == Kind::Import {
            return Ok(());
        }
        let date = self.export_date(line)?;
        self.ordinal += 1;
        let read = self.read_balance(line);
        let currency = self.header.currency().to_owned();
        match read {
            Ok(balance) => {
                self.rows.balance(self.ordinal, line, date, &self.header, &balance);
                Ok(self.rows.balances.end_row(self.sink)?)
            }
            Err(finding) => {
                self.rejected += 1;
                let reject = Reject {
                    ordinal: self.ordinal,
                    start: line.start,
                    end: line.end,
                    finding,
                    amount: None,
                    currency: Some(currency),
                    raw: raw.to_vec(),
                };
                let contract = self.rows.balances.contract;
                self.sink.reject(contract, reject).map_err(|error| Stop::Failed(crate::ParseError::Sink(error)))
            }
        }
    }

    /// Business date of an export; without one nothing can be said of its rows.
    pub(super) fn export_date(&self, line: &Line) -> Result<i32, Stop> {
        self.header.extracted_on().map(rules::days).ok_or_else(|| {
            line.refuse(
                "sie.date",
                "the file has neither a date up to which it tells (#OMFATTN) nor one on which it was made (#GEN)",
                "filen saknar både datum som den omfattar (#OMFATTN) och datum då den skapades (#GEN)",
            )
        })
    }

    fn read_balance<'l>(&mut self, line: &'l Line) -> Result<Balance<'l>, Finding> {
        let wrong = |field, code, english, swedish| rules::finding(code, line.position(field), english, swedish);
        // Year, period, account, objects, amount, quantity: which of them a record has.
        let (kind, period, account, objects) = match line.label() {
            "#IB" => ("opening", None, 2, None),
            "#UB" => ("closing", None, 2, None),
            "#RES" => ("result", None, 2, None),
            "#OIB" => ("opening", None, 2, Some(3)),
            "#OUB" => ("closing", None, 2, Some(3)),
            "#PSALDO" => ("period", Some(2), 3, Some(4)),
            _ => ("budget", Some(2), 3, Some(4)),
        };
        let amount = objects.unwrap_or(account) + 1;
        let year = line.get(1).and_then(|text| text.parse().ok()).ok_or_else(|| {
            wrong(
                1,
                "sie.year",
                "the fiscal year of a balance cannot be read",
                "räkenskapsåret för ett saldo går inte att läsa",
            )
        })?;
        let is_period = |text: &&str| rules::date(&format!("{text}01")).is_some();
        let period = match period {
            None => "",
            Some(field) => line.get(field).filter(is_period).ok_or_else(|| {
                wrong(
                    field,
                    "sie.period",
                    "the period of a balance cannot be read",
                    "perioden för ett saldo går inte att läsa",
                )
            })?,
        };
        let account_no = line
            .get(account)
            .ok_or_else(|| wrong(account, "sie.account", "a balance has no account", "ett saldo saknar konto"))?;
        let value = rules::number(line, amount, 2, &mut self.remarks).ok_or_else(|| {
            wrong(
                amount,
                "sie.balance_amount",
                "the amount of a balance cannot be read: digits, a point, at most two decimals",
                "ett saldos belopp går inte att läsa: siffror, punkt, högst två decimaler",
            )
        })?;
        let objects = objects_key(line);
        let kind = if objects.is_empty() { kind.to_owned() } else { format!("object_{kind}") };
        let quantity = rules::number(line, amount + 1, 6, &mut self.remarks);
        Ok(Balance { kind, year, period, account: account_no, objects, amount: value, quantity })
    }
}

/// The objects of a line: `dimension:object`, several joined by a blank.
fn objects_key(line: &Line) -> String {
    let mut key = String::new();
    let group: Vec<&str> = line.group().collect();
    for pair in group.chunks(2) {
        let blank = if key.is_empty() { "" } else { " " };
        // Writing into a string cannot fail.
        let _ = write!(key, "{blank}{}", pair.join(":"));
    }
    key
}
