use std::collections::BTreeMap;

use serde::Deserialize;

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

/// Splits a `.sql` file into its header and its statement; the statement keeps its line numbers.
pub fn split(text: &str) -> Result<(Header, String), String> {
    let start = text.find("/*").filter(|start| text[..*start].trim().is_empty());
    let start = start.ok_or("the file must begin with a block comment /* … */ that holds the header")?;
    let end = text.find("*/").ok_or("the header's block comment is not closed with */")?;
    let toml = &text[start + 2..end];
    let header: Header = toml::from_str(toml).map_err(|error| describe(&error, toml, line_of(text, start)))?;
    let blank: String = text[..end + 2].chars().filter(|c| *c == '\n').collect();
    Ok((header, blank + &text[end + 2..]))
}

fn describe(error: &toml::de::Error, toml: &str, offset: usize) -> String {
    let at = error.span().map(|span| toml[..span.start].matches('\n').count() + offset);
    let line = at.map(|line| format!("line {line}: ")).unwrap_or_default();
    format!("{line}the header is wrong: {}", error.message())
}

fn line_of(text: &str, byte: usize) -> usize {
    text[..byte].matches('\n').count() + 1
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
        assert!(error.contains("line 4") && error.contains("keys"), "{error}");
    }

    #[test]
    fn a_file_without_header_is_an_error() {
        assert!(split("select 1").is_err());
        assert!(split("/* title = 1").is_err());
    }
}
