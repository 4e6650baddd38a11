//! Exceptions as work items on a page: due, amount, department, why.

use arrow::datatypes::Schema;
use chrono::{DateTime, Utc};
use schemas::calendar::Calendar;
use serde_json::{Map, Value};
use worklist::due::due_day;
use worklist::queue::{Group, Summary, summary};
use worklist::template::Template;
use worklist::{Due, swedish};

use crate::address::Address;
use crate::cells::{Cell, cell, currency};
use crate::cut::Cut;
use crate::failure::Failure;
use crate::rows::text;
use crate::source::{ExceptionInfo, JobInfo};

/// The jobs that feed one queue.
pub struct Queue<'a> {
    /// Slug.
    pub name: &'a str,
    /// Title in Swedish.
    pub title: &'a str,
    /// Its jobs.
    pub jobs: Vec<(&'a JobInfo, &'a ExceptionInfo)>,
}

/// All queues, in the order of their first jobs.
pub fn queues(jobs: &[JobInfo]) -> Vec<Queue<'_>> {
    let mut queues: Vec<Queue<'_>> = Vec::new();
    for job in jobs {
        let Some(exception) = &job.exception else { continue };
        match queues.iter_mut().find(|queue| queue.name == exception.queue) {
            Some(queue) => queue.jobs.push((job, exception)),
            None => queues.push(Queue {
                name: &exception.queue,
                title: &exception.queue_title,
                jobs: vec![(job, exception)],
            }),
        }
    }
    queues
}

impl Queue<'_> {
    /// What the queue holds now.
    ///
    /// # Errors
    /// When its tables cannot be read.
    pub async fn summary(&self, cut: &Cut, calendar: &Calendar) -> Result<Summary, Failure> {
        let mut groups: Vec<Group> = Vec::new();
        for (job, _) in &self.jobs {
            groups.extend(cut.app.source.groups(cut.number(), &job.name, &[]).await?);
        }
        Ok(summary(&groups, cut.now, calendar))
    }
}

/// A deadline on a page.
#[derive(Debug)]
pub struct Deadline {
    /// How it stands.
    pub due: Due,
    /// The last day in time.
    pub day: Option<String>,
}

impl Deadline {
    /// `due_at` as it stands at `now`.
    pub fn new(now: DateTime<Utc>, due_at: Option<DateTime<Utc>>, calendar: &Calendar) -> Self {
        Self { due: Due::at(now, due_at, calendar), day: due_at.map(|due_at| due_day(due_at).to_string()) }
    }
}

/// An exception in a list.
#[derive(Debug)]
pub struct Item {
    /// Its identity.
    pub id: String,
    /// Its page.
    pub href: Address,
    /// Its key in words.
    pub key: String,
    /// When it is due.
    pub deadline: Deadline,
    /// Its amount.
    pub amount: Option<Cell>,
    /// Whose it is; empty when unknown.
    pub department: String,
    /// Why it is there.
    pub why: String,
}

/// A row of an exception job as a work item.
///
/// # Errors
/// When the job's `why` is no template: it was to be refused when the job was loaded.
pub fn item(
    cut: &Cut,
    calendar: &Calendar,
    job: &JobInfo,
    exception: &ExceptionInfo,
    schema: &Schema,
    row: &Map<String, Value>,
) -> Result<Item, Failure> {
    let why = Template::parse(&exception.why).map_err(|error| {
        tracing::error!(job = job.name, %error, "the template of a job cannot be used");
        Failure::from(crate::source::SourceError::Failed(format!("template of {}", job.name)))
    })?;
    let value_of = |column: &str| {
        let field = schema.field_with_name(column).ok()?;
        Some(cell(field, row.get(column)?, currency(row)))
    };
    // Where a record stands in its file identifies it; what it is says more to people.
    let (place, own): (Vec<&String>, Vec<_>) =
        job.key.iter().partition(|column| schemas::ENVELOPE.contains(&column.as_str()));
    let shown = if own.is_empty() { place } else { own };
    let key = shown
        .into_iter()
        .filter_map(|column| value_of(column))
        .map(|cell| if cell.missing { swedish::MISSING.to_owned() } else { shortened(&cell.text) });
    let id = text(row, "exception_id");
    Ok(Item {
        href: cut.link(Address::to("/arenden", id).with("jobb", &job.name)),
        id: id.to_owned(),
        key: key.collect::<Vec<_>>().join(" · "),
        deadline: Deadline::new(cut.now, moment(row, "due_at"), calendar),
        amount: job.amount.as_deref().and_then(value_of),
        department: text(row, "department").to_owned(),
        why: why.render(schema, row),
    })
}

/// A key without the length of the hashes in it: eight digits of a file's identity are enough to tell files apart.
fn shortened(key: &str) -> String {
    let hash = |part: &str| part.len() >= 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts = key.split(':').map(|part| match part.get(..8).filter(|_| hash(part)) {
        Some(beginning) => format!("{beginning}…"),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(":")
}

/// A moment of a row.
pub fn moment(row: &Map<String, Value>, column: &str) -> Option<DateTime<Utc>> {
    text(row, column).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn hashes_in_keys_are_shortened_and_nothing_else_is() {
        let hash = "fdb83a18de6537cc2133596bffd7b88a9f20ab2b0756cdf87c421bd0b33f13b2";
        assert_eq!(shortened(&format!("{hash}:1")), "fdb83a18…:1");
        for key in ["bgmax:000000001569", "F-10184", "", "åäö:12345678901234567890"] {
            assert_eq!(shortened(key), key);
        }
    }
}
