//! Computing a job again where its inputs changed, and only there.
//!
//! [`affected`](Walk::affected) finds the values of the job's key that a change of its inputs can reach: the changed
//! rows' own values, through joins those of the rows that look the changed ones up, and through windows those of the
//! rows that are ranked with them. [`narrow`](Walk::narrow) then rewrites the plan so that it computes the rows of
//! those values alone. Both walk [`step`](crate::partition::step), which says how a plan falls apart. What they cannot
//! do, or not with less work, is computed in full: see [`crate::run`].

mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, NullArray, RecordBatch};
use arrow::datatypes::{Field, Schema};
use arrow::row::{RowConverter, SortField};
use datafusion::catalog::MemTable;
use datafusion::common::{Column, NullEquality};
use datafusion::datasource::provider_as_source;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder};

use self::walk::Walk;
use crate::EngineError;
use crate::partition::{self, Blocked, restrict};
use crate::rows::Difference;

/// What happened to a table since the last generation.
#[derive(Debug, Clone)]
pub enum Change {
    /// These rows went and came.
    Rows(Difference),
    /// Anything may have.
    All,
}

/// Distinct values of an expression.
#[derive(Debug, Clone)]
pub struct Values(ArrayRef);

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || *self.0 == *other.0
    }
}

impl Eq for Values {}

impl Hash for Values {
    // Few of one length are asked for: comparing them is cheaper than hashing them all.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.len().hash(state);
    }
}

/// The name of the only column of a table of values.
const VALUE: &str = "value";

impl Values {
    fn distinct(arrays: &[ArrayRef]) -> Result<Option<Self>, EngineError> {
        let Some(first) = arrays.first() else { return Ok(None) };
        let all = arrow::compute::concat(&arrays.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>())?;
        let converter = RowConverter::new(vec![SortField::new(first.data_type().clone())])?;
        let rows = converter.convert_columns(&[all])?;
        let distinct: BTreeSet<_> = rows.iter().collect();
        let columns = converter.convert_rows(distinct)?;
        Ok(columns.into_iter().next().filter(|values| !values.is_empty()).map(Self))
    }

    /// Any, where it does not matter which.
    fn some() -> Self {
        Self(Arc::new(NullArray::new(1)))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The values.
    pub const fn array(&self) -> &ArrayRef {
        &self.0
    }

    /// The values as the column of a table.
    pub fn named(&self, column: &str) -> Result<RecordBatch, EngineError> {
        let schema = Schema::new(vec![Field::new(column, self.0.data_type().clone(), true)]);
        Ok(RecordBatch::try_new(Arc::new(schema), vec![self.0.clone()])?)
    }

    /// The values as a table.
    fn plan(&self) -> Result<LogicalPlan, EngineError> {
        let rows = self.named(VALUE)?;
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).map_err(EngineError::query("values"))?;
        LogicalPlanBuilder::scan("values", provider_as_source(Arc::new(table)), None)
            .and_then(LogicalPlanBuilder::build)
            .map_err(EngineError::query("values"))
    }
}

/// What a refresh is made from.
pub struct Refresher<'a> {
    /// A session with the tables as they are now.
    pub context: &'a SessionContext,
    /// The tables that changed.
    pub changes: &'a BTreeMap<String, Change>,
    /// Rows of the tables that can be large.
    pub rows: &'a BTreeMap<String, u64>,
    /// More values than this are not worth finding: everything is computed.
    pub most: usize,
    /// A table with fewer rows than this is read whole rather than looked up.
    pub small: u64,
    /// One question to the tables takes the time of reading so many rows; 0 when no cost is too high.
    pub look_up: u64,
}

impl<'a> Refresher<'a> {
    /// One that knows of no change and reads everything.
    pub const fn new(context: &'a SessionContext, nothing: &'a BTreeMap<String, Change>) -> Self {
        const NO_ROWS: &BTreeMap<String, u64> = &BTreeMap::new();
        Self { context, changes: nothing, rows: NO_ROWS, most: 0, small: u64::MAX, look_up: 0 }
    }

    fn rows_of(&self, table: &str) -> u64 {
        self.rows.get(table).copied().unwrap_or_default()
    }

    fn reads(&self, plan: &LogicalPlan) -> u64 {
        partition::tables(plan).iter().map(|table| self.rows_of(table)).sum()
    }

