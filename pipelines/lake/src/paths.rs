//! Where things are, below the root of the lake. The only place that builds these paths.

use object_store::path::Path;

/// The landing table of a contract.
pub fn landing(contract: &str) -> Path {
    Path::from(format!("landing/{contract}"))
}

/// The entry of a version in a table's log.
pub fn log_entry(table: &Path, version: u64) -> Path {
    table.clone().join("_delta_log").join(format!("{version:020}.json"))
}

/// The table of a job.
pub fn job(name: &str) -> Path {
    Path::from(format!("tables/{name}"))
}

/// The index of a table by a column. Delta and its readers pass over folders that begin with `_`.
pub fn index(table: &Path, column: &str) -> Path {
    indexes(table).join(column)
}

/// All indexes of a table.
pub fn indexes(table: &Path) -> Path {
    table.clone().join("_index")
}

/// The name of the object that says what an index holds.
pub const INDEX_MANIFEST: &str = "index.json";

/// What an index holds.
pub fn index_manifest(index: &Path) -> Path {
    index.clone().join(INDEX_MANIFEST)
}

/// The folder of generations.
pub fn generations() -> Path {
    Path::from("generations")
}

/// A generation; numbers sort as text.
pub fn generation(number: u64) -> Path {
    Path::from(format!("generations/{number:012}.json"))
}

/// A generation that is no longer offered, whose readers are given time.
pub fn retired(number: u64) -> Path {
    retirements().join(format!("{number:012}.json"))
}

/// The folder of generations that are no longer offered.
pub fn retirements() -> Path {
    Path::from("retired")
}

/// The folders that tables stand in.
pub fn table_folders() -> [Path; 2] {
    [Path::from("landing"), Path::from("tables")]
}

/// The number in the path of a generation, or of one that is no longer offered.
pub fn generation_number(path: &Path) -> Option<u64> {
    path.filename()?.strip_suffix(".json")?.parse().ok()
}

/// A library of jobs, by the digest of what it holds.
pub fn library(digest: &str) -> Path {
    Path::from(format!("library/{digest}.json"))
}

/// What the last run came to.
pub fn last_run() -> Path {
    Path::from("runs/last.json")
}
