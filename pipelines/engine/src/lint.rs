//! The style of `sql/`, and the mistakes that a plan does not show: `docs/sql-style.md` is the text of these rules.
//!
//! A rule can be left for a reason: `-- allow RULE: why` holds from its line to the next blank one, and before the
//! statement for all of it.

mod order;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;

use datafusion::logical_expr::sqlparser::ast::{
    ObjectName, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier, Visit as _, Visitor,
};
use datafusion::logical_expr::sqlparser::keywords::Keyword;
use datafusion::logical_expr::sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

use crate::statement::{SelectStatement, start, tokens};
use crate::{EngineError, Invariant, Job, Library, Position};

/// A place where the style or the meaning asks for another look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The file.
    pub file: PathBuf,
    /// The place.
    pub at: Option<Position>,
    /// The rule, by which it can be allowed.
    pub rule: &'static str,
    /// What is wrong, and what to write.
    pub reason: String,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.at.map(|at| format!(":{at}")).unwrap_or_default();
        write!(f, "{}{at}: {}: {}", self.file.display(), self.rule, self.reason)
    }
}

/// Columns of a line that holds no text.
const WIDTH: usize = 120;

/// What is remarked on a job of `library`.
///
/// # Errors
/// When its statement cannot be read.
pub fn job(library: &Library, job: &Job) -> Result<Vec<Remark>, EngineError> {
    let select = SelectStatement::parse(&job.sql).map_err(EngineError::found(&job.file))?;
    let mut remarks = Remarks::new(&job.sql);
    style(&mut remarks, &select);
    literals(&mut remarks);
    order::check(&mut remarks, library, &select);
    Ok(remarks.of(&job.file))
}

/// What is remarked on an invariant. The numbers and dates of an invariant are its own.
///
/// # Errors
/// When its statement cannot be read.
pub fn invariant(invariant: &Invariant) -> Result<Vec<Remark>, EngineError> {
    let select = SelectStatement::parse(&invariant.sql).map_err(EngineError::found(&invariant.file))?;
    let mut remarks = Remarks::new(&invariant.sql);
    style(&mut remarks, &select);
    Ok(remarks.of(&invariant.file))
}

fn style(remarks: &mut Remarks<'_>, select: &SelectStatement) {
    lines(remarks);
    words(remarks);
    joins(remarks);
    steps(remarks, select);
    final_select(remarks, select);
    unions(remarks, select);
}

/// What has been found so far in one text.
struct Remarks<'a> {
    lines: Vec<&'a str>,
    tokens: Vec<TokenWithSpan>,
    found: Vec<(Option<Position>, &'static str, String)>,
}

impl<'a> Remarks<'a> {
    fn new(sql: &'a str) -> Self {
        Self { lines: sql.lines().collect(), tokens: tokens(sql), found: Vec::new() }
    }

    fn add(&mut self, at: Option<Position>, rule: &'static str, reason: impl Into<String>) {
        if !at.is_some_and(|at| self.is_allowed(rule, at.line)) {
            self.found.push((at, rule, reason.into()));
        }
    }

    /// Whether a comment above in the same paragraph, on the line itself, or before the statement allows the rule to
    /// be left.
    fn is_allowed(&self, rule: &str, line: usize) -> bool {
        let mark = format!("-- allow {rule}: ");
        let allows = |line: &&&str| line.split_once(&mark).is_some_and(|(_, why)| !why.trim().is_empty());
        let mut paragraph = self.lines.iter().take(line).rev().take_while(|line| !line.trim().is_empty());
        let is_before = |line: &&&str| line.trim().is_empty() || line.trim_start().starts_with("--");
        let mut before = self.lines.iter().take_while(is_before);
        paragraph.any(|line| allows(&line)) || before.any(|line| allows(&line))
    }

    fn of(mut self, file: &std::path::Path) -> Vec<Remark> {
        self.found.sort();
        let remark = |(at, rule, reason)| Remark { file: file.to_owned(), at, rule, reason };
        self.found.into_iter().map(remark).collect()
    }
}

fn lines(remarks: &mut Remarks<'_>) {
    for (index, line) in remarks.lines.clone().into_iter().enumerate() {
        let at = |column: usize| Some(Position { line: index + 1, column });
        // The header stands before the statement as blanks, which may be wide.
        if line.trim().is_empty() {
            continue;
        }
        let width = line.chars().count();
        if width > WIDTH && !line.contains('\'') && !line.trim_start().starts_with("--") {
            remarks.add(at(WIDTH + 1), "width", format!("the line has {width} characters; {WIDTH} fit"));
        }
        if line.ends_with([' ', '\t']) {
            remarks.add(at(line.trim_end().chars().count() + 1), "blank", "blanks at the end of the line");
        }
        if let Some(tab) = line.chars().position(|c| c == '\t') {
            remarks.add(at(tab + 1), "blank", "a tab; indent by four blanks");
        }
    }
}

