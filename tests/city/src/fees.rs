//! The maxtaxa, computed day by day from the rules as they are published: förordning (2001:160) with SFS 2026:3,
//! Skolverket's yearly ceilings, and Stockholm's categories. Not derived from the job's SQL or parameter files.

use chrono::{Datelike, NaiveDate};

use crate::dates::{add_days, date, month_end, month_start, months};
use crate::families::{Child, Form, Household, Income, Placement};
use crate::truth::{FeeCategory, FeeStatus, FeeTruth};

/// Ceiling and deduction of a month, öre. The city's dates are those of the state.
fn tariff(month: NaiveDate) -> (i64, i64) {
    let ceiling = if month < date(2026, 1, 1) { 5_944_000 } else { 6_156_000 };
    let deduction = if month < date(2026, 7, 1) { 0 } else { 1_000_000 };
    (ceiling, deduction)
}

/// Per cent of the base for the first, second, third and any further child.
fn rate(category: FeeCategory, position: usize) -> i64 {
    match (category, position) {
        (FeeCategory::FullTime, 1..=3) => [3, 2, 1][position - 1],
        (FeeCategory::PartTime | FeeCategory::Fritidshem, 1..=3) => [2, 1, 1][position - 1],
        _ => 0,
    }
}

/// Category of a placement in a month.
fn category(child: &Child, placement: &Placement, month: NaiveDate) -> FeeCategory {
    let turned_three = month >= date(child.born.year() + 3, 8, 1);
    match placement.form {
        Form::Fritidsklubb => FeeCategory::OtherTariff,
        Form::Fritidshem => FeeCategory::Fritidshem,
        _ if placement.general && turned_three => FeeCategory::GeneralPreschool,
        _ if turned_three || placement.hours <= Some(3_000) => FeeCategory::PartTime,
        _ => FeeCategory::FullTime,
    }
}

/// The month's fee for a whole month, kronor, half up.
fn month_fee(base: i64, rate: i64) -> i64 {
    // base is öre and rate per cent: öre x per cent / 10 000 gives kronor
    (base * rate + 5_000) / 10_000
}

/// The household's income of a month, öre; none when the ceiling must stand for it.
fn income(household: &Household, month: NaiveDate) -> Option<i64> {
    let in_force =
        household.declarations.iter().find(|d| d.from <= month && d.to.is_none_or(|to| to >= month_end(month)));
    match in_force.map(|declaration| declaration.income) {
        Some(Income::Approved(ore)) => Some(ore),
        _ => None,
    }
}

fn covers(placement: &Placement, day: NaiveDate) -> bool {
    placement.starts_on <= day && placement.ends_on.is_none_or(|last| day <= last)
}

/// Place of a child among those of the household with a placement under the maxtaxa that day, youngest first.
fn position(household: &Household, child: &Child, day: NaiveDate) -> usize {
    let placed = household.children.iter().filter(|other| {
        other.born >= child.born && other.placements.iter().any(|p| p.form != Form::Fritidsklubb && covers(p, day))
    });
    placed.count()
}

/// The fees of all municipal placement periods, month by month up to the as-of's.
#[must_use]
pub fn fees(households: &[Household], as_of: NaiveDate) -> Vec<FeeTruth> {
    let mut fees = Vec::new();
    for household in households {
        for child in &household.children {
            for placement in child.placements.iter().filter(|placement| placement.municipal) {
                let last = placement.ends_on.unwrap_or(as_of).min(month_end(as_of));
                for month in months(placement.starts_on, last) {
                    fees.push(fee(household, child, placement, month));
                }
            }
        }
    }
    fees
}

