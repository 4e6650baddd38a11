//! A synthetic city for tests, demonstrations and measurements: people, invoices, payments, suppliers, placements,
//! leases and ledgers, written as the real systems write them, with every kind of anomaly that the jobs look for
//! and with the ground truth beside.
//!
//! It is an oracle: it shares no code with the parsers or the jobs (only check digits and money texts with
//! `schemas`), and knows each outcome because it built the case so. The same seed, scale and date give the same
//! bytes. Nobody in it exists: see [`people`].
//!
//! Start at [`City::generate`], [`City::write`] and [`truth::Truth`].

use std::fmt;
use std::io;
use std::path::Path;

use chrono::NaiveDate;

pub mod bank;
pub mod charges;
mod configuration;
pub mod dates;
pub mod document;
pub mod einvoice;
pub mod erp;
pub mod families;
pub mod fees;
pub mod ledger;
pub mod names;
pub mod output;
pub mod payment;
pub mod payments;
pub mod people;
pub mod registers;
pub mod rent;
pub mod requests;
pub mod rng;
pub mod suppliers;
pub mod truth;
mod truth_ap;
mod truth_ar;
mod truth_sla;

use output::Landing;
use truth::{
    BalanceTruth, CityTruth, DocumentKey, DuplicateClass, DuplicateTruth, FileReason, FileStatus, FileTruth, Truth,
    VatTruth,
};

/// Customers in a city of scale 1. Half of them have children in preschool or fritidshem.
const CUSTOMERS: usize = 2_000;

/// Bank days that a month must have had for all cases to fit into it.
const MINIMUM_BANK_DAYS: usize = 5;

/// There is no city at this date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOfTooEarly(NaiveDate);

impl fmt::Display for AsOfTooEarly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no city at {}: give a date from 2026 on, with at least {MINIMUM_BANK_DAYS} bank days in its month up to it",
            self.0
        )
    }
}

impl std::error::Error for AsOfTooEarly {}

/// A city in memory, ready to be written.
#[derive(Debug)]
pub struct City {
    seed: u64,
    scale: u32,
    as_of: NaiveDate,
    customers: Vec<people::Customer>,
    ledger: ledger::Ledger,
    payments: Vec<payment::Payment>,
    documents: suppliers::Plan,
    households: Vec<families::Household>,
    leases: Vec<rent::Lease>,
}

/// The business date of a city unless another is asked for: it lies after the change of the maxtaxa on 2026-07-01.
#[must_use]
pub fn default_as_of() -> NaiveDate {
    dates::date(2026, 8, 31)
}

impl City {
    /// A city of `scale` (at least 1) times 2 000 customers, at [`default_as_of`].
    #[must_use]
    pub fn generate(seed: u64, scale: u32) -> Self {
        Self::build(seed, scale, default_as_of())
    }

    /// The same at another business date: payments are those of its month, fees go back to March 2025.
    ///
    /// # Errors
    /// When the month has too few bank days up to the date to hold a month's cases, or there is no history yet.
    pub fn generate_at(seed: u64, scale: u32, as_of: NaiveDate) -> Result<Self, AsOfTooEarly> {
        let possible = as_of >= dates::date(2026, 1, 1) && dates::bank_days_to(as_of).len() >= MINIMUM_BANK_DAYS;
        if possible { Ok(Self::build(seed, scale, as_of)) } else { Err(AsOfTooEarly(as_of)) }
    }

    fn build(seed: u64, scale: u32, as_of: NaiveDate) -> Self {
        let scale = scale.max(1);
        let mut registry = people::Registry::default();
        let customers = people::customers(seed, CUSTOMERS * scale as usize, &mut registry);
        let plan = payments::Plan::new(seed, scale, as_of, &customers);
        let (ledger, payments) = (plan.ledger, plan.payments);
        let documents = suppliers::plan(seed, scale, as_of, &mut registry);
        let households = families::households(seed, as_of, &customers, &mut registry);
        let leases = rent::leases(seed, as_of, &customers);
        Self { seed, scale, as_of, customers, ledger, payments, documents, households, leases }
    }

