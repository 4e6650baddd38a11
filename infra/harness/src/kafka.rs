use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::maven::Artifact;
use crate::server::{Server, free_port};

const KAFKA: Artifact = Artifact {
    name: "Apache Kafka",
    folder: "kafka/4.4.0",
    coordinates: "org.apache.kafka:kafka_2.13:4.4.0
        org.apache.logging.log4j:log4j-slf4j-impl:2.25.2
        org.apache.logging.log4j:log4j-core:2.25.2",
};

const LOG4J: &str = "\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
";

/// Any cluster id will do: one directory is one cluster.
const CLUSTER: &str = "UmVza29udHJhVGVzdHMwMA";

const JVM: [&str; 3] = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/// A single-node Apache Kafka (KRaft) on a free loopback port. Dropping it kills it, as a power cut would.
#[derive(Debug)]
pub struct Kafka {
    address: String,
    _server: Server,
}

impl Kafka {
    /// Installs Kafka with Maven into the user's cache folder (about 100 MB) if it is not there, and says where
    /// its jars are.
    ///
    /// # Errors
    /// When Maven or Java is missing, or Maven fails.
    pub fn install() -> io::Result<PathBuf> {
        KAFKA.fetch()
    }

    /// Starts a broker that keeps everything in `dir`, and waits until it is ready; installs it first if need be.
    /// A directory that was used before is gone on with, at the same address.
    ///
    /// # Errors
    /// When it cannot be installed, or does not start within a minute and a half.
    pub fn start(dir: &Path) -> io::Result<Self> {
        let jars = Self::install()?;
        fs::create_dir_all(dir)?;
        let dir = dir.canonicalize()?;
        let properties = dir.join("server.properties");
        if !properties.exists() {
            format_storage(&dir, &jars, &properties, "PLAINTEXT", "", &[])?;
        }
        Self::go_on(&dir, &jars)
    }

    /// Starts the broker that a directory is formatted for.
    pub(crate) fn go_on(dir: &Path, jars: &Path) -> io::Result<Self> {
        let properties = dir.join("server.properties");
        let address = listener(&fs::read_to_string(&properties)?)?;
        let command = java(dir, jars, "kafka.Kafka").chain([properties.into_os_string()]);
        let mut server = Server::start("Apache Kafka", command, dir, &[])?;
        server.wait(|log| log.contains("Kafka Server started"))?;
        Ok(Self { address, _server: server })
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

pub(crate) fn java<'a>(dir: &Path, jars: &Path, class: &'a str) -> impl Iterator<Item = std::ffi::OsString> + use<'a> {
    let log4j = format!("-Dlog4j2.configurationFile={}", dir.join("log4j2.properties").display());
    let class_path = jars.join("*").into_os_string();
    let fixed = JVM.iter().map(OsStr::new).map(OsStr::to_owned);
    let java: std::ffi::OsString = "java".into();
    std::iter::once(java).chain(fixed).chain([log4j.into(), "-cp".into(), class_path, class.into()])
}

/// Formats a directory for a broker whose clients use a protocol, with more settings and SCRAM users.
pub(crate) fn format_storage(
    dir: &Path,
    jars: &Path,
    properties: &Path,
    protocol: &str,
    more: &str,
    users: &[String],
) -> io::Result<()> {
    fs::write(dir.join("log4j2.properties"), LOG4J)?;
    let staged = dir.join("server.properties.new");
    let mut file = File::create(&staged)?;
    let settings = settings(&dir.join("data"), [free_port()?, free_port()?, free_port()?], protocol);
    file.write_all(settings.as_bytes())?;
    file.write_all(more.as_bytes())?;
    drop(file);
    let mut command = java(dir, jars, "kafka.tools.StorageTool");
    let program = command.next().unwrap_or_default();
    let output = Command::new(program)
        .args(command)
        .args(["format", "-t", CLUSTER, "-c"])
        .arg(&staged)
        .args(users.iter().flat_map(|user| ["--add-scram", user]))
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            io::Error::new(error.kind(), format!("java: {error}; install a Java runtime (17 or later)"))
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("the broker's directory could not be formatted: {}", said.trim())));
    }
    fs::rename(staged, properties)
}

fn settings(data: &Path, [broker, controller, own]: [u16; 3], protocol: &str) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=CLIENTS://127.0.0.1:{broker},OWN://127.0.0.1:{own},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{broker},OWN://127.0.0.1:{own}
inter.broker.listener.name=OWN
listener.security.protocol.map=CLIENTS:{protocol},OWN:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.session.timeout.ms=3000
log.cleaner.backoff.ms=200
log.initial.task.delay.ms=100
log.retention.check.interval.ms=200
",
        data.display()
    )
}

fn listener(properties: &str) -> io::Result<String> {
    let line = properties.lines().find_map(|line| line.strip_prefix("advertised.listeners=CLIENTS://"));
    line.and_then(|line| line.split(',').next())
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other("server.properties names no listener"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_broker_comes_back_at_the_same_address_and_none_stays_behind() {
        let dir = std::env::temp_dir().join(format!("reskontra-harness-{}", std::process::id()));
        let first = Kafka::start(&dir).unwrap();
        let address = first.address().to_owned();
        drop(first);
        assert!(std::net::TcpStream::connect(&address).is_err(), "still listening");
        let second = Kafka::start(&dir).unwrap();
        assert_eq!(second.address(), address);
        drop(second);
        fs::remove_dir_all(dir).unwrap();
    }
}
