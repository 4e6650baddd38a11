//! Which columns a column is computed from.
//!
//! Read from the analysed plan, so that it follows what a job does and not what its text looks like: aliases, `with`
//! steps and subqueries are gone through. A column has two kinds of source: *values*, whose content can stand in it
//! or be computed into it, and *conditions*, which only decide which rows there are or which of several values is
//! taken (filters, joins, groupings, partitions, orders, the `when` of a `case`).

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, JoinType};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Distinct, Expr, Join, LogicalPlan, Unnest};
use serde::Serialize;

use crate::diagnosis::{self, Known};
use crate::{EngineError, Planner, subqueries};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Source {
    /// The table: a job, a contract or a parameter table.
    pub table: String,
    /// The column.
    pub column: String,
}

/// What a column is computed from. Both sets empty: it is a constant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sources {
    /// Columns whose values stand in it or are computed into it.
    pub values: BTreeSet<Source>,
    /// Columns that decide which rows there are, or which of several values is taken.
    pub conditions: BTreeSet<Source>,
}

/// The sources of every column of every job.
#[derive(Debug, Clone)]
pub struct Lineage {
    jobs: BTreeMap<String, Vec<(String, Sources)>>,
}

impl Lineage {
    /// Plans the whole library and follows every column.
    ///
    /// # Errors
    /// When a job does not pass its checks, or uses an operator that cannot be followed.
    pub fn of(planner: &Planner<'_>) -> Result<Self, EngineError> {
        let mut jobs = BTreeMap::new();
        let context = planner.small_session()?;
        for (job, planned) in planner.check_plans()? {
            let plan = subqueries::as_joins(&context, planned.plan);
            let columns = plan.and_then(|plan| columns(&plan));
            let columns =
                columns.map_err(|error| EngineError::found(&job.file)(diagnosis::of(&error, &Known::default())))?;
            jobs.insert(job.name.clone(), columns);
        }
        Ok(Self { jobs })
    }

    /// The columns of a job in their order, each with its sources in the tables that the job reads.
    #[must_use]
    pub fn job(&self, name: &str) -> Option<&[(String, Sources)]> {
        self.jobs.get(name).map(Vec::as_slice)
    }

    /// The contracts and parameter tables behind a column, through all jobs. What is a condition on the way is a
    /// condition in the end.
    #[must_use]
    pub fn origins(&self, table: &str, column: &str) -> Sources {
        let mut origins = Sources::default();
        let mut seen = BTreeSet::new();
        let first = Source { table: table.to_owned(), column: column.to_owned() };
        let mut waiting = vec![(first, true)];
        while let Some((source, is_value)) = waiting.pop() {
            if !seen.insert((source.clone(), is_value)) {
                continue;
            }
            let Some(columns) = self.jobs.get(&source.table) else {
                if is_value { &mut origins.values } else { &mut origins.conditions }.insert(source);
                continue;
            };
            let of_column = columns.iter().filter(|(name, _)| *name == source.column);
            for (_, sources) in of_column {
                waiting.extend(sources.values.iter().map(|source| (source.clone(), is_value)));
                waiting.extend(sources.conditions.iter().map(|source| (source.clone(), false)));
            }
        }
        origins
    }

    /// The columns of jobs that a column is a source of, in one step.
    #[must_use]
    pub fn readers(&self, table: &str, column: &str) -> BTreeSet<Source> {
        let wanted = Source { table: table.to_owned(), column: column.to_owned() };
        let all = self.jobs.iter().flat_map(|(job, columns)| columns.iter().map(move |column| (job, column)));
        all.filter(|(_, (_, sources))| sources.values.contains(&wanted) || sources.conditions.contains(&wanted))
            .map(|(job, (name, _))| Source { table: job.clone(), column: name.clone() })
            .collect()
    }
}

/// The columns of a plan, each with its sources.
fn columns(plan: &LogicalPlan) -> Result<Vec<(String, Sources)>> {
    let relation = relation(plan)?;
    let names = plan.schema().fields().iter().map(|field| field.name().clone());
    let columns = relation.columns.into_iter().map(|mut sources| {
        sources.conditions.extend(relation.rows.iter().cloned());
        sources
    });
    Ok(names.zip(columns).collect())
}

/// What comes out of an operator: the sources of its columns, and of the decision which rows there are.
struct Relation {
    columns: Vec<Sources>,
    rows: BTreeSet<Source>,
}

