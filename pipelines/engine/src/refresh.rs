//! Computing a job again where its inputs changed, and only there.
//!
//! [`affected`](Refresher::affected) finds the values of the job's key that a change of its inputs can reach: the
//! changed rows' own values, and through joins those of the rows that look the changed ones up.
//! [`narrow`](Refresher::narrow) then rewrites the plan so that it computes the rows of those values alone. Both walk
//! [`step`], which says how a plan falls apart. What they cannot do is computed in full: see [`crate::run`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use arrow::row::{RowConverter, SortField};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, DFSchema, NullEquality};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, TableScan};
use futures::future::BoxFuture;

use crate::EngineError;
use crate::partition::{self, Blocked, Sides, Step, restrict, step, tables};
use crate::rows::Difference;
use crate::views::PlanTable;

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

/// Values of an expression, or nothing.
type Affected = Option<Values>;

/// Finds and computes what a change reaches.
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
}

impl<'a> Refresher<'a> {
    /// One that knows of no change and reads everything.
    pub const fn new(context: &'a SessionContext, nothing: &'a BTreeMap<String, Change>) -> Self {
        const NO_ROWS: &BTreeMap<String, u64> = &BTreeMap::new();
        Self { context, changes: nothing, rows: NO_ROWS, most: 0, small: u64::MAX }
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

impl Refresher<'_> {
    /// The values of `expression` for which the rows of `plan` can have changed.
    pub fn affected<'p>(&'p self, plan: &'p LogicalPlan, expression: Expr) -> BoxFuture<'p, Result<Affected, Stop>> {
        Box::pin(async move {
            if !self.is_touched(plan) {
                return Ok(None);
            }
            match step(plan, &expression)? {
                Step::Scan(scan) => self.of_changed_rows(scan, &expression),
                Step::Inputs(inputs) => {
                    let mut found = Vec::new();
                    for (input, expression) in inputs {
                        found.push(self.affected(input, expression).await?);
                    }
                    self.union(found)
                }
                Step::Join(sides) => {
                    let mine = self.affected(sides.mine, sides.own.clone()).await?;
                    let other = self.affected_through(&sides).await?;
                    self.union(vec![mine, other])
                }
            }
        })
    }

    /// The values that a change of a join's other side reaches.
    async fn affected_through(&self, sides: &Sides<'_>) -> Result<Affected, Stop> {
        if !self.is_touched(sides.other) {
            return Ok(None);
        }
        let mut blocked = Blocked("it is joined without an equality".to_owned());
        for partner in sides.partners() {
            match self.affected(sides.other, partner.clone()).await {
                Err(Stop::Blocked(reason)) => blocked = reason,
                found => return found,
            }
        }
        for (own, other) in &sides.pairs {
            match self.affected(sides.other, other.clone()).await {
                Err(Stop::Blocked(reason)) => blocked = reason,
                Err(failed) => return Err(failed),
                Ok(None) => return Ok(None),
                Ok(Some(changed)) => {
                    let narrowed = self.narrow(sides.mine, own, &changed).await?;
                    return self.values_of(among(narrowed, own, &changed)?, &sides.own).await;
                }
            }
        }
        Err(Stop::Blocked(blocked))
    }

    /// `plan` with every scan restricted as far as it can be, such that it gives the same rows with the `values` of
    /// `expression`. It can give others too where a part of the plan does not fall apart.
    pub fn narrow<'p>(
        &'p self,
        plan: &'p LogicalPlan,
        expression: &'p Expr,
        values: &'p Values,
    ) -> BoxFuture<'p, Result<LogicalPlan, Stop>> {
        Box::pin(async move {
            if restrict(plan, expression).is_err() {
                return Ok(plan.clone());
            }
            match step(plan, expression)? {
                Step::Scan(scan) => Ok(self.restricted(scan, expression, values).await?),
                Step::Inputs(inputs) => {
                    let mut narrowed = Vec::new();
                    for (input, expression) in &inputs {
                        narrowed.push(self.narrow(input, expression, values).await?);
                    }
                    Ok(with_inputs(plan, narrowed)?)
                }
                Step::Join(sides) => {
                    let mine = self.narrow(sides.mine, &sides.own, values).await?;
                    let other = self.narrow_other(&sides, &mine, values).await?;
                    Ok(with_inputs(plan, sides.in_order(mine, other))?)
                }
            }
        })
    }

    /// The other side of a join, restricted to the rows that `mine` looks up.
    async fn narrow_other(&self, sides: &Sides<'_>, mine: &LogicalPlan, values: &Values) -> Result<LogicalPlan, Stop> {
        if let Some(partner) = sides.partners().find(|partner| restrict(sides.other, partner).is_ok()) {
            return self.narrow(sides.other, partner, values).await;
        }
        let by_pair = sides.pairs.iter().find(|(_, other)| restrict(sides.other, other).is_ok());
        let Some((own, other)) = by_pair.filter(|_| self.is_large(sides.other)) else { return Ok(sides.other.clone()) };
        match self.values_of(mine.clone(), own).await {
            Ok(Some(looked_up)) => self.narrow(sides.other, other, &looked_up).await,
            Ok(None) => Ok(sides.other.clone()),
            Err(Stop::Blocked(_)) => Ok(sides.other.clone()),
            Err(failed) => Err(failed),
        }
    }

    /// True when a table that `plan` reads has changed.
    fn is_touched(&self, plan: &LogicalPlan) -> bool {
        tables(plan).iter().any(|table| self.changes.contains_key(table))
    }

    fn is_large(&self, plan: &LogicalPlan) -> bool {
        tables(plan).iter().any(|table| self.rows.get(table).is_some_and(|rows| *rows >= self.small))
    }

    /// The values of an expression in the changed rows of a table.
    fn of_changed_rows(&self, scan: &TableScan, expression: &Expr) -> Result<Affected, Stop> {
        let table = scan.table_name.table();
        let Some(change) = self.changes.get(table) else { return Ok(None) };
        let Change::Rows(Difference { removed, added }) = change else {
            return Err(Stop::Blocked(Blocked(format!("all of {table} may have changed"))));
        };
        let mut found = Vec::new();
        for batch in removed.iter().chain(added).filter(|batch| batch.num_rows() > 0) {
            let schema = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &batch.schema())
                .map_err(EngineError::query(table))?;
            let physical =
                self.context.create_physical_expr(expression.clone(), &schema).map_err(EngineError::query(table))?;
            let values = physical.evaluate(batch).map_err(EngineError::query(table))?;
            found.push(values.into_array(batch.num_rows()).map_err(EngineError::query(table))?);
        }
        self.bounded(Values::distinct(&found)?)
    }

    /// The distinct values of an expression in the rows of a plan.
    async fn values_of(&self, plan: LogicalPlan, expression: &Expr) -> Result<Affected, Stop> {
        let rows = LogicalPlanBuilder::from(plan)
            .project([expression.clone().alias(VALUE)])
            .and_then(|builder| builder.aggregate([Expr::Column(Column::from_name(VALUE))], Vec::<Expr>::new()))
            .and_then(LogicalPlanBuilder::build)
            .map_err(EngineError::query("looking up keys"))?;
        let batches = collect(self.context, &rows).await?;
        let arrays: Vec<ArrayRef> = batches.iter().map(|batch| batch.column(0).clone()).collect();
        self.bounded(Values::distinct(&arrays)?)
    }

    fn union(&self, found: Vec<Affected>) -> Result<Affected, Stop> {
        let arrays: Vec<ArrayRef> = found.into_iter().flatten().map(|values| values.0).collect();
        self.bounded(Values::distinct(&arrays)?)
    }

    fn bounded(&self, values: Affected) -> Result<Affected, Stop> {
        match values {
            Some(values) if values.len() > self.most => {
                Err(Stop::Blocked(Blocked(format!("more than {} keys are reached", self.most))))
            }
            other => Ok(other),
        }
    }

    /// The scan with only the rows that have one of the values.
    async fn restricted(
        &self,
        scan: &TableScan,
        expression: &Expr,
        values: &Values,
    ) -> Result<LogicalPlan, EngineError> {
        let table = scan.table_name.table();
        let provider = source_as_provider(&scan.source).map_err(EngineError::query(table))?;
        let rows = match self.looked_up(table, &provider, expression, values).await? {
            Some(rows) => rows,
            None => {
                let all = LogicalPlanBuilder::scan(scan.table_name.clone(), provider_as_source(provider), None)
                    .and_then(LogicalPlanBuilder::build)
                    .map_err(EngineError::query(table))?;
                Arc::new(PlanTable::new(among(all, expression, values)?))
            }
        };
        Ok(LogicalPlan::TableScan(TableScan { source: provider_as_source(rows), ..scan.clone() }))
    }

    /// The rows of a large table that have one of the values in a column.
    async fn looked_up(
        &self,
        table: &str,
        provider: &Arc<dyn TableProvider>,
        expression: &Expr,
        values: &Values,
    ) -> Result<Option<Arc<dyn TableProvider>>, EngineError> {
        let Expr::Column(column) = expression else { return Ok(None) };
        if self.rows.get(table).is_none_or(|rows| *rows < self.small) {
            return Ok(None);
        }
        let Some(view) = provider.downcast_ref::<PlanTable>() else {
            return Ok(lake::looked_up(provider.as_ref(), &column.name, values.array()).await?);
        };
        let Some(landing) = view.landing(table) else { return Ok(None) };
        match lake::looked_up(landing.as_ref(), &column.name, values.array()).await? {
            Some(rows) => Ok(Some(Arc::new(view.over(table, &rows)?))),
            None => Ok(None),
        }
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

/// `plan` over other inputs with the same columns.
fn with_inputs(plan: &LogicalPlan, inputs: Vec<LogicalPlan>) -> Result<LogicalPlan, EngineError> {
    let mut inputs = inputs.into_iter();
    let replaced = plan.clone().map_children(|input| {
        let other = inputs.next();
        Ok(other.map_or_else(|| Transformed::no(input), Transformed::yes))
    });
    replaced.map(|replaced| replaced.data).map_err(EngineError::query("restricting a plan"))
}

/// The rows of an optimised plan.
pub(crate) async fn collect(context: &SessionContext, plan: &LogicalPlan) -> Result<Vec<RecordBatch>, EngineError> {
    let state = context.state();
    let physical = state.query_planner().create_physical_plan(plan, &state).await;
    let physical = physical.map_err(EngineError::query("planning"))?;
    datafusion::physical_plan::collect(physical, context.task_ctx()).await.map_err(EngineError::query("computing"))
}

/// The values of a column of a plan's result that a change reaches, and the plan that computes the rows with them.
/// More than `worth` values are not worth it.
pub async fn by_key(
    refresher: &Refresher<'_>,
    plan: &LogicalPlan,
    column: &str,
    worth: usize,
) -> Result<Option<(Values, LogicalPlan)>, Stop> {
    let key = partition::key(plan, column)?;
    // It must fall apart down to the tables before it is worth anything.
    restrict(plan, &key)?;
    let Some(values) = refresher.affected(plan, key.clone()).await? else { return Ok(None) };
    if values.len() > worth {
        return Err(Stop::Blocked(Blocked(format!("{} values of {column} are reached, most of them", values.len()))));
    }
    let narrowed = refresher.narrow(plan, &key, &values).await?;
    Ok(Some((values, narrowed)))
}

#[cfg(test)]
mod tests;
