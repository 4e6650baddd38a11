use bytes::Bytes;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Archive;
use crate::{Error, FileId, Result};

/// Version of the persisted form. Readers refuse what they do not know.
const VERSION: u32 = 1;

/// Why a file is not in the archive any more: it stays in the file's place, for whoever asks for its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    version: u32,
    /// The file.
    pub file_id: FileId,
    /// The day on which it was removed.
    pub removed_on: NaiveDate,
    /// The rule, and where it comes from; it says nothing of anybody.
    pub reason: String,
}

impl Removal {
    /// A file that goes for a reason.
    #[must_use]
    pub const fn new(file_id: FileId, removed_on: NaiveDate, reason: String) -> Self {
        Self { version: VERSION, file_id, removed_on, reason }
    }

    fn name(file_id: FileId) -> String {
        let hash = file_id.to_string();
        format!("removed/{}/{}.json", &hash[..2], &hash[2..])
    }
}

impl Archive {
    /// Removes a file. Why is written down first, so that whoever is killed half way leaves a file that can be removed
    /// again, and never one that is missing without a reason. The first reason stays.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove(&self, removal: &Removal) -> Result<()> {
        let json = serde_json::to_vec_pretty(removal).map_err(|error| Error::Defect(format!("a removal: {error}")))?;
        self.store.put_new(&Removal::name(removal.file_id), Bytes::from(json)).await?;
        faults::DISPOSE.before();
        self.store.delete(&Self::name(removal.file_id)).await?;
        faults::DISPOSE.after();
        Ok(())
    }

    /// Why a file was removed; none when it was not.
    ///
    /// # Errors
    /// When the store fails, or what is written there cannot be read.
    pub async fn removal(&self, file_id: FileId) -> Result<Option<Removal>> {
        let path = Removal::name(file_id);
        let Some(bytes) = self.store.get(&path).await? else { return Ok(None) };
        let damaged = |reason: String| Error::Damaged { path: path.clone(), reason };
        let removal: Removal = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if removal.version > VERSION {
            let reason = format!("its layout has version {}, this program knows {VERSION}", removal.version);
            return Err(damaged(reason));
        }
        Ok(Some(removal))
    }

    /// Bytes of a file; none when it is not there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn size(&self, file_id: FileId) -> Result<Option<u64>> {
        self.store.size(&Self::name(file_id)).await
    }

    /// What failed, or that the file was removed when that is why.
    pub(super) async fn explained(&self, file_id: FileId, error: Error) -> Error {
        match (&error, self.removal(file_id).await) {
            (Error::Store { source: object_store::Error::NotFound { .. }, .. }, Ok(Some(removal))) => {
                Error::Removed { file_id, on: removal.removed_on, reason: removal.reason }
            }
            _ => error,
        }
    }
}
