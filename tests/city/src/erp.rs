//! The ERP's extracts: customer items at both dates, balances and rows of the general ledger, and the bank's
//! statement; with differences between ledger and sub-ledger of every cause.

use std::collections::BTreeMap;
use std::io;

use chrono::NaiveDate;

use crate::bank::Deposit;
use crate::dates::{add_days, period, previous_bank_day};
use crate::ledger::{CLAIMS, Item, Ledger};
use crate::names::{BANKGIROS, DEPARTMENTS};
use crate::output::{Landing, comma};
use crate::people::Customer;
use crate::registers::{CUSTOMER_ITEM, Extract, LEDGER_BALANCE, LEDGER_TRANSACTION, STATEMENT};
use crate::truth::{
    Difference, DifferenceCause, FileTruth, Outcome, PaymentClass, PaymentTruth, ReconciliationTruth, UnclearedTruth,
};

/// The account of unidentified payments.
pub const UNIDENTIFIED: &str = "9181";
/// The account of incoming bank money.
const BANK: &str = "1951";
/// An income account.
const INCOME: &str = "3610";

/// Index of the department with each injected difference.
const MANUAL: usize = 1;
const MISSING: usize = 2;
const CUT_OFF: usize = 3;
const UNKNOWN_ITEM: usize = 4;
const OTHER_AMOUNT: usize = 5;

/// What the ledger books too much for the item with another amount.
const TOO_MUCH: i64 = 90_000;

/// The ERP at the business date.
#[derive(Debug)]
pub struct Erp<'a> {
    /// Where to write.
    pub landing: &'a Landing,
    /// Business date.
    pub as_of: NaiveDate,
    /// Customers.
    pub customers: &'a [Customer],
    /// The customer ledger.
    pub ledger: &'a Ledger,
}

/// What the ledger holds and what is known about it.
#[derive(Debug, Default)]
pub struct Written {
    /// Files.
    pub files: Vec<FileTruth>,
    /// 1512.
    pub reconciliation: Vec<ReconciliationTruth>,
    /// 9181.
    pub uncleared: Vec<UnclearedTruth>,
}

/// A row of a voucher.
#[derive(Default)]
struct Row<'r> {
    account: &'r str,
    amount: i64,
    item: Option<&'r str>,
    payment: Option<&'r str>,
}

