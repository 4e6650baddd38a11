//! The landing protocol: what a writer does next, given what it has read.
//!
//! A writer has rows of some ranges of a log. It reads the heads of one version of the table and asks
//! [`Landing::next`]. A [`Permit`] lets it commit rows and positions together, as the version that follows the one it
//! read; nothing else makes a permit, so nothing is landed that the heads were not asked for. The store takes one of
//! those who commit at the same version. What it answers goes to [`Permit::answered`], which says whether to look
//! again.
//!
//! Whoever was killed, fenced, or does not know what became of its commit keeps nothing in mind: it begins anew at the
//! heads of the table.
//!
//! Messages that the log has lost before they were landed are a gap, which is refused. Whoever decides to go on without
//! them lands a range without rows from the head to the first message that is left. It is a landing like any other: it
//! needs a permit, and two who decide the same do it once.

use std::collections::BTreeMap;

use crate::positions::{Decision, Range, decide};

/// Position landed by partition, of one version of a table.
pub type Heads = BTreeMap<i32, i64>;

/// How often a commit is tried again after another process committed first.
const TRIES: u32 = 10;

/// Ranges that a writer has the rows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    ranges: BTreeMap<i32, Range>,
    tries: u32,
}

/// What a writer does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// It commits, on the version that the heads are of.
    Commit(Permit),
    /// Nothing: all of it is landed.
    Landed,
    /// Nothing: it does not follow the heads.
    Refuse(Refusal),
}

/// Leave to commit the rows of a landing as the version that follows the one whose heads were read.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Permit(Landing);

/// What a store answers to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is written: the store said so, or what it holds was read back and is ours.
    Written,
    /// Another commit has taken the version.
    Taken,
    /// It is not known whether it is written.
    Unknown,
}

/// What a writer does after a commit.
#[derive(Debug, PartialEq, Eq)]
pub enum After {
    /// It goes on with what follows.
    GoOn,
    /// It reads the heads again: another commit came first.
    LookAgain(Landing),
    /// It stops: others came first each time.
    GiveUp,
    /// It stops, and whoever goes on begins at the heads of the table.
    BeginAnew,
}

/// Why a landing does not follow the heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Part of it is landed: another process lands this partition too.
    Stale {
        /// The partition.
        partition: i32,
        /// What was offered of it.
        offered: Range,
        /// Its head.
        head: i64,
    },
    /// Messages before it are not landed: the log has lost them. This partition stops until somebody decides.
    Gap {
        /// The partition.
        partition: i32,
        /// What was offered of it.
        offered: Range,
        /// Its head.
        head: i64,
    },
    /// The range is empty or runs backwards: a defect of the writer.
    Malformed {
        /// The partition.
        partition: i32,
        /// What was offered of it.
        offered: Range,
    },
    /// No range at all: rows without positions would be landed as often as they are offered.
    Nothing,
}

impl Landing {
    /// Of these ranges, by partition.
    #[must_use]
    pub fn of(ranges: impl IntoIterator<Item = (i32, Range)>) -> Self {
        Self { ranges: ranges.into_iter().collect(), tries: TRIES }
    }

    /// The partitions whose heads have to be read.
    pub fn partitions(&self) -> impl Iterator<Item = i32> {
        self.ranges.keys().copied()
    }

    /// What to do, given the heads of one version of the table.
    #[must_use]
    pub fn next(self, heads: &Heads) -> Next {
        let mut landed = None;
        let mut open = false;
        for (&partition, &offered) in &self.ranges {
            match decide(heads.get(&partition).copied(), offered) {
                Decision::Append => open = true,
                Decision::Landed => landed = Some((partition, offered)),
                Decision::Stale { head } => return Next::Refuse(Refusal::Stale { partition, offered, head }),
                Decision::Gap { head } => return Next::Refuse(Refusal::Gap { partition, offered, head }),
                Decision::Malformed => return Next::Refuse(Refusal::Malformed { partition, offered }),
            }
        }
        match (open, landed) {
            (true, None) => Next::Commit(Permit(self)),
            (false, Some(_)) => Next::Landed,
            (false, None) => Next::Refuse(Refusal::Nothing),
            // Its rows cannot be told apart by partition, and some of them are in the table.
            (true, Some((partition, offered))) => {
                let head = heads.get(&partition).copied().unwrap_or_default();
                Next::Refuse(Refusal::Stale { partition, offered, head })
            }
        }
    }
}

impl Permit {
    /// The heads that the commit has to carry.
    pub fn positions(&self) -> impl Iterator<Item = (i32, i64)> {
        self.0.ranges.iter().map(|(partition, range)| (*partition, range.to))
    }

    /// What to do after the commit.
    #[must_use]
    pub fn answered(self, answer: Answer) -> After {
        let Self(landing) = self;
        match (answer, landing.tries) {
            (Answer::Written, _) => After::GoOn,
            (Answer::Unknown, _) => After::BeginAnew,
            (Answer::Taken, 0 | 1) => After::GiveUp,
            (Answer::Taken, tries) => After::LookAgain(Landing { tries: tries - 1, ..landing }),
        }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
