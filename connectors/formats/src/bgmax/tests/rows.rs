//! What the rows of a file hold.

use serde_json::json;

use super::{deposit, end, file, latin1, payment, put, read, record, valid};

#[test]
fn a_payment_with_every_record_fills_every_column() {
    let outcome = read(&file(&valid()));
    let expected = json!({
        "ordinal": 1,
        "byte_start": 2 * 82,
        "byte_end": 9 * 82 - 2,
        "payment_id": "bgmax:2026:000000000001",
        "source_format": "bgmax",
        "kind": "payment",
        "receiver_account": "9912346",
        "receiver_account_type": "bankgiro",
        "deposit_id": "bgmax:9912346:2026:00056",
        "deposit_account": "58410000010098232",
        "payment_date": "2026-03-02",
        "currency": "SEK",
        "amount": "1000.00",
        "reference": "12345674",
        "reference_code": 2,
        "reference_quality": "checked",
        "references": [],
        "channel": "bank",
        "bank_reference": "000000000001",
        "sender_account": "50501055",
        "payer_number": null,
        "has_image": false,
        "deduction_code": null,
        "messages": ["Betalning för mars", " och april"],
        "payer_name": "Kalles Plåt AB",
        "payer_extra_name": "Ekonomi",
        "payer_street": "Storgatan 2",
        "payer_postcode": "123 45",
        "payer_city": "Storåker",
        "payer_country": "Norge",
        "payer_country_code": "NO",
        "payer_identity": "005560360793",
    });
    assert_eq!(serde_json::Value::Object(outcome.rows[0].clone()), expected);
}

#[test]
fn under_extended_registration_references_have_amounts_that_sum_to_the_payment() {
    let outcome = read(&file(&valid()));
    let row = &outcome.rows[1];
    assert_eq!((&row["reference"], &row["reference_quality"]), (&json!(null), &json!("none")));
    assert_eq!(
        (&row["sender_account"], &row["has_image"], &row["channel"]),
        (&json!(null), &json!(true), &"slip".into())
    );
    let reference = |ordinal: u64, reference, amount, negative, code, quality| {
        let start = (9 + ordinal) * 82;
        json!({
            "ordinal": ordinal, "reference": reference, "amount": amount, "negative": negative,
            "reference_code": code, "reference_quality": quality, "byte_start": start, "byte_end": start + 80,
        })
    };
    assert_eq!(
        row["references"],
        json!([
            reference(1, "573964", "1500.00", false, 4, "registered"),
            reference(2, "7495575", "700.00", false, 5, "wrong"),
            reference(3, "74450", "-200.00", true, 5, "wrong"),
        ])
    );
}

#[test]
fn references_that_the_bank_found_in_text_have_no_amounts() {
    let outcome = read(&file(&valid()));
    let row = &outcome.rows[3];
    assert_eq!((&row["reference"], &row["reference_quality"]), (&"665869 665760".into(), &"unchecked".into()));
    let references = row["references"].as_array().unwrap();
    assert_eq!(references.len(), 2);
    assert!(references.iter().all(|r| r["amount"].is_null() && r["reference_quality"] == "checked"));
}

#[test]
fn a_deduction_is_negative_and_so_are_its_references() {
    let mut records = valid();
    records.insert(15, payment("22", "0050501055", "89854", 50_000, "2200000000030"));
    put(&mut records[15], 58, "000000000003");
    records[22] = end(3, 1, 6, 2);
    let outcome = read(&file(&records));
    assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
    let row = &outcome.rows[2];
    assert_eq!(
        (&row["kind"], &row["amount"], &row["deduction_code"]),
        (&"deduction".into(), &"-500.00".into(), &0.into())
    );
    let reference = &row["references"][0];
    assert_eq!((&reference["amount"], &reference["negative"]), (&"-500.00".into(), &false.into()));
}

