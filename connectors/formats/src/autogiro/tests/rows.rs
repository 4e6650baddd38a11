//! What the rows of a file hold.

use serde_json::{Value, json};

use super::*;

/// A row without its empty columns.
fn filled(row: &serde_json::Map<String, Value>) -> Value {
    let filled = row.iter().filter(|(_, value)| !value.is_null() && **value != json!([]));
    Value::Object(filled.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[test]
fn a_debit_that_was_carried_out_is_a_payment() {
    let outcome = read(&specification()).accepted();
    assert_eq!(
        filled(&outcome.of("payment_in")[0]),
        json!({
            "ordinal": 1, "byte_start": 164, "byte_end": 244,
            "payment_id": "autogiro:payment_specification:9912346:20260302193055123456:1",
            "source_format": "autogiro", "kind": "payment", "receiver_account": "9912346",
            "receiver_account_type": "bankgiro", "deposit_id": "autogiro:9912346:20260302:15:00001",
            "deposit_account": "89010032323232", "payment_date": "2026-03-02", "currency": "SEK", "amount": "1000.00",
            "reference": "RIDLEKTION", "reference_quality": "unchecked", "channel": "autogiro", "payer_number": "101",
            "has_image": false, "autogiro": {"period_code": "0", "remaining_times": null},
        })
    );
    let refund = &outcome.of("payment_in")[2];
    assert_eq!((&refund["kind"], &refund["amount"]), (&json!("reversal"), &json!("-200.00")));
    assert_eq!((&refund["payment_date"], &refund["original_date"]), (&json!("2026-03-02"), &json!("2026-02-27")));
    assert_eq!((&refund["reversal_code"], &refund["payer_number"]), (&json!("02"), &json!("107")));
    let total = &outcome.summary.totals[0];
    assert_eq!((total.declared, total.read, total.rejected), (Some(130_000), 130_000, 0));
}

#[test]
fn what_was_not_carried_out_and_what_we_paid_is_a_status() {
    let outcome = read(&specification()).accepted();
    let of = |column| outcome.column("payment_status", column);
    assert_eq!(of("status"), ["stopped", "pending", "executed", "stopped"]);
    assert_eq!(of("direction"), ["in", "in", "out", "out"]);
    assert_eq!(of("amount"), ["700.00", "800.00", "300.00", "400.00"]);
    assert_eq!(
        outcome.of("payment_status")[0]["reasons"],
        json!([{"scheme": "autogiro.status", "code": "1", "text": "Täckning saknas"}])
    );
    assert_eq!(of("reasons")[2], "[]");
    assert_eq!(outcome.of("payment_status")[2]["autogiro"]["deposit_id"], "autogiro:9912346:20260302:16:00001");
}

#[test]
fn the_old_layout_says_the_same_of_each_payment() {
    let (new, old) = (read(&specification()).accepted(), read(&old_specification()).accepted());
    for (contract, columns) in [
        ("payment_in", &["amount", "payer_number", "reference", "payment_date", "kind"][..]),
        ("payment_status", &["amount", "payer_number", "reference", "payment_date", "status", "direction", "reasons"]),
    ] {
        for column in columns {
            let new: Vec<_> = new.column(contract, column);
            let old = old.column(contract, column);
            assert_eq!(new[..old.len()], old, "{column}");
        }
    }
    assert_eq!(old.of("payment_in").len(), 2);
    let total = &old.summary.totals[0];
    assert_eq!((total.declared, total.read), (Some(150_000), 150_000), "what the file says was carried out");
}

#[test]
fn requests_about_many_payments_say_how_many_they_changed() {
    let outcome = read(&amendments()).accepted();
    let of = |column| outcome.column("payment_status", column);
    assert_eq!(of("status"), ["cancelled", "cancelled", "changed", "unchanged", "cancelled"]);
    let rows = outcome.of("payment_status");
    assert_eq!(rows[0]["autogiro"]["affected_payments"], 23);
    assert_eq!((&rows[0]["payer_number"], &rows[0]["amount"]), (&Value::Null, &json!("33350.00")));
    assert_eq!((&rows[2]["payment_date"], &rows[2]["new_payment_date"]), (&json!("2026-03-05"), &json!("2026-03-09")));
    assert_eq!((&rows[4]["direction"], &rows[4]["autogiro"]["requested_code"]), (&json!("out"), &json!("32")));
    assert_eq!(rows[3]["reasons"][0]["text"], "Betalningen finns inte");
}

#[test]
fn mandates_are_events_with_their_meaning_in_swedish() {
    let outcome = read(&mandate_advice()).accepted();
    let events = outcome.column("mandate_event", "event");
    assert_eq!(events, ["created", "cancelled", "rejected", "payer_number_changed"]);
    let row = &outcome.of("mandate_event")[0];
    assert_eq!((&row["payer_number"], &row["payer_account"]), (&json!("101"), &json!("5001000001000020")));
    assert_eq!((&row["payer_identity"], &row["payer_identity_kind"]), (&json!("196803050000"), &json!("person")));
    assert_eq!((&row["event_date"], &row["valid_from"]), (&json!("2026-03-02"), &json!("2026-03-09")));
    assert_eq!((&row["comment_code"], &row["comment"]), (&json!("32"), &json!("Nytt medgivande")));
}

#[test]
fn an_application_has_the_records_after_it() {
    let outcome = read(&internet_mandates()).accepted();
    let rows = outcome.of("mandate_event");
    assert_eq!(
        filled(&rows[0]),
        json!({
            "ordinal": 1, "byte_start": 82, "byte_end": 7 * 82 - 2,
            "event_id": rows[0]["event_id"], "source_format": "autogiro", "report": "internet_mandates",
            "event": "applied", "receiver_account": "9912346", "receiver_account_type": "bankgiro",
            "payer_number": "101", "payer_account": "8901003232323232", "payer_identity": "005560005210",
            "payer_identity_kind": "organisation", "reported_on": "2026-03-02",
            "messages": ["JAG ÖNSKAR BETALA MÅNADSVIS", "OCH HELST I SLUTET"],
            "payer_name": "TOLVAN TOLVANSSON", "payer_extra_name": "C/O ELVAN", "payer_street": "LUGNA GATAN 5",
            "payer_extra_street": "LGH 1101", "payer_postcode": "12838", "payer_city": "SKARPNÄCK",
            "application_type": "0",
        })
    );
    assert_eq!((&rows[1]["payer_number"], &rows[1]["payer_name"]), (&json!("102"), &Value::Null));
}

#[test]
fn rows_of_the_register_are_read_in_both_layouts() {
    let outcome = read(&register()).accepted();
    let rows = outcome.of("mandate_event");
    let expected = |year, status, limit| {
        json!({
            "type_code": "1", "year": year, "first_date": "1999-01-01", "second_date": "2008-01-31",
            "status_code": status, "max_amount": limit,
        })
    };
    assert_eq!(rows[0]["register"], expected("08", "2", Value::Null));
    assert_eq!(rows[1]["register"], expected("8", "10", json!("500.00")));
    assert!(rows.iter().all(|row| row["payer_account"] == "8901003232323232" && row["event"] == "registered"));
}

#[test]
fn a_report_delivered_again_in_other_clothes_has_the_same_identities_and_equal_rows_have_their_own() {
    let mut records = rejected();
    records.insert(1, records[1].clone());
    crate::testing::put(&mut records[5], 33, "000003000000040000");
    let ids = |bytes: &[u8]| crate::testing::read("autogiro", bytes).accepted().column("payment_status", "status_id");
    let first = ids(&file(&records));
    let trimmed: String = records.iter().map(|record| format!("{}\n", record.trim_end())).collect();
    assert_eq!(first, ids(&crate::testing::latin1(&trimmed)));
    let distinct: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), first.len());
}
