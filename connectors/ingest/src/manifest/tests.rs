use serde_json::json;

use super::*;
use crate::testing::parsed;

fn row_of(script: &str) -> serde_json::Value {
    let record = record(&parsed(script)).unwrap();
    assert_eq!(record.schema(), schemas::contract(FILE).unwrap().schema);
    serde_json::Value::Object(schemas::json::row(&record, 0))
}

#[test]
fn an_accepted_file_states_its_sums_deliveries_and_remarks() {
    let row = row_of("rows 2\nreject 1");
    let file = parsed("rows 2\nreject 1");
    let expected = json!({
        "file_id": file.origin.file_id.to_string(),
        "received_at": "2026-03-20T09:46:40.123Z",
        "ordinal": 1,
        "byte_start": 0,
        "byte_end": 15,
        "name": "a.txt",
        "landing": "inbox",
        "format": "script",
        "size": 15,
        "status": "accepted",
        "reason_code": null,
        "reason": null,
        "reason_position": null,
        "declared_records": null,
        "read_records": 3,
        "rejected_records": 1,
        "totals": [{
            "currency": "SEK", "declared_amount": "123.45", "read_amount": "123.00", "rejected_amount": "0.45",
        }],
        "deliveries": [{ "contract": "ledger_balance", "accepted": 2, "rejected": 1 }],
        "remarks": [{ "code": "script.remark", "message": "svenska", "position": "rad 1, kolumn 2, byte 7" }],
        "extracted_on": "2026-03-31",
    });
    assert_eq!(row, expected);
}

#[test]
fn a_refused_file_says_why_and_where_in_swedish() {
    let row = row_of("rows 2\nrefuse");
    assert_eq!(row["status"], "refused");
    assert_eq!(row["reason_code"], "script.refused");
    assert_eq!(row["reason"], "svenska");
    assert_eq!(row["reason_position"], "rad 2, kolumn 2, byte 7");
    assert_eq!(row["deliveries"], json!([]));
    assert_eq!(row["read_records"], 2);
}

#[test]
fn a_test_file_is_marked() {
    assert_eq!(row_of("rows 2\ntest")["status"], "test");
}
