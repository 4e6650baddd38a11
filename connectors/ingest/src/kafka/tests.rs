use std::collections::BTreeSet;
use std::sync::OnceLock;

use harness::Kafka;
use rdkafka::admin::NewPartitions;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use tempfile::TempDir;

use super::*;
use crate::archive::Archive;
use crate::direct::Direct;
use crate::log::{Delivery as _, FILE, Gap, Heads, Limits, LogBatch, LogReader};
use crate::parsed::{Parsed, Parser};
use crate::testing::{memory, origin, parse, rows_of};
use crate::{Retry, Whose};

/// One broker for all tests of this process; it ends with the process.
fn broker() -> &'static str {
    static BROKER: OnceLock<(Kafka, TempDir)> = OnceLock::new();
    let start = || {
        let dir = tempfile::tempdir().unwrap();
        (Kafka::start(dir.path()).unwrap(), dir)
    };
    BROKER.get_or_init(start).0.address()
}

/// Topics and names that no other test uses.
async fn log(test: &str, partitions: i32) -> KafkaConfig {
    let config = KafkaConfig {
        brokers: broker().to_owned(),
        topic_prefix: format!("{test}."),
        transactional_id: test.to_owned(),
        group_id: test.to_owned(),
        partitions,
        deadline_seconds: 20,
        ..KafkaConfig::default()
    };
    create_topics(&config).await.unwrap();
    config
}

fn file(name: &str, script: &str) -> Parsed {
    let dir = tempfile::tempdir().unwrap();
    Parsed::read_with(&Parser::new(parse), origin(name, script.as_bytes()), &mut script.as_bytes(), dir.path()).unwrap()
}

const SCRIPTS: [&str; 6] = [
    "rows 3\nreject 2\ninvoices 2",
    "rows 9000\nreject 1100\nrows 5",
    "rows 9\nrefuse",
    "rows 8\ntest",
    "invoices 1",
    "",
];

async fn deliver(config: &KafkaConfig, scripts: &[&str]) {
    let mut delivery = KafkaDelivery::open(config).await.unwrap();
    for script in scripts {
        delivery.deliver(file("a", script)).await.unwrap();
    }
    delivery.settle().await.unwrap();
}

async fn drain(reader: &mut impl LogReader) -> Vec<LogBatch> {
    let mut batches = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        batches.push(batch);
    }
    batches
}

async fn read(config: &KafkaConfig, heads: &Heads) -> Vec<LogBatch> {
    drain(&mut KafkaReader::open(config, heads, Shard::WHOLE, Limits::default()).await.unwrap()).await
}

fn land(heads: &mut Heads, batches: &[LogBatch]) {
    for batch in batches {
        let rows = batch.accepted_rows() + batch.rejected_rows();
        assert!(rows > 0 && batch.to - batch.from >= rows as i64, "{}", batch.contract.name);
        assert_eq!(batch.from, heads.get(&batch.contract.name, batch.partition), "{}", batch.contract.name);
        heads.set(&batch.contract.name, batch.partition, batch.to);
    }
}

#[tokio::test]
async fn with_a_broker_and_without_the_same_rows_arrive() {
    let (store, dir) = (memory(), tempfile::tempdir().unwrap());
    let archive = Archive::new(store.folder("archive"));
    let journal = store.folder("journal");
    let mut direct = Direct::open_with(journal, archive, dir.path().to_owned(), Parser::new(parse)).await.unwrap();
    for script in SCRIPTS {
        direct.deliver(file("a", script)).await.unwrap();
    }
    let expected = drain(&mut direct.reader(&Heads::new(), Limits::default()).unwrap()).await;
    for partitions in [1, 3] {
        let config = log(&format!("same-rows-{partitions}"), partitions).await;
        deliver(&config, &SCRIPTS).await;
        let batches = read(&config, &Heads::new()).await;
        assert_eq!(rows_of(&batches), rows_of(&expected));
        let schemas = |batch: &LogBatch| batch.accepted.iter().all(|rows| rows.schema() == batch.contract.schema);
        assert!(batches.iter().all(schemas));
        let mut heads = Heads::new();
        land(&mut heads, &batches);
        assert!(read(&config, &heads).await.is_empty(), "the heads are not at the end");
    }
}

