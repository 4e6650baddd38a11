use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use serde_json::Value;

static SOURCES: &[&str] = include!(concat!(env!("OUT_DIR"), "/contracts.rs"));

/// The columns that every contract begins with: where a record came from.
pub const ENVELOPE: [&str; 5] = ["file_id", "received_at", "ordinal", "byte_start", "byte_end"];

/// The Avro schema of one topic and what is derived from it.
#[derive(Debug, Clone)]
pub struct Contract {
    /// Name of the contract, its topic and its landing table.
    pub name: String,
    /// What one record is.
    pub doc: String,
    /// The Avro schema as written.
    pub avro: String,
    /// Columns of a record: the envelope, then the values.
    pub schema: SchemaRef,
    /// Columns that identify a record.
    pub key: Vec<String>,
    /// Paths of fields that identify a person, for example `payer_name` or `seller.contact_name`.
    pub person_fields: Vec<String>,
    /// True when each file is a full extract of a register with a business date (`extracted_on`).
    pub snapshot: bool,
    /// Documentation of each top-level column.
    pub docs: BTreeMap<String, String>,
}

/// A contract file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The file is not JSON.
    #[error("contract is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The schema uses something that the stream does not carry.
    #[error("contract {contract}: {reason}")]
    Unsupported {
        /// The contract, or its field path.
        contract: String,
        /// What is not supported.
        reason: String,
    },
}

impl Contract {
    /// Parses one Avro schema.
    ///
    /// # Errors
    /// When it is not JSON, not a record, lacks `doc` or `key`, or uses a type that the stream does not carry.
    pub fn parse(avro: &str) -> Result<Self, ContractError> {
        let json: Value = serde_json::from_str(avro)?;
        let name = text(&json, "name");
        let fail = |reason: &str| ContractError::Unsupported { contract: name.clone(), reason: reason.to_owned() };
        let list = json["fields"].as_array().ok_or_else(|| fail("not a record"))?;
        let key: Vec<String> =
            json["key"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        if key.is_empty() {
            return Err(fail("no key"));
        }
        if text(&json, "doc").is_empty() {
            return Err(fail("no doc"));
        }
        let mut person_fields = Vec::new();
        let fields = list.iter().map(|f| field(f, &name, "", &mut person_fields)).collect::<Result<Fields, _>>()?;
        let schema = Arc::new(Schema::new(fields));
        for (index, column) in ENVELOPE.iter().enumerate() {
            if schema.fields().get(index).is_none_or(|f| f.name() != column) {
                return Err(fail(&format!("column {} must be {column}", index + 1)));
            }
        }
        if let Some(column) = key.iter().find(|column| schema.index_of(column).is_err()) {
            return Err(fail(&format!("key column {column} does not exist")));
        }
        let docs = list.iter().map(|f| (text(f, "name"), text(f, "doc"))).collect();
        Ok(Self {
            doc: text(&json, "doc"),
            snapshot: json["snapshot"].as_bool().unwrap_or(false),
            avro: avro.to_owned(),
            name,
            schema,
            key,
            person_fields,
            docs,
        })
    }

    /// The columns that a parser fills: `ordinal`, `byte_start`, `byte_end` and the values. Delivery puts
    /// `file_id` and `received_at` in front.
    #[must_use]
    pub fn body_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.schema.fields()[2..].to_vec()))
    }
}

/// All contracts, by name.
///
/// The embedded contracts are checked by a test of this crate; one that cannot be used is left out here.
pub fn contracts() -> &'static BTreeMap<String, Contract> {
    static CONTRACTS: OnceLock<BTreeMap<String, Contract>> = OnceLock::new();
    CONTRACTS.get_or_init(|| {
        SOURCES.iter().filter_map(|avro| Contract::parse(avro).ok()).map(|c| (c.name.clone(), c)).collect()
    })
}

/// The contract with this name.
///
/// # Errors
/// When there is none.
pub fn contract(name: &str) -> Result<&'static Contract, ContractError> {
    contracts().get(name).ok_or_else(|| ContractError::Unsupported {
        contract: name.to_owned(),
        reason: format!("no such contract; there are: {}", contracts().keys().cloned().collect::<Vec<_>>().join(", ")),
    })
}

/// The Arrow type of money: kronor and öre, 18 digits.
#[must_use]
pub const fn decimal_type() -> DataType {
    DataType::Decimal128(18, 2)
}

fn text(json: &Value, name: &str) -> String {
    json[name].as_str().unwrap_or_default().to_owned()
}

fn field(json: &Value, contract: &str, parent: &str, person: &mut Vec<String>) -> Result<Field, ContractError> {
    let name = text(json, "name");
    let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
    if json["person"].as_bool() == Some(true) {
        person.push(path.clone());
    }
    let (data_type, nullable) = data_type(&json["type"], contract, &path, person)?;
    Ok(Field::new(name, data_type, nullable))
}

fn data_type(
    json: &Value,
    contract: &str,
    path: &str,
    person: &mut Vec<String>,
) -> Result<(DataType, bool), ContractError> {
    let unsupported = |reason: String| ContractError::Unsupported { contract: format!("{contract}.{path}"), reason };
    if let Some(branches) = json.as_array() {
        return match branches.as_slice() {
            [Value::String(null), branch] if null == "null" => Ok((data_type(branch, contract, path, person)?.0, true)),
            _ => Err(unsupported("a union must be null and one type".to_owned())),
        };
    }
    let number = |name: &str| json[name].as_u64().and_then(|n| u8::try_from(n).ok()).unwrap_or_default();
    let name = json.as_str().or_else(|| json["type"].as_str()).unwrap_or_default();
    let data_type = match (name, json["logicalType"].as_str()) {
        ("int", Some("date")) => DataType::Date32,
        ("long", Some("timestamp-millis")) => DataType::Timestamp(TimeUnit::Millisecond, Some("+00:00".into())),
        ("bytes", Some("decimal")) => {
            let scale = i8::try_from(number("scale")).unwrap_or_default();
            DataType::Decimal128(number("precision"), scale)
        }
        ("string", None) => DataType::Utf8,
        ("int", None) => DataType::Int32,
        ("long", None) => DataType::Int64,
        ("boolean", None) => DataType::Boolean,
        ("bytes", None) => DataType::Binary,
        ("array", None) => {
            let (item, nullable) = self::data_type(&json["items"], contract, path, person)?;
            DataType::List(Arc::new(Field::new("item", item, nullable)))
        }
        ("record", None) => {
            let fields = json["fields"].as_array().ok_or_else(|| unsupported("a record without fields".to_owned()))?;
            DataType::Struct(fields.iter().map(|f| field(f, contract, path, person)).collect::<Result<Fields, _>>()?)
        }
        (other, logical) => return Err(unsupported(format!("type {other} {}", logical.unwrap_or_default()))),
    };
    Ok((data_type, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_file_can_be_used() {
        for source in SOURCES {
            let contract = Contract::parse(source).unwrap_or_else(|error| panic!("{error}"));
            for column in contract.schema.fields() {
                assert!(!contract.docs[column.name()].is_empty(), "{}.{} has no doc", contract.name, column.name());
            }
        }
        assert_eq!(contracts().len(), SOURCES.len(), "two contracts share a name");
    }

    #[test]
    fn personal_fields_are_marked_in_nested_records_too() {
        let contract = contract("supplier_invoice").unwrap_or_else(|error| panic!("{error}"));
        assert!(
            contract.person_fields.iter().any(|path| path == "seller.contact_name"),
            "{:?}",
            contract.person_fields
        );
    }
}
