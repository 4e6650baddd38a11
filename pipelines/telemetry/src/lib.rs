//! What a running process tells those who operate it: metrics, logs, and traces of files on their way to a generation.
//!
//! [`metrics::METRICS`] is the one list of metrics: what each says and what to do when it is bad. The exposition, the
//! alert rules, the dashboard and the table in `docs/operations.md` are all made of it ([`generate`]). A metric can be
//! told only through its entry in the list, so none is told that is not documented.
//!
//! Nothing here may identify a person or grow without bound: labels are contracts, partitions, formats, codes, jobs,
//! invariants and fixed words, never names of files or values of rows.
//!
//! Not here: the endpoints that show them and the clock (`reskontra`).
//!
//! Start at [`start`] and [`metrics`].

pub mod family;
pub mod generate;
pub mod lag;
mod logs;
pub mod metrics;
pub mod otlp;
pub mod render;
pub mod trace;
pub mod wait;

pub use logs::{Logs, Settings, Telemetry, start};
pub use render::render;
