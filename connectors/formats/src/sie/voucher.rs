//! Vouchers: a `#VER` and its rows, which sum to zero.

use std::hash::BuildHasher as _;

use chrono::{Datelike as _, NaiveDate};

use crate::{Finding, ParseError, Position, Reject};

use super::text::Line;
use super::{Kind, Reading, Stop, rules};

/// Bytes that a voucher may hold, with [`ROW_WEIGHT`] for each row: it is held until it is closed.
const MOST_HELD: usize = 256 << 20;
const ROW_WEIGHT: usize = 512;

/// A voucher while it is read.
pub(super) struct Voucher {
    pub position: Position,
    open: bool,
    pub series: String,
    pub number: String,
    pub date: Option<NaiveDate>,
    pub text: Option<String>,
    pub registered_on: Option<NaiveDate>,
    pub signature: Option<String>,
    pub rows: Vec<Row>,
    held: usize,
    sum: i128,
    fault: Option<Finding>,
    /// An `#RTRANS` waits for its `#TRANS`.
    added: bool,
}

/// A row of a voucher.
#[derive(Debug)]
pub(super) struct Row {
    pub start: u64,
    pub end: u64,
    pub account: String,
    /// Dimension and object, one after the other.
    pub objects: Vec<String>,
    pub amount: Option<i128>,
    pub date: Option<NaiveDate>,
    pub text: Option<String>,
    pub quantity: Option<i128>,
    pub signature: Option<String>,
    pub is_added: bool,
    raw: Vec<u8>,
}