#[tokio::test]
async fn reading_goes_on_from_any_batch() {
    let config = log("goes-on", 2).await;
    deliver(&config, &SCRIPTS).await;
    let all = rows_of(&read(&config, &Heads::new()).await);
    for rows in [1, 9_000] {
        let (mut heads, mut landed) = (Heads::new(), Vec::new());
        let limits = Limits { rows, bytes: usize::MAX };
        // Each batch from a new reader, as after a crash behind each landing.
        while let Some(batch) =
            KafkaReader::open(&config, &heads, Shard::WHOLE, limits).await.unwrap().next().await.unwrap()
        {
            land(&mut heads, std::slice::from_ref(&batch));
            landed.push(batch);
        }
        assert_eq!(rows_of(&landed), all);
    }
    let mut heads = Heads::new();
    for partition in 0..2 {
        heads.set("ledger_balance", partition, 1);
    }
    let rest = read(&config, &heads).await;
    land(&mut heads, &rest);
}

#[tokio::test]
async fn a_reader_follows_and_gives_files_after_their_rows() {
    let config = log("follows", 1).await;
    let limits = Limits { rows: 2000, bytes: usize::MAX };
    let mut reader = KafkaReader::open(&config, &Heads::new(), Shard::WHOLE, limits).await.unwrap();
    assert!(reader.next().await.unwrap().is_none());
    let mut delivery = KafkaDelivery::open(&config).await.unwrap();
    let mut heads = Heads::new();
    for script in SCRIPTS {
        delivery.deliver(file("a", script)).await.unwrap();
        delivery.settle().await.unwrap();
        assert!(reader.next().await.unwrap().is_none(), "read past the end that was set");
        reader.follow().await.unwrap();
        let batches = drain(&mut reader).await;
        land(&mut heads, &batches);
        let first_file = batches.iter().position(|batch| batch.contract.name == FILE).unwrap();
        assert_eq!(first_file, batches.len() - 1);
        reader.tell(&heads);
    }
    assert!(read(&config, &heads).await.is_empty());
}

#[tokio::test]
async fn a_file_is_known_after_a_restart_and_its_transaction_is_one() {
    let config = log("known", 3).await;
    deliver(&config, &SCRIPTS[..3]).await;
    let delivery = KafkaDelivery::open(&config).await.unwrap();
    let known = SCRIPTS.map(|script| delivery.knows(&file("b", script).origin.file_id));
    assert_eq!(known, [true, true, true, false, false, false]);
}

#[tokio::test]
async fn of_two_deliverers_with_one_id_the_first_is_fenced() {
    let config = log("fenced", 1).await;
    let mut first = KafkaDelivery::open(&config).await.unwrap();
    first.deliver(file("a", SCRIPTS[4])).await.unwrap();
    let mut second = KafkaDelivery::open(&config).await.unwrap();
    let stopped = first.deliver(file("a", SCRIPTS[0])).await.unwrap_err();
    assert!(matches!(stopped, Error::Fenced { .. }), "{stopped:?}");
    assert!(first.deliver(file("a", SCRIPTS[0])).await.is_err(), "it went on");
    second.deliver(file("a", SCRIPTS[0])).await.unwrap();
    second.settle().await.unwrap();
    let rows = rows_of(&read(&config, &Heads::new()).await);
    assert_eq!(rows.len(), 1 + 1 + 3 + 2 + 2 + 1);
}

fn raw_producer(config: &KafkaConfig, transactional_id: &str) -> BaseProducer {
    let client = config.client(&[("transactional.id", transactional_id)]);
    let producer: BaseProducer = client.create().unwrap();
    producer.init_transactions(config.deadline()).unwrap();
    producer.begin_transaction().unwrap();
    producer
}

fn send(producer: &BaseProducer, topic: &str, message: &[u8]) {
    producer.send(BaseRecord::to(topic).partition(0).key("k").payload(message)).unwrap();
    producer.flush(Duration::from_secs(20)).unwrap();
}

#[tokio::test]
async fn what_was_not_committed_is_passed_over_and_holds_up_what_follows_it() {
    let config = KafkaConfig { deadline_seconds: 2, ..log("aborted", 1).await };
    let topic = config.topic("ledger_balance");
    let aborted = raw_producer(&config, "aborted-raw");
    send(&aborted, &topic, b"never");
    aborted.abort_transaction(config.deadline()).unwrap();
    ends::Ends::new(&config).unwrap().settle(&topic, 0).unwrap();
    assert!(read(&config, &Heads::new()).await.is_empty());
    deliver(&config, &SCRIPTS[..1]).await;
    let open = raw_producer(&config, "open-raw");
    send(&open, &topic, b"not yet");
    let mut delivery = KafkaDelivery::open(&config).await.unwrap();
    delivery.deliver(file("a", "rows 1")).await.unwrap();
    let held_up = delivery.settle().await;
    assert!(matches!(held_up, Err(Error::Unfinished { position: 8, .. })), "{held_up:?}");
    let mut heads = Heads::new();
    let batches = read(&config, &heads).await;
    land(&mut heads, &batches);
    assert_eq!(heads.get("ledger_balance", 0), 8, "a message that was aborted, five rows, and two markers");
    open.abort_transaction(config.deadline()).unwrap();
}

