//! Payments as people make them: numbers written in their own way, credits that the bank does not mark, too many
//! payments, and payments by somebody else.

use super::Plan;
use crate::payment::{Extra, Payment, Reference};
use crate::truth::{Outcome, PaymentClass};

impl Plan<'_> {
    /// One item, paid in full, whose OCR is written in another way than it is printed.
    pub(super) fn written(&mut self, class: PaymentClass, index: usize) {
        let (date, customer) = (self.day(), self.person());
        let item = self.item(customer, date);
        let remaining = self.remaining(item);
        let ocr = self.ledger.items[item].ocr.clone();
        let mut payment = self.payment(class, date, customer, remaining);
        payment.reference = match class {
            PaymentClass::PaddedReference => Reference::Checked(format!("{ocr:0>25}")),
            PaymentClass::GroupedReference => Reference::Written(in_groups(&ocr)),
            PaymentClass::PunctuatedReference => {
                let form = index % 3;
                Reference::Written(match form {
                    0 => format!("Fakt. {ocr}."),
                    1 => format!("{ocr}. 1250,00 kr"),
                    _ => format!("(OCR: {ocr}) tack!"),
                })
            }
            PaymentClass::TransposedDigits => Reference::Written(transposed(&ocr)),
            _ => Reference::Written(format!("KUND{ocr}")),
        };
        if !matches!(class, PaymentClass::ReferenceInsideWord | PaymentClass::TransposedDigits) {
            payment.outcome = Outcome::Confirmed;
            payment.matches = vec![(item, remaining)];
        }
        self.payments.push(payment);
    }

    pub(super) fn unmarked_credit(&mut self) {
        let (date, customer) = (self.day(), self.person());
        let item = self.item(customer, date);
        let reduction = self.rng.between(1, self.remaining(item) / 200) * 100;
        let credit = self.item_of(customer, date, -reduction);
        let matches: Vec<(usize, i64)> = [item, credit].map(|item| (item, self.remaining(item))).to_vec();
        let sum = matches.iter().map(|(_, amount)| amount).sum();
        let mut payment = self.payment(PaymentClass::UnmarkedCredit, date, customer, sum);
        let references = [item, credit].map(|item| self.ledger.items[item].ocr.clone());
        payment.reference = Reference::Written(references.join(" "));
        payment.extra = references.map(|reference| Extra { negative: false, reference, code: 2, amount: 0 }).to_vec();
        payment.outcome = Outcome::Confirmed;
        payment.matches = matches;
        self.payments.push(payment);
    }

    pub(super) fn three_payments(&mut self) {
        let customer = self.person();
        let mut dates = [self.day(), self.day(), self.day()];
        dates.sort_unstable();
        let item = self.item(customer, dates[0]);
        let remaining = self.remaining(item);
        let (first, second) = (remaining / 3, remaining / 4);
        let rest = remaining - first - second;
        // The last comes on the last bank day: the others are before it whatever their numbers are.
        let last = self.days.last().copied().unwrap_or_default();
        let early = |date| if date == last { self.days[0] } else { date };
        let (date_1, date_2) = (early(dates[0]), early(dates[1]));
        for (date, paid, taken) in [(date_1, first, first), (date_2, second, second), (last, rest + 5_000, rest)] {
            let mut payment = self.payment(PaymentClass::ThreePaymentsTooMuch, date, customer, paid);
            payment.reference = self.ocr(item);
            payment.outcome = Outcome::Confirmed;
            payment.matches = vec![(item, taken)];
            payment.overpaid = paid - taken;
            self.payments.push(payment);
        }
    }

    pub(super) fn exact_beside_partial(&mut self) {
        let (date, customer) = (self.day(), self.person());
        let item = self.item(customer, date);
        let remaining = self.remaining(item);
        let mut partial = self.payment(PaymentClass::PartialBesideExact, date, customer, remaining / 2);
        partial.candidates = vec![item];
        let mut exact = self.payment(PaymentClass::ExactBesidePartial, date, customer, remaining);
        exact.outcome = Outcome::Confirmed;
        exact.matches = vec![(item, remaining)];
        for mut payment in [partial, exact] {
            payment.reference = self.ocr(item);
            self.payments.push(payment);
        }
    }

    /// The account belongs to a company with open items of its own, one of them of the same amount.
    pub(super) fn paid_by_another(&mut self, index: usize) {
        let (date, customer) = (self.day(), self.person());
        let item = self.item(customer, date);
        let remaining = self.remaining(item);
        let other = self.business();
        self.item_of(other, date, remaining);
        let mut payment: Payment = self.payment(PaymentClass::PaidByAnother, date, other, remaining);
        payment.reference = self.ocr(item);
        if index.is_multiple_of(2) {
            payment.messages = vec!["Betalar åt min mor".to_owned()];
        }
        payment.outcome = Outcome::Confirmed;
        payment.matches = vec![(item, remaining)];
        self.payments.push(payment);
    }
}

/// The digits in groups of three from behind.
fn in_groups(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// The first two neighbours changed that the check digit can tell apart: it cannot tell 09 from 90.
fn transposed(digits: &str) -> String {
    let bytes = digits.as_bytes();
    let tells = |place: &usize| {
        let (one, other) = (bytes[*place], bytes[*place + 1]);
        one != other && !matches!((one, other), (b'0', b'9') | (b'9', b'0'))
    };
    let mut changed = bytes.to_vec();
    if let Some(place) = (0..bytes.len() - 1).find(tells) {
        changed.swap(place, place + 1);
    }
    changed.into_iter().map(char::from).collect()
}
