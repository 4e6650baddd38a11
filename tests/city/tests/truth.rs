//! The truth is complete, agrees with itself, and grows with the scale.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};

use city::City;
use city::truth::{
    BalanceRule, DifferenceCause, DuplicateClass, FeeCategory, FeeStatus, FileStatus, Outcome, PaymentClass, RentCause,
    Truth, VatCause,
};

fn truth(seed: u64, scale: u32) -> Truth {
    let folder = tempfile::tempdir().unwrap();
    City::generate(seed, scale).write(folder.path()).unwrap()
}

#[test]
fn a_city_of_scale_one_has_every_kind_of_case() {
    let truth = truth(1, 1);
    let classes: BTreeMap<PaymentClass, Outcome> = truth.payments.iter().map(|p| (p.class, p.outcome)).collect();
    use PaymentClass as P;
    let confirmed = [
        P::Exact,
        P::ExactAutogiro,
        P::Partial,
        P::Over,
        P::SeveralReferences,
        P::SeveralReferencesWithAmounts,
        P::CreditReference,
        P::TwoPaymentsOneItem,
        P::DoublePaymentFirst,
        P::ReferenceInWords,
        P::PaddedReference,
        P::GroupedReference,
        P::PunctuatedReference,
        P::UnmarkedCredit,
        P::ThreePaymentsTooMuch,
        P::ExactBesidePartial,
        P::PaidByAnother,
    ];
    let unmatched = [
        P::DoublePaymentSecond,
        P::WrongCheckDigit,
        P::UnknownReference,
        P::ReferenceInWordsOtherAmount,
        P::ReferenceInText,
        P::AmbiguousReference,
        P::ClosedItem,
        P::ForeignCurrency,
        P::Deduction,
        P::SeveralReferencesOtherSum,
        P::NoClue,
        P::ReferenceInsideWord,
        P::TransposedDigits,
        P::PartialBesideExact,
    ];
    let expected: BTreeMap<PaymentClass, Outcome> = confirmed
        .map(|class| (class, Outcome::Confirmed))
        .into_iter()
        .chain(unmatched.map(|class| (class, Outcome::Unmatched)))
        .chain([P::AccountAndAmount, P::AccountAndSum].map(|class| (class, Outcome::Suggested)))
        .collect();
    assert_eq!(classes, expected);

    let statuses: BTreeSet<_> = truth.files.iter().map(|file| (file.status, file.reason)).collect();
    assert_eq!(statuses.len(), 6);
    let duplicates: BTreeSet<_> = truth.duplicates.iter().map(|pair| pair.class).collect();
    assert_eq!(duplicates, [DuplicateClass::Exact, DuplicateClass::Strong, DuplicateClass::Suspect].into());
    assert_eq!(truth.near_misses.iter().map(|pair| pair.class).collect::<BTreeSet<_>>().len(), 5);
    let vat: BTreeSet<_> = truth.vat_shares.iter().map(|share| share.cause).collect();
    use VatCause as V;
    assert_eq!(vat, [V::Exempt, V::ReverseCharge, V::MixedRates, V::ArithmeticError, V::NetZero].into());
    let rules: BTreeSet<_> = truth.balances.iter().map(|broken| broken.rule).collect();
    use BalanceRule as B;
    assert_eq!(
        rules,
        [B::LineSum, B::Net, B::VatSum, B::Gross, B::Payable, B::VatOfRate, B::VatBase, B::LineAmount].into()
    );
    let causes: BTreeSet<_> = truth.reconciliation.iter().flat_map(|r| &r.differences).map(|d| d.cause).collect();
    use DifferenceCause as D;
    assert_eq!(
        causes,
        [D::ManualBooking, D::MissingInLedger, D::MissingInSubLedger, D::AmountDiffers, D::CutOff].into()
    );
    let rents: BTreeSet<_> = truth.rent_exceptions.iter().map(|exception| exception.cause).collect();
    assert_eq!(rents, [RentCause::HighAmount, RentCause::Outlier, RentCause::Change].into());
    let fees: BTreeSet<_> = truth.fees.iter().filter_map(|fee| fee.category).collect();
    use FeeCategory as F;
    assert_eq!(fees, [F::FullTime, F::PartTime, F::Fritidshem, F::GeneralPreschool, F::OtherTariff].into());
    let positions: BTreeSet<u32> =
        truth.fees.iter().filter(|fee| fee.status == FeeStatus::Charged).map(|fee| fee.position).collect();
    assert!(positions.is_superset(&[1, 2, 3, 4].into()));
    assert!(truth.fees.iter().any(|fee| fee.days < 28) && truth.fees.iter().any(|fee| fee.ceiling_used));
    assert!(truth.rent_notices.iter().any(|notice| notice.first_month && notice.days < 28));
}

