//! What the rows of a file hold.

use serde_json::{Value, json};

use super::*;

/// A row without its empty columns.
fn filled(row: &serde_json::Map<String, Value>) -> Value {
    fn full(value: &Value) -> bool {
        !value.is_null() && *value != json!([])
    }
    let filled = row.iter().filter(|(_, value)| full(value)).map(|(name, value)| {
        let value = match value {
            Value::Object(inner) => filled(inner),
            other => other.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(filled.collect())
}

#[test]
fn an_order_is_rows_with_their_payees() {
    let outcome = read(&order()).accepted();
    let rows = outcome.of("payment_status");
    assert_eq!(
        filled(&rows[4]),
        json!({
            "ordinal": 5, "byte_start": 12 * 82, "byte_end": 13 * 82 - 2, "status_id": rows[4]["status_id"],
            "source_format": "lb", "report": "order", "scope": "payment", "direction": "out", "status": "ordered",
            "kind": "payment", "account": "9912346", "account_type": "bankgiro",
            "counterpart_account": "3300001212121212", "counterpart_account_type": "bban",
            "counterpart_name": "NILS PETTERSSON, C/O NILSSON", "payment_date": "2026-03-03",
            "reported_on": "2026-03-02", "currency": "SEK", "amount": "1200.00", "reference": "56897456986",
            "own_reference": "LÖN", "messages": ["NY ADRESS: HOLMVÄGEN 20"],
            "lb": {
                "transaction_code": "14", "is_salary": true, "street": "SAGOVÄGEN", "postcode": "10516",
                "city": "STOCKHOLM",
            },
        })
    );
    let of = |column| outcome.column("payment_status", column);
    assert_eq!(of("kind"), ["payment", "deduction", "credit_note", "payment", "payment"]);
    assert_eq!(of("amount"), ["980.00", "-80.00", "-100.00", "50.00", "1200.00"]);
    assert_eq!(of("counterpart_account_type"), ["bankgiro", "bankgiro", "bankgiro", "plusgiro", "bban"]);
    assert_eq!(of("payment_date"), ["2026-03-30", "2026-03-03", "2026-03-03", "2026-03-03", "2026-03-03"]);
    assert_eq!(rows[0]["messages"], json!(["NY ADRESS: HOLMVÄGEN 20", "LEVERANS DECEMBER"]));
    assert_eq!(rows[2]["lb"]["monitored_until"], "2026-04-12");
}

#[test]
fn a_specification_says_what_was_carried_out_and_what_is_left_of_a_credit_note() {
    let outcome = read(&specification()).accepted();
    let rows = outcome.of("payment_status");
    assert_eq!((&rows[0]["status"], &rows[0]["counterpart_name"]), (&json!("executed"), &json!("LASTBILAR HB")));
    assert_eq!((&rows[0]["bank_reference"], &rows[0]["lb"]["payment_type"]), (&json!("0000000777"), &json!("C")));
    let credit = &rows[1]["lb"];
    assert_eq!(
        filled(credit.as_object().unwrap()),
        json!({
            "transaction_code": "16", "monitored_until": "2026-04-12", "credit_code": "1",
            "credit_original": "2000.00", "credit_remaining": "500.00", "credit_date": "2026-02-28",
        })
    );
    assert_eq!(
        rows[1]["lb_amounts"],
        json!([
            {"name": "use", "date": "2026-03-01", "amount": "600.00"},
            {"name": "use", "date": "2026-03-02", "amount": "40.00"},
        ])
    );
}

#[test]
fn reasons_behind_a_payee_are_those_of_its_payments() {
    for (file, status) in [(rejected as fn() -> Vec<String>, "rejected"), (stopped, "stopped")] {
        let outcome = read(&file()).accepted();
        assert_eq!(outcome.column("payment_status", "status"), [status, status]);
        let rows = outcome.of("payment_status");
        assert_eq!(
            rows[0]["reasons"],
            json!([
                {"scheme": "lb", "code": "MTRV0013", "text": "MOTTAGARENS BANKKONTO ÄR FELAKTIGT"},
                {"scheme": "lb", "code": "0000", "text": "SE FÖREGÅENDE POST"},
            ])
        );
        assert_eq!(rows[1]["reasons"][0]["code"], "MTRV0042");
        assert_eq!(rows[0]["byte_end"], 5 * 82 - 2, "the reason is part of the row");
    }
}

#[test]
fn balances_and_returned_cash_are_rows_of_their_own_kind() {
    let outcome = read(&reconciliation()).accepted();
    assert_eq!(outcome.column("payment_status", "scope"), ["balance"; 4]);
    let dated = &outcome.of("payment_status")[3];
    assert_eq!((&dated["payment_date"], &dated["amount"]), (&json!("2026-03-12"), &Value::Null));
    assert_eq!(dated["lb_amounts"][1], json!({"name": "balance_2", "date": null, "amount": "-150.00"}));
    let outcome = read(&returned_cash()).accepted();
    let row = &outcome.of("payment_status")[0];
    assert_eq!((&row["status"], &row["amount"]), (&json!("returned"), &json!("300.00")));
    assert_eq!((&row["counterpart_account"], &row["reasons"][0]["code"]), (&json!("211397555"), &json!("2")));
    assert_eq!((&row["payment_date"], &row["lb"]["returned_on"]), (&json!("2026-02-02"), &json!("2026-03-02")));
    assert_eq!(row["own_reference"], "Avsändarinformation");
}

#[test]
fn a_seal_is_checked_with_the_configured_key_and_otherwise_said_to_be_unchecked() {
    let mut records = order();
    records.insert(0, record(&[(1, "00260302HMAC")]));
    records.push(record(&[(1, "99260302FF365893D899291C3BF505FB3175E880"), (41, &"0".repeat(32))]));
    let bytes = file(&records);
    let keys = [crate::SealKey::parse("1234567890ABCDEF1234567890ABCDEF").unwrap()];
    let with = |seal_keys| {
        let info = crate::FileInfo { name: "", seal_keys };
        crate::testing::read_from("lb", info, &mut bytes.as_slice())
    };
    assert_eq!(with(&[]).accepted().remarks(), ["seal.not_verified"]);
    assert_eq!(with(&keys).verdict(), "seal.broken");
    records.pop();
    assert_eq!(read(&records).accepted().remarks(), ["seal.not_closed"]);
}
