//! Records on the wire: Avro in Confluent framing (a zero byte, the schema's id in four bytes, the Avro body).
//!
//! The id names the schema that a record was written with ([`Registry`]). It may be an earlier version of the
//! contract: what that version lacks gets the default of its field. A message whose id is of no contract is no row.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StructArray, UInt64Array};
use arrow::compute::{cast, concat_batches, sort_to_indices, take_record_batch};
use arrow::datatypes::{DataType, FieldRef, Fields, Schema};
use arrow::error::ArrowError;
use arrow_avro::reader::{Decoder as AvroDecoder, ReaderBuilder};
use arrow_avro::schema::{
    AvroSchema, Fingerprint, FingerprintAlgorithm, FingerprintStrategy, SCHEMA_METADATA_KEY, SchemaStore,
};
use arrow_avro::writer::format::AvroSoeFormat;
use arrow_avro::writer::{EncodedRows, Encoder as AvroEncoder, WriterBuilder};
use schemas::{Contract, schema_id};
use serde_json::Value;

use crate::registry::Registry;
use crate::{Error, Result};

/// Bytes before the Avro body.
const FRAME: usize = 5;

/// The id of the schema that a framed message was written with.
fn id_of(message: &[u8]) -> Result<u32, String> {
    match message {
        [0, a, b, c, d, ..] => Ok(u32::from_be_bytes([*a, *b, *c, *d])),
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
    /// An encoder for rows of `contract`, whose schema has this id.
    ///
    /// # Errors
    /// When the contract's schema cannot be written as Avro: a defect.
    pub fn new(contract: &'static Contract, id: u32) -> Result<Self> {
        let metadata = [(SCHEMA_METADATA_KEY.to_owned(), contract.avro.clone())].into();
        let schema = Schema::new_with_metadata(contract.schema.fields().clone(), metadata);
        let builder = WriterBuilder::new(schema).with_fingerprint_strategy(FingerprintStrategy::Id(id));
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
    registry: Registry,
    by_id: BTreeMap<u32, Written>,
}

/// What was written with one schema.
#[derive(Debug)]
struct Written {
    contract: &'static Contract,
    avro: String,
    /// Taken while it decodes: after an error it is in the middle of a row.
    decoder: Option<AvroDecoder>,
}

impl Decoder {
    /// A decoder for the messages of every contract, whose schemas have their ids from `registry`.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        Self { registry, by_id: BTreeMap::new() }
    }

    /// Decodes messages, each of any contract among `allowed`.
    ///
    /// # Errors
    /// When the registry does not answer. A message that cannot be decoded is no error.
    pub fn decode<M: AsRef<[u8]>>(&mut self, messages: &[M], allowed: &[&str]) -> Result<Decoded> {
        let mut decoded = Decoded::default();
        let mut by_id: BTreeMap<u32, Result<Vec<usize>, String>> = BTreeMap::new();
        for (index, message) in messages.iter().enumerate() {
            let reason = match id_of(message.as_ref()) {
                Err(reason) => reason,
                Ok(id) => {
                    let of_id = match by_id.entry(id) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(new) => new.insert(self.learn(id, allowed)?.map(|()| Vec::new())),
                    };
                    match of_id {
                        Ok(indexes) => {
                            indexes.push(index);
                            continue;
                        }
                        Err(reason) => reason.clone(),
                    }
                }
            };
            decoded.undecodable.push(Undecodable { index, reason });
        }
        let mut parts: BTreeMap<&'static str, Vec<(Vec<usize>, RecordBatch)>> = BTreeMap::new();
        for (id, indexes) in by_id {
            let (Ok(mut indexes), Some(written)) = (indexes, self.by_id.get_mut(&id)) else { continue };
            let rows = loop {
                match written.decode_all(id, indexes.iter().map(|index| messages[*index].as_ref()))? {
                    Ok(rows) => break rows,
                    Err((place, reason)) => {
                        decoded.undecodable.push(Undecodable { index: indexes.remove(place), reason });
                    }
                }
            };
            let part = rows.map(|rows| (indexes, rows));
            parts.entry(&written.contract.name).or_default().extend(part);
        }
        for (name, parts) in parts.into_iter().filter(|(_, parts)| !parts.is_empty()) {
            let what = || format!("rows of contract {name} cannot be put in order");
            let rows = in_order(parts).map_err(|source| Error::Rows { what: what(), source })?;
            decoded.rows.insert(name, rows);
        }
        decoded.undecodable.sort_by_key(|message| message.index);
        Ok(decoded)
    }

    /// Finds out what was written with an id; or says why that is no row that is looked for.
    fn learn(&mut self, id: u32, allowed: &[&str]) -> Result<Result<(), String>> {
        if !self.by_id.contains_key(&id) {
            let unknown = || format!("its schema id {id} is of no contract, now or earlier");
            let Some(avro) = self.registry.schema(id)? else { return Ok(Err(unknown())) };
            let name = serde_json::from_str::<Value>(&avro).unwrap_or_default()["name"].clone();
            let Some(contract) = schemas::contracts().get(name.as_str().unwrap_or_default()) else {
                return Ok(Err(unknown()));
            };
            match avro_decoder(contract, id, &avro) {
                Ok(decoder) => drop(self.by_id.insert(id, Written { contract, avro, decoder: Some(decoder) })),
                Err(error) => {
                    let contract = &contract.name;
                    return Ok(Err(format!("its schema, of id {id}, cannot be read as contract {contract}: {error}")));
                }
            }
        }
        let contract = self.by_id.get(&id).map_or("", |written| written.contract.name.as_str());
        Ok(if allowed.contains(&contract) { Ok(()) } else { Err(format!("it is of contract {contract}")) })
    }
}