#[test]
fn sums_are_kept_by_currency_and_counts_are_those_of_the_end_record() {
    let summary = read(&file(&valid())).summary;
    let totals: Vec<_> = summary.totals.iter().map(|t| (t.currency.as_str(), t.declared, t.read, t.rejected)).collect();
    assert_eq!(totals, [("EUR", Some(30_000), 30_000, 0), ("SEK", Some(250_000), 250_000, 0)]);
    assert_eq!((summary.declared_records, summary.read_records, summary.rejected_records), (Some(4), 4, 0));
}

#[test]
fn a_test_file_says_so() {
    let mut records = valid();
    put(&mut records[0], 45, "T");
    let outcome = read(&file(&records));
    assert_eq!(outcome.verdict(), "accepted");
    assert!(outcome.summary.test);
}

#[test]
fn the_largest_amount_is_read_to_the_ore() {
    let mut records = valid();
    for (line, column) in [(17, 38), (20, 51)] {
        put(&mut records[line], column, "999999999999999999");
    }
    let outcome = read(&file(&records));
    assert_eq!(outcome.verdict(), "accepted");
    assert_eq!(outcome.rows[3]["amount"], "9999999999999999.99");
}

#[test]
fn a_receiver_without_bankgiro_is_paid_on_its_plusgiro() {
    let mut records = valid();
    put(&mut records[1], 3, "          0002865434");
    let outcome = read(&file(&records));
    assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
    let row = &outcome.rows[0];
    assert_eq!((&row["receiver_account"], &row["receiver_account_type"]), (&"2865434".into(), &"plusgiro".into()));
    assert_eq!(row["deposit_id"], "bgmax:pg2865434:2026:00056");
}

/// Autogiro payments have neither serial number nor image.
fn autogiro() -> Vec<String> {
    let mut records = valid();
    for line in [2, 9, 10, 11, 12, 14, 17, 18, 19] {
        put(&mut records[line], 57, "4             ");
    }
    put(&mut records[14], 71, "0");
    records
}

#[test]
fn without_serial_numbers_payments_are_known_by_deposit_and_order() {
    let outcome = read(&file(&autogiro()));
    assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
    assert!(outcome.rejects.is_empty(), "{:?}", outcome.rejects);
    let expected = ["9912346:2026:00056:1", "9912346:2026:00056:2", "9912346:2026:00056:3", "9912346:2026:00057:1"];
    assert_eq!(outcome.column("payment_id"), expected.map(|id| format!("bgmax:{id}")));
    assert_eq!(outcome.column("channel"), ["autogiro"; 4]);
    assert_eq!(outcome.column("bank_reference"), ["null"; 4]);
}

#[test]
fn a_serial_number_that_comes_again_is_replaced_by_deposit_and_order() {
    let mut records = valid();
    for record in &mut records[17..20] {
        put(record, 58, "000000000001");
    }
    let outcome = read(&file(&records));
    assert_eq!(outcome.remarks(), ["bgmax.serial_repeated"]);
    assert_eq!(outcome.rows[0]["payment_id"], "bgmax:2026:000000000001");
    assert_eq!(outcome.rows[3]["payment_id"], "bgmax:9912346:2026:00057:1");
    assert_eq!(outcome.rows[3]["bank_reference"], "000000000001");
}

#[test]
fn two_deposits_with_one_number_are_told_apart() {
    let mut records = autogiro();
    put(&mut records[20], 46, "00056");
    let outcome = read(&file(&records));
    assert_eq!(outcome.remarks(), ["bgmax.deposit_repeated"]);
    assert_eq!(outcome.rows[3]["payment_id"], "bgmax:9912346:2026:00056-2:1");
}

#[test]
fn without_a_deposit_number_its_content_identifies_it_in_any_file() {
    let mut records = autogiro();
    put(&mut records[15], 46, "00000");
    let whole = read(&file(&records));
    let ids = whole.column("payment_id");
    assert!(ids[0].starts_with("bgmax:9912346:2026:h") && ids[0].ends_with(":1"), "{ids:?}");
    // The same deposit, delivered alone, at another place, with other line breaks.
    records.drain(16..21);
    records[16] = end(2, 1, 3, 1);
    let lines: String = records.iter().map(|record| format!("{}\n", record.trim_end())).collect();
    assert_eq!(read(&latin1(&lines)).column("payment_id"), ids[..3]);
    // Another content is another deposit.
    put(&mut records[3], 3, "x");
    assert_ne!(read(&file(&records)).column("payment_id"), ids[..3]);
}

