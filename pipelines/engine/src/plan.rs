//! What a library would change: what differs from the one that the published generation was computed with, what
//! would be computed again for it, and what has landed since.
//!
//! A plan is made from fingerprints and texts alone; no job is run for it. Which rows a change alters is
//! [`crate::diff`]'s question.

mod parameters;
mod text;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use commit::fingerprint::{Fingerprint, Part};
use commit::generation::{Generation, LandingCut};
use lake::Lake;
use serde::Serialize;

use crate::changes::Landing;
use crate::files::{self, Archived};
use crate::partition::Partition;
use crate::{EngineError, Job, Library, Planner, fingerprint, normal, refresh};

pub use parameters::{ParameterChange, Period, RowChange};

/// What a library would change.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The generation in service; nothing before the first.
    pub generation: Option<u64>,
    /// Jobs that differ, and those that read them, in running order; removed ones last.
    pub jobs: Vec<JobChange>,
    /// Parameter tables that differ.
    pub parameters: Vec<ParameterChange>,
    /// Contracts that differ.
    pub contracts: Vec<ContractChange>,
    /// Functions, and what the engine adds, of other versions.
    pub functions: Vec<FunctionChange>,
    /// Invariants that differ.
    pub invariants: Vec<InvariantChange>,
    /// Jobs that are as they were.
    pub unchanged: usize,
    /// Messages that have landed since, by contract.
    pub landed: BTreeMap<String, i64>,
    /// Set when files differ in ways that mean nothing to any job or person: white space, comments, order of rows.
    pub layout_only: bool,
}

/// A job that differs.
#[derive(Debug, Clone, Serialize)]
pub struct JobChange {
    /// The job.
    pub name: String,
    /// How it differs.
    pub change: Change,
    /// In which parts.
    pub parts: Vec<Part>,
    /// Its statement in normal form, as a unified diff.
    pub sql: Option<String>,
    /// What the header says of the table.
    pub header: Vec<Said>,
    /// What the header says to people.
    pub texts: Vec<Said>,
    /// What will be computed; nothing when only texts differ, or the job is gone.
    pub recompute: Option<Recompute>,
}

/// How a job differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there.
    New,
    /// It is not there any more; its table stays as it is, and no generation shows it.
    Removed,
    /// It means something else.
    Changed,
    /// It reads a job that means something else, and itself means the same.
    Follows,
    /// Only its texts differ.
    Texts,
}

/// Something that was said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// What.
    pub name: String,
    /// Before.
    pub was: Option<String>,
    /// Now.
    pub now: Option<String>,
}

/// What will be computed of a job.
#[derive(Debug, Clone, Serialize)]
pub struct Recompute {
    /// Every row; otherwise only where rows that it reads come out otherwise.
    pub all: bool,
    /// The days that the changed parameters hold, when nothing but parameters makes it be computed again.
    pub period: Option<Period>,
    /// Rows in its table now.
    pub rows: Option<u64>,
    /// How later runs keep it up to date.
    pub refresh: Refresh,
}

/// How a job follows what lands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refresh {
    /// By the values of these columns of its key that a change reaches.
    ByKey(Vec<String>),
    /// In full, for this reason.
    InFull(String),
}

/// A contract that differs.
#[derive(Debug, Clone, Serialize)]
pub struct ContractChange {
    /// The contract.
    pub name: String,
    /// Its fields with their types.
    pub fields: Vec<Said>,
}

/// A function of another version.
#[derive(Debug, Clone, Serialize)]
pub struct FunctionChange {
    /// The function.
    pub name: String,
    /// Before.
    pub was: u32,
    /// Now.
    pub now: u32,
}

/// An invariant that differs.
#[derive(Debug, Clone, Serialize)]
pub struct InvariantChange {
    /// The invariant.
    pub name: String,
    /// How it differs.
    pub change: Change,
    /// Its statement in normal form, as a unified diff.
    pub sql: Option<String>,
}

impl Plan {
    /// Compares `library` with the one in service, and what has landed with what the generation shows.
    ///
    /// # Errors
    /// When a job does not pass its checks, or the lake cannot be read.
    pub async fn make(lake: &Lake, library: &Library, as_of: NaiveDate) -> Result<Self, EngineError> {
        let generation = lake.latest_generation().await?;
        let archived = match generation.as_ref().and_then(|generation| generation.library.as_ref()) {
            Some(digest) => Some(Archived::open(lake, digest).await?),
            None => None,
        };
        let landing = Landing::now(lake).await?.cuts;
        let refreshes = refreshes(library, as_of)?;
        Ok(Self::of(generation.as_ref(), archived.as_ref(), library, &landing, &refreshes))
    }

