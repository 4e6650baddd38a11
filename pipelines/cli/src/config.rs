use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use commit::generation::Generation;
use commit::retention::Keep;
use engine::Library;
use engine::executor::{Executor, Here};
use engine::files::Archived;
use engine::memory::{self, Memory};
use engine::run::Limits;
use ingest::archive::Archive;
use ingest::kafka::{KafkaConfig, TopicSettings};
use ingest::place::{LandingPlace, Rule};
use ingest::registry::RegistryConfig;
use ingest::store::Store;
use lake::Lake;
use object_store::path::Path as StorePath;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::args::{AsOf, Engine};

/// The configuration file. Unknown keys are errors. Paths are relative to the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where archive, tables and generations are: a folder, or an object store's address such as `s3://bucket/path`.
    pub storage: String,
    /// Folder for temporary files.
    pub work: PathBuf,
    /// Folder of the jobs.
    pub sql: PathBuf,
    /// Folder of the worked examples.
    pub examples: PathBuf,
    /// Business date to compute for; today in Stockholm when left out.
    pub as_of: Option<NaiveDate>,
    /// Seconds between two looks at the landing places in `up`.
    pub poll_seconds: u64,
    /// Seconds that the step under way has to end after SIGTERM or SIGINT, before it is abandoned.
    pub stop_seconds: u64,
    /// Where files appear.
    pub landing: Vec<Place>,
    /// The broker; without it deliveries are kept in a journal in the archive.
    pub kafka: Option<Kafka>,
    /// Where refreshing by key ends and computing in full begins.
    pub refresh: Limits,
    /// How much memory statements may take.
    pub memory: MemoryLimit,
    /// How long generations stay.
    pub retention: Retention,
    /// The cluster that computes what is computed in full, `ballista://HOST:PORT`; without it this process does.
    pub engine: Option<String>,
    /// Pages and API.
    pub serve: Serve,
    /// What is told to those who operate it.
    pub telemetry: Telemetry,
    /// Leave no deleted row in the files of the tables.
    #[serde(skip)]
    pub compact: bool,
    #[serde(skip)]
    base: PathBuf,
}

/// A landing place.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// A folder, or an object store's address.
    pub url: String,
    /// Which files are read as which format; the first rule that fits counts.
    pub rules: Vec<PlaceRule>,
}

/// Which files of a landing place are read as which format.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceRule {
    /// Pattern for the name, for example `*.xml`.
    pub pattern: String,
    /// A format (`reskontra parse --help` names them), or the name of a register mapping.
    pub format: String,
}

/// The broker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// Put before the name of a contract to name its topic.
    #[serde(default)]
    pub topic_prefix: String,
    /// Partitions of a topic that is created.
    #[serde(default = "one")]
    pub partitions: i32,
    /// Replicas of a topic that is created.
    #[serde(default = "one")]
    pub replication: i32,
    /// Names the one process that delivers.
    #[serde(default = "ingest_id")]
    pub transactional_id: String,
    /// Seconds to wait for the broker's answer, or for the next step of a long work.
    #[serde(default = "deadline")]
    pub deadline_seconds: u32,
    /// How long topics keep their messages, and how safely.
    #[serde(default)]
    pub topics: TopicSettings,
    /// The schema registry; without one the contracts are.
    pub registry: Option<RegistryConfig>,
    /// Further settings of librdkafka. `env:NAME` and `file:PATH` say where a value is; secrets stand nowhere else.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

/// How much memory statements may take.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryLimit {
    /// Of the whole process, for example `4GiB`; what does not fit is put on disk, below the work folder. Without it
    /// statements take what they need.
    #[serde(deserialize_with = "size")]
    pub limit: Option<u64>,
}

fn size<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    memory::bytes(&String::deserialize(input)?).map(Some).map_err(serde::de::Error::custom)
}

/// How long generations stay before `vacuum` takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// So many of the newest, whatever their age.
    pub generations: usize,
    /// All that were in service in so many days.
    pub days: u32,
    /// Hours that whoever reads or writes may take: longer than the longest run, page or question.
    pub grace_hours: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { generations: 100, days: 90, grace_hours: 24 }
    }
}

