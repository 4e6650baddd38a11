//! What a child costs, from the law's text: förordning (2001:160) om maxtaxa i förskola och fritidshem, as changed by SFS
//! 2026:3, Skolverket's ceilings, and the City of Stockholm's categories and dates.
//!
//! Every day is asked for itself: who is placed, which child is which, which tariff is in force. No interval is ever
//! cut, which is what the jobs do instead.

use chrono::{Datelike, NaiveDate};
use city::dates::{add_days, date, month_end, months};

use crate::registers::{Declaration, Family, Form, Household, Placement};

/// The fee of a placement row and month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fee {
    /// Whole kronor, and the child's place among its siblings on the month's last day of placement.
    Charged(i64, usize),
    /// General preschool alone.
    Free,
    /// Fritidsklubb.
    OtherTariff,
    /// None, for this reason.
    Refused(&'static str),
}

/// Stockholm's first day of each tariff, the ceiling and what is deducted, kronor a month (B1.2, B1.3).
const TARIFFS: [(i32, u32, i64, i64); 13] = [
    (2015, 7, 42_890, 0),
    (2016, 1, 43_760, 0),
    (2017, 1, 45_390, 0),
    (2018, 2, 46_080, 0),
    (2019, 1, 47_490, 0),
    (2020, 1, 49_280, 0),
    (2021, 1, 50_340, 0),
    (2022, 1, 52_410, 0),
    (2023, 1, 54_830, 0),
    (2024, 2, 56_250, 0),
    (2025, 1, 59_440, 0),
    (2026, 1, 61_560, 0),
    (2026, 7, 61_560, 10_000),
];

/// Ceiling and deduction of a day, öre; none before the first tariff and after the last that is published.
#[must_use]
pub fn tariff(day: NaiveDate) -> Option<(i64, i64)> {
    if day >= date(2027, 1, 1) {
        return None;
    }
    let in_force = TARIFFS.iter().rfind(|(year, month, ..)| date(*year, *month, 1) <= day);
    in_force.map(|(_, _, ceiling, deduction)| (ceiling * 100, deduction * 100))
}

/// Per cent for the first, second and third child, the youngest being the first; the fourth and further are free.
const fn per_cent(lower: bool, place: usize) -> i64 {
    match (lower, place) {
        (false, 1) => 3,
        (false, 2) | (true, 1) => 2,
        (_, 2 | 3) => 1,
        _ => 0,
    }
}

/// From August of the year the child turns three: general preschool is free, and no more than the lower fee is taken.
fn since_three(born: NaiveDate, day: NaiveDate) -> bool {
    day >= date(born.year() + 3, 8, 1)
}

/// General preschool and nothing beside it: fifteen hours a week.
fn only_general(placement: &Placement) -> bool {
    placement.general && placement.hours.is_none_or(|hours| hours <= 1_500)
}

fn runs(from: NaiveDate, to: Option<NaiveDate>, day: NaiveDate) -> bool {
    from <= day && to.is_none_or(|to| day <= to)
}

impl Family {
    /// The last day that counts: the day on which a child goes over to fritidshem belongs to fritidshem.
    fn last_day(&self, placement: &Placement) -> Option<NaiveDate> {
        let last = placement.ends_on?;
        let goes_over = self
            .placements
            .iter()
            .any(|other| other.child == placement.child && other.form == Form::Fritidshem && other.starts_on == last);
        let shared = placement.form.is_preschool() && placement.starts_on < last && goes_over;
        Some(if shared { add_days(last, -1) } else { last })
    }

    fn placed(&self, placement: &Placement, day: NaiveDate) -> bool {
        runs(placement.starts_on, self.last_day(placement), day)
    }

    /// The rows of the maxtaxa by which a child is placed that day, in whatever household.
    fn places<'f>(&'f self, child: &'f str, day: NaiveDate) -> impl Iterator<Item = &'f Placement> {
        let of_maxtaxa = self.placements.iter().filter(|placement| placement.form != Form::Fritidsklubb);
        of_maxtaxa.filter(move |placement| placement.child == child && self.placed(placement, day))
    }

