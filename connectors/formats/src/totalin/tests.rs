//! Tests of the Total IN reader: a valid file, one change per rule, a file that no one here wrote, and random ones.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::testing::{Outcome, file, put, record, samples};

fn read(records: &[String]) -> Outcome {
    crate::testing::read("totalin", file(records))
}

fn payment(kind: &str, reference: &str, amount: u64, serial: u64, tail: &str) -> String {
    record(&[(1, kind), (3, reference), (38, &format!("{amount:015}{serial:017}{tail}"))])
}

fn close(count: u64, sum: u64, reference: &str) -> String {
    record(&[(1, "90"), (3, &format!("{count:08}{sum:017}{reference}"))])
}

fn header(layout: &str) -> String {
    record(&[(1, "00TI222222"), (15, "2026030204133012345601TL1"), (40, layout)])
}

fn account(number: &str, currency: &str) -> String {
    record(&[(1, "10"), (3, number), (39, currency), (42, "20260302")])
}

fn last(lines: usize) -> String {
    record(&[(1, &format!("99{lines:015}"))])
}

/// A valid file with every record type.
fn valid() -> Vec<String> {
    vec![
        header("TOTALIN"),                                                              // 0
        account("2865434", "SEK"),                                                      // 1
        payment("20", "12345674", 300_000, 22_222_233_333_444_451, "50501055"),         // 2
        record(&[(1, "3038952345678"), (38, "38952145778")]),                           // 3
        record(&[(1, "40FAKTURANR:38952344444"), (38, "INTERN REF: 9780858")]),         // 4
        record(&[(1, "50TESTFABRIKEN AB"), (38, "ENHET 2")]),                           // 5
        record(&[(1, "51GATAN 22")]),                                                   // 6
        record(&[(1, "5211111    TESTVIKEN"), (47, "SE")]),                             // 7
        record(&[(1, "602865434"), (39, "1"), (40, "5560360793")]),                     // 8
        record(&[(1, "61TESTBOLAGET AB"), (38, "EKONOMI")]),                            // 9
        record(&[(1, "62GATAN 12"), (38, "C/O NILSSON")]),                              // 10
        record(&[(1, "6312345    TESTSTAD"), (47, "SE")]),                              // 11
        payment("20", &"0".repeat(25), 880_000, 22_222_233_333_444_423, ""),            // 12
        record(&[(1, "70000000000000500EUR"), (39, "000000000100000EUR000000088000")]), // 13
        payment("25", "987654", 50_000, 22_222_233_333_444_457, "1"),                   // 14
        close(3, 1_130_000, "20260302001"),                                             // 15
        account("9999999999", "EUR"),                                                   // 16
        payment("20", "12345674", 10_000, 22_222_233_333_444_444, ""),                  // 17
        close(1, 10_000, "20260302002"),                                                // 18
        last(20),                                                                       // 19
    ]
}

#[test]
fn the_unchanged_file_is_accepted_without_a_remark() {
    let outcome = read(&valid()).accepted();
    assert!(outcome.remarks().is_empty(), "{:?}", outcome.summary.remarks);
    let totals: Vec<_> = outcome.summary.totals.iter().map(|t| (t.currency.as_str(), t.declared, t.read)).collect();
    assert_eq!(totals, [("EUR", Some(10_000), 10_000), ("SEK", Some(1_130_000), 1_130_000)]);
    assert_eq!((outcome.summary.declared_records, outcome.summary.read_records), (Some(4), 4));
}

