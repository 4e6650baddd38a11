//! The whole stream, end to end: see `tests/stream.rs`. There is nothing to use here.