/// The general ledger being written.
struct General {
    extract: Extract,
    balances: BTreeMap<(&'static str, String, String), (i64, i64)>,
    vouchers: u64,
}

impl Erp<'_> {
    /// Writes all extracts.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, payments: &[PaymentTruth], deposits: &[Deposit]) -> io::Result<Written> {
        let mut written = Written::default();
        let first = self.ledger.first_extract();
        written.files.push(self.items(first, |item| item.remaining_first)?);
        written.files.push(self.items(self.as_of, |item| item.remaining)?);
        let path = format!("erp/AGR_TRANS_{}.txt", self.as_of.format("%Y%m%d"));
        let extract = Extract::create(self.landing, &path, &LEDGER_TRANSACTION, Some(self.as_of))?;
        let mut general = General { extract, balances: BTreeMap::new(), vouchers: 0 };
        let mut differences = self.differences(&mut general)?;
        let (missing, other_amount) = (self.new_item(MISSING), self.new_item(OTHER_AMOUNT));
        for (index, item) in self.ledger.items.iter().enumerate() {
            let mut difference = |department, cause, amount_ore| {
                let item_id = Some(item.id());
                differences.push((department, Difference { cause, voucher_no: None, item_id, amount_ore }));
            };
            if Some(index) == missing {
                difference(MISSING, DifferenceCause::MissingInLedger, -item.remaining);
            } else if Some(index) == other_amount {
                difference(OTHER_AMOUNT, DifferenceCause::AmountDiffers, TOO_MUCH);
                self.invoice(&mut general, item, item.amount + TOO_MUCH)?;
            } else {
                self.invoice(&mut general, item, item.amount)?;
            }
            self.settlements(&mut general, item)?;
        }
        written.uncleared = self.unidentified(&mut general, payments)?;
        self.bad_transaction(&mut general)?;
        written.reconciliation = self.reconciliation(&general, &differences);
        let (balances, extract) = (general.balances, general.extract);
        written.files.push(extract.finish(Some("SEK"))?);
        written.files.push(self.balances(&balances)?);
        for currency in ["SEK", "EUR"] {
            written.files.extend(self.statement(deposits, currency)?);
        }
        Ok(written)
    }

    fn department(&self, item: &Item) -> usize {
        self.customers[item.customer].department
    }

    fn items(&self, on: NaiveDate, remaining: impl Fn(&Item) -> i64) -> io::Result<FileTruth> {
        let path = format!("erp/AGR_KUNDRESKONTRA_{}.txt", on.format("%Y%m%d"));
        let mut extract = Extract::create(self.landing, &path, &CUSTOMER_ITEM, Some(on))?;
        for item in &self.ledger.items {
            let open = remaining(item);
            if open == 0 {
                continue;
            }
            let fields = self.fields(item, open);
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            extract.row(&fields, &[open])?;
        }
        // The thirtieth of February: the row must be rejected, its amount counts in the trailer.
        let mut fields = self.ledger.items.first().map(|item| self.fields(item, 77_700)).unwrap_or_default();
        if let [id, .., due, _, _, _, _, _, _, _] = fields.as_mut_slice() {
            "SU-1-1".clone_into(id);
            "2026-02-30".clone_into(due);
        }
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        extract.bad_row(&fields, &[77_700])?;
        extract.finish(Some("SEK"))
    }

    fn fields(&self, item: &Item, open: i64) -> Vec<String> {
        let customer = &self.customers[item.customer];
        vec![
            item.id(),
            customer.id.clone(),
            customer.name.clone(),
            customer.identity.clone(),
            customer.department_code().to_owned(),
            CLAIMS.to_owned(),
            item.voucher(),
            item.voucher_type().to_owned(),
            item.invoice_no(),
            item.ocr.clone(),
            item.invoice_date.to_string(),
            item.due_date.to_string(),
            "SEK".to_owned(),
            comma(item.amount),
            comma(open),
            period(item.invoice_date),
            customer.source.code().to_owned(),
            customer.autogiro.clone().unwrap_or_default(),
            customer.payer_account.clone().unwrap_or_default(),
        ]
    }

    /// An open item of the department that was invoiced this month.
    fn new_item(&self, department: usize) -> Option<usize> {
        let is_new = |item: &Item| item.remaining_first == 0 && item.remaining > 0;
        self.ledger.items.iter().position(|item| self.department(item) == department && is_new(item))
    }

    fn invoice(&self, general: &mut General, item: &Item, amount: i64) -> io::Result<()> {
        let id = item.id();
        let rows = [
            Row { account: CLAIMS, amount, item: Some(&id), ..Row::default() },
            Row { account: INCOME, amount: -amount, ..Row::default() },
        ];
        let head = (item.voucher_type(), self.department(item), item.invoice_date);
        general.voucher(&item.voucher(), head, "Faktura", &rows)
    }

    /// What was paid before the first extract, and between the extracts, through other channels.
    fn settlements(&self, general: &mut General, item: &Item) -> io::Result<()> {
        let id = item.id();
        let paid_before = if item.remaining_first == 0 { 0 } else { item.amount - item.remaining_first };
        let paid_between = item.paid_on.map_or(0, |_| item.remaining_first);
        let first = self.ledger.first_extract();
        for (amount, date) in [(paid_before, first), (paid_between, item.paid_on.unwrap_or(first))] {
            if amount != 0 {
                let rows = [
                    Row { account: BANK, amount, ..Row::default() },
                    Row { account: CLAIMS, amount: -amount, item: Some(&id), ..Row::default() },
                ];
                let voucher = general.next_voucher();
                general.voucher(&voucher, ("KI", self.department(item), date), "Inbetalning", &rows)?;
            }
        }
        Ok(())
    }

    /// Differences on 1512 that are vouchers: a booking by hand, an invoice whose item the sub-ledger never had, and
    /// a payment booked on the day of the extract, which does not have it yet.
    fn differences(&self, general: &mut General) -> io::Result<Vec<(usize, Difference)>> {
        // The last item of the department is one that nobody pays.
        let open = self
            .ledger
            .items
            .iter()
            .rev()
            .find(|item| self.department(item) == CUT_OFF && item.remaining > 0 && item.remaining_first > 0);
        let settled = previous_bank_day(self.as_of);
        let unknown = Some("SU-899999999-1".to_owned());
        let mut cases = vec![
            (MANUAL, DifferenceCause::ManualBooking, "MB", settled, None, 150_000, INCOME),
            (UNKNOWN_ITEM, DifferenceCause::MissingInSubLedger, "KF", settled, unknown, 250_000, INCOME),
        ];
        if let Some(item) = open {
            cases.push((CUT_OFF, DifferenceCause::CutOff, "KI", self.as_of, Some(item.id()), -item.remaining, BANK));
        }
        let mut differences = Vec::new();
        for (department, cause, kind, date, item_id, amount_ore, counter) in cases {
            let rows = [
                Row { account: CLAIMS, amount: amount_ore, item: item_id.as_deref(), ..Row::default() },
                Row { account: counter, amount: -amount_ore, ..Row::default() },
            ];
            let voucher = general.next_voucher();
            general.voucher(&voucher, (kind, department, date), "Rättelse", &rows)?;
            differences.push((department, Difference { cause, voucher_no: Some(voucher), item_id, amount_ore }));
        }
        Ok(differences)
    }

    /// Books what is not matched on 9181, up to two bank days before the as-of. Second payments of paid items are
    /// paid back and thereby cleared.
    fn unidentified(&self, general: &mut General, payments: &[PaymentTruth]) -> io::Result<Vec<UnclearedTruth>> {
        let booked_to = previous_bank_day(previous_bank_day(add_days(self.as_of, 1)));
        let mut uncleared = Vec::new();
        let booked = payments.iter().filter(|payment| {
            payment.outcome != Outcome::Confirmed && payment.currency == "SEK" && payment.payment_date <= booked_to
        });
        for payment in booked {
            let department = BANKGIROS.iter().position(|giro| *giro == payment.receiver_account).unwrap_or_default();
            let voucher = general.next_voucher();
            let id = Some(payment.payment_id.as_str());
            let rows = [
                Row { account: BANK, amount: payment.amount_ore, ..Row::default() },
                Row { account: UNIDENTIFIED, amount: -payment.amount_ore, payment: id, ..Row::default() },
            ];
            general.voucher(&voucher, ("IB", department, payment.payment_date), "Ej identifierad", &rows)?;
            if payment.class == PaymentClass::DoublePaymentSecond {
                let back = general.next_voucher();
                let rows = [
                    Row { account: UNIDENTIFIED, amount: payment.amount_ore, payment: id, ..Row::default() },
                    Row { account: BANK, amount: -payment.amount_ore, ..Row::default() },
                ];
                general.voucher(&back, ("UB", department, booked_to), "Återbetalning", &rows)?;
            } else {
                uncleared.push(UnclearedTruth {
                    department: DEPARTMENTS[department].0.to_owned(),
                    voucher_no: voucher,
                    payment_id: payment.payment_id.clone(),
                    amount_ore: -payment.amount_ore,
                });
            }
        }
        Ok(uncleared)
    }

    /// Month 13: the row must be rejected.
    fn bad_transaction(&self, general: &mut General) -> io::Result<()> {
        let (voucher, day) = (general.next_voucher(), self.as_of.to_string());
        let fields = [&voucher, "1", "MB", "101", INCOME, "202613", &day, "SEK", "100,00", "", "", "Felperiod"];
        general.extract.bad_row(&fields, &[10_000])
    }

    fn reconciliation(&self, general: &General, differences: &[(usize, Difference)]) -> Vec<ReconciliationTruth> {
        let now = period(self.as_of);
        let rows = DEPARTMENTS.iter().enumerate().map(|(index, (department, _))| {
            let of_department = self.ledger.items.iter().filter(|item| self.department(item) == index);
            let ledger = general.balances.iter().filter(|((d, account, _), _)| d == department && account == CLAIMS);
            ReconciliationTruth {
                account: CLAIMS.to_owned(),
                department: (*department).to_owned(),
                period: now.clone(),
                ledger_ore: ledger.map(|(_, (debit, credit))| debit - credit).sum(),
                sub_ledger_ore: of_department.map(|item| item.remaining).sum(),
                differences: differences.iter().filter(|(d, _)| *d == index).map(|(_, d)| d.clone()).collect(),
            }
        });
        rows.collect()
    }

    /// A row for every account, department and period from the account's first to the current one.
    fn balances(&self, turnover: &BTreeMap<(&'static str, String, String), (i64, i64)>) -> io::Result<FileTruth> {
        let path = format!("erp/AGR_SALDO_{}.txt", self.as_of.format("%Y%m%d"));
        let mut extract = Extract::create(self.landing, &path, &LEDGER_BALANCE, Some(self.as_of))?;
        let mut periods: Vec<&String> = turnover.keys().map(|(_, _, period)| period).collect();
        periods.sort();
        periods.dedup();
        let mut accounts: Vec<(&'static str, &String)> = turnover.keys().map(|(d, account, _)| (*d, account)).collect();
        accounts.dedup();
        for (department, account) in accounts {
            let mut opening = 0;
            for period in &periods {
                let key = (department, account.clone(), (*period).clone());
                let (debit, credit) = turnover.get(&key).copied().unwrap_or_default();
                let closing = opening + debit - credit;
                let amounts = [opening, debit, credit, closing].map(comma);
                let fields = [department, account, period, "SEK", &amounts[0], &amounts[1], &amounts[2], &amounts[3]];
                extract.row(&fields, &[debit, credit])?;
                opening = closing;
            }
        }
        extract.finish(Some("SEK"))
    }

    fn statement(&self, deposits: &[Deposit], currency: &'static str) -> io::Result<Option<FileTruth>> {
        let mut of_currency = deposits.iter().filter(|deposit| deposit.currency == currency).peekable();
        if of_currency.peek().is_none() {
            return Ok(None);
        }
        let mark = if currency == "SEK" { "" } else { "EUR_" };
        let path = format!("bank/KONTOUTDRAG_{mark}{}.csv", self.as_of);
        let mut extract = Extract::create(self.landing, &path, &STATEMENT, None)?;
        let mut balances: BTreeMap<&str, i64> = BTreeMap::new();
        for (number, deposit) in (1..).zip(of_currency) {
            let balance = balances.entry(deposit.bankgiro).or_insert(100_000_000);
            *balance += deposit.amount;
            let (head, tail) = deposit.bankgiro.split_at(deposit.bankgiro.len() - 4);
            let (day, serial) = (deposit.date.to_string(), format!("{:05}", deposit.serial));
            let fields = [
                &format!("{currency}{}-{number:05}", deposit.date.format("%Y%m%d")),
                &format!("{head}-{tail}"),
                "BG",
                &day,
                &day,
                currency,
                &comma(deposit.amount),
                &comma(*balance),
                &serial,
                &format!("B{serial}"),
                "Insättning BGC",
            ];
            extract.row(&fields, &[deposit.amount])?;
        }
        extract.finish(Some(currency)).map(Some)
    }
}

impl General {
    fn next_voucher(&mut self) -> String {
        self.vouchers += 1;
        format!("{}", 800_000_000 + self.vouchers)
    }

    /// Writes a voucher, whose rows sum to zero.
    fn voucher(
        &mut self,
        voucher: &str,
        (kind, department, date): (&str, usize, NaiveDate),
        text: &str,
        rows: &[Row<'_>],
    ) -> io::Result<()> {
        let (department, period, date) = (DEPARTMENTS[department].0, period(date), date.to_string());
        for (line, row) in (1_u32..).zip(rows) {
            let (line, amount) = (line.to_string(), comma(row.amount));
            let (item, payment) = (row.item.unwrap_or_default(), row.payment.unwrap_or_default());
            let fields =
                [voucher, &line, kind, department, row.account, &period, &date, "SEK", &amount, item, payment, text];
            self.extract.row(&fields, &[row.amount])?;
            let key = (department, row.account.to_owned(), period.clone());
            let (debit, credit) = self.balances.entry(key).or_default();
            *if row.amount > 0 { debit } else { credit } += row.amount.abs();
        }
        Ok(())
    }
}
