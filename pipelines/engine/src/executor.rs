//! Where plans run: in this process, or on machines that an [`Executor`] knows of.
//!
//! What is computed for a handful of keys always runs here: sending it away would cost more than computing it. What is
//! computed in full, jobs and invariants, goes to the executor of the run. The rows are the same.

use std::fmt;

use async_trait::async_trait;
use datafusion::dataframe::DataFrame;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::LogicalPlan;

use crate::EngineError;

/// Runs the plans of whole jobs.
#[async_trait]
pub trait Executor: fmt::Debug + Send + Sync {
    /// The rows of a plan over the tables of a session, in the plan's order.
    ///
    /// # Errors
    /// When the plan cannot be run. With [`Lost`], here or in the stream, when it can be run again.
    async fn execute(&self, state: SessionState, plan: LogicalPlan) -> Result<SendableRecordBatchStream>;

    /// True when tables are read elsewhere, as plain files: no row of theirs may be deleted by a vector.
    fn reads_plain_files(&self) -> bool;
}

/// Runs plans in this process.
#[derive(Debug, Clone, Copy)]
pub struct Here;

#[async_trait]
impl Executor for Here {
    async fn execute(&self, state: SessionState, plan: LogicalPlan) -> Result<SendableRecordBatchStream> {
        DataFrame::new(state, plan).execute_stream().await
    }

    fn reads_plain_files(&self) -> bool {
        false
    }
}

/// Rows that were lost elsewhere, while they were computed or on their way here: computing them again helps.
#[derive(Debug, thiserror::Error)]
#[error("the rows were lost where they were computed: {0}")]
pub struct Lost(pub String);

impl EngineError {
    /// True when rows were lost elsewhere.
    pub(crate) fn is_lost(&self) -> bool {
        let Self::Query { error, .. } = self else { return false };
        let mut causes =
            std::iter::successors(Some(&**error as &(dyn std::error::Error + 'static)), |error| error.source());
        causes.any(|cause| cause.is::<Lost>())
    }
}
