//! Reports that are not about single orders: balances of monitored payments, and cash that was not fetched.

use super::{Header, Reading, rules, wrong_sum};
use crate::fixed::{Framer, Record, Stop, number, refuse, significant_digits};

impl Reading<'_> {
    /// Reconciliation of monitored payments: balances (TK40 to TK42) and sums by date (TK43).
    pub(super) fn reconciliation(&mut self, header: &Header, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut count = 0;
        let mut monitored = [0; 2];
        let mut balance: Option<[i128; 2]> = None;
        loop {
            let record = self.scan.next_record(lines, "TK29")?;
            let columns: &[usize] = match &record.kind() {
                b"40" | b"41" | b"42" => &[3, 17, 31, 45],
                b"43" => &[15, 29],
                b"12" | b"13" if count == 0 => continue,
                b"29" => {
                    if balance.is_some_and(|balance| balance != monitored) {
                        self.scan.remarks.note(&rules::BALANCE_SUM, || record.position(1));
                    }
                    return self.end(header, &record, count, None);
                }
                _ => return Err(self.misplaced(&record)),
            };
            count += 1;
            let mut amounts = [None; 4];
            for (amount, from) in amounts.iter_mut().zip(columns) {
                *amount = self.signed(&record, *from)?;
            }
            let last_two = [2, 3].map(|index: usize| amounts[index].unwrap_or_default());
            if record.kind() == *b"42" {
                balance = Some(last_two);
            }
            let is_dated = record.kind() == *b"43";
            if is_dated {
                monitored[0] += amounts[0].unwrap_or_default();
                monitored[1] += amounts[1].unwrap_or_default();
            }
            self.balance(header, &record, &amounts, is_dated)?;
        }
    }

    /// 13 digits and a sign; nothing where it is blank.
    fn signed(&mut self, record: &Record<'_>, from: usize) -> Result<Option<i128>, Stop> {
        if record.text(from, from + 13).is_none() {
            return Ok(None);
        }
        let amount = number(record, from, from + 12, &mut self.scan.remarks).map(i128::from);
        match (amount, record.character(from + 13)) {
            (Some(amount), b' ') => Ok(Some(amount)),
            (Some(amount), b'-') => Ok(Some(-amount)),
            _ => Err(refuse(
                "lb.amount",
                record.position(from),
                "an amount of monitored payments cannot be read",
                "ett belopp för bevakade betalningar går inte att läsa",
            )),
        }
    }

    fn balance(
        &mut self,
        header: &Header,
        record: &Record<'_>,
        amounts: &[Option<i128>; 4],
        is_dated: bool,
    ) -> Result<(), Stop> {
        self.tally.ordinal += 1;
        self.identity.next(record.raw());
        let date = if is_dated { self.optional_date(record, 3) } else { None };
        let (to, columns) = (&mut self.table, &self.columns);
        to.text(columns.kind, "payment");
        to.text(columns.lb_transaction_code, String::from_utf8_lossy(&record.kind()));
        if let Some(date) = date {
            to.date(columns.payment_date, date);
        }
        let names = ["balance_1", "balance_2", "balance_3", "balance_4"];
        for (amount, name) in amounts.iter().zip(names) {
            let Some(amount) = amount else { continue };
            to.item(columns.lb_amounts);
            to.text(columns.lb_amount_name, name);
            to.decimal(columns.lb_amount, *amount);
        }
        if let Some(code) = record.text(43, 44).filter(|code| is_dated && code != "00") {
            to.item(columns.reasons);
            to.text(columns.reason_scheme, "lb.monitoring");
            to.text(columns.reason_code, code);
        }
        self.end_row(header, "balance", record.start, record.end)
    }

    /// Cash that payees did not fetch (*återförda kontantutbetalningar*).
    pub(super) fn returned_cash(&mut self, header: &Header, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut sum = 0;
        loop {
            let Some(frame) = self.scan.next_filled(lines)? else {
                return Err(self.scan.truncated(lines, "record 3"));
            };
            let record = self.scan.record(frame, lines)?;
            match record.character(1) {
                b'2' => sum += self.returned(header, &record)?,
                b'3' => {
                    let declared = number(&record, 41, 52, &mut self.scan.remarks).map(i128::from);
                    if declared != Some(sum) {
                        return Err(wrong_sum(&record, 41, declared, sum));
                    }
                    self.tally.declare_amount(&header.currency, sum);
                    return Ok(());
                }
                _ => return Err(self.misplaced(&record)),
            }
        }
    }

    fn returned(&mut self, header: &Header, record: &Record<'_>) -> Result<i128, Stop> {
        let Some(amount) = number(record, 44, 55, &mut self.scan.remarks).map(i128::from) else {
            return Err(refuse(
                "lb.amount",
                record.position(44),
                "the amount of returned cash cannot be read, so the sum of the file proves nothing",
                "ett återfört belopp går inte att läsa, så filens summa bevisar ingenting",
            ));
        };
        self.tally.ordinal += 1;
        self.identity.next(record.raw());
        self.tally.total(&header.currency).read += amount;
        let (paid, returned) = (self.optional_date(record, 32), self.optional_date(record, 38));
        let (to, columns) = (&mut self.table, &self.columns);
        to.text(columns.kind, "payment");
        to.decimal(columns.amount, amount);
        if let Some(number) = significant_digits(record.field(2, 10)) {
            to.text(columns.counterpart_account, number);
            to.text(columns.counterpart_account_type, "transfer_number");
        }
        to.item(columns.reasons);
        to.text(columns.reason_scheme, "lb.returned_cash");
        to.maybe(columns.reason_code, record.text(11, 11));
        to.maybe(columns.own_reference, record.text(12, 31));
        to.text(columns.lb_transaction_code, "2");
        if let Some(date) = paid {
            to.date(columns.payment_date, date);
        }
        if let Some(date) = returned {
            to.date(columns.lb_returned_on, date);
        }
        self.end_row(header, "payment", record.start, record.end)?;
        Ok(amount)
    }
}
