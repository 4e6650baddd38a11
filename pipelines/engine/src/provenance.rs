//! Which rows of the tables that a job read a row of its result came from.
//!
//! The job's plan is walked from its result to its scans. At each operator the rows that came out of it are known,
//! and those that went into it are found by asking the operator's input for them, with a filter that the optimiser
//! pushes down (the tracing queries of Cui, Widom and Wiener, *Tracing the lineage of view data in a warehousing
//! environment*, 2000). What is found for each operator:
//!
//! - projection, filter, join, union, unnest: the rows that give the row;
//! - distinct, and grouping without aggregates: one of them, as each would do;
//! - aggregate: the rows of the group that pass the aggregate's `filter`; for `min`, `max`, `bool_and` and `bool_or`
//!   alone, one row that has the value;
//! - window: the rows of the partition;
//! - semi join: the rows on the other side that it found;
//! - anti join, and outer join without a partner: nothing, because the row is there for want of one. That is an
//!   [`Absence`], with the tables that were searched and the values that were looked for.
//!
//! The rows found for all scans, given alone as the job's inputs, give the row again: [`Provenance::recompute`].
//! Two limits remain. A set that grows beyond the limit is cut off and marked; and where a non-monotone operator
//! stands above a join, rows that the join finds only among the traced ones can give *further* rows, never other
//! values for the traced ones' groups.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType, ScalarValue};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, Join, LogicalPlan, LogicalPlanBuilder, Projection, TableScan, Unnest, Window, ident,
};

use self::fetch::{Fetcher, Found, Keep};
use crate::rows::{RowSet, concat, distinct, is_all_null};
use crate::subqueries;

mod fetch;
mod whole;

/// What a traced row came from.
#[derive(Debug)]
pub struct Provenance {
    plan: LogicalPlan,
    /// The traced rows, as the plan gives them.
    pub rows: RecordBatch,
    /// The rows of each scan of the plan, in its order. A table that is read twice is there twice.
    pub scans: Vec<ScanRows>,
    /// What was looked for and not found.
    pub absences: Vec<Absence>,
}

/// The rows of one scan that took part.
#[derive(Debug, Clone)]
pub struct ScanRows {
    /// The table.
    pub table: String,
    /// Its rows, each once.
    pub rows: RecordBatch,
    /// False when there are more, beyond the limit.
    pub complete: bool,
}

/// Something that was looked for and not found, and so let the row be as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Absence {
    /// Tables that were searched.
    pub tables: BTreeSet<String>,
    /// The condition, with the values of the row.
    pub condition: String,
}

/// Traces the rows of `plan` whose `key` columns have the values of `wanted`, which has one column for each.
///
/// `plan` is an analysed plan over the tables of `context`; views there must be opaque scans. No more than `limit`
/// rows are followed at any operator.
///
/// # Errors
/// When a query fails, or the plan has an operator that cannot be traced.
pub async fn trace(
    context: &SessionContext,
    plan: &LogicalPlan,
    key: &[String],
    wanted: &[ArrayRef],
    limit: usize,
) -> Result<Provenance> {
    let plan = subqueries::as_joins(context, plan.clone())?;
    let context = &for_many_plans(context);
    let fetcher = Fetcher { context, limit };
    let keys: Vec<Expr> = key.iter().map(ident).collect();
    let found = fetcher.fetch(&plan, &keys, wanted, None, Keep::All).await?;
    let mut tracer = Tracer { fetcher, order: scans(&plan)?, scans: BTreeMap::new(), absences: BTreeSet::new() };
    tracer.run(&plan, &found).await?;
    let (order, mut traced) = (tracer.order.clone(), std::mem::take(&mut tracer.scans));
    let absences = tracer.absences.into_iter().collect();
    let mut scans: Vec<(usize, ScanRows)> = Vec::new();
    plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let number = order[&address(node)];
            let found = traced.remove(&number).unwrap_or_default();
            let schema = scan.projected_schema.inner().clone();
            let rows = distinct(&concat(&schema, found.iter().map(|found| &found.rows))?)?;
            let complete = found.iter().all(|found| found.complete);
            scans.push((number, ScanRows { table: scan.table_name.table().to_owned(), rows, complete }));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    scans.sort_by_key(|(number, _)| *number);
    let scans = scans.into_iter().map(|(_, scan)| scan).collect();
    Ok(Provenance { plan, rows: found.rows, scans, absences })
}