    /// True when there is nothing to deploy. What has landed is a run's work.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.parameters.is_empty() && self.contracts.is_empty() && self.invariants.is_empty()
    }

    pub(crate) fn of(
        generation: Option<&Generation>,
        archived: Option<&Archived>,
        library: &Library,
        landing: &BTreeMap<String, LandingCut>,
        refreshes: &BTreeMap<String, Refresh>,
    ) -> Self {
        let old = archived.map(|archived| &archived.library);
        let parameters = parameters::changes(old, library);
        let contracts = match archived {
            Some(archived) => contract_changes(&archived.contracts, &files::contracts()),
            None => Vec::new(),
        };
        let mut plan = Self {
            generation: generation.map(|generation| generation.number),
            jobs: Vec::new(),
            functions: function_changes(generation),
            invariants: invariant_changes(old, library),
            unchanged: 0,
            landed: landed(generation, landing),
            layout_only: old.is_some_and(|old| old.files != library.files),
            parameters,
            contracts,
        };
        for job in &library.jobs {
            let cut = generation.and_then(|generation| generation.tables.get(&job.name));
            // The parts of a library that is kept are those of this program: a form of them that has changed with
            // the program is no change of the job. What the program itself has changed is told by the generation.
            let before = cut.map(|cut| {
                let mut parts = cut.parts.clone().unwrap_or_default();
                if let Some(kept) = old.and_then(|old| old.parts().get(&job.name)) {
                    let Fingerprint { sql, header, texts, parameters, jobs, .. } = kept.clone();
                    parts = Fingerprint { sql, header, texts, parameters, jobs, ..parts };
                }
                parts
            });
            let rows = cut.map(|cut| cut.rows);
            let refresh = refreshes.get(&job.name).cloned();
            match plan.job(job, old, before.as_ref(), library, rows, refresh) {
                Some(change) => plan.jobs.push(change),
                None => plan.unchanged += 1,
            }
        }
        let gone = generation.iter().flat_map(|generation| generation.tables.keys());
        plan.jobs.extend(gone.filter(|name| library.job(name).is_none()).map(|name| JobChange::removed(name)));
        plan.layout_only &= plan.is_empty();
        plan
    }

    fn job(
        &self,
        job: &Job,
        old: Option<&Library>,
        before: Option<&Fingerprint>,
        library: &Library,
        rows: Option<u64>,
        refresh: Option<Refresh>,
    ) -> Option<JobChange> {
        let now = library.parts().get(&job.name)?;
        let parts = before.map(|before| now.changed_since(before)).unwrap_or_default();
        let own = parts.iter().any(|part| part.recomputes() && !matches!(part, Part::Job(_)));
        let change = match before {
            None => Change::New,
            Some(_) if parts.is_empty() => return None,
            Some(_) if own => Change::Changed,
            Some(_) if parts.iter().any(Part::recomputes) => Change::Follows,
            Some(_) => Change::Texts,
        };
        let was = old.and_then(|old| old.job(&job.name));
        let recompute = (change != Change::Texts).then(|| Recompute {
            all: change != Change::Follows,
            period: self.period(&parts),
            rows,
            refresh: refresh.unwrap_or_else(|| Refresh::InFull("it has not been planned".to_owned())),
        });
        let header_of = |job: &Job| fingerprint::header(&job.header).into_iter().map(|(name, v)| (name.to_owned(), v));
        let (sql, header, texts) = match was {
            Some(was) => (
                unified(&was.sql, &job.sql),
                said(header_of(was).collect(), header_of(job).collect()),
                said(fingerprint::texts(&was.header), fingerprint::texts(&job.header)),
            ),
            None => (None, Vec::new(), Vec::new()),
        };
        Some(JobChange { name: job.name.clone(), change, parts, sql, header, texts, recompute })
    }

    /// The days that changed parameters hold, when nothing else makes a job be computed again.
    fn period(&self, parts: &[Part]) -> Option<Period> {
        let mut whole: Option<Period> = None;
        for part in parts.iter().filter(|part| part.recomputes()) {
            let Part::Parameters(name) = part else { return None };
            let period = self.parameters.iter().find(|change| change.table == *name)?.period?;
            whole = Some(whole.map_or(period, |whole| whole.and(period)));
        }
        whole
    }
}

impl JobChange {
    fn removed(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            change: Change::Removed,
            parts: Vec::new(),
            sql: None,
            header: Vec::new(),
            texts: Vec::new(),
            recompute: None,
        }
    }
}

