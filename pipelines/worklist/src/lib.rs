//! From exceptions to work items: what a handler is told about an exception, when it is due, and what has been
//! decided about it.
//!
//! Pure: the time is passed in, rows come as JSON with their Arrow types, decisions as a list. Which rows are
//! exceptions and when they are due is decided by the jobs (`engine`); pages and API are in `serving`.
//!
//! Start at [`due`], [`template`] and [`decision`].

pub mod decision;
pub mod due;
pub mod evidence;
pub mod queue;
pub mod swedish;
pub mod template;

pub use due::Due;
pub use evidence::RecordRef;
pub use template::{TemplateError, check_template};
