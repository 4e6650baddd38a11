//! Suppliers and their documents: ordinary ones, duplicates of every class with pairs that only look alike, VAT
//! shares out of bounds with every cause, and every balance rule broken alone.

use chrono::NaiveDate;

use crate::dates::{add_days, add_months};
use crate::document::{Document, Line, Supplier, Totals, percent};
use crate::names::DEPARTMENTS;
use crate::people::{Registry, address, company_name};
use crate::rng::Rng;
use crate::truth::{BalanceRule, DuplicateClass, VatCause};

/// Suppliers, and ordinary documents of each, in a city of scale 1.
const SUPPLIERS: usize = 40;
const DOCUMENTS_EACH: usize = 3;
/// Cases of each kind in a city of scale 1.
const PAIRS: usize = 2;
const VAT_CASES: usize = 2;

const GOODS: (&str, i64) = ("S", 25);
const FOOD: (&str, i64) = ("S", 6);
const LODGING: (&str, i64) = ("S", 12);
const EXEMPT: (&str, i64) = ("E", 0);
const REVERSE: (&str, i64) = ("AE", 0);

/// What the city knows about documents, by index.
#[derive(Debug, Default)]
pub struct Plan {
    /// Suppliers.
    pub suppliers: Vec<Supplier>,
    /// Documents in the order of their delivery.
    pub documents: Vec<Document>,
    /// Pairs: earlier, later.
    pub pairs: Vec<(DuplicateClass, usize, usize)>,
    /// Causes of VAT shares out of bounds.
    pub vat: Vec<(VatCause, usize)>,
    /// Broken rules with what is written minus what should be.
    pub broken: Vec<(BalanceRule, usize, i64)>,
}

struct Planner<'r> {
    rng: Rng,
    registry: &'r mut Registry,
    as_of: NaiveDate,
    next_number: u64,
    next_supplier: usize,
    plan: Plan,
}

/// Plans the documents.
#[must_use]
pub fn plan(seed: u64, scale: u32, as_of: NaiveDate, registry: &mut Registry) -> Plan {
    let mut planner = Planner {
        rng: Rng::stream(seed, "suppliers"),
        registry,
        as_of,
        next_number: 10_000,
        next_supplier: 0,
        plan: Plan::default(),
    };
    let scale = scale as usize;
    for _ in 0..SUPPLIERS * scale {
        planner.add_supplier(None);
    }
    for index in 0..SUPPLIERS * DOCUMENTS_EACH * scale {
        planner.ordinary(index);
    }
    for _ in 0..PAIRS * scale {
        planner.duplicates();
        planner.look_alikes();
    }
    for _ in 0..VAT_CASES * scale {
        planner.vat_shares();
    }
    for _ in 0..scale {
        planner.unbalanced();
    }
    planner.plan
}

