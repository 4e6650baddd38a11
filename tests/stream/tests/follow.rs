//! Processes that go on: what is put down anywhere comes out published, until they are told to stop.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use harness::Kafka;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::FromClientConfig as _;
use rdkafka::{Offset, TopicPartitionList};

use crate::folder::{Folder, published};
use crate::program::run;

/// What customers owe.
const ROWS: &str = "select count(*), sum(amount) from customer_item";

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(900);

/// Processes that are stopped, as an operator stops them, and must end well.
struct Followers(Vec<(&'static str, Child)>);

impl Followers {
    fn start(folder: &Folder, verbs: &[&'static str]) -> Self {
        let start = |verb: &&'static str| {
            let arguments: Vec<&str> = verb.split(' ').collect();
            let said = fs::File::create(folder.path().join(verb.replace(['/', ' '], "-"))).unwrap();
            let mut command = folder.reskontra(&arguments);
            (*verb, command.stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap())
        };
        Self(verbs.iter().map(start).collect())
    }

    /// Waits until `done`, while all go on.
    fn until(&mut self, folder: &Folder, what: &str, done: impl Fn() -> bool) {
        let started = Instant::now();
        while !done() {
            for (verb, process) in &mut self.0 {
                let ended = process.try_wait().unwrap();
                assert!(ended.is_none(), "{verb} ended: {}", said(folder, verb));
                assert!(started.elapsed() < LONG, "{what}: not after {LONG:?}; {verb} said {}", said(folder, verb));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        println!("{what}: after {:.1?}", started.elapsed());
    }

    fn stop(self, folder: &Folder) {
        for (_, process) in &self.0 {
            let kill = std::process::Command::new("kill").arg(process.id().to_string()).stdout(Stdio::null()).status();
            assert!(kill.unwrap().success());
        }
        for (verb, mut process) in self.0 {
            let ended = process.wait().unwrap();
            assert!(ended.success(), "{verb} ended with {ended}: {}", said(folder, verb));
        }
    }
}

fn said(folder: &Folder, verb: &str) -> String {
    fs::read_to_string(folder.path().join(verb.replace(['/', ' '], "-"))).unwrap_or_default()
}

#[test]
fn followers_around_a_broker_bring_what_arrives_into_a_generation() {
    let broker = tempfile::tempdir().unwrap();
    let kafka = Kafka::start(broker.path()).unwrap();
    let folder = Folder::city(1);
    let log = |partitions: u32, prefix: &str| {
        format!("\n[kafka]\nbrokers = {:?}\npartitions = {partitions}\ntopic_prefix = {prefix:?}\n", kafka.address())
    };
    folder.configure(|text| format!("poll_seconds = 1\n{text}{}", log(2, "")));
    // The last file arrives later.
    let (late, away) = (folder.landing("bank").join("BGMAX_20260831_OCR.txt"), folder.path().join("late"));
    fs::rename(&late, &away).unwrap();
    let wanted = published().content();
    // Topics must be there before they can be landed.
    run(&mut folder.reskontra(&["ingest"])).succeeded();

    let verbs = ["ingest --follow", "land --follow --shard 0/2", "land --follow --shard 1/2", "run --follow"];
    let mut followers = Followers::start(&folder, &verbs);
    followers.until(&folder, "a first generation", || !folder.generations().is_empty());
    fs::rename(&away, &late).unwrap();
    followers.until(&folder, "the late file is published", || {
        !folder.generations().is_empty() && folder.content() == wanted
    });
    let number = folder.generation().number;
    followers.stop(&folder);
    assert_eq!(folder.generation().number, number, "nothing has changed since");

    // Messages are gone that were never landed.
    folder.configure(|text| text.replace(&log(2, ""), &log(1, "other.")));
    folder.configure(|text| text.replace("\"store\"", "\"other\""));
    run(&mut folder.reskontra(&["ingest"])).succeeded();
    forget(kafka.address(), "other.customer_item", 2);
    let stopped = run(&mut folder.reskontra(&["land"]));
    assert_eq!(stopped.code, Some(1), "{stopped}");
    assert!(stopped.said.contains("nothing of partition 0 is landed"), "{stopped}");
    assert_eq!(stopped.out, "0 rows landed\n");
    let gaps = run(&mut folder.reskontra(&["gaps"]));
    assert_eq!(gaps.code, Some(1), "{gaps}");
    assert!(gaps.out.starts_with("customer_item/0: landed up to 0, but the log begins at 2"), "{gaps}");
    let wrong = run(&mut folder.reskontra(&["gaps", "jump", "customer_item/1", "--reason", "a test"]));
    assert!(wrong.said.contains("customer_item/1 is no gap; gaps are: customer_item/0"), "{wrong}");
    run(&mut folder.reskontra(&["gaps", "jump", "customer_item/0", "--reason", "a test"])).succeeded();
    run(&mut folder.reskontra(&["gaps"])).succeeded();
    assert_ne!(run(&mut folder.reskontra(&["land"])).succeeded().out, "0 rows landed\n");
    let held = run(&mut folder.reskontra(&["run"]));
    assert_eq!(held.code, Some(1), "what was lost is no secret: {held}");
    assert!(held.said.contains("INV-LANDED-ONCE"), "{held}");
    let filled = run(&mut folder.reskontra(&["gaps", "fill"])).succeeded();
    assert!(filled.out.contains("rows of customer_item filled in"), "{filled}");
    let nothing = run(&mut folder.reskontra(&["gaps", "fill"])).succeeded();
    assert_eq!(nothing.out, "", "{nothing}");
    run(&mut folder.reskontra(&["run"])).succeeded();
    let content = run(&mut folder.reskontra(&["query", "--format", "json", ROWS])).succeeded().out;
    let before = run(&mut published().reskontra(&["query", "--format", "json", ROWS])).succeeded().out;
    assert_eq!(content, before);
}

/// Makes a broker forget the messages of a topic's only partition before an offset.
fn forget(brokers: &str, topic: &str, before: i64) {
    let admin = AdminClient::<DefaultClientContext>::from_config(ClientConfig::new().set("bootstrap.servers", brokers));
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(before)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let deleted = runtime.block_on(admin.unwrap().delete_records(&list, &AdminOptions::new())).unwrap();
    assert!(deleted.elements().iter().all(|partition| partition.error().is_ok()), "{deleted:?}");
}
