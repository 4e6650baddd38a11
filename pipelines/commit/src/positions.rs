//! Log positions and fencing.
//!
//! A position is the number of the next message to land. A landing commit carries `(from, to]`: it holds the
//! messages `from`, …, `to - 1` of one topic-partition, and moves the table's head from `from` to `to`. The head
//! is kept in the table itself, in the same commit as the rows, so rows and position can never disagree.

/// A range of one topic-partition that is offered for landing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Position before the first message.
    pub from: i64,
    /// Position after the last message.
    pub to: i64,
}

/// What to do with an offered range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The range follows the head: commit it.
    Append,
    /// All of it is landed already: a retry after a lost answer, or another process was faster. Nothing to do.
    Landed,
    /// Part of it is landed already: the writer works from an old head. It must read the head and offer again.
    Stale {
        /// Where the table is.
        head: i64,
    },
    /// Messages between the head and the range are missing: an operator must say what became of them.
    Gap {
        /// Where the table is.
        head: i64,
    },
    /// The range is empty or runs backwards: a defect of the writer.
    Malformed,
}

/// Decides on `offered`, given the table's head (nothing when the table has landed nothing of the partition).
#[must_use]
pub fn decide(head: Option<i64>, offered: Range) -> Decision {
    if offered.from < 0 || offered.to <= offered.from {
        return Decision::Malformed;
    }
    let head = head.unwrap_or(0);
    if offered.from == head {
        Decision::Append
    } else if offered.to <= head {
        Decision::Landed
    } else if offered.from < head {
        Decision::Stale { head }
    } else {
        Decision::Gap { head }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn range(from: i64, to: i64) -> Range {
        Range { from, to }
    }

    #[test]
    fn a_range_that_follows_the_head_is_appended() {
        assert_eq!(decide(None, range(0, 5)), Decision::Append);
        assert_eq!(decide(Some(5), range(5, 6)), Decision::Append);
    }

    #[test]
    fn a_range_that_is_landed_is_not_landed_again() {
        assert_eq!(decide(Some(5), range(0, 5)), Decision::Landed);
        assert_eq!(decide(Some(5), range(2, 4)), Decision::Landed);
    }

    #[test]
    fn a_stale_writer_is_refused_even_when_it_brings_something_new() {
        assert_eq!(decide(Some(5), range(3, 9)), Decision::Stale { head: 5 });
    }

    #[test]
    fn a_gap_is_refused() {
        assert_eq!(decide(Some(5), range(6, 9)), Decision::Gap { head: 5 });
        assert_eq!(decide(None, range(1, 2)), Decision::Gap { head: 0 });
    }

    #[test]
    fn a_range_that_runs_backwards_is_malformed() {
        assert_eq!(decide(None, range(0, 0)), Decision::Malformed);
        assert_eq!(decide(Some(9), range(9, 3)), Decision::Malformed);
        assert_eq!(decide(None, range(-1, 3)), Decision::Malformed);
    }

    proptest! {
        /// Whatever writers offer, in whatever order, with repeats: each message is landed at most once, and in order.
        #[test]
        fn any_interleaving_lands_each_message_once(offers in prop::collection::vec((0_i64..20, 1_i64..6), 0..60)) {
            let mut head = None;
            let mut landed: BTreeMap<i64, u32> = BTreeMap::new();
            for (from, length) in offers {
                let offered = range(from, from + length);
                if decide(head, offered) == Decision::Append {
                    for message in offered.from..offered.to {
                        *landed.entry(message).or_default() += 1;
                    }
                    head = Some(offered.to);
                }
            }
            prop_assert!(landed.values().all(|times| *times == 1));
            prop_assert!(landed.keys().copied().eq(0..head.unwrap_or(0)), "no holes below the head");
        }
    }
}
