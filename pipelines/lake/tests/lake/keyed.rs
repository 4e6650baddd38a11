//! Keyed tables: changes of a few rows, what they refuse, and who reads them.

use std::collections::BTreeMap;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use chrono::{DateTime, Utc};
use datafusion::execution::context::SessionContext;
use lake::{LakeError, Table};

use crate::model::{
    JOB, Model, batch, digest, key, key_of, keys, lake, names, read, replace, rows, schema, stage, table,
};

fn numbered(numbers: impl IntoIterator<Item = i64>) -> Model {
    numbers.into_iter().map(|number| (key_of(number), (i128::from(number), Some(format!("ref {number}"))))).collect()
}

/// The same rows with every `step`th changed, the next one gone, and some new.
fn changed(before: &Model, step: usize) -> Model {
    let mut after = before.clone();
    for (index, key) in before.keys().enumerate() {
        match index % step {
            0 => drop(after.insert(key.clone(), (-1, None))),
            1 => drop(after.remove(key)),
            _ => {}
        }
    }
    after.extend(numbered(1_000_000..1_000_050));
    after
}

#[tokio::test]
async fn a_change_is_read_by_full_reads_and_keyed_reads_and_leaves_the_past_alone() {
    let (_folder, lake) = lake();
    let before = numbered(0..9_000);
    let (first, digest_before) = replace(&lake, &before).await;
    let after = changed(&before, 100);
    let change = stage(&lake, &first, &before, &after, &digest_before).await;
    assert_eq!((change.added(), change.removed(), change.is_empty()), (140, 180, false));
    assert_eq!(change.digest(), digest(&lake, &after).await);
    assert_eq!(read(&lake, lake.changed_provider(&first, &change).unwrap()).await, after, "for an audit");
    assert_eq!(read(&lake, table(&lake).await.provider().unwrap()).await, before, "nothing is committed yet");

    let second = lake.commit_change(first.clone(), &change).await.unwrap();
    assert_eq!(second.version(), first.version() + 1, "one commit");
    assert_eq!(read(&lake, second.provider().unwrap()).await, after);
    assert_eq!(second.rows().unwrap(), after.len() as u64);
    assert_eq!(second.files().unwrap().iter().map(|file| file.rows).sum::<u64>(), after.len() as u64);

    let asked: Vec<_> = before.keys().step_by(50).chain(after.keys().rev().take(60)).cloned().collect();
    let found = lake.rows_by_key(&second, &key(), &keys(&asked)).await.unwrap();
    let expected: Model = asked.iter().filter_map(|key| Some((key.clone(), after.get(key)?.clone()))).collect();
    assert_eq!(rows(&found), expected);

    let past = lake.job_table_version(JOB, first.version()).await.unwrap();
    assert_eq!(read(&lake, past.provider().unwrap()).await, before);
}

#[tokio::test]
async fn rows_are_found_by_a_part_of_the_key_and_by_any_other_column() {
    let (_folder, lake) = lake();
    let before = numbered(0..9_000);
    let (first, digest_before) = replace(&lake, &before).await;
    let after = changed(&before, 7);
    let change = stage(&lake, &first, &before, &after, &digest_before).await;
    let table = lake.commit_change(first, &change).await.unwrap();

    let queue = keys([&key_of(0)]).project(&[0]).unwrap();
    let found = lake.rows_by_key(&table, &names(&["queue"]), &queue).await.unwrap();
    let without =
        after.iter().filter(|((queue, _), _)| queue.is_none()).map(|(key, value)| (key.clone(), value.clone()));
    assert_eq!(rows(&found), without.collect(), "null equals null");

    let asked = batch([(&key_of(5), &(0, Some("ref 77".to_owned()))), (&key_of(5), &(0, None))]);
    let found = lake.rows_by_key(&table, &names(&["reference"]), &asked.project(&[3]).unwrap()).await.unwrap();
    let wanted = |reference: &Option<String>| reference.is_none() || reference.as_deref() == Some("ref 77");
    let expected = after.iter().filter(|(_, value)| wanted(&value.1)).map(|(key, value)| (key.clone(), value.clone()));
    assert_eq!(rows(&found), expected.collect());
}

