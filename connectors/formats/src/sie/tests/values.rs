//! What a file becomes.

use serde_json::json;

use super::{EXPORT, bytes, export, sealed};
use crate::testing::read;

#[test]
fn an_export_is_its_rows_and_balances() {
    let outcome = export(&sealed(EXPORT));
    assert_eq!(outcome.remarks(), ["sie.removed_rows"]);
    assert_eq!(outcome.summary.extracted_on.unwrap().to_string(), "2026-03-31");
    let rows = outcome.of("ledger_transaction");
    assert_eq!(outcome.column("ledger_transaction", "voucher_no"), ["A 1", "A 1"]);
    assert_eq!(outcome.column("ledger_transaction", "line_no"), ["1", "2"]);
    assert_eq!(outcome.column("ledger_transaction", "amount"), ["500.50", "-500.50"]);
    let first = &rows[0];
    assert_eq!(
        (&first["department"], &first["period"], &first["currency"]),
        (&json!("110"), &json!("202603"), &json!("SEK"))
    );
    assert_eq!((&first["text"], &first["posting"]["row_text"]), (&json!("Inbetalning från köpare"), &json!("Rad 1")));
    assert_eq!(
        (&first["posting"]["registered_on"], &first["posting"]["signature"]),
        (&json!("2026-03-16"), &json!("AB"))
    );
    assert_eq!((&first["posting"]["is_added"], &rows[1]["posting"]["is_added"]), (&json!(false), &json!(true)));
    assert_eq!(
        rows[1]["posting"]["objects"],
        json!([{"dimension": "1", "object": "10"}, {"dimension": "6", "object": "P 1"}])
    );
    assert_eq!(rows[1]["posting"]["quantity"], "2.000000");
    assert_eq!(outcome.column("account_balance", "kind"), ["opening", "closing", "result", "object_period"]);
    assert_eq!(outcome.column("account_balance", "amount"), ["1000.00", "1500.50", "-500.50", "-500.50"]);
    let period = &outcome.of("account_balance")[3];
    assert_eq!((&period["period"], &period["objects_key"]), (&json!("202603"), &json!("1:10")));
    let opening = &outcome.of("account_balance")[0];
    assert_eq!((&opening["account_name"], &opening["account_type"]), (&json!("Bank"), &json!("T")));
    assert_eq!((&opening["year_start"], &opening["year_end"]), (&json!("2026-01-01"), &json!("2026-12-31")));
    assert_eq!(outcome.totals(), [("SEK".to_owned(), "0.00".to_owned(), "0.00".to_owned())]);
}

#[test]
fn an_import_file_is_vouchers_on_their_way_and_neither_kind_is_read_as_the_other() {
    let import: String = EXPORT
        .lines()
        .filter(|line| !["#IB", "#UB", "#RES", "#PSALDO", "#KSUMMA"].iter().any(|label| line.starts_with(label)))
        .map(|line| format!("{line}\n"))
        .collect();
    let outcome = read("sie_import", bytes(&import.replace("#VER A 1 ", "#VER \"\" \"\" ")));
    assert_eq!(outcome.of("ledger_transaction").len(), 0);
    assert_eq!(outcome.column("voucher_row", "voucher_no"), ["#1", "#1"]);
    assert_eq!(outcome.column("voucher_row", "batch_id")[0], "Test \"Bok\"");
    assert!(outcome.remarks().contains(&"sie.voucher_number"));
    assert_eq!(outcome.summary.extracted_on, None);
    assert_eq!(export(&import).refusal().code, "sie.import_file");
    assert_eq!(read("sie_import", bytes(&sealed(EXPORT))).refusal().code, "sie.export_file");
}

#[test]
fn the_same_text_in_another_encoding_is_the_same_document() {
    let text = sealed(EXPORT);
    let rows = |outcome: crate::testing::Outcome| outcome.column("ledger_transaction", "text");
    let expected = rows(export(&text));
    let utf8 = read("sie", &text);
    assert_eq!(utf8.remarks(), ["sie.encoding_utf8", "sie.removed_rows"]);
    assert_eq!(rows(utf8), expected);
    let latin: Vec<u8> = text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect();
    let latin = read("sie", latin);
    assert_eq!(latin.remarks(), ["sie.encoding_latin1", "sie.removed_rows"]);
    assert_eq!(rows(latin), expected);
    let marked = read("sie", format!("\u{feff}{text}\u{1a}"));
    assert_eq!(rows(marked), expected);
}
