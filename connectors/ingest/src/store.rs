//! A folder of an object store, and writes to it that count.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

use crate::Result;

/// A folder of an object store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    prefix: Path,
    local: Option<PathBuf>,
}

impl Store {
    /// Opens `file:///…` (made if missing), `s3://bucket/…` and what else object_store knows. `options` are
    /// object_store's, for example `aws_endpoint`; unknown ones are ignored.
    ///
    /// # Errors
    /// When the address or an option cannot be used.
    pub fn open(_url: &Url, _options: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        todo!()
    }

    /// A folder of a store that is open already. Writes to it are as durable as the store makes them.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self { inner, prefix, local: None }
    }

    /// A folder in this folder.
    #[must_use]
    pub fn folder(&self, _name: &str) -> Self {
        todo!()
    }

    /// Writes a new object.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put_new(&self, _name: &str, _bytes: Bytes) -> Result<bool> {
        let _ = (&self.inner, &self.prefix, &self.local);
        todo!()
    }
}
