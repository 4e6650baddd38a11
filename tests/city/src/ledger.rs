//! The customer ledger: invoices and credit notes, open at the first extract, at the last, at both or at neither.

use chrono::NaiveDate;

use crate::dates::{add_days, month_start};
use crate::people::{BillingSource, Customer, ocr};
use crate::rng::Rng;

/// The account of customer claims.
pub const CLAIMS: &str = "1512";

/// A ledger item.
#[derive(Debug, Clone)]
pub struct Item {
    /// Running number; voucher, invoice number and identity follow from it.
    pub number: u64,
    /// Index of the customer.
    pub customer: usize,
    /// OCR reference printed on the invoice.
    pub ocr: String,
    /// Invoice date.
    pub invoice_date: NaiveDate,
    /// Due date.
    pub due_date: NaiveDate,
    /// Amount; negative for a credit note.
    pub amount: i64,
    /// What remained at the first extract (zero: not yet invoiced, or paid).
    pub remaining_first: i64,
    /// What remains at the last extract (zero: paid).
    pub remaining: i64,
    /// When it was paid, for an item that was paid between the extracts.
    pub paid_on: Option<NaiveDate>,
}

impl Item {
    /// Identity in the ERP.
    #[must_use]
    pub fn id(&self) -> String {
        format!("SU-{}-1", self.voucher())
    }

    /// Voucher number.
    #[must_use]
    pub fn voucher(&self) -> String {
        format!("{}", 700_000_000 + self.number)
    }

    /// Invoice number.
    #[must_use]
    pub fn invoice_no(&self) -> String {
        format!("{}", 9_000_000 + self.number)
    }

    /// Voucher type: customer invoice or customer credit note.
    #[must_use]
    pub fn voucher_type(&self) -> &'static str {
        if self.amount < 0 { "KK" } else { "KF" }
    }
}

/// A valid OCR that is on no invoice.
#[must_use]
pub fn unused_ocr(number: u64) -> String {
    ocr(&format!("{}", 80_000_000 + number % 10_000_000))
}

/// Writes invoices.
#[derive(Debug)]
pub struct Ledger {
    /// Every item.
    pub items: Vec<Item>,
    as_of: NaiveDate,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new(as_of: NaiveDate) -> Self {
        Self { items: Vec::new(), as_of }
    }

    /// The date of the first extract: the last day of the month before.
    #[must_use]
    pub fn first_extract(&self) -> NaiveDate {
        add_days(month_start(self.as_of), -1)
    }

    /// Adds an item that is open at both extracts; gives its index.
    pub fn open(&mut self, customer: usize, amount: i64, due_date: NaiveDate) -> usize {
        let number = self.items.len() as u64;
        let invoice_date = add_days(due_date, -30);
        let reference = ocr(&format!("{}", 10_000_000 + number * 3));
        let invoiced_before = invoice_date <= self.first_extract();
        self.items.push(Item {
            number,
            customer,
            ocr: reference,
            invoice_date,
            due_date,
            amount,
            remaining_first: if invoiced_before { amount } else { 0 },
            remaining: amount,
            paid_on: None,
        });
        self.items.len() - 1
    }

    /// Adds an item that was paid through another channel between the extracts; gives its index.
    pub fn paid_between(&mut self, customer: usize, amount: i64, due_date: NaiveDate, paid_on: NaiveDate) -> usize {
        let index = self.open(customer, amount, due_date);
        self.items[index].remaining = 0;
        self.items[index].paid_on = Some(paid_on);
        index
    }

    /// A due date of an item that is open at both extracts and not far from a payment on `paid`.
    pub fn due_near(&self, rng: &mut Rng, paid: NaiveDate) -> NaiveDate {
        let (first, last) = (add_days(self.first_extract(), -20), add_days(self.first_extract(), 28));
        add_days(paid, rng.between(-10, 10)).clamp(first, last)
    }
}

/// An invoice amount as the customer's billing system makes them: whole kronor for fees and rents.
pub fn amount(rng: &mut Rng, customer: &Customer) -> i64 {
    match customer.source {
        BillingSource::Ber => rng.between(200, 4_000) * 100,
        BillingSource::Lois => rng.between(3_500, 14_000) * 100,
        BillingSource::None => rng.between(25_000, 2_500_000),
    }
}
