use std::time::Duration;

use crate::FileId;
use crate::log::Gap;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose problem an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The input is wrong: its sender must correct it.
    Input,
    /// The configuration is wrong.
    Configuration,
    /// A system that we call (store, broker) failed.
    Outside,
    /// A defect of ours.
    Ourselves,
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// No: something must change first.
    Never,
    /// Yes, later.
    Later,
}

/// Why ingest or reading the log failed. A file that is wrong is no error: see [`Receipt`](crate::receive::Receipt).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address, pattern or name in the configuration cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// The object store failed.
    #[error("{what}: {source}")]
    Store {
        /// What was done with which object.
        what: String,
        /// The store's answer.
        source: object_store::Error,
    },
    /// The local disk failed.
    #[error("{what}: {source}")]
    Disk {
        /// What was done with which file.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// An object in the archive is not what its name says.
    #[error("archive object {path} is damaged: {reason}; restore it from a copy")]
    Damaged {
        /// The object.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another writer took the number that this one wanted to write.
    #[error("{what} was taken by another writer; only one `ingest` may write to a log: stop one of them")]
    Fenced {
        /// The number or transactional id.
        what: String,
    },
    /// A reader's head is beyond the log, or the log no longer has what follows the head.
    #[error("{0}")]
    Gap(Gap),
    /// An archived file now reads otherwise than when it was delivered.
    #[error(
        "file {file_id} reads otherwise than when it was delivered: {reason}; land it with the version that delivered it"
    )]
    Changed {
        /// The file.
        file_id: FileId,
        /// What differs.
        reason: String,
    },
    /// The broker failed.
    #[error("{what}: {source}")]
    Broker {
        /// What was asked.
        what: String,
        /// Its answer.
        source: rdkafka::error::KafkaError,
    },
    /// Readers are held up by a transaction that nobody ends.
    #[error(
        "{topic}/{partition}: a transaction at {position} is not ended and holds up all readers; when no `ingest` is \
         running, abort it with Kafka's `kafka-transactions.sh` (find-hanging, abort)"
    )]
    Unfinished {
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
        /// Its first message.
        position: i64,
    },
    /// An outside system did not answer in time.
    #[error("{what}: no answer within {} s", deadline.as_secs())]
    Late {
        /// What was asked.
        what: String,
        /// How long we waited.
        deadline: Duration,
    },
    /// Rows cannot be encoded or decoded.
    #[error("{what}: {source}")]
    Rows {
        /// What was done with which rows.
        what: String,
        /// Why not.
        source: arrow::error::ArrowError,
    },
    /// A parser could not do its work.
    #[error("{name}: {source}")]
    Parse {
        /// Name of the file.
        name: String,
        /// Why.
        source: formats::ParseError,
    },
    /// A defect of ours.
    #[error("{0}; please report this")]
    Defect(String),
}

impl Error {
    /// Whose problem it is.
    #[must_use]
    pub fn whose(&self) -> Whose {
        match self {
            Self::Configuration(_) | Self::Fenced { .. } => Whose::Configuration,
            Self::Parse { source, .. } => match source {
                formats::ParseError::UnknownFormat(..) | formats::ParseError::Configuration(_) => Whose::Configuration,
                formats::ParseError::Read(_) => Whose::Outside,
                formats::ParseError::Sink(_) | formats::ParseError::Rows(_) => Whose::Ourselves,
            },
            Self::Store { .. }
            | Self::Disk { .. }
            | Self::Damaged { .. }
            | Self::Gap(_)
            | Self::Broker { .. }
            | Self::Unfinished { .. }
            | Self::Late { .. } => Whose::Outside,
            Self::Changed { .. } | Self::Rows { .. } | Self::Defect(_) => Whose::Ourselves,
        }
    }

    /// Whether trying again can help.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Store { .. }
            | Self::Disk { .. }
            | Self::Broker { .. }
            | Self::Unfinished { .. }
            | Self::Late { .. } => Retry::Later,
            _ => Retry::Never,
        }
    }
}
