//! The one SELECT of a file as a syntax tree: its steps, its columns, and where they stand.

use std::collections::BTreeSet;

use datafusion::logical_expr::sqlparser::ast::{
    Cte, Expr, Ident, Query, Select, SelectItem, SetExpr, Spanned as _, Statement, TableFactor, Visit as _, Visitor,
};
use datafusion::logical_expr::sqlparser::dialect::GenericDialect;
use datafusion::logical_expr::sqlparser::tokenizer::{Span, Token, TokenWithSpan, Tokenizer};
use datafusion::sql::parser::{DFParser, Statement as DfStatement};
use datafusion::sql::resolve::resolve_table_references;
use std::ops::ControlFlow;

use crate::Position;
use crate::diagnosis::{self, Finding};

/// A parsed SELECT.
#[derive(Debug, Clone)]
pub struct SelectStatement {
    query: Box<Query>,
}

impl SelectStatement {
    /// Parses the text of a file's statement.
    ///
    /// # Errors
    /// When it is no SQL, or anything but one SELECT.
    pub fn parse(sql: &str) -> Result<Self, Finding> {
        let statements = DFParser::parse_sql(sql).map_err(|error| diagnosis::parse_error(&error, sql))?;
        let mut statements = statements.into_iter();
        let Some(first) = statements.next() else {
            return Err(Finding::new(None, "there is no SELECT after the header"));
        };
        if statements.next().is_some() {
            let at = second_statement(sql);
            return Err(Finding::new(at, "a second statement; a file holds exactly one SELECT"));
        }
        match first {
            DfStatement::Statement(statement) => match *statement {
                Statement::Query(query) if !selects(&query.body).is_empty() => {
                    let select = Self { query };
                    select.check_names()?;
                    Ok(select)
                }
                other => {
                    let said = match &other {
                        Statement::Query(query) => query.body.to_string(),
                        other => other.to_string(),
                    };
                    let word = said.split_whitespace().next().unwrap_or_default().to_lowercase();
                    let at = word_position(sql, &word).or_else(|| first_token(sql));
                    Err(Finding::new(at, format!("{word} is no SELECT; a file holds exactly one SELECT")))
                }
            },
            _ => Err(Finding::new(first_token(sql), "this is no SELECT; a file holds exactly one SELECT")),
        }
    }

    /// Every column of the result has a name of its own.
    fn check_names(&self) -> Result<(), Finding> {
        let mut seen = BTreeSet::new();
        let items = self.final_select().into_iter().flat_map(|select| &select.projection);
        for (item, name) in items.filter_map(|item| Some((item, output_name(item)?))) {
            if !seen.insert(name) {
                let reason = format!("two columns are called {name}; give one of them another name with as");
                return Err(Finding::new(item_position(item), reason));
            }
        }
        Ok(())
    }

    /// Names of the tables that it reads, steps not among them.
    ///
    /// # Errors
    /// When a name cannot be resolved.
    pub fn reads(&self) -> datafusion::error::Result<BTreeSet<String>> {
        let (tables, _) = resolve_table_references(&self.statement(), true)?;
        Ok(tables.iter().map(|table| table.table().to_owned()).collect())
    }

    /// The syntax tree.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The whole statement, to plan.
    #[must_use]
    pub fn statement(&self) -> DfStatement {
        as_statement((*self.query).clone())
    }

    /// The `with` steps in order.
    pub fn steps(&self) -> impl Iterator<Item = &Cte> {
        self.query.with.iter().flat_map(|with| &with.cte_tables)
    }

    /// The statement that gives a step's rows in place of the result; nothing when there is no such step.
    #[must_use]
    pub fn up_to(&self, step: &str) -> Option<DfStatement> {
        let last = self.steps().position(|cte| cte.alias.name.value == step)?;
        let mut query = (*self.query).clone();
        if let Some(with) = &mut query.with {
            with.cte_tables.truncate(last + 1);
        }
        let quoted = Ident::with_quote('"', step).to_string();
        let mut all = DFParser::parse_sql(&format!("select * from {quoted}")).ok()?;
        let DfStatement::Statement(all) = all.pop_front()? else { return None };
        let Statement::Query(all) = *all else { return None };
        query.body = all.body;
        query.order_by = None;
        query.limit_clause = None;
        query.fetch = None;
        Some(as_statement(query))
    }

    /// The SELECT that names the result's columns: of a union, the first branch.
    #[must_use]
    pub fn final_select(&self) -> Option<&Select> {
        first_select(&self.query.body)
    }

