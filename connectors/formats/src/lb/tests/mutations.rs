//! One change to a valid file per rule must give that rule's code and no other.

use super::*;
use crate::testing::{Breaking, Remarked, each_is_remarked, each_refuses, put};

#[test]
fn the_unchanged_files_are_accepted_without_a_remark() {
    for file in [order, specification, rejected, stopped, reconciliation, returned_cash] {
        let outcome = read(&file()).accepted();
        assert!(outcome.remarks().is_empty(), "{:?}", outcome.summary.remarks);
        assert!(outcome.summary.read_records > 1);
    }
}

#[test]
fn what_breaks_the_whole_refuses_the_file_with_its_place() {
    let cases: &[Breaking] = &[
        (order, "lb.order", 4, 1, |r| put(&mut r[0], 19, "BETALNINGAR           ")),
        (order, "lb.not_lb", 1, 1, |r| r.clear()),
        (order, "lb.not_lb", 1, 1, |r| put(&mut r[0], 1, "01BGMAX ")),
        (order, "lb.order", 1, 1, |r| drop(r.splice(0..3, []))),
        (order, "lb.report", 1, 47, |r| put(&mut r[0], 47, "3")),
        (order, "lb.currency", 1, 60, |r| put(&mut r[0], 60, "EU1")),
        (order, "lb.order", 4, 1, |r| r.insert(3, r[4].clone())),
        (order, "lb.order", 5, 1, |r| r.insert(4, r[1].clone())),
        (order, "lb.order", 5, 1, |r| put(&mut r[4], 1, "11")),
        (order, "lb.order", 5, 1, |r| put(&mut r[4], 1, "42")),
        (order, "lb.order", 13, 1, |r| r.insert(12, r[8].clone())),
        (order, "lb.amount", 4, 38, |r| put(&mut r[3], 40, "X")),
        (order, "lb.count", 14, 13, |r| put(&mut r[13], 20, "6")),
        (order, "lb.count", 14, 13, |r| put(&mut r[13], 20, "X")),
        (order, "lb.sum", 14, 21, |r| put(&mut r[13], 32, "1")),
        (order, "lb.sum", 14, 21, |r| put(&mut r[13], 33, "-")),
        (order, "lb.sum", 14, 21, |r| put(&mut r[5], 49, "1")),
        (order, "lb.sum", 14, 21, |r| put(&mut r[5], 1, "14")),
        (order, "lb.sum", 14, 21, |r| put(&mut r[13], 21, "            ")),
        (order, "lb.truncated", 13, 0, |r| drop(r.pop())),
        (order, "lb.after_end", 15, 1, |r| r.push(r[3].clone())),
        (order, "lb.line_length", 4, 81, |r| r[3].push_str(&"x".repeat(5_000))),
        (specification, "lb.credit_amount", 5, 19, |r| put(&mut r[4], 25, "X")),
        (specification, "lb.credit_amount", 5, 31, |r| put(&mut r[4], 31, "X")),
        (specification, "lb.credit_amount", 6, 19, |r| put(&mut r[5], 20, "X")),
        (specification, "lb.order", 6, 1, |r| put(&mut r[5], 1, "20")),
        (stopped, "lb.amount", 4, 38, |r| put(&mut r[3], 40, "X")),
        (stopped, "lb.count", 8, 13, |r| put(&mut r[7], 20, "3")),
        (stopped, "lb.sum", 8, 21, |r| put(&mut r[7], 21, "000000075001")),
        (reconciliation, "lb.count", 6, 13, |r| put(&mut r[5], 20, "3")),
        (reconciliation, "lb.amount", 2, 3, |r| put(&mut r[1], 16, "+")),
        (reconciliation, "lb.amount", 5, 29, |r| put(&mut r[4], 30, "X")),
        (reconciliation, "lb.order", 3, 1, |r| put(&mut r[2], 1, "14")),
        (returned_cash, "lb.sum", 4, 41, |r| put(&mut r[3], 52, "1")),
        (returned_cash, "lb.amount", 2, 44, |r| put(&mut r[1], 50, "X")),
        (returned_cash, "lb.order", 2, 1, |r| put(&mut r[1], 1, "4")),
        (returned_cash, "lb.truncated", 3, 0, |r| drop(r.pop())),
    ];
    each_refuses(cases, read);
}

#[test]
fn what_changes_no_money_is_remarked() {
    let cases: &[Remarked] = &[
        (order, "lb.header_date", |r| put(&mut r[0], 13, "260230")),
        (order, "lb.account", |r| put(&mut r[3], 3, "00XXXXXXXX")),
        (order, "lb.account", |r| put(&mut r[3], 3, "0050501056")),
        (order, "lb.end_account", |r| put(&mut r[13], 3, PAYEE)),
        (order, "lb.payment_date", |r| put(&mut r[3], 50, "260230")),
        (order, "lb.information_rejected", |r| r.insert(2, record(&[(1, "49MTRV0064ORIMLIGT DATUM")]))),
        (order, "lb.title", |r| r.insert(0, "Exempelfil 1".to_owned())),
        (order, "lb.unknown_record", |r| r.insert(4, record(&[(1, "77")]))),
        (rejected, "lb.reason_missing", |r| drop(r.remove(6))),
        (rejected, "lb.amount_unreadable", |r| put(&mut r[3], 38, "X")),
        (specification, "lb.credit_remainder", |r| put(&mut r[4], 30, "1")),
        (reconciliation, "lb.balance_sum", |r| put(&mut r[4], 27, "1")),
        (reconciliation, "lb.payment_date", |r| put(&mut r[4], 3, "260230")),
    ];
    each_is_remarked(cases, read);
}

#[test]
fn sections_of_several_currencies_stand_in_one_file() {
    let mut euro = order();
    put(&mut euro[0], 60, "EUR");
    let outcome = read(&[order(), euro, order()].concat()).accepted();
    let totals: Vec<_> = outcome.summary.totals.iter().map(|t| (t.currency.as_str(), t.declared, t.read)).collect();
    assert_eq!(totals, [("EUR", Some(205_000), 205_000), ("SEK", Some(410_000), 410_000)]);
    assert_eq!(outcome.summary.declared_records, Some(15));
    assert!(outcome.remarks().is_empty());
}