#[test]
fn complete_files_one_after_the_other_are_all_read() {
    let mut second = valid();
    for line in [2, 9, 10, 11, 12, 14, 17, 18, 19] {
        put(&mut second[line], 58, "0001");
    }
    put(&mut second[15], 46, "00058");
    put(&mut second[20], 46, "00059");
    let mut bytes = file(&valid());
    bytes.push(0x1a);
    bytes.extend(b"\xef\xbb\xbf");
    bytes.extend(file(&second));
    let outcome = read(&bytes);
    assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
    assert!(outcome.rejects.is_empty());
    assert_eq!(outcome.remarks(), ["fixed.ctrl_z", "fixed.byte_order_mark", "bgmax.concatenated"]);
    assert_eq!(outcome.column("ordinal"), (1..=8).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(outcome.summary.declared_records, Some(8));
    let totals: Vec<_> = outcome.summary.totals.iter().map(|total| (total.declared, total.read)).collect();
    assert_eq!(totals, [(Some(60_000), 60_000), (Some(500_000), 500_000)]);
    // A second file that is not complete refuses both.
    assert_eq!(read(&bytes[..bytes.len() - 82]).verdict(), "bgmax.truncated");
}

#[test]
fn a_deposit_that_is_delivered_twice_is_never_counted_twice() {
    for records in [valid(), autogiro()] {
        let twice = [file(&records), file(&records)].concat();
        let outcome = read(&twice);
        assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
        assert_eq!((outcome.rows.len(), outcome.rejects.len()), (4, 4));
        assert!(outcome.rejects.iter().all(|reject| reject.finding.code == "bgmax.payment_repeated"));
        for total in &outcome.summary.totals {
            assert_eq!((total.read, total.declared), (total.rejected, Some(2 * total.read)));
        }
        assert_eq!(read(&file(&records)).column("payment_id"), outcome.column("payment_id"));
    }
}

#[test]
fn a_reject_carries_the_bytes_of_the_payment_and_its_records() {
    let mut records = valid();
    put(&mut records[9], 56, "7");
    let bytes = file(&records);
    let outcome = read(&bytes);
    let reject = &outcome.rejects[0];
    assert_eq!((reject.start, reject.end), (9 * 82, 14 * 82 - 2));
    assert_eq!(reject.raw, &bytes[9 * 82..14 * 82 - 2]);
    assert_eq!(reject.currency.as_deref(), Some("SEK"));
}

#[test]
fn the_bytes_that_a_reject_carries_are_limited() {
    let mut records = valid();
    records.splice(4..4, (0..2_000).map(|_| record(&[(1, "25text")])));
    let outcome = read(&file(&records));
    let reject = &outcome.rejects[0];
    assert_eq!(reject.finding.code, "bgmax.information_count");
    assert_eq!(reject.raw.len(), crate::MAX_RAW);
    assert_eq!(reject.end - reject.start, 2_007 * 82 - 2);
}

#[test]
fn many_rows_come_in_batches_that_add_up() {
    let count = crate::BATCH_ROWS as u64 * 2 + 5;
    let mut records = valid();
    records.truncate(2);
    records.extend((1..=count).map(|n| payment("20", "0000000000", "", n, &format!("01{n:012}0"))));
    records.push(deposit("20260302", "00001", count * (count + 1) / 2, "SEK", count));
    records.push(end(count, 0, 0, 1));
    let outcome = read(&file(&records));
    assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
    assert_eq!(outcome.rows.len() as u64, count);
    let last = outcome.rows.last().unwrap();
    assert_eq!(last["payment_id"], format!("bgmax:2026:{count:012}"));
    assert_eq!(last["byte_start"], (count + 1) * 82);
}
