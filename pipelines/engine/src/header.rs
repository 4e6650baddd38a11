use std::collections::BTreeMap;

use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use crate::Position;
use crate::diagnosis::Finding;
use crate::near::did_you_mean;

/// What a job says about itself: the TOML in the block comment that opens its file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Header {
    /// Name for people, in Swedish.
    pub title: String,
    /// The rule in English, with its source.
    pub description: String,
    /// What the rows are.
    #[serde(default)]
    pub kind: Kind,
    /// Columns that identify a row.
    pub key: Vec<String>,
    /// Catalogue rows that the job implements.
    #[serde(default)]
    pub catalogue: Vec<String>,
    /// The money column that queues and reports are summed by.
    pub amount: Option<String>,
    /// How exceptions are worked; only for [`Kind::Exception`].
    pub exception: Option<ExceptionHeader>,
    /// What each column is, in English.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
}

/// What the rows of a job are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A result that other jobs and analysts read.
    #[default]
    Table,
    /// Things that a handler has to act on.
    Exception,
}

/// How the rows of an exception job are worked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionHeader {
    /// Name of the queue in addresses.
    pub queue: String,
    /// Name of the queue for handlers, in Swedish.
    pub queue_title: String,
    /// Service level, a row of `ref_service_level`.
    pub service_level: String,
    /// Why the row is there, in Swedish; `{column}` is replaced by the row's value.
    pub why: String,
    /// What to do, in Swedish.
    pub action: String,
}

/// Splits a `.sql` file into its header and its statement; the statement keeps its lines and columns.
pub fn split(text: &str) -> Result<(Header, String), Finding> {
    let start = text.find("/*").filter(|start| text[..*start].trim().is_empty());
    let start = start.ok_or_else(|| {
        Finding::new(Some(Position::line(1)), "the file must begin with a block comment /* … */ that holds the header")
    })?;
    let end = text.find("*/").ok_or_else(|| {
        Finding::new(Some(Position::of(text, start)), "the header's block comment is not closed with */")
    })?;
    let toml = &text[start + 2..end];
    let header: Header = toml::from_str(toml).map_err(|error| wrong(&error, text, start + 2))?;
    let before = &text[..end + 2];
    let last_line = before.rfind('\n').map_or(before, |newline| &before[newline + 1..]);
    let blank = "\n".repeat(before.matches('\n').count()) + &" ".repeat(last_line.chars().count());
    Ok((header, blank + &text[end + 2..]))
}

/// Where the header names something: the value of `key`, or of `key`'s list the item `value`, or of the section
/// `key` the key `value`.
pub fn position(text: &str, key: &str, value: Option<&str>) -> Option<Position> {
    let start = text.find("/*")? + 2;
    let end = text.find("*/")?;
    let table = DeTable::parse(&text[start..end]).ok()?;
    let (name, found) = table.get_ref().iter().find(|(name, _)| name.get_ref() == key)?;
    let span = match (found.get_ref(), value) {
        (_, None) => name.span(),
        (DeValue::Array(items), Some(value)) => {
            items.iter().find(|item| item.get_ref().as_str() == Some(value)).map_or(found.span(), |item| item.span())
        }
        (DeValue::Table(section), Some(value)) => {
            section.iter().find(|(key, _)| key.get_ref() == value).map_or(name.span(), |(key, _)| key.span())
        }
        (_, Some(_)) => found.span(),
    };
    Some(Position::of(text, start + span.start))
}

/// Keys of the header, of its section `[exception]`.
const KEYS: [&str; 8] = ["title", "description", "kind", "key", "catalogue", "amount", "exception", "columns"];
const EXCEPTION_KEYS: [&str; 5] = ["queue", "queue_title", "service_level", "why", "action"];

fn wrong(error: &toml::de::Error, text: &str, offset: usize) -> Finding {
    let at = error.span().map(|span| Position::of(text, offset + span.start));
    let message = error.message();
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    if let Some(unknown) = unknown {
        let of_exception = message.contains("`queue_title`");
        let (known, of): (&[&str], _) =
            if of_exception { (&EXCEPTION_KEYS, "[exception]") } else { (&KEYS, "the header") };
        let near = did_you_mean(unknown, known);
        let near = if near.is_empty() { format!("; there are {}", known.join(", ")) } else { near };
        return Finding::new(at, format!("{of} has no key {unknown}{near}"));
    }
    if let Some(missing) = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return Finding::new(at, format!("the header lacks {missing}"));
    }
    Finding::new(at, format!("the header is wrong: {}", message.replace('\n', ", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "/*\ntitle = \"T\"\ndescription = \"D\"\nkey = [\"a\"]\n*/\nselect 1 as a\n";

    #[test]
    fn the_statement_keeps_its_line_numbers() {
        let (header, sql) = split(GOOD).unwrap();
        assert_eq!(header.key, ["a"]);
        assert_eq!(sql.lines().position(|line| line == "select 1 as a"), Some(5));
    }

    #[test]
    fn an_unknown_header_key_is_an_error_with_its_line() {
        let error = split(&GOOD.replace("key = ", "keys = [\"x\"]\nkey = ")).unwrap_err();
        assert_eq!(error.at, Some(Position { line: 4, column: 1 }), "{error:?}");
        assert_eq!(error.reason, "the header has no key keys; did you mean key?");
    }

    #[test]
    fn what_the_header_names_has_a_place() {
        let text = "/*\nkey = [\"a\", \"b\"]\n[columns]\n\"å\" = \"x\"\nb = \"y\"\n*/";
        assert_eq!(position(text, "key", Some("b")), Some(Position { line: 2, column: 13 }));
        assert_eq!(position(text, "columns", Some("b")), Some(Position { line: 5, column: 1 }));
        assert_eq!(position(text, "title", None), None);
    }

    #[test]
    fn a_file_without_header_is_an_error() {
        assert!(split("select 1").is_err());
        assert!(split("/* title = 1").is_err());
    }
}