impl Relation {
    /// Every source of these expressions decides which rows there are.
    fn restrict<'e>(&mut self, expressions: impl IntoIterator<Item = &'e Expr>, scope: &Scope<'_>) -> Result<()> {
        for expression in expressions {
            self.rows.extend(scope.all(expression)?);
        }
        Ok(())
    }
}

fn relation(plan: &LogicalPlan) -> Result<Relation> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let source = |column: &str| Source { table: scan.table_name.table().to_owned(), column: column.to_owned() };
            let fields = plan.schema().fields().iter();
            let columns = fields
                .map(|field| Sources { values: BTreeSet::from([source(field.name())]), ..Sources::default() })
                .collect();
            let mut relation = Relation { columns, rows: BTreeSet::new() };
            for filter in &scan.filters {
                relation.rows.extend(filter.column_refs().iter().map(|column| source(&column.name)));
            }
            Ok(relation)
        }
        LogicalPlan::Projection(projection) => {
            let input = relation(&projection.input)?;
            let scope = Scope { schema: projection.input.schema(), columns: &input.columns };
            let columns = projection.expr.iter().map(|expression| scope.sources(expression));
            Ok(Relation { columns: columns.collect::<Result<_>>()?, rows: input.rows })
        }
        LogicalPlan::Filter(filter) => {
            let mut input = relation(&filter.input)?;
            let columns = input.columns.clone();
            input.restrict([&filter.predicate], &Scope { schema: filter.input.schema(), columns: &columns })?;
            Ok(input)
        }
        LogicalPlan::Aggregate(aggregate) => {
            let input = relation(&aggregate.input)?;
            let scope = Scope { schema: aggregate.input.schema(), columns: &input.columns };
            let expressions = aggregate.group_expr.iter().chain(&aggregate.aggr_expr);
            let columns = expressions.map(|expression| scope.sources(expression)).collect::<Result<_>>()?;
            let mut output = Relation { columns, rows: input.rows.clone() };
            output.restrict(&aggregate.group_expr, &scope)?;
            Ok(output)
        }
        LogicalPlan::Window(window) => {
            let mut input = relation(&window.input)?;
            let scope = Scope { schema: window.input.schema(), columns: &input.columns };
            let computed =
                window.window_expr.iter().map(|expression| scope.sources(expression)).collect::<Result<Vec<_>>>()?;
            input.columns.extend(computed);
            Ok(input)
        }
        LogicalPlan::Join(join) => joined(join),
        LogicalPlan::Union(union) => {
            let mut inputs = union.inputs.iter().map(|input| relation(input));
            let mut output = inputs.next().transpose()?.ok_or_else(|| cannot_follow(plan))?;
            for input in inputs {
                let input = input?;
                output.rows.extend(input.rows);
                for (column, more) in output.columns.iter_mut().zip(input.columns) {
                    column.add(more);
                }
            }
            Ok(output)
        }
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let mut output = relation(input)?;
            let of_values = output.columns.iter().flat_map(|column| column.values.clone());
            output.rows.extend(of_values.collect::<Vec<_>>());
            Ok(output)
        }
        LogicalPlan::Unnest(unnest) => unnested(unnest),
        LogicalPlan::SubqueryAlias(alias) => relation(&alias.input),
        LogicalPlan::Sort(sort) => relation(&sort.input),
        LogicalPlan::Limit(limit) => relation(&limit.input),
        LogicalPlan::Repartition(repartition) => relation(&repartition.input),
        LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => {
            let columns = vec![Sources::default(); plan.schema().fields().len()];
            Ok(Relation { columns, rows: BTreeSet::new() })
        }
        other => Err(cannot_follow(other)),
    }
}

fn joined(join: &Join) -> Result<Relation> {
    let left = relation(&join.left)?;
    let right = relation(&join.right)?;
    let both: Vec<Sources> = left.columns.iter().chain(&right.columns).cloned().collect();
    let both_schema = join.left.schema().join(join.right.schema())?;
    let columns = match join.join_type {
        JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => both.clone(),
        JoinType::LeftSemi | JoinType::LeftAnti => left.columns.clone(),
        JoinType::RightSemi | JoinType::RightAnti => right.columns.clone(),
        JoinType::LeftMark => left.columns.iter().cloned().chain([Sources::default()]).collect(),
        JoinType::RightMark => right.columns.iter().cloned().chain([Sources::default()]).collect(),
    };
    let mut output = Relation { columns, rows: left.rows.union(&right.rows).cloned().collect() };
    for (one, other) in &join.on {
        output.restrict([one], &Scope { schema: join.left.schema(), columns: &left.columns })?;
        output.restrict([other], &Scope { schema: join.right.schema(), columns: &right.columns })?;
    }
    output.restrict(&join.filter, &Scope { schema: &both_schema, columns: &both })?;
    Ok(output)
}

