//! Generations: consistent cuts of all tables, published one after the other.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;

/// Version of the persisted form. A reader refuses a newer one, and reads every older one; it rises whenever a field
/// is added, because an older reader would refuse the field without saying why. Format 2 added the library, the
/// parts of fingerprints, and rollbacks.
pub const FORMAT: u32 = 2;

/// A published generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// Version of this form.
    pub format: u32,
    /// 1, 2, …
    pub number: u64,
    /// Who wrote it: a random identity, so that a lost answer can be told from a lost race.
    pub writer: String,
    /// When it was published: never earlier than the generation before it, even where the clock was set back.
    pub published_at: DateTime<Utc>,
    /// The business date that the jobs were computed for.
    pub as_of: NaiveDate,
    /// The landing tables by contract.
    pub landing: BTreeMap<String, LandingCut>,
    /// The job tables by job.
    pub tables: BTreeMap<String, TableCut>,
    /// The audit.
    pub audit: Audit,
    /// Digest of the library that the jobs stand in, as it is kept in the lake; nothing before format 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<String>,
    /// Set when it shows an earlier generation again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<RolledBack>,
}

/// Why a generation shows an earlier one again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolledBack {
    /// The generation that was in service.
    pub from: u64,
    /// The generation that is shown again.
    pub to: u64,
    /// Why, in the words of the person who did it.
    pub reason: String,
}

/// Which state of a landing table a generation shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LandingCut {
    /// Version of the Delta table.
    pub version: u64,
    /// Position landed by partition.
    pub positions: BTreeMap<i32, i64>,
}

/// Which state of a job's table a generation shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableCut {
    /// Version of the Delta table.
    pub version: u64,
    /// Rows in it.
    pub rows: u64,
    /// SHA-256 of the rows in key order: the same content has the same digest, whatever files hold it.
    pub digest: String,
    /// Digest of what the job means.
    pub fingerprint: String,
    /// What the job depends on, part by part; nothing before format 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Fingerprint>,
}

/// What the audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Number of violations by invariant.
    pub invariants: BTreeMap<String, u64>,
    /// Digest of what each invariant says: one that says the same as before needs to be checked only where
    /// something has changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meanings: BTreeMap<String, String>,
}

impl Audit {
    /// The invariants that do not hold.
    pub fn broken(&self) -> impl Iterator<Item = (&str, u64)> {
        self.invariants
            .iter()
            .filter(|(_, violations)| **violations > 0)
            .map(|(name, violations)| (name.as_str(), *violations))
    }

    /// The leave to publish, given only when every invariant holds.
    ///
    /// # Errors
    /// The names of those that do not.
    pub fn permit(self) -> Result<Permit, Vec<String>> {
        let broken: Vec<String> = self.broken().map(|(name, _)| name.to_owned()).collect();
        if broken.is_empty() { Ok(Permit(self)) } else { Err(broken) }
    }
}

/// Proof that the audit held; only [`Audit::permit`] makes one.
#[derive(Debug)]
pub struct Permit(Audit);

/// The tables of a run that wants to become a generation.
#[derive(Debug, Clone, Default)]
pub struct Candidate {
    /// The landing tables by contract.
    pub landing: BTreeMap<String, LandingCut>,
    /// The job tables by job.
    pub tables: BTreeMap<String, TableCut>,
    /// Digest of the library that the jobs stand in.
    pub library: Option<String>,
}

/// Why a candidate may not follow the last generation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Some table would go back in time for readers.
    #[error("{table} would go back from version {last} to {offered}: another run has published in between; run again")]
    Backwards {
        /// The table.
        table: String,
        /// Its version in the last generation.
        last: u64,
        /// Its version in the candidate.
        offered: u64,
    },
    /// The last generation was written by a newer program.
    #[error("the last generation has format {0}, this program reads {FORMAT}; upgrade it")]
    NewerFormat(u32),
    /// A rollback that leads nowhere.
    #[error("generation {to} cannot be shown again: generation {last} is in service; name an earlier one")]
    NotEarlier {
        /// The generation that was asked for.
        to: u64,
        /// The generation in service.
        last: u64,
    },
}

impl Candidate {
    /// True when publishing it would tell readers nothing new.
    #[must_use]
    pub fn shows_the_same(&self, last: &Generation, as_of: NaiveDate) -> bool {
        let Self { landing, tables, library } = self;
        (landing, tables, library, as_of) == (&last.landing, &last.tables, &last.library, last.as_of)
    }

    /// The generation that follows `last`.
    ///
    /// # Errors
    /// When a table would go back in time, or the last generation is of a newer format.
    pub fn publish(
        self,
        last: Option<&Generation>,
        as_of: NaiveDate,
        published_at: DateTime<Utc>,
        writer: String,
        permit: Permit,
    ) -> Result<Generation, Refusal> {
        if let Some(last) = last {
            if last.format > FORMAT {
                return Err(Refusal::NewerFormat(last.format));
            }
            let landing = self
                .landing
                .iter()
                .map(|(name, cut)| (name, cut.version, last.landing.get(name).map(|cut| cut.version)));
            let tables =
                self.tables.iter().map(|(name, cut)| (name, cut.version, last.tables.get(name).map(|cut| cut.version)));
            for (table, offered, before) in landing.chain(tables) {
                if let Some(before) = before.filter(|before| *before > offered) {
                    return Err(Refusal::Backwards { table: table.clone(), last: before, offered });
                }
            }
        }
        let number = last.map_or(1, |last| last.number + 1);
        let published_at = last.map_or(published_at, |last| published_at.max(last.published_at));
        let Self { landing, tables, library } = self;
        Ok(Generation {
            format: FORMAT,
            number,
            writer,
            published_at,
            as_of,
            landing,
            tables,
            audit: permit.0,
            library,
            rolled_back: None,
        })
    }
}

