//! What the two messages become.

use serde_json::json;

use super::{NOTIFICATION, STATEMENT, camt, with};
use crate::testing::{plain, read};

#[test]
fn a_statement_is_its_entries_with_balances_and_its_payments() {
    let outcome = camt(STATEMENT);
    assert_eq!(outcome.remarks(), [""; 0]);
    let entries = outcome.of("statement_entry");
    let first = &entries[0];
    assert_eq!(first["entry_id"], "camt:SE4550000000058398257466:B-1");
    assert_eq!(first["account"], "SE4550000000058398257466");
    assert_eq!(first["account_type"], "iban");
    assert_eq!((&first["booking_date"], &first["value_date"]), (&json!("2026-03-31"), &json!("2026-03-30")));
    assert_eq!(first["iso20022"]["transaction_code"], "PMNT/RCDT/VCOM");
    assert_eq!((&first["iso20022"]["batch_count"], &first["iso20022"]["transaction_count"]), (&json!(2), &json!(2)));
    assert_eq!(outcome.column("statement_entry", "amount"), ["700.00", "-250.00", "100.00"]);
    assert_eq!(outcome.column("statement_entry", "balance_after"), ["1700.00", "1450.00", "1550.00"]);
    // The day is the bank's own, whatever the offset.
    assert_eq!(entries[1]["booking_date"], "2026-03-31");
    assert_eq!(entries[1]["iso20022"]["transactions"][0]["counterparty"], "Leverantören AB");
    assert_eq!(entries[2]["entry_id"], "camt:SE4550000000058398257466:S-1:3");
    assert_eq!(entries[2]["text"], "Insättning BGC");

    let payments = outcome.of("payment_in");
    assert_eq!(outcome.column("payment_in", "amount"), ["500.00", "200.00"]);
    assert_eq!(
        outcome.column("payment_in", "payment_id"),
        ["camt:SE4550000000058398257466:B-1-1", "camt:SE4550000000058398257466:B-1-2"]
    );
    assert_eq!(payments[0]["deposit_id"], "camt:SE4550000000058398257466:B-1");
    assert_eq!(
        (&payments[0]["receiver_account"], &payments[0]["receiver_account_type"]),
        (&json!("50501055"), &json!("bankgiro"))
    );
    assert_eq!(
        (&payments[0]["sender_account"], &payments[0]["sender_account_type"]),
        (&json!("9912346"), &json!("bankgiro"))
    );
    assert_eq!(payments[0]["payer_name"], "Testköpare AB");
    let references: Vec<_> = payments[0]["references"].as_array().unwrap().iter().collect();
    let told = |of: &str| references.iter().map(|reference| plain(&reference[of])).collect::<Vec<_>>();
    assert_eq!(told("reference"), ["12345674", "K-7"]);
    assert_eq!(told("amount"), ["600.00", "-100.00"]);
    assert_eq!(told("negative"), ["false", "true"]);
    assert_eq!(told("document_type"), ["CINV", "CREN"]);
    assert_eq!((&payments[1]["reference"], &payments[1]["references"]), (&json!("123456790"), &json!([])));
    assert_eq!((&payments[0]["end_to_end_id"], &payments[1]["end_to_end_id"]), (&json!("E-1"), &json!(null)));
    assert_eq!(outcome.totals(), [("SEK".to_owned(), "700.00".to_owned(), "0.00".to_owned())]);
}

#[test]
fn a_notification_is_payments_only() {
    let outcome = camt(NOTIFICATION);
    assert_eq!(outcome.of("statement_entry").len(), 0);
    assert_eq!(outcome.column("payment_in", "amount"), ["300.00", "-40.00", "65.00"]);
    assert_eq!(outcome.column("payment_in", "kind"), ["payment", "reversal", "payment"]);
    assert_eq!(outcome.remarks(), ["camt.charges"]);
    let first = &outcome.of("payment_in")[0];
    assert_eq!((&first["receiver_account"], &first["receiver_account_type"]), (&json!("2865434"), &json!("plusgiro")));
    assert_eq!((&first["channel"], &first["sender_account_type"]), (&json!("swish"), &json!("mobile")));
    assert_eq!((&first["original_amount"], &first["original_currency"]), (&json!("27.00"), &json!("EUR")));
    assert_eq!(
        (&first["reference"], &first["messages"]),
        (&json!("faktura 4711 mars"), &json!(["faktura 4711", "mars"]))
    );
    assert_eq!(first["payer_street"], "Storgatan 2");
    assert_eq!(outcome.of("payment_in")[1]["payment_id"], "camt:2865434:N-1:2");
    assert_eq!(outcome.of("payment_in")[1]["iso20022"]["reversal"], true);
}

