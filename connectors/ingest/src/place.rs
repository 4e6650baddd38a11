//! Landing places: where files appear.

use chrono::{DateTime, Utc};
use url::Url;

use crate::Result;
use crate::store::Store;

/// Which files are read as which format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Pattern for the name within the place: `*` stands for any characters, `?` for one.
    pub pattern: String,
    /// `bgmax`, `ubl` or the name of a register mapping.
    pub format: String,
}

/// A folder of an object store where files appear.
///
/// A sender writes a file under a name that begins with `.` or ends with `.tmp` or `.part`, and renames it when
/// it is complete: names like those are passed over. A file that has been received may stay or be removed.
#[derive(Debug, Clone)]
pub struct LandingPlace {
    /// Name of the place, for people and for the `file` record.
    pub name: String,
    store: Store,
    rules: Vec<Rule>,
}

/// A file at a landing place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Name within the place.
    pub name: String,
    /// Format by the first rule that fits; none when no rule does.
    pub format: Option<String>,
    /// Bytes.
    pub size: u64,
    /// When it was last written, to the millisecond: the time it was received.
    pub received_at: DateTime<Utc>,
    /// Changes whenever the file does, where the store has such a mark.
    pub mark: Option<String>,
}

impl LandingPlace {
    /// A landing place; `options` as for [`Store::open`].
    ///
    /// # Errors
    /// When the address, a pattern or a format cannot be used.
    pub fn open(
        name: &str,
        url: &Url,
        options: impl IntoIterator<Item = (String, String)>,
        rules: Vec<Rule>,
    ) -> Result<Self> {
        Self::new(name, Store::open(url, options)?, rules)
    }

    /// A landing place in a folder that is open already.
    ///
    /// # Errors
    /// When a pattern or a format cannot be used.
    pub fn new(name: &str, store: Store, rules: Vec<Rule>) -> Result<Self> {
        Ok(Self { name: name.to_owned(), store, rules })
    }

    /// The files that are complete, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn scan(&self) -> Result<Vec<Found>> {
        let _ = (&self.store, &self.rules);
        todo!()
    }
}