impl Generation {
    /// The generation that follows `last` and shows `self`, an earlier one, again: its rows, its cut of what has
    /// landed, its library and its audit. `tables` are the versions that hold its rows now.
    ///
    /// The cut of what has landed goes back with the rows, because it says which records they cover; the log itself
    /// is where it was, and the next run goes on from this cut.
    ///
    /// # Errors
    /// When it is no earlier generation, or the last one is of a newer format.
    pub fn show_again(
        &self,
        last: &Self,
        tables: BTreeMap<String, TableCut>,
        published_at: DateTime<Utc>,
        writer: String,
        reason: String,
    ) -> Result<Self, Refusal> {
        if last.format > FORMAT {
            return Err(Refusal::NewerFormat(last.format));
        }
        if self.number >= last.number {
            return Err(Refusal::NotEarlier { to: self.number, last: last.number });
        }
        let rolled_back = Some(RolledBack { from: last.number, to: self.number, reason });
        let number = last.number + 1;
        let published_at = published_at.max(last.published_at);
        Ok(Self { format: FORMAT, number, writer, published_at, tables, rolled_back, ..self.clone() })
    }
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use super::*;

    fn audit(violations: u64) -> Audit {
        Audit { invariants: BTreeMap::from([("INV-A".to_owned(), violations)]), meanings: BTreeMap::new() }
    }

    fn candidate(version: u64) -> Candidate {
        let cut = TableCut { version, rows: 1, digest: "d".into(), fingerprint: "f".into(), parts: None };
        Candidate { tables: BTreeMap::from([("t".to_owned(), cut)]), ..Candidate::default() }
    }

    fn publish(version: u64, last: Option<&Generation>) -> Result<Generation, Refusal> {
        let day = NaiveDate::from_ymd_opt(2026, 3, 31).unwrap();
        candidate(version).publish(last, day, DateTime::UNIX_EPOCH, "w".into(), audit(0).permit().unwrap())
    }

    #[test]
    fn a_broken_invariant_gives_no_permit() {
        assert_eq!(audit(2).permit().unwrap_err(), ["INV-A"]);
    }

    #[test]
    fn a_run_that_changed_nothing_has_nothing_to_publish() {
        let first = publish(3, None).unwrap();
        assert!(candidate(3).shows_the_same(&first, first.as_of));
        assert!(!candidate(4).shows_the_same(&first, first.as_of));
        assert!(!candidate(3).shows_the_same(&first, first.as_of.succ_opt().unwrap()));
    }

    #[test]
    fn a_clock_that_was_set_back_puts_no_generation_before_the_one_before_it() {
        let first = publish(3, None).unwrap();
        let later = DateTime::from_timestamp(100, 0).unwrap();
        let first = Generation { published_at: later, ..first };
        assert_eq!(publish(4, Some(&first)).unwrap().published_at, later);
        let third = Generation { number: 2, ..first.clone() };
        let again = first.show_again(&third, BTreeMap::new(), DateTime::UNIX_EPOCH, "w".into(), "r".into());
        assert_eq!(again.unwrap().published_at, later);
    }

    #[test]
    fn generations_are_numbered_from_one_without_holes() {
        let first = publish(3, None).unwrap();
        let second = publish(3, Some(&first)).unwrap();
        assert_eq!((first.number, second.number), (1, 2));
    }

    #[test]
    fn a_slow_run_cannot_take_readers_back_in_time() {
        let first = publish(3, None).unwrap();
        let refusal = publish(2, Some(&first)).unwrap_err();
        assert_eq!(refusal, Refusal::Backwards { table: "t".into(), last: 3, offered: 2 });
    }

    #[test]
    fn a_generation_of_a_newer_program_is_not_followed() {
        let mut first = publish(1, None).unwrap();
        first.format = FORMAT + 1;
        assert_eq!(publish(1, Some(&first)).unwrap_err(), Refusal::NewerFormat(FORMAT + 1));
    }

    #[test]
    fn a_rollback_shows_an_earlier_generation_under_a_new_number() {
        let first = publish(3, None).unwrap();
        let second = publish(4, Some(&first)).unwrap();
        let again = |to: &Generation, last| {
            to.show_again(last, candidate(5).tables, DateTime::UNIX_EPOCH, "w".into(), "wrong tariff".into())
        };
        let third = again(&first, &second).unwrap();
        assert_eq!((third.number, third.tables["t"].version), (3, 5));
        assert_eq!(third.rolled_back, Some(RolledBack { from: 2, to: 1, reason: "wrong tariff".into() }));
        assert_eq!(again(&second, &second).unwrap_err(), Refusal::NotEarlier { to: 2, last: 2 });
        let fourth = publish(6, Some(&third)).unwrap();
        assert_eq!((fourth.number, fourth.rolled_back), (4, None), "the next run goes forward");
    }

    #[test]
    fn the_persisted_form_is_kept() {
        let written = include_str!("../golden/generation-2.json");
        let read: Generation = serde_json::from_str(written).unwrap();
        assert_eq!(serde_json::to_string_pretty(&read).unwrap(), written.trim_end());
    }

    #[test]
    fn the_persisted_form_before_is_still_read() {
        let written = include_str!("../golden/generation-1.json");
        let read: Generation = serde_json::from_str(written).unwrap();
        assert_eq!((read.number, read.library), (7, None));
    }
}
