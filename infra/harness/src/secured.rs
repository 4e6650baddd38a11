use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::kafka::{Kafka, format_storage};
use crate::maven::Artifact;

/// The tools of the distribution; of this version only, which speaks to newer brokers too.
const TOOLS: Artifact = Artifact {
    name: "Apache Kafka's tools",
    folder: "kafka-tools/4.3.1",
    coordinates: "org.apache.kafka:kafka-tools:4.3.1",
};

const ADMINISTRATOR: &str = "admin";

/// An [`Kafka`] that lets nobody in without a password (SASL/SCRAM-SHA-512 over TLS), and lets nobody do anything without
/// an ACL. Every user's password is the user's name with `-secret` behind it.
#[derive(Debug)]
pub struct SecuredKafka {
    kafka: Kafka,
    dir: PathBuf,
}

impl SecuredKafka {
    /// Installs the broker and its tools where they are not there.
    ///
    /// # Errors
    /// When Maven or Java is missing, or Maven fails.
    pub fn install() -> io::Result<PathBuf> {
        Kafka::install()?;
        TOOLS.fetch()
    }

    /// Starts one in an empty `dir`, with a certificate of its own, and waits until it is ready.
    ///
    /// # Errors
    /// When it cannot be installed, or does not start.
    pub fn start(dir: &Path, users: &[&str]) -> io::Result<Self> {
        let tools = Self::install()?;
        let jars = Kafka::install()?;
        let dir = dir.canonicalize()?;
        certify(&dir)?;
        let scram = |user: &str| format!("SCRAM-SHA-512=[name={user},password={user}-secret]");
        let users: Vec<String> = users.iter().chain(&[ADMINISTRATOR]).map(|user| scram(user)).collect();
        let security = format!(
            "ssl.keystore.type=PKCS12
ssl.keystore.location={}
ssl.keystore.password=broker-secret
listener.name.clients.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:ANONYMOUS;User:{ADMINISTRATOR}
",
            dir.join("broker.p12").display()
        );
        format_storage(&dir, &jars, &dir.join("server.properties"), "SASL_SSL", &security, &users)?;
        let administrator = format!(
            "security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"{ADMINISTRATOR}\" \
             password=\"{ADMINISTRATOR}-secret\";
ssl.truststore.type=PEM
ssl.truststore.location={}
",
            dir.join("broker.pem").display()
        );
        fs::write(dir.join("admin.properties"), administrator)?;
        let tool = dir.join("kafka-acls.sh");
        let class = "org.apache.kafka.tools.AclCommand";
        let script =
            format!("#!/bin/sh\nexec java -XX:TieredStopAtLevel=1 -cp '{}/*' {class} \"$@\"\n", tools.display());
        fs::write(&tool, script)?;
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755))?;
        Ok(Self { kafka: Kafka::go_on(&dir, &jars)?, dir })
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.kafka.address()
    }

    /// The certificate that clients must trust.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.dir.join("broker.pem")
    }

    /// Runs commands of the administrator, `kafka-acls.sh …`, side by side.
    ///
    /// # Errors
    /// When one cannot be run or fails.
    pub fn administer(&self, commands: &[String]) -> io::Result<()> {
        let path = std::env::join_paths(
            std::iter::once(self.dir.clone())
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
        );
        let path = path.map_err(io::Error::other)?;
        let start = |command: &String| {
            let mut shell = Command::new("sh");
            shell.args(["-c", command]).env("PATH", &path).current_dir(&self.dir);
            shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
        };
        let started = commands.iter().map(start).collect::<io::Result<Vec<_>>>()?;
        for (process, command) in started.into_iter().zip(commands) {
            let output = process.wait_with_output()?;
            if !output.status.success() {
                let said =
                    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
                return Err(io::Error::other(format!("{command}: {}", said.trim())));
            }
        }
        Ok(())
    }
}

/// Makes a key with a certificate for this address, and the certificate alone for those who are to trust it.
fn certify(dir: &Path) -> io::Result<()> {
    let keytool = |arguments: &[&str]| {
        let store = ["-keystore", "broker.p12", "-storetype", "PKCS12", "-storepass", "broker-secret"];
        let output = Command::new("keytool").args(arguments).args(store).current_dir(dir).output()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(io::Error::other(format!("keytool: {}", String::from_utf8_lossy(&output.stdout).trim()))),
        }
    };
    keytool(&["-genkeypair", "-alias", "broker", "-keyalg", "EC", "-dname", "CN=broker", "-ext", "san=ip:127.0.0.1"])?;
    keytool(&["-exportcert", "-rfc", "-alias", "broker", "-file", "broker.pem"])
}
