use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::dates::date;
use crate::people::{Registry, customers};

fn with_plan(check: impl Fn(&[Customer], &Plan<'_>)) {
    for seed in 1..=3 {
        let customers = customers(seed, 2_000, &mut Registry::default());
        check(&customers, &Plan::new(seed, 1, date(2026, 8, 31), &customers));
    }
}

#[test]
fn every_subset_of_the_sums_has_a_sum_of_its_own() {
    for unit in (10_000..=90_000).step_by(10) {
        let amounts = [unit + 1, 2 * unit + 3, 4 * unit + 9, 8 * unit + 27];
        let sums: BTreeSet<i64> =
            (1..16_usize).map(|set| (0..4).filter(|bit| set & (1 << bit) != 0).map(|bit| amounts[bit]).sum()).collect();
        assert_eq!(sums.len(), 15);
    }
}

#[test]
fn references_are_unique_except_where_they_are_ambiguous_on_purpose() {
    with_plan(|_, plan| {
        let mut bearers: BTreeMap<&str, usize> = BTreeMap::new();
        for item in &plan.ledger.items {
            *bearers.entry(&item.ocr).or_default() += 1;
        }
        let shared = bearers.values().filter(|count| **count > 1).count();
        let ambiguous = plan.payments.iter().filter(|p| p.class == PaymentClass::AmbiguousReference).count();
        assert_eq!((shared, ambiguous), (20, 20));
        let unknown = plan.payments.iter().filter(|p| p.class == PaymentClass::UnknownReference);
        for payment in unknown {
            let Reference::Checked(reference) = &payment.reference else { panic!("no reference") };
            assert!(!bearers.contains_key(reference.as_str()));
        }
    });
}

#[test]
fn confirmed_payments_never_take_more_of_an_item_than_remains() {
    with_plan(|_, plan| {
        let mut taken: BTreeMap<usize, i64> = BTreeMap::new();
        for payment in plan.payments.iter().filter(|payment| payment.outcome == Outcome::Confirmed) {
            let matched: i64 = payment.matches.iter().map(|(_, amount)| amount).sum();
            assert_eq!(matched + payment.overpaid, payment.amount, "{:?}", payment.class);
            for (item, amount) in &payment.matches {
                *taken.entry(*item).or_default() += amount;
            }
        }
        for (item, amount) in taken {
            let remaining = plan.ledger.items[item].remaining;
            assert!(amount.abs() <= remaining.abs() && amount.signum() == remaining.signum());
            assert_eq!(plan.ledger.items[item].remaining_first, remaining, "open at both extracts");
        }
    });
}

/// Which of a company's open items could a payment without reference be for?
#[test]
fn a_known_account_leads_to_one_proposal_and_an_unknown_one_to_none() {
    with_plan(|customers, plan| {
        for payment in plan.payments.iter().filter(|payment| payment.outcome != Outcome::Confirmed) {
            let payer = payment.payer.filter(|_| payment.from_account && payment.amount > 0);
            assert_eq!(payer.is_some(), payment.outcome == Outcome::Suggested, "{:?}", payment.class);
            let Some(payer) = payer else { continue };
            assert!(customers[payer].business);
            let open: Vec<_> = plan.ledger.items.iter().filter(|item| item.customer == payer).collect();
            let near = |due: NaiveDate| payment.date.signed_duration_since(due).num_days().abs() <= 30;
            let alone = open.iter().filter(|item| item.remaining == payment.amount && near(item.due_date)).count();
            let sets = (0..1_u32 << open.len())
                .filter(|set| {
                    let chosen = open.iter().enumerate().filter(|(index, _)| set & (1 << index) != 0);
                    set.count_ones() > 1 && chosen.map(|(_, item)| item.remaining).sum::<i64>() == payment.amount
                })
                .count();
            let expected = if payment.class == PaymentClass::AccountAndAmount { (1, 0) } else { (0, 1) };
            assert_eq!((alone, sets), expected, "{:?}", payment.class);
        }
    });
}

#[test]
fn an_item_that_is_closed_was_paid_before_the_payment_that_names_it() {
    with_plan(|_, plan| {
        let by_ocr: BTreeMap<&str, _> = plan.ledger.items.iter().map(|item| (item.ocr.as_str(), item)).collect();
        for payment in plan.payments.iter().filter(|payment| payment.class == PaymentClass::ClosedItem) {
            let Reference::Checked(reference) = &payment.reference else { panic!("no reference") };
            let item = by_ocr[reference.as_str()];
            assert!(item.remaining == 0 && item.paid_on.is_some_and(|paid| paid < payment.date));
        }
    });
}
