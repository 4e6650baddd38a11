//! The whole stream, end to end: the real programs, real files, a real broker.
//!
//! Each module is one promise to those who run the stream: it finds all that is true and nothing else, goes on where
//! it was, means the same with and without a broker, survives being killed, and never publishes what the audit
//! refuses. The programs are those that `cargo build --workspace --bins` has built. `cargo test
//! --workspace --test stream -- --nocapture` shows what was scored, where it was killed, and how long it took.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]
#![allow(clippy::print_stdout, reason = "what was scored and measured is for people to read")]

mod again;
mod audit;
mod broker;
mod changes;
#[cfg(feature = "ballista")]
mod cluster;
mod disturbed;
mod explained;
mod folder;
mod follow;
mod matrix;
mod operations;
mod parse;
mod program;
mod remote;
mod row;
mod score;
mod scored;
mod settings;
mod stopped;
mod ticks;
