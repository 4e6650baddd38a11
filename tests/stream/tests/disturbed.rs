//! What happens around the programs: a full disk, a broker that comes and goes, a store that is slow or overloaded, and
//! two who do the same. Afterwards the tables are those of an undisturbed run.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use harness::{Kafka, ObjectStorage, Wire};

use crate::folder::{Folder, each_file};
use crate::matrix::on;
use crate::matrix::sound::{Content, check};
use crate::matrix::town::first;
use crate::program::{Ended, run};

/// The town and what it holds after an undisturbed run.
fn town() -> (Folder, Content) {
    let (town, undisturbed) = (first(), first());
    undisturbed.up().succeeded();
    (town, Content::of(&undisturbed))
}

/// A program that is held at a point.
struct Held {
    child: Child,
    release: PathBuf,
    said: JoinHandle<String>,
    since: Instant,
}

impl Held {
    /// Starts a verb on a folder; it is there when this returns.
    fn at(point: &str, folder: &Folder, verb: &str) -> Self {
        let (since, release) = (Instant::now(), folder.path().join(format!("release-{verb}-{point}")));
        let mut command = folder.reskontra(&[verb]);
        command.env("FAILPOINTS", format!("{point}=hold({})", release.display()));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, told) = mpsc::channel();
        let wanted = format!("{}{point}", faults::REACHED);
        let said = std::thread::spawn(move || {
            let mut said = String::new();
            for line in lines.map_while(Result::ok) {
                if line == wanted {
                    let _ = tell.send(());
                }
                said += &line;
                said.push('\n');
            }
            said
        });
        told.recv_timeout(Duration::from_secs(600)).unwrap_or_else(|_| panic!("{verb} did not come to {point}"));
        Self { child, release, said, since }
    }

    /// Lets it go on to its end.
    fn release(self) -> Ended {
        fs::write(&self.release, "").unwrap();
        let output = self.child.wait_with_output().unwrap();
        Ended {
            code: output.status.code(),
            signal: output.status.signal(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            said: self.said.join().unwrap(),
            took: self.since.elapsed(),
        }
    }
}

fn step(folder: &Folder, verb: &str) -> Ended {
    run(&mut folder.reskontra(&[verb])).succeeded()
}

#[test]
fn a_disk_that_fills_up_loses_nothing() {
    const SCRIPT: &str = "mount -t tmpfs -o size=$SIZE tmpfs store && shift && \"$0\" \"$@\"; first=$?
        mount -o remount,size=1g store && \"$0\" \"$@\" && cp -a store kept && exit $first; exit 90";
    let may_mount = Command::new("unshare").args(["--map-root-user", "--mount", "true"]).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        println!("SKIPPED: this machine lets nobody mount a small file system (unshare --map-root-user --mount)");
        return;
    }
    let (town, wanted) = town();
    let full = town.copy();
    full.up().succeeded();
    let mut pages = 0;
    each_file(&full.path().join("store"), &mut |file| pages += fs::metadata(file).unwrap().len().div_ceil(4096));
    for part in [10, 40, 70, 95] {
        let folder = town.copy();
        fs::create_dir_all(folder.path().join("store")).unwrap();
        let program = folder.reskontra(&["up", "--once"]);
        let mut inside = Command::new("unshare");
        inside.args(["--map-root-user", "--mount", "sh", "-c", SCRIPT]).arg(program.get_program()).arg("");
        inside.args(program.get_args()).env("SIZE", (pages * 4096 * part / 100).to_string());
        let ended = run(inside.current_dir(folder.path()));
        assert_eq!(ended.code, Some(1), "{part} % of the room: {ended}");
        assert!(ended.said.contains("No space left on device"), "{ended}");
        fs::remove_dir(folder.path().join("store")).unwrap();
        fs::rename(folder.path().join("kept"), folder.path().join("store")).unwrap();
        check(&folder, &wanted, &format!("{part} % of the room"));
    }
}

