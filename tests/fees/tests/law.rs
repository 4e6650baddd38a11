//! The fees of thousands of household-years, to the krona.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::path::Path;

use city::dates::date;
use fees::registers::{Declaration, Family, Form, Household, Placement};
use fees::{Report, compare, compare_taxed, jobs};

#[tokio::test]
async fn the_jobs_charge_what_the_law_says_in_every_month_of_thousands_of_household_years() {
    let sql = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
    let library = jobs::library(&sql).unwrap();
    let mut report = Report::default();
    for (seed, (year, month)) in [(2024, 12), (2026, 8), (2026, 12), (2027, 2)].into_iter().enumerate() {
        report.add(compare(&library, seed as u64, date(year, month, 20), 1_500).await.unwrap());
    }
    assert!(report.differences.is_empty(), "{report}");
    assert!(report.paid > 20_000 && report.months > report.paid, "{report}");
}

#[tokio::test]
async fn a_year_with_two_regimes_is_compared_with_taxed_income_month_by_month() {
    let sql = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
    let report = compare_taxed(&jobs::library(&sql).unwrap(), 7, 1_500).await.unwrap();
    assert!(report.differences.is_empty(), "{report}");
    assert!(report.paid > 3_000 && report.months > report.paid, "{report}");
}

/// Two children in full-time preschool.
fn two(income: Option<i64>) -> Family {
    let child = |id: &str, born| Placement {
        id: id.to_owned(),
        child: id.to_owned(),
        born,
        household: "H".to_owned(),
        form: Form::Preschool,
        hours: Some(4_000),
        general: false,
        starts_on: date(2023, 8, 1),
        ends_on: None,
        municipal: true,
    };
    let valid_from = date(2023, 1, 1);
    let (id, customer) = ("H".to_owned(), "K".to_owned());
    Family {
        households: vec![Household { id, valid_from, valid_to: None, customer, adults: Vec::new(), protected: false }],
        placements: vec![child("young", date(2025, 2, 1)), child("old", date(2024, 1, 10))],
        declarations: vec![Declaration {
            id: "D".to_owned(),
            household: "H".to_owned(),
            valid_from,
            valid_to: None,
            income,
            status: "approved",
            received_on: valid_from,
        }],
        ..Family::default()
    }
}

/// The published vectors hold of the calculation itself, so that it cannot be wrong in the same way as the jobs.
#[test]
fn the_law_gives_the_published_amounts() {
    let amounts = |mut family: Family, born: [(i32, u32); 2], year, month| {
        for (row, (year, month)) in family.placements.iter_mut().zip(born) {
            row.born = date(year, month, 1);
        }
        let fees = family.fees(date(year, month, 28));
        let of_month = fees.iter().filter(|(_, at, _)| *at == date(year, month, 1));
        of_month
            .map(|(_, _, fee)| match fee {
                fees::law::Fee::Charged(kronor, _) => *kronor,
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    let small = [(2025, 2), (2024, 1)];
    assert_eq!(amounts(two(Some(4_000_000)), small, 2026, 6), [1_200, 800]);
    assert_eq!(amounts(two(Some(4_000_000)), small, 2026, 7), [900, 600]);
    assert_eq!(amounts(two(Some(900_000)), small, 2026, 6), [270, 180]);
    assert_eq!(amounts(two(Some(900_000)), small, 2026, 7), [0, 0]);
    let born = [(2022, 12), (2022, 2)];
    assert_eq!(amounts(two(None), born, 2024, 2), [1_688, 1_125]);
    assert_eq!(amounts(two(None), born, 2024, 1), [1_645, 1_097]);
}
