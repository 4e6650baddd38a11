//! Tables on a real folder: landing with positions, staged replacement, generations.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod evolved;
mod history;
mod indexed;
mod keyed;
mod model;
mod vacuumed;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::execution::context::SessionContext;
use lake::{Lake, LakeError, Landed, LandingTable, Offer};
use schemas::contract;

use crate::model::lake;

/// Rows of a contract that carry an ordinal and are otherwise null.
fn rows(name: &str, ordinals: std::ops::Range<i64>) -> RecordBatch {
    let contract = contract(name).unwrap();
    let count = usize::try_from(ordinals.end - ordinals.start).unwrap();
    let fields: Vec<Field> = contract.schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    let columns: Vec<ArrayRef> = fields
        .iter()
        .map(|field| match field.name().as_str() {
            "ordinal" => Arc::new(Int64Array::from_iter_values(ordinals.clone())) as ArrayRef,
            "file_id" | "code" => Arc::new(StringArray::from(vec!["f"; count])),
            _ => new_null_array(field.data_type(), count),
        })
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn offer(from: i64, to: i64) -> Offer {
    Offer {
        ranges: BTreeMap::from([(0, (from, to))]),
        accepted: vec![rows("payment_in", from..to - 1)],
        rejects: vec![rows("reject", to - 1..to)],
    }
}

async fn query(lake: &Lake, tables: &[(&str, Arc<dyn datafusion::catalog::TableProvider>)], sql: &str) -> Vec<i64> {
    let context = SessionContext::new();
    lake.register(&context);
    for (name, provider) in tables {
        context.register_table(*name, provider.clone()).unwrap();
    }
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let columns = batches[0].columns();
    columns.iter().map(|column| column.as_any().downcast_ref::<Int64Array>().unwrap().value(0)).collect()
}

#[tokio::test]
async fn rows_rejects_and_positions_land_together_and_once() {
    let (_folder, lake) = lake();
    let landing = LandingTable::new(&lake, contract("payment_in").unwrap());
    assert!(matches!(landing.land(&offer(0, 5)).await.unwrap(), Landed::Committed { .. }));
    assert_eq!(landing.land(&offer(0, 5)).await.unwrap(), Landed::Already, "a retry after a lost answer");
    assert!(matches!(landing.land(&offer(3, 8)).await.unwrap_err(), LakeError::Stale { head: 5, .. }));
    assert!(matches!(landing.land(&offer(6, 8)).await.unwrap_err(), LakeError::Gap { head: 5, .. }));
    landing.land(&offer(5, 8)).await.unwrap();
    assert_eq!(landing.heads().await.unwrap(), BTreeMap::from([(0, 8)]));
    let table = lake.landing("payment_in").await.unwrap().unwrap();
    let sql = "select count(*), count(distinct ordinal), count(reject_code) from t";
    assert_eq!(query(&lake, &[("t", table.provider().unwrap())], sql).await, [8, 8, 2]);
}

#[tokio::test]
async fn a_gap_is_gone_past_by_a_landing_without_rows_and_once() {
    let (_folder, lake) = lake();
    let landing = LandingTable::new(&lake, contract("payment_in").unwrap());
    landing.land(&offer(0, 5)).await.unwrap();
    assert!(matches!(landing.land(&offer(40, 45)).await.unwrap_err(), LakeError::Gap { head: 5, .. }));
    let lost = Offer { ranges: BTreeMap::from([(0, (5, 40))]), ..Offer::default() };
    assert!(matches!(landing.land(&lost).await.unwrap(), Landed::Committed { .. }));
    assert_eq!(landing.land(&lost).await.unwrap(), Landed::Already);
    landing.land(&offer(40, 45)).await.unwrap();
    assert_eq!(landing.heads().await.unwrap(), BTreeMap::from([(0, 45)]));
    assert_eq!(lake.landing("payment_in").await.unwrap().unwrap().rows().unwrap(), 10);
}

#[tokio::test]
async fn rows_without_positions_are_refused() {
    let (_folder, lake) = lake();
    let landing = LandingTable::new(&lake, contract("payment_in").unwrap());
    let offer = Offer { ranges: BTreeMap::new(), ..offer(0, 5) };
    assert!(matches!(landing.land(&offer).await.unwrap_err(), LakeError::NoPositions(_)));
}

#[tokio::test]
async fn of_two_processes_that_land_the_same_range_one_wins_and_the_other_sees_it() {
    let (_folder, lake) = lake();
    let landing = LandingTable::new(&lake, contract("payment_in").unwrap());
    landing.land(&offer(0, 2)).await.unwrap();
    let next = offer(2, 6);
    let (first, second) = tokio::join!(landing.land(&next), landing.land(&next));
    let committed = [first.unwrap(), second.unwrap()].iter().filter(|landed| **landed != Landed::Already).count();
    assert_eq!(committed, 1);
    assert_eq!(lake.landing("payment_in").await.unwrap().unwrap().rows().unwrap(), 6);
}

#[tokio::test]
async fn different_partitions_land_side_by_side() {
    let (_folder, lake) = lake();
    let landing = LandingTable::new(&lake, contract("payment_in").unwrap());
    let of = |partition| Offer { ranges: BTreeMap::from([(partition, (0, 2))]), ..offer(0, 2) };
    let (zero, one, two) = (of(0), of(1), of(2));
    let (a, b, c) = tokio::join!(landing.land(&zero), landing.land(&one), landing.land(&two));
    for landed in [a, b, c] {
        assert!(matches!(landed.unwrap(), Landed::Committed { .. }));
    }
    assert_eq!(landing.heads().await.unwrap(), BTreeMap::from([(0, 2), (1, 2), (2, 2)]));
}

fn job_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("amount", DataType::Decimal128(18, 2), true),
    ]))
}

