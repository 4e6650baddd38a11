//! The job engine: `.sql` files in, tables out.
//!
//! A *job* is a header and one SELECT. The engine finds what each job reads, checks it, runs its worked
//! examples, computes it for an explicit business date and audits the result. It knows nothing of file formats
//! or brokers, and reaches tables only through [`lake`].
//!
//! Start at [`Library`] (what is in `sql/`), then [`Planner`] (what a job means) and [`example`].

pub mod aside;
mod audit;
pub mod catalogue;
mod changes;
pub mod cut;
mod diagnosis;
pub mod diff;
pub mod draw;
mod error;
pub mod example;
pub mod executor;
pub mod explain;
pub mod files;
pub mod fingerprint;
pub mod functions;
mod header;
mod library;
pub mod lineage;
pub mod lint;
mod locate;
mod lock;
mod markdown;
pub mod memory;
pub mod missing;
mod money;
mod named;
mod near;
mod normal;
mod parameters;
mod partition;
pub mod plan;
mod planner;
mod position;
pub mod provenance;
mod refresh;
pub mod replay;
pub mod retention;
pub mod rollback;
mod rows;
pub mod run;
mod session;
mod slots;
mod statement;
mod subqueries;
mod values;
mod views;
mod workbench;

pub use diagnosis::told;
pub use error::EngineError;
pub use header::{ExceptionHeader, Header, Kind};
pub use library::{Invariant, Job, Library};
pub use near::did_you_mean;
pub use planner::{PlannedJob, Planner, contract_view_schema};
pub use position::Position;
pub use session::session;
pub use workbench::Workbench;
