//! Second-hand leases with their rent components (LOIS), and what the rent notices must say.
//!
//! A month's notice is the sum of the components valid in it, deductions and reductions subtracted; a part of a
//! month counts days / 30. Components change at month boundaries only, and amounts of part months are multiples of
//! 30 kr, so that no rounding is needed to know the notice.

use std::io;

use chrono::{Datelike, NaiveDate};

use crate::dates::{add_days, add_months, month_end, month_start, months, previous_bank_day};
use crate::names::DEPARTMENTS;
use crate::output::{Landing, comma};
use crate::people::{BillingSource, Customer};
use crate::registers::{Extract, LEASE, RENT_COMPONENT, compact, yes};
use crate::rng::Rng;
use crate::truth::{FileTruth, RentCause, RentExceptionTruth, RentNoticeTruth};

/// Notices above this are looked at, öre.
const HIGH: i64 = 1_000_000;

/// Forms of housing with narrow rents, in which an outlier stands out, and one with wide ones.
const NARROW: [&str; 3] = ["Försöksboende", "Träningsboende", "Jourboende"];
const WIDE: &str = "Familjebostad";

/// Kind of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rent.
    Rent,
    /// Tillägg.
    Supplement,
    /// Avdrag.
    Deduction,
    /// Nedsättning.
    Reduction,
}

impl Kind {
    fn code(self) -> &'static str {
        match self {
            Self::Rent => "HYRA",
            Self::Supplement => "TILLÄGG",
            Self::Deduction => "AVDRAG",
            Self::Reduction => "NEDSÄTTNING",
        }
    }

    fn sign(self) -> i64 {
        if matches!(self, Self::Rent | Self::Supplement) { 1 } else { -1 }
    }
}

/// A component of a rent.
#[derive(Debug, Clone)]
pub struct Component {
    /// Kind.
    pub kind: Kind,
    /// Öre a month.
    pub amount: i64,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: Option<NaiveDate>,
}

/// A lease.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Running number.
    pub number: usize,
    /// Index of the tenant.
    pub customer: usize,
    /// Form of housing.
    pub form: &'static str,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: Option<NaiveDate>,
    /// A department of the city is the tenant.
    pub city_internal: bool,
    /// Nobody lives there.
    pub vacant: bool,
    /// Components.
    pub components: Vec<Component>,
    /// Built to be far from the rents of its form.
    pub outlier: bool,
}

impl Lease {
    /// Lease number.
    #[must_use]
    pub fn id(&self) -> String {
        format!("A-{}", 20_001 + self.number)
    }

    /// Leases are registered a week before they start.
    #[must_use]
    pub fn registered_on(&self, as_of: NaiveDate) -> NaiveDate {
        add_days(self.starts_on, -7).min(as_of)
    }
}

/// One lease for each customer who is billed by LOIS.
#[must_use]
pub fn leases(seed: u64, as_of: NaiveDate, customers: &[Customer]) -> Vec<Lease> {
    let mut rng = Rng::stream(seed, "leases");
    let tenants = customers.iter().enumerate().filter(|(_, customer)| customer.source == BillingSource::Lois);
    tenants.enumerate().map(|(number, (customer, _))| lease(&mut rng, as_of, number, customer)).collect()
}

