//! Landing places: where files appear.

use chrono::{DateTime, SubsecRound as _, Utc};
use glob::{MatchOptions, Pattern};
use tempfile::NamedTempFile;
use url::Url;

use crate::store::{Object, Store};
use crate::{Error, FileId, Result};

/// Which files are read as which format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Pattern for the name within the place: `*` stands for any characters but `/`, `**` for any folders, `?`
    /// for one character. Letters match in both cases.
    pub pattern: String,
    /// One of [`formats::formats`]: `bgmax`, `camt`, `sie`, ..., or the name of a register mapping.
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
    rules: Vec<(Pattern, String)>,
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
        let wrong = |what: String| Error::Configuration(format!("landing place {name}: {what}"));
        let known = formats::formats();
        let compile = |rule: Rule| {
            if !known.contains(&rule.format.as_str()) {
                return Err(wrong(format!("there is no format {}; there are: {}", rule.format, known.join(", "))));
            }
            let pattern = Pattern::new(&rule.pattern).map_err(|error| wrong(format!("{}: {error}", rule.pattern)))?;
            Ok((pattern, rule.format))
        };
        let rules = rules.into_iter().map(compile).collect::<Result<_>>()?;
        Ok(Self { name: name.to_owned(), store, rules })
    }

    /// The files that are complete, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn scan(&self) -> Result<Vec<Found>> {
        let complete = self.store.list().await?.into_iter().filter(|object| is_complete(&object.name));
        Ok(complete.map(|object| self.found(object)).collect())
    }

    fn found(&self, object: Object) -> Found {
        let options =
            MatchOptions { case_sensitive: false, require_literal_separator: true, require_literal_leading_dot: false };
        let rule = self.rules.iter().find(|(pattern, _)| pattern.matches_with(&object.name, options));
        Found {
            format: rule.map(|(_, format)| format.clone()),
            name: object.name,
            size: object.size,
            received_at: object.written_at.trunc_subsecs(3),
            mark: object.mark,
        }
    }

    /// Copies a file to the local disk and says which bytes it holds and how many.
    pub(crate) async fn download(&self, name: &str, to: &NamedTempFile) -> Result<(FileId, u64)> {
        self.store.download(name, to).await
    }
}

fn is_complete(name: &str) -> bool {
    let hidden = name.split('/').any(|part| part.starts_with('.'));
    let lower = name.to_ascii_lowercase();
    !hidden && !lower.ends_with(".tmp") && !lower.ends_with(".part")
}

#[cfg(test)]
mod tests;
