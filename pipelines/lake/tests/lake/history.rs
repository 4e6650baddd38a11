//! Any history of a keyed table: what it holds is what a map holds after the same history.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::model::{JOB, Key, Model, Value, digest, key, key_of, keys, lake, read, replace, rows, stage, table};

/// One step of a table's history.
#[derive(Debug, Clone)]
enum Step {
    /// Rows that come or change, and rows that go (those that are there).
    Change(Changes),
    /// The same, staged and never committed: the process was killed.
    Killed(Changes),
    /// The second is staged, then the first is committed by another process: the second is refused and staged again.
    Overtaken(Changes, Changes),
    /// The change is staged, then the table is compacted.
    Compacted(Changes),
    Compact,
}

#[derive(Debug, Clone)]
struct Changes {
    upserts: Vec<(i64, i32)>,
    deletes: Vec<i64>,
    /// Deletes all keys in a range: whole pages go.
    range: Option<(i64, i64)>,
}

/// More keys than a table has rows, and more rows than a page has.
const KEYS: i64 = 7_000;

fn changes() -> impl Strategy<Value = Changes> {
    let upserts = prop::collection::vec((0..KEYS, any::<i32>()), 0..120);
    let deletes = prop::collection::vec(0..KEYS, 0..120);
    let range = prop::option::weighted(0.2, (0..KEYS, 0..1_500_i64));
    (upserts, deletes, range).prop_map(|(upserts, deletes, range)| Changes { upserts, deletes, range })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => changes().prop_map(Step::Change),
        1 => changes().prop_map(Step::Killed),
        2 => (changes(), changes()).prop_map(|(first, second)| Step::Overtaken(first, second)),
        1 => changes().prop_map(Step::Compacted),
        1 => Just(Step::Compact),
    ]
}

impl Changes {
    fn of(&self, before: &Model) -> Model {
        let mut after = before.clone();
        for number in &self.deletes {
            after.remove(&key_of(*number));
        }
        if let Some((start, length)) = self.range {
            after.retain(|key, _| !(start..start + length).contains(&(key.1 * 4)));
        }
        for (number, amount) in &self.upserts {
            after.insert(key_of(*number), value(*amount));
        }
        after
    }
}

fn value(amount: i32) -> Value {
    (i128::from(amount), (amount % 3 != 0).then(|| format!("OCR {amount}")))
}

async fn hold(start: i64, steps: Vec<Step>) {
    let (folder, lake) = lake();
    let mut now: Model = (0..start).map(|number| (key_of(number), value(7))).collect();
    let (first, mut digest_now) = replace(&lake, &now).await;
    let mut states = BTreeMap::from([(first.version(), now.clone())]);
    for step in steps {
        let at = table(&lake).await;
        match step {
            Step::Compact => drop(lake.compact_keyed(JOB, &key()).await.unwrap()),
            Step::Killed(changes) => drop(stage(&lake, &at, &now, &changes.of(&now), &digest_now).await),
            Step::Change(changes) | Step::Compacted(changes) if changes.of(&now) == now => {}
            Step::Change(changes) => {
                let after = changes.of(&now);
                let change = stage(&lake, &at, &now, &after, &digest_now).await;
                lake.commit_change(at, &change).await.unwrap();
                (now, digest_now) = (after, change.digest().to_owned());
            }
            Step::Compacted(changes) => {
                let after = changes.of(&now);
                let mut change = stage(&lake, &at, &now, &after, &digest_now).await;
                if lake.compact_keyed(JOB, &key()).await.unwrap() > 0 {
                    lake.commit_change(at, &change).await.unwrap_err();
                    lake.discard_change(JOB, &change).await.unwrap();
                    change = stage(&lake, &table(&lake).await, &now, &after, &digest_now).await;
                }
                lake.commit_change(table(&lake).await, &change).await.unwrap();
                (now, digest_now) = (after, change.digest().to_owned());
            }
            Step::Overtaken(ours, theirs) => {
                let (their_state, our_state) = (theirs.of(&now), ours.of(&theirs.of(&now)));
                let change = stage(&lake, &at, &now, &ours.of(&now), &digest_now).await;
                let first = stage(&lake, &at, &now, &their_state, &digest_now).await;
                lake.commit_change(at.clone(), &first).await.unwrap();
                if !first.is_empty() && !change.is_empty() {
                    lake.commit_change(at, &change).await.unwrap_err();
                }
                lake.discard_change(JOB, &change).await.unwrap();
                let after = table(&lake).await;
                let again = stage(&lake, &after, &their_state, &our_state, first.digest()).await;
                lake.commit_change(after, &again).await.unwrap();
                (now, digest_now) = (our_state, again.digest().to_owned());
            }
        }
        let at = table(&lake).await;
        assert_eq!(at.rows().unwrap(), now.len() as u64);
        states.insert(at.version(), now.clone());
    }

    assert_eq!(digest_now, digest(&lake, &now).await);
    let asked: Vec<Key> = (0..KEYS).step_by(29).map(key_of).collect();
    let fresh = lake::Lake::open(&url::Url::from_directory_path(folder.path()).unwrap()).unwrap();
    for (version, state) in states {
        for lake in [&lake, &fresh] {
            let table = lake.job_table_version(JOB, version).await.unwrap();
            assert_eq!(read(lake, table.provider().unwrap()).await, state);
            let found = lake.rows_by_key(&table, &key(), &keys(&asked)).await.unwrap();
            let expected = asked.iter().filter_map(|key| Some((key.clone(), state.get(key)?.clone())));
            assert_eq!(rows(&found), expected.collect::<Model>());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_table_holds_what_its_history_says(start in 0..KEYS, steps in prop::collection::vec(step(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(hold(start, steps));
    }
}
