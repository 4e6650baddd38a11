//! Registers: tables that source systems extract to files, read by a contract and a mapping file.
//!
//! A mapping (`connectors/registers/NAME.toml`, described in the README there) says how the files of a register
//! look and which of their columns fill the columns of a contract. A new register is one contract and one mapping;
//! nothing here knows any of them. All mappings are embedded when this crate is built.
//!
//! * A bad cell, a wrong number of fields or a key that the file has already make the row a reject, which names the
//!   column and its place but never holds a value.
//! * A header that lacks a column, a missing or wrong trailer, several dates of the extract or a row without end
//!   refuse the file.
//! * A byte order mark, blank lines, a missing last line end, fields in another encoding and failed checks of
//!   identity numbers where the mapping says so are remarked on, once for each kind and column.
//!
//! Memory is bounded by the longest row, one batch, and 16 bytes for each row's key (about 35 MB for a million rows
//! with the table around them).
//!
//! A row's layout is the only thing that knows the kind of file: JSON lines and fixed width come beside
//! `delimited`, and the rules of cells, batches and control totals stay as they are.

mod batch;
mod cells;
mod control;
mod dates;
mod declaration;
mod delimited;
mod frame;
mod header;
mod mapping;
mod numbers;
mod text;

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::OnceLock;

pub use mapping::{Mapping, MappingError};

use crate::{FileInfo, ParseError, Sink, Summary};

static SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/mappings.rs"));

/// All embedded mappings by name.
///
/// They are checked by a test of this crate; one that cannot be used is left out here.
pub fn mappings() -> &'static BTreeMap<String, Mapping> {
    static MAPPINGS: OnceLock<BTreeMap<String, Mapping>> = OnceLock::new();
    MAPPINGS.get_or_init(|| {
        let parsed = SOURCES.iter().filter_map(|(name, toml)| Mapping::parse(toml, name).ok());
        parsed.map(|mapping| (mapping.name().to_owned(), mapping)).collect()
    })
}

/// Reads a file of the register.
///
/// # Errors
/// When reading fails or the sink stops. A file that is wrong is no error: see [`crate::Verdict`].
pub fn parse(
    mapping: &Mapping,
    info: FileInfo<'_>,
    input: &mut dyn Read,
    sink: &mut dyn Sink,
) -> Result<Summary, ParseError> {
    match &mapping.source {
        mapping::Source::Delimited(dialect) => delimited::parse(mapping, dialect, info, input, sink),
    }
}

#[cfg(test)]
mod tests;
