//! What a job's rows depend on, part by part.
//!
//! Two questions are asked of it. *Must the job's table be computed again?* is asked by a run, which knows what has
//! changed in the tables that the job reads: [`Library::fingerprint`] covers the job itself, as of a date. *What has
//! changed since the published generation?* is asked by a plan: [`Library::parts`] covers everything, jobs that are
//! read included, by name and independent of the date.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use chrono::NaiveDate;
use commit::fingerprint::Fingerprint;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::files::contracts;
use crate::functions::VERSIONS;
use crate::statement::SelectStatement;
use crate::{Header, Invariant, Job, Kind, Library, named, normal, rows};

/// Parameter tables that the engine reads for a job, beside those in its statement.
const CALENDAR: &str = "ref_calendar";
const CLOSINGS: &str = "ref_period_calendar";
const SERVICE_LEVELS: &str = "ref_service_level";
/// The column by which a row has a service level of its own.
const SERVICE_LEVEL: &str = "service_level";
/// What the engine adds to exception jobs, and how it shows contracts; they have versions as functions have.
const OF_EXCEPTIONS: [&str; 2] = ["due_at", "exception_id"];
const OF_CONTRACTS: &str = "contract_view";

/// The parts of everything in a library that is computed, by name.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    jobs: BTreeMap<String, Fingerprint>,
    invariants: BTreeMap<String, Fingerprint>,
}

impl Library {
    /// A digest of all that decides what a job's table holds, beside the rows of the other tables it reads: the
    /// job, the parameters it reads, and the business date where it asks for it.
    #[must_use]
    pub fn fingerprint(&self, job: &Job, as_of: NaiveDate) -> String {
        let mut text = own(self.parts().get(&job.name), as_of);
        if let Some(exception) = &job.header.exception {
            let levels = self.service_levels(as_of);
            let rows_have_their_own = job.header.columns.contains_key(SERVICE_LEVEL);
            let own = levels.iter().filter(|(id, _)| rows_have_their_own || **id == exception.service_level);
            text.push_str(&format!("{:?}", own.collect::<BTreeMap<_, _>>()));
        }
        text_digest(&text)
    }

    /// The same of an invariant: what decides which rows it gives.
    #[must_use]
    pub fn fingerprint_of_invariant(&self, invariant: &Invariant, as_of: NaiveDate) -> String {
        text_digest(&own(self.all_parts().invariants.get(&invariant.name), as_of))
    }

    /// What each job depends on, by name.
    #[must_use]
    pub fn parts(&self) -> &BTreeMap<String, Fingerprint> {
        &self.all_parts().jobs
    }

    fn all_parts(&self) -> &Parts {
        self.parts.get_or_init(|| {
            let parameters = Parameters {
                rows: &self.parameters,
                digests: self.parameters.iter().map(|(name, rows)| (name.as_str(), digest_of_rows(rows))).collect(),
            };
            let mut jobs: BTreeMap<String, Fingerprint> = BTreeMap::new();
            // Jobs stand after those that they read.
            for job in &self.jobs {
                let mut parts = parts_of(&job.sql, &job.reads, &job.header, &parameters);
                let read = job.reads.iter().filter_map(|read| {
                    let mut parts = jobs.get(read)?.clone();
                    parts.texts.clear();
                    Some((read.clone(), digest(&parts)))
                });
                parts.jobs = read.collect();
                jobs.insert(job.name.clone(), parts);
            }
            let invariants = self.invariants.iter().map(|invariant| {
                let Invariant { name, sql, reads, header, .. } = invariant;
                (name.clone(), parts_of(sql, reads, header, &parameters))
            });
            Parts { invariants: invariants.collect(), jobs }
        })
    }
}

/// Parameter tables with the digests of all their rows.
struct Parameters<'a> {
    rows: &'a BTreeMap<String, RecordBatch>,
    digests: BTreeMap<&'a str, String>,
}

impl Parameters<'_> {
    /// The digest of what a statement with a header sees of a table.
    fn seen(&self, table: &str, sql: &str, reads: &BTreeSet<String>, header: &Header) -> Option<String> {
        let some = match (table, &header.exception) {
            (named::TABLE, _) => {
                let names = SelectStatement::parse(sql).ok().as_ref().and_then(named::named);
                names.map(|names| (named::NAME, names))
            }
            (SERVICE_LEVELS, Some(exception)) => {
                let all = reads.contains(table) || header.columns.contains_key(SERVICE_LEVEL);
                (!all).then(|| ("id", BTreeSet::from([exception.service_level.clone()])))
            }
            _ => None,
        };
        let some = some.and_then(|(column, values)| {
            let values: ArrayRef = Arc::new(StringArray::from_iter_values(values));
            rows::among(self.rows.get(table)?, column, &values).ok()
        });
        some.map(|rows| digest_of_rows(&rows)).or_else(|| self.digests.get(table).cloned())
    }
}

