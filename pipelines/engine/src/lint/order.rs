//! What depends on the order of rows depends on chance where the order has ties.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::logical_expr::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, GroupByExpr, OrderByExpr,
    Query, Select, SetExpr, SetQuantifier, Visit, Visitor, WindowType,
};

use super::{Remarks, names};
use crate::Library;
use crate::statement::{SelectStatement, selects, start};

/// Window functions whose value differs with the order among equals.
const WINDOW: [&str; 7] = ["row_number", "first_value", "last_value", "nth_value", "lag", "lead", "ntile"];

/// Aggregates whose value differs with the order among equals.
const AGGREGATE: [&str; 5] = ["first_value", "last_value", "nth_value", "array_agg", "string_agg"];

/// Remarks on every such function whose order is not complete as far as can be seen: the columns of its partition (or
/// group) and order hold no key of a table, of a grouped or of a distinct step.
pub fn check(remarks: &mut Remarks<'_>, library: &Library, select: &SelectStatement) {
    let mut keys = Keys(known_keys(library));
    let _ = select.query().visit(&mut keys);
    let mut calls = Calls { keys: keys.0, groups: Vec::new(), found: Vec::new() };
    let _ = select.query().visit(&mut calls);
    for (position, name) in calls.found {
        let reason = format!(
            "{name} over an order that may have ties takes one of them by chance; end the order with the key of the \
             rows, or say why there are none: -- allow ties: …"
        );
        remarks.add(position, "ties", reason);
    }
}

/// Keys of all tables.
fn known_keys(library: &Library) -> Vec<BTreeSet<String>> {
    let jobs = library.jobs.iter().map(|job| job.header.key.iter().cloned().collect());
    let contracts = schemas::contracts().values().map(|contract| contract.key.iter().cloned().collect());
    let record = ["file_id", "ordinal"].into_iter().map(str::to_owned).collect();
    jobs.chain(contracts).chain([record]).collect()
}

/// Adds what identifies the rows of grouped and distinct steps.
struct Keys(Vec<BTreeSet<String>>);

impl Visitor for Keys {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let SetExpr::SetOperation { set_quantifier, .. } = &*query.body
            && !matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName)
        {
            self.0.extend(selects(&query.body).first().map(|select| names(select)));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if select.distinct.is_some() {
            self.0.push(names(select));
        }
        let group = grouped(select);
        if !group.is_empty() {
            self.0.push(group);
        }
        ControlFlow::Continue(())
    }
}

fn grouped(select: &Select) -> BTreeSet<String> {
    match &select.group_by {
        GroupByExpr::Expressions(group, _) => group.iter().filter_map(column).collect(),
        GroupByExpr::All(_) => BTreeSet::new(),
    }
}

struct Calls {
    keys: Vec<BTreeSet<String>>,
    groups: Vec<BTreeSet<String>>,
    found: Vec<(Option<crate::Position>, String)>,
}

impl Visitor for Calls {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.groups.push(grouped(select));
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.groups.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && let Some(ident) = function.name.0.last().and_then(|part| part.as_ident())
            && self.may_tie(function, &ident.value)
        {
            self.found.push((start(ident.span), ident.value.clone()));
        }
        ControlFlow::Continue(())
    }
}

impl Calls {
    fn may_tie(&self, function: &Function, name: &str) -> bool {
        if let Some(WindowType::WindowSpec(window)) = &function.over {
            let mut columns: BTreeSet<String> = window.partition_by.iter().filter_map(column).collect();
            columns.extend(ordered(&window.order_by));
            return WINDOW.contains(&name) && !self.is_complete(&columns, &BTreeSet::new());
        }
        let FunctionArguments::List(list) = &function.args else { return false };
        let order = list.clauses.iter().find_map(|clause| match clause {
            FunctionArgumentClause::OrderBy(order) => Some(order),
            _ => None,
        });
        let Some(order) = order.filter(|_| AGGREGATE.contains(&name)) else { return false };
        let group = self.groups.last().cloned().unwrap_or_default();
        let mut columns = ordered(order);
        columns.extend(group.iter().cloned());
        // Equal values may stand in any order among themselves.
        let values = list.args.iter().filter_map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        });
        let is_ordered_by_value = values.flat_map(columns_of).all(|value| columns.contains(&value));
        !is_ordered_by_value && !self.is_complete(&columns, &group)
    }

    /// Whether the columns hold a key of the rows. The `group` identifies the rows that come out, not those that go
    /// in, unless another step is grouped in the same way.
    fn is_complete(&self, columns: &BTreeSet<String>, group: &BTreeSet<String>) -> bool {
        let grouped_alike = self.keys.iter().filter(|key| *key == group).count();
        let keys = self.keys.iter().filter(|key| !key.is_empty() && (*key != group || grouped_alike > 1));
        keys.into_iter().any(|key| key.is_subset(columns))
    }
}

fn ordered(order: &[OrderByExpr]) -> BTreeSet<String> {
    order.iter().filter_map(|order| column(&order.expr)).collect()
}

fn column(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|ident| ident.value.clone()),
        _ => None,
    }
}

fn columns_of(expr: &Expr) -> BTreeSet<String> {
    struct Columns(BTreeSet<String>);
    impl Visitor for Columns {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            self.0.extend(column(expr));
            ControlFlow::Continue(())
        }
    }
    let mut columns = Columns(BTreeSet::new());
    let _ = expr.visit(&mut columns);
    columns.0
}
