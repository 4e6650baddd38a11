//! What the query engine says, told to the author of a job: what is wrong, where, and what was perhaps meant.

use std::collections::BTreeSet;

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::logical_expr::sqlparser::parser::ParserError;

use crate::Position;
use crate::near::did_you_mean;
use crate::statement;

/// What is wrong and, when it is known, where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The place in the file.
    pub at: Option<Position>,
    /// What is wrong with what, and what to do.
    pub reason: String,
}

impl Finding {
    /// A finding at a place.
    pub fn new(at: Option<Position>, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into() }
    }
}

/// Names that an author can have meant.
#[derive(Debug, Default)]
pub struct Known {
    functions: BTreeSet<String>,
}

impl Known {
    /// The functions of a session.
    pub fn of(state: &SessionState) -> Self {
        let scalar = state.scalar_functions().keys();
        let functions = scalar.chain(state.aggregate_functions().keys()).chain(state.window_functions().keys());
        Self { functions: functions.cloned().collect() }
    }
}

/// What an error of a statement outside the library says to who wrote it: the place in the statement and the reason.
#[must_use]
pub fn told(error: &DataFusionError, context: &SessionContext) -> String {
    let Finding { at, mut reason } = of(error, &Known::of(&context.state()));
    if let Some(table) = reason.clone().strip_prefix("there is no table ") {
        let schemas = context.catalog("datafusion").map(|catalog| {
            let names = catalog.schema_names().into_iter().filter(|name| name != "information_schema");
            names.filter_map(|name| catalog.schema(&name)).flat_map(|schema| schema.table_names()).collect::<Vec<_>>()
        });
        reason.push_str(&did_you_mean(table, schemas.unwrap_or_default()));
    }
    match at {
        Some(at) => format!("{at}: {reason}"),
        None => reason,
    }
}

/// An error in the text of a statement, before it is planned.
pub fn parse_error(error: &DataFusionError, sql: &str) -> Finding {
    let mut finding = of(error, &Known::default());
    if let Some(found) = finding.reason.strip_prefix("expected end of statement, found ") {
        finding.reason = format!("{found} does not fit here; is there a comma or an operator missing before it?");
    }
    if finding.at.is_none() && finding.reason.contains("EOF") {
        finding.at = Some(Position::of(sql, sql.trim_end().len()));
    }
    finding.reason = finding.reason.replace("EOF", "the end of the file");
    finding
}

/// What an error of the query engine says to the author.
pub fn of(error: &DataFusionError, known: &Known) -> Finding {
    let mut at = None;
    let mut notes = Vec::new();
    let mut root = error;
    loop {
        root = match root {
            DataFusionError::Context(_, inner) => inner,
            DataFusionError::Diagnostic(diagnostic, inner) => {
                at = diagnostic.span.and_then(|span| Position::counted(span.start.line, span.start.column)).or(at);
                notes = diagnostic.notes.iter().map(|note| note.message.clone()).collect();
                inner
            }
            DataFusionError::Shared(inner) => inner,
            DataFusionError::Collection(errors) => match errors.first() {
                Some(first) => first,
                None => break,
            },
            _ => break,
        };
    }
    match root {
        DataFusionError::SQL(parser, _) => {
            let (text, counted) = parser_text(parser);
            Finding::new(counted.or(at), text)
        }
        DataFusionError::SchemaError(schema, _) => Finding::new(at, schema_text(schema, &notes)),
        DataFusionError::Plan(text) => Finding::new(at, plan_text(text, known)),
        DataFusionError::NotImplemented(text) => Finding::new(at, format!("not supported: {}", plain(text))),
        other => Finding::new(at, plain(&other.strip_backtrace())),
    }
}

/// The error's text alone, for what is no author's fault. Values in quotes are left out: they can be data about
/// persons.
pub fn without_values(error: &DataFusionError) -> String {
    let text = of(error, &Known::default()).reason;
    let mut parts = text.split('\'');
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        kept.push('\'');
        kept.push_str(if index % 2 == 0 { "…" } else { part });
    }
    kept
}

/// The parser's text, and the place that it counted at its end.
fn parser_text(error: &ParserError) -> (String, Option<Position>) {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.clone(),
        ParserError::RecursionLimitExceeded => "the statement is nested too deeply".to_owned(),
    };
    let counted = text.rfind(" at Line: ").and_then(|start| {
        let (line, column) = text[start + " at Line: ".len()..].split_once(", Column: ")?;
        Some((start, Position::counted(line.parse().ok()?, column.trim().parse().ok()?)))
    });
    let (end, at) = counted.unwrap_or((text.len(), None));
    let text = text[..end].replace("Expected: ", "expected ").replace("found: ", "found ");
    (text, at)
}

fn schema_text(error: &SchemaError, notes: &[String]) -> String {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => unknown_column(field, valid_fields),
        SchemaError::AmbiguousReference { field } => {
            let tables: Vec<String> =
                notes.iter().filter_map(|note| note.strip_prefix("possible column ")).map(unquoted).collect();
            if tables.is_empty() {
                format!("{} is in more than one table; say which", field.name)
            } else {
                format!("{} is in more than one table; say which: {}", field.name, tables.join(" or "))
            }
        }
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            format!("two columns are called {name}; give one of them another name with as")
        }
    }
}

