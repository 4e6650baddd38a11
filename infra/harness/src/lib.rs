//! Real servers for tests: started on free loopback ports, stopped when dropped.

mod kafka;
mod server;
mod storage;
mod wire;

pub use kafka::Kafka;
pub use storage::ObjectStorage;
pub use wire::Wire;
