use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

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
    /// A file was removed from the archive, as the rules say.
    #[error("file {file_id} was removed from the archive on {on}: {reason}")]
    Removed {
        /// The file.
        file_id: FileId,
        /// When.
        on: chrono::NaiveDate,
        /// The rule.
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
        source: KafkaError,
    },
    /// The broker does not let this user do it, or does not let it in.
    #[error("{what}: {source}; {}", forbidden_hint(source))]
    Forbidden {
        /// What was asked.
        what: String,
        /// The broker's answer.
        source: KafkaError,
    },
    /// The schema registry failed, or its answer was not understood.
    #[error("{what}: {reason}")]
    Registry {
        /// What was asked.
        what: String,
        /// What went wrong, or the answer.
        reason: String,
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
    /// What the broker answered: that it does not let this user do it, or that it failed.
    pub(crate) fn broker(what: impl Into<String>, source: KafkaError) -> Self {
        let what = what.into();
        match refusal(&source) {
            Some(_) => Self::Forbidden { what, source },
            None => Self::Broker { what, source },
        }
    }

    /// Whose problem it is.
    #[must_use]
    pub fn whose(&self) -> Whose {
        match self {
            Self::Configuration(_) | Self::Fenced { .. } | Self::Forbidden { .. } => Whose::Configuration,
            Self::Parse { source, .. } => match source {
                formats::ParseError::UnknownFormat(..) | formats::ParseError::Configuration(_) => Whose::Configuration,
                formats::ParseError::Read(_) => Whose::Outside,
                formats::ParseError::Sink(_) | formats::ParseError::Rows(_) => Whose::Ourselves,
            },
            Self::Store { .. }
            | Self::Disk { .. }
            | Self::Damaged { .. }
            | Self::Removed { .. }
            | Self::Gap(_)
            | Self::Broker { .. }
            | Self::Registry { .. }
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
            | Self::Registry { .. }
            | Self::Unfinished { .. }
            | Self::Late { .. } => Retry::Later,
            _ => Retry::Never,
        }
    }
}

/// What a user is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not known who it is, or who the broker is.
    Identity,
    /// It may not do this.
    Right,
}

pub(crate) fn refusal(error: &KafkaError) -> Option<Refusal> {
    use RDKafkaErrorCode as Code;
    let code = match error {
        KafkaError::Transaction(error) => Some(error.code()),
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    };
    match code? {
        Code::SaslAuthenticationFailed | Code::Authentication | Code::SSL => Some(Refusal::Identity),
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => Some(Refusal::Right),
        _ => None,
    }
}

fn forbidden_hint(error: &KafkaError) -> &'static str {
    match refusal(error) {
        Some(Refusal::Identity) => "check user, password and certificates under [kafka.settings]",
        _ => "`reskontra topics acls` shows the rights that each process needs",
    }
}
