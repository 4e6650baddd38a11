//! `live`: how long a payment takes from the broker to a published generation, with the real processes following, and how
//! long they take to catch up after they were killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use harness::Kafka;
use ingest::archive::Archive;
use ingest::kafka::{KafkaConfig, KafkaDelivery};
use ingest::place::{LandingPlace, Rule};
use ingest::receive::{Outcome, Receiver};
use ingest::store::Store;
use lake::Lake;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use serde::Serialize;

use crate::report::{self, Machine, Table};
use crate::stream::{folder, open_lake};
use crate::{Args, data};

/// How often is looked for a new generation.
const LOOK: Duration = Duration::from_millis(20);

/// How long a generation may take to come.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// Files, one a second, that are delivered while nothing lands.
const BACKLOG: usize = 10;

#[derive(Debug, Serialize)]
struct Results {
    items: u64,
    files: usize,
    /// Milliseconds of the first run, which computes everything.
    first_run: u64,
    /// Milliseconds from when a file's transaction was committed, of each file in order.
    from_broker: Vec<u64>,
    /// Milliseconds from when a file was put down.
    from_file: Vec<u64>,
    /// Generations while files came.
    generations: u64,
    /// Milliseconds from the start of killed processes until all that had come meanwhile was published.
    recovery: u64,
}

