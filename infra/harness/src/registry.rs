use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use crate::maven::Artifact;
use crate::server::{Server, free_port};

const APICURIO: Artifact = Artifact {
    name: "Apicurio Registry",
    folder: "apicurio/2.6.13",
    coordinates: "io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all",
};

/// A schema registry (Apicurio, which speaks Confluent's API too) on a free loopback port, in memory. Dropping it kills
/// it.
#[derive(Debug)]
pub struct SchemaRegistry {
    port: u16,
    _server: Server,
}

impl SchemaRegistry {
    /// Installs it with Maven into the user's cache folder (about 150 MB) if it is not there, and says where it is.
    ///
    /// # Errors
    /// When Maven or Java is missing, or Maven fails.
    pub fn install() -> io::Result<PathBuf> {
        APICURIO.fetch()
    }

    /// Starts a registry that keeps its log in `dir`, and waits until it is ready; installs it first if need be.
    ///
    /// # Errors
    /// When it cannot be installed, or does not start within a minute and a half.
    pub fn start(dir: &Path) -> io::Result<Self> {
        let home = Self::install()?;
        std::fs::create_dir_all(dir)?;
        let port = free_port()?;
        let class_path = format!("{0}/*:{0}/lib/*", home.display());
        let command = [
            "java".into(),
            "-Xmx512m".into(),
            "-XX:+UseSerialGC".into(),
            "-XX:TieredStopAtLevel=1".into(),
            format!("-Dquarkus.http.port={port}"),
            "-Dquarkus.http.host=127.0.0.1".into(),
            "-cp".into(),
            class_path,
            "io.quarkus.runner.GeneratedMain".into(),
        ];
        let mut server = Server::start("Apicurio Registry", command.map(OsString::from), dir, &[])?;
        server.wait(|_| is_ready(port).unwrap_or(false))?;
        Ok(Self { port, _server: server })
    }

    /// The address of Confluent's API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.port)
    }
}

fn is_ready(port: u16) -> io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"GET /apis/ccompat/v7/subjects HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().is_some_and(|status| status.contains(" 200")))
}
