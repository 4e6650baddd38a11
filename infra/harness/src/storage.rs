use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::server::{Server, cache, free_port};

const VERSION: &str = "v1.8.0";
const MODULE: &str = "github.com/versity/versitygw/cmd/versitygw";
const KEY: &str = "reskontra-tests";
const SECRET: &str = "reskontra-tests-secret";
const BUCKET: &str = "lake";

/// An S3-compatible object store (Versity Gateway, which honours conditional puts) on a free loopback port, over a
/// folder in which its objects are files. Dropping it kills it.
#[derive(Debug)]
pub struct ObjectStorage {
    root: PathBuf,
    port: u16,
    _server: Server,
}

impl ObjectStorage {
    /// Installs it with Go into the user's cache folder (about 60 MB) if it is not there, and says where it is.
    ///
    /// # Errors
    /// When Go is missing or fails.
    pub fn install() -> io::Result<PathBuf> {
        let home = cache()?.join("versitygw").join(VERSION);
        let program = home.join("versitygw");
        if program.is_file() {
            return Ok(program);
        }
        fs::create_dir_all(&home)?;
        let install = Command::new("go")
            .args(["install", "-trimpath", "-ldflags=-s -w"])
            .arg(format!("{MODULE}@{VERSION}"))
            .env("GOBIN", &home)
            .current_dir(&home)
            .stdin(Stdio::null())
            .output();
        let output = install.map_err(|error| {
            let hint = "the object store for tests is built with Go: install Go (1.24 or later)";
            io::Error::new(error.kind(), format!("go: {error}. {hint}"))
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("go could not build {MODULE} {VERSION}: {}", said.trim())));
        }
        Ok(program)
    }

    /// Starts a store that keeps everything in `dir`, with one empty bucket, and waits until it is ready; installs it
    /// first if need be.
    ///
    /// # Errors
    /// When it cannot be installed, or does not start.
    pub fn start(dir: &Path) -> io::Result<Self> {
        let program = Self::install()?;
        fs::create_dir_all(dir)?;
        let dir = dir.canonicalize()?;
        let (root, identities) = (dir.join("objects"), dir.join("identities"));
        fs::create_dir_all(root.join(BUCKET))?;
        fs::create_dir_all(&identities)?;
        let port = free_port()?;
        let address = format!("127.0.0.1:{port}");
        let command = [
            program.into_os_string(),
            "--port".into(),
            address.clone().into(),
            "--quiet".into(),
            "--iam-dir".into(),
            identities.into_os_string(),
            "posix".into(),
            root.clone().into_os_string(),
        ];
        let environment = [("ROOT_ACCESS_KEY", KEY), ("ROOT_SECRET_KEY", SECRET)];
        let mut server = Server::start("Versity Gateway", command, &dir, &environment)?;
        server.wait(|_| TcpStream::connect(&address).is_ok())?;
        Ok(Self { root: root.join(BUCKET), port, _server: server })
    }

    /// Its address, `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The bucket's objects, as files.
    #[must_use]
    pub fn objects(&self) -> &Path {
        &self.root
    }

    /// The address of a folder in the bucket.
    #[must_use]
    pub fn url(&self, folder: &str) -> String {
        format!("s3://{BUCKET}/{folder}")
    }

    /// What a client's environment says of it, when it is reached at `address`.
    #[must_use]
    pub fn environment(&self, address: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ENDPOINT", format!("http://{address}")),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
        ]
    }
}
