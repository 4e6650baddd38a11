use std::path::PathBuf;

use datafusion::error::DataFusionError;

use crate::Position;
use crate::diagnosis::{self, Finding};

/// Why the engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file under `sql/` or `tests/` is wrong; its author has to mend it.
    #[error("{}{}: {reason}", file.display(), place(*at))]
    Source {
        /// The file.
        file: PathBuf,
        /// The place in the file, when it is known.
        at: Option<Position>,
        /// What is wrong with what, and what to do.
        reason: String,
    },
    /// A job's result breaks what its header promises.
    #[error("job {job}: {reason}")]
    Result {
        /// The job.
        job: String,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be read.
    #[error("{}: {error}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The query engine failed.
    #[error("{context}: {}", diagnosis::without_values(error))]
    Query {
        /// What was being done.
        context: String,
        /// Why it failed.
        error: Box<DataFusionError>,
    },
    /// A table could not be read or written.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// Columns could not be converted.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
}

impl EngineError {
    pub(crate) fn source(file: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Source { file: file.into(), at: None, reason: reason.into() }
    }

    pub(crate) fn at(file: impl Into<PathBuf>, at: Option<Position>, reason: impl Into<String>) -> Self {
        Self::Source { file: file.into(), at, reason: reason.into() }
    }

    pub(crate) fn found(file: impl Into<PathBuf>) -> impl FnOnce(Finding) -> Self {
        let file = file.into();
        move |finding| Self::at(file, finding.at, finding.reason)
    }

    pub(crate) fn query(context: impl Into<String>) -> impl FnOnce(DataFusionError) -> Self {
        let context = context.into();
        move |error| Self::Query { context, error: Box::new(error) }
    }
}

fn place(at: Option<Position>) -> String {
    at.map(|at| format!(":{at}")).unwrap_or_default()
}
