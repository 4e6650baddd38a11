//! Two ways to run, one meaning: through Apache Kafka in three processes, and without a broker in one.

use harness::Kafka;

use crate::folder::{Folder, published};
use crate::program::run;

#[test]
fn a_broker_between_the_steps_changes_no_row_of_any_table() {
    let broker = tempfile::tempdir().unwrap();
    let kafka = Kafka::start(broker.path()).unwrap();
    let folder = Folder::city(1);
    folder.configure(|text| format!("{text}\n[kafka]\nbrokers = {:?}\npartitions = 3\n", kafka.address()));
    let topics = |arguments: &[&str]| run(&mut folder.reskontra(&[&["topics"], arguments].concat()));
    let planned = topics(&["plan"]);
    assert_eq!(planned.code, Some(2), "{planned}");
    assert!(planned.out.contains("+ lease: 3 partitions, 1 replicas"), "{planned}");
    let unasked = topics(&["apply"]);
    assert_eq!(unasked.code, Some(1), "{unasked}");
    topics(&["apply", "--yes"]).succeeded();
    let again = topics(&["plan", "--json"]).succeeded();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again.out).unwrap()["steps"], serde_json::json!([]));
    let rights = topics(&["acls", "--land", "User:läsare"]).succeeded();
    assert!(rights.out.lines().all(|line| line.starts_with("kafka-acls.sh --bootstrap-server '")), "{rights}");
    assert!(rights.out.contains("'User:läsare' --operation Read --operation Describe --group 'reskontra-landing'"));

    let step = |verb| run(&mut folder.reskontra(&[verb])).succeeded();
    // A transaction that a killed process leaves open must neither be read nor stop the next one.
    killed(&folder, "ingest", "transaction:before=100*kill");
    let received = step("ingest");
    assert!(received.said.contains("known     bank/BGMAX_20260803_OCR_KOPIA.txt"), "{received}");
    killed(&folder, "land", "landing-commit:after=3*kill");
    assert_ne!(step("land").out, "0 rows landed\n");
    step("run");

    let again = step("ingest");
    assert!(again.out.starts_with("0 accepted, 0 refused, 0 test, "), "{again}");
    assert_eq!(step("land").out, "0 rows landed\n", "what has landed is not read again");
    drop(kafka);

    let (direct, through) = (published().generation(), folder.generation());
    let contracts: Vec<&String> = direct.landing.keys().collect();
    assert_eq!(through.landing.keys().collect::<Vec<_>>(), contracts);
    for contract in contracts {
        same_rows(published(), &folder, &format!("landing.{contract}"));
    }
    for (job, table) in &direct.tables {
        if through.tables[job].digest != table.digest {
            same_rows(published(), &folder, job);
            panic!("{job}: equal rows have different digests");
        }
    }
    assert_eq!(through.tables.len(), direct.tables.len());
}

/// Runs a verb that is killed where the orders say.
fn killed(folder: &Folder, verb: &str, orders: &str) {
    let ended = run(folder.reskontra(&[verb]).env("FAILPOINTS", orders));
    assert!(ended.is_killed(), "{ended}");
}

/// Compares two tables row by row, all columns.
fn same_rows(direct: &Folder, through: &Folder, table: &str) {
    let rows = |folder: &Folder| {
        let sql = format!("select * from {table}");
        let answer = run(&mut folder.reskontra(&["query", "--format", "json", &sql])).succeeded();
        let mut rows: Vec<String> = answer.out.lines().map(str::to_owned).collect();
        rows.sort_unstable();
        rows
    };
    let (direct, through) = (rows(direct), rows(through));
    let differs = direct.iter().zip(&through).find(|(one, other)| one != other);
    assert!(differs.is_none(), "{table} differs: {differs:#?}");
    assert_eq!(direct.len(), through.len(), "{table}: rows");
    assert!(!direct.is_empty(), "{table} has rows");
}
