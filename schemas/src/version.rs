use std::sync::OnceLock;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

static SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/history.rs"));

/// An earlier version of a contract: records that were written with it may still lie on a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The contract.
    pub contract: &'static str,
    /// From 1, the oldest.
    pub number: u32,
    /// The id of its schema, see [`schema_id`].
    pub id: u32,
    /// The Avro schema as it was written.
    pub avro: &'static str,
}

/// All earlier versions (`schemas/history/<contract>.<number>.avsc`).
pub fn earlier_versions() -> &'static [Version] {
    static VERSIONS: OnceLock<Vec<Version>> = OnceLock::new();
    VERSIONS.get_or_init(|| {
        let version = |(name, avro): &(&'static str, &'static str)| {
            let (contract, number) = name.rsplit_once('.')?;
            Some(Version { contract, number: number.parse().ok()?, id: schema_id(avro), avro })
        };
        SOURCES.iter().filter_map(version).collect()
    })
}

/// The id that an Avro schema has where no registry gives one: the first 31 bits of the SHA-256 of its canonical
/// form, so that every process knows it.
#[must_use]
pub fn schema_id(avro: &str) -> u32 {
    let json: Value = serde_json::from_str(avro).unwrap_or_default();
    let hash = Sha256::digest(canonical(&json).to_string().as_bytes());
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) & 0x7fff_ffff
}

/// What of a schema decides how bytes are read: docs, order of attributes and layout do not.
fn canonical(json: &Value) -> Value {
    const KEPT: [&str; 9] =
        ["name", "type", "fields", "items", "logicalType", "precision", "scale", "default", "namespace"];
    match json {
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(object) => {
            let kept = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), canonical(object.get(*name)?))));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}
