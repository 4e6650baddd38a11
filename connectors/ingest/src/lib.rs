//! Ingest: files in, the log out.
//!
//! A file that appears at a [landing place](place) is copied into the [archive], parsed by `formats`, judged by
//! its own control totals, and [delivered](log::Delivery) to the log as a whole or not at all: its records, its
//! rejects and one `file` record. The log is Apache [Kafka](kafka) or, without a broker, a
//! [journal in the archive](direct). What reads the log ([`log::LogReader`]) sees the same either way: batches
//! of a contract with their positions.
//!
//! Not here: reading of file formats (`formats`), tables (`lake`). No clock is read: a file's time is the
//! landing place's.
//!
//! Start at [`receive::Receiver`] and [`log`].

pub mod again;
pub mod archive;
pub mod avro;
pub mod direct;
mod error;
mod file_id;
mod gather;
pub mod kafka;
pub mod log;
pub mod manifest;
pub mod parsed;
pub mod place;
pub mod receive;
mod spool;
pub mod store;
#[cfg(test)]
mod testing;

pub use error::{Error, Result, Retry, Whose};
pub use file_id::FileId;
