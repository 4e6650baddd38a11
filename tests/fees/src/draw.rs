//! Families whose lives are as awkward as the rules allow.

use chrono::{Datelike, NaiveDate};
use city::dates::{add_days, add_months, date, month_end, month_start};
use city::rng::Rng;

use crate::registers::{Charge, Declaration, Family, Form, Household, Placement, Taxed};

/// The families of one year, all drawn anew: the first day of the history is `as_of` less a year and some months.
#[derive(Debug)]
pub struct Draw {
    rng: Rng,
    as_of: NaiveDate,
    first: NaiveDate,
    number: u64,
}

impl Draw {
    /// Families of the year that ends with the month of `as_of`.
    #[must_use]
    pub fn new(seed: u64, as_of: NaiveDate) -> Self {
        let first = add_months(month_start(as_of), -11);
        Self { rng: Rng::stream(seed, &format!("fees {as_of}")), as_of, first, number: 0 }
    }

    /// So many households, in families of one or two.
    pub fn families(&mut self, households: usize) -> Vec<Family> {
        let mut families = Vec::new();
        let mut made = 0;
        while made < households {
            let family = self.family();
            made += family
                .households
                .iter()
                .filter(|row| row.valid_from <= self.first || row.id.ends_with('b'))
                .count()
                .max(1);
            families.push(family);
        }
        families
    }

    fn id(&mut self, kind: char) -> String {
        self.number += 1;
        format!("{kind}{:08}", self.number)
    }

    /// A day of the year, mostly; sometimes the first or last of a month, or the end of a regime.
    fn day(&mut self) -> NaiveDate {
        let length = month_end(self.as_of).signed_duration_since(self.first).num_days();
        let day = add_days(self.first, self.rng.between(0, length));
        match self.rng.between(1, 8) {
            1 => month_start(day),
            2 => month_end(day),
            3 => add_days(month_start(day), 14),
            4 => date(day.year(), *self.rng.pick(&[&6, &7, &8, &2]), *self.rng.pick(&[&1, &2, &15])),
            _ => day,
        }
    }

    fn family(&mut self) -> Family {
        let mut family = Family::default();
        let here = self.id('H');
        let protected = self.rng.chance(2);
        self.household(&mut family, &here, protected);
        let children = *self.rng.pick(&[&1, &1, &2, &2, &2, &3, &3, &4, &5, &6]);
        let youngest = self.first.year() - i32::try_from(self.rng.between(0, 9)).unwrap_or_default();
        let mut born = self.birthday(youngest);
        for _ in 0..children {
            let child = self.id('C');
            self.child(&mut family, &here, &child, born);
            // Twins, siblings of the same year, and years apart.
            born = match self.rng.between(1, 5) {
                1 => born,
                2 => add_days(born, -self.rng.between(280, 420)),
                _ => add_days(born, -self.rng.between(280, 1_500)),
            };
        }
        self.declarations(&mut family, &here);
        if self.rng.chance(30) {
            self.separation(&mut family, &here);
        }
        self.rng.shuffle(&mut family.placements);
        self.taxed(&mut family);
        self.charges(&mut family);
        family
    }

    fn taxed(&mut self, family: &mut Family) {
        let mut adults: Vec<String> = family.households.iter().flat_map(|row| row.adults.clone()).collect();
        adults.sort_unstable();
        adults.dedup();
        for person in adults {
            let outcome = match self.rng.between(1, 25) {
                1 => continue,
                2 => *self.rng.pick(&[&"undecided", &"deceased", &"protected"]),
                _ => "decided",
            };
            let told = |amount: i64| (outcome == "decided").then_some(amount);
            let employment = self.rng.between(0, 80_000_000);
            let business = *self.rng.pick(&[&0, &0, &0, &12_000_001, &-5_000_000]);
            family.taxed.push(Taxed { person, outcome, employment: told(employment), business: told(business) });
        }
    }

    fn charges(&mut self, family: &mut Family) {
        for row in &family.placements {
            for _ in 0..self.rng.between(0, 4) {
                let month = month_start(self.day());
                let customer = format!("K{}{}", row.household, if self.rng.chance(20) { "x" } else { "" });
                let kind = *self.rng.pick(&[&"fee", &"fee", &"correction", &"comparison"]);
                let amount = self.rng.between(-20_000, 180_000) / 100 * 100;
                let (id, placement) = (self.id('L'), row.id.clone());
                family.charges.push(Charge { id, kind, placement, month, customer, amount });
            }
        }
    }

