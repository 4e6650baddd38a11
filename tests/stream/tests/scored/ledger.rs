//! AR52, AR63: the reconciled accounts and what explains their differences.

use city::truth::{DifferenceCause, Truth};

use crate::folder::Folder;
use crate::score::{Score, keyed};

const fn cause(cause: DifferenceCause) -> &'static str {
    match cause {
        DifferenceCause::ManualBooking => "manual",
        DifferenceCause::MissingInLedger => "missing_in_ledger",
        DifferenceCause::MissingInSubLedger => "missing_in_sub_ledger",
        DifferenceCause::AmountDiffers => "amount_differs",
        DifferenceCause::CutOff => "cut_off",
    }
}

pub fn score(score: &mut Score, folder: &Folder, truth: &Truth) {
    let expected = keyed(truth.reconciliation.iter().map(|row| {
        let explained: i64 = row.differences.iter().map(|difference| difference.amount_ore).sum();
        let unexplained = row.ledger_ore - row.sub_ledger_ore - explained;
        let key = (row.account.clone(), row.department.clone(), row.period.clone());
        (key, (row.ledger_ore, row.sub_ledger_ore, unexplained, row.differences.len()))
    }));
    let found = keyed(
        folder.query("select * from account_reconciliation where account = '1512' and is_current").iter().map(|row| {
            let key = (row.text("account"), row.text("department"), row.text("period"));
            let rows = usize::try_from(row.number("open_rows")).unwrap();
            (key, (row.ore("ledger_balance"), row.ore("counterpart_balance"), row.ore("unexplained"), rows))
        }),
    );
    score.compare("reconciliation: 1512 by department (AR52)", &expected, &found);

    let differences = truth.reconciliation.iter().flat_map(|row| row.differences.iter().map(move |d| (row, d)));
    let expected = keyed(differences.map(|(row, difference)| {
        let key = (row.department.clone(), cause(difference.cause).to_owned(), difference.item_id.clone());
        (key, difference.amount_ore)
    }));
    let found = keyed(
        folder
            .query("select * from account_reconciliation_item where account = '1512'")
            .iter()
            .map(|row| ((row.text("department"), row.text("cause"), row.some_text("item_id")), row.ore("amount"))),
    );
    score.compare("exceptions: differences on 1512 (AR52)", &expected, &found);

    let expected = keyed(
        truth
            .uncleared
            .iter()
            .map(|row| ((row.department.clone(), row.voucher_no.clone()), (row.payment_id.clone(), row.amount_ore))),
    );
    let found =
        keyed(folder.query("select * from account_reconciliation_item where account = '9181'").iter().map(|row| {
            let key = (row.text("department"), row.text("voucher_no"));
            (key, (row.text("payment_id"), row.ore("amount")))
        }));
    score.compare("exceptions: uncleared on 9181 (AR63)", &expected, &found);
}
