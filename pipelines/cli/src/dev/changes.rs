use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::examples::stem;

/// What saved files mean.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Jobs whose file is another one than before.
    pub jobs: BTreeSet<Change>,
    /// Jobs whose examples are others than before.
    pub examples: BTreeSet<String>,
    /// Whether parameters, invariants or the catalogue have changed, or a job has gone.
    pub library: bool,
    /// Whether a contract has changed.
    pub contracts: bool,
}

/// A job's file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The job.
    pub name: String,
    /// Its folder under `sql/`.
    pub area: String,
    /// The file, as the library names it.
    pub file: PathBuf,
}

impl Changes {
    /// Counts a file in, when it is one that means something.
    pub fn add(&mut self, config: &Config, file: &Path) {
        let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if let Some(inside) = under(&config.sql, file) {
            let area = inside.iter().next().map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
            match (area.as_str(), extension) {
                ("parameters", "csv") | ("invariants", "sql") | (_, "csv") => self.library = true,
                (_, "sql") if inside.iter().count() == 2 && file.exists() => {
                    let file = config.sql.join(&inside);
                    self.jobs.insert(Change { name: stem(&file), area, file });
                }
                (_, "sql") => self.library = true,
                _ => {}
            }
        } else if under(&config.examples, file).is_some() {
            if extension == "md" && file.exists() {
                self.examples.insert(stem(file));
            }
        } else if extension == "avsc" {
            self.contracts = true;
        }
    }

    /// Whether nothing has changed that means something.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The path of `file` inside `folder`; nothing when it is elsewhere.
fn under(folder: &Path, file: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let file = match file.canonicalize() {
        Ok(file) => file,
        // Of a file that has gone, its folder is still there.
        Err(_) => file.parent()?.canonicalize().ok()?.join(file.file_name()?),
    };
    file.strip_prefix(&folder).ok().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_means_a_job_its_examples_or_the_whole_library() {
        let root = tempfile::tempdir().unwrap();
        let path = |path: &str| root.path().join(path);
        for folder in ["sql/ar", "sql/parameters", "sql/invariants", "examples/ar"] {
            std::fs::create_dir_all(path(folder)).unwrap();
        }
        for file in ["sql/ar/a.sql", "sql/ar/.a.sql.swp", "examples/ar/a.md"] {
            std::fs::write(path(file), "").unwrap();
        }
        let mut config = Config::default();
        config.sql = path("sql");
        config.examples = path("examples");
        let changes = |files: &[&str]| {
            let mut changes = Changes::default();
            files.iter().for_each(|file| changes.add(&config, &path(file)));
            changes
        };
        let job = Change { name: "a".into(), area: "ar".into(), file: path("sql/ar/a.sql") };
        let expected = Changes { jobs: [job].into(), examples: ["a".into()].into(), ..Changes::default() };
        assert_eq!(changes(&["sql/ar/a.sql", "examples/ar/a.md"]), expected);
        assert!(changes(&["sql/ar/.a.sql.swp"]).is_empty());
        assert!(changes(&["sql/parameters/param.csv"]).library);
        assert!(changes(&["sql/ar/gone.sql"]).library);
        assert!(changes(&["sql/invariants/INV-X.sql"]).library);
    }
}
