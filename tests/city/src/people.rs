//! The people and businesses who owe the city money.
//!
//! **No real person or company.** Personal numbers follow the pattern of Skatteverket's published list of test
//! numbers: birth numbers 238 and 239 for those born from 1990, 980 to 989 for those born earlier, valid check
//! digit. When a date has no test number left, the day is raised by 60 (the form of a samordningsnummer) and any
//! birth number is taken, from 999 down: no personal number has such a day. Organisation numbers begin with 552:
//! companies have 556 and 559. Bankgiro numbers of customers and suppliers begin with 91 and up, above the 90 series.
//! All have valid check digits.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use schemas::reference::luhn_check_digit;

use crate::dates::{add_days, date};
use crate::names;
use crate::rng::Rng;

/// The system that bills a customer every month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillingSource {
    /// Child care fees.
    Ber,
    /// Rents.
    Lois,
    /// Nothing regular.
    None,
}

impl BillingSource {
    /// As in the contract `customer_item`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ber => "BER",
            Self::Lois => "LOIS",
            Self::None => "",
        }
    }
}

/// A customer of the accounts receivable ledger.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Customer number.
    pub id: String,
    /// Name.
    pub name: String,
    /// Personal or organisation number.
    pub identity: String,
    /// Index into [`names::DEPARTMENTS`].
    pub department: usize,
    /// Street and number.
    pub street: String,
    /// Postcode, five digits.
    pub postcode: String,
    /// True for a company.
    pub business: bool,
    /// Bankgiro that the customer is known to pay from.
    pub payer_account: Option<String>,
    /// Payer number of the direct-debit mandate.
    pub autogiro: Option<String>,
    /// Who bills.
    pub source: BillingSource,
}

impl Customer {
    /// Three digits.
    #[must_use]
    pub fn department_code(&self) -> &'static str {
        names::DEPARTMENTS[self.department].0
    }
}

/// Hands out numbers, each once.
#[derive(Debug, Default)]
pub struct Registry {
    used: BTreeMap<NaiveDate, u32>,
    organisations: i64,
    giros: i64,
}

/// Appends the Luhn check digit.
#[must_use]
pub fn with_check_digit(digits: &str) -> String {
    format!("{digits}{}", luhn_check_digit(digits).unwrap_or_default())
}

/// An OCR reference with length digit (next to last, total length modulus 10) and check digit (last).
#[must_use]
pub fn ocr(base: &str) -> String {
    with_check_digit(&format!("{base}{}", (base.len() + 2) % 10))
}

impl Registry {
    /// A personal number, twelve digits.
    pub fn personal_number(&mut self, born: NaiveDate) -> String {
        let used = self.used.entry(born).or_default();
        let test_numbers: std::ops::RangeInclusive<u32> = if born.year() >= 1990 { 238..=239 } else { 980..=989 };
        let test_number = test_numbers.start() + *used;
        let (raised, birth_number) =
            if test_numbers.contains(&test_number) { (0, test_number) } else { (60, 999 - *used % 999) };
        *used += 1;
        let (century, year) = (born.year() / 100, born.year() % 100);
        let ten = format!("{year:02}{:02}{:02}{birth_number:03}", born.month(), born.day() + raised);
        format!("{century}{}", with_check_digit(&ten))
    }

    /// An organisation number, ten digits.
    pub fn organisation_number(&mut self) -> String {
        self.organisations += 1;
        with_check_digit(&format!("552{:06}", self.organisations % 1_000_000))
    }

    /// A bankgiro number, eight digits.
    pub fn bankgiro(&mut self) -> String {
        self.giros += 1;
        with_check_digit(&format!("{}", 9_100_000 + self.giros % 800_000))
    }
}

/// A person's full name.
pub fn person_name(rng: &mut Rng) -> String {
    format!("{} {}{}", rng.pick(&names::GIVEN), rng.pick(&names::FAMILY_START), rng.pick(&names::FAMILY_END))
}

/// A company's name.
pub fn company_name(rng: &mut Rng) -> String {
    format!("{}{}s {} AB", rng.pick(&names::FAMILY_START), rng.pick(&names::FAMILY_END), rng.pick(&names::TRADES))
}

/// An adult's date of birth.
pub fn adult_born(rng: &mut Rng) -> NaiveDate {
    add_days(date(1950, 1, 1), rng.between(0, 18_000))
}

/// Street and number, and postcode. Postcodes from 99990 up are not in use.
pub fn address(rng: &mut Rng) -> (String, String) {
    (format!("{} {}", rng.pick(&names::STREETS), rng.between(1, 99)), format!("9999{}", rng.between(0, 9)))
}

/// The customers: of every 20, 10 families, 3 tenants, 4 companies and 3 other persons.
#[must_use]
pub fn customers(seed: u64, count: usize, registry: &mut Registry) -> Vec<Customer> {
    let mut rng = Rng::stream(seed, "customers");
    (0..count).map(|index| customer(&mut rng, registry, index)).collect()
}

fn customer(rng: &mut Rng, registry: &mut Registry, index: usize) -> Customer {
    let id = format!("{}", 100_001 + index);
    let (source, business) = match index % 20 {
        0..10 => (BillingSource::Ber, false),
        10..13 => (BillingSource::Lois, false),
        13..17 => (BillingSource::None, true),
        _ => (BillingSource::None, false),
    };
    let (street, postcode) = address(rng);
    let (name, identity) = if business {
        (company_name(rng), registry.organisation_number())
    } else {
        (person_name(rng), registry.personal_number(adult_born(rng)))
    };
    let payer_account = business.then(|| registry.bankgiro());
    let autogiro = (!business && rng.chance(15)).then(|| format!("{:016}", 4_000_000 + index));
    let department = index % names::DEPARTMENTS.len();
    Customer { id, name, identity, department, street, postcode, business, payer_account, autogiro, source }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use schemas::reference::{bankgiro, luhn_valid, ocr_valid_with_length};

    use super::*;

    #[test]
    fn every_number_has_a_valid_check_digit_and_is_given_once() {
        let mut registry = Registry::default();
        let customers = customers(1, 2_000, &mut registry);
        let identities: BTreeSet<_> = customers.iter().map(|customer| &customer.identity).collect();
        assert_eq!(identities.len(), customers.len());
        for customer in &customers {
            let ten = &customer.identity[customer.identity.len() - 10..];
            assert!(luhn_valid(ten), "{ten}");
            if let Some(account) = &customer.payer_account {
                assert_eq!(bankgiro(account).as_ref(), Some(account));
            }
        }
    }

    #[test]
    fn personal_numbers_are_test_numbers() {
        let mut registry = Registry::default();
        assert_eq!(registry.personal_number(date(1999, 12, 28)), "199912282382");
        assert_eq!(&registry.personal_number(date(1903, 1, 24)), "190301249801");
    }

    #[test]
    fn references_have_their_length_digit() {
        assert_eq!(ocr("1234567"), "123456790");
        assert!(ocr_valid_with_length(&ocr("100001000123")));
    }

    #[test]
    fn the_receiving_accounts_are_valid() {
        for account in names::BANKGIROS {
            assert!(bankgiro(account).is_some(), "{account}");
        }
    }
}