impl Provenance {
    /// Computes the job on the traced rows alone, and says whether the traced rows of the result come out again.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn recompute(&self, context: &SessionContext, key: &[String]) -> Result<bool> {
        let mut scans = self.scans.iter();
        let plan = self.plan.clone().transform_down(|node| {
            let LogicalPlan::TableScan(scan) = node else { return Ok(Transformed::no(node)) };
            let traced = scans.next().ok_or_else(|| DataFusionError::Internal("a scan was not traced".to_owned()))?;
            let schema = scan.projected_schema.inner().clone();
            let rows = RecordBatch::try_new(schema.clone(), traced.rows.columns().to_vec())?;
            let table = MemTable::try_new(schema, vec![vec![rows]])?;
            let source = provider_as_source(Arc::new(table));
            Ok(Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan })))
        });
        let plan = plan.data()?;
        let keys: Vec<Expr> = key.iter().map(ident).collect();
        let wanted = columns_named(&self.rows, key)?;
        let fetcher = Fetcher { context, limit: self.rows.num_rows() };
        let again = fetcher.fetch(&plan, &keys, &wanted, None, Keep::All).await?;
        Ok(RowSet::of(&self.rows)?.equals(&RowSet::of(&again.rows)?))
    }

    /// False when a set was cut off at the limit.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.scans.iter().all(|scan| scan.complete)
    }
}

/// Dozens of small questions are asked: planning them costs more than a better plan saves.
fn for_many_plans(context: &SessionContext) -> SessionContext {
    // The catalogue is shared: it must not be made anew.
    let mut config = context.copied_config().with_create_default_catalog_and_schema(false);
    config.options_mut().optimizer.max_passes = 1;
    SessionContext::new_with_state(SessionStateBuilder::new_from_existing(context.state()).with_config(config).build())
}

pub(crate) fn columns_named(rows: &RecordBatch, names: &[String]) -> Result<Vec<ArrayRef>> {
    let column = |name: &String| Ok(rows.column(rows.schema().index_of(name)?).clone());
    names.iter().map(column).collect()
}

