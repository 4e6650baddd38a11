//! UBL.
use std::io::Read;
use crate::{ParseError, Sink, Summary};
/// Reads a UBL file.
pub fn parse(_input: &mut dyn Read, _sink: &mut dyn Sink) -> Result<Summary, ParseError> { Err(ParseError::Configuration("to come".into())) }
