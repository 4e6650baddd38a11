//! The commit protocol: facts in, decisions out. Nothing here reads or writes; storage code gathers the facts,
//! asks, and carries out the answer.
//!
//! Two questions are answered: what to do with a range of log positions that is offered to a landing table
//! ([`positions::decide`]), and which generation may follow the last one ([`generation::Candidate::publish`]).

pub mod fingerprint;
pub mod generation;
pub mod positions;