#[test]
fn every_ore_in_is_confirmed_suggested_unmatched_or_rejected() {
    let truth = truth(2, 1);
    let mut files: BTreeMap<&str, i64> = BTreeMap::new();
    for file in truth.files.iter().filter(|f| f.format == "bgmax" && f.status == FileStatus::Accepted) {
        for (currency, total) in &file.totals {
            assert_eq!(total.declared_ore, Some(total.read_ore + total.rejected_ore));
            *files.entry(currency).or_default() += total.read_ore + total.rejected_ore;
        }
    }
    for (currency, totals) in &truth.city.payments {
        assert_eq!(totals.read_ore, totals.confirmed_ore + totals.suggested_ore + totals.unmatched_ore);
        assert_eq!(files[currency.as_str()], totals.read_ore + totals.rejected_ore);
    }
    assert_eq!(truth.city.payments.keys().collect::<Vec<_>>(), ["EUR", "SEK"]);
}

#[test]
fn the_ledger_differs_from_the_sub_ledger_by_what_is_explained() {
    let truth = truth(3, 1);
    let mut open = 0;
    for row in &truth.reconciliation {
        let explained: i64 = row.differences.iter().map(|difference| difference.amount_ore).sum();
        assert_eq!(row.ledger_ore - row.sub_ledger_ore, explained, "department {}", row.department);
        assert!(row.differences.len() <= 1);
        open += row.sub_ledger_ore;
    }
    assert_eq!(open, truth.city.open_ore);
    let unmatched: BTreeSet<&str> = truth
        .payments
        .iter()
        .filter(|payment| payment.outcome != Outcome::Confirmed)
        .map(|payment| payment.payment_id.as_str())
        .collect();
    assert!(!truth.uncleared.is_empty());
    assert!(truth.uncleared.iter().all(|row| unmatched.contains(row.payment_id.as_str())));
}

#[test]
fn a_placement_period_has_one_fee_a_month_and_payments_have_one_identity() {
    let truth = truth(4, 1);
    let fees: BTreeSet<_> = truth.fees.iter().map(|fee| (&fee.placement_id, fee.starts_on, fee.month)).collect();
    assert_eq!(fees.len(), truth.fees.len());
    let payments: BTreeSet<_> = truth.payments.iter().map(|payment| &payment.payment_id).collect();
    assert_eq!(payments.len(), truth.payments.len());
}

#[test]
fn twice_the_scale_is_twice_the_city() {
    let (one, two) = (truth(5, 1), truth(5, 2));
    assert_eq!(one.payments.len() * 2, two.payments.len());
    assert_eq!(one.vat_shares.len() * 2, two.vat_shares.len());
    assert_eq!(one.duplicates.len() * 2, two.duplicates.len());
    let open = |truth: &Truth| usize::try_from(truth.city.open_items).unwrap();
    let sizes = |truth: &Truth| [truth.fees.len(), truth.rent_notices.len(), open(truth)];
    for (small, large) in sizes(&one).into_iter().zip(sizes(&two)) {
        assert!((small * 19..small * 21).contains(&(large * 10)), "{small} {large}");
    }
    let documents = |truth: &Truth| truth.files.iter().filter(|file| file.format == "ubl").count() - 1;
    assert_eq!(documents(&one) * 2, documents(&two));
}

#[test]
fn a_city_needs_a_date_with_some_bank_days_in_its_month() {
    let day = city::dates::date;
    assert!(City::generate_at(1, 1, day(2026, 8, 3)).is_err());
    assert!(City::generate_at(1, 1, day(2026, 3, 31)).is_ok());
    assert!(City::generate_at(1, 1, day(2026, 8, 7)).is_ok());
}
