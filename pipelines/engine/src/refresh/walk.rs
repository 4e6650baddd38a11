//! Two walks over a plan: which values of an expression a change reaches, and the plan that computes the rows with
//! them. What they need of the tables is asked once, however often a plan repeats a part. A dry walk asks nothing and
//! says what the walks would cost.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::ArrayRef;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, DFSchema};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::{EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, TableScan};
use futures::future::BoxFuture;

use super::{Change, Refresher, Stop, VALUE, Values, among, blocked, collect};
use crate::EngineError;
use crate::partition::{Bridge, Sides, Step, restrict, step, tables};
use crate::rows::Difference;
use crate::views::PlanTable;

/// Values of an expression, or nothing.
type Affected = Option<Values>;

/// The walks over one plan.
pub struct Walk<'a> {
    refresher: &'a Refresher<'a>,
    /// Nothing is asked: any question is taken to have an answer, and its cost is counted.
    dry: bool,
    cost: AtomicU64,
    affected: Memo<(LogicalPlan, Expr), Affected>,
    narrowed: Memo<(LogicalPlan, Expr, Values), LogicalPlan>,
    partners: Memo<(LogicalPlan, Expr, Values, Expr), Affected>,
}

/// Answers that have been given.
struct Memo<K, V>(Mutex<HashMap<K, V>>);

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    fn new() -> Self {
        Self(Mutex::default())
    }

    fn get(&self, question: &K) -> Option<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(question).cloned()
    }

    fn keep(&self, question: K, answer: &V) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(question, answer.clone());
    }
}

impl<'a> Walk<'a> {
    /// Walks that ask the tables.
    pub fn new(refresher: &'a Refresher<'a>) -> Self {
        let (affected, narrowed, partners) = (Memo::new(), Memo::new(), Memo::new());
        Self { refresher, dry: false, cost: AtomicU64::new(0), affected, narrowed, partners }
    }

    /// What it costs at most to compute `plan` for the values of `key` that the changes reach, in rows that are read.
    pub async fn cost(refresher: &'a Refresher<'a>, plan: &LogicalPlan, key: &Expr) -> Result<u64, Stop> {
        let walk = Self { dry: true, ..Self::new(refresher) };
        if let Some(values) = walk.affected(plan, key.clone()).await? {
            walk.narrow(plan, key, &values).await?;
            walk.charge(refresher.look_up);
        }
        Ok(walk.cost.into_inner())
    }

    /// The values of `expression` for which the rows of `plan` can have changed.
    pub fn affected<'p>(&'p self, plan: &'p LogicalPlan, expression: Expr) -> BoxFuture<'p, Result<Affected, Stop>> {
        Box::pin(async move {
            if !self.is_touched(plan) {
                return Ok(None);
            }
            let question = (plan.clone(), expression);
            if let Some(known) = self.affected.get(&question) {
                return Ok(known);
            }
            let expression = &question.1;
            let found = match step(plan, expression)? {
                Step::Scan(scan) => self.of_changed_rows(scan, expression)?,
                Step::Inputs(inputs) => {
                    let mut found = Vec::new();
                    for (input, expression) in inputs {
                        found.push(self.affected(input, expression).await?);
                    }
                    self.union(found)?
                }
                Step::Join(sides) => {
                    let mine = self.affected(sides.mine, sides.own.clone()).await?;
                    let other = self.affected_through(&sides).await?;
                    self.union(vec![mine, other])?
                }
                Step::Bridge(bridge) => {
                    let own = self.affected(bridge.input, bridge.own.clone()).await?;
                    let neighbours = match self.affected(bridge.input, bridge.by.clone()).await? {
                        Some(changed) => self.partners(bridge.input, &bridge.by, &changed, &bridge.own).await?,
                        None => None,
                    };
                    self.union(vec![own, neighbours])?
                }
            };
            self.affected.keep(question, &found);
            Ok(found)
        })
    }