fn job_rows(ids: std::ops::Range<i64>) -> RecordBatch {
    let amounts =
        Decimal128Array::from_iter_values(ids.clone().map(i128::from)).with_precision_and_scale(18, 2).unwrap();
    RecordBatch::try_new(job_schema(), vec![Arc::new(Int64Array::from_iter_values(ids)), Arc::new(amounts)]).unwrap()
}

#[tokio::test]
async fn staged_rows_can_be_read_but_change_no_table_until_they_replace_it() {
    let (_folder, lake) = lake();
    let mut writer = lake.stage("job", job_schema()).unwrap();
    writer.write(&job_rows(0..10)).await.unwrap();
    let staged = writer.finish().await.unwrap();
    assert!(lake.job_table("job").await.unwrap().is_none());
    let provider = lake.staged_provider("job", job_schema(), &staged).unwrap();
    assert_eq!(query(&lake, &[("t", provider)], "select count(*) from t").await, [10]);
    let first = lake.replace("job", &job_schema(), &staged).await.unwrap();

    let mut writer = lake.stage("job", job_schema()).unwrap();
    writer.write(&job_rows(0..3)).await.unwrap();
    let second = lake.replace("job", &job_schema(), &writer.finish().await.unwrap()).await.unwrap();
    assert_eq!(second.rows().unwrap(), 3);
    let past = lake.job_table_version("job", first.version()).await.unwrap();
    assert_eq!(query(&lake, &[("t", past.provider().unwrap())], "select count(*) from t").await, [10]);
}

#[tokio::test]
async fn the_digest_depends_on_rows_and_not_on_batches() {
    let (_folder, lake) = lake();
    let mut digests = Vec::new();
    for ends in [&[10][..], &[3, 4, 10], &[10, 11]] {
        let mut writer = lake.stage("job", job_schema()).unwrap();
        let mut start = 0;
        for end in ends {
            writer.write(&job_rows(start..*end)).await.unwrap();
            start = *end;
        }
        digests.push(writer.finish().await.unwrap().digest().to_owned());
    }
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
}

#[tokio::test]
async fn a_job_whose_columns_change_keeps_its_table() {
    let (_folder, lake) = lake();
    let mut writer = lake.stage("job", job_schema()).unwrap();
    writer.write(&job_rows(0..2)).await.unwrap();
    lake.replace("job", &job_schema(), &writer.finish().await.unwrap()).await.unwrap();
    let wider = Arc::new(Schema::new(vec![Field::new("name", DataType::Utf8, true)]));
    let mut writer = lake.stage("job", wider.clone()).unwrap();
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    writer.write(&RecordBatch::try_new(wider.clone(), vec![names]).unwrap()).await.unwrap();
    let table = lake.replace("job", &wider, &writer.finish().await.unwrap()).await.unwrap();
    assert_eq!(table.schema().unwrap(), wider);
    assert_eq!(table.rows().unwrap(), 1);
}

#[tokio::test]
async fn nested_rows_are_read_back_as_they_were_landed() {
    let (_folder, lake) = lake();
    for name in ["supplier_invoice", "file"] {
        let landing = LandingTable::new(&lake, contract(name).unwrap());
        let offer =
            Offer { ranges: BTreeMap::from([(0, (0, 3))]), accepted: vec![rows(name, 0..3)], rejects: Vec::new() };
        landing.land(&offer).await.unwrap();
        let table = lake.landing(name).await.unwrap().unwrap();
        assert_eq!(table.schema().unwrap(), lake::landing_schema(contract(name).unwrap()), "{name}");
        assert_eq!(query(&lake, &[("t", table.provider().unwrap())], "select count(ordinal) from t").await, [3]);
    }
}

#[tokio::test]
async fn compaction_changes_files_and_no_row_and_leaves_positions_alone() {
    let (_folder, lake) = lake();
    let landing = LandingTable::new(&lake, contract("payment_in").unwrap());
    for number in 0..20 {
        landing.land(&offer(number * 2, number * 2 + 2)).await.unwrap();
    }
    let before = lake.landing("payment_in").await.unwrap().unwrap();
    assert_eq!(before.files().unwrap().len(), 20);
    assert_eq!(landing.compact().await.unwrap(), 20);
    let after = lake.landing("payment_in").await.unwrap().unwrap();
    assert_eq!(after.files().unwrap().len(), 1);
    let sql = "select count(*), count(distinct ordinal), count(reject_code) from t";
    assert_eq!(query(&lake, &[("t", after.provider().unwrap())], sql).await, [40, 40, 20]);
    assert_eq!(query(&lake, &[("t", before.provider().unwrap())], sql).await, [40, 40, 20], "the past stays readable");
    assert_eq!(landing.heads().await.unwrap(), BTreeMap::from([(0, 40)]));
    landing.land(&offer(40, 42)).await.unwrap();
    assert_eq!(landing.compact().await.unwrap(), 0, "few files are left alone");
}
