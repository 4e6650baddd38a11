use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use arrow::array::RecordBatch;

use crate::catalogue::Catalogue;
use crate::files::Files;
use crate::fingerprint::Parts;
use crate::header::{self, Header, Kind};
use crate::statement::SelectStatement;
use crate::{EngineError, parameters};

/// Everything under `sql/`: jobs, parameters and invariants.
#[derive(Debug, Clone)]
pub struct Library {
    /// Jobs in the order they run: each after what it reads, by name where the order is free.
    pub jobs: Vec<Job>,
    /// Parameter tables by name.
    pub parameters: BTreeMap<String, RecordBatch>,
    /// Statements that must hold in every generation.
    pub invariants: Vec<Invariant>,
    /// What the service description demands.
    pub catalogue: Catalogue,
    /// The files that it was read from.
    pub files: Files,
    /// What everything in it depends on; see [`Library::parts`].
    pub(crate) parts: OnceLock<Parts>,
}

/// One `.sql` file: a header and a SELECT that produce one table.
#[derive(Debug, Clone)]
pub struct Job {
    /// Name of the job and of its table: the file's stem.
    pub name: String,
    /// Folder under `sql/`.
    pub area: String,
    /// The file.
    pub file: PathBuf,
    /// What it says about itself.
    pub header: Header,
    /// The SELECT, at the lines and columns that it has in the file.
    pub sql: String,
    /// The whole file.
    pub text: String,
    /// Names of the tables that it reads.
    pub reads: BTreeSet<String>,
}

/// A named statement about a generation: a SELECT that must give no rows.
#[derive(Debug, Clone)]
pub struct Invariant {
    /// `INV-…`: the file's stem.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// What it says about itself.
    pub header: Header,
    /// The SELECT of violations, at the lines and columns that it has in the file.
    pub sql: String,
    /// The whole file.
    pub text: String,
    /// Names of the tables that it reads.
    pub reads: BTreeSet<String>,
}

impl Library {
    /// Reads `sql/`.
    ///
    /// # Errors
    /// When a file cannot be read, a header or statement is wrong, a header names a requirement that the catalogue
    /// does not have, two jobs share a name, or jobs read each other in a circle.
    pub fn load(root: &Path) -> Result<Self, EngineError> {
        Self::parse(root, Files::read(root)?)
    }

    /// Reads a library from the text of its files; `root` is where messages say that they are.
    ///
    /// # Errors
    /// As for [`Library::load`].
    pub fn parse(root: &Path, files: Files) -> Result<Self, EngineError> {
        let mut library = Self {
            jobs: Vec::new(),
            parameters: BTreeMap::new(),
            invariants: Vec::new(),
            catalogue: Catalogue::default(),
            files: Files::default(),
            parts: OnceLock::new(),
        };
        for (path, text) in files.iter() {
            let file = root.join(path);
            let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            let area = path.split_once('/').map_or("", |(area, _)| area);
            match (area, extension) {
                ("", _) => library.catalogue = Catalogue::parse(&file, text)?,
                ("parameters", "csv") => {
                    library.parameters.insert(stem(&file), parameters::parse(&file, text)?);
                }
                ("invariants", "sql") => library.invariants.push(Invariant::parse(&file, text)?),
                (area, "sql") => library.jobs.push(Job::parse(&file, area, text)?),
                _ => {}
            }
        }
        library.check_names()?;
        library.check_catalogue()?;
        library.jobs = order(std::mem::take(&mut library.jobs))?;
        library.files = files;
        Ok(library)
    }

    /// The job with this name.
    #[must_use]
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.name == name)
    }

    fn check_catalogue(&self) -> Result<(), EngineError> {
        for job in &self.jobs {
            self.catalogue.check(&job.header.catalogue, &job.file)?;
        }
        for invariant in &self.invariants {
            self.catalogue.check(&invariant.header.catalogue, &invariant.file)?;
        }
        Ok(())
    }

    /// The jobs that read one of these tables, directly or through others, in the order they run.
    #[must_use]
    pub fn readers_of(&self, tables: &BTreeSet<String>) -> Vec<&Job> {
        let mut touched = tables.clone();
        let mut readers = Vec::new();
        for job in &self.jobs {
            if !job.reads.is_disjoint(&touched) {
                touched.insert(job.name.clone());
                if !tables.contains(&job.name) {
                    readers.push(job);
                }
            }
        }
        readers
    }

    /// These jobs and all that they read, directly or through others.
    #[must_use]
    pub fn read_by(&self, jobs: &BTreeSet<String>) -> BTreeSet<String> {
        let mut wanted = jobs.clone();
        for job in self.jobs.iter().rev() {
            if wanted.contains(&job.name) {
                wanted.extend(job.reads.iter().cloned());
            }
        }
        wanted
    }

    /// The library with this job in the place of the one of its name, or beside the others.
    ///
    /// # Errors
    /// When another table has its name, or jobs would read each other in a circle.
    pub fn with(&self, job: Job) -> Result<Self, EngineError> {
        let mut library = self.clone();
        library.parts = OnceLock::new();
        library.files.put(format!("{}/{}.sql", job.area, job.name), job.text.clone());
        library.jobs.retain(|other| other.name != job.name || other.file != job.file);
        library.jobs.push(job);
        library.check_names()?;
        library.check_catalogue()?;
        library.jobs = order(std::mem::take(&mut library.jobs))?;
        Ok(library)
    }

    /// The library with the parameters of another.
    ///
    /// # Errors
    /// When the other lacks one of its parameter tables.
    pub fn with_parameters_of(&self, other: &Self) -> Result<Self, EngineError> {
        if let Some(missing) = self.parameters.keys().find(|name| !other.parameters.contains_key(*name)) {
            let reason = "there was no such parameter table then".to_owned();
            return Err(EngineError::Result { job: missing.clone(), reason });
        }
        Ok(Self { parameters: other.parameters.clone(), parts: OnceLock::new(), ..self.clone() })
    }

    /// Names of everything that a job can read.
    #[must_use]
    pub fn table_names(&self) -> BTreeSet<&str> {
        let jobs = self.jobs.iter().map(|job| job.name.as_str());
        jobs.chain(self.parameters.keys().map(String::as_str))
            .chain(schemas::contracts().keys().map(String::as_str))
            .collect()
    }

    fn check_names(&self) -> Result<(), EngineError> {
        let mut seen: BTreeMap<&str, &Path> = BTreeMap::new();
        for job in &self.jobs {
            let taken = self.parameters.contains_key(&job.name) || schemas::contracts().contains_key(&job.name);
            if taken {
                return Err(EngineError::source(&job.file, format!("the name {} is taken by another table", job.name)));
            }
            if let Some(other) = seen.insert(&job.name, &job.file) {
                return Err(EngineError::source(&job.file, format!("{} is a job of the same name", other.display())));
            }
        }
        Ok(())
    }
}