    /// The values that a change of a join's other side reaches.
    async fn affected_through(&self, sides: &Sides<'_>) -> Result<Affected, Stop> {
        if !self.is_touched(sides.other) {
            return Ok(None);
        }
        let mut reason = blocked("it is joined without an equality");
        for partner in sides.partners() {
            match self.affected(sides.other, partner.clone()).await {
                Err(Stop::Blocked(because)) => reason = because,
                found => return found,
            }
        }
        for (own, other) in &sides.pairs {
            match self.affected(sides.other, other.clone()).await {
                Err(Stop::Blocked(because)) => reason = because,
                Err(failed) => return Err(failed),
                Ok(None) => return Ok(None),
                Ok(Some(changed)) => return self.partners(sides.mine, own, &changed, &sides.own).await,
            }
        }
        Err(Stop::Blocked(reason))
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
                return Ok(self.whole(plan));
            }
            let question = (plan.clone(), expression.clone(), values.clone());
            if let Some(known) = self.narrowed.get(&question) {
                return Ok(known);
            }
            let narrowed = match step(plan, expression)? {
                Step::Scan(scan) => self.restricted(scan, expression, values).await?,
                Step::Inputs(inputs) => {
                    let mut narrowed = Vec::new();
                    for (input, expression) in &inputs {
                        narrowed.push(self.narrow(input, expression, values).await?);
                    }
                    with_inputs(plan, narrowed)?
                }
                Step::Join(sides) => {
                    let mine = self.narrow(sides.mine, &sides.own, values).await?;
                    let other = self.narrow_other(&sides, values).await?;
                    with_inputs(plan, sides.in_order(mine, other))?
                }
                Step::Bridge(Bridge { input, own, by }) => {
                    let input = match self.partners(input, &own, values, &by).await? {
                        Some(neighbours) => self.narrow(input, &by, &neighbours).await?,
                        None => self.narrow(input, &own, values).await?,
                    };
                    with_inputs(plan, vec![input])?
                }
            };
            self.narrowed.keep(question, &narrowed);
            Ok(narrowed)
        })
    }

    /// The other side of a join, restricted to the rows that those with the `values` look up.
    async fn narrow_other(&self, sides: &Sides<'_>, values: &Values) -> Result<LogicalPlan, Stop> {
        if let Some(partner) = sides.partners().find(|partner| restrict(sides.other, partner).is_ok()) {
            return self.narrow(sides.other, partner, values).await;
        }
        let by_pair = sides.pairs.iter().find(|(_, other)| restrict(sides.other, other).is_ok());
        let Some((own, other)) = by_pair.filter(|_| self.is_large(sides.other)) else {
            return Ok(self.whole(sides.other));
        };
        match self.partners(sides.mine, &sides.own, values, own).await {
            Ok(Some(looked_up)) => self.narrow(sides.other, other, &looked_up).await,
            Ok(None) => Ok(nothing(sides.other)),
            Err(Stop::Blocked(_)) => Ok(self.whole(sides.other)),
            Err(failed) => Err(failed),
        }
    }

    /// The values of `target` in the rows of `plan` whose `expression` is one of `values`.
    async fn partners(
        &self,
        plan: &LogicalPlan,
        expression: &Expr,
        values: &Values,
        target: &Expr,
    ) -> Result<Affected, Stop> {
        let question = (plan.clone(), expression.clone(), values.clone(), target.clone());
        if let Some(known) = self.partners.get(&question) {
            return Ok(known);
        }
        let narrowed = self.narrow(plan, expression, values).await?;
        let rows = if self.dry { narrowed } else { among(narrowed, expression, values)? };
        let found = self.values_of(rows, target).await?;
        self.partners.keep(question, &found);
        Ok(found)
    }

    /// A part of the plan that is read as it is.
    fn whole(&self, plan: &LogicalPlan) -> LogicalPlan {
        self.charge(self.refresher.reads(plan));
        plan.clone()
    }

    fn charge(&self, rows: u64) {
        self.cost.fetch_add(rows, Ordering::Relaxed);
    }

    /// True when a table that `plan` reads has changed.
    fn is_touched(&self, plan: &LogicalPlan) -> bool {
        tables(plan).iter().any(|table| self.refresher.changes.contains_key(table))
    }

    fn is_large(&self, plan: &LogicalPlan) -> bool {
        tables(plan).iter().any(|table| self.refresher.is_large(table))
    }

    /// The values of an expression in the changed rows of a table.
    fn of_changed_rows(&self, scan: &TableScan, expression: &Expr) -> Result<Affected, Stop> {
        let table = scan.table_name.table();
        let Some(change) = self.refresher.changes.get(table) else { return Ok(None) };
        let Change::Rows(Difference { removed, added }) = change else {
            return Err(Stop::Blocked(blocked(&format!("all of {table} may have changed"))));
        };
        if self.dry {
            return Ok(Some(Values::some()));
        }
        let context = self.refresher.context;
        let mut found = Vec::new();
        for batch in removed.iter().chain(added).filter(|batch| batch.num_rows() > 0) {
            let schema = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &batch.schema())
                .map_err(EngineError::query(table))?;
            let physical =
                context.create_physical_expr(expression.clone(), &schema).map_err(EngineError::query(table))?;
            let values = physical.evaluate(batch).map_err(EngineError::query(table))?;
            found.push(values.into_array(batch.num_rows()).map_err(EngineError::query(table))?);
        }
        self.bounded(Values::distinct(&found)?)
    }

    /// The distinct values of an expression in the rows of a plan.
    async fn values_of(&self, plan: LogicalPlan, expression: &Expr) -> Result<Affected, Stop> {
        self.charge(self.refresher.look_up);
        if self.dry {
            return Ok(Some(Values::some()));
        }
        let rows = LogicalPlanBuilder::from(plan)
            .project([expression.clone().alias(VALUE)])
            .and_then(|builder| builder.aggregate([Expr::Column(Column::from_name(VALUE))], Vec::<Expr>::new()))
            .and_then(LogicalPlanBuilder::build)
            .map_err(EngineError::query("looking up keys"))?;
        let batches = collect(self.refresher.context, &rows).await?;
        let arrays: Vec<ArrayRef> = batches.iter().map(|batch| batch.column(0).clone()).collect();
        self.bounded(Values::distinct(&arrays)?)
    }

    fn union(&self, found: Vec<Affected>) -> Result<Affected, Stop> {
        let arrays: Vec<ArrayRef> = found.into_iter().flatten().map(|values| values.0).collect();
        self.bounded(Values::distinct(&arrays)?)
    }

    fn bounded(&self, values: Affected) -> Result<Affected, Stop> {
        match values {
            Some(values) if values.len() > self.refresher.most => {
                Err(Stop::Blocked(blocked(&format!("more than {} keys are reached", self.refresher.most))))
            }
            other => Ok(other),
        }
    }

    /// The scan with only the rows that have one of the values.
    async fn restricted(&self, scan: &TableScan, expression: &Expr, values: &Values) -> Result<LogicalPlan, Stop> {
        let table = scan.table_name.table();
        let provider = source_as_provider(&scan.source).map_err(EngineError::query(table))?;
        let looked_up = self.looked_up_by(table, &provider, expression);
        self.charge(if looked_up.is_some() { self.refresher.look_up } else { self.refresher.rows_of(table) });
        if self.dry {
            return Ok(LogicalPlan::TableScan(scan.clone()));
        }
        let rows = match looked_up {
            Some(column) => self.looked_up(table, &provider, column, values).await?,
            None => None,
        };
        let rows = match rows {
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

    /// The column by which the rows of a large table are looked up.
    fn looked_up_by<'e>(&self, table: &str, provider: &Arc<dyn TableProvider>, by: &'e Expr) -> Option<&'e Column> {
        let Expr::Column(column) = by else { return None };
        let is_view_of_several = provider.downcast_ref::<PlanTable>().is_some_and(|view| view.landing(table).is_none());
        (self.refresher.is_large(table) && !is_view_of_several).then_some(column)
    }

    /// The rows of a table that have one of the values in a column; nothing when it is not the lake's.
    async fn looked_up(
        &self,
        table: &str,
        provider: &Arc<dyn TableProvider>,
        column: &Column,
        values: &Values,
    ) -> Result<Option<Arc<dyn TableProvider>>, EngineError> {
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

/// `plan` over other inputs with the same columns.
fn with_inputs(plan: &LogicalPlan, inputs: Vec<LogicalPlan>) -> Result<LogicalPlan, EngineError> {
    let mut inputs = inputs.into_iter();
    let replaced = plan.clone().map_children(|input| {
        let other = inputs.next();
        Ok(other.map_or_else(|| Transformed::no(input), Transformed::yes))
    });
    replaced.map(|replaced| replaced.data).map_err(EngineError::query("restricting a plan"))
}

/// No row, in the columns of `plan`.
fn nothing(plan: &LogicalPlan) -> LogicalPlan {
    LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: plan.schema().clone() })
}