    /// Which child of its household it is that day: the youngest is the first, of twins the one with the lower number.
    fn place(&self, placement: &Placement, day: NaiveDate) -> usize {
        let mut before: Vec<&str> = self
            .placements
            .iter()
            .filter(|other| other.household == placement.household && other.form != Form::Fritidsklubb)
            .filter(|other| self.placed(other, day))
            .filter(|other| (other.born, &placement.child) > (placement.born, &other.child))
            .map(|other| other.child.as_str())
            .collect();
        before.sort_unstable();
        before.dedup();
        before.len() + 1
    }

    /// The household's row of the month: the last that is valid on any of its days.
    fn household(&self, id: &str, month: NaiveDate) -> Option<&Household> {
        let days: Vec<NaiveDate> = month.iter_days().take_while(|day| *day <= month_end(month)).collect();
        let rows = self.households.iter().filter(|row| row.id == id);
        let valid = rows.filter(|row| days.iter().any(|day| runs(row.valid_from, row.valid_to, *day)));
        valid.max_by_key(|row| row.valid_from)
    }

    fn is_protected(&self, id: &str) -> bool {
        self.households.iter().any(|row| row.id == id && row.protected)
    }

    /// What the month's fee rests on: of the declarations in force on the last day of the month that has any, the one
    /// that was received last. None is the ceiling: nothing told, or nothing that can be relied on.
    fn income(&self, household: &str, month: NaiveDate) -> Option<i64> {
        let of_household = || self.declarations.iter().filter(|declaration| declaration.household == household);
        let latest = |day| {
            let in_force = of_household().filter(|told| runs(told.valid_from, told.valid_to, day));
            in_force.max_by_key(|told| (told.received_on, told.valid_from, &told.id))
        };
        let mut day = month_end(month);
        while day >= month {
            if let Some(told) = latest(day) {
                return usable(told);
            }
            day = add_days(day, -1);
        }
        None
    }

    /// The fee of a placement row and month on what was declared.
    fn fee(&self, placement: &Placement, month: NaiveDate) -> Fee {
        self.fee_on(placement, month, self.income(&placement.household, month))
    }

    /// The fee of a placement row and month on an income, the ceiling when there is none.
    fn fee_on(&self, placement: &Placement, month: NaiveDate, told: Option<i64>) -> Fee {
        let length = i64::from(month_end(month).day());
        let days: Vec<NaiveDate> = month
            .iter_days()
            .take_while(|day| *day <= month_end(month))
            .filter(|day| self.placed(placement, *day))
            .collect();
        if placement.form == Form::Fritidsklubb {
            return Fee::OtherTariff;
        }
        if let Some(reason) = self.refusal(placement, month, &days) {
            return Fee::Refused(reason);
        }
        let (lower, free) = match placement.form {
            Form::Fritidshem => (true, false),
            _ if only_general(placement) => (true, true),
            _ => (since_three(placement.born, month) || placement.hours <= Some(3_000), false),
        };
        if free {
            return Fee::Free;
        }
        let (mut sum, mut place) = (0, 0);
        for day in days {
            let Some((ceiling, deduction)) = tariff(day) else { return Fee::Refused("no_tariff") };
            let base = (told.unwrap_or(ceiling).min(ceiling) - deduction).max(0);
            place = self.place(placement, day);
            // öre x per cent is ten-thousandths of a krona; half a krona goes up
            sum += (base * per_cent(lower, place) + 5_000) / 10_000;
        }
        Fee::Charged((2 * sum + length) / (2 * length), place)
    }