/// Words are lower case, casts are written out, and unequal is `<>`.
fn words(remarks: &mut Remarks<'_>) {
    for token in remarks.tokens.clone() {
        let at = start(token.span);
        match &token.token {
            Token::Word(word) if word.quote_style.is_none() && word.value.chars().any(char::is_uppercase) => {
                let lower = word.value.to_lowercase();
                remarks.add(at, "case", format!("{} in upper case; write {lower}", word.value));
            }
            Token::DoubleColon => remarks.add(at, "cast", "a cast by ::; write cast(… as …)"),
            // Both `<>` and `!=` are one token; the text says which it was.
            Token::Neq => {
                let line = at.and_then(|at| remarks.lines.get(at.line - 1)).copied().unwrap_or_default();
                let written: String = line.chars().skip(at.map_or(0, |at| at.column - 1)).take(2).collect();
                if written == "!=" {
                    remarks.add(at, "unequal", "unequal by !=; write <>");
                }
            }
            _ => {}
        }
    }
}

/// Clauses begin lines, and joins say their kind.
fn joins(remarks: &mut Remarks<'_>) {
    let words: Vec<(usize, TokenWithSpan)> = remarks
        .tokens
        .iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .cloned()
        .enumerate()
        .collect();
    let keyword = |index: usize| match words.get(index).map(|(_, token)| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    };
    let mut select_line = 0;
    for (index, token) in &words {
        let Some(at) = start(token.span) else { continue };
        let before = index.checked_sub(1).map_or(Keyword::NoKeyword, keyword);
        let this = keyword(*index);
        match this {
            Keyword::SELECT => select_line = at.line,
            Keyword::JOIN
                if !matches!(
                    before,
                    Keyword::INNER
                        | Keyword::LEFT
                        | Keyword::FULL
                        | Keyword::CROSS
                        | Keyword::RIGHT
                        | Keyword::OUTER
                        | Keyword::SEMI
                        | Keyword::ANTI
                ) =>
            {
                remarks.add(Some(at), "join", "a join without its kind; write inner join");
            }
            Keyword::OUTER => remarks.add(Some(at), "join", "outer says nothing; write left join or full join"),
            Keyword::RIGHT if keyword(index + 1) == Keyword::JOIN => {
                remarks.add(Some(at), "join", "a right join; turn the tables round and write left join");
            }
            _ => {}
        }
        let begins = match this {
            Keyword::WHERE | Keyword::HAVING | Keyword::UNION => true,
            Keyword::GROUP => keyword(index + 1) == Keyword::BY,
            // `is distinct from` and `extract(… from …)` are no clauses.
            Keyword::FROM => before != Keyword::DISTINCT && !inside_call(&words, *index),
            Keyword::INNER | Keyword::CROSS => keyword(index + 1) == Keyword::JOIN,
            _ => false,
        };
        let line = remarks.lines.get(at.line - 1).copied().unwrap_or_default();
        let is_first = line.chars().take(at.column - 1).all(char::is_whitespace);
        // A SELECT that stands on one line as a whole stays readable.
        if begins
            && !is_first
            && at.line != select_line
            && !line.trim_start().starts_with(')')
            && before != Keyword::FILTER
            && !is_filter(&words, *index)
        {
            remarks.add(
                Some(at),
                "clause",
                format!("{} does not begin a line", token.token.to_string().to_lowercase()),
            );
        }
    }
}

/// Whether a `where` belongs to the `filter (where …)` of an aggregate.
fn is_filter(words: &[(usize, TokenWithSpan)], index: usize) -> bool {
    index > 1
        && words[index - 1].1.token == Token::LParen
        && matches!(&words[index - 2].1.token, Token::Word(word) if word.keyword == Keyword::FILTER)
}

/// Whether a `from` belongs to a call such as `extract(day from …)`: its parenthesis opens after a word, without a
/// SELECT in between.
fn inside_call(words: &[(usize, TokenWithSpan)], index: usize) -> bool {
    let mut depth = 0;
    for (before, token) in words[..index].iter().rev() {
        match &token.token {
            Token::RParen => depth += 1,
            Token::LParen if depth == 0 => {
                return before.checked_sub(1).is_some_and(|name| {
                    matches!(&words[name].1.token, Token::Word(word) if matches!(
                        word.keyword,
                        Keyword::EXTRACT | Keyword::TRIM | Keyword::SUBSTRING | Keyword::OVERLAY
                    ))
                });
            }
            Token::LParen => depth -= 1,
            Token::Word(word) if depth == 0 && word.keyword == Keyword::SELECT => return false,
            _ => {}
        }
    }
    false
}

