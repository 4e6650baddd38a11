//! The month's payments: for each class, payments built together with the items they pay, so that the outcome is
//! known by construction.

use chrono::NaiveDate;

use crate::dates::bank_days_to;
use crate::ledger::{Ledger, amount, unused_ocr};
use crate::payment::{Channel, Extra, Payment, Reference};
use crate::people::Customer;
use crate::rng::Rng;
use crate::truth::{Outcome, PaymentClass};

/// Payments of each class in a city of scale 1.
const CLASSES: [(PaymentClass, usize); 30] = [
    (PaymentClass::Exact, 1_460),
    (PaymentClass::ReferenceInWords, 40),
    (PaymentClass::ReferenceInWordsOtherAmount, 20),
    (PaymentClass::ExactAutogiro, 200),
    (PaymentClass::Partial, 80),
    (PaymentClass::Over, 60),
    (PaymentClass::SeveralReferences, 40),
    (PaymentClass::SeveralReferencesWithAmounts, 40),
    (PaymentClass::CreditReference, 20),
    (PaymentClass::TwoPaymentsOneItem, 30),
    (PaymentClass::DoublePaymentFirst, 20),
    (PaymentClass::WrongCheckDigit, 40),
    (PaymentClass::UnknownReference, 40),
    (PaymentClass::ReferenceInText, 40),
    (PaymentClass::AccountAndAmount, 80),
    (PaymentClass::AccountAndSum, 40),
    (PaymentClass::AmbiguousReference, 20),
    (PaymentClass::ClosedItem, 60),
    (PaymentClass::ForeignCurrency, 20),
    (PaymentClass::SeveralReferencesOtherSum, 20),
    (PaymentClass::NoClue, 40),
    (PaymentClass::PaddedReference, 20),
    (PaymentClass::GroupedReference, 20),
    (PaymentClass::PunctuatedReference, 20),
    (PaymentClass::ReferenceInsideWord, 20),
    (PaymentClass::TransposedDigits, 20),
    (PaymentClass::UnmarkedCredit, 20),
    (PaymentClass::ThreePaymentsTooMuch, 10),
    (PaymentClass::ExactBesidePartial, 10),
    (PaymentClass::PaidByAnother, 20),
];

/// Deductions, each with a payment of the same company, in a city of scale 1.
const DEDUCTIONS: usize = 20;

/// Open items that nobody pays, and items paid between the extracts, in a city of scale 1.
const UNPAID: usize = 420;
const PAID_BETWEEN: usize = 240;

/// Plans the month.
#[derive(Debug)]
pub struct Plan<'a> {
    rng: Rng,
    customers: &'a [Customer],
    persons: Vec<usize>,
    businesses: Vec<usize>,
    next_person: usize,
    next_business: usize,
    days: Vec<NaiveDate>,
    /// The ledger that the payments meet.
    pub ledger: Ledger,
    /// The payments.
    pub payments: Vec<Payment>,
}

impl<'a> Plan<'a> {
    /// The month of `as_of` for `customers`.
    #[must_use]
    pub fn new(seed: u64, scale: u32, as_of: NaiveDate, customers: &'a [Customer]) -> Self {
        let (businesses, persons) = (0..customers.len()).partition(|index| customers[*index].business);
        let mut plan = Self {
            rng: Rng::stream(seed, "payments"),
            customers,
            persons,
            businesses,
            next_person: 0,
            next_business: 0,
            days: bank_days_to(as_of),
            ledger: Ledger::new(as_of),
            payments: Vec::new(),
        };
        let scale = scale as usize;
        // Companies that are to be recognised by their account come first: each has no other items.
        for class in [PaymentClass::AccountAndAmount, PaymentClass::AccountAndSum] {
            plan.add_class(class, scale);
        }
        for (class, _) in CLASSES {
            if !matches!(class, PaymentClass::AccountAndAmount | PaymentClass::AccountAndSum) {
                plan.add_class(class, scale);
            }
        }
        for _ in 0..DEDUCTIONS * scale {
            plan.deduction();
        }
        plan.unpaid(scale);
        // Stable: what was planned first stays first within a deposit, so a deduction follows its payment.
        plan.payments.sort_by_key(|payment| (payment.date, payment.channel, payment.currency, payment.bankgiro));
        plan
    }

