//! The fees, calculated a second time: from the law's text, day by day, and compared with the jobs to the krona.
//!
//! [`draw`] makes households whose lives are as awkward as the rules allow, [`law`] calculates what each child costs each
//! month, [`jobs`] runs `sql/fees` on the same registers, and [`mod@compare`] holds one against the other. The calculation
//! shares nothing with the jobs: not their statements, not the tariff table, not even the way of thinking, for it asks
//! every day anew what is true that day. `cargo xtask fees --households 100000` compares as many as one likes.

pub mod compare;
pub mod draw;
pub mod jobs;
pub mod law;
pub mod registers;

pub use compare::{Report, compare, compare_taxed};