    /// Writes the landing places to `dir/landing` and the truth to `dir/truth`. What was there before stays, so
    /// give a new or empty folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, dir: &Path) -> io::Result<Truth> {
        let landing = Landing::new(dir);
        let bank = bank::Bank::new(&landing, &self.customers, &self.ledger.items).write(&self.payments)?;
        let erp = erp::Erp { landing: &landing, as_of: self.as_of, customers: &self.customers, ledger: &self.ledger }
            .write(&bank.payments, &bank.deposits)?;
        let mut truth = Truth {
            city: CityTruth {
                seed: self.seed,
                scale: self.scale,
                as_of: self.as_of,
                payments: bank.totals,
                open_items: self.ledger.items.iter().filter(|item| item.remaining != 0).count() as u64,
                open_ore: self.ledger.items.iter().map(|item| item.remaining).sum(),
            },
            files: [bank.files, erp.files].concat(),
            payments: bank.payments,
            reconciliation: erp.reconciliation,
            uncleared: erp.uncleared,
            fees: fees::fees(&self.households, self.as_of),
            ..Truth::default()
        };
        self.write_documents(&landing, &mut truth)?;
        truth.files.extend(families::write(&landing, self.as_of, &self.customers, &self.households)?);
        let charges = charges::write(&landing, self.as_of, &self.customers, &self.households, &truth.fees)?;
        truth.files.extend(charges.0);
        truth.fee_differences = charges.1;
        truth.files.extend(rent::write(&landing, self.as_of, &self.customers, &self.leases)?);
        let (files, requests) = requests::write(&landing, self.seed, self.scale, self.as_of)?;
        truth.files.extend(files);
        truth.requests = requests;
        (truth.rent_notices, truth.rent_exceptions) = rent::notices(&self.leases, self.as_of);
        truth.files.sort_by(|a, b| a.path.cmp(&b.path));
        truth.write(&dir.join("truth"))?;
        Ok(truth)
    }

    fn write_documents(&self, landing: &Landing, truth: &mut Truth) -> io::Result<()> {
        let plan = &self.documents;
        let mut keys = Vec::with_capacity(plan.documents.len());
        for (number, document) in (1..).zip(&plan.documents) {
            let path = format!("einvoice/{number:07}.xml");
            truth.files.push(einvoice::write(landing, &path, document, &plan.suppliers)?);
            keys.push(DocumentKey {
                seller_key: document.seller_key(&plan.suppliers),
                invoice_no: document.number.clone(),
                issue_date: document.issued,
                file: path,
            });
        }
        truth.files.push(broken_xml(landing)?);
        for (class, first, second) in &plan.pairs {
            let pair = DuplicateTruth { class: *class, first: keys[*first].clone(), second: keys[*second].clone() };
            let is_duplicate =
                matches!(class, DuplicateClass::Exact | DuplicateClass::Strong | DuplicateClass::Suspect);
            if is_duplicate { &mut truth.duplicates } else { &mut truth.near_misses }.push(pair);
        }
        truth.vat_shares = plan
            .vat
            .iter()
            .map(|(cause, index)| {
                let totals = &plan.documents[*index].totals;
                let (net_ore, vat_ore) = (totals.net, totals.vat);
                VatTruth { document: keys[*index].clone(), cause: *cause, net_ore, vat_ore }
            })
            .collect();
        truth.balances = plan
            .broken
            .iter()
            .map(|(rule, index, difference)| BalanceTruth {
                document: keys[*index].clone(),
                rule: *rule,
                difference_ore: *difference,
            })
            .collect();
        Ok(())
    }
}

/// An invoice that ends in the middle.
fn broken_xml(landing: &Landing) -> io::Result<FileTruth> {
    use std::io::Write as _;
    let mut output = landing.create("einvoice/9999999.xml")?;
    output.write_all(
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Invoice \
        xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\">\n<cbc:ID",
    )?;
    let mut file = output.finish("ubl", "supplier_invoice")?;
    (file.status, file.reason) = (FileStatus::Refused, Some(FileReason::Malformed));
    Ok(file)
}
