//! Contracts and shared words.
//!
//! A *contract* is the Avro schema of one topic (`schemas/**/*.avsc`). Everything that moves through the
//! stream is an Arrow record batch whose columns are those of a contract. The shared words are what every
//! area means by money, references, identities and periods. Earlier versions of contracts stand in
//! `schemas/history/`: what was written with them can be read for ever.
//!
//! Not here: reading of file formats (`formats`), tables (`lake`), jobs (`engine`).
//! Start at [`contracts`].

pub mod calendar;
mod contract;
pub mod identity;
pub mod international;
pub mod json;
pub mod money;
pub mod reference;
mod version;

pub use contract::{Contract, ContractError, ENVELOPE, contract, contracts, decimal_type};
pub use version::{Version, earlier_versions, schema_id};
