//! The archive: raw files, immutable, named by their content. A file that is past its retention is removed as a whole;
//! why is written down in its place.

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use tempfile::NamedTempFile;

use crate::store::Store;
use crate::{Error, FileId, Result};

mod removal;

pub use removal::Removal;

/// Raw files by their SHA-256: `sha256/ab/cdef…`.
#[derive(Debug, Clone)]
pub struct Archive {
    store: Store,
}

impl Archive {
    /// The archive in this folder.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    fn name(file_id: FileId) -> String {
        let hash = file_id.to_string();
        format!("sha256/{}/{}", &hash[..2], &hash[2..])
    }

    /// Keeps a copy of a local file. When this returns, the copy outlives a power cut. A file that is
    /// kept already is checked.
    ///
    /// # Errors
    /// When the store or the disk fails, or what is kept under this id is damaged.
    pub async fn keep(&self, file_id: FileId, file: &Path, size: u64) -> Result<()> {
        self.store.put_content(&Self::name(file_id), file, file_id, size).await
    }

    /// Bytes `range` of a file.
    ///
    /// # Errors
    /// [`Error::Removed`] when it was removed; when there is no such file or range, or the store fails.
    pub async fn range(&self, file_id: FileId, range: Range<u64>) -> Result<Bytes> {
        match self.store.range(&Self::name(file_id), range).await {
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(self.explained(file_id, error).await),
        }
    }

    /// A copy of a file in the folder `dir` on the local disk, checked against its name and gone when dropped.
    ///
    /// # Errors
    /// [`Error::Removed`] when it was removed; when there is no such file, it is damaged, or the store or the disk fails.
    pub async fn fetch(&self, file_id: FileId, dir: &Path) -> Result<NamedTempFile> {
        let copy = temporary(dir)?;
        let (found, _) = match self.store.download(&Self::name(file_id), &copy).await {
            Ok(digest) => digest,
            Err(error) => return Err(self.explained(file_id, error).await),
        };
        if found == file_id {
            return Ok(copy);
        }
        Err(Error::Damaged { path: Self::name(file_id), reason: format!("its hash is {found}") })
    }
}

/// An empty file in `dir` that is gone when dropped.
pub(crate) fn temporary(dir: &Path) -> Result<NamedTempFile> {
    let disk = |source| Error::Disk { what: format!("working in {}", dir.display()), source };
    std::fs::create_dir_all(dir).map_err(disk)?;
    NamedTempFile::new_in(dir).map_err(disk)
}

#[cfg(test)]
mod tests;
