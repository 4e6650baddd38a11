//! AR35, AR23: what became of every payment, to the öre.

use std::collections::{BTreeMap, BTreeSet};

use city::truth::{Outcome, PaymentClass, PaymentTruth, Truth};

use crate::folder::Folder;
use crate::score::{Score, keyed};

/// Confirmed, suggested, paid too much, not matched.
type Parts = [i64; 4];

const fn parts(payment: &PaymentTruth) -> Parts {
    match payment.outcome {
        Outcome::Confirmed => [payment.amount_ore - payment.overpaid_ore, 0, payment.overpaid_ore, 0],
        Outcome::Suggested => [0, payment.amount_ore, 0, 0],
        Outcome::Unmatched => [0, 0, 0, payment.amount_ore],
    }
}

/// The reason that a handler is given for what was built so.
fn reason(payment: &PaymentTruth) -> Option<&'static str> {
    match payment.class {
        PaymentClass::DoublePaymentSecond | PaymentClass::ClosedItem | PaymentClass::PartialBesideExact => {
            Some("already_paid")
        }
        PaymentClass::WrongCheckDigit | PaymentClass::TransposedDigits => Some("bad_check_digit"),
        PaymentClass::ReferenceInsideWord => Some("no_ocr"),
        PaymentClass::UnknownReference => Some("unknown_reference"),
        PaymentClass::ReferenceInWordsOtherAmount => Some("text_amount_differs"),
        PaymentClass::AmbiguousReference => Some("ambiguous"),
        PaymentClass::ForeignCurrency => Some("currency"),
        PaymentClass::Deduction => Some("deduction"),
        PaymentClass::SeveralReferencesOtherSum => Some("sum_differs"),
        // A free text is no reference: nobody has checked it.
        PaymentClass::ReferenceInText | PaymentClass::NoClue => Some("no_reference"),
        PaymentClass::AccountAndAmount | PaymentClass::AccountAndSum => Some("suggested"),
        _ if payment.overpaid_ore != 0 => Some("overpaid"),
        _ => None,
    }
}

const fn status(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Confirmed => Some("confirmed"),
        Outcome::Suggested => Some("suggested"),
        Outcome::Unmatched => None,
    }
}

pub fn score(score: &mut Score, folder: &Folder, truth: &Truth) {
    outcomes(score, folder, truth);
    matches(score, folder, truth);
    work_lists(score, folder, truth);
    totals(score, folder, truth);
}

fn outcomes(score: &mut Score, folder: &Folder, truth: &Truth) {
    let paths: BTreeMap<&str, &str> =
        truth.files.iter().map(|file| (file.path.as_str(), file.sha256.as_str())).collect();
    let expected = keyed(truth.payments.iter().map(|payment| {
        let paid = (payment.payment_date, payment.currency.clone(), payment.amount_ore);
        let file = paths[payment.file.as_str()].to_owned();
        (payment.payment_id.clone(), (file, paid, parts(payment), reason(payment).map(str::to_owned)))
    }));
    let found = keyed(folder.query("select * from ar_payment_outcome").iter().map(|row| {
        let paid = (row.date("payment_date"), row.text("currency"), row.ore("amount"));
        let parts: Parts = ["confirmed", "suggested", "overpayment", "unmatched"].map(|part| row.ore(part));
        (row.text("payment_id"), (row.text("file_id"), paid, parts, row.some_text("reason_code")))
    }));
    score.compare("payments: outcome, öre, reason (AR35, AR23)", &expected, &found);
}

fn matches(score: &mut Score, folder: &Folder, truth: &Truth) {
    let rows = folder.query("select payment_id, item_id, matched_amount, status, overpayment from ar_match");
    for outcome in [Outcome::Confirmed, Outcome::Suggested] {
        let status = status(outcome).unwrap();
        let of_outcome = truth.payments.iter().filter(|payment| payment.outcome == outcome);
        let expected = keyed(of_outcome.flat_map(|payment| {
            let of_payment = payment.matches.iter();
            of_payment.map(|part| ((payment.payment_id.clone(), part.item_id.clone()), part.amount_ore))
        }));
        let found = rows.iter().filter(|row| row.text("status") == status);
        let found = keyed(found.map(|row| ((row.text("payment_id"), row.text("item_id")), row.ore("matched_amount"))));
        score.compare(&format!("matches: {status}, by item (AR35)"), &expected, &found);
    }
}

