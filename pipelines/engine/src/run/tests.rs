#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Mutex;

use super::*;

/// `one` and `two` depend on nothing of each other, `both` on them, `last` on it.
const JOBS: [(&str, &str); 4] = [
    ("one", "select distinct currency from customer_item"),
    ("two", "select distinct currency from payment_in"),
    ("both", "select one.currency from one inner join two on two.currency = one.currency"),
    ("last", "select currency from both"),
];

fn library(folder: &std::path::Path) -> Library {
    let sql = folder.join("sql/ar");
    fs::create_dir_all(&sql).unwrap();
    for (name, select) in JOBS {
        let header = "title = \"Valutor\"\ndescription = \"Currencies.\"\nkey = [\"currency\"]\n\n\
                      [columns]\ncurrency = \"the currency\"";
        fs::write(sql.join(format!("{name}.sql")), format!("/*\n{header}\n*/\n{select}\n")).unwrap();
    }
    let catalogue = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql/catalogue.csv");
    fs::copy(catalogue, folder.join("sql/catalogue.csv")).unwrap();
    Library::load(&folder.join("sql")).unwrap()
}

/// For each job, those that were not done when it began and those that were.
async fn order(jobs: usize) -> Vec<(String, BTreeSet<String>, BTreeSet<String>)> {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path());
    let lake = Lake::open(&url::Url::from_directory_path(folder.path().join("lake")).unwrap()).unwrap();
    let request = Request {
        as_of: NaiveDate::from_ymd_opt(2026, 3, 31).unwrap(),
        published_at: DateTime::UNIX_EPOCH,
        writer: "test".to_owned(),
        refresh: Limits { jobs, ..Limits::default() },
        compact: false,
        executor: Arc::new(crate::executor::Here),
    };
    let events = Mutex::new((Vec::new(), BTreeSet::new(), BTreeSet::new()));
    let progress = |progress: Progress<'_>| {
        let (begun, running, done) = &mut *events.lock().unwrap();
        match progress {
            Progress::Job { name, .. } => {
                begun.push((name.to_owned(), running.clone(), done.clone()));
                running.insert(name.to_owned());
            }
            Progress::Done { name, .. } => {
                running.remove(name);
                done.insert(name.to_owned());
            }
            Progress::Audit => assert_eq!(done.len(), JOBS.len()),
        }
    };
    let report = run(&lake, &library, &request, &progress).await.unwrap();
    assert_eq!(report.generation.unwrap().tables.len(), JOBS.len());
    assert_eq!(report.rows, BTreeMap::from(JOBS.map(|(name, _)| (name.to_owned(), 0))));
    events.into_inner().unwrap().0
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn jobs_that_do_not_depend_on_each_other_run_side_by_side_and_others_one_after_the_other() {
    let order = order(4).await;
    let begun: Vec<&str> = order.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(begun, ["one", "two", "both", "last"]);
    assert_eq!(order[1].1, set(&["one"]), "beside each other");
    assert_eq!((&order[2].1, &order[2].2), (&set(&[]), &set(&["one", "two"])));
    assert_eq!((&order[3].1, &order[3].2), (&set(&[]), &set(&["one", "two", "both"])));
}

#[tokio::test]
async fn one_at_a_time_when_asked() {
    assert!(order(1).await.iter().all(|(_, running, _)| running.is_empty()));
}