/// The scans of a plan, numbered from its root in the order in which they are met.
fn scans(plan: &LogicalPlan) -> Result<HashMap<usize, usize>> {
    let mut numbers = HashMap::new();
    plan.apply(|node| {
        if matches!(node, LogicalPlan::TableScan(_)) {
            numbers.insert(address(node), numbers.len());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(numbers)
}

/// Tells the nodes of one plan apart.
fn address(node: &LogicalPlan) -> usize {
    std::ptr::from_ref(node).addr()
}

struct Tracer<'a> {
    fetcher: Fetcher<'a>,
    order: HashMap<usize, usize>,
    scans: BTreeMap<usize, Vec<Found>>,
    absences: BTreeSet<Absence>,
}

/// Rows that came out of an operator.
struct Task<'p> {
    node: &'p LogicalPlan,
    found: Found,
    /// False when some may have come out of another one (the other branches of a union).
    certain: bool,
    /// Whether one origin of each is enough (below a `distinct`).
    keep: Keep,
}

impl<'p> Task<'p> {
    const fn certain(node: &'p LogicalPlan, found: Found) -> Self {
        Self { node, found, certain: true, keep: Keep::All }
    }
}

impl Tracer<'_> {
    async fn run(&mut self, plan: &LogicalPlan, found: &Found) -> Result<()> {
        let mut waiting = vec![Task::certain(plan, found.clone())];
        while let Some(task) = waiting.pop() {
            if task.found.rows.num_rows() > 0 {
                waiting.extend(self.inputs(task).await?);
            }
        }
        Ok(())
    }

    /// The rows that went into an operator.
    async fn inputs<'p>(&mut self, task: Task<'p>) -> Result<Vec<Task<'p>>> {
        let Task { node, found, certain, keep } = task;
        Ok(match node {
            LogicalPlan::TableScan(_) => {
                self.scans.entry(self.order[&address(node)]).or_default().push(found);
                Vec::new()
            }
            LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => Vec::new(),
            LogicalPlan::SubqueryAlias(alias) => vec![Task { node: &alias.input, found, certain, keep }],
            LogicalPlan::Sort(sort) => vec![Task { node: &sort.input, found, certain, keep }],
            LogicalPlan::Repartition(repartition) => vec![Task { node: &repartition.input, found, certain, keep }],
            LogicalPlan::Projection(projection) => {
                let found = if certain { found } else { with_constants(projection, found)? };
                if found.rows.num_rows() == 0 {
                    return Ok(Vec::new());
                }
                let input = self.projected(projection, found, certain, keep).await?;
                vec![Task::certain(&projection.input, input)]
            }
            other if !certain => {
                let (keys, values) = (columns_of(other), found.rows.columns());
                let own = self.fetcher.fetch(other, &keys, values, None, Keep::All).await?.also(found.complete);
                vec![Task::certain(other, own)]
            }
            LogicalPlan::Limit(limit) => vec![Task::certain(&limit.input, found)],
            LogicalPlan::Filter(filter) => vec![Task::certain(&filter.input, found)],
            LogicalPlan::Distinct(Distinct::All(input)) => {
                vec![Task { keep: Keep::OneOfEach, ..Task::certain(input, found) }]
            }
            LogicalPlan::Union(union) => {
                let branch =
                    |input: &'p Arc<LogicalPlan>| Task { node: input, found: found.clone(), certain: false, keep };
                union.inputs.iter().map(branch).collect()
            }
            LogicalPlan::Window(window) => vec![Task::certain(&window.input, self.windowed(window, &found).await?)],
            LogicalPlan::Aggregate(aggregate) => {
                vec![Task::certain(&aggregate.input, self.aggregated(aggregate, &found).await?)]
            }
            LogicalPlan::Unnest(unnest) => vec![Task::certain(&unnest.input, self.unnested(unnest, &found).await?)],
            LogicalPlan::Join(join) => self.joined(join, &found).await?,
            other => {
                let reason = format!("rows cannot be followed through {}", other.display());
                return Err(DataFusionError::Plan(reason));
            }
        })
    }

    async fn projected(&self, projection: &Projection, found: Found, certain: bool, keep: Keep) -> Result<Found> {
        if certain && let Some(indices) = all_of_input(projection) {
            return Ok(Found { rows: found.rows.project(&indices)?, ..found });
        }
        let input = self.fetcher.fetch(&projection.input, &projection.expr, found.rows.columns(), None, keep).await?;
        Ok(input.also(found.complete))
    }

    async fn windowed(&self, window: &Window, found: &Found) -> Result<Found> {
        let mut partitions: Vec<&[Expr]> = Vec::new();
        for expression in &window.window_expr {
            let own = window_partition(expression).ok_or_else(lost_columns)?;
            if !partitions.contains(&own) {
                partitions.push(own);
            }
        }
        let mut parts = Vec::new();
        for partition in partitions {
            let values = self.fetcher.evaluate(partition, window.input.schema(), &found.rows)?;
            parts.push(self.fetcher.fetch(&window.input, partition, &values, None, Keep::All).await?);
        }
        Ok(Found::all(&arrow_schema(&window.input), parts)?.also(found.complete))
    }

    async fn aggregated(&self, aggregate: &Aggregate, found: &Found) -> Result<Found> {
        let (input, groups) = (&aggregate.input, &aggregate.group_expr);
        if groups.iter().any(|group| matches!(group, Expr::GroupingSet(_))) {
            return Err(DataFusionError::Plan("rows cannot be followed through grouping sets".to_owned()));
        }
        let of_groups = &found.rows.columns()[..groups.len()];
        let calls: Vec<&AggregateFunction> = aggregate.aggr_expr.iter().filter_map(aggregate_call).collect();
        let takes_all = |call: &&AggregateFunction| !takes_one(call) && call.params.filter.is_none();
        if calls.is_empty() && !groups.is_empty() {
            return Ok(self.fetcher.fetch(input, groups, of_groups, None, Keep::OneOfEach).await?.also(found.complete));
        }
        if calls.len() < aggregate.aggr_expr.len() || calls.iter().any(takes_all) {
            let all = self.fetcher.fetch(input, groups, of_groups, None, Keep::All).await?;
            return Ok(all.also(found.complete));
        }
        let mut parts = Vec::new();
        for (index, call) in calls.iter().enumerate() {
            let filter = call.params.filter.as_deref();
            if takes_one(call) {
                let value = found.rows.column(groups.len() + index);
                let known = BooleanArray::from_iter((0..value.len()).map(|row| Some(value.is_valid(row))));
                let with_value = filter_record_batch(&found.rows, &known)?;
                let keys: Vec<Expr> = groups.iter().chain(&call.params.args).cloned().collect();
                let mut values = with_value.columns()[..groups.len()].to_vec();
                values.push(with_value.column(groups.len() + index).clone());
                parts.push(self.fetcher.fetch(input, &keys, &values, filter, Keep::OneOfEach).await?);
            } else {
                parts.push(self.fetcher.fetch(input, groups, of_groups, filter, Keep::All).await?);
            }
        }
        let some = Found::all(&arrow_schema(input), parts)?;
        // A group of which no aggregate took a row is there all the same because of one.
        let seen = self.fetcher.evaluate(groups, input.schema(), &some.rows)?;
        let unseen = RowSet::of_columns(&seen, some.rows.num_rows())?.missing(of_groups, found.rows.num_rows())?;
        let mut parts = vec![some];
        if !groups.is_empty() && unseen.true_count() > 0 {
            let of_unseen = filter_record_batch(&found.rows, &unseen)?;
            let values = &of_unseen.columns()[..groups.len()];
            parts.push(self.fetcher.fetch(input, groups, values, None, Keep::OneOfEach).await?);
        }
        Ok(Found::all(&arrow_schema(input), parts)?.also(found.complete))
    }

    /// The candidates have the columns that are not unnested in common with the rows; which of them have the elements
    /// is seen by unnesting them again.
    async fn unnested(&self, unnest: &Unnest, found: &Found) -> Result<Found> {
        let of_input = columns_of(&unnest.input);
        let lists: BTreeSet<usize> = unnest.list_type_columns.iter().map(|(index, _)| *index).collect();
        let structs: BTreeSet<usize> = unnest.struct_type_columns.iter().copied().collect();
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (output, input) in unnest.dependency_indices.iter().enumerate() {
            if !lists.contains(input) && !structs.contains(input) {
                keys.push(of_input[*input].clone());
                values.push(found.rows.column(output).clone());
            }
        }
        let candidates = self.fetcher.fetch(&unnest.input, &keys, &values, None, Keep::All).await?;
        let numbered = fetch::numbered(&candidates.rows, unnest.input.schema())?;
        let again = LogicalPlanBuilder::from(numbered)
            .unnest_columns_with_options(unnest.exec_columns.clone(), unnest.options.clone())?
            .build()?;
        let again = self.fetcher.collect(&again).await?;
        let (number, elements) = again.columns().split_last().ok_or_else(lost_columns)?;
        let wanted = RowSet::of(&found.rows)?;
        let taken = wanted.contained(elements, again.num_rows())?;
        let rows = fetch::take_numbered(&candidates.rows, number, &taken)?;
        Ok(Found { rows, complete: candidates.complete && found.complete })
    }

    async fn joined<'p>(&mut self, join: &'p Join, found: &Found) -> Result<Vec<Task<'p>>> {
        let wide = join.left.schema().fields().len();
        let width = found.rows.num_columns();
        let side = |from: usize, to: usize| -> Result<Found> {
            let rows = found.rows.project(&(from..to).collect::<Vec<_>>())?;
            Ok(Found { rows: distinct(&rows)?, complete: found.complete })
        };
        let mut tasks = Vec::new();
        match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                let (left, right) = (side(0, wide)?, side(wide, width)?);
                if matches!(join.join_type, JoinType::Left | JoinType::Full) {
                    let alone = is_all_null(&found.rows.columns()[wide..], found.rows.num_rows());
                    let alone = found
                        .rows
                        .project(&(0..wide).collect::<Vec<_>>())
                        .and_then(|rows| filter_record_batch(&rows, &alone))?;
                    self.absent(join, &alone)?;
                }
                tasks.push(Task::certain(&join.left, left.without_null_rows()?));
                tasks.push(Task::certain(&join.right, right.without_null_rows()?));
            }
            JoinType::LeftSemi => {
                let partners = self.fetcher.partners(join, &found.rows).await?;
                tasks.push(Task::certain(&join.left, found.clone()));
                tasks.push(Task::certain(&join.right, partners.also(found.complete)));
            }
            JoinType::LeftAnti => {
                self.absent(join, &found.rows)?;
                tasks.push(Task::certain(&join.left, found.clone()));
            }
            JoinType::LeftMark => {
                let left = side(0, wide)?;
                let partners = self.fetcher.partners(join, &left.rows).await?;
                tasks.push(Task::certain(&join.left, left));
                tasks.push(Task::certain(&join.right, partners.also(found.complete)));
            }
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                let reason = format!("rows cannot be followed through a {} join", join.join_type);
                return Err(DataFusionError::Plan(reason));
            }
        }
        Ok(tasks)
    }

    /// These rows of the left side have no partner.
    fn absent(&mut self, join: &Join, left: &RecordBatch) -> Result<()> {
        let mut tables = BTreeSet::new();
        join.right.apply(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                tables.insert(scan.table_name.table().to_owned());
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        let wanted: Vec<Expr> = join.on.iter().map(|(left, _)| left.clone()).collect();
        let values = self.fetcher.evaluate(&wanted, join.left.schema(), left)?;
        let nothing = is_all_null(&values, left.num_rows());
        for row in (0..left.num_rows()).filter(|&row| join.on.is_empty() || !nothing.value(row)) {
            let parts = join.on.iter().zip(&values).map(|((_, right), values)| {
                let name = right.column_refs().iter().map(|column| column.name.clone()).collect::<Vec<_>>().join(", ");
                format!("{name} = {}", schemas::json::cell(values.as_ref(), row))
            });
            let condition = parts.collect::<Vec<_>>().join(" and ");
            self.absences.insert(Absence { tables: tables.clone(), condition });
        }
        Ok(())
    }
}