fn work_lists(score: &mut Score, folder: &Folder, truth: &Truth) {
    let unmatched = || truth.payments.iter().filter(|payment| payment.outcome == Outcome::Unmatched);
    let rows = folder.query("select * from ar_unmatched_payment");
    let expected = keyed(unmatched().map(|payment| {
        (payment.payment_id.clone(), (payment.amount_ore, reason(payment).unwrap_or_default().to_owned()))
    }));
    let found = keyed(rows.iter().map(|row| (row.text("payment_id"), (row.ore("residual"), row.text("reason_code")))));
    score.compare("exceptions: unmatched payments (AR23)", &expected, &found);

    // What a reference points at must be among the candidates; others may stand beside it.
    let candidates: BTreeMap<String, BTreeSet<String>> = rows
        .iter()
        .map(|row| {
            let items = row.rows("candidates").iter().map(|candidate| candidate.text("item_id")).collect();
            (row.text("payment_id"), items)
        })
        .collect();
    let expected: BTreeMap<(String, String), ()> = unmatched()
        .flat_map(|payment| payment.candidates.iter().map(|item| ((payment.payment_id.clone(), item.clone()), ())))
        .collect();
    let is_found =
        |(payment, item): &&(String, String)| candidates.get(payment).is_some_and(|items| items.contains(item));
    let found = expected.keys().filter(is_found).map(|key| (key.clone(), ())).collect();
    score.compare("candidates that a reference points at (AR23)", &expected, &found);

    let suggested = truth.payments.iter().filter(|payment| payment.outcome == Outcome::Suggested);
    let expected = keyed(suggested.map(|payment| {
        let items = u64::try_from(payment.matches.len()).unwrap();
        (payment.payment_id.clone(), (payment.amount_ore, items))
    }));
    let found = keyed(
        folder
            .query("select payment_id, suggested, item_count from ar_suggested_match")
            .iter()
            .map(|row| (row.text("payment_id"), (row.ore("suggested"), row.number("item_count")))),
    );
    score.compare("exceptions: suggested matches (AR35)", &expected, &found);

    let overpaid = truth.payments.iter().filter(|payment| payment.overpaid_ore != 0);
    let expected = keyed(overpaid.map(|payment| (payment.payment_id.clone(), payment.overpaid_ore)));
    let found = keyed(
        folder
            .query("select payment_id, overpayment from ar_overpayment")
            .iter()
            .map(|row| (row.text("payment_id"), row.ore("overpayment"))),
    );
    score.compare("exceptions: over-payments (AR24)", &expected, &found);
}

/// Öre in = confirmed + suggested + paid too much + not matched, and what was rejected, by currency.
fn totals(score: &mut Score, folder: &Folder, truth: &Truth) {
    let expected = keyed(truth.city.payments.iter().map(|(currency, totals)| {
        let confirmed = totals.confirmed_ore - totals.overpaid_ore;
        let parts: Parts = [confirmed, totals.suggested_ore, totals.overpaid_ore, totals.unmatched_ore];
        (currency.clone(), (totals.read, totals.read_ore, parts))
    }));
    let found = keyed(
        folder
            .query(
                "select currency, count(*) as payments, sum(amount) as amount, sum(confirmed) as confirmed, \
                 sum(suggested) as suggested, sum(overpayment) as overpayment, sum(unmatched) as unmatched \
                 from ar_payment_outcome group by currency",
            )
            .iter()
            .map(|row| {
                let parts: Parts = ["confirmed", "suggested", "overpayment", "unmatched"].map(|part| row.ore(part));
                (row.text("currency"), (row.number("payments"), row.ore("amount"), parts))
            }),
    );
    score.compare("payments: öre in and out, by currency", &expected, &found);
}
