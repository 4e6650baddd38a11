//! A folder with landing places, a configuration, and what the stream made of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use city::truth::Truth;
use commit::generation::Generation;
use tempfile::TempDir;

use crate::program::{Ended, program, root, run};
use crate::row::Row;

/// When the files of a city arrived: the evening of its business date, so that two cities of one seed are equal.
const ARRIVED: Duration = Duration::from_secs(1_788_195_600);

/// A folder that goes away with its owner.
#[derive(Debug)]
pub struct Folder(TempDir);

/// The city of seed 1, received, landed, run and published once. Tests look at it and copy it, and never write to it.
pub fn published() -> &'static Folder {
    static CITY: OnceLock<Folder> = OnceLock::new();
    CITY.get_or_init(|| {
        let folder = Folder::city(1);
        folder.up().succeeded();
        folder
    })
}

impl Folder {
    /// A new city of scale 1.
    pub fn city(seed: u64) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let mut city = program("city");
        city.args(["--seed", &seed.to_string(), "--dir"]).arg(folder.path());
        city.arg("--sql").arg(root().join("sql")).arg("--examples").arg(root().join("tests/examples"));
        run(&mut city).succeeded();
        let arrived = |file: &Path| {
            File::options().write(true).open(file).unwrap().set_modified(SystemTime::UNIX_EPOCH + ARRIVED).unwrap();
        };
        each_file(&folder.path().join("landing"), &mut |file| arrived(file));
        // A city is so small that computing everything is cheaper; what is tested is the other way.
        folder.configure(|text| format!("{text}\n[refresh]\nlook_up = 0\n"));
        folder
    }

    /// A copy to go on from. The files at its landing places are the same ones, so that they are not taken for new.
    pub fn copy(&self) -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        each_file(self.path(), &mut |file| {
            let target = copy.path().join(file.strip_prefix(self.path()).unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            if file.starts_with(self.path().join("landing")) {
                fs::hard_link(file, target).unwrap();
            } else {
                fs::copy(file, target).unwrap();
            }
        });
        copy
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn landing(&self, place: &str) -> PathBuf {
        self.path().join("landing").join(place)
    }

    pub fn configuration(&self) -> PathBuf {
        self.path().join("reskontra.toml")
    }

    /// Changes the text of the configuration.
    pub fn configure(&self, change: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(self.configuration()).unwrap();
        fs::write(self.configuration(), change(text)).unwrap();
    }

    /// `reskontra` on this folder.
    pub fn reskontra(&self, arguments: &[&str]) -> Command {
        let mut command = program("reskontra");
        command.arg("--config").arg(self.configuration()).args(arguments);
        command
    }

    /// Gives the folder jobs of its own, to edit.
    pub fn own_sql(&self) -> PathBuf {
        let (from, sql) = (root().join("sql"), self.path().join("sql"));
        each_file(&from, &mut |file| {
            let copy = sql.join(file.strip_prefix(&from).unwrap());
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(file, copy).unwrap();
        });
        self.configure(|text| text.replace(&format!("sql = {from:?}"), "sql = \"sql\""));
        sql
    }

    /// Everything in one process, once.
    pub fn up(&self) -> Ended {
        let ended = run(&mut self.reskontra(&["up", "--once"]));
        println!("up --once took {:.1?}", ended.took);
        ended
    }

    /// The rows of a question to the last generation.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<Row> {
        let answer = run(&mut self.reskontra(&["query", "--format", "json", sql])).succeeded();
        answer.out.lines().map(Row::read).collect()
    }

    /// The published generations, the oldest first.
    pub fn generations(&self) -> Vec<Generation> {
        let Ok(listed) = fs::read_dir(self.path().join("store/generations")) else { return Vec::new() };
        let files =
            listed.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "json"));
        let read = |path| serde_json::from_reader(File::open(path).unwrap()).unwrap();
        let mut generations: Vec<Generation> = files.map(read).collect();
        generations.sort_by_key(|generation| generation.number);
        generations
    }

    /// The generation that is in service.
    #[track_caller]
    pub fn generation(&self) -> Generation {
        self.generations().pop().expect("a generation is published")
    }

    /// Writes the generation that is in service anew.
    pub fn change_generation(&self, change: impl FnOnce(&mut Generation)) {
        let mut generation = self.generation();
        change(&mut generation);
        let name = format!("store/generations/{:012}.json", generation.number);
        fs::write(self.path().join(name), serde_json::to_vec_pretty(&generation).unwrap()).unwrap();
    }

    /// What every job's table holds: its rows and their digest.
    #[track_caller]
    pub fn content(&self) -> BTreeMap<String, (u64, String)> {
        self.generation().tables.into_iter().map(|(job, table)| (job, (table.rows, table.digest))).collect()
    }

    /// The ground truth beside the city's files.
    pub fn truth(&self) -> Truth {
        Truth::read(&self.path().join("truth")).unwrap()
    }
}

/// Visits every file below a folder.
pub fn each_file(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            each_file(&entry.path(), visit);
        } else {
            visit(&entry.path());
        }
    }
}