/// Runs the benchmark.
///
/// # Errors
/// When it cannot be measured.
pub fn benchmark(args: &Args, machine: &Machine) -> Result<()> {
    let input = data::live(&args.dir.join("data"), args.items, args.seconds + BACKLOG)?;
    let work = tempfile::Builder::new().prefix("live-").tempdir_in(&args.dir)?;
    report::note("starting Apache Kafka");
    let kafka = Kafka::start(&work.path().join("kafka"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let results = runtime.block_on(measure(args, &input, work.path(), kafka.address()))?;

    let title = format!(
        "{} open items; {} files of about 1 000 payments, one a second; {} generations meanwhile",
        report::grouped(results.items),
        results.files,
        results.generations
    );
    let mut table = Table::new(title, &["milliseconds", "median", "p90", "p99", "longest"]);
    for (what, times) in [("from the broker", &results.from_broker), ("from the file", &results.from_file)] {
        let mut times = times.clone();
        times.sort_unstable();
        let at = |share: usize| times.get((times.len() * share).div_ceil(100).saturating_sub(1)).copied();
        let cells = [50, 90, 99, 100].map(|share| report::grouped(at(share).unwrap_or_default()));
        table.row(std::iter::once(what.to_owned()).chain(cells));
    }
    let mut once = Table::new("Once", &["", "milliseconds"]);
    once.row(["the first run, which computes everything".to_owned(), report::grouped(results.first_run)]);
    once.row([format!("caught up after SIGKILL, {BACKLOG} files behind"), report::grouped(results.recovery)]);
    let method = "`land --follow` and `run --follow` as processes of their own, a broker with one partition on the same machine. A \
                  file is visible when the\nfirst generation is published that has its `file` record.";
    report::finish(&args.dir, "live", machine, method, &results, &[table, once])
}

async fn measure(args: &Args, input: &data::Live, work: &Path, broker: &str) -> Result<Results> {
    let installation = Installation::new(work, broker)?;
    let lake = open_lake(&installation.store)?;
    let mut source = Source::open(&installation, &lake, broker).await?;
    report::note("delivering the open items");
    source.deliver(&input.register).await?;
    installation.step("land").await?;
    report::note("the first run");
    let began = Instant::now();
    installation.step("run").await?;
    let first_run = milliseconds(began);
    let before = numbers(&lake).await?;

    let mut followers = installation.follow()?;
    let (steady, backlog) = input.payments.split_at(args.seconds.min(input.payments.len()));
    let mut waiting = Vec::new();
    let (mut from_broker, mut from_file) = (Vec::new(), Vec::new());
    let began = Instant::now();
    for (second, file) in (0..).zip(steady) {
        while began.elapsed() < Duration::from_secs(second) {
            visible(&lake, &mut waiting, &mut from_broker, &mut from_file).await?;
            tokio::time::sleep(LOOK).await;
        }
        waiting.push(source.deliver(file).await?);
    }
    let deadline = Instant::now() + PATIENCE;
    while !waiting.is_empty() {
        visible(&lake, &mut waiting, &mut from_broker, &mut from_file).await?;
        tokio::time::sleep(LOOK).await;
        if Instant::now() > deadline {
            bail!("{} files were not published within {PATIENCE:?}", waiting.len());
        }
    }
    let generations = numbers(&lake).await? - before;

    report::note("killing the processes, and starting them again");
    followers.kill()?;
    for file in backlog {
        waiting.push(source.deliver(file).await?);
    }
    let began = Instant::now();
    let mut followers = installation.follow()?;
    while !waiting.is_empty() {
        visible(&lake, &mut waiting, &mut Vec::new(), &mut Vec::new()).await?;
        tokio::time::sleep(LOOK).await;
        if began.elapsed() > PATIENCE {
            bail!("not caught up within {PATIENCE:?}");
        }
    }
    let recovery = milliseconds(began);
    followers.kill()?;
    let (items, files) = (args.items, steady.len());
    Ok(Results { items, files, first_run, from_broker, from_file, generations, recovery })
}

async fn numbers(lake: &Lake) -> Result<u64> {
    Ok(lake.latest_generation().await?.map(|generation| generation.number).unwrap_or_default())
}

/// Takes the times of files that the last generation has.
async fn visible(
    lake: &Lake,
    waiting: &mut Vec<Delivered>,
    from_broker: &mut Vec<u64>,
    from_file: &mut Vec<u64>,
) -> Result<()> {
    let Some(last) = lake.latest_generation().await? else { return Ok(()) };
    let landed = last.landing.get("file").and_then(|cut| cut.positions.get(&0)).copied().unwrap_or_default();
    waiting.retain(|file| {
        if file.end > landed {
            return true;
        }
        from_broker.push(milliseconds(file.committed));
        from_file.push(milliseconds(file.began));
        false
    });
    Ok(())
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A store, a configuration, and the program that works on them.
struct Installation {
    store: PathBuf,
    configuration: PathBuf,
    program: PathBuf,
}

impl Installation {
    fn new(work: &Path, broker: &str) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("reskontra");
        if !program.exists() {
            bail!("{} is missing: build it first (`cargo xtask bench` does)", program.display());
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let configuration = work.join("reskontra.toml");
        let as_of = city::default_as_of();
        let text = format!(
            "storage = \"store\"\nwork = \"work\"\nsql = {:?}\nas_of = \"{as_of}\"\n[kafka]\nbrokers = {broker:?}\n",
            root.join("sql")
        );
        fs::write(&configuration, text).context("writing the configuration")?;
        Ok(Self { store: work.join("store"), configuration, program })
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let log = File::options().create(true).append(true).open(self.configuration.with_extension("log"))?;
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&self.configuration).args(arguments);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    async fn step(&self, verb: &str) -> Result<()> {
        let mut command = self.command(&[verb])?;
        let ended = tokio::task::spawn_blocking(move || command.status()).await??;
        if !ended.success() {
            let said = fs::read_to_string(self.configuration.with_extension("log")).unwrap_or_default();
            bail!("reskontra {verb} ended with {ended}: {said}");
        }
        Ok(())
    }

    fn follow(&self) -> Result<Followers> {
        let start = |verb| Ok(self.command(&[verb, "--follow"])?.spawn()?);
        Ok(Followers(["land", "run"].map(start).into_iter().collect::<Result<_>>()?))
    }
}

/// Processes that are killed with their owner.
struct Followers(Vec<Child>);

impl Followers {
    fn kill(&mut self) -> Result<()> {
        for process in &mut self.0 {
            process.kill()?;
            process.wait()?;
        }
        self.0.clear();
        Ok(())
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// A file in the log.
struct Delivered {
    began: Instant,
    committed: Instant,
    /// Position of the topic `file` after it.
    end: i64,
}

/// What receives files and delivers them, as `reskontra ingest` does.
struct Source {
    receiver: Receiver,
    delivery: KafkaDelivery,
    consumer: BaseConsumer,
    place: PathBuf,
}

impl Source {
    async fn open(installation: &Installation, lake: &Lake, broker: &str) -> Result<Self> {
        let kafka = KafkaConfig { brokers: broker.to_owned(), ..KafkaConfig::default() };
        ingest::kafka::create_topics(&kafka).await?;
        let place = installation.configuration.with_file_name("landing");
        fs::create_dir_all(&place)?;
        Ok(Self {
            receiver: Receiver::new(
                Archive::new(Store::new(lake.store(), "archive".into())),
                installation.configuration.with_file_name("receiving"),
            ),
            delivery: KafkaDelivery::open(&kafka).await?,
            consumer: ClientConfig::new()
                .set("bootstrap.servers", broker)
                .set("group.id", "bench")
                .set("isolation.level", "read_committed")
                .create()?,
            place,
        })
    }

    /// Puts a file down and receives it.
    async fn deliver(&mut self, file: &Path) -> Result<Delivered> {
        let began = Instant::now();
        let name = file.file_name().context("a file with a name")?;
        fs::hard_link(file, self.place.join(name)).with_context(|| format!("putting down {}", file.display()))?;
        let rules = [("AGR_KUNDRESKONTRA*", "erp_customer_item"), ("*", "bgmax")];
        let rules = rules.map(|(pattern, format)| Rule { pattern: pattern.to_owned(), format: format.to_owned() });
        let place = LandingPlace::open("live", &folder(&self.place)?, [], rules.to_vec())?;
        let mut failure = None;
        let mut note = |receipt: ingest::receive::Receipt| match receipt.outcome {
            Outcome::Delivered(_) => {}
            other => failure = Some(format!("{}: {other:?}", receipt.name)),
        };
        self.receiver.receive(&place, &mut self.delivery, &mut note).await?;
        let committed = Instant::now();
        if let Some(failure) = failure {
            bail!("not delivered: {failure}");
        }
        let (_, end) = self.consumer.fetch_watermarks("file", 0, Duration::from_secs(10))?;
        Ok(Delivered { began, committed, end })
    }
}
