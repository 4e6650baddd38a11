//! Look-ups by a column that runs are not sorted by, in files that are large enough for an index.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{Field, Int64Type, Schema};
use chrono::{DateTime, Utc};
use datafusion::execution::context::SessionContext;
use lake::{Lake, LandingTable, Offer, Table};
use schemas::contract;

use crate::model::{JOB, Model, key_of, lake, names, read, replace, rows, stage};

const ROWS: i64 = 100_000;

/// Many rows share a reference, some have none.
fn model() -> Model {
    let reference = |number: i64| (number % 11 > 0).then(|| format!("ref {}", number * 7919 % 40_000));
    (0..ROWS).map(|number| (key_of(number), (i128::from(number), reference(number)))).collect()
}

fn with(model: &Model, references: &[Option<&str>]) -> Model {
    let wanted = |reference: &Option<String>| references.contains(&reference.as_deref());
    model.iter().filter(|(_, row)| wanted(&row.1)).map(|(key, row)| (key.clone(), row.clone())).collect()
}

fn column(references: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(references.to_vec()))
}

async fn by_key(lake: &Lake, table: &Table, references: &[Option<&str>]) -> Model {
    let schema = table.schema().unwrap().project(&[3]).unwrap();
    let keys = RecordBatch::try_new(Arc::new(schema), vec![column(references)]).unwrap();
    rows(&lake.rows_by_key(table, &names(&["reference"]), &keys).await.unwrap())
}

async fn looked_up(lake: &Lake, table: &Table, references: &[Option<&str>]) -> Model {
    let all = table.provider().unwrap();
    let found = lake::looked_up(all.as_ref(), "reference", &column(references)).await.unwrap();
    read(lake, found.unwrap()).await
}

fn runs(index: &Path) -> usize {
    std::fs::read_dir(index).map_or(0, |files| {
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "parquet")).count()
    })
}

#[tokio::test]
async fn rows_are_found_through_an_index_whatever_happens_to_the_table() {
    let (folder, lake) = lake();
    let index = folder.path().join(format!("tables/{JOB}/_index/reference"));
    let before = model();
    let (first, digest) = replace(&lake, &before).await;
    let asked = [Some("ref 16"), Some("ref 23999"), Some("no such"), None];
    assert_eq!(runs(&index), 0);
    assert_eq!(by_key(&lake, &first, &asked).await, with(&before, &asked));
    assert_eq!(runs(&index), 1, "made by the first look-up");
    assert_eq!(looked_up(&lake, &first, &asked).await, with(&before, &asked));

    // Some of the rows go, some come under the same reference.
    let mut after = before.clone();
    let found: Vec<_> = with(&before, &[Some("ref 16")]).into_keys().collect();
    after.remove(&found[0]);
    after.insert(key_of(9_000_000), (5, Some("ref 16".to_owned())));
    after.insert(found[1].clone(), (-1, Some("another".to_owned())));
    let change = stage(&lake, &first, &before, &after, &digest).await;
    let changed = lake.changed_provider(&first, &change).unwrap();
    let staged = lake::looked_up(changed.as_ref(), "reference", &column(&asked)).await.unwrap();
    assert_eq!(read(&lake, staged.unwrap()).await, with(&after, &asked), "before the commit");
    let second = lake.commit_change(first.clone(), &change).await.unwrap();
    for asked in [&asked[..], &[Some("another")], &[Some("no such")]] {
        assert_eq!(by_key(&lake, &second, asked).await, with(&after, asked));
        assert_eq!(looked_up(&lake, &second, asked).await, with(&after, asked));
        assert_eq!(by_key(&lake, &first, asked).await, with(&before, asked), "the past is another version");
    }
    assert_eq!(runs(&index), 1, "a change needs no new index");

    // All of it is written anew: the index with it, as what it held is gone.
    let next: Model = after.into_iter().filter(|(_, row)| row.0 % 2 == 0).chain(numbered_anew()).collect();
    let (third, _) = replace(&lake, &next).await;
    assert_eq!(looked_up(&lake, &third, &asked).await, with(&next, &asked));
    assert_eq!(by_key(&lake, &second, &[Some("another")]).await.len(), 1, "and the past is still found");

    assert_eq!(by_key(&lake, &third, &asked).await, with(&next, &asked), "it holds again what is there");
    assert!(runs(&index) > 1);
    lake.collect(JOB, &[], DateTime::<Utc>::MAX_UTC).await.unwrap();
    assert_eq!(runs(&index), 1, "what an index no longer needs is collected, what it needs is not");
    assert_eq!(looked_up(&lake, &third, &asked).await, with(&next, &asked));

    std::fs::remove_dir_all(&index).unwrap();
    assert_eq!(by_key(&lake, &third, &asked).await, with(&next, &asked), "an index can be deleted");
    assert_eq!(runs(&index), 1);
}

fn numbered_anew() -> Model {
    let row = |number: i64| (key_of(2 * ROWS + number), (i128::from(number), Some(format!("ref {number}"))));
    (0..ROWS).map(row).collect()
}

#[tokio::test]
async fn an_index_grows_with_its_table_and_stays_few_runs() {
    let (folder, lake) = lake();
    let payments = contract("payment_in").unwrap();
    let landing = LandingTable::new(&lake, payments);
    let index = folder.path().join("landing/payment_in/_index/payment_id");
    let id = |ordinal: i64| format!("bgmax:{}", ordinal * 7919 % 1_000_003);
    for part in 0..5 {
        let (from, to) = (part * ROWS, (part + 1) * ROWS);
        let fields: Vec<Field> =
            payments.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let columns = fields.iter().map(|field| match field.name().as_str() {
            "ordinal" => Arc::new(Int64Array::from_iter_values(from..to)) as ArrayRef,
            "payment_id" => Arc::new(StringArray::from_iter_values((from..to).map(id))),
            _ => new_null_array(field.data_type(), usize::try_from(ROWS).unwrap()),
        });
        let columns = columns.collect();
        let accepted = vec![RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()];
        let ranges = BTreeMap::from([(0, (from, to))]);
        landing.land(&Offer { ranges, accepted, rejects: Vec::new() }).await.unwrap();

        let table = lake.landing("payment_in").await.unwrap().unwrap();
        let asked: BTreeSet<i64> = (0..=part).map(|part| part * ROWS + 77).collect();
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(asked.iter().copied().map(id)));
        let found = lake::looked_up(table.provider().unwrap().as_ref(), "payment_id", &ids).await.unwrap().unwrap();
        assert_eq!(ordinals(&lake, found).await, asked);
        let expected = if part < 3 { part + 1 } else { part - 2 };
        let groups = groups(&index);
        assert_eq!(i64::try_from(groups).unwrap(), expected, "four groups are merged into one");
    }
}

fn groups(index: &Path) -> usize {
    let text = std::fs::read(index.join("index.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
    manifest["groups"].as_array().unwrap().len()
}

async fn ordinals(lake: &Lake, table: Arc<dyn datafusion::catalog::TableProvider>) -> BTreeSet<i64> {
    let context = SessionContext::new();
    lake.register(&context);
    let frame = context.read_table(table).unwrap().select_columns(&["ordinal"]).unwrap();
    let batches = frame.collect().await.unwrap();
    let values = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
    assert!(batches.iter().all(|batch| batch.column(0).null_count() == 0));
    values.collect()
}