    fn refusal(&self, placement: &Placement, month: NaiveDate, days: &[NaiveDate]) -> Option<&'static str> {
        if self.is_protected(&placement.household) {
            return Some("protected");
        }
        let Some(first) = days.first() else { return Some("ends_before_start") };
        if self.household(&placement.household, month).is_none() {
            return Some("no_household");
        }
        if days.iter().any(|day| self.places(&placement.child, *day).count() > 1) {
            return Some("double_placement");
        }
        let birthday_to_come = first.day() < placement.born.day();
        let lived = (first.year() - placement.born.year()) * 12 + i32::try_from(first.month()).unwrap_or(0)
            - i32::try_from(placement.born.month()).unwrap_or(0)
            - i32::from(birthday_to_come);
        let this_year = month.year() - placement.born.year();
        let of_age = match placement.form {
            Form::Fritidshem => (5..=13).contains(&this_year),
            _ => this_year <= 7,
        };
        if lived < 9 || !of_age {
            return Some("birth_date");
        }
        if placement.form.is_preschool() && !since_three(placement.born, month) {
            if placement.general {
                return Some("general_preschool_too_young");
            }
            if placement.hours.is_none() {
                return Some("hours_missing");
            }
        }
        None
    }

    /// The fees of every placement row that the city invoices, by its place in the register, and month.
    #[must_use]
    pub fn fees(&self, as_of: NaiveDate) -> Vec<(usize, NaiveDate, Fee)> {
        let mut fees = Vec::new();
        for (index, placement) in self.placements.iter().enumerate().filter(|(_, placement)| placement.municipal) {
            let last = self.last_day(placement).unwrap_or(NaiveDate::MAX).max(placement.starts_on);
            for month in months(placement.starts_on, last.min(month_end(as_of))) {
                fees.push((index, month, self.fee(placement, month)));
            }
        }
        fees
    }
}

/// What a placement's month comes to when it is counted on the taxed income.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Household, placement and first day of the month.
    pub key: (String, String, NaiveDate),
    /// Why it cannot be counted.
    pub not_compared: Option<&'static str>,
    /// Fee on the taxed income, öre.
    pub fee: Option<i64>,
    /// What was charged, öre.
    pub charged: i64,
}

impl Family {
    /// The months of the year, counted on taxed income: a twelfth of the year's, of the adults of that month.
    #[must_use]
    pub fn compared(&self, as_of: NaiveDate, year: i32) -> Vec<Compared> {
        let mut months: Vec<Compared> = Vec::new();
        for (index, month, fee) in self.fees(as_of).into_iter().filter(|(_, month, _)| month.year() == year) {
            if !matches!(fee, Fee::Charged(..) | Fee::Free) {
                continue;
            }
            let placement = &self.placements[index];
            let key = (placement.household.clone(), placement.id.clone(), month);
            let taxed = self.taxed_month(&placement.household, month);
            let counted = taxed.map(|income| match self.fee_on(placement, month, Some(income)) {
                Fee::Charged(kronor, _) => kronor * 100,
                _ => 0,
            });
            if let Some(known) = months.iter_mut().find(|known| known.key == key) {
                known.fee = known.fee.zip(counted.ok()).map(|(one, other)| one + other);
                continue;
            }
            let payer = self.household(&placement.household, month).map(|row| &row.customer);
            let lines = self.charges.iter().filter(|line| {
                line.placement == placement.id
                    && line.month == month
                    && line.kind != "comparison"
                    && Some(&line.customer) == payer
            });
            let charged = lines.map(|line| line.amount).sum();
            months.push(Compared { key, not_compared: counted.err(), fee: counted.ok(), charged });
        }
        months
    }

    fn taxed_month(&self, household: &str, month: NaiveDate) -> Result<i64, &'static str> {
        let adults = self.household(household, month).map_or(&[][..], |row| &row.adults[..]);
        let told = adults.iter().map(|adult| self.taxed.iter().find(|taxed| taxed.person == *adult));
        let told: Vec<_> = told.collect();
        let outcomes = told.iter().map(|taxed| taxed.map_or("missing", |taxed| taxed.outcome));
        if let Some(worst) = outcomes.filter(|outcome| *outcome != "decided").max() {
            return Err(worst);
        }
        let incomes = told
            .iter()
            .flatten()
            .map(|taxed| (taxed.employment.unwrap_or_default() + taxed.business.unwrap_or_default().max(0)).max(0));
        // half an öre goes up
        if told.is_empty() { Err("no_adult") } else { Ok((incomes.sum::<i64>() * 2 + 12) / 24) }
    }
}

fn usable(told: &Declaration) -> Option<i64> {
    told.income.filter(|income| told.status == "approved" && *income >= 0)
}