fn unknown_column(field: &Column, valid: &[Column]) -> String {
    let name = &field.name;
    let Some(relation) = &field.relation else {
        let near = did_you_mean(name, valid.iter().map(|column| column.name.as_str()));
        return format!("there is no column {name}{}", near_or_all(near, valid.iter()));
    };
    let table = relation.table();
    let of_table: Vec<&Column> =
        valid.iter().filter(|column| column.relation.as_ref().is_some_and(|of| of.table() == table)).collect();
    if of_table.is_empty() {
        let tables: BTreeSet<&str> =
            valid.iter().filter_map(|column| column.relation.as_ref().map(|table| table.table())).collect();
        let near = did_you_mean(table, &tables);
        let list: Vec<&str> = tables.into_iter().collect();
        let near = if near.is_empty() && !list.is_empty() { format!("; there are {}", list.join(", ")) } else { near };
        return format!("{table}.{name}: from has no table {table}{near}");
    }
    let near = did_you_mean(name, of_table.iter().map(|column| column.name.as_str()));
    format!("there is no column {name} in {table}{}", near_or_all(near, of_table.into_iter()))
}

/// The near name, or every name when there are few.
fn near_or_all<'a>(near: String, columns: impl Iterator<Item = &'a Column>) -> String {
    const FEW: usize = 12;
    if !near.is_empty() {
        return near;
    }
    let names: BTreeSet<&str> = columns.map(|column| column.name.as_str()).collect();
    if names.is_empty() || names.len() > FEW {
        return String::new();
    }
    format!("; there are {}", names.into_iter().collect::<Vec<_>>().join(", "))
}

fn plan_text(text: &str, known: &Known) -> String {
    if let Some(rest) = text.strip_prefix("Invalid function '") {
        let name = rest.split('\'').next().unwrap_or_default();
        return format!("there is no function {name}{}", did_you_mean(name, &known.functions));
    }
    if text.contains("must appear in the GROUP BY clause") {
        let column = text.split("column \"").nth(1).and_then(|rest| rest.split("\" must").next()).unwrap_or("a column");
        return format!("{column} is neither in group by nor inside an aggregate such as sum or max");
    }
    if let Some(rest) = text.strip_prefix("table '") {
        let table = rest.split('\'').next().and_then(|path| path.rsplit('.').next()).unwrap_or_default();
        return format!("there is no table {table}");
    }
    if text.contains("queries have different number of columns") {
        return "the branches of a union have different numbers of columns".to_owned();
    }
    if let Some(rest) = text.strip_prefix("Cannot coerce arithmetic expression ") {
        let operation = plain(rest.trim_end_matches(" to valid types"));
        return format!("cannot calculate {operation}: the types do not fit; cast one side to the other's type");
    }
    if let Some(rest) = text.strip_prefix("Cannot infer common argument type for comparison operation ") {
        return format!("cannot compare {}: the types do not fit; cast one side to the other's type", plain(rest));
    }
    if text.contains("No function matches the given name and argument types")
        && let Some(call) = text.split("argument types '").nth(1).and_then(|rest| rest.split("'. ").next())
    {
        return format!("{} cannot be called like this: the types of its arguments do not fit", plain(call));
    }
    plain(text)
}

/// The first sentence of the engine's text, with the types' names in SQL.
fn plain(text: &str) -> String {
    const PREFIXES: [&str; 6] = [
        "Error during planning: ",
        "Schema error: ",
        "SQL error: ",
        "Execution error: ",
        "Arrow error: ",
        "This feature is not implemented: ",
    ];
    const TYPES: [(&str, &str); 14] = [
        ("Utf8View", "text"),
        ("LargeUtf8", "text"),
        ("Utf8", "text"),
        ("Date32", "date"),
        ("Decimal128", "decimal"),
        ("Decimal256", "decimal"),
        ("UInt64", "bigint"),
        ("Int64", "bigint"),
        ("Int32", "int"),
        ("Float64", "double"),
        ("Float32", "float"),
        ("Boolean", "boolean"),
        ("Timestamp(µs, \"+00:00\")", "timestamp"),
        ("Interval(MonthDayNano)", "interval"),
    ];
    let mut line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or(text).trim();
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| line.strip_prefix(prefix)) {
        line = rest;
    }
    let line = line.split(". This issue was likely").next().unwrap_or(line);
    TYPES.iter().fold(line.to_owned(), |text, (engine, sql)| text.replace(engine, sql))
}

fn unquoted(text: &str) -> String {
    text.replace('"', "")
}

/// Names that stand in a reason and in the text; the first of them says where, when nothing else does.
pub fn named_in(reason: &str, sql: &str) -> Option<Position> {
    reason
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.contains('_') || word.len() > 3)
        .find_map(|word| statement::word_position(sql, word))
}