fn lease(rng: &mut Rng, as_of: NaiveDate, number: usize, customer: usize) -> Lease {
    let this_month = month_start(as_of);
    let next_month = add_months(this_month, 1);
    let old = add_days(this_month, -rng.between(200, 900));
    let wide = number % 4 == 3;
    let form = if wide { WIDE } else { NARROW[number % 4] };
    let rent = if wide { rng.between(100, 500) } else { rng.between(170, 185) } * 3_000;
    let mut lease = Lease {
        number,
        customer,
        form,
        starts_on: old,
        ends_on: None,
        city_internal: false,
        vacant: false,
        components: Vec::new(),
        outlier: false,
    };
    // Every hundredth lease of a case; the cases of wide forms have numbers of the form 4n + 3.
    match number % 100 {
        // Starts inside this month, and inside the next.
        3 | 11 | 19 => lease.starts_on = add_days(this_month, rng.between(1, 18)),
        27 | 35 => lease.starts_on = add_days(next_month, rng.between(1, 18)),
        43 => lease.starts_on = this_month,
        // Ends inside this month, and long ago.
        51 => lease.ends_on = Some(add_days(this_month, rng.between(14, 25))),
        59 => lease.ends_on = Some(add_days(this_month, -100)),
        4 => lease.city_internal = true,
        8 => lease.vacant = true,
        12 => lease.outlier = true,
        _ => {}
    }
    let from = lease.starts_on;
    let component = |kind, amount, from, to| Component { kind, amount, from, to };
    let amount = match number % 100 {
        12 => 30_000,
        // Exactly the limit, and one öre above it.
        67 => HIGH,
        75 => HIGH + 1,
        _ => rent,
    };
    lease.components.push(component(Kind::Rent, amount, from, None));
    match number % 100 {
        // The rent went up by 12 per cent this month; goes up by 12 per cent the next; by exactly 10 per cent.
        16 | 20 | 24 => {
            let (share, change) = match number % 100 {
                16 => (12, this_month),
                20 => (12, next_month),
                _ => (10, next_month),
            };
            lease.components[0].to = Some(add_days(change, -1));
            lease.components.push(component(Kind::Rent, amount / 100 * (100 + share), change, None));
        }
        67 | 75 | 12 => {}
        _ if wide && number.is_multiple_of(3) => {
            lease.components.push(component(Kind::Supplement, 30_000, from, None));
            lease.components.push(component(Kind::Deduction, 9_000, from, None));
        }
        _ if wide && number % 3 == 1 => {
            // A reduction since before the months that are noticed.
            let since = from.max(add_months(this_month, -6));
            lease.components.push(component(
                Kind::Reduction,
                15_000,
                since,
                Some(month_end(add_months(next_month, 6))),
            ));
        }
        _ => {}
    }
    lease
}

/// Notices for the month before the as-of's, the as-of's and the next; and of those about to be sent (the next
/// month's, and earlier ones of leases registered in this month) the ones that must be looked at.
#[must_use]
pub fn notices(leases: &[Lease], as_of: NaiveDate) -> (Vec<RentNoticeTruth>, Vec<RentExceptionTruth>) {
    let mut notices = Vec::new();
    let mut exceptions = Vec::new();
    let span = months(add_months(as_of, -1), add_months(month_start(as_of), 1));
    for lease in leases {
        let registered_now = lease.registered_on(as_of) >= month_start(as_of);
        let mut before = None;
        for month in &span {
            let Some(notice) = notice(lease, *month) else { continue };
            let whole = notice.days == month_end(*month).day();
            let changed = |before: i64| (notice.amount_ore - before).abs() * 10 > before;
            let cause = if notice.amount_ore > HIGH {
                Some(RentCause::HighAmount)
            } else if whole && lease.outlier {
                Some(RentCause::Outlier)
            } else if whole && before.is_some_and(changed) {
                Some(RentCause::Change)
            } else {
                None
            };
            if let Some(cause) = cause.filter(|_| *month > as_of || registered_now) {
                let (lease_id, amount_ore) = (lease.id(), notice.amount_ore);
                exceptions.push(RentExceptionTruth { lease_id, month: *month, amount_ore, cause });
            }
            before = whole.then_some(notice.amount_ore);
            notices.push(notice);
        }
    }
    (notices, exceptions)
}