    fn add_class(&mut self, class: PaymentClass, scale: usize) {
        let count = CLASSES.iter().find(|(other, _)| *other == class).map_or(0, |(_, count)| *count);
        for index in 0..count * scale {
            self.add(class, index);
        }
    }

    fn add(&mut self, class: PaymentClass, index: usize) {
        match class {
            PaymentClass::Exact => self.exact(index),
            PaymentClass::ExactAutogiro => self.autogiro(),
            PaymentClass::Partial | PaymentClass::Over => self.other_amount(class),
            PaymentClass::SeveralReferences | PaymentClass::SeveralReferencesOtherSum => self.several(class),
            PaymentClass::SeveralReferencesWithAmounts => self.registered(class, false),
            PaymentClass::CreditReference => self.registered(class, true),
            PaymentClass::TwoPaymentsOneItem => self.two_payments(),
            PaymentClass::DoublePaymentFirst => self.double_payment(),
            PaymentClass::AccountAndAmount => self.account_and_amount(),
            PaymentClass::AccountAndSum => self.account_and_sum(),
            PaymentClass::AmbiguousReference => self.ambiguous(),
            PaymentClass::PaddedReference
            | PaymentClass::GroupedReference
            | PaymentClass::PunctuatedReference
            | PaymentClass::ReferenceInsideWord
            | PaymentClass::TransposedDigits => self.written(class, index),
            PaymentClass::UnmarkedCredit => self.unmarked_credit(),
            PaymentClass::ThreePaymentsTooMuch => self.three_payments(),
            PaymentClass::ExactBesidePartial => self.exact_beside_partial(),
            PaymentClass::PaidByAnother => self.paid_by_another(index),
            _ => self.by_person(class, index),
        }
    }

    fn person(&mut self) -> usize {
        self.next_person += 1;
        self.persons[self.next_person % self.persons.len()]
    }

    fn business(&mut self) -> usize {
        self.next_business += 1;
        self.businesses[(self.next_business - 1) % self.businesses.len()]
    }

    fn day(&mut self) -> NaiveDate {
        self.days[self.rng.index(self.days.len())]
    }

    /// An open item of `customer`, due near `paid`.
    fn item(&mut self, customer: usize, paid: NaiveDate) -> usize {
        let amount = amount(&mut self.rng, &self.customers[customer]);
        self.item_of(customer, paid, amount)
    }

    fn item_of(&mut self, customer: usize, paid: NaiveDate, amount: i64) -> usize {
        let due = self.ledger.due_near(&mut self.rng, paid);
        self.ledger.open(customer, amount, due)
    }

    fn ocr(&self, item: usize) -> Reference {
        Reference::Checked(self.ledger.items[item].ocr.clone())
    }

    fn remaining(&self, item: usize) -> i64 {
        self.ledger.items[item].remaining
    }

    fn payment(&mut self, class: PaymentClass, date: NaiveDate, customer: usize, amount: i64) -> Payment {
        Payment {
            class,
            channel: Channel::Bank,
            bankgiro: self.rng.index(crate::names::BANKGIROS.len()),
            date,
            currency: "SEK",
            amount,
            reference: Reference::Blank,
            extra: Vec::new(),
            messages: Vec::new(),
            payer: Some(customer),
            from_account: self.customers[customer].payer_account.is_some(),
            outcome: Outcome::Unmatched,
            matches: Vec::new(),
            overpaid: 0,
            candidates: Vec::new(),
        }
    }

