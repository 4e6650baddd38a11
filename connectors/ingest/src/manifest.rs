//! The `file` record.
