//! Checking the invariants: those that a change can break, where it can break them.
//!
//! In a published generation every invariant holds. So one that reads nothing that has changed since holds still,
//! and one that falls apart by its key is checked for the keys that the changes reach.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use commit::generation::Audit;
use datafusion::logical_expr::LogicalPlan;
use serde_json::{Map, Value};

use crate::cut::Cut;
use crate::fingerprint::text_digest;
use crate::partition::Partition;
use crate::refresh::{self, Refresher, Stop};
use crate::{EngineError, Invariant, rows, views};

/// Every row that landed is in exactly one of accepted or rejected, and there are as many as were delivered.
pub const LANDED_ONCE: &str = "INV-LANDED-ONCE";

/// Violations of an invariant that a report shows.
const SHOWN: usize = 10;

/// The first violations of each broken invariant.
pub type Violations = BTreeMap<String, Vec<Map<String, Value>>>;

/// A statement that must give no rows.
struct Check<'a> {
    name: &'a str,
    key: Vec<String>,
    reads: BTreeSet<String>,
    says: Says<'a>,
    /// Digest of what decides which rows it gives, beside the tables that it reads.
    meaning: String,
}

enum Says<'a> {
    Invariant(&'a Invariant),
    Landed(String),
}

/// Checks every invariant. `held` is the audit of the last generation.
pub async fn audit(
    cut: &Cut<'_>,
    refresher: &Refresher<'_>,
    held: Option<&Audit>,
) -> Result<(Audit, Violations), EngineError> {
    let Cut { planner, library, landing, .. } = cut;
    let landed = views::landed_otherwise(&landing.tables.keys().cloned().collect()).map(|sql| Check {
        name: LANDED_ONCE,
        key: vec!["file_id".to_owned()],
        reads: landing.tables.keys().cloned().collect(),
        meaning: text_digest(&sql),
        says: Says::Landed(sql),
    });
    let invariants = library.invariants.iter().map(|invariant| Check {
        name: &invariant.name,
        key: invariant.header.key.clone(),
        reads: invariant.reads.clone(),
        meaning: library.fingerprint_of_invariant(invariant, planner.as_of()),
        says: Says::Invariant(invariant),
    });
    let checks = landed.into_iter().chain(invariants);
    let mut audit = Audit::default();
    let mut violations = Violations::new();
    for check in checks {
        let held = held.is_some_and(|held| held.meanings.get(check.name) == Some(&check.meaning));
        let found = check.rows(cut, refresher, held).await?;
        let count = found.iter().map(|batch| batch.num_rows() as u64).sum();
        let shown = found.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| schemas::json::row(batch, row)));
        let shown: Vec<_> = shown.take(SHOWN).collect();
        if !shown.is_empty() {
            violations.insert(check.name.to_owned(), shown);
        }
        audit.invariants.insert(check.name.to_owned(), count);
        audit.meanings.insert(check.name.to_owned(), check.meaning);
    }
    Ok((audit, violations))
}

impl Check<'_> {
    /// Its violations; of an invariant that held before, those that the changes can have made.
    async fn rows(
        &self,
        cut: &Cut<'_>,
        refresher: &Refresher<'_>,
        held: bool,
    ) -> Result<Vec<RecordBatch>, EngineError> {
        if held && !self.reads.iter().any(|table| refresher.changes.contains_key(table)) {
            return Ok(Vec::new());
        }
        let failed = || EngineError::query(self.name);
        let plan = match &self.says {
            Says::Invariant(invariant) => cut.planner.plan_invariant(&cut.context, invariant).await?,
            Says::Landed(sql) => cut.context.state().create_logical_plan(sql).await.map_err(failed())?,
        };
        if held && let Some(found) = self.reached(refresher, &plan).await? {
            return Ok(found);
        }
        cut.collect(self.name, &plan).await
    }

    /// The violations among the keys that the changes reach; nothing when `plan` does not fall apart by its key.
    async fn reached(
        &self,
        refresher: &Refresher<'_>,
        plan: &LogicalPlan,
    ) -> Result<Option<Vec<RecordBatch>>, EngineError> {
        let plan = refresher.context.state().optimize(plan).map_err(EngineError::query(self.name))?;
        for partition in Partition::of(&plan, &self.key).unwrap_or_default() {
            let column = &partition.column;
            match refresh::by_key(refresher, &plan, column, None).await {
                Ok(None) => return Ok(Some(Vec::new())),
                Ok(Some((values, narrowed))) => {
                    let found = refresh::collect(refresher.context, &narrowed).await?;
                    let reached = found.iter().map(|batch| rows::among(batch, column, values.array()));
                    return Ok(Some(reached.collect::<Result<_, _>>()?));
                }
                Err(Stop::Blocked(_)) => {}
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
        Ok(None)
    }
}
