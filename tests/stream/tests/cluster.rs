//! Jobs that are computed on a cluster have the rows that they have here, also when an executor dies.
//!
//! A real scheduler and two real executors, each a process of its own. Only with the feature `ballista`:
//! `cargo xtask test cluster`.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::folder::{Folder, each_file, published};
use crate::program::{Ended, program, run};
use crate::ticks::{bring, hold_back};

/// How often is looked whether something has happened.
const LOOK: Duration = Duration::from_millis(5);
/// Longer than this nothing may take, on a slow and busy machine.
const DEADLINE: Duration = Duration::from_secs(600);

/// A scheduler and two executors that end with their owner.
struct Cluster {
    address: String,
    scheduler: Child,
    executors: Vec<Child>,
    work: TempDir,
}

impl Cluster {
    fn start() -> Self {
        let work = tempfile::tempdir().unwrap();
        let [scheduler_port, ports @ ..] = free_ports::<5>();
        let mut scheduler = program("reskontra-scheduler");
        scheduler.args(["--executor-timeout", "15", "--port"]).arg(scheduler_port.to_string());
        let scheduler = start(&mut scheduler, &work.path().join("scheduler.log"));
        reachable(scheduler_port);
        let executors = ports.chunks(2).enumerate().map(|(index, ports)| {
            let mut executor = program("reskontra-executor");
            executor.args(["--cores", "2", "--host", "localhost", "--scheduler-port"]).arg(scheduler_port.to_string());
            executor.arg("--port").arg(ports[0].to_string()).arg("--task-port").arg(ports[1].to_string());
            executor.arg("--work").arg(work.path().join(index.to_string()));
            let executor = start(&mut executor, &work.path().join(format!("executor-{index}.log")));
            reachable(ports[0]);
            executor
        });
        let executors = executors.collect();
        Self { address: format!("ballista://localhost:{scheduler_port}"), scheduler, executors, work }
    }

    /// Runs `reskontra` with these arguments on the cluster.
    fn reskontra(&self, folder: &Folder, arguments: &[&str]) -> Ended {
        let ended = run(&mut self.command(folder, arguments));
        println!("{arguments:?} on a cluster took {:.1?}", ended.took);
        ended
    }

    fn command(&self, folder: &Folder, arguments: &[&str]) -> Command {
        let mut command = folder.reskontra(arguments);
        command.args(["--engine", &self.address]);
        command
    }

    /// Files of an executor: what its tasks have computed.
    fn files(&self, executor: usize) -> u64 {
        files(&self.work.path().join(executor.to_string()))
    }

    /// What the programs of the cluster said.
    fn said(&self) -> String {
        let mut said = String::new();
        each_file(self.work.path(), &mut |file| {
            if file.extension().is_some_and(|kind| kind == "log") {
                said += &format!("── {}\n{}", file.display(), fs::read_to_string(file).unwrap_or_default());
            }
        });
        said
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in self.executors.iter_mut().chain([&mut self.scheduler]) {
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            println!("{}", self.said());
        }
    }
}

fn start(command: &mut Command, log: &Path) -> Child {
    command.stdout(Stdio::null()).stderr(fs::File::create(log).unwrap()).spawn().unwrap()
}

fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let listeners = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn reachable(port: u16) {
    until("a program of the cluster listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
}

fn until(what: &str, happened: impl Fn() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < DEADLINE, "waited in vain until {what}");
        std::thread::sleep(LOOK);
    }
}

fn files(folder: &Path) -> u64 {
    let mut count = 0;
    each_file(folder, &mut |_| count += 1);
    count
}

#[test]
fn jobs_on_a_cluster_have_the_rows_that_they_have_here() {
    let (cluster, folder) = (Cluster::start(), Folder::city(1));
    cluster.reskontra(&folder, &["up", "--once"]).succeeded();
    assert_eq!(folder.content(), published().content());
    assert_eq!(folder.generation().audit, published().generation().audit);
    for executor in 0..2 {
        assert!(cluster.files(executor) > 0, "executor {executor} has computed nothing");
    }
}

#[test]
fn an_executor_that_dies_in_the_middle_changes_no_row() {
    let (mut cluster, folder) = (Cluster::start(), Folder::city(1));
    let mut up = cluster.command(&folder, &["up", "--once"]);
    let log = cluster.work.path().join("up.log");
    let mut up = start(&mut up, &log);
    let tables = folder.path().join("store/tables");
    until("some tables are computed", || files(&tables) >= 10);
    let before = cluster.files(0);
    // A new file is a task that is done, of a job that is not.
    until("an executor is at work", || cluster.files(0) > before);
    cluster.executors[0].kill().unwrap();
    let (killed, computed) = (Instant::now(), files(&tables));
    assert!(up.try_wait().unwrap().is_none(), "it ended before an executor was killed");
    let status = up.wait().unwrap();
    println!("after {computed} tables an executor was killed; the run ended {:.1?} later", killed.elapsed());
    assert!(status.success(), "{status}\n{}", fs::read_to_string(&log).unwrap());
    assert_eq!(folder.content(), published().content());
}

#[test]
fn a_table_with_deleted_rows_is_refused_until_it_is_compacted() {
    let (cluster, folder) = (Cluster::start(), Folder::city(1));
    let later = hold_back(&folder, &[5, 5]);
    folder.up().succeeded();
    let mut later = later.into_iter();
    bring(later.next().unwrap());
    folder.up().succeeded();
    let here = folder.generation();

    let refused = cluster.reskontra(&folder, &["run", "--full"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.said.contains("has deleted rows that are still in its files"), "{refused}");
    assert!(refused.said.contains("reskontra run --compact"), "{refused}");
    let table = refused.said.split("the table ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!(here.tables.contains_key(table), "{table} is a table");
    assert_eq!(folder.generation().number, here.number, "nothing is published");

    run(&mut folder.reskontra(&["run", "--compact"])).succeeded();
    cluster.reskontra(&folder, &["run", "--full"]).succeeded();
    let rows = |generation: &commit::generation::Generation| -> Vec<_> {
        generation.tables.iter().map(|(job, table)| (job.clone(), table.rows, table.digest.clone())).collect()
    };
    assert_eq!(rows(&folder.generation()), rows(&here));

    // Some jobs by their keys here, and those that read what changed in full there.
    bring(later.next().unwrap());
    cluster.reskontra(&folder, &["up", "--once"]).succeeded();
    assert_eq!(folder.content(), published().content());
    cluster.reskontra(&folder, &["run", "--full"]).succeeded();
    assert_eq!(folder.content(), published().content());
}