impl Written {
    /// All messages as one batch, or the place of the first that cannot be decoded.
    fn decode_all<'m>(
        &mut self,
        id: u32,
        messages: impl Iterator<Item = &'m [u8]>,
    ) -> Result<Result<Option<RecordBatch>, (usize, String)>> {
        let failed = |error: ArrowError| rows_error(self.contract, "decoded", error);
        let mut decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None => avro_decoder(self.contract, id, &self.avro).map_err(failed)?,
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
        let rows = decoder.flush().map_err(|error| failed(error.into()))?;
        self.decoder = Some(decoder);
        rows.map(|rows| conform(self.contract, &rows)).transpose().map(Ok).map_err(failed)
    }
}

/// Reads what was written with the schema `avro` as rows of `contract`.
fn avro_decoder(contract: &Contract, id: u32, avro: &str) -> Result<AvroDecoder, ArrowError> {
    let fingerprint = Fingerprint::Id(id);
    let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
    store.set(fingerprint, AvroSchema::new(avro.to_owned()))?;
    let builder = ReaderBuilder::new()
        .with_batch_size(usize::MAX)
        .with_writer_schema_store(store)
        .with_active_fingerprint(fingerprint);
    if schema_id(avro) == schema_id(&contract.avro) {
        return builder.build_decoder();
    }
    builder.with_reader_schema(AvroSchema::new(contract.avro.clone())).build_decoder()
}

/// Why rows that were written with the schema `avro` cannot be read as those of `contract`; nothing when they can.
pub(crate) fn unread(contract: &Contract, avro: &str) -> Option<String> {
    avro_decoder(contract, 0, avro).err().map(|error| error.to_string())
}

/// One batch of several, each with the places of its rows, in the order of the places.
fn in_order(mut parts: Vec<(Vec<usize>, RecordBatch)>) -> Result<RecordBatch, ArrowError> {
    if let ([_], Some((_, rows))) = (parts.as_slice(), parts.last()) {
        return Ok(rows.clone());
    }
    let schema = parts.first().map_or_else(|| Arc::new(Schema::empty()), |(_, rows)| rows.schema());
    let all = concat_batches(&schema, parts.iter().map(|(_, rows)| rows))?;
    let places: UInt64Array = parts.drain(..).flat_map(|(places, _)| places).map(|place| place as u64).collect();
    take_record_batch(&all, &sort_to_indices(&places, None, None)?)
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
