//! Object stores that can be trusted: local files are on disk before a write counts, and the answer to a
//! conditional put is believed only when it says "written".

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use deltalake::DeltaResult;
use deltalake::logstore::{LogStore, LogStoreFactory, StorageConfig, default_logstore, logstore_factories};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    BackoffConfig, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, ObjectStoreScheme, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, Result, RetryConfig, UploadPart, coalesce_ranges,
};
use telemetry::metrics::{STORE_ERRORS, STORE_SECONDS};
use telemetry::wait::Wait;
use url::Url;

use crate::LakeError;

/// A keyed read takes small pages from all over a large file. Stores' own default joins what is less than 1 MiB apart:
/// that would fetch most of the file. So much comes in the time that a request of its own would cost in processing.
const GAP: u64 = 32 << 10;

/// How long a request to a store is tried again.
const PATIENCE: Duration = Duration::from_secs(120);
/// The pause before a request is tried again doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// More than fit into [`PATIENCE`].
const RETRIES: usize = 60;

/// Opens the store at `url` and says where below it the address points. Credentials come from the environment
/// (`AWS_ACCESS_KEY_ID` and its like).
///
/// # Errors
/// When the address is of no kind that is known.
pub fn open_store(url: &Url) -> Result<(Arc<dyn ObjectStore>, Path), LakeError> {
    let fail = |reason: String| LakeError::Address { url: url.to_string(), reason };
    let (scheme, path) = ObjectStoreScheme::parse(url).map_err(|error| fail(error.to_string()))?;
    let (store, gap): (Arc<dyn ObjectStore>, _) = match scheme {
        ObjectStoreScheme::Local => (Arc::new(Durable(LocalFileSystem::new())), None),
        ObjectStoreScheme::AmazonS3 => (Arc::new(s3(url).map_err(|error| fail(error.to_string()))?), Some(GAP)),
        _ => return Err(fail("there are file:// and s3:// addresses".to_owned())),
    };
    Ok((Arc::new(Confirmed { store, gap }), path))
}

/// A store that is out of reach for a minute stops nothing.
fn s3(url: &Url) -> Result<AmazonS3> {
    let mut builder = AmazonS3Builder::new().with_url(url.as_str()).with_retry(RetryConfig {
        backoff: BackoffConfig { max_backoff: LONGEST_PAUSE, ..BackoffConfig::default() },
        max_retries: RETRIES,
        retry_timeout: PATIENCE,
    });
    for (name, value) in std::env::vars() {
        if let Ok(key) = name.to_lowercase().parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    builder.build()
}

/// Lets the table library keep a table's log in a store of this kind. The library knows local files only; everything
/// else it takes from crates that bring stores of their own, and ours come with what [`open_store`] wraps around them.
pub fn register_log(url: &Url) -> std::result::Result<(), LakeError> {
    let fail = |reason: String| LakeError::Address { url: url.to_string(), reason };
    let scheme = Url::parse(&format!("{}://", url.scheme())).map_err(|error| fail(error.to_string()))?;
    logstore_factories().entry(scheme).or_insert_with(|| Arc::new(Logs));
    Ok(())
}

/// Logs whose entries are made by conditional puts.
struct Logs;

impl LogStoreFactory for Logs {
    fn with_options(
        &self,
        table: Arc<dyn ObjectStore>,
        root: Arc<dyn ObjectStore>,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(table, root, location, options))
    }
}

/// A local file system whose writes are synced to disk, file and folder, before they count.
#[derive(Debug)]
struct Durable(LocalFileSystem);

impl Durable {
    async fn sync(&self, location: &Path) -> Result<()> {
        let path = self.0.path_to_filesystem(location)?;
        sync_file(path).await
    }
}

async fn sync_file(path: PathBuf) -> Result<()> {
    let failed = |source: std::io::Error| object_store::Error::Generic { store: "local", source: Box::new(source) };
    tokio::task::spawn_blocking(move || {
        std::fs::File::open(&path)?.sync_all()?;
        // A new folder is lost on a power cut unless its parent is synced too.
        for folder in path.ancestors().skip(1).take(3) {
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    })
    .await
    .map_err(|error| failed(std::io::Error::other(error)))?
    .map_err(failed)
}

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Durable({})", self.0)
    }
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let result = self.0.put_opts(location, payload, options).await?;
        self.sync(location).await?;
        Ok(result)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.0.put_multipart_opts(location, options).await?;
        let path = self.0.path_to_filesystem(location)?;
        Ok(Box::new(DurableUpload { upload, path }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<bytes::Bytes>> {
        self.0.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await?;
        self.sync(to).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.0.rename_opts(from, to, options).await?;
        self.sync(to).await
    }
}

#[derive(Debug)]
struct DurableUpload {
    upload: Box<dyn MultipartUpload>,
    path: PathBuf,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.upload.complete().await?;
        sync_file(self.path.clone()).await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}

/// Tells how long a request takes and whether it fails.
async fn asked<T>(operation: &'static str, request: impl Future<Output = Result<T>>) -> Result<T> {
    let (started, _wait) = (Instant::now(), Wait::Store.begin());
    let answer = request.await;
    STORE_SECONDS.observe(&[operation], started.elapsed());
    answer.inspect_err(|error| failed(operation, error))
}

/// An object that is not there, or there already, is an answer like any other.
fn failed(operation: &'static str, error: &object_store::Error) {
    use object_store::Error as E;
    if !matches!(error, E::NotFound { .. } | E::AlreadyExists { .. } | E::Precondition { .. } | E::NotModified { .. }) {
        STORE_ERRORS.add(&[operation], 1);
    }
}

/// A store whose conditional puts can be retried: after any error, "already exists" included, the object is read
/// back, and when it holds what was to be written, the write was ours. A retry after a lost answer reports our own
/// success as a conflict; writers put an identity of their own into what they write, so that two writers' objects
/// never look the same.
#[derive(Debug)]
struct Confirmed {
    store: Arc<dyn ObjectStore>,
    /// Ranges of a file that are no farther apart than this are fetched as one; none leaves that to the store.
    gap: Option<u64>,
}

impl Confirmed {
    async fn holds(&self, location: &Path, payload: &PutPayload) -> Result<Option<PutResult>> {
        let stored = self.store.get(location).await?;
        let result = PutResult { e_tag: stored.meta.e_tag.clone(), version: stored.meta.version.clone() };
        let same = stored.meta.size == payload.content_length() as u64
            && stored.bytes().await?.iter().eq(payload.iter().flat_map(|part| part.iter()));
        Ok(same.then_some(result))
    }
}

impl fmt::Display for Confirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Confirmed({})", self.store)
    }
}

