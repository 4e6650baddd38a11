//! Where a program can be made to die: named points before and after every step that leaves something behind.
//!
//! A step calls `faults::JOURNAL.before()` and `faults::JOURNAL.after()`. Both are nothing at all unless the feature
//! `failpoints` is on, which only the end-to-end tests ask for. Then the variable `FAILPOINTS` says what happens at a
//! point: `journal:after=kill` sends SIGKILL to the program itself, `journal:after=2*kill` when it comes there for the
//! third time; `archive:before=say` writes a line to standard error each time, and `publish:before=hold(FILE)` does so
//! and waits until FILE exists. Several are separated by `;`.
//!
//! [`STAGES`] is the one list. The kill matrix goes through it, and fails when one of its points is never reached.

/// A step of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// The moment before it.
    pub before: Point,
    /// The moment after it.
    pub after: Point,
}

/// A moment at which a program can be made to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// `stage:before` or `stage:after`.
    pub name: &'static str,
    /// What has happened by then, and what has not.
    pub state: &'static str,
}

impl Stage {
    /// The step is about to be taken.
    #[inline]
    pub fn before(&self) {
        reach(self.before.name);
    }

    /// The step has been taken, and nobody was told.
    #[inline]
    pub fn after(&self) {
        reach(self.after.name);
    }
}

macro_rules! stages {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, before: $before:literal, after: $after:literal;)*) => {
        $(
            $(#[$doc])*
            pub const $constant: Stage = Stage {
                name: $name,
                before: Point { name: concat!($name, ":before"), state: $before },
                after: Point { name: concat!($name, ":after"), state: $after },
            };
        )*

        /// All of them, in the order in which a file goes through them.
        pub const STAGES: &[Stage] = &[$($constant),*];
    };
}

stages! {
    /// The raw file is put into the archive.
    ARCHIVE = "archive",
        before: "a file was found and copied to the work folder; nothing of it is kept",
        after: "the raw file is in the archive; no delivery speaks of it";
    /// A file is parsed into rows that wait in memory or in the work folder.
    PARSE = "parse",
        before: "the raw file is in the archive; nothing of it is read",
        after: "its rows are read; no delivery speaks of it";
    /// Without a broker: the entry of a delivery is put into the journal.
    JOURNAL = "journal",
        before: "the journal has no entry for the file",
        after: "the journal has the entry; readers of the journal find the file";
    /// With a broker: the rows of one topic are handed to the producer.
    SEND = "send",
        before: "a transaction is begun; the rows of earlier topics of the file may be with the broker",
        after: "the topic's rows may be with the broker; the transaction is open";
    /// With a broker: the transaction of a file is committed.
    TRANSACTION = "transaction",
        before: "the broker has everything of the file; the transaction is open",
        after: "the transaction is committed; whether readers see it already is not known";
    /// The deliverer waits until readers see what was delivered.
    SETTLE = "settle",
        before: "all files of a landing place are delivered; readers may not see the last ones",
        after: "readers see all that was delivered";
    /// A table is created, without rows.
    CREATE = "create",
        before: "there is no table of that name",
        after: "the table is there, empty, and has no positions";
    /// Rows that are to be landed are written into data files.
    LANDING_STAGE = "landing-stage",
        before: "nothing of the offered rows is written",
        after: "the data files are written; no version of the table names them";
    /// Rows and positions are committed to a landing table.
    LANDING_COMMIT = "landing-commit",
        before: "the data files are written; the table's head is where it was",
        after: "rows and positions are in the table, in one version";
    /// Many small files of a table have been merged, and are replaced in one commit.
    COMPACTION = "compaction",
        before: "the merged files are written; the table names the small ones",
        after: "the table names the merged files; the last generation shows the version before";
    /// A job's rows, or those that changed, are computed and written into data files.
    JOB_STAGE = "job-stage",
        before: "nothing of the job is computed",
        after: "the job's new files are written; no version of its table names them";
    /// Which rows of a table's runs are deleted is written into a file.
    VECTORS = "vectors",
        before: "the new rows are written; no file says which old ones go",
        after: "both are written; no version of the table names them";
    /// What an index holds is put beside its runs.
    INDEX = "index",
        before: "the runs of the index are written; its manifest does not name them",
        after: "the manifest names the new runs";
    /// Staged files that hold what the table holds already are deleted.
    DISCARD = "discard",
        before: "files that no version will ever name are still there",
        after: "they are gone";
    /// The invariants are checked on what was computed.
    AUDIT = "audit",
        before: "every job is computed; nothing is checked",
        after: "every invariant is checked; nothing is committed";
    /// The library of jobs is kept in the lake.
    LIBRARY = "library",
        before: "the audit has held; the lake does not have the library",
        after: "the lake has the library; no generation names it";
    /// A job's new files become a version of its table.
    JOB_COMMIT = "job-commit",
        before: "some jobs' tables may have new versions, this one has not",
        after: "the table has a new version that no generation shows";
    /// The rows of an earlier generation become those of a job's table again.
    RESTORE = "restore",
        before: "some jobs' tables may hold the earlier rows, this one does not",
        after: "the table holds the earlier rows in a version that no generation shows";
    /// A generation is put, from which on readers see it.
    PUBLISH = "publish",
        before: "all tables have their new versions; readers see the generation before",
        after: "readers see the new generation; nobody was told";
    /// A generation that nobody asks for any more is taken out of those that are offered.
    RETIRE = "retire",
        before: "it is written down that the generation goes; readers still find it",
        after: "readers no longer find it; its files are there";
    /// Files that nothing needs are deleted.
    SWEEP = "sweep",
        before: "files that nothing needs are still there",
        after: "they are gone";
    /// A raw file that is past its retention is deleted.
    DISPOSE = "dispose",
        before: "why the file goes is written down; it is still in the archive",
        after: "it is gone";
    /// What the run came to is kept for the pages.
    REPORT = "report",
        before: "the run is over; the pages show the run before",
        after: "the pages show the run";
}

#[cfg(not(feature = "failpoints"))]
#[inline]
const fn reach(_: &str) {}

#[cfg(feature = "failpoints")]
use armed::reach;

#[cfg(feature = "failpoints")]
mod armed;

/// What a point that is told to `say` or `hold` writes before its name.
pub const REACHED: &str = "reached ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_have_names_of_their_own() {
        let mut names: Vec<&str> = STAGES.iter().flat_map(|stage| [stage.before.name, stage.after.name]).collect();
        assert!(names.iter().all(|name| !name.contains(['=', ';'])), "they stand in FAILPOINTS");
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!((names.len(), all), (all, 2 * STAGES.len()));
    }
}
