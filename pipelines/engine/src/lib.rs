//! The job engine: `.sql` files in, tables out.
//!
//! A *job* is a header and one SELECT. The engine finds what each job reads, checks it, runs its worked
//! examples, computes it for an explicit business date and audits the result. It knows nothing of file formats
//! or brokers, and reaches tables only through [`lake`].
//!
//! Start at [`Library`] (what is in `sql/`), then [`Planner`] (what a job means) and [`example`].

pub mod catalogue;
mod error;
pub mod example;
pub mod explain;
pub mod functions;
mod header;
mod library;
pub mod lineage;
mod markdown;
mod money;
mod parameters;
mod planner;
pub mod provenance;
pub mod run;
mod session;
mod subqueries;
mod values;
mod views;

pub use error::EngineError;
pub use header::{ExceptionHeader, Header, Kind};
pub use library::{Invariant, Job, Library};
pub use planner::{PlannedJob, Planner, contract_view_schema};
pub use session::session;
