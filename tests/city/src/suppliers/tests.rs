use std::collections::BTreeSet;

use super::*;
use crate::dates::date;

fn plans() -> Vec<Plan> {
    (1..=3).map(|seed| plan(seed, 2, date(2026, 8, 31), &mut Registry::default())).collect()
}

fn number_key(document: &Document) -> String {
    let key: String = document.number.to_uppercase().chars().filter(|c| c.is_alphanumeric()).collect();
    key.trim_start_matches('0').to_owned()
}

/// The definitions of AP01, on every pair.
fn class_of(plan: &Plan, first: &Document, second: &Document) -> Option<DuplicateClass> {
    let days = first.issued.signed_duration_since(second.issued).num_days().abs();
    let (seller, other) = (first.seller_key(&plan.suppliers), second.seller_key(&plan.suppliers));
    if first.credit != second.credit || days > 365 {
        return None;
    }
    let same_amount = first.totals.gross == second.totals.gross && first.totals.gross != 0;
    let same_picture = first.attachment.is_some() && first.attachment == second.attachment && same_amount;
    if seller == other && number_key(first) == number_key(second) || same_picture {
        return Some(DuplicateClass::Exact);
    }
    if seller == other && same_amount && first.issued == second.issued {
        return Some(DuplicateClass::Strong);
    }
    let organisation = |document: &Document| plan.suppliers[document.seller].organisation.clone();
    let same_payee = first.account == second.account || organisation(first) == organisation(second);
    (seller != other && same_payee && same_amount && days <= 30).then_some(DuplicateClass::Suspect)
}

#[test]
fn no_pair_is_a_duplicate_by_chance() {
    for plan in plans() {
        let mut found = BTreeSet::new();
        for (index, first) in plan.documents.iter().enumerate() {
            for (later, second) in plan.documents.iter().enumerate().skip(index + 1) {
                found.extend(class_of(&plan, first, second).map(|class| (class, index, later)));
            }
        }
        let meant: BTreeSet<_> = plan
            .pairs
            .iter()
            .filter(|(class, _, _)| *class <= DuplicateClass::Suspect)
            .map(|(class, first, second)| (*class, *first, *second))
            .collect();
        assert_eq!(found, meant);
    }
}

#[test]
fn only_the_documents_built_for_it_have_a_vat_share_out_of_bounds() {
    for plan in plans() {
        let outside = |totals: &Totals| {
            let (net, vat) = (totals.net.abs(), totals.vat.abs());
            net == 0 || vat * 100 < net * 5 || (vat - 100) * 100 > net * 25
        };
        let found: BTreeSet<usize> =
            plan.documents.iter().enumerate().filter(|(_, d)| outside(&d.totals)).map(|(index, _)| index).collect();
        assert_eq!(found, plan.vat.iter().map(|(_, index)| *index).collect());
    }
}

/// What is written minus what the rule gives, for the rules that do not hold.
fn broken(document: &Document) -> Vec<(BalanceRule, i64)> {
    let totals = &document.totals;
    let lines: i64 = document.lines.iter().map(|line| line.net).sum();
    let taxes: i64 = document.subtotals.iter().map(|subtotal| subtotal.tax).sum();
    let mut differences = vec![
        (BalanceRule::LineSum, totals.lines - lines, 0),
        (BalanceRule::Net, totals.net - (totals.lines - totals.allowance + totals.charge), 0),
        (BalanceRule::VatSum, totals.vat - taxes, 0),
        (BalanceRule::Gross, totals.gross - (totals.net + totals.vat), 0),
        (BalanceRule::Payable, totals.payable - (totals.gross - totals.prepaid + totals.rounding), 0),
    ];
    for subtotal in &document.subtotals {
        let of_rate = |line: &&Line| (line.category, line.rate) == (subtotal.category, subtotal.rate);
        let mut base: i64 = document.lines.iter().filter(of_rate).map(|line| line.net).sum();
        if subtotal.rate == 25 {
            base += totals.charge - totals.allowance;
        }
        differences.push((BalanceRule::VatBase, subtotal.base - base, 99));
        differences.push((BalanceRule::VatOfRate, subtotal.tax - percent(subtotal.base, subtotal.rate), 99));
    }
    for line in &document.lines {
        differences.push((BalanceRule::LineAmount, line.net - line.quantity * line.price, 2));
    }
    let violated = differences.into_iter().filter(|(_, difference, tolerance)| difference.abs() > *tolerance);
    violated.map(|(rule, difference, _)| (rule, difference)).collect()
}

#[test]
fn each_broken_rule_is_broken_alone_and_no_other_document_breaks_one() {
    for plan in plans() {
        let mut found = BTreeSet::new();
        for (index, document) in plan.documents.iter().enumerate() {
            found.extend(broken(document).into_iter().map(|(rule, difference)| (index, rule, difference)));
        }
        let meant: BTreeSet<_> = plan.broken.iter().map(|(rule, index, diff)| (*index, *rule, *diff)).collect();
        assert_eq!(found, meant);
    }
}