#[tokio::test]
async fn a_delivery_in_doubt_stops_the_next_deliverer_until_it_is_resolved() {
    let config = KafkaConfig { deadline_seconds: 2, ..log("doubt", 1).await };
    let open = raw_producer(&config, "doubt-raw");
    send(&open, &config.topic(FILE), b"a file that may or may not come");
    let stopped = KafkaDelivery::open(&config).await;
    assert!(matches!(stopped, Err(Error::Unfinished { .. })), "{stopped:?}");
    open.abort_transaction(config.deadline()).unwrap();
    KafkaDelivery::open(&config).await.unwrap();
}

#[tokio::test]
async fn a_message_that_cannot_be_decoded_becomes_a_reject() {
    let config = log("undecodable", 1).await;
    let topic = config.topic("ledger_balance");
    let raw = raw_producer(&config, "undecodable-raw");
    send(&raw, &topic, b"not ours");
    raw.commit_transaction(config.deadline()).unwrap();
    ends::Ends::new(&config).unwrap().settle(&topic, 0).unwrap();
    deliver(&config, &["rows 2"]).await;
    let batches = read(&config, &Heads::new()).await;
    let batch = batches.iter().find(|batch| batch.contract.name == "ledger_balance").unwrap();
    assert_eq!((batch.accepted_rows(), batch.rejected_rows()), (2, 1));
    let reject = serde_json::Value::Object(schemas::json::row(&batch.rejects[0], 0));
    assert_eq!(reject["code"], "undecodable");
    assert_eq!(reject["file_id"], format!("kafka:{topic}/0"));
    assert_eq!(reject["ordinal"], 0);
    assert_eq!(reject["raw"], "not ours");
    assert_ne!(reject["received_at"], "1970-01-01T00:00:00Z");
}

#[tokio::test]
async fn tables_and_log_that_do_not_meet_are_refused() {
    let config = log("gap", 1).await;
    deliver(&config, &["rows 5"]).await;
    let gaps = async |position| {
        let mut heads = Heads::new();
        heads.set("ledger_balance", 0, position);
        let mut reader = KafkaReader::open(&config, &heads, Shard::WHOLE, Limits::default()).await.unwrap();
        let gaps = reader.gaps().to_vec();
        assert!(gaps.is_empty() || reader.next().await.unwrap().is_none(), "what belongs together was torn apart");
        gaps
    };
    let gap = |head, start| vec![Gap { contract: "ledger_balance".to_owned(), partition: 0, head, start, end: 6 }];
    assert_eq!(gaps(6).await, [], "five rows and the marker of their transaction");
    assert_eq!(gaps(7).await, gap(7, 0), "the tables are ahead");
    let admin = AdminClient::<DefaultClientContext>::from_config(&config.client(&[])).unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    list.add_partition_offset(&config.topic("ledger_balance"), 0, rdkafka::Offset::Offset(3)).unwrap();
    admin.delete_records(&list, &AdminOptions::new()).await.unwrap();
    assert_eq!(gaps(0).await, gap(0, 3), "rows are gone that were never landed");
    assert_eq!(gaps(3).await, []);
}