/// What a statement with a header depends on, the jobs that it reads aside.
fn parts_of(sql: &str, reads: &BTreeSet<String>, header: &Header, known: &Parameters<'_>) -> Fingerprint {
    let calls = normal::functions(sql);
    let is_exception = header.kind == Kind::Exception;
    let by_calendar = is_exception || calls.iter().any(|name| name.contains("workday") || name == "service_day");
    let read_by_engine =
        |name: &str| (name == CALENDAR && by_calendar) || (is_exception && [SERVICE_LEVELS, CLOSINGS].contains(&name));
    let read = known.rows.keys().filter(|name| reads.contains(*name) || read_by_engine(name));
    let parameters = read.filter_map(|name| Some((name.clone(), known.seen(name, sql, reads, header)?)));
    let contracts: BTreeMap<String, String> = contracts()
        .into_iter()
        .filter(|(name, _)| reads.contains(name))
        .map(|(name, fields)| (name, text_digest(&format!("{fields:?}"))))
        .collect();
    let functions = VERSIONS.iter().filter(|(name, _)| {
        calls.contains(*name)
            || (is_exception && OF_EXCEPTIONS.contains(name))
            || (*name == OF_CONTRACTS && !contracts.is_empty())
    });
    Fingerprint {
        sql: text_digest(&normal::statement(sql)),
        header: text_digest(&format!("{:?}", self::header(header))),
        texts: text_digest(&format!("{:?}", texts(header))),
        parameters: parameters.collect(),
        functions: functions.map(|(name, version)| ((*name).to_owned(), *version)).collect(),
        contracts,
        jobs: BTreeMap::new(),
    }
}

/// The parts that are a statement's own, and the date where it asks for it.
fn own(parts: Option<&Fingerprint>, as_of: NaiveDate) -> String {
    let mut parts = parts.cloned().unwrap_or_default();
    parts.texts.clear();
    parts.jobs.clear();
    let date = if parts.functions.contains_key("as_of") { as_of.to_string() } else { String::new() };
    digest(&parts) + &date
}

/// What a header says about the table.
#[must_use]
pub fn header(header: &Header) -> Vec<(&'static str, String)> {
    let mut parts = vec![
        ("kind", format!("{:?}", header.kind).to_lowercase()),
        ("key", header.key.join(", ")),
        ("amount", header.amount.clone().unwrap_or_default()),
    ];
    if let Some(exception) = &header.exception {
        parts.push(("exception.queue", exception.queue.clone()));
        parts.push(("exception.service_level", exception.service_level.clone()));
    }
    parts
}

/// What a header says to people.
#[must_use]
pub fn texts(header: &Header) -> Vec<(String, String)> {
    let mut texts = vec![
        ("title".to_owned(), header.title.clone()),
        ("description".to_owned(), header.description.clone()),
        ("catalogue".to_owned(), header.catalogue.join(", ")),
    ];
    if let Some(exception) = &header.exception {
        texts.push(("exception.queue_title".to_owned(), exception.queue_title.clone()));
        texts.push(("exception.why".to_owned(), exception.why.clone()));
        texts.push(("exception.action".to_owned(), exception.action.clone()));
    }
    texts.extend(header.columns.iter().map(|(name, text)| (format!("columns.{name}"), text.clone())));
    texts
}

/// SHA-256 of a text, in hexadecimal.
pub(crate) fn text_digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(parts: &Fingerprint) -> String {
    text_digest(&serde_json::to_string(parts).unwrap_or_default())
}

/// Digest of the columns and rows of a table; the order of its rows means nothing.
pub(crate) fn digest_of_rows(batch: &RecordBatch) -> String {
    let schema = batch.schema();
    let columns = schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type()));
    let mut rows: Vec<String> =
        (0..batch.num_rows()).map(|row| Value::Object(schemas::json::row(batch, row)).to_string()).collect();
    rows.sort_unstable();
    text_digest(&columns.chain(rows).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests;