    fn birthday(&mut self, year: i32) -> NaiveDate {
        let any = add_days(date(year, 1, 1), self.rng.between(0, 364));
        // The ends of August's rule, and the day that not every year has.
        *self.rng.pick(&[&any, &any, &any, &date(year, 1, 1), &date(year, 12, 31), &date(year - year % 4, 2, 29)])
    }

    fn household(&mut self, family: &mut Family, id: &str, protected: bool) {
        let start = add_months(self.first, -i32::try_from(self.rng.between(0, 40)).unwrap_or_default());
        let adults = (0..*self.rng.pick(&[&1, &2, &2, &2, &0])).map(|adult| format!("A{adult}{id}")).collect();
        let (id, customer) = (id.to_owned(), format!("K{id}"));
        let mut row = Household { id, valid_from: start, valid_to: None, customer, adults, protected };
        match self.rng.between(1, 20) {
            // Another adult moves in or out: the same household, a new row, sometimes after days without one.
            1..=4 => {
                let change = self.day();
                let gap = *self.rng.pick(&[&0, &0, &0, &1, &40]);
                row.valid_to = Some(add_days(change, -1 - gap));
                let customer = format!("{}x", row.customer);
                let adults = row.adults.iter().take(1).cloned().collect();
                let changed = Household { valid_from: change, valid_to: None, customer, adults, ..row.clone() };
                family.households.push(changed);
                if row.valid_to < Some(row.valid_from) {
                    return;
                }
            }
            5 => row.valid_to = Some(self.day()),
            6 => row.valid_from = self.day(),
            // Not registered at all.
            7 if self.rng.chance(30) => return,
            _ => {}
        }
        family.households.push(row);
    }

    fn child(&mut self, family: &mut Family, household: &str, child: &str, born: NaiveDate) {
        let school = add_days(date(born.year() + 6, 8, 1), self.rng.between(0, 24));
        let first = add_months(born, 8 + i32::try_from(self.rng.between(0, 12)).unwrap_or_default());
        let start = if self.rng.chance(70) { first.max(add_months(self.first, -3)) } else { self.day() };
        let mut row = Placement {
            id: self.id('P'),
            child: child.to_owned(),
            born,
            household: household.to_owned(),
            form: if self.rng.chance(8) { Form::Pedagogisk } else { Form::Preschool },
            hours: self.hours(),
            general: false,
            starts_on: start,
            ends_on: self.rng.chance(25).then(|| self.day()),
            municipal: !self.rng.chance(10),
        };
        if self.rng.chance(12) {
            row.general = true;
            row.hours = [Some(1_500), Some(1_500), Some(1_501), None, Some(2_500)][self.rng.index(5)];
        }
        if self.rng.chance(4) {
            row.starts_on = row.ends_on.unwrap_or(row.starts_on);
        }
        if start < school && school <= month_end(self.as_of) && self.rng.chance(90) {
            // Into fritidshem: with the days one after the other, one shared day, or several.
            let shared = *self.rng.pick(&[&0, &0, &0, &1, &1, &3]);
            let ends = add_days(school, shared - 1);
            let fritidshem = Placement {
                id: if self.rng.chance(50) { self.id('P') } else { row.id.clone() },
                form: Form::Fritidshem,
                general: false,
                starts_on: school,
                ends_on: self.rng.chance(20).then(|| self.day()),
                ..row.clone()
            };
            row.ends_on = Some(row.ends_on.map_or(ends, |end| end.min(ends)));
            family.placements.push(row.clone());
            family.placements.push(fritidshem);
        } else if start >= school {
            row.form = if self.rng.chance(15) { Form::Fritidsklubb } else { Form::Fritidshem };
            row.general = false;
            if row.form == Form::Fritidsklubb {
                row.hours = None;
            }
            family.placements.push(row.clone());
            if self.rng.chance(10) {
                // The club beside fritidshem, or a second fritidshem, which is one too many.
                let form = if self.rng.chance(70) { Form::Fritidsklubb } else { Form::Fritidshem };
                let second = Placement { id: self.id('P'), form, starts_on: self.day(), ends_on: None, ..row };
                family.placements.push(second);
            }
        } else {
            family.placements.push(row);
        }
        let changes = self.rng.between(0, 2);
        for _ in 0..changes {
            self.change(family);
        }
    }