/// Steps are named for what they hold, and each is read.
fn steps(remarks: &mut Remarks<'_>, select: &SelectStatement) {
    const EMPTY: [&str; 10] = ["cte", "data", "final", "query", "result", "step", "sub", "table", "temp", "tmp"];
    let mut read = Reads(Vec::new());
    let _ = select.query().visit(&mut read);
    for step in select.steps() {
        let name = &step.alias.name.value;
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
        if name.chars().count() < 3 || EMPTY.contains(&stem) {
            let reason = format!("{name} does not say what the step holds; name it for its rows");
            remarks.add(start(step.alias.name.span), "step", reason);
        }
        if !read.0.contains(name) {
            remarks.add(start(step.alias.name.span), "step", format!("nothing reads the step {name}"));
        }
    }
}

struct Reads(Vec<String>);

impl Visitor for Reads {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.0.extend(relation.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone()));
        ControlFlow::Continue(())
    }
}

/// The final SELECT names its columns and leaves order and number of rows to the engine.
fn final_select(remarks: &mut Remarks<'_>, select: &SelectStatement) {
    for branch in crate::statement::selects(&select.query().body) {
        if let Some(star) = branch.projection.iter().find_map(star) {
            remarks.add(Some(star), "star", "* in the final select; name the columns, as the header documents them");
        }
    }
    if select.query().order_by.is_some() {
        let reason = "order by in the final select has no effect: a table is stored in the order of its key";
        remarks.add(select.final_position(), "order", reason);
    }
    if select.query().limit_clause.is_some() {
        remarks.add(
            select.final_position(),
            "order",
            "limit leaves to chance which rows remain; say which by a condition",
        );
    }
}

fn star(item: &SelectItem) -> Option<Position> {
    match item {
        SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
            start(options.wildcard_token.0.span)
        }
        _ => None,
    }
}

/// `union` compares all rows to remove equal ones: it is said when that is meant.
fn unions(remarks: &mut Remarks<'_>, select: &SelectStatement) {
    struct Unions(usize);
    impl Visitor for Unions {
        type Break = ();
        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            count(&query.body, &mut self.0);
            ControlFlow::Continue(())
        }
    }
    fn count(body: &SetExpr, found: &mut usize) {
        if let SetExpr::SetOperation { op, set_quantifier, left, right } = body {
            let is_distinct = !matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName);
            *found += usize::from(*op == SetOperator::Union && is_distinct);
            count(left, found);
            count(right, found);
        }
    }
    let mut found = Unions(0);
    let _ = select.query().visit(&mut found);
    if found.0 == 0 {
        return;
    }
    let words: Vec<TokenWithSpan> =
        remarks.tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).cloned().collect();
    for pair in words.windows(2) {
        let is = |token: &Token, keyword: Keyword| matches!(token, Token::Word(word) if word.keyword == keyword);
        if is(&pair[0].token, Keyword::UNION) && !is(&pair[1].token, Keyword::ALL) {
            let reason = "union removes equal rows; write union all, or say why: -- allow union: …";
            remarks.add(start(pair[0].span), "union", reason);
        }
    }
}

/// Rates, amounts and dates belong in dated parameters.
fn literals(remarks: &mut Remarks<'_>) {
    let words: Vec<TokenWithSpan> = remarks
        .tokens
        .iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(Whitespace::Space | Whitespace::Newline)))
        .cloned()
        .collect();
    let mut type_depth = 0_usize;
    for (index, token) in words.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &words[before].token);
        // Precision and scale of a type are no values.
        if token.token == Token::LParen && matches!(before, Some(Token::Word(word)) if is_type(word.keyword)) {
            type_depth = 1;
        } else if token.token == Token::RParen {
            type_depth = 0;
        }
        if type_depth > 0 {
            continue;
        }
        let value = match &token.token {
            Token::Number(number, _) => number.as_str(),
            Token::SingleQuotedString(text) => text.as_str(),
            _ => continue,
        };
        let is_number = matches!(token.token, Token::Number(..));
        if let Some(kind) = value_kind(value, is_number) {
            let reason = format!(
                "{value} looks like {kind} that can change; put it in sql/parameters with its dates, or say why it \
                 cannot: -- allow literal: …"
            );
            remarks.add(start(token.span), "literal", reason);
        }
    }
}

fn is_type(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::DECIMAL | Keyword::NUMERIC | Keyword::VARCHAR | Keyword::CHAR | Keyword::TIMESTAMP)
}

/// What a literal looks like, when it is not one of form: counts, positions, months of the year, per cent, and the
/// ends of time.
fn value_kind(value: &str, is_number: bool) -> Option<&'static str> {
    const ENDS_OF_TIME: [&str; 4] = ["0001-01-01", "1970-01-01", "9999-12-30", "9999-12-31"];
    if value.parse::<chrono::NaiveDate>().is_ok() {
        return (!ENDS_OF_TIME.contains(&value)).then_some("a date");
    }
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    if fraction.chars().any(|c| c != '0') {
        return Some("a rate or an amount");
    }
    let number: u64 = whole.parse().ok()?;
    (is_number && number > 12 && number != 100).then_some("an amount or a limit")
}

/// The names that a SELECT gives its columns.
fn names(select: &Select) -> BTreeSet<String> {
    select.projection.iter().filter_map(crate::statement::output_name).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
