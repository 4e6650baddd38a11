//! A folder of an object store, and writes to it that count.
//!
//! A write counts when it outlives a power cut and nobody else's write took its place. On a local disk an object
//! is written aside, synced and linked under its name. In an object store a conditional put is trusted only when
//! it says "written": after any other answer the object is read back, because a retry after a lost answer
//! reports our own success as a conflict.

use std::collections::BTreeSet;
use std::future::Future;
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, WriteMultipart};
use sha2::{Digest as _, Sha256};
use telemetry::wait::Wait;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::{Error, FileId, Result};

/// How long one request, or the next piece of a long one, may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// Larger files are written in parts.
const PART: usize = 8 << 20;

/// A folder of an object store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    prefix: Path,
    local: Option<Local>,
}

/// A folder of the local disk.
#[derive(Debug, Clone)]
struct Local {
    root: PathBuf,
    /// Folders whose own names are known to outlive a power cut.
    synced: Arc<Mutex<BTreeSet<PathBuf>>>,
}

/// An object in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Name within the folder; subfolders are separated by `/`.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it was last written.
    pub written_at: DateTime<Utc>,
    /// Changes whenever the object does, where the store has such a mark.
    pub mark: Option<String>,
}

impl Store {
    /// Opens `file:///…` (made if missing), `s3://bucket/…` and what else object_store knows. `options` are
    /// object_store's, for example `aws_endpoint`; unknown ones are ignored.
    ///
    /// # Errors
    /// When the address or an option cannot be used.
    pub fn open(url: &Url, options: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let unusable = |error: &dyn std::fmt::Display| Error::Configuration(format!("{url} cannot be used: {error}"));
        if url.scheme() == "file" {
            let root = url.to_file_path().map_err(|()| unusable(&"it is no local path"))?;
            std::fs::create_dir_all(&root).map_err(|error| unusable(&error))?;
            let inner = LocalFileSystem::new_with_prefix(&root).map_err(|error| unusable(&error))?;
            return Ok(Self {
                inner: Arc::new(inner),
                prefix: Path::default(),
                local: Some(Local { root, synced: Arc::default() }),
            });
        }
        let (inner, prefix) = object_store::parse_url_opts(url, options).map_err(|error| unusable(&error))?;
        Ok(Self { inner: inner.into(), prefix, local: None })
    }

    /// A folder of a store that is open already. Writes to it are as durable as the store makes them.
    #[must_use]
    pub const fn new(inner: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self { inner, prefix, local: None }
    }

    /// A folder in this folder.
    #[must_use]
    pub fn folder(&self, name: &str) -> Self {
        Self { prefix: self.path(name), ..self.clone() }
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// The objects of this folder and its subfolders, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self) -> Result<Vec<Object>> {
        let prefix = Some(&self.prefix).filter(|prefix| !prefix.as_ref().is_empty());
        let mut found = self.inner.list(prefix);
        let mut objects = Vec::new();
        while let Some(meta) = self.timed("listing", &self.prefix, found.try_next()).await? {
            let Some(parts) = meta.location.prefix_match(&self.prefix) else { continue };
            objects.push(Object {
                name: parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"),
                size: meta.size,
                written_at: meta.last_modified,
                mark: meta.e_tag,
            });
        }
        objects.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(objects)
    }

