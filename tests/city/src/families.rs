//! Households with children in preschool and fritidshem, their declared incomes, and their registers (BER).

use std::io;

use chrono::{Datelike, NaiveDate};

use crate::dates::{add_days, add_months, date, month_end, month_start};
use crate::names::DEPARTMENTS;
use crate::output::{Landing, comma};
use crate::people::{BillingSource, Customer, Registry, adult_born};
use crate::registers::{Extract, HOUSEHOLD, INCOME, PLACEMENT, iso, yes};
use crate::rng::Rng;
use crate::truth::FileTruth;

/// First day of the placements' history.
fn history_start() -> NaiveDate {
    date(2025, 3, 1)
}

/// Form of a placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Preschool.
    Preschool,
    /// Pedagogisk omsorg.
    Pedagogisk,
    /// School-age care.
    Fritidshem,
    /// Club for older children, outside the maxtaxa.
    Fritidsklubb,
}

impl Form {
    fn code(self) -> &'static str {
        match self {
            Self::Preschool => "FSK",
            Self::Pedagogisk => "PEDOMS",
            Self::Fritidshem => "FTH",
            Self::Fritidsklubb => "FKL",
        }
    }
}

/// A row of the placement register.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Placement.
    pub id: String,
    /// Form.
    pub form: Form,
    /// Hundredths of hours a week; none in fritidsklubb.
    pub hours: Option<i64>,
    /// Only free general preschool.
    pub general: bool,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: Option<NaiveDate>,
    /// The city invoices.
    pub municipal: bool,
}

/// A child.
#[derive(Debug, Clone)]
pub struct Child {
    /// Personal number.
    pub id: String,
    /// Date of birth.
    pub born: NaiveDate,
    /// Placement periods, without overlap.
    pub placements: Vec<Placement>,
}

/// How an income was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Income {
    /// Approved, öre a month.
    Approved(i64),
    /// Not declared.
    Missing,
    /// Cannot be verified.
    Unverifiable,
}

/// A declaration: whole months.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: Option<NaiveDate>,
    /// What was declared.
    pub income: Income,
}

/// A household.
#[derive(Debug, Clone)]
pub struct Household {
    /// Household.
    pub id: String,
    /// Index of the customer who pays.
    pub customer: usize,
    /// The other adult.
    pub second_guardian: Option<String>,
    /// Protected identity.
    pub protected: bool,
    /// Children, youngest first, born on different days.
    pub children: Vec<Child>,
    /// Declarations, without overlap; a month without one is possible.
    pub declarations: Vec<Declaration>,
}

/// One household for each customer who is billed by BER.
#[must_use]
pub fn households(seed: u64, as_of: NaiveDate, customers: &[Customer], registry: &mut Registry) -> Vec<Household> {
    let mut rng = Rng::stream(seed, "families");
    let payers = customers.iter().enumerate().filter(|(_, customer)| customer.source == BillingSource::Ber);
    let mut families = Families { as_of, rng: &mut rng, registry, placements: 0 };
    payers.enumerate().map(|(index, (customer, _))| families.household(index, customer)).collect()
}

struct Families<'f> {
    as_of: NaiveDate,
    rng: &'f mut Rng,
    registry: &'f mut Registry,
    placements: u64,
}