#[test]
fn of_two_runs_on_one_folder_one_publishes_and_the_other_says_so() {
    let (folder, wanted) = town();
    step(&folder, "ingest");
    step(&folder, "land");
    // It has computed and audited everything when the other one begins, and commits over its tables.
    let late = Held::at("audit:after", &folder, "run");
    step(&folder, "run");
    assert_eq!(Content::of(&folder), wanted);
    let late = late.release();
    assert_eq!(late.code, Some(1), "{late}");
    assert!(late.said.contains("was published by another run; run again"), "{late}");
    assert_eq!(Content::of(&folder), wanted, "the generation in service is untouched");
    step(&folder, "run");
    check(&folder, &wanted, "two runs");
}

#[test]
fn two_who_land_the_same_do_it_once() {
    let (folder, wanted) = town();
    step(&folder, "ingest");
    let late = Held::at("landing-commit:before", &folder, "land");
    let rows = step(&folder, "land").out;
    assert_ne!(rows, "0 rows landed\n");
    assert_eq!(late.release().succeeded().out, "0 rows landed\n");
    step(&folder, "run");
    check(&folder, &wanted, "two who land");
}

#[test]
fn of_two_who_deliver_without_a_broker_the_second_is_refused() {
    let (folder, wanted) = town();
    let late = Held::at("journal:before", &folder, "ingest");
    step(&folder, "ingest");
    let late = late.release();
    assert_eq!(late.code, Some(1), "{late}");
    assert!(late.said.contains("journal entry 1"), "{late}");
    step(&folder, "ingest");
    step(&folder, "land");
    step(&folder, "run");
    check(&folder, &wanted, "two who deliver");
}

#[test]
fn a_broker_that_comes_and_goes_and_a_deliverer_that_is_fenced_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let kafka = Kafka::start(dir.path()).unwrap();
    let (town, wanted) = town();
    let folder = on(&kafka, town.copy());

    // Another one takes over the transactional id while a transaction is open.
    let late = Held::at("transaction:before", &folder, "ingest");
    step(&folder, "ingest");
    let late = late.release();
    assert_eq!(late.code, Some(1), "{late}");
    assert!(late.said.contains("transactional id"), "{late}");
    step(&folder, "land");
    step(&folder, "run");
    check(&folder, &wanted, "fenced");

    // The broker is away for a while, first while files are delivered, then while they are landed.
    let folder = on(&kafka, town.copy());
    let delivering = Held::at("send:before", &folder, "ingest");
    drop(kafka);
    let kafka = Kafka::start(dir.path()).unwrap();
    let delivered = delivering.release();
    println!("delivering while the broker was away ended with {:?}", delivered.code);
    assert_ne!(delivered.code, None, "{delivered}");
    step(&folder, "ingest");
    let landing = Held::at("landing-stage:before", &folder, "land");
    drop(kafka);
    let _kafka = Kafka::start(dir.path()).unwrap();
    let landed = landing.release();
    println!("landing while the broker was away ended with {:?}", landed.code);
    step(&folder, "land");
    step(&folder, "run");
    check(&folder, &wanted, "a broker away");
}

#[test]
fn an_object_store_that_is_slow_or_overloaded_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let storage = ObjectStorage::start(dir.path()).unwrap();
    let wire = Wire::to(storage.address()).unwrap();
    let (folder, wanted) = town();
    folder.configure(|text| text.replace("storage = \"store\"", &format!("storage = {:?}", storage.url("town"))));
    let up = || {
        let mut command = folder.reskontra(&["up", "--once"]);
        command.envs(storage.environment(wire.address()));
        command
    };
    wire.slow(Duration::from_millis(20));
    let mut running = up().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while running.try_wait().unwrap().is_none() {
        wire.fail(true);
        std::thread::sleep(Duration::from_millis(150));
        wire.fail(false);
        std::thread::sleep(Duration::from_millis(850));
    }
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(wire.lost() > 3, "the store was overloaded {} times", wire.lost());
    wire.slow(Duration::ZERO);
    let again = run(&mut up()).succeeded();
    assert!(again.out.contains("0 accepted") && again.out.contains("0 rows landed"), "{again}");
    fs::rename(storage.objects().join("town"), folder.path().join("store")).unwrap();
    assert_eq!(Content::of(&folder), wanted);
}