/// How each job would be kept up to date; also the static check of the library.
fn refreshes(library: &Library, as_of: NaiveDate) -> Result<BTreeMap<String, Refresh>, EngineError> {
    let planner = Planner::new(library, as_of);
    let state = planner.small_session()?.state();
    let mut refreshes = BTreeMap::new();
    for (job, planned) in planner.check_plans()? {
        let plan = state.optimize(&planned.plan).map_err(EngineError::query(&*job.name))?;
        let refresh = match Partition::of(&plan, &job.header.key) {
            Ok(partitions) => Refresh::ByKey(partitions.into_iter().map(|partition| partition.column).collect()),
            Err(blocked) => Refresh::InFull(refresh::none(&blocked).to_string()),
        };
        refreshes.insert(job.name.clone(), refresh);
    }
    Ok(refreshes)
}

/// The normal forms of two statements as a unified diff; nothing when they are the same.
fn unified(was: &str, now: &str) -> Option<String> {
    let (was, now) = (normal::statement(was) + "\n", normal::statement(now) + "\n");
    (was != now).then(|| {
        let diff = similar::TextDiff::from_lines(&was, &now);
        diff.unified_diff().context_radius(2).header("published", "sql").to_string()
    })
}

pub(crate) fn said(was: Vec<(String, String)>, now: Vec<(String, String)>) -> Vec<Said> {
    let was: BTreeMap<String, String> = was.into_iter().collect();
    let now: BTreeMap<String, String> = now.into_iter().collect();
    let names: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    let differ = names.into_iter().filter(|name| was.get(*name) != now.get(*name));
    differ.map(|name| Said { name: name.clone(), was: was.get(name).cloned(), now: now.get(name).cloned() }).collect()
}

fn contract_changes(
    was: &BTreeMap<String, files::Fields>,
    now: &BTreeMap<String, files::Fields>,
) -> Vec<ContractChange> {
    let names: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    let fields = |of: &BTreeMap<String, files::Fields>, name: &String| of.get(name).cloned().unwrap_or_default();
    let changes = names
        .into_iter()
        .map(|name| ContractChange { fields: said(fields(was, name), fields(now, name)), name: name.clone() });
    changes.filter(|change| !change.fields.is_empty()).collect()
}

fn function_changes(generation: Option<&Generation>) -> Vec<FunctionChange> {
    let parts = generation.into_iter().flat_map(|generation| generation.tables.values());
    let before: BTreeMap<&String, u32> = parts
        .filter_map(|cut| cut.parts.as_ref())
        .flat_map(|parts| &parts.functions)
        .map(|(name, version)| (name, *version))
        .collect();
    let now: BTreeMap<&str, u32> = crate::functions::VERSIONS.iter().copied().collect();
    let change = |(name, was): (&String, u32)| {
        let now = now.get(name.as_str()).copied().unwrap_or_default();
        (now != was).then(|| FunctionChange { name: name.clone(), was, now })
    };
    before.into_iter().filter_map(change).collect()
}

fn invariant_changes(old: Option<&Library>, library: &Library) -> Vec<InvariantChange> {
    let Some(old) = old else { return Vec::new() };
    let by_name = |library: &Library| -> BTreeMap<String, (String, Vec<String>)> {
        let invariants = library.invariants.iter();
        invariants.map(|rule| (rule.name.clone(), (rule.sql.clone(), rule.header.key.clone()))).collect()
    };
    let (was, now) = (by_name(old), by_name(library));
    let names: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    let change = |name: &String| {
        let (change, sql) = match (was.get(name), now.get(name)) {
            (None, _) => (Change::New, None),
            (_, None) => (Change::Removed, None),
            (Some((was, old_key)), Some((now, key))) => {
                let sql = unified(was, now);
                if sql.is_none() && old_key == key {
                    return None;
                }
                (Change::Changed, sql)
            }
        };
        Some(InvariantChange { name: name.clone(), change, sql })
    };
    names.into_iter().filter_map(change).collect()
}

/// Messages in the log since a generation, by contract.
fn landed(generation: Option<&Generation>, landing: &BTreeMap<String, LandingCut>) -> BTreeMap<String, i64> {
    let position = |contract: &String, partition: &i32| {
        let cut = generation.and_then(|generation| generation.landing.get(contract));
        cut.and_then(|cut| cut.positions.get(partition)).copied().unwrap_or_default()
    };
    let new = landing.iter().map(|(contract, cut)| {
        let new: i64 = cut.positions.iter().map(|(partition, to)| to - position(contract, partition)).sum();
        (contract.clone(), new)
    });
    new.filter(|(_, new)| *new > 0).collect()
}
