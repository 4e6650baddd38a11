//! The archive: raw files, immutable, named by their content.

use std::ops::Range;

use bytes::Bytes;
use tempfile::NamedTempFile;

use crate::store::Store;
use crate::{FileId, Result};

/// Raw files by their SHA-256.
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

    /// Bytes `range` of a file.
    ///
    /// # Errors
    /// When there is no such file or range, or the store fails.
    pub async fn range(&self, _file_id: FileId, _range: Range<u64>) -> Result<Bytes> {
        let _ = &self.store;
        todo!()
    }

    /// A copy of a file on the local disk, checked against its name and gone when dropped.
    ///
    /// # Errors
    /// When there is no such file, it is damaged, or the store or the disk fails.
    pub async fn fetch(&self, _file_id: FileId) -> Result<NamedTempFile> {
        todo!()
    }
}