#[test]
fn a_payment_with_every_record_fills_its_columns() {
    let outcome = read(&valid()).accepted();
    let rows = outcome.of("payment_in");
    let filled: serde_json::Map<String, Value> = rows[0]
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let reference = |ordinal: u64, text: &str| {
        json!({
            "ordinal": ordinal, "reference": text, "amount": null, "negative": false, "reference_code": null,
            "reference_quality": "unchecked", "byte_start": 3 * 82, "byte_end": 4 * 82 - 2, "document_type": null,
        })
    };
    assert_eq!(
        Value::Object(filled),
        json!({
            "ordinal": 1, "byte_start": 2 * 82, "byte_end": 12 * 82 - 2,
            "payment_id": "totalin:2865434:20260302:22222233333444451", "source_format": "totalin", "kind": "payment",
            "receiver_account": "2865434", "receiver_account_type": "plusgiro",
            "deposit_id": "totalin:2865434:20260302:20260302001", "payment_date": "2026-03-02", "currency": "SEK",
            "amount": "3000.00", "reference": "12345674", "reference_quality": "unchecked",
            "references": [reference(1, "38952345678"), reference(2, "38952145778")],
            "channel": "plusgiro", "bank_reference": "22222233333444451", "sender_account": "2865434",
            "sender_account_type": "plusgiro", "has_image": false,
            "messages": ["FAKTURANR:38952344444", "INTERN REF: 9780858"],
            "payer_name": "TESTBOLAGET AB", "payer_extra_name": "EKONOMI", "payer_street": "GATAN 12, C/O NILSSON",
            "payer_postcode": "12345", "payer_city": "TESTSTAD", "payer_country_code": "SE",
            "payer_identity": "5560360793",
            "total_in": {
                "file_identity": "TI222222", "receiving_bankgiro": "50501055", "statement_reference": "20260302001",
                "sender_name": "TESTFABRIKEN AB, ENHET 2", "sender_street": "GATAN 22", "sender_postcode": "11111",
                "sender_city": "TESTVIKEN", "sender_country_code": "SE",
            },
        })
    );
    assert_eq!((&rows[1]["reference"], &rows[1]["reference_quality"]), (&Value::Null, &json!("none")));
    assert_eq!((&rows[1]["original_amount"], &rows[1]["original_currency"]), (&json!("1000.00"), &json!("EUR")));
    assert_eq!((&rows[1]["charges"], &rows[1]["exchange_rate"]), (&json!("5.00"), &json!("8.8000000000")));
    assert_eq!((&rows[2]["kind"], &rows[2]["amount"]), (&json!("deduction"), &json!("-500.00")));
    assert_eq!((&rows[2]["deduction_code"], &rows[3]["receiver_account_type"]), (&json!(1), &json!("bban")));
}