    fn exact(&mut self, index: usize) {
        let date = self.day();
        let customer = if index.is_multiple_of(8) { self.business() } else { self.person() };
        let item = self.item(customer, date);
        if index % 20 == 1 {
            // Part of it was paid before the month.
            let paid_before = self.remaining(item) / 3 / 100 * 100;
            self.ledger.items[item].remaining -= paid_before;
            self.ledger.items[item].remaining_first -= paid_before;
        }
        let remaining = self.remaining(item);
        let mut payment = self.payment(PaymentClass::Exact, date, customer, remaining);
        payment.reference = self.ocr(item);
        payment.outcome = Outcome::Confirmed;
        payment.matches = vec![(item, remaining)];
        if index % 10 == 3 {
            payment.messages = vec!["Hälsningar från oss på Åvägen".to_owned()];
        }
        if index % 6 == 5 {
            payment.channel = Channel::Slip;
        }
        // Private persons' banks often send neither name nor account.
        if index % 3 == 2 && !payment.from_account {
            payment.payer = None;
        }
        self.payments.push(payment);
    }

    fn autogiro(&mut self) {
        // Direct debits are drawn on the last bank day.
        let date = self.days.last().copied().unwrap_or_default();
        let customer = loop {
            let candidate = self.person();
            if self.customers[candidate].autogiro.is_some() {
                break candidate;
            }
        };
        let item = self.item(customer, date);
        let remaining = self.remaining(item);
        let mut payment = self.payment(PaymentClass::ExactAutogiro, date, customer, remaining);
        payment.channel = Channel::Autogiro;
        payment.reference = self.ocr(item);
        payment.outcome = Outcome::Confirmed;
        payment.matches = vec![(item, remaining)];
        self.payments.push(payment);
    }

    fn other_amount(&mut self, class: PaymentClass) {
        let (date, customer) = (self.day(), self.person());
        let item = self.item(customer, date);
        let remaining = self.remaining(item);
        let paid = match class {
            PaymentClass::Over => remaining + self.rng.between(1, 50_000),
            _ => remaining - self.rng.between(1, remaining - 1),
        };
        let mut payment = self.payment(class, date, customer, paid);
        payment.reference = self.ocr(item);
        payment.outcome = Outcome::Confirmed;
        payment.matches = vec![(item, paid.min(remaining))];
        payment.overpaid = (paid - remaining).max(0);
        self.payments.push(payment);
    }

    /// Several OCR in the reference (two fit) or in the message (BgMax manual 3.2.5 a and b): TK22 without amounts.
    fn several(&mut self, class: PaymentClass) {
        let (date, customer, count) = (self.day(), self.person(), self.rng.between(2, 4));
        let items: Vec<usize> = (0..count).map(|_| self.item(customer, date)).collect();
        let sum: i64 = items.iter().map(|item| self.remaining(*item)).sum();
        let fits = class == PaymentClass::SeveralReferences;
        let mut payment = self.payment(class, date, customer, if fits { sum } else { sum - 12_300 });
        let references: Vec<String> = items.iter().map(|item| self.ledger.items[*item].ocr.clone()).collect();
        if count == 2 {
            payment.reference = Reference::Written(references.join(" "));
        } else {
            payment.reference = Reference::Written("Flera fakturor".to_owned());
            payment.messages = references.chunks(3).map(|chunk| chunk.join(" ")).collect();
        }
        payment.extra =
            references.into_iter().map(|reference| Extra { negative: false, reference, code: 2, amount: 0 }).collect();
        if fits {
            payment.outcome = Outcome::Confirmed;
            payment.matches = items.iter().map(|item| (*item, self.remaining(*item))).collect();
        } else {
            payment.candidates = items;
        }
        self.payments.push(payment);
    }

    /// Extended registration (manual 3.2.5 c): blank reference, every reference with its amount.
    fn registered(&mut self, class: PaymentClass, credit: bool) {
        let (date, customer) = (self.day(), self.person());
        let mut items: Vec<usize> = (0..self.rng.between(2, 3)).map(|_| self.item(customer, date)).collect();
        if credit {
            let smallest = items.iter().map(|item| self.remaining(*item)).min().unwrap_or_default();
            let reduction = self.rng.between(1, smallest / 200) * 100;
            items.push(self.item_of(customer, date, -reduction));
        }
        let matches: Vec<(usize, i64)> = items.iter().map(|item| (*item, self.remaining(*item))).collect();
        let sum = matches.iter().map(|(_, amount)| amount).sum();
        let mut payment = self.payment(class, date, customer, sum);
        payment.channel = Channel::Slip;
        payment.extra = matches
            .iter()
            .map(|(item, amount)| Extra {
                negative: *amount < 0,
                reference: self.ledger.items[*item].ocr.clone(),
                code: 4,
                amount: amount.abs(),
            })
            .collect();
        payment.outcome = Outcome::Confirmed;
        payment.matches = matches;
        self.payments.push(payment);
    }

