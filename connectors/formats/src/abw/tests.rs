//! Tests of the ABWTransaction reader, by what they hold to account.

use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use schemas::money::plain;
use serde_json::json;

use crate::Verdict;
use crate::testing::{Outcome, read, samples};

/// A voucher with a customer row, a revenue row and a tax row; test identities only.
const DOCUMENT: &str = include_str!("tests/voucher.xml");

fn abw(document: impl AsRef<[u8]>) -> Outcome {
    read("abw", document)
}

#[test]
fn a_voucher_s_rows_fill_every_column_they_have() {
    let outcome = abw(DOCUMENT);
    assert_eq!(outcome.remarks(), [""; 0]);
    let rows = outcome.of("voucher_row");
    assert_eq!(outcome.column("voucher_row", "amount"), ["125.00", "-100.00", "-25.00"]);
    assert_eq!(outcome.column("voucher_row", "account"), ["1510", "3010", "2610"]);
    let customer = &rows[0];
    assert_eq!(
        (&customer["voucher_no"], &customer["line_no"], &customer["voucher_type"]),
        (&json!("1007"), &json!(1), &json!("KF"))
    );
    assert_eq!(
        (&customer["department"], &customer["period"], &customer["voucher_date"]),
        (&json!("110"), &json!("202603"), &json!("2026-03-15"))
    );
    assert_eq!((&customer["batch_id"], &customer["text"]), (&json!("42"), &json!("Faktura 4711")));
    let posting = &customer["posting"];
    assert_eq!(
        (&posting["ledger"], &posting["sub_ledger_type"], &posting["sub_ledger_no"]),
        (&json!("AR"), &json!("R"), &json!("900001"))
    );
    assert_eq!(
        (&posting["invoice_no"], &posting["due_date"], &posting["payment_method"]),
        (&json!("4711"), &json!("2026-04-14"), &json!("IP"))
    );
    assert_eq!(
        rows[1]["posting"]["objects"],
        json!([{"dimension": "1", "object": "10"}, {"dimension": "4", "object": "P1"}])
    );
    assert_eq!(
        (&rows[2]["posting"]["account_2"], &rows[2]["posting"]["base_amount"]),
        (&json!("3010"), &json!("-100.00"))
    );
    assert_eq!(outcome.totals(), [("SEK".to_owned(), "0.00".to_owned(), "0.00".to_owned())]);
}

#[test]
fn an_amount_of_another_currency_keeps_it_beside_the_company_s() {
    let foreign = DOCUMENT.replace("<lib:CurrAmount>125.00<", "<lib:CurrAmount>11.00<").replacen(
        "<lib:Currency>SEK<",
        "<lib:Currency>EUR<",
        1,
    );
    let outcome = abw(foreign);
    let row = &outcome.of("voucher_row")[0];
    assert_eq!((&row["currency"], &row["amount"]), (&json!("SEK"), &json!("125.00")));
    assert_eq!(
        (&row["posting"]["currency_amount"], &row["posting"]["transaction_currency"]),
        (&json!("11.00"), &json!("EUR"))
    );
}

#[test]
fn every_change_gives_its_finding() {
    let changes: &[(&str, &str, &str)] = &[
        ("ABWTransaction/2011/11/14", "ABWTransaction/2012/01/01", "abw.root"),
        ("<Voucher>", "<Voucher/><Voucher>", "abw.voucher_number"),
        ("<VoucherNo>1007</VoucherNo>", "", "abw.voucher_number"),
        ("<lib:Period>202603<", "<lib:Period>202613<", "abw.period"),
        ("<VoucherDate>2026-03-15<", "<VoucherDate>2026-02-30<", "abw.date"),
        ("<lib:Account>1510</lib:Account>", "", "abw.account"),
        ("<lib:Amount>125.00<", "<lib:Amount>125,00<", "abw.amount"),
        ("<lib:Amount>125.00<", "<lib:Amount>126.00<", "abw.voucher_sum"),
        ("<DcFlag>1<", "<DcFlag>-1<", "abw.dc_flag"),
        ("<Interface>", "<Unheard>x</Unheard><Interface>", "xml.unmapped"),
        (
            "<!--again-->",
            &DOCUMENT[DOCUMENT.find("<Voucher>").unwrap()..DOCUMENT.find("<!--again-->").unwrap()],
            "abw.voucher_repeated",
        ),
    ];
    for (from, to, code) in changes {
        assert!(DOCUMENT.contains(from), "{from}");
        let outcome = abw(DOCUMENT.replacen(from, to, 1));
        let mut found = match &outcome.summary.verdict {
            Verdict::Refused(finding) => vec![finding.code],
            Verdict::Accepted => [outcome.reject_codes(), outcome.remarks()].concat(),
        };
        found.retain(|code| !matches!(*code, "xml.empty_elements" | "abw.voucher_empty"));
        found.dedup();
        let expected: &[&str] = if from.contains("<Voucher>") { &[] } else { &[code] };
        assert_eq!(found, expected, "{from} -> {to}");
    }
    let empty = &DOCUMENT[..DOCUMENT.find("<Voucher>").unwrap()];
    assert_eq!(abw(format!("{empty}</ABWTransaction>")).refusal().code, "abw.no_voucher");
}

#[test]
fn the_public_document_is_read() {
    let Some(folder) = samples("agresso") else { return };
    let outcome = abw(fs::read(folder.join("abwtransaction_example.xml")).unwrap());
    assert_eq!(outcome.column("voucher_row", "amount"), ["-0.01", "0.01"]);
    assert_eq!(outcome.column("voucher_row", "account"), ["4999900", "4999900"]);
    assert_eq!(outcome.column("voucher_row", "currency"), ["EUR", "EUR"]);
    assert_eq!(outcome.column("voucher_row", "text"), ["Delete contract", "Delete contract"]);
    assert_eq!(outcome.column("voucher_row", "period"), ["202101", "202101"]);
}

proptest! {
    #[test]
    fn what_is_written_is_read(vouchers in prop::collection::vec(prop::collection::vec(-1_000_000_i64..1_000_000, 1..5), 1..6)) {
        let mut document = DOCUMENT[..DOCUMENT.find("<Voucher>").unwrap()].to_owned();
        let mut expected = Vec::new();
        for (number, amounts) in vouchers.iter().enumerate() {
            let _ = write!(document, "<Voucher><VoucherNo>{number}</VoucherNo><lib:Period>202603</lib:Period><VoucherDate>2026-03-15</VoucherDate>");
            let rest = -amounts.iter().sum::<i64>();
            for amount in amounts.iter().chain([&rest]) {
                let amount = plain((*amount).into(), 2);
                let _ = write!(document, "<Transaction><Amounts><Amount>{amount}</Amount></Amounts><GLAnalysis><lib:Account>1</lib:Account></GLAnalysis></Transaction>");
                expected.push(amount);
            }
            document.push_str("</Voucher>");
        }
        let outcome = abw(document + "</ABWTransaction>");
        prop_assert_eq!(&outcome.summary.verdict, &Verdict::Accepted);
        prop_assert_eq!(outcome.column("voucher_row", "amount"), expected);
    }

    #[test]
    fn damaged_documents_are_read_or_refused_without_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), "[\0-\u{ff}<>&]{0,4}"), 1..6),
    ) {
        let mut document = DOCUMENT.as_bytes().to_vec();
        for (place, piece) in damage {
            let place = place.index(document.len());
            document.splice(place..(place + 2).min(document.len()), piece.bytes());
            if document.is_empty() {
                return Ok(());
            }
        }
        abw(&document);
    }
}