impl Planner<'_> {
    fn add_supplier(&mut self, bankgiro: Option<String>) -> usize {
        let (street, postcode) = address(&mut self.rng);
        let bankgiro = bankgiro.unwrap_or_else(|| self.registry.bankgiro());
        let (name, organisation) = (company_name(&mut self.rng), self.registry.organisation_number());
        self.plan.suppliers.push(Supplier { name, organisation, bankgiro, street, postcode });
        self.plan.suppliers.len() - 1
    }

    /// The suppliers take turns, so that no two cases meet by chance on one supplier and day.
    fn supplier(&mut self) -> usize {
        self.next_supplier += 1;
        self.next_supplier % self.plan.suppliers.len()
    }

    fn number(&mut self) -> String {
        self.next_number += 1;
        format!("F-{}", self.next_number)
    }

    /// A document of one line of goods whose amount no other has: the running number is in it.
    fn document(&mut self, seller: usize, issued: NaiveDate) -> Document {
        let number = self.number();
        let price = self.rng.between(10, 400) * 100_000 + (self.next_number % 100_000).cast_signed();
        let mut document = Document {
            credit: false,
            number,
            issued,
            seller,
            registration: true,
            account: self.plan.suppliers[seller].bankgiro.clone(),
            department: self.rng.index(DEPARTMENTS.len()),
            lines: vec![Line::new("Arbete enligt avtal", 1, price, GOODS)],
            subtotals: Vec::new(),
            totals: Totals::default(),
            preceding: None,
            attachment: None,
        };
        document.balance();
        document
    }

    fn recent(&mut self) -> NaiveDate {
        add_days(self.as_of, -self.rng.between(1, 60))
    }

    fn new_document(&mut self) -> Document {
        let (seller, issued) = (self.supplier(), self.recent());
        self.document(seller, issued)
    }

    fn push(&mut self, document: Document) -> usize {
        self.plan.documents.push(document);
        self.plan.documents.len() - 1
    }

    fn ordinary(&mut self, index: usize) {
        let mut document = self.new_document();
        match index % 8 {
            1 => document.lines.push(Line::new("Frukt & grönt", 40, self.rng.between(900, 9_000), FOOD)),
            2 => document.lines.push(Line::new("Logi", 2, self.rng.between(50_000, 150_000), LODGING)),
            3 => document.totals.allowance = 12_345,
            4 => document.totals.charge = 9_900,
            5 => document.totals.prepaid = 100_000,
            // A share of exactly 5 per cent is within bounds.
            6 => {
                let taxed = 2_000 * self.rng.between(10, 500);
                document.lines =
                    vec![Line::new("Varor", 1, taxed, GOODS), Line::new("Avgift utan moms", 1, taxed * 4, EXEMPT)];
            }
            _ => {}
        }
        document.balance();
        if index % 8 == 7 {
            document.round();
        }
        if index % 8 < 5 {
            let size = self.rng.between(300, 3_000);
            document.attachment = Some((0..size).map(|_| self.rng.between(0, 255) as u8).collect());
        }
        self.push(document);
    }

    fn pair(&mut self, class: DuplicateClass, first: Document, second: Document) {
        let pair = (self.push(first), self.push(second));
        self.plan.pairs.push((class, pair.0, pair.1));
    }

    fn duplicates(&mut self) {
        // Written another way, dated and priced another way: the number is what they share.
        let second = self.new_document();
        let mut first = self.document(second.seller, add_days(second.issued, -3));
        first.number = format!("00{}", second.number.to_lowercase().replace('-', " / "));
        self.pair(DuplicateClass::Exact, first, second);
        // Sent twice, the second time without the attachment.
        let mut first = self.new_document();
        first.attachment = Some(first.number.clone().into_bytes());
        let second = Document { attachment: None, ..first.clone() };
        self.pair(DuplicateClass::Exact, first, second);

        let first = self.new_document();
        let second = Document { number: self.number(), ..first.clone() };
        self.pair(DuplicateClass::Strong, first, second);

        // The same picture of the invoice under another number and date.
        let mut second = self.new_document();
        second.attachment = Some(format!("{} {}", second.number, second.totals.gross).into_bytes());
        let first = Document { number: self.number(), issued: add_days(second.issued, -2), ..second.clone() };
        self.pair(DuplicateClass::Exact, first, second);

        // Another company with the same account, thirty days before.
        let second = self.new_document();
        let seller = self.add_supplier(Some(second.account.clone()));
        let (number, issued) = (self.number(), add_days(second.issued, -30));
        self.pair(DuplicateClass::Suspect, Document { seller, number, issued, ..second.clone() }, second);
        // The same company, once without its registration: two supplier identities, one organisation number.
        let second = self.new_document();
        let (number, issued) = (self.number(), add_days(second.issued, -5));
        let first = Document { registration: false, number, issued, ..second.clone() };
        self.pair(DuplicateClass::Suspect, first, second);
    }

    fn look_alikes(&mut self) {
        let first = self.new_document();
        let preceding = Some((first.number.clone(), first.issued));
        let second = Document { credit: true, preceding, ..first.clone() };
        self.pair(DuplicateClass::CreditOfInvoice, first, second);

        let first = self.new_document();
        let mut second = self.new_document();
        second.number.clone_from(&first.number);
        self.pair(DuplicateClass::SameNumberOtherSupplier, first, second);

        let first = self.new_document();
        let (number, issued) = (self.number(), add_months(first.issued, -1));
        let earlier = Document { number, issued, ..first.clone() };
        self.pair(DuplicateClass::Recurring, earlier, first);

        let first = self.new_document();
        let seller = self.add_supplier(Some(first.account.clone()));
        let earlier = Document { seller, number: self.number(), issued: add_days(first.issued, -31), ..first.clone() };
        self.pair(DuplicateClass::FarApart, earlier, first);

        let second = self.new_document();
        let mut first = self.document(second.seller, add_days(second.issued, -366));
        first.number.clone_from(&second.number);
        self.pair(DuplicateClass::OutsideWindow, first, second);
    }

    fn vat_case(&mut self, cause: VatCause, document: Document) -> usize {
        let index = self.push(document);
        self.plan.vat.push((cause, index));
        index
    }

    fn vat_shares(&mut self) {
        for (cause, category) in [(VatCause::Exempt, EXEMPT), (VatCause::ReverseCharge, REVERSE)] {
            let mut document = self.new_document();
            document.lines[0] = Line::new("Utbildning", 1, document.lines[0].price, category);
            document.balance();
            self.vat_case(cause, document.clone());
            let credit = Document { credit: true, number: self.number(), issued: self.recent(), ..document };
            self.vat_case(cause, credit);
        }
        // One öre below 5 per cent.
        let mut document = self.new_document();
        let taxed = 2_000 * self.rng.between(10, 500);
        document.lines =
            vec![Line::new("Varor", 1, taxed, GOODS), Line::new("Avgift utan moms", 1, taxed * 4 + 20, EXEMPT)];
        document.balance();
        self.vat_case(VatCause::MixedRates, document);

        // More than any rate gives, and less than the rate gives.
        for rate in [30, 3] {
            let mut document = self.new_document();
            let difference = percent(document.totals.net, rate) - document.totals.vat;
            document.subtotals[0].tax += difference;
            document.totals.vat += difference;
            document.totals.gross += difference;
            document.totals.payable += difference;
            let index = self.vat_case(VatCause::ArithmeticError, document);
            self.plan.broken.push((BalanceRule::VatOfRate, index, difference));
        }

        let mut document = self.new_document();
        let price = document.lines[0].price;
        document.lines.push(Line::new("Retur", -1, price, GOODS));
        document.balance();
        self.vat_case(VatCause::NetZero, document);
    }

    /// Each rule broken alone: what follows from the wrong amount agrees with it.
    fn unbalanced(&mut self) {
        let mut breaks = |rule: BalanceRule, difference: i64, wrong: &dyn Fn(&mut Document, i64)| {
            let mut document = self.new_document();
            wrong(&mut document, difference);
            let index = self.push(document);
            self.plan.broken.push((rule, index, difference));
        };
        breaks(BalanceRule::LineSum, 10_000, &|document, difference| {
            document.totals.lines += difference;
            document.totals.net += difference;
            document.totals.gross += difference;
            document.totals.payable += difference;
        });
        breaks(BalanceRule::Net, 5_000, &|document, difference| {
            document.totals.net += difference;
            document.totals.gross += difference;
            document.totals.payable += difference;
        });
        breaks(BalanceRule::VatSum, 50, &|document, difference| {
            document.totals.vat += difference;
            document.totals.gross += difference;
            document.totals.payable += difference;
        });
        breaks(BalanceRule::Gross, 1, &|document, difference| {
            document.totals.gross += difference;
            document.totals.payable += difference;
        });
        breaks(BalanceRule::Payable, -500, &|document, difference| document.totals.payable += difference);
        breaks(BalanceRule::VatOfRate, -150, &|document, difference| {
            document.subtotals[0].tax += difference;
            document.totals.vat += difference;
            document.totals.gross += difference;
            document.totals.payable += difference;
        });
        breaks(BalanceRule::VatBase, -200, &|document, difference| {
            let vat = percent(document.subtotals[0].base + difference, 25) - document.totals.vat;
            document.subtotals[0].base += difference;
            document.subtotals[0].tax += vat;
            document.totals.vat += vat;
            document.totals.gross += vat;
            document.totals.payable += vat;
        });
        breaks(BalanceRule::LineAmount, 100, &|document, difference| {
            document.lines[0].net += difference;
            document.balance();
        });
    }
}

#[cfg(test)]
mod tests;
