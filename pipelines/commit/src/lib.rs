//! The commit protocol: facts in, decisions out. Nothing here reads or writes; storage code gathers the facts,
//! asks, and carries out the answer.
//!
//! Three questions are answered: what a writer does that wants to land ranges of a log ([`landing::Landing::next`], which
//! asks [`positions::decide`] for each of them), which generation may follow the last one
//! ([`generation::Candidate::publish`]), and what need not be kept any more ([`retention`]).

#[cfg(test)]
mod fate;
pub mod fingerprint;
pub mod generation;
pub mod landing;
pub mod positions;
pub mod retention;
