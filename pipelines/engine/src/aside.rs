//! Tables for another business date than a generation's: jobs are computed aside on what the generation shows as
//! landed, asked, and thrown away.

use std::fmt;

use chrono::NaiveDate;
use commit::generation::Generation;
use datafusion::execution::context::SessionContext;
use lake::Lake;

use crate::cut::{Cut, Scratch};
use crate::statement::SelectStatement;
use crate::{EngineError, Library};

/// Jobs that were computed aside.
pub struct Aside {
    context: SessionContext,
    scratch: Scratch,
}

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aside").field("scratch", &self.scratch).finish_non_exhaustive()
    }
}

impl Aside {
    /// Computes the jobs of `library` that a statement reads, directly or through others, for a business date.
    ///
    /// # Errors
    /// When the statement is no SELECT, a job fails, or a version that the generation shows has been collected.
    pub async fn compute(
        lake: &Lake,
        library: &Library,
        generation: &Generation,
        as_of: NaiveDate,
        sql: &str,
    ) -> Result<Self, EngineError> {
        let parsed = SelectStatement::parse(sql).map_err(EngineError::found("the statement"))?;
        let reads = parsed.reads().map_err(EngineError::query("the statement"))?;
        let wanted = library.read_by(&reads);
        let cut = Cut::then(lake, library, as_of, &generation.landing).await?;
        let mut aside = Self { context: cut.context().clone(), scratch: Scratch::new(lake) };
        for job in library.jobs.iter().filter(|job| wanted.contains(&job.name)) {
            if let Err(error) = aside.scratch.compute(&cut, job).await {
                aside.discard().await?;
                return Err(error);
            }
        }
        Ok(aside)
    }

    /// A session with their tables.
    #[must_use]
    pub const fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Throws them away.
    ///
    /// # Errors
    /// When the store fails; what is left behind belongs to no table.
    pub async fn discard(self) -> Result<(), EngineError> {
        self.scratch.discard().await
    }
}