#[tokio::test]
async fn a_gap_stops_its_partition_and_no_other() {
    let config = log("gap-of-two", 2).await;
    let scripts: Vec<String> = (1..12).map(|rows| format!("rows {rows}")).collect();
    deliver(&config, &scripts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut heads = Heads::new();
    heads.set("ledger_balance", 1, 1_000);
    let batches = read(&config, &heads).await;
    assert!(batches.iter().any(|batch| batch.contract.name == FILE));
    assert!(batches.iter().all(|batch| batch.partition == 0));
}

#[tokio::test]
async fn partitions_that_are_added_while_reading_are_read() {
    let config = log("grows", 1).await;
    let mut reader = KafkaReader::open(&config, &Heads::new(), Shard::WHOLE, Limits::default()).await.unwrap();
    let admin = AdminClient::<DefaultClientContext>::from_config(&config.client(&[])).unwrap();
    let names: Vec<String> = contracts().map(|contract| config.topic(contract)).collect();
    let more: Vec<_> = names.iter().map(|name| NewPartitions::new(name, 3)).collect();
    admin.create_partitions(&more, &AdminOptions::new()).await.unwrap();
    let scripts: Vec<String> = (1..12).map(|rows| format!("rows {rows}")).collect();
    // A new partition is known to all a little after it was made.
    tokio::time::sleep(Duration::from_secs(1)).await;
    deliver(&config, &scripts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    reader.follow().await.unwrap();
    let batches = drain(&mut reader).await;
    assert_eq!(rows_of(&batches), rows_of(&read(&config, &Heads::new()).await));
    let partitions: BTreeSet<i32> = batches.iter().map(|batch| batch.partition).collect();
    assert_eq!(partitions.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[tokio::test]
async fn shards_share_the_partitions_and_keep_files_whole() {
    let config = log("shards", 4).await;
    let scripts: Vec<String> = (1..20).map(|rows| format!("rows {rows}\ninvoices 1")).collect();
    deliver(&config, &scripts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let whole = rows_of(&read(&config, &Heads::new()).await);
    let mut parts = Vec::new();
    for index in 0..2 {
        let shard = Shard { index, of: 2 };
        let mut reader = KafkaReader::open(&config, &Heads::new(), shard, Limits::default()).await.unwrap();
        let rows = rows_of(&drain(&mut reader).await);
        let files = rows.iter().filter(|row| row.starts_with("file "));
        let invoices = rows.iter().filter(|row| row.starts_with("customer_item "));
        assert_eq!(files.count(), invoices.count());
        parts.extend(rows);
    }
    parts.sort();
    assert_eq!(parts, whole);
}

#[tokio::test]
async fn a_broker_that_dies_and_comes_back_loses_no_file_and_doubles_none() {
    let dir = tempfile::tempdir().unwrap();
    let kafka = Kafka::start(dir.path()).unwrap();
    let brokers = kafka.address().to_owned();
    let config = KafkaConfig { brokers, deadline_seconds: 3, ..KafkaConfig::default() };
    create_topics(&config).await.unwrap();
    let mut delivery = KafkaDelivery::open(&config).await.unwrap();
    delivery.deliver(file("a", SCRIPTS[0])).await.unwrap();
    delivery.settle().await.unwrap();
    drop(kafka);
    let error = delivery.deliver(file("a", SCRIPTS[1])).await.unwrap_err();
    assert_eq!((error.whose(), error.retry()), (Whose::Outside, Retry::Later), "{error}");
    let unreachable = KafkaReader::open(&config, &Heads::new(), Shard::WHOLE, Limits::default()).await.unwrap_err();
    assert_eq!(unreachable.retry(), Retry::Later, "{unreachable}");

    let _kafka = Kafka::start(dir.path()).unwrap();
    let patient = KafkaConfig { deadline_seconds: 60, ..config };
    let mut delivery = KafkaDelivery::open(&patient).await.unwrap();
    assert!(delivery.knows(&file("a", SCRIPTS[0]).origin.file_id));
    for script in SCRIPTS {
        let file = file("a", script);
        if !delivery.knows(&file.origin.file_id) {
            delivery.deliver(file).await.unwrap();
        }
    }
    delivery.settle().await.unwrap();
    let rows = rows_of(&read(&patient, &Heads::new()).await);
    assert_eq!(rows.iter().filter(|row| row.starts_with("file ")).count(), SCRIPTS.len());
    assert_eq!(rows.len(), 3 + 2 + 2 + 9_005 + 1100 + 1 + SCRIPTS.len());
}

#[tokio::test]
async fn topics_are_made_once_and_asked_for_by_name() {
    let config = log("topics", 2).await;
    create_topics(&config).await.unwrap();
    let missing = KafkaConfig { topic_prefix: "nowhere.".to_owned(), ..config };
    let error = KafkaDelivery::open(&missing).await.unwrap_err();
    assert_eq!(error.whose(), Whose::Configuration, "{error}");
}

#[test]
fn every_partition_is_read_by_exactly_one_shard() {
    for of in 1..7 {
        for partition in 0..20 {
            let readers = (0..of).filter(|index| Shard { index: *index, of }.holds(partition)).count();
            assert_eq!(readers, 1);
        }
    }
}

#[test]
fn rejects_have_no_topic_of_their_own() {
    assert!(contracts().all(|name| name != REJECT));
    assert_eq!(contracts().count(), schemas::contracts().len() - 1);
}

#[test]
fn a_shard_is_written_as_a_fraction() {
    assert_eq!("2/3".parse(), Ok(Shard { index: 2, of: 3 }));
    for wrong in ["3/3", "1", "a/b", "0/0", "-1/2"] {
        assert!(wrong.parse::<Shard>().unwrap_err().starts_with(wrong), "{wrong}");
    }
}