impl Families<'_> {
    fn household(&mut self, index: usize, customer: usize) -> Household {
        // Of 50 households, 30 have one child, 15 two, 4 three and 1 four or five.
        let size = match index % 50 {
            0..30 => 1,
            30..45 => 2,
            45..49 => 3,
            _ => 4 + index / 50 % 2,
        };
        let mut children: Vec<Child> = Vec::new();
        // The youngest is between 14 months and 10 years at the as-of.
        let mut born = add_days(self.as_of, -(430 + self.rng.between(0, if size > 2 { 900 } else { 3_200 })));
        for _ in 0..size {
            let id = self.registry.personal_number(born);
            let placements = self.placements(born);
            children.push(Child { id, born, placements });
            born = add_days(born, -self.rng.between(330, 800));
        }
        if index % 10 == 7 {
            self.outside_the_tariff(&mut children);
        }
        Household {
            id: format!("H{:07}", index + 1),
            customer,
            second_guardian: self.rng.chance(70).then(|| {
                let born = adult_born(self.rng);
                self.registry.personal_number(born)
            }),
            protected: index % 200 == 123,
            children,
            declarations: self.declarations(index),
        }
    }

    fn placement(&mut self, form: Form, hours: i64, starts_on: NaiveDate, ends_on: Option<NaiveDate>) -> Placement {
        self.placements += 1;
        let id = format!("P{:08}", self.placements);
        Placement { id, form, hours: Some(hours), general: false, starts_on, ends_on, municipal: true }
    }

    /// Preschool up to the summer of the year the child turns six, then fritidshem.
    fn placements(&mut self, born: NaiveDate) -> Vec<Placement> {
        let school = date(born.year() + 6, 8, 17);
        let earliest = add_months(born, 12).max(history_start());
        let latest = add_days(self.as_of, -20);
        let start = add_days(earliest, self.rng.between(0, 150)).min(latest);
        let mut rows = Vec::new();
        if start < school {
            let form = if self.rng.chance(5) { Form::Pedagogisk } else { Form::Preschool };
            let hours = *self.rng.pick(&[&1_500, &2_500, &3_000, &3_050, &3_750, &4_000, &4_250]);
            let ends = (school <= self.as_of).then(|| add_days(school, -1));
            let first = self.placement(form, hours, start, ends);
            rows.push(first);
            self.change_of_hours(&mut rows);
        }
        if school <= self.as_of && born.year() + 12 >= self.as_of.year() {
            let start = start.max(school);
            rows.push(self.placement(Form::Fritidshem, 2_000, start, None));
        }
        // Some have left, on any day; some are in places that others invoice.
        if let Some(last) = rows.last_mut()
            && last.ends_on.is_none()
            && self.rng.chance(12)
        {
            let after = self.as_of.signed_duration_since(last.starts_on).num_days();
            last.ends_on = Some(add_days(last.starts_on, self.rng.between(1, after)));
        }
        if self.rng.chance(8) {
            rows.iter_mut().for_each(|row| row.municipal = false);
        }
        rows
    }

    /// The same placement goes on with other hours: a new row of the register, often inside a month.
    fn change_of_hours(&mut self, rows: &mut Vec<Placement>) {
        let Some(row) = rows.last_mut() else { return };
        let last = row.ends_on.unwrap_or(self.as_of);
        let days = last.signed_duration_since(row.starts_on).num_days();
        if days < 60 || !self.rng.chance(25) {
            return;
        }
        let mut change = add_days(row.starts_on, self.rng.between(30, days - 10));
        if self.rng.chance(40) {
            change = month_start(change).max(add_days(row.starts_on, 1));
        }
        let next = Placement {
            starts_on: change,
            hours: Some(if row.hours > Some(3_000) { 2_500 } else { 4_000 }),
            ..row.clone()
        };
        row.ends_on = Some(add_days(change, -1));
        rows.push(next);
    }

    /// Free general preschool or fritidsklubb for the oldest child, where its place in the order moves nobody.
    fn outside_the_tariff(&mut self, children: &mut [Child]) {
        let Some(child) = children.last_mut() else { return };
        let from = date(child.born.year() + 3, 8, 1);
        let Some(row) = child.placements.last().cloned() else { return };
        match row.form {
            Form::Preschool if child.placements.len() == 1 && row.starts_on >= from => {
                child.placements[0].general = true;
                child.placements[0].hours = Some(1_500);
            }
            Form::Fritidshem if row.ends_on.is_none() && self.as_of.year() - child.born.year() >= 10 => {
                let start = add_months(month_start(self.as_of), -2).max(add_days(row.starts_on, 1));
                let mut club = self.placement(Form::Fritidsklubb, 0, start, None);
                (club.hours, club.municipal) = (None, row.municipal);
                if let Some(last) = child.placements.last_mut() {
                    last.ends_on = Some(add_days(start, -1));
                }
                child.placements.push(club);
            }
            _ => {}
        }
    }

    fn declarations(&mut self, index: usize) -> Vec<Declaration> {
        let from = date(2025, 1, 1);
        let income = match index % 40 {
            // Around the limits: nothing, the deduction, one krona more, the ceiling, one öre more, and above.
            0 => Income::Approved(0),
            1 => Income::Approved(1_000_000),
            2 => Income::Approved(1_000_100),
            3 => Income::Approved(6_156_000),
            4 => Income::Approved(6_156_001),
            5 => Income::Approved(9_999_999),
            6 => Income::Approved(900_000),
            7 => Income::Missing,
            8 => Income::Unverifiable,
            _ => Income::Approved(self.rng.between(1_000_000, 7_500_000)),
        };
        let first = Declaration { from, to: None, income };
        match index % 11 {
            // From the new year.
            4 => {
                let first = Declaration { to: Some(date(2025, 12, 31)), ..first };
                let income = Income::Approved(self.rng.between(1_500_000, 6_000_000));
                vec![first, Declaration { from: date(2026, 1, 1), to: None, income }]
            }
            // Some months without any.
            9 => {
                let gap = add_months(date(2025, 6, 1), i32::try_from(self.rng.between(0, 10)).unwrap_or_default());
                let first = Declaration { to: Some(month_end(gap)), ..first };
                vec![first, Declaration { from: add_months(gap, 3), to: None, income }]
            }
            _ => vec![first],
        }
    }
}

