//! Landing tables that an earlier version of the contract made.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int64Array, ListArray, RecordBatch, StringArray, StructArray, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use lake::{Lake, LakeError, Landed, LandingTable, Offer};
use schemas::{Contract, contract};

use crate::model::lake;
use crate::query;

fn earlier(name: &str, number: u32) -> &'static Contract {
    let mut versions = schemas::earlier_versions().iter();
    let version = versions.find(|version| version.contract == name && version.number == number).unwrap();
    Box::leak(Box::new(Contract::parse(version.avro).unwrap()))
}

/// A value of each type that says which member it is of: a list of one, a struct of members.
fn value(field: &Field, rows: usize) -> ArrayRef {
    match field.data_type() {
        DataType::Utf8 => Arc::new(StringArray::from(vec![field.name().as_str(); rows])),
        DataType::Struct(fields) => Arc::new(members(fields, rows)),
        DataType::List(item) => {
            let offsets = OffsetBuffer::from_lengths(vec![1; rows]);
            Arc::new(ListArray::new(item.clone(), offsets, value(item, rows), None))
        }
        other => new_null_array(other, rows),
    }
}

fn members(fields: &Fields, rows: usize) -> StructArray {
    let values = fields.iter().map(|field| value(field, rows)).collect();
    StructArray::new(fields.clone(), values, None)
}

fn nullable(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(Arc::new(nullable(item))),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| nullable(field)).collect()),
        other => other.clone(),
    };
    Field::new(field.name(), data_type, true)
}

fn rows(contract: &Contract, from: i64, to: i64) -> RecordBatch {
    let fields: Fields = contract.schema.fields().iter().map(|field| nullable(field)).collect();
    let count = usize::try_from(to - from).unwrap();
    let columns = fields.iter().map(|field| match field.name().as_str() {
        "ordinal" => Arc::new(Int64Array::from_iter_values(from..to)) as ArrayRef,
        _ => value(field, count),
    });
    RecordBatch::try_new(Arc::new(Schema::new(fields.clone())), columns.collect()).unwrap()
}

async fn land(lake: &Lake, contract: &'static Contract, from: i64, to: i64) -> Result<Landed, LakeError> {
    let accepted = vec![rows(contract, from, to)];
    let offer = Offer { ranges: BTreeMap::from([(0, (from, to))]), accepted, rejects: Vec::new() };
    LandingTable::new(lake, contract).land(&offer).await
}

async fn counts(lake: &Lake, name: &str, sql: &str) -> Vec<i64> {
    let table = lake.landing(name).await.unwrap().unwrap();
    query(lake, &[("t", table.provider().unwrap())], sql).await
}

#[tokio::test]
async fn what_a_newer_contract_adds_comes_with_its_first_rows_and_is_null_before() {
    let (_folder, lake) = lake();
    let (then, now) = (earlier("payment_in", 1), contract("payment_in").unwrap());
    land(&lake, then, 0, 3).await.unwrap();
    assert!(then.schema.index_of("iso20022").is_err() && now.schema.index_of("iso20022").is_ok());
    let sql = "select count(*), count(iso20022), count(reference) from t";
    assert_eq!(counts(&lake, "payment_in", sql).await, [3, 0, 3], "jobs see null before a row has the column");

    land(&lake, now, 3, 5).await.unwrap();
    assert_eq!(counts(&lake, "payment_in", sql).await, [5, 2, 5]);
    let table = lake.landing("payment_in").await.unwrap().unwrap();
    assert_eq!(table.version(), 2, "rows and columns are one commit");

    land(&lake, then, 5, 6).await.unwrap();
    assert_eq!(counts(&lake, "payment_in", sql).await, [6, 2, 6], "a program of the older version lands on");
    let old_cut = lake.landing_version("payment_in", 1).await.unwrap();
    assert_eq!(query(&lake, &[("t", old_cut.provider().unwrap())], sql).await, [3, 0, 3]);
    assert!(matches!(land(&lake, now, 5, 8).await, Err(LakeError::Stale { head: 6, .. })));
}

#[tokio::test]
async fn members_of_nested_records_come_and_stay_as_columns_do() {
    let (_folder, lake) = lake();
    let now = contract("payment_in").unwrap();
    land(&lake, earlier("payment_in", 1), 0, 2).await.unwrap();
    land(&lake, earlier("payment_in", 3), 2, 5).await.unwrap();
    land(&lake, now, 5, 9).await.unwrap();
    let sql = "select count(*), count(\"references\"[1]['reference']), count(\"references\"[1]['document_type']), \
         count(swish['bank']), count(swish['payer_number']) from t";
    let expected = [9, 9, 7, 7, 3];
    assert_eq!(counts(&lake, "payment_in", sql).await, expected);

    // Rows that are looked up, and rows that a compaction by the older program has written anew, are the same.
    let table = lake.landing("payment_in").await.unwrap().unwrap();
    let key = Schema::new(vec![Field::new("ordinal", DataType::Int64, true)]);
    let keys = RecordBatch::try_new(Arc::new(key), vec![Arc::new(Int64Array::from(vec![0, 8]))]).unwrap();
    let found = lake.rows_by_key(&table, &["ordinal".to_owned()], &keys).await.unwrap();
    let types = |rows: &RecordBatch| rows.column_by_name("references").unwrap().as_list::<i32>().values().clone();
    let of = |rows: &RecordBatch| types(rows).as_struct().column_by_name("document_type").unwrap().null_count();
    assert_eq!(found.iter().map(of).collect::<Vec<_>>(), [1, 0]);
    for from in 9..25 {
        land(&lake, earlier("payment_in", 1), from, from + 1).await.unwrap();
    }
    assert_eq!(LandingTable::new(&lake, earlier("payment_in", 1)).compact().await.unwrap(), 19);
    assert_eq!(counts(&lake, "payment_in", sql).await, [25, 25, 7, 7, 3]);
}

#[tokio::test]
async fn a_column_that_would_change_its_type_is_refused_by_name() {
    let (_folder, lake) = lake();
    let now = contract("payment_in").unwrap();
    land(&lake, now, 0, 1).await.unwrap();
    let mut avro: serde_json::Value = serde_json::from_str(&now.avro).unwrap();
    let fields = avro["fields"].as_array_mut().unwrap();
    let reference = fields.iter_mut().find(|field| field["name"] == "reference").unwrap();
    reference["type"] = serde_json::json!(["null", "long"]);
    let retyped: &'static Contract = Box::leak(Box::new(Contract::parse(&avro.to_string()).unwrap()));
    let refused = land(&lake, retyped, 1, 2).await.unwrap_err().to_string();
    assert!(refused.contains("payment_in") && refused.contains("column reference is Utf8"), "{refused}");
    assert_eq!(counts(&lake, "payment_in", "select count(*) from t").await, [1]);
}
