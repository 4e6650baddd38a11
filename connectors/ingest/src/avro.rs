//! Records on the wire: Avro in Confluent framing (a zero byte, the schema's id in four bytes, the Avro body).
//!
//! There is no schema server: the id of a schema is taken from the SHA-256 of its canonical form, so that every
//! process knows it. A message whose id no contract has was written by another version of the contracts.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Fields, Schema};
use arrow::error::ArrowError;
use arrow_avro::reader::{Decoder as AvroDecoder, ReaderBuilder};
use arrow_avro::schema::{
    AvroSchema, Fingerprint, FingerprintAlgorithm, FingerprintStrategy, SCHEMA_METADATA_KEY, SchemaStore,
};
use arrow_avro::writer::format::AvroSoeFormat;
use arrow_avro::writer::{EncodedRows, Encoder as AvroEncoder, WriterBuilder};
use schemas::Contract;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// Bytes before the Avro body.
const FRAME: usize = 5;

/// The id of a contract's schema: the first 31 bits of the SHA-256 of its canonical form.
#[must_use]
pub fn schema_id(contract: &Contract) -> u32 {
    let hash = Sha256::digest(canonical(contract).as_bytes());
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) & 0x7fff_ffff
}

/// What of a schema decides how bytes are read: docs, order of attributes and layout do not.
fn canonical(contract: &Contract) -> String {
    let json: Value = serde_json::from_str(&contract.avro).unwrap_or_default();
    strip(&json).to_string()
}

fn strip(json: &Value) -> Value {
    const KEPT: [&str; 9] =
        ["name", "type", "fields", "items", "logicalType", "precision", "scale", "default", "namespace"];
    match json {
        Value::Array(items) => items.iter().map(strip).collect(),
        Value::Object(object) => {
            let kept = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), strip(object.get(*name)?))));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// The contract of a framed message, or why there is none.
fn contract_of(message: &[u8]) -> Result<&'static Contract, String> {
    static BY_ID: OnceLock<BTreeMap<u32, &'static Contract>> = OnceLock::new();
    let by_id = BY_ID.get_or_init(|| schemas::contracts().values().map(|c| (schema_id(c), c)).collect());
    match message {
        [0, a, b, c, d, ..] => {
            let id = u32::from_be_bytes([*a, *b, *c, *d]);
            by_id.get(&id).copied().ok_or_else(|| format!("its schema id {id} is of no contract of this version"))
        }
        _ => Err("it is not in Confluent framing".to_owned()),
    }
}

fn rows_error(contract: &Contract, what: &str, source: impl Into<ArrowError>) -> Error {
    Error::Rows { what: format!("rows of contract {} cannot be {what}", contract.name), source: source.into() }
}

/// Turns rows of a contract into messages.
#[derive(Debug)]
pub struct Encoder {
    contract: &'static Contract,
    inner: AvroEncoder,
}

impl Encoder {
    /// An encoder for rows of `contract`.
    ///
    /// # Errors
    /// When the contract's schema cannot be written as Avro: a defect.
    pub fn new(contract: &'static Contract) -> Result<Self> {
        let metadata = [(SCHEMA_METADATA_KEY.to_owned(), contract.avro.clone())].into();
        let schema = Schema::new_with_metadata(contract.schema.fields().clone(), metadata);
        let builder =
            WriterBuilder::new(schema).with_fingerprint_strategy(FingerprintStrategy::Id(schema_id(contract)));
        let inner = builder.build_encoder::<AvroSoeFormat>();
        Ok(Self { contract, inner: inner.map_err(|error| rows_error(contract, "encoded", error))? })
    }

    /// One message per row, in order, in one buffer.
    ///
    /// # Errors
    /// When the rows are not of the contract's schema.
    pub fn encode(&mut self, rows: &RecordBatch) -> Result<EncodedRows> {
        self.inner.encode(rows).map_err(|error| rows_error(self.contract, "encoded", error))?;
        Ok(self.inner.flush())
    }
}

/// A message that is no row of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecodable {
    /// Its number among the messages given.
    pub index: usize,
    /// Why, without what it holds.
    pub reason: String,
}

/// Rows of several contracts.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Rows by contract, each in the order of its messages.
    pub rows: BTreeMap<&'static str, RecordBatch>,
    /// Messages that are no rows.
    pub undecodable: Vec<Undecodable>,
}

/// Turns messages into rows.
#[derive(Debug, Default)]
pub struct Decoder {
    by_contract: BTreeMap<&'static str, AvroDecoder>,
}

