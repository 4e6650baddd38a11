//! A mapping as it is written in TOML. What it means is checked in [`super::mapping`].

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declaration {
    pub contract: String,
    pub kind: Kind,
    pub dialect: Dialect,
    pub extracted_on: Option<ExtractedOn>,
    pub columns: BTreeMap<String, Column>,
    pub trailer: Option<Trailer>,
    pub total: Option<Total>,
}

/// How rows are laid out in the file. JSON lines and fixed width come beside it, each with its own dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Delimited,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dialect {
    pub delimiter: char,
    #[serde(default = "double_quote")]
    pub quote: char,
    #[serde(default)]
    pub encoding: Encoding,
    #[serde(default = "full_stop")]
    pub decimal: char,
    #[serde(default)]
    pub thousands: String,
    #[serde(default)]
    pub trailing_minus: bool,
    #[serde(default)]
    pub dates: Vec<String>,
    #[serde(default = "yes")]
    pub header: bool,
    pub fields: Option<usize>,
    #[serde(default)]
    pub preamble: usize,
    pub comment: Option<char>,
    #[serde(default = "empty")]
    pub null: Vec<String>,
}

/// The encoding that the source system declares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "iso-8859-1")]
    Latin1,
    #[serde(rename = "windows-1252")]
    Windows1252,
    Cp850,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExtractedOn {
    #[serde(default)]
    pub columns: Vec<String>,
    #[serde(default)]
    pub file_names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Column {
    pub from: Option<Names>,
    #[serde(rename = "const")]
    pub constant: Option<String>,
    pub default: Option<String>,
    #[serde(default)]
    pub optional: bool,
    pub values: Option<BTreeMap<String, String>>,
    pub null: Option<Vec<String>>,
    #[serde(default = "yes")]
    pub trim: bool,
    #[serde(default)]
    pub digits_only: bool,
    #[serde(default)]
    pub negate: bool,
    pub implied_decimals: Option<u32>,
    pub dates: Option<Vec<String>>,
    pub minimum: Option<String>,
    pub maximum: Option<String>,
    pub check: Option<Check>,
    pub on_invalid: Option<OnInvalid>,
}

/// One name or several to try; numbers when the file has no header.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "`from` must be a header's name, a list of names to try, or a column's number")]
pub(super) enum Names {
    One(String),
    Many(Vec<String>),
    Number(usize),
}

/// What a text must be beside its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Check {
    PersonalNumber,
    OrganisationNumber,
    Identity,
    Ocr,
    Bankgiro,
    Plusgiro,
    Period,
    Department,
    Currency,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnInvalid {
    #[default]
    Reject,
    Remark,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trailer {
    pub marker: String,
    pub count: Option<usize>,
    #[serde(default)]
    pub sums: BTreeMap<String, usize>,
    #[serde(default = "yes")]
    pub required: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Total {
    pub column: String,
    pub currency: Option<String>,
}

const fn yes() -> bool {
    true
}

const fn double_quote() -> char {
    '"'
}

const fn full_stop() -> char {
    '.'
}

fn empty() -> Vec<String> {
    vec![String::new()]
}