#[tokio::test]
async fn a_change_staged_before_a_compaction_is_refused_and_no_row_is_doubled() {
    let (_folder, lake) = lake();
    let mut now = numbered(0..5_000);
    let (mut at, mut digest_now) = replace(&lake, &now).await;
    for step in [11, 13, 17, 19, 23, 29, 31, 37] {
        let after = changed(&now, step);
        let change = stage(&lake, &at, &now, &after, &digest_now).await;
        (now, digest_now) = (after, change.digest().to_owned());
        at = lake.commit_change(at, &change).await.unwrap();
    }
    let after = changed(&now, 3);
    let change = stage(&lake, &at, &now, &after, &digest_now).await;
    assert!(lake.compact_keyed(JOB, &key()).await.unwrap() > 1);
    assert!(table(&lake).await.files().unwrap().len() < at.files().unwrap().len());
    assert_eq!(read(&lake, table(&lake).await.provider().unwrap()).await, now, "a compaction changes no row");

    // On the version that it was staged for the log refuses, on the last version we do.
    let refused = lake.commit_change(at.clone(), &change).await.unwrap_err();
    assert!(matches!(refused, LakeError::Moved(_)), "{refused}");
    let refused = lake.commit_change(table(&lake).await, &change).await.unwrap_err();
    assert!(matches!(refused, LakeError::Moved(_)), "{refused}");
    assert!(matches!(lake.changed_provider(&table(&lake).await, &change), Err(LakeError::Moved(_))));
    lake.discard_change(JOB, &change).await.unwrap();

    let again = stage(&lake, &table(&lake).await, &now, &after, &digest_now).await;
    assert_eq!(again.digest(), change.digest());
    let done = lake.commit_change(table(&lake).await, &again).await.unwrap();
    assert_eq!(read(&lake, done.provider().unwrap()).await, after);
}

#[tokio::test]
async fn a_compaction_that_loses_the_race_leaves_nothing_behind() {
    let (folder, lake) = lake();
    let before = numbered(0..3_000);
    let (first, digest_before) = replace(&lake, &before).await;
    let after = changed(&before, 3);
    let change = stage(&lake, &first, &before, &after, &digest_before).await;
    let key = key();
    assert_eq!(lake.compact_keyed(JOB, &key).await.unwrap(), 0, "a whole table of one run needs none");
    lake.commit_change(first, &change).await.unwrap();
    // Most rows of the first run are gone now: two compactions at once, of which one wins.
    let (one, two) = tokio::join!(lake.compact_keyed(JOB, &key), lake.compact_keyed(JOB, &key));
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    assert_eq!(read(&lake, table(&lake).await.provider().unwrap()).await, after);
    let needed = table(&lake).await.files().unwrap().len();
    let collected = lake.collect(JOB, &[], DateTime::<Utc>::MAX_UTC).await.unwrap();
    assert_eq!(collected, 2, "the run that was rewritten and its vector");
    assert_eq!(files(&folder).len(), needed);
}

/// Names of data and vector files in the table's folder.
fn files(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path().join("tables").join(JOB)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "_delta_log").collect()
}