fn notice(lease: &Lease, month: NaiveDate) -> Option<RentNoticeTruth> {
    let first = lease.starts_on.max(month);
    let last = lease.ends_on.unwrap_or(NaiveDate::MAX).min(month_end(month));
    if first > last {
        return None;
    }
    let days = last.signed_duration_since(first).num_days() + 1;
    let valid = lease.components.iter().filter(|c| c.from <= last && c.to.is_none_or(|to| to >= first));
    let of_month: i64 = valid.map(|component| component.amount * component.kind.sign()).sum();
    let whole = days == i64::from(month_end(month).day());
    Some(RentNoticeTruth {
        lease_id: lease.id(),
        month,
        days: u32::try_from(days).unwrap_or_default(),
        amount_ore: if whole { of_month } else { of_month * days / 30 },
        due_date: previous_bank_day(month),
        first_month: month == month_start(lease.starts_on),
    })
}

/// Writes both registers as of `as_of`, with a row in each that must be rejected.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    landing: &Landing,
    as_of: NaiveDate,
    customers: &[Customer],
    leases: &[Lease],
) -> io::Result<Vec<FileTruth>> {
    let path = |name: &str| format!("lois/LOIS_{name}_{}.csv", as_of.format("%Y%m%d"));
    let mut register = Extract::create(landing, &path("AVTAL"), &LEASE, Some(as_of))?;
    let mut components = Extract::create(landing, &path("HYRESRAD"), &RENT_COMPONENT, Some(as_of))?;
    for lease in leases {
        let customer = &customers[lease.customer];
        let person = !lease.vacant && !lease.city_internal;
        let (name, identity) = if person { (&*customer.name, &*customer.identity) } else { ("", "") };
        // LOIS writes personal numbers with a hyphen.
        let identity = identity.split_at_checked(8).map_or(String::new(), |(born, rest)| format!("{born}-{rest}"));
        let object = format!("O-{}", 1_001 + lease.number);
        let (starts, ends) = (compact(Some(lease.starts_on)), compact(lease.ends_on));
        let registered = compact(Some(lease.registered_on(as_of)));
        register.row(
            &[
                &lease.id(),
                &object,
                &customer.id,
                name,
                &identity,
                DEPARTMENTS[customer.department].0,
                lease.form,
                &starts,
                &ends,
                yes(lease.city_internal),
                yes(lease.vacant),
                &registered,
            ],
            &[],
        )?;
        for (row, component) in (1_u32..).zip(&lease.components) {
            let (row, amount) = (row.to_string(), comma(component.amount));
            let (from, to) = (compact(Some(component.from)), compact(component.to));
            let fields = [&lease.id(), &row, component.kind.code(), &amount, &from, &to, "Hyra; bostad"];
            components.row(&fields, &[component.amount])?;
        }
    }
    let bad = ["A-1", "O-1", "100001", "", "", "1O1", WIDE, "20250101", "", "N", "N", "20250101"];
    register.bad_row(&bad, &[])?;
    components.bad_row(&["A-1", "1", "RABATT", "100,00", "20250101", "", ""], &[10_000])?;
    Ok(vec![register.finish(None)?, components.finish(Some("SEK"))?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dates::date;

    #[test]
    fn a_part_of_a_month_counts_thirtieths_and_is_due_before_the_month() {
        let component = |kind, amount| Component { kind, amount, from: date(2026, 5, 20), to: None };
        let lease = Lease {
            number: 0,
            customer: 0,
            form: WIDE,
            starts_on: date(2026, 5, 20),
            ends_on: None,
            city_internal: false,
            vacant: false,
            components: vec![component(Kind::Rent, 900_000), component(Kind::Reduction, 300_000)],
            outlier: false,
        };
        let notice_of = |month| notice(&lease, month).map(|notice| (notice.amount_ore, notice.days, notice.due_date));
        assert_eq!(notice_of(date(2026, 4, 1)), None);
        assert_eq!(notice_of(date(2026, 5, 1)), Some((240_000, 12, date(2026, 4, 30))));
        assert_eq!(notice_of(date(2026, 6, 1)), Some((600_000, 30, date(2026, 5, 29))));
    }
}
