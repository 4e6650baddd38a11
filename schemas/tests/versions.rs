//! Contracts and their earlier versions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use arrow::error::ArrowError;
use arrow_avro::reader::ReaderBuilder;
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};

use schemas::{Contract, contract, contracts, earlier_versions, schema_id};

/// Whether what was written with one schema can be read with another, as the decoder of the stream sees it.
fn reads(reader: &str, writer: &str) -> Result<(), String> {
    let build = || {
        let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
        store.set(Fingerprint::Id(1), AvroSchema::new(writer.to_owned()))?;
        let builder = ReaderBuilder::new().with_writer_schema_store(store).with_active_fingerprint(Fingerprint::Id(1));
        builder.with_reader_schema(AvroSchema::new(reader.to_owned())).build_decoder().map(drop)
    };
    build().map_err(|error: ArrowError| error.to_string())
}

#[test]
fn every_contract_reads_what_was_written_with_its_earlier_versions() {
    for version in earlier_versions() {
        let now = contract(version.contract).unwrap_or_else(|error| panic!("{error}"));
        reads(&now.avro, version.avro).unwrap_or_else(|reason| {
            panic!(
                "contract {} no longer reads its version {}: {reason}. Give a new field a default and a retyped field \
                 a new name",
                version.contract, version.number
            )
        });
        let then = Contract::parse(version.avro).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(then.name, version.contract);
        assert_eq!(now.key, then.key, "{}: a key never changes", now.name);
    }
}

/// `current.csv` says which version each contract is now, so that no version is lost when a contract is edited.
#[test]
fn a_contract_that_changes_keeps_its_former_version_in_the_history() {
    let lines = include_str!("../history/current.csv").lines().skip(1);
    let current: BTreeMap<&str, &str> = lines.filter_map(|line| line.split_once(',')).collect();
    for contract in contracts().values() {
        let (name, id) = (&contract.name, schema_id(&contract.avro));
        let earlier = earlier_versions().iter().filter(|version| version.contract == name);
        let numbers: BTreeSet<u32> = earlier.clone().map(|version| version.number).collect();
        let next = numbers.len() as u32 + 1;
        assert_eq!(numbers, (1..next).collect(), "the versions of {name} in schemas/history");
        assert!(earlier.clone().all(|version| version.id != id), "{name} is as one of its earlier versions");
        let said = current.get(name.as_str()).copied();
        assert_eq!(
            said,
            Some(format!("{next},{id}").as_str()),
            "contract {name} is new or has changed. If it has changed, first keep its former text as \
             schemas/history/{name}.{next}.avsc and run this test again. Then its line in schemas/history/current.csv \
             must be {name},{next},{id}"
        );
    }
    assert_eq!(current.len(), contracts().len(), "schemas/history/current.csv names a contract that is gone");
}

#[test]
fn ids_are_one_to_a_version_and_survive_a_change_of_words() {
    let now = contracts().values().map(|contract| schema_id(&contract.avro));
    let ids: Vec<u32> = now.chain(earlier_versions().iter().map(|version| version.id)).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    assert!(ids.iter().all(|id| i32::try_from(*id).is_ok()));
    let file = &contracts()["file"].avro;
    let reworded = file.replace("file name at the landing place", "name");
    assert_ne!(&reworded, file);
    assert_eq!(schema_id(&reworded), schema_id(file));
    assert_ne!(schema_id(&file.replacen("\"long\"", "\"int\"", 1)), schema_id(file));
}

#[test]
fn what_would_not_be_read_is_refused_with_the_field_and_the_reason() {
    let lease = &contracts()["lease"].avro;
    let demanded = lease.replacen("\"fields\": [", r#""fields": [{"name": "floor", "type": "int"},"#, 1);
    let refused = reads(&demanded, lease).unwrap_err();
    assert!(refused.contains("'floor'") && refused.contains("default"), "{refused}");
    let retyped = lease.replacen("\"long\"", "\"string\"", 1);
    let refused = reads(&retyped, lease).unwrap_err();
    assert!(refused.contains("Illegal promotion"), "{refused}");
    let optional = lease.replacen(
        "\"fields\": [",
        r#""fields": [{"name": "floor", "type": ["null", "int"], "default": null},"#,
        1,
    );
    reads(&optional, lease).unwrap_or_else(|error| panic!("{error}"));
}