    fn hours(&mut self) -> Option<i64> {
        [Some(4_000), Some(3_750), Some(3_001), Some(3_000), Some(2_500), Some(1_500), None][self.rng.index(7)]
    }

    /// The last placement goes on as a new row of the register, with something changed.
    fn change(&mut self, family: &mut Family) {
        let day = self.day();
        let (hours, draw) = (self.hours(), self.rng.between(1, 10));
        let Some(row) = family.placements.last_mut() else { return };
        if day <= row.starts_on || row.ends_on.is_some_and(|end| day > end) {
            return;
        }
        let mut next = Placement { starts_on: day, ..row.clone() };
        row.ends_on = Some(add_days(day, -1));
        match draw {
            1..=6 => next.hours = hours,
            7 => next.municipal = !next.municipal,
            8 => next.general = !next.general,
            // The same again, after some days away.
            9 => next.starts_on = add_days(day, 3),
            _ => {}
        }
        if next.ends_on.is_none_or(|end| next.starts_on <= end) {
            family.placements.push(next);
        }
    }

    /// One adult moves out on any day and takes some of the children along, or has them registered there. The fee follows
    /// the household where a child is registered.
    fn separation(&mut self, family: &mut Family, here: &str) {
        let there = format!("{here}b");
        let day = self.day();
        let valid_from = if self.rng.chance(80) { day } else { self.day() };
        let customer = format!("K{there}");
        let protected = self.rng.chance(2);
        // The one who moved out may be anybody's second adult: the same person in two households.
        let adults = vec![format!("A1{here}")];
        family.households.push(Household {
            id: there.clone(),
            valid_from,
            valid_to: None,
            customer,
            adults,
            protected,
        });
        let mut moved = Vec::new();
        for row in &mut family.placements {
            let leaves = moved.contains(&row.child) || self.rng.chance(50);
            if !leaves {
                continue;
            }
            moved.push(row.child.clone());
            row.household.clone_from(&there);
        }
        // What was before the day stays where it was.
        let mut before = Vec::new();
        for row in family.placements.iter_mut().filter(|row| row.household == there && row.starts_on < day) {
            let ends = row.ends_on.map_or(add_days(day, -1), |end| end.min(add_days(day, -1)));
            before.push(Placement { household: here.to_owned(), ends_on: Some(ends), ..row.clone() });
            row.starts_on = day;
        }
        family.placements.retain(|row| row.household == here || row.ends_on.is_none_or(|end| day <= end));
        family.placements.append(&mut before);
        self.declarations(family, &there);
    }

    fn amount(&mut self) -> Option<i64> {
        let any = self.rng.between(0, 9_000_000);
        [
            Some(any),
            Some(any),
            Some(any / 100 * 100),
            Some(any / 10_000 * 10_000 + 5_000),
            Some(1_000_000),
            Some(1_000_001),
            Some(6_156_000),
            Some(6_156_001),
            Some(5_944_000),
            Some(0),
            Some(-100),
            None,
        ][self.rng.index(12)]
    }

    fn declarations(&mut self, family: &mut Family, household: &str) {
        let mut from = add_months(self.first, -i32::try_from(self.rng.between(0, 20)).unwrap_or_default());
        let count = *self.rng.pick(&[&0, &1, &1, &2, &2, &3, &5]);
        for _ in 0..count {
            let valid_to = self.rng.chance(60).then(|| self.day());
            let status =
                *self.rng.pick(&[&"approved", &"approved", &"approved", &"approved", &"missing", &"unverifiable"]);
            // Told before, on the day, or long after: a correction.
            let received_on = if self.rng.chance(60) { from } else { self.day() };
            family.declarations.push(Declaration {
                id: self.id('D'),
                household: household.to_owned(),
                valid_from: from,
                valid_to,
                income: self.amount(),
                status,
                received_on,
            });
            from = match valid_to {
                Some(to) if self.rng.chance(50) => add_days(to, 1),
                _ => self.day(),
            };
        }
    }
}