impl Decoder {
    /// A decoder for the messages of every contract.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes messages, each of any contract among `allowed`.
    ///
    /// # Errors
    /// When decoded rows do not fit their contract: a defect. A message that cannot be decoded is no error.
    pub fn decode<M: AsRef<[u8]>>(&mut self, messages: &[M], allowed: &[&str]) -> Result<Decoded> {
        let mut decoded = Decoded::default();
        let mut by_contract: BTreeMap<&'static str, (&'static Contract, Vec<usize>)> = BTreeMap::new();
        for (index, message) in messages.iter().enumerate() {
            match contract_of(message.as_ref()) {
                Ok(contract) if allowed.contains(&contract.name.as_str()) => {
                    by_contract.entry(&contract.name).or_insert((contract, Vec::new())).1.push(index);
                }
                Ok(contract) => {
                    let reason = format!("it is of contract {}", contract.name);
                    decoded.undecodable.push(Undecodable { index, reason });
                }
                Err(reason) => decoded.undecodable.push(Undecodable { index, reason }),
            }
        }
        for (name, (contract, mut indexes)) in by_contract {
            let rows = loop {
                match self.decode_all(contract, indexes.iter().map(|index| messages[*index].as_ref()))? {
                    Ok(rows) => break rows,
                    Err((place, reason)) => {
                        // The decoder is left in the middle of a row: begin again without the message.
                        decoded.undecodable.push(Undecodable { index: indexes.remove(place), reason });
                    }
                }
            };
            decoded.rows.extend(rows.map(|rows| (name, rows)));
        }
        decoded.undecodable.sort_by_key(|message| message.index);
        Ok(decoded)
    }

    /// All messages as one batch, or the place of the first that cannot be decoded.
    fn decode_all<'m>(
        &mut self,
        contract: &'static Contract,
        messages: impl Iterator<Item = &'m [u8]>,
    ) -> Result<Result<Option<RecordBatch>, (usize, String)>> {
        let mut decoder = match self.by_contract.remove(contract.name.as_str()) {
            Some(decoder) => decoder,
            None => avro_decoder(contract)?,
        };
        for (place, message) in messages.enumerate() {
            let room = decoder.capacity();
            let reason = match decoder.decode(message) {
                Ok(read) if read == message.len() && room - decoder.capacity() == 1 => continue,
                Ok(read) if read < FRAME || room == decoder.capacity() => "its body ends too early".to_owned(),
                Ok(_) => "bytes follow its body".to_owned(),
                Err(_) => "its body is not as its schema says".to_owned(),
            };
            return Ok(Err((place, reason)));
        }
        let rows = decoder.flush().map_err(|error| rows_error(contract, "decoded", error))?;
        self.by_contract.insert(&contract.name, decoder);
        let rows = rows.map(|rows| conform(contract, &rows)).transpose();
        rows.map(Ok).map_err(|error| rows_error(contract, "decoded", error))
    }
}

fn avro_decoder(contract: &'static Contract) -> Result<AvroDecoder> {
    let fingerprint = Fingerprint::Id(schema_id(contract));
    let build = || {
        let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
        store.set(fingerprint, AvroSchema::new(contract.avro.clone()))?;
        ReaderBuilder::new()
            .with_batch_size(usize::MAX)
            .with_writer_schema_store(store)
            .with_active_fingerprint(fingerprint)
            .build_decoder()
    };
    build().map_err(|error| rows_error(contract, "decoded", error))
}

/// The same rows in exactly the contract's schema: the decoder names list items and tags types its own way.
fn conform(contract: &Contract, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = columns(rows.columns(), contract.schema.fields())?;
    RecordBatch::try_new(Arc::clone(&contract.schema), columns)
}

fn columns(columns: &[ArrayRef], fields: &Fields) -> Result<Vec<ArrayRef>, ArrowError> {
    columns.iter().zip(fields).map(|(column, field)| column_as(column, field)).collect()
}

fn column_as(column: &ArrayRef, field: &FieldRef) -> Result<ArrayRef, ArrowError> {
    match (column.data_type(), field.data_type()) {
        (is, wanted) if is == wanted => Ok(Arc::clone(column)),
        (DataType::List(_), DataType::List(item)) => {
            let list = column.as_list::<i32>();
            let values = column_as(list.values(), item)?;
            let list = ListArray::try_new(Arc::clone(item), list.offsets().clone(), values, list.nulls().cloned())?;
            Ok(Arc::new(list))
        }
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let record = column.as_struct();
            let members = columns(record.columns(), fields)?;
            Ok(Arc::new(StructArray::try_new(fields.clone(), members, record.nulls().cloned())?))
        }
        (_, wanted) => cast(column, wanted),
    }
}

#[cfg(test)]
mod tests;