#[tokio::test]
async fn collection_keeps_what_named_versions_need_and_what_is_young() {
    let (folder, lake) = lake();
    let mut now = numbered(0..2_000);
    let (mut at, mut digest_now) = replace(&lake, &now).await;
    let mut states = BTreeMap::from([(at.version(), now.clone())]);
    for step in [10, 11, 12] {
        let after = changed(&now, step);
        let change = stage(&lake, &at, &now, &after, &digest_now).await;
        (now, digest_now) = (after, change.digest().to_owned());
        at = lake.commit_change(at, &change).await.unwrap();
        states.insert(at.version(), now.clone());
    }
    let killed = stage(&lake, &at, &now, &changed(&now, 5), &digest_now).await;
    let (last, kept) = (at.version(), at.version() - 2);
    assert_eq!(lake.collect(JOB, &[kept], DateTime::UNIX_EPOCH).await.unwrap(), 0, "all is young");
    assert!(lake.collect(JOB, &[99], DateTime::<Utc>::MAX_UTC).await.is_err(), "a version that is not there");
    let before = files(&folder).len();
    // The vectors of the version between, and the run and the vectors of the killed change.
    assert_eq!(lake.collect(JOB, &[kept], DateTime::<Utc>::MAX_UTC).await.unwrap(), 3);
    assert_eq!(files(&folder).len(), before - 3);
    for version in [kept, last] {
        let table = lake.job_table_version(JOB, version).await.unwrap();
        // Another process, that has kept nothing in memory.
        let fresh = lake::Lake::open(&url::Url::from_directory_path(folder.path()).unwrap()).unwrap();
        let fresh = fresh.job_table_version(JOB, version).await.unwrap();
        assert_eq!(read(&lake, table.provider().unwrap()).await, states[&version]);
        assert_eq!(read(&lake, fresh.provider().unwrap()).await, states[&version]);
    }
    let lost = lake.commit_change(at, &killed).await.unwrap();
    assert!(lost.files().unwrap().iter().any(|file| !files(&folder).contains(&file.path)), "why young files are kept");
}

#[tokio::test]
async fn a_change_that_does_not_fit_the_table_is_refused() {
    let (_folder, lake) = lake();
    let before = numbered(0..100);
    let (table, digest_before) = replace(&lake, &before).await;
    let refusal = async |removed: &Model, added: &Model| {
        let staged = lake.stage_change(&table, &key(), &[batch(removed)], &[batch(added)], &digest_before).await;
        staged.unwrap_err().to_string()
    };
    assert!(refusal(&numbered(500..501), &Model::new()).await.contains("not in the table"));
    assert!(refusal(&Model::new(), &numbered(5..6)).await.contains("is in the table and stays"));
    let twice = [batch(&numbered(5..6)), batch(&numbered(5..6))];
    let refused = lake.stage_change(&table, &key(), &twice, &[], &digest_before).await.unwrap_err();
    assert!(refused.to_string().contains("twice"), "{refused}");
    let refused = lake.stage_change(&table, &key(), &[], &[], "no digest").await.unwrap_err();
    assert!(matches!(refused, LakeError::Format { .. }), "{refused}");
    let nothing = lake.stage_change(&table, &key(), &[], &[], &digest_before).await.unwrap();
    assert!(nothing.is_empty());
    assert_eq!(nothing.digest(), digest_before);
    assert_eq!(lake.commit_change(table.clone(), &nothing).await.unwrap().version(), table.version(), "no commit");
}

#[tokio::test]
async fn a_run_that_loses_its_last_row_is_gone_and_a_table_can_be_emptied_and_filled() {
    let (_folder, lake) = lake();
    let before = numbered(0..100);
    let (first, digest_before) = replace(&lake, &before).await;
    let change = stage(&lake, &first, &before, &Model::new(), &digest_before).await;
    assert_eq!(change.digest(), "0".repeat(64));
    let empty = lake.commit_change(first, &change).await.unwrap();
    assert!(empty.files().unwrap().is_empty());
    assert_eq!(read(&lake, empty.provider().unwrap()).await, Model::new());
    let change = stage(&lake, &empty, &Model::new(), &before, change.digest()).await;
    assert_eq!(change.digest(), digest_before);
    let full = lake.commit_change(empty, &change).await.unwrap();
    assert_eq!(read(&lake, full.provider().unwrap()).await, before);
}

async fn changed_table(lake: &lake::Lake) -> (Table, Model) {
    let before = numbered(0..20_000);
    let (first, digest_before) = replace(lake, &before).await;
    let after = changed(&before, 9);
    let change = stage(lake, &first, &before, &after, &digest_before).await;
    (lake.commit_change(first, &change).await.unwrap(), after)
}