    /// The bytes of an object; none when there is no such object.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>> {
        let path = self.path(name);
        let get = async { self.inner.get_opts(&path, GetOptions::default()).await?.bytes().await };
        match self.timed("reading", &path, get).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::Store { source: object_store::Error::NotFound { .. }, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Some bytes of an object.
    ///
    /// # Errors
    /// When there is no such object or range, or the store fails.
    pub async fn range(&self, name: &str, range: Range<u64>) -> Result<Bytes> {
        let path = self.path(name);
        self.timed("reading", &path, self.inner.get_range(&path, range)).await
    }

    /// Copies an object to the local disk and says which bytes it holds and how many.
    ///
    /// # Errors
    /// When there is no such object, or the store or the disk fails.
    pub async fn download(&self, name: &str, to: &NamedTempFile) -> Result<(FileId, u64)> {
        let disk = |source| Error::Disk { what: format!("writing {}", to.path().display()), source };
        let mut file = tokio::fs::File::from_std(to.reopen().map_err(disk)?);
        self.read_through(name, Some(&mut file)).await
    }

    /// Which bytes an object holds and how many.
    ///
    /// # Errors
    /// When there is no such object, or the store fails.
    pub async fn digest(&self, name: &str) -> Result<(FileId, u64)> {
        self.read_through(name, None).await
    }

    async fn read_through(&self, name: &str, mut copy: Option<&mut tokio::fs::File>) -> Result<(FileId, u64)> {
        let path = self.path(name);
        let disk = |source| Error::Disk { what: format!("copying {path} to the local disk"), source };
        let found = self.timed("reading", &path, self.inner.get(&path)).await?;
        let mut chunks = found.into_stream();
        let mut hash = Sha256::new();
        let mut size = 0;
        while let Some(chunk) = self.timed("reading", &path, chunks.try_next()).await? {
            hash.update(&chunk);
            size += chunk.len() as u64;
            if let Some(copy) = &mut copy {
                copy.write_all(&chunk).await.map_err(disk)?;
            }
        }
        if let Some(copy) = copy {
            copy.flush().await.map_err(disk)?;
        }
        Ok((FileId::new(hash.finalize().into()), size))
    }

    /// Writes a new object. `bytes` must be no one else's: put the writer's own id into them. False when the
    /// name is taken by an object with other bytes.
    ///
    /// # Errors
    /// When the store fails and it is not known whether the object was written.
    pub async fn put_new(&self, name: &str, bytes: Bytes) -> Result<bool> {
        let written = match &self.local {
            Some(_) => {
                let content = bytes.clone();
                self.link_new(name, move |file| file.write_all(&content)).await?
            }
            None => {
                let path = self.path(name);
                let put = self.inner.put_opts(&path, PutPayload::from(bytes.clone()), PutMode::Create.into());
                let answer = self.timed("writing", &path, put).await;
                match answer {
                    Ok(_) => true,
                    Err(error) => match self.get(name).await? {
                        Some(_) => false,
                        None => return Err(error),
                    },
                }
            }
        };
        Ok(written || self.get(name).await?.is_some_and(|found| found == bytes))
    }

    /// Writes a file under a name that only these bytes can have. A name that is taken must hold them already.
    ///
    /// # Errors
    /// When the store fails, or the object there holds other bytes.
    pub async fn put_content(&self, name: &str, file: &std::path::Path, id: FileId, size: u64) -> Result<()> {
        let written = match &self.local {
            Some(_) => {
                let source = file.to_owned();
                self.link_new(name, move |file| io::copy(&mut std::fs::File::open(source)?, file).map(drop)).await?
            }
            None if size <= PART as u64 => {
                let what = || format!("reading {}", file.display());
                let bytes = tokio::fs::read(file).await.map_err(|source| Error::Disk { what: what(), source })?;
                let path = self.path(name);
                let put = self.inner.put_opts(&path, PutPayload::from(bytes), PutMode::Create.into());
                match self.timed("writing", &path, put).await {
                    Ok(_) => true,
                    Err(error) if self.size(name).await?.is_none() => return Err(error),
                    Err(_) => false,
                }
            }
            // A put in parts cannot be conditional; two writers of these bytes do each other no harm.
            None if self.size(name).await?.is_none() => {
                self.put_parts(name, file).await?;
                self.size(name).await? == Some(size)
            }
            None => false,
        };
        if written {
            return Ok(());
        }
        let found = self.digest(name).await?;
        if found == (id, size) {
            return Ok(());
        }
        let reason = format!("it holds {} bytes with the hash {}, not {size} bytes with {id}", found.1, found.0);
        Err(Error::Damaged { path: self.path(name).to_string(), reason })
    }

    /// Deletes an object; one that is not there is deleted already.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delete(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match self.timed("deleting", &path, self.inner.delete(&path)).await {
            Ok(()) | Err(Error::Store { source: object_store::Error::NotFound { .. }, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Bytes of an object; none when there is no such object.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn size(&self, name: &str) -> Result<Option<u64>> {
        let path = self.path(name);
        match self.timed("looking up", &path, self.inner.head(&path)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::Store { source: object_store::Error::NotFound { .. }, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put_parts(&self, name: &str, file: &std::path::Path) -> Result<()> {
        let path = self.path(name);
        let disk = |source| Error::Disk { what: format!("reading {}", file.display()), source };
        let mut file = tokio::fs::File::open(file).await.map_err(disk)?;
        let upload = self.timed("writing", &path, self.inner.put_multipart(&path)).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        let mut part = bytes::BytesMut::with_capacity(PART);
        while tokio::io::AsyncReadExt::read_buf(&mut file, &mut part).await.map_err(disk)? > 0 {
            if part.len() >= PART {
                self.timed("writing", &path, upload.wait_for_capacity(4)).await?;
                upload.put(part.split().freeze());
                part.reserve(PART);
            }
        }
        upload.put(part.freeze());
        self.timed("writing", &path, upload.finish()).await.map(drop)
    }

    /// Links what `write` writes under a new name on the local disk; false when the name is taken.
    async fn link_new(
        &self,
        name: &str,
        write: impl FnOnce(&mut std::fs::File) -> io::Result<()> + Send + 'static,
    ) -> Result<bool> {
        let path = self.path(name);
        let Some(local) = self.local.clone() else {
            return Err(Error::Defect(format!("{path} is not on the local disk")));
        };
        let target = local.root.join(path.as_ref());
        let work = tokio::task::spawn_blocking(move || {
            let folder = target.parent().unwrap_or(&local.root);
            std::fs::create_dir_all(folder)?;
            let mut aside = tempfile::Builder::new().prefix(".").suffix(".tmp").tempfile_in(folder)?;
            write(aside.as_file_mut())?;
            aside.as_file().sync_all()?;
            let written = match aside.persist_noclobber(&target) {
                Ok(_) => true,
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error.error),
            };
            local.sync(folder)?;
            Ok(written)
        });
        let what = || format!("writing {path}");
        let done = work.await.map_err(|error| Error::Defect(format!("{}: {error}", what())))?;
        done.map_err(|source| Error::Disk { what: what(), source })
    }

    async fn timed<T>(
        &self,
        verb: &str,
        path: &Path,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T> {
        let what = || format!("{verb} {path}");
        let _wait = Wait::Store.begin();
        match tokio::time::timeout(DEADLINE, work).await {
            Ok(done) => done.map_err(|source| Error::Store { what: what(), source }),
            Err(_) => {
                Wait::Store.missed();
                Err(Error::Late { what: what(), deadline: DEADLINE })
            }
        }
    }
}

impl Local {
    /// Makes the names in a folder outlive a power cut, and the folders on the way to it.
    fn sync(&self, folder: &std::path::Path) -> io::Result<()> {
        std::fs::File::open(folder)?.sync_all()?;
        let above = folder.ancestors().skip(1).take_while(|above| above.starts_with(&self.root));
        for above in above {
            if self.synced.lock().is_ok_and(|synced| synced.contains(folder)) {
                break;
            }
            std::fs::File::open(above)?.sync_all()?;
        }
        if let Ok(mut synced) = self.synced.lock() {
            synced.insert(folder.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
