//! The log without a broker: a journal of deliveries in the archive.

use async_trait::async_trait;

use crate::archive::Archive;
use crate::log::{Delivery, Heads, Limits, LogBatch, LogReader};
use crate::parsed::Parsed;
use crate::store::Store;
use crate::{FileId, Result};

/// The log without a broker.
#[derive(Debug)]
pub struct Direct {
    archive: Archive,
    journal: Store,
}

impl Direct {
    /// Reads the journal in the folder `journal`; files are in `archive`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn open(journal: Store, archive: Archive, _work_dir: std::path::PathBuf) -> Result<Self> {
        Ok(Self { archive, journal })
    }

    /// Reads what lies beyond `heads`.
    #[must_use]
    pub fn reader(&mut self, _heads: &Heads, _limits: Limits) -> DirectReader<'_> {
        DirectReader { direct: self }
    }
}

#[async_trait]
impl Delivery for Direct {
    fn knows(&self, _file_id: &FileId) -> bool {
        let _ = (&self.archive, &self.journal);
        todo!()
    }

    async fn deliver(&mut self, _file: Parsed) -> Result<()> {
        todo!()
    }
}

/// Reads deliveries of the journal.
#[derive(Debug)]
pub struct DirectReader<'a> {
    direct: &'a mut Direct,
}

#[async_trait]
impl LogReader for DirectReader<'_> {
    async fn next(&mut self) -> Result<Option<LogBatch>> {
        let _ = &self.direct;
        todo!()
    }
}
