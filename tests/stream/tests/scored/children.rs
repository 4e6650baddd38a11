//! FEE29: the fee of every placement and month, to the krona.

use chrono::NaiveDate;
use city::truth::{FeeCategory, FeeChange, FeeStatus, FeeTruth, Truth};

use crate::folder::Folder;
use crate::row::Row;
use crate::score::{Score, keyed};

/// What decides a fee and what it is.
#[derive(Debug, PartialEq)]
enum Fee {
    Charged {
        category: String,
        position: u64,
        days: u64,
        ceiling_used: bool,
        ore: i64,
    },
    Free {
        days: u64,
    },
    OtherTariff {
        days: u64,
    },
    /// Outside the restricted zone there is no fee, and nothing that would tell one.
    Protected,
    /// Not expected of anything in the city.
    Other(Row),
}

type Key = (String, NaiveDate, NaiveDate);

const fn category(category: FeeCategory) -> &'static str {
    match category {
        FeeCategory::FullTime => "full_time",
        FeeCategory::PartTime => "part_time",
        FeeCategory::Fritidshem => "fritidshem",
        FeeCategory::GeneralPreschool => "general_preschool",
        FeeCategory::OtherTariff => "other_tariff",
    }
}

fn expected(truth: &FeeTruth) -> (Key, Fee) {
    let days = u64::from(truth.days);
    let fee = match truth.status {
        FeeStatus::Charged => Fee::Charged {
            category: truth.category.map(category).unwrap_or_default().to_owned(),
            position: u64::from(truth.position),
            days,
            ceiling_used: truth.ceiling_used,
            ore: truth.fee_kr.unwrap() * 100,
        },
        FeeStatus::Free => Fee::Free { days },
        FeeStatus::OtherTariff => Fee::OtherTariff { days },
        FeeStatus::Protected => Fee::Protected,
    };
    ((truth.placement_id.clone(), truth.starts_on, truth.month), fee)
}

fn found(row: &Row) -> (Key, Fee) {
    let (status, refusal, fee) = (row.text("status"), row.some_text("refusal"), row.some_ore("fee"));
    let known = match (status.as_str(), refusal.as_deref(), fee) {
        ("charged", None, Some(ore)) => Fee::Charged {
            category: row.text("category"),
            position: row.number("position"),
            days: row.number("days"),
            ceiling_used: row.text("income_basis") != "declared",
            ore,
        },
        ("free", None, Some(0)) => Fee::Free { days: row.number("days") },
        ("other_tariff", None, None) => Fee::OtherTariff { days: row.number("days") },
        ("refused", Some("protected"), None) if row.some_text("income_basis").is_none() => Fee::Protected,
        _ => Fee::Other(row.clone()),
    };
    ((row.text("placement_id"), row.date("starts_on"), row.date("month")), known)
}

pub fn score(score: &mut Score, folder: &Folder, truth: &Truth) {
    let rows = folder.query(
        "select placement_id, starts_on, month, status, refusal, category, position, income_basis, days, fee from fee_month",
    );
    let (expected, found) = (keyed(truth.fees.iter().map(expected)), keyed(rows.iter().map(found)));
    score.compare("fees: placement and month (FEE29)", &expected, &found);

    let expected = truth.fee_differences.iter().map(|due| {
        let reason = match due.change {
            FeeChange::Ordinary => "ordinary",
            FeeChange::NotInvoiced => "not_invoiced",
            FeeChange::Changed => "changed",
            FeeChange::NothingDue => "nothing_due",
        };
        ((due.payer.clone(), due.placement_id.clone(), due.month), (reason.to_owned(), due.difference_kr * 100))
    });
    let rows = folder.query("select payer, placement_id, month, reason, difference from fee_difference");
    let found = rows.iter().map(|row| {
        let key = (row.text("payer"), row.text("placement_id"), row.date("month"));
        (key, (row.text("reason"), row.ore("difference")))
    });
    score.compare("differences: fees due and invoiced (FEE12)", &keyed(expected), &keyed(found));

    let protected = truth.fees.iter().filter(|fee| fee.status == FeeStatus::Protected);
    let expected = protected.map(|fee| ((fee.placement_id.clone(), fee.starts_on), "protected".to_owned())).collect();
    let found = keyed(
        folder
            .query("select placement_id, starts_on, reason from fee_exception")
            .iter()
            .map(|row| ((row.text("placement_id"), row.date("starts_on")), row.text("reason"))),
    );
    score.compare("exceptions: fees not computed (FEE38)", &expected, &found);
}
