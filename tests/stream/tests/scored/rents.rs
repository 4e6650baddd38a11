//! RENT10, RENT26: notices, and those that must be looked at.

use city::truth::{RentCause, Truth};

use crate::folder::Folder;
use crate::score::{Score, keyed};

const fn reason(cause: RentCause) -> &'static str {
    match cause {
        RentCause::HighAmount => "over_limit",
        RentCause::Outlier => "outlier",
        RentCause::Change => "changed",
    }
}

pub fn score(score: &mut Score, folder: &Folder, truth: &Truth) {
    let expected = keyed(truth.rent_notices.iter().map(|notice| {
        let key = (notice.lease_id.clone(), notice.month);
        (key, (u64::from(notice.days), notice.amount_ore, Some(notice.due_date), notice.first_month))
    }));
    // The registers say what the rents are from some month on; earlier notices have no truth.
    let first = truth.rent_notices.iter().map(|notice| notice.month).min().unwrap();
    let found = keyed(
        folder
            .query(&format!(
                "select lease_id, month, days, amount, due_date, is_first from rent_notice where month >= date '{first}'"
            ))
            .iter()
            .map(|row| {
                let notice = (row.number("days"), row.ore("amount"), row.some_date("due_date"), row.flag("is_first"));
                ((row.text("lease_id"), row.date("month")), notice)
            }),
    );
    score.compare("rent notices (RENT10)", &expected, &found);

    let expected = keyed(truth.rent_exceptions.iter().map(|exception| {
        let key = (exception.lease_id.clone(), exception.month);
        (key, (exception.amount_ore, reason(exception.cause).to_owned()))
    }));
    let found = keyed(
        folder
            .query("select lease_id, month, amount, reasons from rent_high_notice")
            .iter()
            .map(|row| ((row.text("lease_id"), row.date("month")), (row.ore("amount"), row.text("reasons")))),
    );
    score.compare("exceptions: notices to check (RENT26)", &expected, &found);
}