#[async_trait]
impl ObjectStore for Confirmed {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let conditional = options.mode != PutMode::Overwrite;
        match asked("put", self.store.put_opts(location, payload.clone(), options)).await {
            Err(error) if conditional => match self.holds(location, &payload).await {
                Ok(Some(result)) => Ok(result),
                Ok(None) | Err(_) => Err(error),
            },
            answer => answer,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        asked("get", self.store.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<bytes::Bytes>> {
        let read = async {
            let Some(gap) = self.gap else { return self.store.get_ranges(location, ranges).await };
            coalesce_ranges(ranges, |range| async { self.store.get_range(location, range).await }, gap).await
        };
        asked("get", read).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations).inspect_err(|error| failed("delete", error)).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix).inspect_err(|error| failed("list", error)).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        asked("list", self.store.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        asked("copy", self.store.copy_opts(from, to, options)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        asked("copy", self.store.rename_opts(from, to, options)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create() -> PutOptions {
        PutOptions { mode: PutMode::Create, ..PutOptions::default() }
    }

    #[tokio::test]
    async fn our_own_write_reported_as_a_conflict_is_a_success() {
        let store = Confirmed { store: Arc::new(object_store::memory::InMemory::new()), gap: None };
        let path = Path::from("a");
        store.put_opts(&path, "writer 1".into(), create()).await.unwrap();
        store.put_opts(&path, "writer 1".into(), create()).await.unwrap();
    }

    #[tokio::test]
    async fn anothers_write_is_a_conflict() {
        let store = Confirmed { store: Arc::new(object_store::memory::InMemory::new()), gap: None };
        let path = Path::from("a");
        store.put_opts(&path, "writer 1".into(), create()).await.unwrap();
        let error = store.put_opts(&path, "writer 2".into(), create()).await.unwrap_err();
        assert!(matches!(error, object_store::Error::AlreadyExists { .. }), "{error}");
    }

    /// A store that remembers which ranges it was asked for.
    #[derive(Debug, Default)]
    struct Remembering {
        store: object_store::memory::InMemory,
        asked: std::sync::Mutex<Vec<Range<u64>>>,
    }

    impl fmt::Display for Remembering {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "Remembering")
        }
    }

    #[async_trait]
    impl ObjectStore for Remembering {
        async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
            self.store.put_opts(location, payload, options).await
        }

        async fn put_multipart_opts(&self, at: &Path, o: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
            self.store.put_multipart_opts(at, o).await
        }

        async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
            if let Some(object_store::GetRange::Bounded(range)) = &options.range {
                self.asked.lock().unwrap().push(range.clone());
            }
            self.store.get_opts(location, options).await
        }

        fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
            self.store.delete_stream(locations)
        }

        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
            self.store.list(prefix)
        }

        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
            self.store.list_with_delimiter(prefix).await
        }

        async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
            self.store.copy_opts(from, to, options).await
        }
    }

    #[tokio::test]
    async fn pages_that_are_far_apart_are_fetched_alone_from_a_distant_store() {
        let inner = Arc::new(Remembering::default());
        let store = Confirmed { store: inner.clone(), gap: Some(GAP) };
        let path = Path::from("run.parquet");
        store.put(&path, vec![7; 1 << 20].into()).await.unwrap();
        let ranges = [0..10, 20..30, 500_000..500_010, 900_000..900_010];
        let pages = store.get_ranges(&path, &ranges).await.unwrap();
        assert!(pages.iter().all(|page| page.len() == 10));
        let mut asked = inner.asked.lock().unwrap().clone();
        asked.sort_by_key(|range| range.start);
        assert_eq!(asked, [0..30, 500_000..500_010, 900_000..900_010], "near ones are fetched as one");
    }

    #[tokio::test]
    async fn a_local_store_writes_and_reads_below_new_folders() {
        let folder = tempfile::tempdir().unwrap();
        let url = Url::from_directory_path(folder.path()).unwrap();
        let (store, root) = open_store(&url).unwrap();
        let path = Path::from(format!("{root}/x/y/z"));
        store.put(&path, "bytes".into()).await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "bytes");
    }
}
