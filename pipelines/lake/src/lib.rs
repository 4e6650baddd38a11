//! The only door to tables.
//!
//! Tables are Delta Lake tables on an object store. A *landing table* holds the rows and rejects of one topic and
//! the log positions they came from, in one commit. A *job table* is replaced as a whole: its files are staged
//! first, can be read while an audit looks at them, and become the table only when they are committed. Or it is
//! changed: a small new run of rows, and deletion vectors on the runs that hold the rows that go, in one commit. A
//! *generation* names one version of every table and is published by one atomic put.
//!
//! Reads go through our own scan over the file list of a version, so that staged and committed rows are read the
//! same way, and deleted rows never.
//!
//! Start at [`Lake`].

mod change;
mod collection;
mod compaction;
mod digest;
mod error;
mod evolve;
mod files;
mod generations;
mod index;
mod landing;
mod lookup;
mod pages;
mod paths;
mod restore;
mod scan;
mod staged;
mod store;
mod table;
mod vacuum;
mod vectors;

pub use change::StagedChange;
pub use collection::Swept;
pub use error::LakeError;
pub use landing::{Landed, LandingTable, Offer, REJECT_COLUMNS, landing_schema};
pub use scan::{looked_up, provider, with_deleted_rows};
pub use staged::{Staged, Writer};
pub use store::open_store;
pub use table::{DataFile, Table};
pub use vacuum::{Vacuum, Vacuumed};

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

use crate::files::Files;

/// An object store with the tables, the archive and the generations of one installation.
#[derive(Debug, Clone)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    root: Path,
    url: Url,
    files: Arc<Files>,
    /// Held while an index is brought up to date.
    indexing: Arc<tokio::sync::Mutex<()>>,
}

impl Lake {
    /// Opens the lake at `url`, for example `file:///var/lib/reskontra` or `s3://bucket/reskontra`. Credentials
    /// come from the environment. Nothing is written.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn open(url: &Url) -> Result<Self, LakeError> {
        let (store, root) = open_store(url)?;
        store::register_log(url)?;
        let files = Arc::new(Files::new(store.clone(), files::KEPT_BYTES));
        Ok(Self { store, root, url: url.clone(), files, indexing: Arc::default() })
    }

    /// The store, rooted at the installation.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::new(object_store::prefix::PrefixStore::new(self.store.clone(), self.root.clone()))
    }

    /// Lets a session read the lake's tables.
    pub fn register(&self, context: &SessionContext) {
        context.runtime_env().register_object_store(&self.store_url(), self.store.clone());
    }

    /// Scheme and authority, without the path.
    fn store_url(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path("/");
        url
    }

    /// Where a table is in the store.
    fn folder(&self, table: &Path) -> Path {
        self.root.parts().chain(table.parts()).collect()
    }

    fn table_url(&self, table: &Path) -> Result<Url, LakeError> {
        let mut url = self.url.clone();
        let path = format!("/{}/{table}/", self.root);
        url.set_path(&path.replace("//", "/"));
        Ok(url)
    }
}
