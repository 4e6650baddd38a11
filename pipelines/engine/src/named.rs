//! Parameters by name. The table `param` has a row for each of many named values, and a statement sees those that it
//! names: then a new parameter is nothing to the jobs that do not read it.
//!
//! A statement names parameters when it compares the column `name` with texts and does nothing else with it
//! (`name = 'a'`, `name in ('a', 'b')`); otherwise it sees them all.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use arrow::array::{AsArray as _, RecordBatch};
use datafusion::common::Column;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::sqlparser::ast::{BinaryOperator, Expr, Value, visit_expressions};
use datafusion::logical_expr::sqlparser::tokenizer::Token;
use datafusion::logical_expr::{Expr as Logical, LogicalPlan, LogicalPlanBuilder, lit};

use crate::diagnosis::Finding;
use crate::near::did_you_mean;
use crate::statement::{self, SelectStatement};

/// The table.
pub const TABLE: &str = "param";
/// Its column of names.
pub const NAME: &str = "name";

/// The parameters that a statement names; nothing when it may read all.
pub fn named(select: &SelectStatement) -> Option<BTreeSet<String>> {
    let (mut names, mut compared, mut mentioned) = (BTreeSet::new(), 0, 0);
    let _: ControlFlow<()> = visit_expressions(select.query(), |expression| {
        match expression {
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let text = if is_name(left) { text(right) } else { text(left).filter(|_| is_name(right)) };
                compared += usize::from(text.is_some());
                names.extend(text);
            }
            Expr::InList { expr, list, negated: false } if is_name(expr) => {
                let texts: Option<Vec<String>> = list.iter().map(text).collect();
                compared += usize::from(texts.is_some());
                names.extend(texts.into_iter().flatten());
            }
            other => mentioned += usize::from(is_name(other)),
        }
        ControlFlow::Continue(())
    });
    (compared > 0 && compared == mentioned).then_some(names)
}

fn is_name(expression: &Expr) -> bool {
    match expression {
        Expr::Identifier(ident) => ident.value.eq_ignore_ascii_case(NAME),
        Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|ident| ident.value.eq_ignore_ascii_case(NAME)),
        _ => false,
    }
}

fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Nobody may wait for a parameter that does not exist: the statement would find nothing and say nothing.
pub fn check(names: &BTreeSet<String>, rows: &RecordBatch, sql: &str) -> std::result::Result<(), Finding> {
    let known = names_in(rows);
    let Some(unknown) = names.iter().find(|name| !known.contains(*name)) else { return Ok(()) };
    let tokens = statement::tokens(sql);
    let here = tokens.iter().find(|token| token.token == Token::SingleQuotedString(unknown.clone()));
    let near = did_you_mean(unknown, known.iter().map(String::as_str));
    let reason = format!("there is no parameter {unknown} in sql/parameters/{TABLE}.csv{near}");
    Err(Finding::new(here.and_then(|token| statement::start(token.span)), reason))
}

fn names_in(rows: &RecordBatch) -> BTreeSet<String> {
    let names = rows.column_by_name(NAME).and_then(|names| names.as_string_opt::<i32>());
    names.into_iter().flatten().flatten().map(str::to_owned).collect()
}

/// The plan, reading no other parameters than these.
pub fn only(plan: LogicalPlan, names: &BTreeSet<String>) -> Result<LogicalPlan> {
    let restricted = plan.transform_up_with_subqueries(|node| match &node {
        LogicalPlan::TableScan(scan) if scan.table_name.table() == TABLE => {
            let name = Logical::Column(Column::new(Some(scan.table_name.clone()), NAME));
            let names = names.iter().map(lit).collect();
            Ok(Transformed::yes(LogicalPlanBuilder::from(node).filter(name.in_list(names, false))?.build()?))
        }
        _ => Ok(Transformed::no(node)),
    });
    Ok(restricted?.data)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn of(sql: &str) -> Option<Vec<String>> {
        named(&SelectStatement::parse(sql).unwrap()).map(|names| names.into_iter().collect())
    }

    #[test]
    fn names_are_those_that_the_column_is_compared_with() {
        let cases = "select max(case when name = 'b' then value end) from param where param.name in ('a', 'b')";
        assert_eq!(of(cases).unwrap(), ["a", "b"]);
        assert_eq!(of("with p as (select value from param where 'c' = name) select * from p").unwrap(), ["c"]);
        assert_eq!(of("select (select value from param where name = 'd') as d from x").unwrap(), ["d"]);
    }

    #[test]
    fn who_does_anything_else_with_names_sees_all() {
        assert_eq!(of("select value from param"), None);
        assert_eq!(of("select name, value from param where name = 'a'"), None);
        assert_eq!(of("select value from param where name like 'a%' or name = 'b'"), None);
        assert_eq!(of("select value from param where name not in ('a')"), None);
        assert_eq!(of("select value from param where name = other"), None);
        assert_eq!(of("select value from param where name <> 'a'"), None);
    }
}
