//! Where in a statement an error arises that the query engine gives no place for.
//!
//! Every step is planned alone, in order; the first that fails holds the error. Its expressions are then planned one
//! by one over the same tables, and the smallest that fails in the same way is the place.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::MemTable;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, JoinConstraint, JoinOperator, Query,
    Select, SelectItem, SetExpr, Spanned as _, TableFactor,
};

use crate::Position;
use crate::diagnosis::{self, Known};
use crate::planner::checked_plan;
use crate::statement::{SelectStatement, as_statement, start};

/// Expressions that are tried before the search gives up; a large step has some hundred.
const TRIES: usize = 400;

/// Searches `select`, planned against the tables of `context`, for the place of the error `reason`.
pub async fn locate(
    context: &SessionContext,
    scratch: SessionContext,
    select: &SelectStatement,
    reason: &str,
) -> Option<Position> {
    for table in select.reads().ok()? {
        register(&scratch, &table, context.table_provider(table.as_str()).await.ok()?);
    }
    let mut search = Search { known: Known::of(&scratch.state()), scratch, reason, tries: 0 };
    for step in select.steps() {
        match search.fails(&step.query).await {
            None => search.define(&step.alias.name.value, &step.query).await,
            Some(_) => return search.in_query(&step.query).await.or_else(|| start(step.alias.name.span)),
        }
    }
    let mut last = select.query().clone();
    last.with = None;
    search.in_query(&last).await
}

struct Search<'a> {
    scratch: SessionContext,
    known: Known,
    reason: &'a str,
    tries: usize,
}

impl Search<'_> {
    /// Why the query does not pass; nothing when it does.
    async fn fails(&mut self, query: &Query) -> Option<String> {
        self.tries += 1;
        let plan = checked_plan(&self.scratch, as_statement(query.clone())).await;
        plan.err().map(|error| diagnosis::of(&error, &self.known).reason)
    }

    /// Makes a step's rows readable by the steps after it.
    async fn define(&self, name: &str, query: &Query) {
        if let Ok(plan) = checked_plan(&self.scratch, as_statement(query.clone())).await {
            let schema = Arc::new(plan.schema().as_arrow().clone());
            let empty = MemTable::try_new(schema.clone(), vec![vec![RecordBatch::new_empty(schema)]]);
            if let Ok(empty) = empty {
                register(&self.scratch, name, Arc::new(empty));
            }
        }
    }

    async fn in_query(&mut self, query: &Query) -> Option<Position> {
        for select in crate::statement::selects(&query.body) {
            if self.fails(&with_body(query, select.clone())).await.is_none() {
                continue;
            }
            for derived in derived_tables(select) {
                if self.fails(derived).await.is_some() {
                    return Box::pin(self.in_query(derived)).await;
                }
            }
            for expression in expressions(select) {
                if self.tries < TRIES && self.fails_alone(query, select, expression).await {
                    let inner = self.innermost(query, select, expression).await;
                    return start(inner.unwrap_or(expression).span()).or_else(|| start(expression.span()));
                }
            }
            return start(select.select_token.0.span);
        }
        None
    }

    async fn innermost<'e>(&mut self, query: &Query, select: &Select, outer: &'e Expr) -> Option<&'e Expr> {
        let mut all = Vec::new();
        collect(outer, &mut all);
        for expression in all {
            if self.tries >= TRIES {
                return None;
            }
            if self.fails_alone(query, select, expression).await {
                return Some(expression);
            }
        }
        None
    }

    /// Whether one expression over the tables of `select` fails as the whole does.
    async fn fails_alone(&mut self, query: &Query, select: &Select, expression: &Expr) -> bool {
        let mut alone = select.clone();
        alone.projection = vec![SelectItem::UnnamedExpr(expression.clone())];
        alone.distinct = None;
        alone.selection = None;
        alone.having = None;
        alone.qualify = None;
        alone.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
        for join in alone.from.iter_mut().flat_map(|from| &mut from.joins) {
            join.join_operator = JoinOperator::CrossJoin(JoinConstraint::None);
        }
        self.fails(&with_body(query, alone)).await.is_some_and(|reason| reason == self.reason)
    }
}

fn with_body(query: &Query, select: Select) -> Query {
    let mut alone = query.clone();
    alone.body = Box::new(SetExpr::Select(Box::new(select)));
    alone.order_by = None;
    alone
}

fn derived_tables(select: &Select) -> Vec<&Query> {
    let factors = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|j| &j.relation)));
    factors
        .filter_map(|factor| match factor {
            TableFactor::Derived { subquery, .. } => Some(&**subquery),
            _ => None,
        })
        .collect()
}

/// The outermost expressions of a SELECT, in the order they are written.
fn expressions(select: &Select) -> Vec<&Expr> {
    let mut all: Vec<&Expr> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
            _ => None,
        })
        .collect();
    all.extend(select.from.iter().flat_map(|from| &from.joins).filter_map(|join| on(&join.join_operator)));
    all.extend(&select.selection);
    if let GroupByExpr::Expressions(group, _) = &select.group_by {
        all.extend(group);
    }
    all.extend(&select.having);
    all
}

/// The condition of a join.
pub fn on(operator: &JoinOperator) -> Option<&Expr> {
    match operator {
        JoinOperator::Join(JoinConstraint::On(expr))
        | JoinOperator::Inner(JoinConstraint::On(expr))
        | JoinOperator::Left(JoinConstraint::On(expr))
        | JoinOperator::LeftOuter(JoinConstraint::On(expr))
        | JoinOperator::Right(JoinConstraint::On(expr))
        | JoinOperator::RightOuter(JoinConstraint::On(expr))
        | JoinOperator::FullOuter(JoinConstraint::On(expr))
        | JoinOperator::LeftSemi(JoinConstraint::On(expr))
        | JoinOperator::LeftAnti(JoinConstraint::On(expr)) => Some(expr),
        _ => None,
    }
}

/// The parts of an expression, each after its own parts. Subqueries are not entered.
fn collect<'e>(expression: &'e Expr, into: &mut Vec<&'e Expr>) {
    for child in children(expression) {
        collect(child, into);
    }
    into.push(expression);
}

fn children(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::BinaryOp { left, right, .. } => vec![left, right],
        Expr::UnaryOp { expr, .. }
        | Expr::Nested(expr)
        | Expr::Cast { expr, .. }
        | Expr::IsNull(expr)
        | Expr::IsNotNull(expr)
        | Expr::IsTrue(expr)
        | Expr::IsFalse(expr)
        | Expr::InSubquery { expr, .. } => vec![expr],
        Expr::Between { expr, low, high, .. } => vec![expr, low, high],
        Expr::InList { expr, list, .. } => std::iter::once(&**expr).chain(list).collect(),
        Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => vec![left, right],
        Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } => vec![expr, pattern],
        Expr::Case { operand, conditions, else_result, .. } => {
            let mut all: Vec<&Expr> = operand.iter().map(|operand| &**operand).collect();
            all.extend(conditions.iter().flat_map(|when| [&when.condition, &when.result]));
            all.extend(else_result.iter().map(|result| &**result));
            all
        }
        Expr::Function(function) => arguments(function),
        _ => Vec::new(),
    }
}

fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    list.args
        .iter()
        .filter_map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect()
}

fn register(context: &SessionContext, name: &str, table: Arc<dyn TableProvider>) {
    let name = TableReference::bare(name);
    // A step may have the name of a table that another step reads; from here on the step is meant.
    let _ = context.deregister_table(name.clone());
    let _ = context.register_table(name, table);
}