    /// Where the final SELECT begins.
    #[must_use]
    pub fn final_position(&self) -> Option<Position> {
        start(self.final_select()?.select_token.0.span)
    }

    /// Where a column of the result is named.
    #[must_use]
    pub fn column_position(&self, name: &str) -> Option<Position> {
        item_position(self.final_select()?.projection.iter().find(|item| output_name(item) == Some(name))?)
    }

    /// Where a table is first read.
    #[must_use]
    pub fn read_position(&self, table: &str) -> Option<Position> {
        struct Search<'a>(&'a str);
        impl Visitor for Search<'_> {
            type Break = Span;
            fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Span> {
                match factor {
                    TableFactor::Table { name, .. } => {
                        let last = name.0.last().and_then(|part| part.as_ident());
                        match last {
                            Some(ident) if ident.value.eq_ignore_ascii_case(self.0) => ControlFlow::Break(ident.span),
                            _ => ControlFlow::Continue(()),
                        }
                    }
                    _ => ControlFlow::Continue(()),
                }
            }
        }
        match self.query.visit(&mut Search(table)) {
            ControlFlow::Break(span) => start(span),
            ControlFlow::Continue(()) => None,
        }
    }
}

/// A query as a statement that can be planned.
pub fn as_statement(query: Query) -> DfStatement {
    DfStatement::Statement(Box::new(Statement::Query(Box::new(query))))
}

/// The name of a column of a SELECT, when it can be read from the text.
pub fn output_name(item: &SelectItem) -> Option<&str> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(&alias.value),
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(&ident.value),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(|ident| ident.value.as_str()),
        _ => None,
    }
}

/// Where a column of a SELECT gets its name.
fn item_position(item: &SelectItem) -> Option<Position> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => start(alias.span),
        item => start(item.span()),
    }
}

/// Where a span begins; nothing when the parser did not count.
pub fn start(span: Span) -> Option<Position> {
    Position::counted(span.start.line, span.start.column)
}

/// The words and signs of a text with their places; empty when it cannot be divided into them.
pub fn tokens(sql: &str) -> Vec<TokenWithSpan> {
    Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().unwrap_or_default()
}

/// Where a name first stands in a text.
pub fn word_position(sql: &str, word: &str) -> Option<Position> {
    tokens(sql).iter().find_map(|token| match &token.token {
        Token::Word(found) if found.value.eq_ignore_ascii_case(word) => start(token.span),
        _ => None,
    })
}

/// The branches of a union, or the one SELECT.
pub fn selects(body: &SetExpr) -> Vec<&Select> {
    match body {
        SetExpr::Select(select) => vec![select],
        SetExpr::Query(query) => selects(&query.body),
        SetExpr::SetOperation { left, right, .. } => {
            let mut all = selects(left);
            all.extend(selects(right));
            all
        }
        _ => Vec::new(),
    }
}

fn first_select(body: &SetExpr) -> Option<&Select> {
    selects(body).into_iter().next()
}

fn is_text(token: &TokenWithSpan) -> bool {
    !matches!(token.token, Token::Whitespace(_))
}

fn first_token(sql: &str) -> Option<Position> {
    tokens(sql).iter().find(|token| is_text(token)).and_then(|token| start(token.span))
}

fn second_statement(sql: &str) -> Option<Position> {
    let tokens = tokens(sql);
    let end = tokens.iter().position(|token| token.token == Token::SemiColon)?;
    tokens[end + 1..].iter().find(|token| is_text(token)).and_then(|token| start(token.span))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "with a as (select 1 as x), b as (select x from a)\nselect b.x as y from b join t on t.x = b.x";

    #[test]
    fn a_step_takes_the_place_of_the_result_and_leaves_out_what_comes_after_it() {
        let select = SelectStatement::parse(SQL).unwrap();
        let text = select.up_to("a").unwrap().to_string();
        assert_eq!(text, "WITH a AS (SELECT 1 AS x) SELECT * FROM \"a\"");
        assert!(select.up_to("c").is_none());
    }

    #[test]
    fn columns_and_reads_have_places() {
        let select = SelectStatement::parse(SQL).unwrap();
        assert_eq!(select.column_position("y"), Some(Position { line: 2, column: 15 }));
        assert_eq!(select.read_position("t"), Some(Position { line: 2, column: 29 }));
        assert_eq!(select.reads().unwrap().into_iter().collect::<Vec<_>>(), ["t"]);
    }

    #[test]
    fn a_second_statement_is_refused_at_its_place() {
        let finding = SelectStatement::parse("select 1;\n  select 2").unwrap_err();
        assert_eq!(finding.at, Some(Position { line: 2, column: 3 }));
    }
}
