//! A statement in one form: laid out by the parser, without comments, names in lower case where SQL folds them. Two
//! statements with the same normal form are the same statement.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::logical_expr::sqlparser::ast::{
    Expr, JoinOperator, Select, TableFactor, VisitMut as _, VisitorMut, visit_expressions,
};
use datafusion::logical_expr::sqlparser::dialect::GenericDialect;
use datafusion::logical_expr::sqlparser::tokenizer::{Token, Tokenizer};

use crate::statement::SelectStatement;

/// The normal form, over several lines.
#[must_use]
pub fn statement(sql: &str) -> String {
    let Ok(select) = SelectStatement::parse(sql) else { return sql.to_owned() };
    let mut query = select.query().clone();
    let _: ControlFlow<()> = query.visit(&mut Spelled);
    let laid_out = format!("{query:#}");
    let tokens = Tokenizer::new(&GenericDialect {}, &laid_out).with_unescape(false).tokenize();
    let Ok(tokens) = tokens else { return laid_out };
    tokens.iter().map(folded).collect()
}

/// Spells out the words that SQL lets a writer leave away.
struct Spelled;

impl VisitorMut for Spelled {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for join in select.from.iter_mut().flat_map(|table| &mut table.joins) {
            join.join_operator = match std::mem::replace(&mut join.join_operator, JoinOperator::CrossApply) {
                JoinOperator::Join(on) => JoinOperator::Inner(on),
                JoinOperator::LeftOuter(on) => JoinOperator::Left(on),
                JoinOperator::RightOuter(on) => JoinOperator::Right(on),
                other => other,
            };
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } = factor
        {
            alias.explicit = true;
        }
        ControlFlow::Continue(())
    }
}

fn folded(token: &Token) -> String {
    match token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_lowercase(),
        // Quotes that change nothing.
        Token::Word(word) if is_plain(&word.value) => word.value.clone(),
        token => token.to_string(),
    }
}

fn is_plain(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_lowercase() || c == '_');
    first && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Names of the functions that a statement calls.
#[must_use]
pub fn functions(sql: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Ok(select) = SelectStatement::parse(sql) {
        let _: ControlFlow<()> = visit_expressions(select.query(), |expression| {
            if let Expr::Function(call) = expression
                && let Some(name) = call.name.0.last().and_then(|part| part.as_ident())
            {
                names.insert(name.value.to_lowercase());
            }
            ControlFlow::Continue(())
        });
    }
    names
}
