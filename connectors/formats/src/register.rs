//! Registers.
use std::collections::BTreeMap;
use std::io::Read;
use crate::{FileInfo, ParseError, Sink, Summary};
/// A mapping.
#[derive(Debug)]
pub struct Mapping;
/// All mappings by name.
pub fn mappings() -> &'static BTreeMap<String, Mapping> { static EMPTY: BTreeMap<String, Mapping> = BTreeMap::new(); &EMPTY }
/// Reads a register.
pub fn parse(_mapping: &Mapping, _info: FileInfo<'_>, _input: &mut dyn Read, _sink: &mut dyn Sink) -> Result<Summary, ParseError> { Err(ParseError::Configuration("to come".into())) }