    /// Two days of which the second is later.
    fn two_days(&mut self) -> (NaiveDate, NaiveDate) {
        let second = self.rng.index(self.days.len() - 1) + 1;
        let first = self.rng.index(second);
        (self.days[first], self.days[second])
    }

    fn two_payments(&mut self) {
        let ((first, second), customer) = (self.two_days(), self.person());
        let item = self.item(customer, first);
        let remaining = self.remaining(item);
        let part = self.rng.between(1, remaining - 1);
        for (date, paid) in [(first, part), (second, remaining - part)] {
            let mut payment = self.payment(PaymentClass::TwoPaymentsOneItem, date, customer, paid);
            payment.reference = self.ocr(item);
            payment.outcome = Outcome::Confirmed;
            payment.matches = vec![(item, paid)];
            self.payments.push(payment);
        }
    }

    fn double_payment(&mut self) {
        let ((first, second), customer) = (self.two_days(), self.person());
        let item = self.item(customer, first);
        let remaining = self.remaining(item);
        let mut payment = self.payment(PaymentClass::DoublePaymentFirst, first, customer, remaining);
        payment.reference = self.ocr(item);
        payment.outcome = Outcome::Confirmed;
        payment.matches = vec![(item, remaining)];
        let mut again = self.payment(PaymentClass::DoublePaymentSecond, second, customer, remaining);
        again.reference = self.ocr(item);
        again.candidates = vec![item];
        self.payments.extend([payment, again]);
    }

    fn account_and_amount(&mut self) {
        let (date, customer) = (self.day(), self.business());
        let item = self.item(customer, date);
        let remaining = self.remaining(item);
        // Another open item of another amount, so that the amount is what tells them apart.
        self.item_of(customer, date, remaining + 7_700);
        let mut payment = self.payment(PaymentClass::AccountAndAmount, date, customer, remaining);
        payment.messages = vec!["Enligt överenskommelse".to_owned()];
        payment.outcome = Outcome::Suggested;
        payment.matches = vec![(item, remaining)];
        self.payments.push(payment);
    }

    fn account_and_sum(&mut self) {
        let (date, customer) = (self.day(), self.business());
        // Amounts of which every subset has a sum of its own: see the test.
        let unit = self.rng.between(1_000, 9_000) * 10;
        let amounts = [unit + 1, 2 * unit + 3, 4 * unit + 9, 8 * unit + 27];
        let items: Vec<usize> = amounts.iter().map(|amount| self.item_of(customer, date, *amount)).collect();
        let chosen = self.rng.pick(&[&[0_usize, 1][..], &[0, 2], &[1, 3], &[0, 1, 3], &[1, 2, 3]]);
        let chosen: Vec<(usize, i64)> =
            chosen.iter().map(|index| (items[*index], self.remaining(items[*index]))).collect();
        let sum = chosen.iter().map(|(_, amount)| amount).sum();
        let mut payment = self.payment(PaymentClass::AccountAndSum, date, customer, sum);
        payment.outcome = Outcome::Suggested;
        payment.matches = chosen;
        self.payments.push(payment);
    }

    fn ambiguous(&mut self) {
        let (date, customer) = (self.day(), self.person());
        let first = self.item(customer, date);
        let remaining = self.remaining(first);
        let second = self.item_of(customer, date, remaining);
        let shared = self.ledger.items[first].ocr.clone();
        self.ledger.items[second].ocr = shared;
        let mut payment = self.payment(PaymentClass::AmbiguousReference, date, customer, remaining);
        payment.reference = self.ocr(first);
        payment.candidates = vec![first, second];
        self.payments.push(payment);
    }