#[tokio::test]
async fn another_reader_of_the_format_sees_the_same_rows() {
    let (folder, lake) = lake();
    let (ours, after) = changed_table(&lake).await;
    let url = url::Url::from_directory_path(folder.path().join("tables").join(JOB)).unwrap();
    let theirs = deltalake::open_table(url).await.unwrap();
    assert_eq!(theirs.version(), Some(ours.version()));
    let context = SessionContext::new();
    let provider = theirs.table_provider().await.unwrap();
    let batches = context.read_table(provider).unwrap().collect().await.unwrap();
    let plain: Vec<_> = batches
        .iter()
        .map(|batch| {
            let columns = batch.columns().iter().zip(schema().fields().iter().cloned().collect::<Vec<_>>());
            let columns = columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()).unwrap());
            arrow::array::RecordBatch::try_new(schema(), columns.collect()).unwrap()
        })
        .collect();
    assert_eq!(rows(&plain), after);
}

#[tokio::test]
async fn a_plan_that_leaves_out_deleted_rows_cannot_be_shipped() {
    use datafusion_proto::bytes::physical_plan_to_bytes;
    let (_folder, lake) = lake();
    let context = SessionContext::new();
    lake.register(&context);
    let (plain, _) = replace(&lake, &numbered(0..100)).await;
    let (changed, _) = changed_table(&lake).await;
    let plan = async |table: &Table| {
        let frame = context.read_table(table.provider().unwrap()).unwrap();
        frame.create_physical_plan().await.unwrap()
    };
    assert!(physical_plan_to_bytes(plan(&plain).await).is_ok(), "a scan of whole files is plain Parquet");
    let refused = physical_plan_to_bytes(plan(&changed).await).unwrap_err();
    assert!(refused.to_string().contains("SelectedRowsExec") || refused.to_string().contains("not"), "{refused}");
}

#[tokio::test]
async fn counts_limits_and_filters_know_nothing_of_deleted_rows() {
    let (_folder, lake) = lake();
    let (table, after) = changed_table(&lake).await;
    let context = SessionContext::new();
    lake.register(&context);
    context.register_table("t", table.provider().unwrap()).unwrap();
    let number = async |sql: &str| {
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        batches.iter().map(|batch| batch.column(0).as_primitive::<Int64Type>().value(0)).sum::<i64>()
    };
    let all = i64::try_from(after.len()).unwrap();
    assert_eq!(number("select count(*) from t").await, all);
    assert_eq!(number("select count(reference) from t").await, {
        i64::try_from(after.values().filter(|value| value.1.is_some()).count()).unwrap()
    });
    assert_eq!(number("select count(*) from (select 1 from t limit 19999)").await, all.min(19_999));
    assert_eq!(number("select max(id) from t").await, after.keys().map(|key| key.1).max().unwrap());
    let (low, high) =
        (after.keys().filter(|key| key.1 == 17).count(), after.keys().filter(|key| key.1 > 4_000).count());
    assert_eq!(number("select count(*) from t where id = 17").await, i64::try_from(low).unwrap());
    assert_eq!(number("select count(*) from t where id > 4000").await, i64::try_from(high).unwrap());
    let plan = context.sql("explain select queue from t").await.unwrap().collect().await.unwrap();
    let plan = arrow::util::pretty::pretty_format_batches(&plan).unwrap().to_string();
    assert!(plan.contains("SelectedRowsExec"), "{plan}");
}

#[tokio::test]
async fn the_row_count_of_a_scan_is_exact_so_that_joins_are_ordered_well() {
    use datafusion::common::stats::Precision;
    let (_folder, lake) = lake();
    let (table, after) = changed_table(&lake).await;
    let context = SessionContext::new();
    lake.register(&context);
    let plan = table.provider().unwrap().scan(&context.state(), None, &[], None).await.unwrap();
    let args = datafusion::physical_plan::statistics::StatisticsArgs::new();
    let statistics = plan.statistics_from_inputs(&[], &args).unwrap();
    assert_eq!(statistics.num_rows, Precision::Exact(after.len()));
    assert!(statistics.column_statistics.iter().all(|column| column.max_value.is_exact() != Some(true)));
}
