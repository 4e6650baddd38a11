//! Real servers for tests: started on free loopback ports, stopped when dropped.

mod collector;
mod kafka;
mod maven;
mod registry;
mod secured;
mod server;
mod storage;
mod wire;

pub use collector::Collector;
pub use kafka::Kafka;
pub use registry::SchemaRegistry;
pub use secured::SecuredKafka;
pub use storage::ObjectStorage;
pub use wire::Wire;
