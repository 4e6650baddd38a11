//! `land`: payments into tables, without a broker and through Apache Kafka, beside a bare consumer of the same topic.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use harness::Kafka;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

use crate::measure::{self, Stopwatch, Time};
use crate::report::{self, Machine, Table};
use crate::step::Step;
use crate::stream::{Measured, Task};
use crate::{Args, data};

/// How long a bare consumer waits for a message.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a bare consumer reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Topic {
    broker: String,
    topic: String,
}

/// What a bare consumer counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Counted {
    messages: u64,
    /// Bytes of keys and payloads.
    bytes: u64,
    time: Time,
    memory_peak: u64,
}

#[derive(Debug, Serialize)]
struct Results {
    files: u64,
    file_bytes: u64,
    payments: u64,
    message_bytes: u64,
    rows: Vec<Row>,
}

/// One way for payments to go; of the repetitions the one with the median time.
#[derive(Debug, Serialize)]
struct Row {
    what: &'static str,
    time: Time,
    rows: u64,
    bytes: u64,
    commits: Option<u64>,
    memory_peak: u64,
    /// Rows per second in thousandths of the bare consumer's: by the clock, and by time on a processor.
    of_consumer: u64,
    of_consumer_cpu: u64,
}

/// Runs the benchmark.
///
/// # Errors
/// When it cannot be measured.
pub fn benchmark(args: &Args, machine: &Machine) -> Result<()> {
    let landing = data::bank(&args.dir.join("data"), args.payments)?;
    let work = tempfile::Builder::new().prefix("land-").tempdir_in(&args.dir)?;
    let storage = |name: &str| work.path().join(name);
    report::note("starting Apache Kafka");
    let kafka = Kafka::start(&storage("kafka"))?;
    let broker = kafka.address().to_owned();
    let task = |name: &str, broker: Option<&String>| Task {
        landing: landing.clone(),
        storage: storage(name),
        broker: broker.cloned(),
    };

    report::note("delivering to Apache Kafka");
    let delivered: Measured = Step::Deliver(task("ingest", Some(&broker))).apart()?;
    let topic = Topic { broker: broker.clone(), topic: "payment_in".to_owned() };
    let (mut direct, mut landed, mut consumed) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..=args.repeat {
        report::note(&format!("turn {turn} of {}: bare consumer, landing from Apache Kafka, direct", args.repeat));
        let bare: Counted = Step::Consume(topic.clone()).apart()?;
        let from_kafka: Measured = Step::Land(task("landed", Some(&broker))).apart()?;
        let without: Measured = Step::Direct(task("direct", None)).apart()?;
        empty([storage("landed"), storage("direct")])?;
        // The first turn warms the page cache and the broker up.
        if turn > 0 {
            consumed.push(bare);
            landed.push(from_kafka);
            direct.push(without);
        }
    }
    let consumed = middle(consumed, |one| one.time);
    let landed = middle(landed, |one| one.land);
    let direct = middle(direct, |one| one.receive.plus(one.land));
    let (Some(consumed), Some(landed), Some(direct)) = (consumed, landed, direct) else { return Ok(()) };
    if landed.landed != direct.landed || consumed.messages != delivered.rows {
        bail!("{} rows were landed from the broker and {} without", landed.landed, direct.landed);
    }

    let row = |what, time: Time, rows: u64, bytes: u64, commits, memory_peak| {
        let of = |time: u64, consumer: u64| {
            let rate = report::per_second(rows, time);
            report::permille(rate, report::per_second(consumed.messages, consumer))
        };
        let of_consumer = of(time.wall, consumed.time.wall);
        Row {
            what,
            time,
            rows,
            bytes,
            commits,
            memory_peak,
            of_consumer,
            of_consumer_cpu: of(time.cpu, consumed.time.cpu),
        }
    };
    let (files, messages, commits) = (direct.bytes, consumed.bytes, Some(direct.commits));
    let rows = vec![
        row("direct: receive", direct.receive, direct.rows, files, None, direct.memory_peak),
        row("direct: land", direct.land, direct.rows, files, commits, direct.memory_peak),
        row("direct: both", direct.receive.plus(direct.land), direct.rows, files, commits, direct.memory_peak),
        row("Kafka: receive, deliver", delivered.receive, delivered.rows, files, None, delivered.memory_peak),
        row("Kafka: land", landed.land, landed.landed, messages, Some(landed.commits), landed.memory_peak),
        row("Kafka: bare consumer", consumed.time, consumed.messages, messages, None, consumed.memory_peak),
    ];
    let title = format!(
        "{} payments in {} files ({} MB; {} MB as messages)",
        report::grouped(direct.rows),
        direct.files,
        report::grouped(files / 1_000_000),
        report::grouped(messages / 1_000_000)
    );
    let results =
        Results { files: direct.files, file_bytes: files, payments: direct.rows, message_bytes: messages, rows };
    let method = format!(
        "Each line a process of its own (direct: one for both), an empty store, a local disk with fsync; one broker, one \
         partition. Median of {} after one to warm up,\nconsumer, Kafka and direct in turn; delivery once. MB/s of the \
         files, for the last two of keys and payloads. Processor time is that of all threads,\nwithout the broker's.",
        args.repeat
    );
    report::finish(&args.dir, "land", machine, &method, &results, &[table(title, &results.rows)])
}

fn table(title: String, rows: &[Row]) -> Table {
    let columns = [
        "",
        "time",
        "on processors",
        "rows/s",
        "MB/s",
        "commits",
        "peak memory",
        "rows/s ÷ consumer",
        "the same, on processors",
    ];
    let mut table = Table::new(title, &columns);
    for row in rows {
        let [wall, cpu] = report::both(row.time);
        table.row([
            row.what.to_owned(),
            wall,
            cpu,
            report::grouped(report::per_second(row.rows, row.time.wall)),
            report::megabytes(row.bytes, row.time.wall),
            row.commits.map(|commits| commits.to_string()).unwrap_or_default(),
            report::mebibytes(row.memory_peak),
            report::times(row.of_consumer),
            report::times(row.of_consumer_cpu),
        ]);
    }
    table
}

/// The one whose time is the median.
fn middle<T>(mut all: Vec<T>, time: impl Fn(&T) -> Time) -> Option<T> {
    let median = measure::median(all.iter().map(&time).collect());
    let index = all.iter().position(|one| time(one) == median)?;
    Some(all.swap_remove(index))
}

fn empty(folders: [PathBuf; 2]) -> Result<()> {
    for folder in folders {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}

/// Counts what is committed in partition 0 of a topic, with the client's own settings.
///
/// # Errors
/// When the broker does not answer.
pub fn consume(topic: &Topic) -> Result<Counted> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &topic.broker)
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .create()?;
    let watch = Stopwatch::start();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic.topic, 0, Offset::Beginning)?;
    consumer.assign(&list)?;
    let (mut messages, mut bytes, mut heard) = (0, 0, Instant::now());
    loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                messages += 1;
                bytes += (message.key_len() + message.payload_len()) as u64;
                if messages % 1024 == 0 {
                    heard = Instant::now();
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => break,
            Some(Err(error)) => return Err(error.into()),
            None if heard.elapsed() > PATIENCE => bail!("no message of {} within {PATIENCE:?}", topic.topic),
            None => {}
        }
    }
    Ok(Counted { messages, bytes, time: watch.time(), memory_peak: measure::peak() })
}
