//! Real servers for tests: started on free loopback ports, stopped when dropped.

mod kafka;

pub use kafka::Kafka;