fn unnested(unnest: &Unnest) -> Result<Relation> {
    let input = relation(&unnest.input)?;
    let columns = unnest.dependency_indices.iter().map(|&index| input.columns.get(index).cloned().unwrap_or_default());
    let mut output = Relation { columns: columns.collect(), rows: input.rows };
    // How many rows one becomes is the length of the list.
    for (index, _) in &unnest.list_type_columns {
        let of_list = input.columns.get(*index).map(|list| list.values.clone());
        output.rows.extend(of_list.unwrap_or_default());
    }
    Ok(output)
}

/// The columns that an expression can name.
struct Scope<'a> {
    schema: &'a DFSchema,
    columns: &'a [Sources],
}

impl Scope<'_> {
    fn all(&self, expression: &Expr) -> Result<BTreeSet<Source>> {
        let sources = self.sources(expression)?;
        Ok(sources.values.into_iter().chain(sources.conditions).collect())
    }

    fn sources(&self, expression: &Expr) -> Result<Sources> {
        let mut sources = Sources::default();
        match expression {
            Expr::Column(column) => {
                let index = self.schema.index_of_column(column)?;
                sources.add(self.columns.get(index).cloned().unwrap_or_default());
            }
            Expr::Case(case) => {
                let chosen_by = case.expr.iter().chain(case.when_then_expr.iter().map(|(when, _)| when));
                self.decide(&mut sources, chosen_by.map(AsRef::as_ref))?;
                let chosen = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
                self.value(&mut sources, chosen.map(AsRef::as_ref))?;
            }
            Expr::AggregateFunction(call) => {
                self.value(&mut sources, &call.params.args)?;
                self.decide(&mut sources, call.params.filter.as_deref())?;
                self.decide(&mut sources, call.params.order_by.iter().map(|sort| &sort.expr))?;
            }
            Expr::WindowFunction(call) => {
                self.value(&mut sources, &call.params.args)?;
                self.decide(&mut sources, call.params.filter.as_deref())?;
                self.decide(&mut sources, &call.params.partition_by)?;
                self.decide(&mut sources, call.params.order_by.iter().map(|sort| &sort.expr))?;
            }
            Expr::ScalarSubquery(subquery) if subquery.outer_ref_columns.is_empty() => {
                let read = relation(&subquery.subquery)?;
                sources.add(read.columns.into_iter().next().unwrap_or_default());
                sources.conditions.extend(read.rows);
            }
            Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::SetComparison(_)
            | Expr::ScalarSubquery(_)
            | Expr::OuterReferenceColumn(..) => {
                return Err(DataFusionError::Plan(format!("the columns of {expression} cannot be followed")));
            }
            other => {
                other.apply_children(|child| {
                    sources.add(self.sources(child)?);
                    Ok(TreeNodeRecursion::Continue)
                })?;
            }
        }
        Ok(sources)
    }

    fn value<'e>(&self, into: &mut Sources, expressions: impl IntoIterator<Item = &'e Expr>) -> Result<()> {
        for expression in expressions {
            into.add(self.sources(expression)?);
        }
        Ok(())
    }

    fn decide<'e>(&self, into: &mut Sources, expressions: impl IntoIterator<Item = &'e Expr>) -> Result<()> {
        for expression in expressions {
            into.conditions.extend(self.all(expression)?);
        }
        Ok(())
    }
}

impl Sources {
    fn add(&mut self, other: Self) {
        self.values.extend(other.values);
        self.conditions.extend(other.conditions);
    }

    /// Nothing that was read decides the column.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.values.is_empty() && self.conditions.is_empty()
    }
}

fn cannot_follow(plan: &LogicalPlan) -> DataFusionError {
    DataFusionError::Plan(format!("the columns of {} cannot be followed", plan.display()))
}

#[cfg(test)]
mod tests;