/// Code of a remark, change.
type Remarked = (&'static str, fn(&mut Vec<String>));
/// Code, line and column of the finding, change.
type Case = (&'static str, u64, u32, fn(&mut Vec<String>));

#[test]
fn what_breaks_the_whole_refuses_the_file_with_its_place() {
    let cases: &[Case] = &[
        ("totalin.order", 2, 1, |r| put(&mut r[0], 37, "TL2")),
        ("totalin.not_totalin", 1, 1, |r| r.clear()),
        ("totalin.not_totalin", 1, 1, |r| put(&mut r[0], 1, "01BGMAX")),
        ("totalin.order", 1, 1, |r| drop(r.remove(0))),
        ("totalin.order", 2, 1, |r| drop(r.remove(1))),
        ("totalin.order", 3, 1, |r| drop(r.remove(2))),
        ("totalin.order", 2, 1, |r| drop(r.drain(1..19))),
        ("totalin.account", 2, 3, |r| put(&mut r[1], 3, "       ")),
        ("totalin.currency", 2, 39, |r| put(&mut r[1], 39, "   ")),
        ("totalin.date", 2, 42, |r| put(&mut r[1], 42, "20260230")),
        ("totalin.amount", 3, 38, |r| put(&mut r[2], 45, "X")),
        ("totalin.count", 16, 3, |r| put(&mut r[15], 10, "4")),
        ("totalin.count", 16, 3, |r| put(&mut r[15], 10, "X")),
        ("totalin.sum", 16, 11, |r| put(&mut r[15], 27, "1")),
        ("totalin.sum", 16, 11, |r| put(&mut r[15], 27, "X")),
        ("totalin.sum", 16, 11, |r| put(&mut r[14], 1, "20")),
        ("totalin.account_open", 16, 1, |r| drop(r.remove(15))),
        ("totalin.account_open", 19, 1, |r| drop(r.remove(18))),
        ("totalin.line_count", 20, 3, |r| put(&mut r[19], 17, "1")),
        ("totalin.line_count", 20, 3, |r| put(&mut r[19], 17, "X")),
        ("totalin.line_count", 19, 3, |r| drop(r.remove(6))),
        ("totalin.truncated", 19, 0, |r| drop(r.pop())),
        ("totalin.truncated", 18, 0, |r| drop(r.drain(18..))),
        ("totalin.after_end", 21, 1, |r| r.push(r[2].clone())),
        ("totalin.test_mixed", 21, 40, |r| {
            r.extend(valid());
            put(&mut r[20], 40, "TOTALIN-T");
        }),
        ("totalin.line_length", 3, 81, |r| r[2].push_str(&"x".repeat(5_000))),
    ];
    for (index, (code, line, column, change)) in cases.iter().enumerate() {
        let mut records = valid();
        change(&mut records);
        let outcome = read(&records);
        let context = format!("change {index}, {code}: {:?}", outcome.summary.verdict);
        let crate::Verdict::Refused(finding) = &outcome.summary.verdict else { panic!("{context}") };
        assert_eq!(finding.code, *code, "{context}");
        assert_eq!(finding.position.line, Some(*line), "{context}");
        assert_eq!(finding.position.column, (*column > 0).then_some(*column), "{context}");
    }
}

#[test]
fn a_deduction_with_an_unknown_code_is_rejected_and_its_amount_still_counts() {
    let mut records = valid();
    put(&mut records[14], 70, "7");
    let outcome = read(&records);
    assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
    let [(_, reject)] = outcome.rejects.as_slice() else { panic!("{:?}", outcome.rejects) };
    assert_eq!((reject.finding.code, reject.ordinal, reject.amount), ("totalin.deduction_code", 3, Some(-50_000)));
    assert_eq!((reject.finding.position.line, reject.finding.position.column), (Some(15), Some(70)));
    let total = &outcome.summary.totals[1];
    assert_eq!((total.declared, total.read, total.rejected), (Some(1_130_000), 1_180_000, -50_000));
}

#[test]
fn what_changes_no_money_is_remarked() {
    let cases: &[Remarked] = &[
        ("totalin.timestamp", |r| put(&mut r[0], 15, "20260230")),
        ("totalin.account_check_digit", |r| put(&mut r[1], 3, "2865435")),
        ("totalin.serial_repeated", |r| put(&mut r[12], 53, "22222233333444451")),
        ("totalin.origin", |r| put(&mut r[8], 39, "3")),
        ("totalin.record_repeated", |r| r[6] = r[5].clone()),
        ("totalin.foreign_unreadable", |r| put(&mut r[13], 3, "X")),
        ("totalin.rate", |r| put(&mut r[13], 64, "9")),
        ("totalin.unknown_record", |r| put(&mut r[6], 1, "55")),
        ("totalin.concatenated", |r| r.extend(valid())),
    ];
    for (index, (code, change)) in cases.iter().enumerate() {
        let mut records = valid();
        change(&mut records);
        let remarks = read(&records).accepted().remarks();
        let expected = match *code {
            "totalin.concatenated" => {
                vec!["totalin.concatenated", "totalin.account_repeated", "totalin.serial_repeated"]
            }
            code => vec![code],
        };
        assert_eq!(remarks, expected, "change {index}");
    }
}

#[test]
fn a_test_file_says_so_and_a_repeated_serial_number_is_told_apart() {
    let mut records = valid();
    records[0] = header("TOTALIN-T");
    assert!(read(&records).accepted().summary.test);
    assert!(!read(&valid()).summary.test);
    put(&mut records[12], 53, "22222233333444451");
    let ids = read(&records).accepted().column("payment_in", "payment_id");
    assert_eq!(ids[1], "totalin:2865434:20260302:20260302001:2");
}

#[test]
fn lines_in_utf_8_or_without_padding_or_with_lf_say_the_same() {
    let mut records = valid();
    put(&mut records[9], 3, "KALLES PLÅT AB");
    let names = |bytes: &[u8]| crate::testing::read("totalin", bytes).accepted().column("payment_in", "payer_name");
    let text = records.iter().map(|record| format!("{}\n", record.trim_end())).collect::<String>();
    assert_eq!(names(text.as_bytes()), names(&file(&records)));
    assert_eq!(names(&crate::testing::latin1(&text)), names(&file(&records)));
    let mut dripping = crate::testing::Drip(text.as_bytes());
    let dripped = crate::testing::read_from("totalin", crate::FileInfo::default(), &mut dripping).accepted();
    assert_eq!(dripped.remarks(), ["fixed.line_break_lf", "fixed.short_line", "fixed.utf8"]);
}

#[test]
fn the_public_sample_gives_its_published_sums() {
    let Some(folder) = samples("totalin") else { return };
    let outcome =
        crate::testing::sample("totalin", &folder, "jacob22__accounting/total_in_bas_exempelfil.txt").accepted();
    assert_eq!(outcome.sum("payment_in", &[("receiver_account", "10181")]), (6, 1_919_000));
    assert_eq!(outcome.sum("payment_in", &[("receiver_account", "9690017")]), (3, 954_434));
    assert_eq!(outcome.sum("payment_in", &[("kind", "deduction")]).0, 1);
    let rows = outcome.of("payment_in");
    assert_eq!(rows[0]["amount"], "3025.50");
    assert_eq!(
        (&rows[2]["total_in"]["receiving_bankgiro"], &rows[2]["payer_name"]),
        (&json!("34523455"), &json!("NORDEA BANK AB"))
    );
    assert_eq!((&rows[4]["original_amount"], &rows[4]["exchange_rate"]), (&json!("1000.00"), &json!("8.8000000000")));
}

#[derive(Debug, Clone)]
struct Meant {
    is_deduction: bool,
    reference: String,
    amount: u64,
    messages: Vec<String>,
    payer: Option<String>,
}

fn meant() -> impl Strategy<Value = Meant> {
    let texts = prop::collection::vec("[A-ZÅÄÖ0-9]{1,35}", 0..4);
    (
        prop::bool::weighted(0.2),
        "[1-9][A-ZÅÄÖ0-9]{0,34}",
        0..1_000_000_000_u64,
        texts,
        prop::option::of("[A-ZÅÄÖ]{1,35}"),
    )
        .prop_map(|(is_deduction, reference, amount, messages, payer)| Meant {
            is_deduction,
            reference,
            amount,
            messages,
            payer,
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        mut accounts in prop::collection::vec(prop::collection::vec(meant(), 1..10), 1..4),
    ) {
        let mut records = vec![header("TOTALIN")];
        let mut serial = 0;
        for (index, payments) in accounts.iter_mut().enumerate() {
            // Deductions never exceed what is paid.
            payments[0] = Meant { is_deduction: false, amount: 10_000_000_000, ..payments[0].clone() };
            records.push(account("2865434", "SEK"));
            let mut sum = 0;
            for meant in payments.iter() {
                serial += 1;
                sum = if meant.is_deduction { sum - meant.amount } else { sum + meant.amount };
                records.push(payment(if meant.is_deduction { "25" } else { "20" }, &meant.reference, meant.amount, serial, ""));
                records.extend(meant.messages.iter().map(|text| record(&[(1, "40"), (3, text)])));
                records.extend(meant.payer.iter().map(|name| record(&[(1, "61"), (3, name)])));
            }
            records.push(close(payments.len() as u64, sum, &format!("{index:011}")));
        }
        records.push(last(records.len() + 1));
        let outcome = read(&records).accepted();
        let rows = outcome.of("payment_in");
        let expected: Vec<&Meant> = accounts.iter().flatten().collect();
        prop_assert_eq!(rows.len(), expected.len());
        for (row, meant) in rows.iter().zip(expected) {
            let sign = if meant.is_deduction { -1 } else { 1 };
            prop_assert_eq!(crate::testing::ore(&row["amount"]), i128::from(meant.amount) * sign);
            prop_assert_eq!(&row["reference"], &meant.reference);
            prop_assert_eq!(&row["messages"], &json!(meant.messages));
            prop_assert_eq!(row["payer_name"].as_str(), meant.payer.as_deref());
        }
    }

    #[test]
    fn no_change_of_bytes_breaks_the_reader_or_its_sums(
        changes in prop::collection::vec((any::<Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let mut bytes = file(&valid());
        for (place, byte, what) in changes {
            let place = place.index(bytes.len());
            match what {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                2 => drop(bytes.remove(place)),
                _ => bytes[place] = b"0123456789 \r\n\t\x1a"[usize::from(byte) % 15],
            }
        }
        let outcome = crate::testing::read("totalin", &bytes);
        if outcome.verdict() == "accepted" {
            for total in &outcome.summary.totals {
                prop_assert_eq!(total.declared, Some(total.read + total.rejected));
            }
            prop_assert_eq!(outcome.summary.declared_records, Some(outcome.summary.read_records));
        }
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..2_000), start in any::<bool>()) {
        let mut whole = if start { file(&valid()[..3]) } else { Vec::new() };
        whole.extend(bytes);
        prop_assert_ne!(crate::testing::read("totalin", &whole).verdict(), "accepted");
    }
}