/// Writes the three registers as of `as_of`, with a row in each that must be rejected.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    landing: &Landing,
    as_of: NaiveDate,
    customers: &[Customer],
    households: &[Household],
) -> io::Result<Vec<FileTruth>> {
    let path = |name: &str| format!("ber/BER_{name}_{as_of}.csv");
    let mut register = Extract::create(landing, &path("HUSHALL"), &HOUSEHOLD, Some(as_of))?;
    let mut placements = Extract::create(landing, &path("PLACERING"), &PLACEMENT, Some(as_of))?;
    let mut incomes = Extract::create(landing, &path("INKOMST"), &INCOME, Some(as_of))?;
    let mut income_number = 0_u64;
    for household in households {
        let customer = &customers[household.customer];
        let department = DEPARTMENTS[customer.department].0;
        let second = household.second_guardian.as_deref().unwrap_or_default();
        register.row(
            &[
                &household.id,
                "2025-01-01",
                "",
                &customer.identity,
                second,
                &customer.id,
                department,
                yes(household.protected),
            ],
            &[],
        )?;
        for child in &household.children {
            for row in &child.placements {
                let hours = row.hours.map(comma).unwrap_or_default();
                let (starts, ends, born) = (row.starts_on.to_string(), iso(row.ends_on), child.born.to_string());
                placements.row(
                    &[
                        &row.id,
                        &child.id,
                        &born,
                        &household.id,
                        row.form.code(),
                        &hours,
                        yes(row.general),
                        &starts,
                        &ends,
                        yes(row.municipal),
                        "Förskolan Lönnen",
                        department,
                    ],
                    &[],
                )?;
            }
        }
        for declaration in &household.declarations {
            income_number += 1;
            let (amount, status) = match declaration.income {
                Income::Approved(ore) => (comma(ore), "G"),
                Income::Missing => (String::new(), "S"),
                Income::Unverifiable => (comma(2_500_000), "E"),
            };
            let (id, from) = (format!("I{income_number:08}"), declaration.from.to_string());
            incomes.row(&[&id, &household.id, &from, &iso(declaration.to), &amount, status, &from], &[])?;
        }
    }
    register.bad_row(&["H9999999", "2025-01-01", "", "", "", "", "101", ""], &[])?;
    let birth = ["P99999999", "202001012385", "2020-01-01", "H9999999", "DAGIS", "30,00", "N", "2025-08-01"];
    placements.bad_row(&[&birth[..], &["", "J", "Okänd", "101"]].concat(), &[])?;
    incomes.bad_row(&["I99999999", "H9999999", "2025-01-01", "", "fyrtio tusen", "G", "2025-01-01"], &[])?;
    Ok(vec![register.finish(None)?, placements.finish(None)?, incomes.finish(None)?])
}
