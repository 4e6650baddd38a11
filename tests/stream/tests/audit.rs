//! What the audit refuses is not published.

use std::fs;

use crate::folder::published;
use crate::program::run;

/// One that no city satisfies.
const NO_PAYMENTS: &str = r#"/*
title = "Ingen betalar"
description = """A test: nobody may pay."""
key = ["payment_id"]
*/
select
    payment_id,
    amount
from ar_payment_outcome
where amount > 0
"#;

#[test]
fn a_broken_invariant_holds_the_generation_back_and_is_named() {
    let folder = published().copy();
    let (before, sql) = (folder.generations(), folder.own_sql());
    fs::write(sql.join("invariants/INV-TEST-NOBODY-PAYS.sql"), NO_PAYMENTS).unwrap();
    // A reference rate is whole half per cents.
    let rates = sql.join("parameters/ref_reference_rate.csv");
    let text = fs::read_to_string(&rates).unwrap();
    assert!(text.contains("\n1.00,2014-07-01"));
    fs::write(&rates, text.replace("\n1.00,2014-07-01", "\n1.01,2014-07-01")).unwrap();

    let held = run(&mut folder.reskontra(&["deploy", "--yes"]));
    assert_eq!(held.code, Some(1), "{held}");
    assert!(held.said.contains("INV-TEST-NOBODY-PAYS: "), "{held}");
    assert!(held.said.contains("INV-PARAM-RATE-STEP: 1 violations"), "{held}");
    assert!(held.said.contains("\"rate_percent\":\"1.01\""), "the violation is shown: {held}");
    assert!(held.said.contains("the audit held the generation back"), "{held}");
    let told = held.said.lines().filter(|line| line.starts_with("broken ")).count();
    assert_eq!(told, 2, "no other invariant is broken: {held}");

    assert_eq!(folder.generations(), before, "the last good generation stays in service");
    let payments = folder.query("select count(*) as payments from ar_payment_outcome");
    assert_eq!(payments[0].number("payments"), before[0].tables["ar_payment_outcome"].rows);
}
