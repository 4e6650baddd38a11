//! What handlers have decided about an exception: a fold over their decisions, which are events and never edited.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// What a handler decided (contract `decision`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Identity of the decision; the same decision delivered twice counts once.
    pub decision_id: String,
    /// What.
    pub kind: Kind,
    /// Who.
    pub decided_by: String,
    /// When.
    pub decided_at: DateTime<Utc>,
    /// The handler's words.
    pub comment: Option<String>,
}

/// Kind of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The handler takes the work item.
    Claim,
    /// The handler writes something down.
    Note,
    /// The handler says that the work is done.
    Close,
    /// The handler says that it is not done after all.
    Reopen,
}

impl Kind {
    /// Reads the contract's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "claim" => Self::Claim,
            "note" => Self::Note,
            "close" => Self::Close,
            "reopen" => Self::Reopen,
            _ => return None,
        })
    }

    /// The word in Swedish, as in "Anna … ärendet".
    #[must_use]
    pub const fn swedish(self) -> &'static str {
        match self {
            Self::Claim => "tog ärendet",
            Self::Note => "antecknade",
            Self::Close => "stängde ärendet",
            Self::Reopen => "öppnade ärendet igen",
        }
    }
}

/// Where a work item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has taken it.
    Open,
    /// A handler works on it.
    Claimed,
    /// A handler closed it; the exception may still stand until the data says otherwise.
    Closed,
    /// The exception is no longer in the data.
    Settled,
}

impl Status {
    /// The status in Swedish.
    #[must_use]
    pub const fn swedish(self) -> &'static str {
        match self {
            Self::Open => "öppet",
            Self::Claimed => "taget",
            Self::Closed => "stängt för hand",
            Self::Settled => "löst av nya uppgifter",
        }
    }
}

/// A work item: what the decisions about an exception add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkItem {
    /// Where it stands.
    pub status: Status,
    /// Who works on it.
    pub owner: Option<String>,
    /// When it was closed by hand, while it is.
    pub closed_at: Option<DateTime<Utc>>,
    /// All decisions, oldest first, each once.
    pub history: Vec<Entry>,
}

/// A decision and whether it changed anything: one that does not fit (closing what is closed) is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The decision.
    #[serde(flatten)]
    pub decision: Decision,
    /// False when it had no effect where the item then stood.
    pub effective: bool,
}

/// Folds decisions into the work item. Their order of arrival does not matter: they count in the order in which
/// they were made, by identity where two were made at the same moment.
///
/// `present` is whether the exception stands in the generation.
#[must_use]
pub fn fold(decisions: impl IntoIterator<Item = Decision>, present: bool) -> WorkItem {
    let mut decisions: Vec<Decision> = decisions.into_iter().collect();
    decisions.sort_by(|a, b| (a.decided_at, &a.decision_id).cmp(&(b.decided_at, &b.decision_id)));
    let mut seen = std::collections::HashSet::new();
    decisions.retain(|decision| seen.insert(decision.decision_id.clone()));
    let mut item = WorkItem { status: Status::Open, owner: None, closed_at: None, history: Vec::new() };
    for decision in decisions {
        let effective = apply(&mut item, &decision);
        item.history.push(Entry { decision, effective });
    }
    if !present {
        item.status = Status::Settled;
    }
    item
}

fn apply(item: &mut WorkItem, decision: &Decision) -> bool {
    let closed = item.status == Status::Closed;
    match decision.kind {
        Kind::Note => return true,
        // Taking over from a colleague is an effect; taking what one has is none.
        Kind::Claim if !closed && item.owner.as_ref() != Some(&decision.decided_by) => {
            item.status = Status::Claimed;
            item.owner = Some(decision.decided_by.clone());
        }
        Kind::Close if !closed => {
            item.status = Status::Closed;
            item.closed_at = Some(decision.decided_at);
        }
        Kind::Reopen if closed => {
            item.status = Status::Open;
            item.owner = None;
            item.closed_at = None;
        }
        Kind::Claim | Kind::Close | Kind::Reopen => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decision(minute: i64, kind: Kind, by: &str) -> Decision {
        Decision {
            decision_id: format!("d{minute}-{by}"),
            kind,
            decided_by: by.to_owned(),
            decided_at: DateTime::from_timestamp(minute * 60, 0).unwrap(),
            comment: None,
        }
    }

    #[test]
    fn an_exception_without_decisions_is_open() {
        let item = fold([], true);
        assert_eq!((item.status, item.owner, item.history.len()), (Status::Open, None, 0));
    }

    #[test]
    fn a_colleague_can_take_over_and_close() {
        let item = fold(
            [decision(1, Kind::Claim, "anna"), decision(2, Kind::Claim, "bo"), decision(3, Kind::Close, "bo")],
            true,
        );
        assert_eq!((item.status, item.owner.as_deref()), (Status::Closed, Some("bo")));
        assert_eq!(item.closed_at, DateTime::from_timestamp(180, 0));
    }

    #[test]
    fn a_reopened_item_belongs_to_nobody() {
        let item = fold(
            [decision(1, Kind::Claim, "anna"), decision(2, Kind::Close, "anna"), decision(3, Kind::Reopen, "bo")],
            true,
        );
        assert_eq!((item.status, item.owner, item.closed_at), (Status::Open, None, None));
    }

    #[test]
    fn decisions_that_do_not_fit_change_nothing_and_are_kept() {
        let item = fold(
            [
                decision(1, Kind::Reopen, "anna"),
                decision(2, Kind::Close, "anna"),
                decision(3, Kind::Close, "bo"),
                decision(4, Kind::Claim, "bo"),
                decision(5, Kind::Note, "bo"),
            ],
            true,
        );
        assert_eq!((item.status, item.owner), (Status::Closed, None));
        assert_eq!(item.closed_at, DateTime::from_timestamp(120, 0));
        let effective: Vec<bool> = item.history.iter().map(|entry| entry.effective).collect();
        assert_eq!(effective, [false, true, false, false, true]);
    }

    #[test]
    fn an_exception_that_is_gone_is_settled_whatever_was_decided() {
        assert_eq!(fold([decision(1, Kind::Close, "anna")], false).status, Status::Settled);
        assert_eq!(fold([], false).status, Status::Settled);
    }

    #[test]
    fn the_words_of_the_contract_are_read() {
        let words = ["claim", "note", "close", "reopen"].map(Kind::parse);
        assert_eq!(words, [Some(Kind::Claim), Some(Kind::Note), Some(Kind::Close), Some(Kind::Reopen)]);
        assert_eq!(Kind::parse("Claim"), None);
    }

    fn any_decisions() -> impl Strategy<Value = Vec<Decision>> {
        let kinds = prop::sample::select(vec![Kind::Claim, Kind::Note, Kind::Close, Kind::Reopen]);
        let step = (0_i64..6, kinds, prop::sample::select(vec!["anna", "bo", "cia"]));
        prop::collection::vec(step, 0..8).prop_map(|steps| {
            let numbered = steps.into_iter().enumerate();
            numbered
                .map(|(n, (at, kind, by))| Decision { decision_id: format!("d{n}"), ..decision(at, kind, by) })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn neither_order_nor_repetition_matters(
            (decisions, shuffled) in any_decisions().prop_flat_map(|made| {
                let twice = made.iter().chain(&made).cloned().collect::<Vec<_>>();
                (Just(made), Just(twice).prop_shuffle())
            })
        ) {
            prop_assert_eq!(fold(decisions, true), fold(shuffled, true));
        }
    }
}
