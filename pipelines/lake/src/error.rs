/// Why a table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The address of the lake cannot be used. Whose: configuration. Retry: never.
    #[error("the store {url} cannot be used: {reason}")]
    Address {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// The store did not answer as it should. Whose: outside. Retry: later.
    #[error("the object store failed: {0}")]
    Store(#[from] object_store::Error),
    /// The table format's library refused. Whose: outside. Retry: later.
    #[error("table {table}: {error}")]
    Delta {
        /// The table.
        table: String,
        /// Why.
        error: Box<deltalake::DeltaTableError>,
    },
    /// Rows could not be written. Whose: ours. Retry: never.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// A data file could not be written. Whose: outside. Retry: later.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A scan could not be made. Whose: ours. Retry: never.
    #[error(transparent)]
    Scan(#[from] datafusion::error::DataFusionError),
    /// The positions offered start before the table's head. Whose: the writer's. Retry: with the head.
    #[error(
        "table {table}, partition {partition}: positions ({from}, {to}] overlap what is landed up to {head}; another process lands this partition"
    )]
    Stale {
        /// The table.
        table: String,
        /// The log partition.
        partition: i32,
        /// Offered from.
        from: i64,
        /// Offered to.
        to: i64,
        /// The table's head.
        head: i64,
    },
    /// Positions are missing. Whose: an operator's. Retry: never.
    #[error(
        "table {table}, partition {partition}: positions ({head}, {from}] are missing: the log has lost messages that were never landed; see `reskontra gaps`"
    )]
    Gap {
        /// The table.
        table: String,
        /// The log partition.
        partition: i32,
        /// Offered from.
        from: i64,
        /// The table's head.
        head: i64,
    },
    /// A range of positions is empty or runs backwards. Whose: ours. Retry: never.
    #[error("table {table}, partition {partition}: positions ({from}, {to}] are no range")]
    Malformed {
        /// The table.
        table: String,
        /// The log partition.
        partition: i32,
        /// Offered from.
        from: i64,
        /// Offered to.
        to: i64,
    },
    /// A contract gives a column of a table another type. Whose: the contract's. Retry: never.
    #[error("table {table}: {reason}; give the new column a name of its own")]
    Retyped {
        /// The table.
        table: String,
        /// Which column.
        reason: String,
    },
    /// Rows were offered without the positions that they come from. Whose: ours. Retry: never.
    #[error("table {0}: rows without positions cannot be landed: they would be landed as often as they are offered")]
    NoPositions(String),
    /// Another process committed first, again and again. Whose: outside. Retry: later.
    #[error("table {0}: another process committed first each time; is the same shard running twice?")]
    Contended(String),
    /// The table has another version than the one a change was staged for. Whose: outside. Retry: stage it again.
    #[error("table {0} was changed by another process since this change was staged; stage it again")]
    Moved(String),
    /// A change does not fit the table. Whose: ours. Retry: never.
    #[error("the change of table {table} does not fit its rows: {reason}")]
    Change {
        /// The table.
        table: String,
        /// Why. Says no value of any row.
        reason: String,
    },
    /// Work was stopped half way. Whose: ours. Retry: later.
    #[error("reading was stopped: {0}")]
    Stopped(String),
    /// Another run published first. Whose: outside. Retry: later.
    #[error("generation {0} was published by another run; run again")]
    GenerationTaken(u64),
    /// A persisted file cannot be read. Whose: ours. Retry: never.
    #[error("{path} cannot be read: {reason}")]
    Format {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A table that should be there is not. Whose: ours. Retry: never.
    #[error("there is no table {0}")]
    NoTable(String),
    /// A generation is not offered. Whose: the one who asks. Retry: never.
    #[error("there is no generation {0}: it has not been published, or is beyond the retention and was vacuumed")]
    NoGeneration(u64),
}

impl LakeError {
    /// Why an offer was refused, in a word; none when the store failed.
    pub(crate) const fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Stale { .. } => Some("stale"),
            Self::Gap { .. } => Some("gap"),
            Self::Malformed { .. } => Some("malformed"),
            Self::Contended(_) => Some("contended"),
            _ => None,
        }
    }

    /// Whether trying again can help, without anybody changing anything.
    #[must_use]
    pub const fn passes(&self) -> bool {
        match self {
            Self::Store(_)
            | Self::Delta { .. }
            | Self::Parquet(_)
            | Self::Stale { .. }
            | Self::Contended(_)
            | Self::Moved(_)
            | Self::Stopped(_)
            | Self::GenerationTaken(_) => true,
            Self::Address { .. }
            | Self::Arrow(_)
            | Self::Scan(_)
            | Self::Gap { .. }
            | Self::Retyped { .. }
            | Self::NoPositions(_)
            | Self::Malformed { .. }
            | Self::Change { .. }
            | Self::Format { .. }
            | Self::NoTable(_)
            | Self::NoGeneration(_) => false,
        }
    }

    pub(crate) fn stopped(error: impl std::fmt::Display) -> Self {
        Self::Stopped(error.to_string())
    }

    pub(crate) fn delta(table: impl ToString) -> impl FnOnce(deltalake::DeltaTableError) -> Self {
        let table = table.to_string();
        move |error| Self::Delta { table, error: Box::new(error) }
    }
}
