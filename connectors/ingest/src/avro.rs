//! Records on the wire: Avro in Confluent framing.
