use serde_json::{Value, json};

use super::{Date, Decimal, Flag, Int, Items, Table, Text, Texts};
use crate::{Reject, Sink, SinkError};

#[derive(Default)]
struct Keep(Vec<Value>, usize);

impl Sink for Keep {
    fn rows(&mut self, _: &'static schemas::Contract, rows: arrow::array::RecordBatch) -> Result<(), SinkError> {
        self.1 += 1;
        self.0.extend((0..rows.num_rows()).map(|row| Value::Object(schemas::json::row(&rows, row))));
        Ok(())
    }
    fn reject(&mut self, _: &'static schemas::Contract, _: Reject) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Sets what every row of `payment_status` must have.
fn fill(table: &mut Table, id: &str) {
    for (column, value) in [
        ("status_id", id),
        ("source_format", "lb"),
        ("report", "rejected"),
        ("scope", "payment"),
        ("direction", "out"),
        ("status", "rejected"),
        ("kind", "payment"),
    ] {
        let column: Text = table.column(column).unwrap();
        table.text(column, value);
    }
}

#[test]
fn what_is_not_set_is_null_whether_before_between_or_after() {
    let mut table = Table::new("payment_status").unwrap();
    let amount: Decimal = table.column("amount").unwrap();
    let date: Date = table.column("payment_date").unwrap();
    let reasons: Items = table.column("reasons").unwrap();
    let scheme: Text = table.column("reasons.scheme").unwrap();
    let code: Text = table.column("reasons.code").unwrap();
    let messages: Texts = table.column("messages").unwrap();
    let transaction: Text = table.column("lb.transaction_code").unwrap();
    let salary: Flag = table.column("lb.is_salary").unwrap();
    let mut keep = Keep::default();
    for row in 0..20_000_u64 {
        fill(&mut table, &row.to_string());
        if row % 3 == 1 {
            table.decimal(amount, i128::from(row));
            table.text(transaction, "14");
            table.push_text(messages, "one");
            table.push_text(messages, "two");
        }
        if row % 5 == 2 {
            table.date(date, 1);
            table.item(reasons);
            table.text(scheme, "lb");
            table.item(reasons);
            table.text(scheme, "lb");
            table.text(code, "0082");
        }
        if row == 9_999 {
            table.flag(salary, true);
            table.text(transaction, "14");
        }
        table.end_row(row + 1, row * 82, row * 82 + 80, &mut keep).unwrap();
    }
    table.flush(&mut keep).unwrap();
    assert_eq!((keep.0.len(), keep.1), (20_000, 3));
    for (row, value) in keep.0.iter().enumerate() {
        let every_third = row % 3 == 1;
        let every_fifth = row % 5 == 2;
        assert_eq!(value["status_id"], row.to_string());
        assert_eq!((&value["ordinal"], &value["byte_end"]), (&json!(row + 1), &json!(row * 82 + 80)));
        assert_eq!(value["amount"].is_null(), !every_third, "{row}");
        assert_eq!(value["payment_date"].is_null(), !every_fifth, "{row}");
        assert_eq!(value["messages"], if every_third { json!(["one", "two"]) } else { json!([]) }, "{row}");
        assert_eq!(value["lb"].is_null(), !every_third && row != 9_999, "{row}");
        assert_eq!(value["reasons"].as_array().unwrap().len(), if every_fifth { 2 } else { 0 });
        if every_fifth {
            assert_eq!(value["reasons"][0], json!({"scheme": "lb", "code": null, "text": null}));
            assert_eq!(value["reasons"][1]["code"], "0082");
        }
        assert_eq!(value["autogiro"], Value::Null);
    }
}

#[test]
fn a_column_of_another_type_or_name_is_not_found() {
    let table = Table::new("payment_in").unwrap();
    assert!(table.column::<Text>("amount").is_err());
    assert!(table.column::<Text>("messages").is_err());
    assert!(table.column::<Texts>("references").is_err());
    assert!(table.column::<Text>("autogiro.code").is_err());
    assert!(table.column::<Int>("autogiro.remaining_times").is_ok());
    assert!(Table::new("payment").is_err());
}

#[test]
fn a_row_without_what_every_row_must_have_is_a_defect_that_is_said() {
    let mut table = Table::new("payment_status").unwrap();
    let mut keep = Keep::default();
    table.end_row(1, 0, 80, &mut keep).unwrap();
    assert!(table.flush(&mut keep).is_err());
}
