//! A keyed table of test rows, and the map that it must equal.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Decimal128Type, Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::execution::context::SessionContext;
use lake::{Lake, StagedChange, Table};
use url::Url;

pub const JOB: &str = "allocation";

pub type Key = (Option<String>, i64);
pub type Value = (i128, Option<String>);
pub type Model = BTreeMap<Key, Value>;

pub fn lake() -> (tempfile::TempDir, Lake) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&Url::from_directory_path(folder.path()).unwrap()).unwrap();
    (folder, lake)
}

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("queue", DataType::Utf8, true),
        Field::new("id", DataType::Int64, true),
        Field::new("amount", DataType::Decimal128(18, 2), true),
        Field::new("reference", DataType::Utf8, true),
    ]))
}

pub fn key() -> Vec<String> {
    names(&["queue", "id"])
}

pub fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The key of a number: three queues and none, and ids that are close together.
pub fn key_of(number: i64) -> Key {
    let queue = match number % 4 {
        0 => None,
        queue => Some(format!("queue-{queue}")),
    };
    (queue, number / 4)
}

pub fn batch<'a>(rows: impl IntoIterator<Item = (&'a Key, &'a Value)>) -> RecordBatch {
    let rows: Vec<_> = rows.into_iter().collect();
    let amounts = Decimal128Array::from_iter_values(rows.iter().map(|(_, value)| value.0));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter(rows.iter().map(|(key, _)| key.0.as_deref()))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|(key, _)| key.1))),
        Arc::new(amounts.with_precision_and_scale(18, 2).unwrap()),
        Arc::new(StringArray::from_iter(rows.iter().map(|(_, value)| value.1.as_deref()))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

pub fn keys<'a>(keys: impl IntoIterator<Item = &'a Key>) -> RecordBatch {
    let value = (0, None);
    batch(keys.into_iter().map(|key| (key, &value))).project(&[0, 1]).unwrap()
}

/// The rows of some batches; a key that is there twice fails.
pub fn rows(batches: &[RecordBatch]) -> Model {
    let mut model = Model::new();
    for batch in batches {
        let (queues, references) = (batch.column(0).as_string::<i32>(), batch.column(3).as_string::<i32>());
        let text = |column: &StringArray, row| column.is_valid(row).then(|| column.value(row).to_owned());
        for row in 0..batch.num_rows() {
            let key = (text(queues, row), batch.column(1).as_primitive::<Int64Type>().value(row));
            let amount = batch.column(2).as_primitive::<Decimal128Type>().value(row);
            assert!(model.insert(key, (amount, text(references, row))).is_none(), "a row is there twice");
        }
    }
    model
}

/// All rows of a table, by a full read.
pub async fn read(lake: &Lake, provider: Arc<dyn TableProvider>) -> Model {
    let context = SessionContext::new();
    lake.register(&context);
    let batches = context.read_table(provider).unwrap().collect().await.unwrap();
    rows(&batches)
}

/// Replaces the table by these rows. Returns its digest.
pub async fn replace(lake: &Lake, model: &Model) -> (Table, String) {
    let mut writer = lake.stage(JOB, schema()).unwrap().sorted_by(&key());
    writer.write(&batch(model)).await.unwrap();
    let staged = writer.finish().await.unwrap();
    let digest = staged.digest().to_owned();
    (lake.replace(JOB, &schema(), &staged).await.unwrap(), digest)
}

/// The digest that a table of these rows has when it is written as a whole.
pub async fn digest(lake: &Lake, model: &Model) -> String {
    let mut writer = lake.stage("another", schema()).unwrap();
    writer.write(&batch(model)).await.unwrap();
    let staged = writer.finish().await.unwrap();
    lake.discard("another", &staged).await.unwrap();
    staged.digest().to_owned()
}

pub async fn table(lake: &Lake) -> Table {
    lake.job_table(JOB).await.unwrap().unwrap()
}

/// Stages the rows that differ between two states of a table.
pub async fn stage(lake: &Lake, table: &Table, before: &Model, after: &Model, digest: &str) -> StagedChange {
    let removed = batch(before.iter().filter(|(key, value)| after.get(key) != Some(value)));
    let added = batch(after.iter().filter(|(key, value)| before.get(key) != Some(value)));
    lake.stage_change(table, &key(), &[removed], &[added], digest).await.unwrap()
}
