//! Real servers for tests: started on free loopback ports, stopped when dropped.

mod collector;
mod kafka;
mod server;
mod storage;
mod wire;

pub use collector::Collector;
pub use kafka::Kafka;
pub use storage::ObjectStorage;
pub use wire::Wire;
