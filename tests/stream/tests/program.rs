//! The programs under test, run as a person runs them.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub said: String,
    /// How long it ran.
    pub took: Duration,
}

impl Ended {
    fn new(output: &Output, took: Duration) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            signal: output.status.signal(),
            out: text(&output.stdout),
            said: text(&output.stderr),
            took,
        }
    }

    /// Whether it was killed: the signal that no program can catch.
    pub fn is_killed(&self) -> bool {
        self.signal == Some(9)
    }

    /// The same, when the program succeeded.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        self
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {:?}, signal {:?}\n{}\n{}", self.code, self.signal, self.out, self.said)
    }
}

/// A program of the workspace, with nothing of this process' own settings.
pub fn program(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join(name);
    assert!(program.exists(), "{} is missing: run `cargo build --workspace --bins` first", program.display());
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let is_ours = |name: &str| {
            ["RESKONTRA_", "DATAFUSION_", "FAILPOINTS", "RUST_LOG"].iter().any(|ours| name.starts_with(ours))
        };
        if name.to_str().is_some_and(is_ours) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ended {
    let started = Instant::now();
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    Ended::new(&output, started.elapsed())
}

/// Runs `reskontra` with these arguments.
pub fn reskontra(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
    run(program("reskontra").args(arguments))
}

/// The root of the checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}
