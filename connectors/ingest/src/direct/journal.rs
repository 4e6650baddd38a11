use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::log::FILE;
use crate::parsed::{Origin, Parsed, Status};
use crate::store::Store;
use crate::{Error, Result};

/// Version of the entries' layout. Readers refuse what they do not know. Version 2 has a trace; entries without one are
/// written as version 1.
const VERSION: u32 = 2;

/// Positions of one topic that a delivery takes: `(from, to]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The topic's contract.
    pub contract: String,
    /// Position before the delivery.
    pub from: i64,
    /// Position after it.
    pub to: i64,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    version: u32,
    /// Its place in the journal, from 1.
    pub number: u64,
    /// Drawn at random by each process that writes to the journal.
    pub writer: String,
    /// The file.
    pub file: Origin,
    /// What it amounts to.
    pub status: Status,
    /// Positions it takes, by contract; the `file` topic always has one message.
    pub topics: Vec<Span>,
    /// The span that delivered it, for those who follow the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl Entry {
    /// The delivery of a file after topics that end at `end`.
    pub(super) fn new(number: u64, writer: &str, file: &Parsed, end: impl Fn(&str) -> i64) -> Self {
        let span = |(contract, messages): (&str, i64)| {
            let from = end(contract);
            Span { contract: contract.to_owned(), from, to: from + messages }
        };
        let topics = messages(file).into_iter().map(span).collect();
        let trace = telemetry::trace::current().map(|trace| trace.to_string());
        Self {
            version: if trace.is_some() { VERSION } else { 1 },
            number,
            writer: writer.to_owned(),
            file: file.origin.clone(),
            status: file.status,
            topics,
            trace,
        }
    }

    /// Whether a file that was read again delivers what this entry says.
    pub(super) fn check(&self, file: &Parsed) -> Result<()> {
        let delivered: BTreeMap<&str, i64> =
            self.topics.iter().map(|span| (span.contract.as_str(), span.to - span.from)).collect();
        let now = messages(file);
        if file.status == self.status && now == delivered {
            return Ok(());
        }
        let reason = format!(
            "it was {:?} with the messages {delivered:?} and is now {:?} with {now:?}",
            self.status, file.status
        );
        Err(Error::Changed { file_id: self.file.file_id, reason })
    }
}

/// Messages that a file delivers to each topic.
fn messages(file: &Parsed) -> BTreeMap<&str, i64> {
    let count = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    let rows = file.deliveries.iter().map(|rows| (rows.contract.as_str(), count(rows.accepted + rows.rejected)));
    rows.chain([(FILE, 1)]).collect()
}

pub(super) fn name(number: u64) -> String {
    format!("{number:020}.json")
}

pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".json").filter(|digits| digits.len() == 20)?;
    digits.parse().ok()
}

/// Writes an entry; false when its number is taken.
pub(super) async fn append(journal: &Store, entry: &Entry) -> Result<bool> {
    let json = serde_json::to_vec_pretty(entry).map_err(|error| Error::Defect(format!("journal entry: {error}")))?;
    journal.put_new(&name(entry.number), Bytes::from(json)).await
}

pub(super) async fn read(journal: &Store, number: u64) -> Result<Entry> {
    let vanished = || Error::Damaged { path: name(number), reason: "it has vanished".to_owned() };
    find(journal, number).await?.ok_or_else(vanished)
}

/// An entry, if it has been written.
pub(super) async fn find(journal: &Store, number: u64) -> Result<Option<Entry>> {
    let name = name(number);
    let Some(bytes) = journal.get(&name).await? else { return Ok(None) };
    parse(&bytes, number).map(Some).map_err(|reason| Error::Damaged { path: name, reason })
}

pub(super) fn parse(bytes: &[u8], number: u64) -> Result<Entry, String> {
    #[derive(Deserialize)]
    struct Tag {
        version: u32,
    }
    let tag: Tag = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if !(1..=VERSION).contains(&tag.version) {
        return Err(format!("its layout has version {}, this program knows {VERSION}", tag.version));
    }
    let entry: Entry = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if entry.number != number {
        return Err(format!("it says it is entry {}", entry.number));
    }
    Ok(entry)
}