impl Retention {
    /// How long whoever reads or writes may take.
    pub fn grace(self) -> TimeDelta {
        TimeDelta::hours(self.grace_hours.into())
    }

    /// Which generations stay: never fewer than those that somebody who is given the grace may be at.
    pub fn keep(self, now: DateTime<Utc>) -> Keep {
        let since = now - TimeDelta::days(self.days.into()).max(self.grace());
        Keep { newest: self.generations, since }
    }
}

/// Pages and API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// Address to listen on.
    pub address: SocketAddr,
}

/// What is told to those who operate it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// Address of `/metrics`, `/healthz` and `/readyz` while a process goes on; none without.
    pub address: Option<SocketAddr>,
    /// How log lines look: `text` or `json`. `RESKONTRA_LOGS` goes before.
    pub logs: LogFormat,
    /// The collector of traces (OTLP over HTTP), for example `http://127.0.0.1:4318`; none without.
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` goes before.
    pub traces: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a terminal.
    #[default]
    Text,
    /// One object a line.
    Json,
}

impl Telemetry {
    /// With what the environment says.
    fn with_environment(mut self) -> Result<Self> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match set("RESKONTRA_LOGS").as_deref() {
            None => {}
            Some("text") => self.logs = LogFormat::Text,
            Some("json") => self.logs = LogFormat::Json,
            Some(other) => bail!("RESKONTRA_LOGS is {other}; it can be text or json"),
        }
        self.traces = set("OTEL_EXPORTER_OTLP_ENDPOINT").or(self.traces);
        Ok(self)
    }
}

const fn one() -> i32 {
    1
}

fn deadline() -> u32 {
    KafkaConfig::default().deadline_seconds
}

fn ingest_id() -> String {
    KafkaConfig::default().transactional_id
}

impl Default for Serve {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            storage: "store".to_owned(),
            work: std::env::temp_dir().join("reskontra"),
            sql: "sql".into(),
            examples: "tests/examples".into(),
            as_of: None,
            poll_seconds: 5,
            stop_seconds: 20,
            landing: Vec::new(),
            kafka: None,
            refresh: Limits::default(),
            memory: MemoryLimit::default(),
            retention: Retention::default(),
            engine: None,
            serve: Serve::default(),
            telemetry: Telemetry::default(),
            compact: false,
            base: PathBuf::new(),
        }
    }
}

impl Config {
    /// Reads `file`, or `reskontra.toml` when it exists, or takes the defaults.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let usual = Path::new("reskontra.toml");
        let Some(file) = file.or_else(|| usual.exists().then_some(usual)) else {
            return Ok(Self { telemetry: Telemetry::default().with_environment()?, ..Self::default() });
        };
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let mut config: Self = toml::from_str(&text).with_context(|| format!("in {}", file.display()))?;
        config.telemetry = config.telemetry.with_environment()?;
        config.base = file.parent().unwrap_or(Path::new("")).to_owned();
        let base = config.base.clone();
        for path in [&mut config.sql, &mut config.examples, &mut config.work] {
            *path = base.join(&*path);
        }
        Ok(config)
    }

    /// Holds this process to its memory limit, if it has one.
    pub fn limit_memory(&self) -> Result<()> {
        if let Some(limit) = self.memory.limit {
            Memory { limit, spill: self.work.join("spill") }.set()?;
        }
        Ok(())
    }

    /// How long the step under way has to end after the process was asked to stop.
    pub const fn grace(&self) -> Duration {
        Duration::from_secs(self.stop_seconds)
    }

    /// The business date: the argument, the configured one, or today in Stockholm.
    #[allow(clippy::disallowed_methods, reason = "the command line is where the clock is read")]
    pub fn as_of(&self, argument: AsOf) -> NaiveDate {
        let today = || Utc::now().with_timezone(&chrono_tz::Europe::Stockholm).date_naive();
        argument.as_of.or(self.as_of).unwrap_or_else(today)
    }

    /// With the engine of the command line, when it names one.
    #[must_use]
    pub fn on(self, engine: Engine) -> Self {
        Self { engine: engine.engine.or(self.engine), ..self }
    }

    /// Where that is computed which is computed in full.
    pub fn executor(&self) -> Result<Arc<dyn Executor>> {
        match &self.engine {
            Some(address) => Ok(cluster::open(address)?),
            None => Ok(Arc::new(Here)),
        }
    }

    /// The lake with archive, tables and generations.
    pub fn lake(&self) -> Result<Lake> {
        Ok(Lake::open(&self.address(&self.storage)?)?)
    }

    /// The library that the last generation was computed with; nothing when it keeps none.
    pub async fn library_in_service(&self, lake: &Lake) -> Result<Option<Library>> {
        match lake.latest_generation().await? {
            Some(generation) => self.library_of(lake, &generation).await,
            None => Ok(None),
        }
    }

    /// The library that a generation was computed with; nothing when it keeps none.
    pub async fn library_of(&self, lake: &Lake, generation: &Generation) -> Result<Option<Library>> {
        let Some(digest) = &generation.library else { return Ok(None) };
        let archived = Archived::open(lake, digest).await;
        let archived = archived.with_context(|| format!("reading the library of generation {}", generation.number))?;
        Ok(Some(archived.library))
    }

    /// The library that a generation is read with: the one that computed it, or where it keeps none, that in `sql/`.
    pub async fn library_behind(&self, lake: &Lake, generation: &Generation) -> Result<Library> {
        match self.library_of(lake, generation).await? {
            Some(library) => Ok(library),
            None => Ok(Library::load(&self.sql)?),
        }
    }

    /// The archive of raw files.
    pub fn archive(&self) -> Result<Archive> {
        Ok(Archive::new(self.store()?.folder("archive")))
    }

    /// The journal of deliveries without a broker.
    pub fn journal(&self) -> Result<Store> {
        Ok(self.store()?.folder("archive").folder("journal"))
    }

    fn store(&self) -> Result<Store> {
        Ok(Store::new(self.lake()?.store(), StorePath::default()))
    }

    /// The landing places.
    pub fn places(&self) -> Result<Vec<LandingPlace>> {
        if self.landing.is_empty() {
            bail!("no landing places: the configuration has no [[landing]]");
        }
        let environment: Vec<(String, String)> =
            std::env::vars().map(|(name, value)| (name.to_lowercase(), value)).collect();
        let open = |place: &Place| {
            let rules =
                place.rules.iter().map(|rule| Rule { pattern: rule.pattern.clone(), format: rule.format.clone() });
            Ok(LandingPlace::open(&place.name, &self.address(&place.url)?, environment.clone(), rules.collect())?)
        };
        self.landing.iter().map(open).collect()
    }

    /// How to reach the broker, if there is one.
    pub fn kafka(&self) -> Option<KafkaConfig> {
        let kafka = self.kafka.as_ref()?;
        Some(KafkaConfig {
            brokers: kafka.brokers.clone(),
            topic_prefix: kafka.topic_prefix.clone(),
            transactional_id: kafka.transactional_id.clone(),
            partitions: kafka.partitions,
            replication: kafka.replication,
            deadline_seconds: kafka.deadline_seconds,
            topics: kafka.topics.clone(),
            registry: kafka.registry.clone(),
            settings: kafka.settings.clone(),
            ..KafkaConfig::default()
        })
    }

    /// An address: as written when it has a scheme, otherwise a folder relative to the configuration file.
    fn address(&self, written: &str) -> Result<Url> {
        if written.contains("://") {
            return Url::parse(written).with_context(|| format!("{written} is no address"));
        }
        let folder = self.base.join(written);
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let folder = folder.canonicalize().with_context(|| format!("finding {}", folder.display()))?;
        match Url::from_directory_path(&folder) {
            Ok(url) => Ok(url),
            Err(()) => bail!("{} is no folder that can be addressed", folder.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_limit_is_a_size_with_a_unit() {
        let config: Config = toml::from_str("[memory]\nlimit = \"4GiB\"").unwrap();
        assert_eq!(config.memory.limit, Some(4 << 30));
        let error = toml::from_str::<Config>("[memory]\nlimit = \"4 gigabyte\"").unwrap_err().to_string();
        assert!(error.contains("4 gigabyte is no size") && error.contains("line 2"), "{error}");
        assert_eq!(toml::from_str::<Config>("[memory]").unwrap().memory.limit, None);
    }
}
