use std::path::PathBuf;

use datafusion::error::DataFusionError;

/// Why the engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file under `sql/` or `tests/` is wrong; its author has to mend it.
    #[error("{}: {reason}", file.display())]
    Source {
        /// The file.
        file: PathBuf,
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
    #[error("{context}: {error}")]
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
        Self::Source { file: file.into(), reason: reason.into() }
    }

    pub(crate) fn query(context: impl Into<String>) -> impl FnOnce(DataFusionError) -> Self {
        let context = context.into();
        move |error| Self::Query { context, error: Box::new(error) }
    }
}
