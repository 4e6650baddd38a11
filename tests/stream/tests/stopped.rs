//! Asked to stop, a process ends cleanly and in time, whatever it is at.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::folder::{Folder, each_file, published};

/// A process that goes on until it is asked to stop.
struct Running(Child);

impl Running {
    fn start(folder: &Folder, verb: &str) -> Self {
        let mut command = folder.reskontra(&[verb]);
        Self(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Waits until it says something.
    fn says(&mut self, what: &str) {
        let lines = BufReader::new(self.0.stderr.take().unwrap());
        let mut lines = lines.lines();
        let said = lines.by_ref().map(Result::unwrap).find(|line| line.contains(what));
        assert!(said.is_some(), "it ended and never said {what:?}");
        // What it says from now on must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Sends a signal and gives how it ended, and after how long.
    fn signal(mut self, name: &str) -> (ExitStatus, Duration) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let asked = Instant::now();
        if let Some(mut said) = self.0.stderr.take() {
            std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        }
        (self.0.wait().unwrap(), asked.elapsed())
    }
}

#[test]
fn asked_to_stop_while_it_waits_everything_ends_at_once_and_without_error() {
    let folder = published().copy();
    folder.configure(|text| format!("stop_seconds = 60\n{text}\n[serve]\naddress = \"127.0.0.1:0\"\n"));
    for (verb, signal) in [("up", "TERM"), ("serve", "INT")] {
        let mut process = Running::start(&folder, verb);
        process.says("serving at");
        let (status, took) = process.signal(signal);
        assert_eq!(status.code(), Some(0), "{verb}: {status}");
        assert!(took < Duration::from_secs(50), "{verb} ended only after {took:?}");
    }
}

#[test]
fn a_step_that_takes_too_long_to_end_is_abandoned_and_loses_nothing() {
    let folder = Folder::city(1);
    folder.configure(|text| format!("stop_seconds = 0\n{text}\n[serve]\naddress = \"127.0.0.1:0\"\n"));
    for (stage, files) in [("archive", 20), ("landing", 5), ("tables", 10)] {
        let process = Running::start(&folder, "up");
        let written = || {
            let mut count = 0;
            each_file(&folder.path().join("store").join(stage), &mut |_| count += 1);
            count
        };
        let goal = written() + files;
        while written() < goal {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (status, took) = process.signal("TERM");
        assert_eq!(status.code(), Some(0), "{stage}: {status}");
        assert!(took < Duration::from_secs(50), "while it wrote {stage} it ended only after {took:?}");
    }
    assert_eq!(folder.generations().len(), 0, "it was stopped before it published");
    folder.up().succeeded();
    assert_eq!(folder.content(), published().content());
}