fn fee(household: &Household, child: &Child, placement: &Placement, month: NaiveDate) -> FeeTruth {
    let (ceiling, deduction) = tariff(month);
    let declared = income(household, month);
    let base = (declared.unwrap_or(ceiling).min(ceiling) - deduction).max(0);
    let category = category(child, placement, month);
    let days_of_month = i64::from(month_end(month).day());
    let (mut days, mut fee_days, mut last_position) = (0, 0, 0);
    for day in (0..days_of_month).map(|offset| add_days(month_start(month), offset)) {
        if covers(placement, day) {
            last_position = position(household, child, day);
            days += 1;
            fee_days += month_fee(base, rate(category, last_position));
        }
    }
    let status = match category {
        _ if category == FeeCategory::OtherTariff => FeeStatus::OtherTariff,
        _ if household.protected => FeeStatus::Protected,
        FeeCategory::GeneralPreschool => FeeStatus::Free,
        _ => FeeStatus::Charged,
    };
    // Half up to whole kronor.
    let fee = (2 * fee_days + days_of_month) / (2 * days_of_month);
    FeeTruth {
        placement_id: placement.id.clone(),
        starts_on: placement.starts_on,
        month,
        category: (status != FeeStatus::Protected).then_some(category),
        status,
        position: u32::try_from(last_position).unwrap_or_default(),
        ceiling_used: declared.is_none_or(|ore| ore > ceiling),
        days,
        fee_kr: matches!(status, FeeStatus::Charged | FeeStatus::Free).then_some(fee),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caps_of_the_published_tables_come_out() {
        for (month, caps) in [
            (date(2025, 5, 1), [1_783, 1_189, 594]),
            (date(2026, 6, 1), [1_847, 1_231, 616]),
            (date(2026, 7, 1), [1_547, 1_031, 516]),
        ] {
            let (ceiling, deduction) = tariff(month);
            let fees = [3, 2, 1].map(|rate| month_fee(ceiling - deduction, rate));
            assert_eq!(fees, caps, "{month}");
        }
    }

    fn family(born: [NaiveDate; 2], income: Income) -> Household {
        let child = |(index, born): (usize, NaiveDate)| Child {
            id: index.to_string(),
            born,
            placements: vec![Placement {
                id: format!("P{index}"),
                form: Form::Preschool,
                hours: Some(4_000),
                general: false,
                starts_on: date(2026, 5, 1),
                ends_on: None,
                municipal: true,
            }],
        };
        Household {
            id: "H1".to_owned(),
            customer: 0,
            second_guardian: None,
            protected: false,
            children: born.into_iter().enumerate().map(child).collect(),
            declarations: vec![Declaration { from: date(2025, 1, 1), to: None, income }],
        }
    }

    use crate::families::Declaration;

    fn of_month(household: &Household, month: NaiveDate) -> Vec<Option<i64>> {
        let fees = fees(std::slice::from_ref(household), date(2026, 8, 31));
        fees.into_iter().filter(|fee| fee.month == month).map(|fee| fee.fee_kr).collect()
    }

    #[test]
    fn the_worked_numbers_of_both_regimes_come_out() {
        let two_small = [date(2025, 2, 1), date(2023, 10, 1)];
        let household = family(two_small, Income::Approved(4_000_000));
        assert_eq!(of_month(&household, date(2026, 6, 1)), [Some(1_200), Some(800)]);
        assert_eq!(of_month(&household, date(2026, 7, 1)), [Some(900), Some(600)]);
        let poor = family(two_small, Income::Approved(900_000));
        assert_eq!(of_month(&poor, date(2026, 6, 1)), [Some(270), Some(180)]);
        assert_eq!(of_month(&poor, date(2026, 7, 1)), [Some(0), Some(0)]);
        let silent = family(two_small, Income::Missing);
        assert_eq!(of_month(&silent, date(2026, 6, 1)), [Some(1_847), Some(1_231)]);
    }

    #[test]
    fn from_august_of_the_year_a_child_turns_three_the_lower_rate_applies() {
        let household = family([date(2025, 2, 1), date(2023, 10, 1)], Income::Approved(4_000_000));
        assert_eq!(of_month(&household, date(2026, 8, 1)), [Some(900), Some(300)]);
    }

    #[test]
    fn a_part_of_a_month_counts_its_days_and_the_order_follows_the_day() {
        let mut household = family([date(2025, 2, 1), date(2023, 10, 1)], Income::Approved(4_000_000));
        household.children[0].placements[0].starts_on = date(2026, 6, 11);
        // The older is child 1 for ten days (1 200) and child 2 for twenty (800): 28 000 / 30.
        assert_eq!(of_month(&household, date(2026, 6, 1)), [Some(800), Some(933)]);
    }
}