    fn by_person(&mut self, class: PaymentClass, index: usize) {
        let (date, customer) = (self.day(), self.person());
        let paid = amount(&mut self.rng, &self.customers[customer]);
        let due = self.ledger.due_near(&mut self.rng, date);
        let mut payment = self.payment(class, date, customer, paid);
        match class {
            PaymentClass::WrongCheckDigit => {
                let item = self.ledger.open(customer, paid, due);
                payment.reference = Reference::Written(wrong_check_digit(&self.ledger.items[item].ocr));
                payment.candidates = vec![item];
            }
            PaymentClass::UnknownReference => payment.reference = Reference::Checked(unused_ocr(index as u64)),
            PaymentClass::ReferenceInWords | PaymentClass::ReferenceInWordsOtherAmount => {
                let item = self.ledger.open(customer, paid, due);
                payment.reference = Reference::Written(format!("Faktura {}", self.ledger.items[item].ocr));
                if class == PaymentClass::ReferenceInWords {
                    payment.outcome = Outcome::Confirmed;
                    payment.matches = vec![(item, paid)];
                } else {
                    payment.amount -= 5_000;
                    payment.candidates = vec![item];
                }
            }
            PaymentClass::ReferenceInText => {
                let item = self.ledger.open(customer, paid, due);
                payment.messages = vec![format!("Faktura OCR {} tack", self.ledger.items[item].ocr)];
                payment.candidates = vec![item];
            }
            PaymentClass::ClosedItem => {
                // Paid on one of the first two days; this payment comes later.
                let early = self.rng.index(2);
                let late = 2 + self.rng.index(self.days.len() - 2);
                payment.date = self.days[late];
                let item = self.ledger.paid_between(customer, paid, due, self.days[early]);
                payment.reference = self.ocr(item);
                payment.candidates = vec![item];
            }
            PaymentClass::ForeignCurrency => {
                let item = self.ledger.open(customer, paid, due);
                payment.reference = self.ocr(item);
                payment.candidates = vec![item];
                payment.currency = "EUR";
                payment.amount = paid / 11;
            }
            _ => payment.payer = None,
        }
        self.payments.push(payment);
    }

    /// A company pays one invoice and sets off a claim of its own that the ledger does not know.
    fn deduction(&mut self) {
        let (date, customer) = (self.day(), self.business());
        let item = self.item(customer, date);
        let remaining = self.remaining(item);
        let mut payment = self.payment(PaymentClass::Exact, date, customer, remaining);
        payment.reference = self.ocr(item);
        payment.outcome = Outcome::Confirmed;
        payment.matches = vec![(item, remaining)];
        let mut deduction = self.payment(PaymentClass::Deduction, date, customer, -(remaining / 4));
        deduction.bankgiro = payment.bankgiro;
        deduction.reference = Reference::Written("Avdrag retur".to_owned());
        self.payments.extend([payment, deduction]);
    }

    fn unpaid(&mut self, scale: usize) {
        for index in 0..(UNPAID + PAID_BETWEEN) * scale {
            let customer = self.person();
            let amount = amount(&mut self.rng, &self.customers[customer]);
            let first = self.ledger.first_extract();
            if index % (UNPAID + PAID_BETWEEN) < PAID_BETWEEN {
                let due = crate::dates::add_days(first, self.rng.between(-60, 5));
                let paid_on = self.day();
                self.ledger.paid_between(customer, amount, due, paid_on);
            } else {
                // Overdue since spring up to invoiced this month.
                let due = crate::dates::add_days(first, self.rng.between(-120, 50));
                self.ledger.open(customer, amount, due);
            }
        }
    }
}

/// The reference with another last digit.
fn wrong_check_digit(reference: &str) -> String {
    let (head, last) = reference.split_at(reference.len() - 1);
    let digit = last.parse::<u8>().unwrap_or_default();
    format!("{head}{}", (digit + 1) % 10)
}

mod unusual;

#[cfg(test)]
mod tests;