/// The rows that have the constants of a projection. Branches of a union often name themselves (`'same_number' as
/// rule`), which tells without a query from which of them a row did not come.
fn with_constants(projection: &Projection, found: Found) -> Result<Found> {
    let mut mask = vec![true; found.rows.num_rows()];
    for (expression, column) in projection.expr.iter().zip(found.rows.columns()) {
        let Expr::Literal(constant, _) = unaliased(expression) else { continue };
        if constant.data_type() == *column.data_type() {
            for (row, has) in mask.iter_mut().enumerate() {
                *has &= ScalarValue::try_from_array(column, row)? == *constant;
            }
        }
    }
    Ok(Found { rows: filter_record_batch(&found.rows, &BooleanArray::from(mask))?, ..found })
}

/// When a projection only picks columns and leaves none of its input out: for each of the input, its place in the
/// output.
fn all_of_input(projection: &Projection) -> Option<Vec<usize>> {
    let schema = projection.input.schema();
    let mut places = vec![None; schema.fields().len()];
    for (output, expression) in projection.expr.iter().enumerate() {
        if let Expr::Column(column) = unaliased(expression) {
            places[schema.index_of_column(column).ok()?].get_or_insert(output);
        }
    }
    places.into_iter().collect()
}

fn unaliased(expression: &Expr) -> &Expr {
    match expression {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}

fn window_partition(expression: &Expr) -> Option<&[Expr]> {
    match unaliased(expression) {
        Expr::WindowFunction(call) => Some(&call.params.partition_by),
        _ => None,
    }
}

fn aggregate_call(expression: &Expr) -> Option<&AggregateFunction> {
    match unaliased(expression) {
        Expr::AggregateFunction(call) => Some(call),
        _ => None,
    }
}

/// One row with the value is enough to give the value again, whatever other rows of the group stand beside it.
fn takes_one(call: &AggregateFunction) -> bool {
    matches!(call.func.name(), "min" | "max" | "bool_and" | "bool_or") && call.params.args.len() == 1
}

fn columns_of(plan: &LogicalPlan) -> Vec<Expr> {
    plan.schema().iter().map(|field| Expr::Column(Column::from(field))).collect()
}

fn arrow_schema(plan: &LogicalPlan) -> arrow::datatypes::SchemaRef {
    plan.schema().inner().clone()
}

fn lost_columns() -> DataFusionError {
    DataFusionError::Internal("an operator lost its columns".to_owned())
}

#[cfg(test)]
mod tests;
