//! Finds the columns of a mapping in the header of a file, and the date of the extract.

use chrono::NaiveDate;

use super::cells::Problem;
use super::dates::NamedDate;
use super::declaration::Encoding;
use super::frame::Row;
use super::mapping::{Dialect, ExtractedOn, From, Mapping};
use super::text::{decode, folded, nearest};
use crate::FileInfo;

/// Where each column of the contract stands in the rows of one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Fields of a row.
    pub fields: usize,
    /// For each value column of the contract: the field, or nothing when every row has the same value.
    pub sources: Vec<Option<usize>>,
    /// Headers that nothing is read from.
    pub unused: Vec<String>,
}

/// Names in the header longer than this are cut in messages.
const SHOWN: usize = 40;

/// Reads the header.
pub(super) fn plan(
    mapping: &Mapping,
    dialect: &Dialect,
    encoding: Encoding,
    header: Option<&Row<'_>>,
) -> Result<Plan, Problem> {
    let Some(header) = header else { return Ok(numbered(mapping, dialect.headerless.unwrap_or_default())) };
    let decoded = |field: &[u8]| decode(field, encoding).map(|field| field.text.into_owned()).unwrap_or_default();
    let found: Vec<String> = header.fields().map(decoded).collect();
    let keys: Vec<String> = found.iter().map(|name| folded(name)).collect();
    let mut missing = Vec::new();
    let mut sources = Vec::new();
    for column in &mapping.columns {
        let (names, optional) = match (&column.from, &mapping.extracted_on) {
            (From::Field { names, optional }, _) => (names.as_slice(), *optional),
            (From::ExtractedOn, Some(extracted_on)) => (extracted_on.columns.as_slice(), true),
            _ => (&[][..], true),
        };
        let places =
            |name: &String| keys.iter().enumerate().filter(|(_, key)| **key == folded(name)).collect::<Vec<_>>();
        match names.iter().map(|name| (name, places(name))).find(|(_, places)| !places.is_empty()) {
            Some((_, places)) if places.len() == 1 => sources.push(places.first().map(|(index, _)| *index)),
            Some((name, _)) => {
                let english = format!("the header has the column {name} more than once");
                let swedish = format!("rubrikraden har kolumnen {name} mer än en gång");
                return Err(Problem::new("register.header_ambiguous", english, swedish));
            }
            None if optional => sources.push(None),
            None => missing.push(names),
        }
    }
    if missing.is_empty() {
        let unused = found
            .iter()
            .enumerate()
            .filter(|(index, name)| !sources.contains(&Some(*index)) && !name.trim().is_empty());
        let unused = unused.map(|(_, name)| shown(name)).collect();
        return Ok(Plan { fields: found.len(), sources, unused });
    }
    Err(missing_columns(dialect, &missing, &found, sources.iter().flatten().count(), header.raw))
}

/// Columns by number: the file has no header.
fn numbered(mapping: &Mapping, fields: usize) -> Plan {
    let source = |from: &From| match from {
        From::Field { names, .. } => names.first()?.parse::<usize>().ok()?.checked_sub(1),
        _ => None,
    };
    Plan { fields, sources: mapping.columns.iter().map(|column| source(&column.from)).collect(), unused: Vec::new() }
}

/// Says which columns are missing. What was found is only shown when the line is a header without doubt: the first
/// row of a file without one may identify a person.
fn missing_columns(dialect: &Dialect, missing: &[&[String]], found: &[String], matched: usize, raw: &[u8]) -> Problem {
    let names: Vec<&str> = missing.iter().filter_map(|names| names.first()).map(String::as_str).collect();
    let list = names.join(", ");
    if matched * 2 < matched + missing.len() {
        let other = *b";,\t|"
            .iter()
            .filter(|other| **other != dialect.delimiter)
            .max_by_key(|other| raw.iter().filter(|byte| *byte == *other).count())
            .unwrap_or(&b';');
        let suspect = found.len() == 1 && raw.contains(&other);
        let (hint, hint_sv) = if suspect {
            let other = if other == b'\t' { "tab".to_owned() } else { format!("`{}`", char::from(other)) };
            let delimiter = char::from(dialect.delimiter);
            (
                format!("; its fields seem to be separated by {other}, not by `{delimiter}`"),
                format!("; fälten verkar åtskilda av {other}, inte av `{delimiter}`"),
            )
        } else {
            (String::new(), String::new())
        };
        return Problem::new(
            "register.header",
            format!("the first line is not the header: it lacks {list}{hint}"),
            format!("första raden är inte rubrikraden: den saknar {list}{hint_sv}"),
        );
    }
    let near: Vec<String> = missing
        .iter()
        .filter_map(|names| {
            names.iter().find_map(|name| Some((name, nearest(name, found.iter().map(String::as_str))?)))
        })
        .map(|(name, near)| format!("{name} ≈ {}", shown(near)))
        .collect();
    let found = found.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    let (hint, hint_sv) = match near.join(", ") {
        near if near.is_empty() => (String::new(), String::new()),
        near => (format!("; similar: {near}"), format!("; liknar: {near}")),
    };
    Problem::new(
        "register.header",
        format!("the header lacks {list}; it has {found}{hint}"),
        format!("rubrikraden saknar {list}; den har {found}{hint_sv}"),
    )
}

fn shown(name: &str) -> String {
    name.trim().chars().take(SHOWN).collect()
}

/// The extract's date by the file's name.
pub(super) fn date_in_name(extracted_on: &ExtractedOn, info: FileInfo<'_>) -> Result<Option<NaiveDate>, Problem> {
    for pattern in &extracted_on.file_names {
        match pattern.date(info.name) {
            NamedDate::Absent => {}
            NamedDate::Is(date) => return Ok(Some(date)),
            NamedDate::Ambiguous => {
                let pattern = pattern.written();
                let english = format!("the file name has several dates that fit {pattern}");
                let swedish = format!("filnamnet har flera datum som passar {pattern}");
                return Err(Problem::new("register.extracted_on", english, swedish));
            }
        }
    }
    Ok(None)
}

/// Neither the name nor a column says of which day the extract is.
pub(super) fn no_date(extracted_on: &ExtractedOn) -> Problem {
    let patterns: Vec<&str> = extracted_on.file_names.iter().map(super::dates::NamePattern::written).collect();
    let (patterns, columns) = (patterns.join(" or "), extracted_on.columns.join(", "));
    let english =
        format!("the date of the extract is unknown: the name does not fit {patterns}, and no column {columns}");
    let patterns = patterns.replace(" or ", " eller ");
    let swedish = format!("uttagets datum är okänt: filnamnet passar inte {patterns}, och kolumn {columns} saknas");
    Problem::new("register.extracted_on", english, swedish)
}
