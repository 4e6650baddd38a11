//! The one step that a small town never comes to: only large files are indexed.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use lake::Lake;
use url::Url;

/// As many rows as make a file large.
const ROWS: i64 = 120_000;
/// Set for the process that is to die, to the lake that it looks up in.
const LAKE: &str = "INDEXED_LAKE";

fn schema() -> SchemaRef {
    let fields = vec![Field::new("id", DataType::Int64, true), Field::new("other", DataType::Utf8, true)];
    Arc::new(Schema::new(fields))
}

fn open(folder: &str) -> Lake {
    Lake::open(&Url::from_directory_path(folder).unwrap()).unwrap()
}

async fn fill(lake: &Lake) {
    let ids = Int64Array::from_iter_values(0..ROWS);
    let others = StringArray::from_iter_values((0..ROWS).map(|id| format!("{:06}", id * 7919 % ROWS)));
    let rows = RecordBatch::try_new(schema(), vec![Arc::new(ids), Arc::new(others)]).unwrap();
    let mut writer = lake.stage("large", schema()).unwrap().sorted_by(&["id".to_owned()]);
    writer.write(&rows).await.unwrap();
    lake.replace("large", &schema(), &writer.finish().await.unwrap()).await.unwrap();
}

/// Looks a row up by a column that the table is not sorted by.
async fn look_up(lake: &Lake) -> usize {
    let table = lake.job_table("large").await.unwrap().unwrap();
    let field = Arc::new(Schema::new(vec![Field::new("other", DataType::Utf8, true)]));
    let wanted = RecordBatch::try_new(field, vec![Arc::new(StringArray::from(vec!["000042"]))]).unwrap();
    let found = lake.rows_by_key(&table, &["other".to_owned()], &wanted).await.unwrap();
    found.iter().map(RecordBatch::num_rows).sum()
}

#[tokio::test]
#[ignore = "it is run by `column`, in a process that is to die"]
async fn child() {
    let folder = std::env::var(LAKE).unwrap();
    assert_eq!(look_up(&open(&folder)).await, 1);
}

/// Kills a process that makes an index, before and after; gives the points.
pub fn column() -> BTreeSet<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let points = [faults::INDEX.before.name, faults::INDEX.after.name];
    for point in points {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let lake = open(path);
        runtime.block_on(fill(&lake));
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "matrix::index::child"])
            .envs([(LAKE, path), ("FAILPOINTS", &format!("{point}=kill"))])
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), None, "{point} was not reached");
        assert_eq!(runtime.block_on(look_up(&lake)), 1, "killed at {point}");
        assert_eq!(runtime.block_on(look_up(&open(path))), 1, "killed at {point}");
    }
    points.map(str::to_owned).into()
}