    fn is_large(&self, table: &str) -> bool {
        self.rows.get(table).is_some_and(|rows| *rows >= self.small)
    }
}

/// A reason to compute in full.
pub fn blocked(reason: &str) -> Blocked {
    Blocked(reason.to_owned())
}

/// The reason when a plan falls apart by no column of its key.
pub fn none(blocked: &[(String, Blocked)]) -> Blocked {
    let reasons = blocked.iter().map(|(column, reason)| format!("{column}: {reason}"));
    Blocked(reasons.collect::<Vec<_>>().join("; "))
}

/// Why a plan is computed in full.
#[derive(Debug)]
pub enum Stop {
    /// The plan does not fall apart where the change is.
    Blocked(Blocked),
    /// Something failed.
    Failed(EngineError),
}

impl From<Blocked> for Stop {
    fn from(blocked: Blocked) -> Self {
        Self::Blocked(blocked)
    }
}

impl<E: Into<EngineError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The rows of `plan` whose `expression` is one of `values`.
pub(crate) fn among(plan: LogicalPlan, expression: &Expr, values: &Values) -> Result<LogicalPlan, EngineError> {
    let failed = EngineError::query("restricting to keys");
    let wanted = values.plan()?;
    let columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    let right = Column::new(Some("values"), VALUE);
    let joined = match expression {
        Expr::Column(column) => LogicalPlanBuilder::from(plan).join_detailed(
            wanted,
            JoinType::LeftSemi,
            (vec![column.clone()], vec![right]),
            None,
            NullEquality::NullEqualsNull,
        ),
        computed => {
            const COMPUTED: &str = "key of the row";
            let with_key = columns.iter().cloned().chain([computed.clone().alias(COMPUTED)]);
            LogicalPlanBuilder::from(plan)
                .project(with_key)
                .and_then(|builder| {
                    let left = vec![Column::from_name(COMPUTED)];
                    let null = NullEquality::NullEqualsNull;
                    builder.join_detailed(wanted, JoinType::LeftSemi, (left, vec![right]), None, null)
                })
                .and_then(|builder| builder.project(columns))
        }
    };
    joined.and_then(LogicalPlanBuilder::build).map_err(failed)
}

/// The rows of an optimised plan.
pub(crate) async fn collect(context: &SessionContext, plan: &LogicalPlan) -> Result<Vec<RecordBatch>, EngineError> {
    let state = context.state();
    let physical = state.query_planner().create_physical_plan(plan, &state).await;
    let physical = physical.map_err(EngineError::query("planning"))?;
    datafusion::physical_plan::collect(physical, context.task_ctx()).await.map_err(EngineError::query("computing"))
}

/// So many values are computed alone in a table of any size.
const FEW: u64 = 100;
/// Computing, sorting, writing and comparing a row takes the time of reading so many.
const WRITE: u64 = 20;

/// The values of a column of a plan's result that a change reaches, and the plan that computes the rows with them.
/// `rows` are those of the result so far, where it is a table: where most of it would be computed again, or computing
/// everything promises to be cheaper, it is not worth it.
pub async fn by_key(
    refresher: &Refresher<'_>,
    plan: &LogicalPlan,
    column: &str,
    rows: Option<u64>,
) -> Result<Option<(Values, LogicalPlan)>, Stop> {
    let key = partition::key(plan, column)?;
    // It must fall apart down to the tables before it is worth anything.
    restrict(plan, &key)?;
    let everything = refresher.reads(plan) + rows.unwrap_or_default() * WRITE + refresher.look_up;
    if refresher.look_up > 0 && Walk::cost(refresher, plan, &key).await? > everything {
        return Err(Stop::Blocked(blocked("to find what the changes reach costs more than to compute everything")));
    }
    let walk = Walk::new(refresher);
    let Some(values) = walk.affected(plan, key.clone()).await? else { return Ok(None) };
    if rows.is_some_and(|rows| values.len() as u64 > (rows / 4).max(FEW)) {
        return Err(Stop::Blocked(Blocked(format!("{} values of {column} are reached, most of them", values.len()))));
    }
    let narrowed = walk.narrow(plan, &key, &values).await?;
    Ok(Some((values, narrowed)))
}

#[cfg(test)]
mod tests;