#[test]
fn every_version_says_the_same() {
    let newest = camt(STATEMENT);
    for version in ["02", "03", "04", "06", "10", "13"] {
        let mut document = with(STATEMENT, "053.001.08", &format!("053.001.{version}"));
        if version < "08" {
            document = document.replace("<Pty>", "").replace("</Pty>", "");
        }
        if version == "02" {
            document = document.replace("<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>");
            document = document.replace(
                "<Amt Ccy=\"SEK\">500.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>",
                "<AmtDtls><TxAmt><Amt Ccy=\"SEK\">500.00</Amt></TxAmt></AmtDtls>",
            );
        }
        let older = camt(&document);
        for column in ["payment_id", "amount", "payer_name", "reference", "payment_date"] {
            assert_eq!(older.column("payment_in", column), newest.column("payment_in", column), "{version} {column}");
        }
        for column in ["entry_id", "amount", "balance_after", "text"] {
            let (older, newest) = (older.column("statement_entry", column), newest.column("statement_entry", column));
            assert_eq!(older, newest, "{version} {column}");
        }
    }
}

#[test]
fn where_payments_come_by_another_file_a_statement_is_entries_only() {
    let outcome = read("camt_statement", STATEMENT);
    assert_eq!((outcome.of("statement_entry").len(), outcome.of("payment_in").len()), (3, 0));
    let items = &outcome.of("statement_entry")[0]["iso20022"]["transactions"];
    assert_eq!((&items[0]["amount"], &items[1]["reference"]), (&json!("500.00"), &json!("123456790")));
    assert_eq!(outcome.totals(), [("SEK".to_owned(), "550.00".to_owned(), "0.00".to_owned())]);
    assert_eq!(read("camt_statement", NOTIFICATION).refusal().code, "camt.root");
}

#[test]
fn statement_and_notification_name_a_payment_alike() {
    let statement = with(NOTIFICATION, "camt.054", "camt.053")
        .replace("BkToCstmrDbtCdtNtfctn", "BkToCstmrStmt")
        .replace("Ntfctn>", "Stmt>");
    let statement = statement.replace("I-1</InstrId>", "I-1</InstrId><AcctSvcrRef>X-9</AcctSvcrRef>");
    let notification = NOTIFICATION.replace("I-1</InstrId>", "I-1</InstrId><AcctSvcrRef>X-9</AcctSvcrRef>");
    let ids = |document: &str| camt(document).column("payment_in", "payment_id");
    assert_eq!((&ids(&statement)[0], &ids(&notification)[0]), (&"camt:2865434:X-9".into(), &"camt:2865434:X-9".into()));
}

#[test]
fn two_identical_bookings_in_a_file_are_two() {
    let start = NOTIFICATION.find("<Ntry>").unwrap();
    let end = NOTIFICATION.find("</Ntry>").unwrap() + "</Ntry>".len();
    let twice = format!("{}{}{}", &NOTIFICATION[..end], &NOTIFICATION[start..end], &NOTIFICATION[end..]);
    let outcome = camt(&twice);
    assert_eq!(outcome.column("payment_in", "amount"), ["300.00", "300.00", "-40.00", "65.00"]);
    let mut ids = outcome.column("payment_in", "payment_id");
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn what_is_declared_utf8_and_is_latin_1_is_read_and_remarked() {
    let latin: Vec<u8> = STATEMENT.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let outcome = camt(latin);
    assert_eq!(outcome.of("payment_in")[0]["payer_name"], "Testköpare AB");
    assert_eq!(outcome.remarks(), ["xml.encoding_declared"]);
    let marked = camt(format!("\u{feff}\n{STATEMENT}"));
    assert_eq!(marked.remarks(), ["xml.byte_order_mark", "xml.space_before_declaration"]);
    assert_eq!(marked.of("statement_entry").len(), 3);
}