impl Job {
    /// Reads one job of an area.
    ///
    /// # Errors
    /// When the file cannot be read, or its header or statement is wrong.
    pub fn load(file: &Path, area: &str) -> Result<Self, EngineError> {
        let text = fs::read_to_string(file).map_err(|error| EngineError::Read { file: file.to_owned(), error })?;
        Self::parse(file, area, &text)
    }

    fn parse(file: &Path, area: &str, text: &str) -> Result<Self, EngineError> {
        let Read { header, sql, reads } = read(file, text)?;
        let name = stem(file);
        match (header.kind, &header.exception) {
            (Kind::Exception, None) => {
                let at = header::position(text, "kind", None);
                return Err(EngineError::at(file, at, "kind = \"exception\" needs a section [exception]"));
            }
            (Kind::Table, Some(_)) => {
                let at = header::position(text, "exception", None);
                return Err(EngineError::at(file, at, "a section [exception] needs kind = \"exception\""));
            }
            _ => {}
        }
        Ok(Self { name, area: area.to_owned(), file: file.to_owned(), header, sql, text: text.to_owned(), reads })
    }
}

impl Invariant {
    fn parse(file: &Path, text: &str) -> Result<Self, EngineError> {
        let Read { header, sql, reads } = read(file, text)?;
        let name = stem(file);
        if !name.starts_with("INV-") {
            return Err(EngineError::source(file, "an invariant's name begins with INV-"));
        }
        Ok(Self { name, file: file.to_owned(), header, sql, text: text.to_owned(), reads })
    }
}

struct Read {
    header: Header,
    sql: String,
    reads: BTreeSet<String>,
}

fn read(file: &Path, text: &str) -> Result<Read, EngineError> {
    let (header, sql) = header::split(text).map_err(EngineError::found(file))?;
    let select = SelectStatement::parse(&sql).map_err(EngineError::found(file))?;
    let reads = select.reads().map_err(|error| EngineError::source(file, error.to_string()))?;
    Ok(Read { header, sql, reads })
}

/// Sorts jobs so that each comes after those it reads; among free ones, by name.
fn order(mut jobs: Vec<Job>) -> Result<Vec<Job>, EngineError> {
    jobs.sort_by(|a, b| a.name.cmp(&b.name));
    let mut ordered: Vec<Job> = Vec::with_capacity(jobs.len());
    while !jobs.is_empty() {
        let waiting: BTreeSet<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        let free = jobs.iter().position(|job| !job.reads.iter().any(|read| waiting.contains(read.as_str())));
        let Some(free) = free else { return Err(circle(&jobs)) };
        ordered.push(jobs.remove(free));
    }
    Ok(ordered)
}

/// The shortest way to say that jobs wait for each other: one circle, from its first job by name.
fn circle(waiting: &[Job]) -> EngineError {
    let next = |job: &Job| waiting.iter().find(|other| job.reads.contains(&other.name));
    let mut path: Vec<&Job> = Vec::new();
    let mut at = waiting.first();
    while let Some(job) = at {
        if let Some(start) = path.iter().position(|seen| seen.name == job.name) {
            path.drain(..start);
            break;
        }
        path.push(job);
        at = next(job);
    }
    let first = path.iter().enumerate().min_by_key(|(_, job)| &job.name).map_or(0, |(index, _)| index);
    path.rotate_left(first);
    let (Some(first), second) = (path.first(), path.get(1).or(path.first())) else {
        return EngineError::source("sql", "jobs read each other in a circle");
    };
    let names: Vec<&str> = path.iter().chain([first]).map(|job| job.name.as_str()).collect();
    let place = second.and_then(|read| SelectStatement::parse(&first.sql).ok()?.read_position(&read.name));
    EngineError::at(&first.file, place, format!("jobs read each other in a circle: {}", names.join(" reads ")))
}

fn stem(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