impl Reading<'_> {
    pub(super) fn begin_voucher(&mut self, line: &Line, _raw: &[u8]) -> Result<(), Stop> {
        if self.voucher.is_some() {
            return Err(rules::voucher_open(line));
        }
        let text = |field| line.get(field).map(str::to_owned);
        let date = line.get(3).and_then(rules::date);
        let fault = date.is_none().then(|| {
            rules::finding(
                "sie.voucher_date",
                line.position(3),
                "the date of a voucher cannot be read",
                "en verifikations datum går inte att läsa",
            )
        });
        self.voucher = Some(Voucher {
            position: line.position(0),
            open: false,
            series: text(1).unwrap_or_default(),
            number: text(2).unwrap_or_default(),
            date,
            text: text(4),
            registered_on: line.get(5).and_then(rules::date),
            signature: text(6),
            rows: Vec::new(),
            held: 0,
            sum: 0,
            fault,
            added: false,
        });
        Ok(())
    }

    pub(super) fn open_voucher(&mut self, line: &Line) -> Result<(), Stop> {
        match &mut self.voucher {
            Some(voucher) if !voucher.open => {
                voucher.open = true;
                Ok(())
            }
            _ => Err(out_of_place(line)),
        }
    }

    pub(super) fn row(&mut self, line: &Line, raw: &[u8]) -> Result<(), Stop> {
        let Some(voucher) = &mut self.voucher else { return Err(out_of_place(line)) };
        if !voucher.open {
            self.remarks.note(&rules::BRACE_MISSING, || line.position(0));
            voucher.open = true;
        }
        match line.label() {
            "#RTRANS" => {
                if voucher.added {
                    self.remarks.note(&rules::ADDED_ALONE, || line.position(0));
                }
                voucher.added = true;
                return Ok(());
            }
            "#BTRANS" => {
                self.remarks.note(&rules::REMOVED, || line.position(0));
                return Ok(());
            }
            _ => {}
        }
        voucher.held += ROW_WEIGHT + 3 * raw.len();
        if voucher.held > MOST_HELD {
            return Err(line.refuse(
                "sie.voucher_size",
                "a voucher is larger than can be held (256 MiB)",
                "en verifikation är större än vad som ryms (256 MiB)",
            ));
        }
        let amount = rules::number(line, 3, 2, &mut self.remarks);
        let fault = |field, code, english, swedish| Some(rules::finding(code, line.position(field), english, swedish));
        let found = match (line.get(1), amount) {
            (None, _) => {
                fault(1, "sie.account", "a row of a voucher has no account", "en rad i en verifikation saknar konto")
            }
            (_, None) => fault(
                3,
                "sie.amount",
                "the amount of a row cannot be read: digits, a point, at most two decimals",
                "en rads belopp går inte att läsa: siffror, punkt, högst två decimaler",
            ),
            _ => None,
        };
        if voucher.fault.is_none() {
            voucher.fault = found;
        }
        voucher.sum = voucher.sum.saturating_add(amount.unwrap_or_default());
        voucher.rows.push(Row {
            start: line.start,
            end: line.end,
            account: line.get(1).unwrap_or_default().to_owned(),
            objects: line.group().map(str::to_owned).collect(),
            amount,
            date: line.get(4).and_then(rules::date),
            text: line.get(5).map(str::to_owned),
            quantity: rules::number(line, 6, 6, &mut self.remarks),
            signature: line.get(7).map(str::to_owned),
            is_added: std::mem::take(&mut voucher.added),
            raw: raw.to_vec(),
        });
        Ok(())
    }

    pub(super) fn close_voucher(&mut self, line: &Line) -> Result<(), Stop> {
        let Some(mut voucher) = self.voucher.take().filter(|voucher| voucher.open) else {
            return Err(out_of_place(line));
        };
        self.vouchers += 1;
        if voucher.rows.is_empty() {
            self.remarks.note(&rules::EMPTY, || voucher.position.clone());
        }
        if voucher.added {
            self.remarks.note(&rules::ADDED_ALONE, || line.position(0));
        }
        let fault = voucher.fault.take().or_else(|| {
            (voucher.sum != 0).then(|| {
                rules::finding(
                    "sie.voucher_sum",
                    voucher.position.clone(),
                    "the rows of a voucher do not sum to zero",
                    "en verifikations rader summerar inte till noll",
                )
            })
        });
        let name = self.name(&voucher);
        let extracted_on = match self.kind {
            Kind::Export => Some(self.export_date(line)?),
            Kind::Import => None,
        };
        for (number, row) in (1..).zip(&voucher.rows) {
            self.ordinal += 1;
            let sums = self.sums.entry(self.header.currency().to_owned()).or_default();
            let (accepted, rejected) =
                if fault.is_some() { (0, row.amount) } else { (row.amount.unwrap_or_default(), None) };
            *sums = (sums.0.saturating_add(accepted), sums.1.saturating_add(rejected.unwrap_or_default()));
            if let Some(finding) = &fault {
                self.rejected += 1;
                let reject = Reject {
                    ordinal: self.ordinal,
                    start: row.start,
                    end: row.end,
                    finding: finding.clone(),
                    amount: row.amount,
                    currency: Some(self.header.currency().to_owned()),
                    raw: row.raw.clone(),
                };
                let contract = self.rows.of(extracted_on).contract;
                self.sink.reject(contract, reject).map_err(ParseError::Sink)?;
            } else {
                self.rows.posting(self.ordinal, number, extracted_on, &self.header, &voucher, &name, row);
                self.rows.of(extracted_on).end_row(self.sink)?;
            }
        }
        Ok(())
    }

    /// Series and number, or the place in the file.
    fn name(&mut self, voucher: &Voucher) -> String {
        let place = || voucher.position.clone();
        let number = if voucher.number.is_empty() {
            self.remarks.note(&rules::NO_NUMBER, place);
            format!("#{}", self.vouchers)
        } else {
            voucher.number.clone()
        };
        let name = format!("{}{}{number}", voucher.series, if voucher.series.is_empty() { "" } else { " " });
        if self.numbers.insert(self.hashes.hash_one(&name)) {
            return name;
        }
        self.remarks.note(&rules::REPEATED, place);
        format!("{name} #{}", self.vouchers)
    }
}

impl Row {
    /// Accounting period.
    pub fn period(&self, voucher: &Voucher) -> String {
        let date = self.date.or(voucher.date).unwrap_or_default();
        format!("{:04}{:02}", date.year(), date.month())
    }
}

fn out_of_place(line: &Line) -> Stop {
    line.refuse(
        "sie.order",
        "a brace or row stands outside of a voucher",
        "en klammer eller rad står utanför en verifikation",
    )
}
