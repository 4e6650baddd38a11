use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::{
    CopyOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, PutMultipartOptions, PutOptions, PutResult,
};

use super::*;

/// A store whose puts succeed but whose answers are lost, as when a connection breaks: the client tries again
/// and is told that the object exists.
#[derive(Debug, Default)]
struct Deaf {
    inner: InMemory,
    loses_writes: AtomicBool,
}

impl std::fmt::Display for Deaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a store that loses answers")
    }
}

#[async_trait]
impl ObjectStore for Deaf {
    async fn put_opts(&self, path: &Path, bytes: PutPayload, how: PutOptions) -> object_store::Result<PutResult> {
        if self.loses_writes.load(Ordering::Relaxed) {
            return Err(object_store::Error::Generic { store: "deaf", source: "timed out".into() });
        }
        self.inner.put_opts(path, bytes, how).await?;
        Err(object_store::Error::AlreadyExists { path: path.to_string(), source: "a retry was refused".into() })
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        how: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, how).await
    }

    async fn get_opts(&self, path: &Path, how: GetOptions) -> object_store::Result<GetResult> {
        self.inner.get_opts(path, how).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, how).await
    }
}

fn local(dir: &std::path::Path) -> Store {
    Store::open(&Url::from_directory_path(dir).unwrap(), []).unwrap()
}

fn file_of(bytes: &[u8]) -> (NamedTempFile, FileId, u64) {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    (file, FileId::new(Sha256::digest(bytes).into()), bytes.len() as u64)
}

#[tokio::test]
async fn our_own_write_counts_though_its_answer_was_lost() {
    let store = Store::new(Arc::new(Deaf::default()), Path::from("folder"));
    assert!(store.put_new("1", Bytes::from_static(b"mine")).await.unwrap());
    assert!(!store.put_new("1", Bytes::from_static(b"another's")).await.unwrap());
    assert_eq!(store.get("1").await.unwrap().unwrap(), "mine");
    let (file, id, size) = file_of(b"content");
    store.put_content("2", file.path(), id, size).await.unwrap();
}

#[tokio::test]
async fn a_write_that_did_not_happen_is_an_error_that_can_be_tried_again() {
    let deaf = Deaf::default();
    deaf.loses_writes.store(true, Ordering::Relaxed);
    let store = Store::new(Arc::new(deaf), Path::default());
    let error = store.put_new("1", Bytes::from_static(b"mine")).await.unwrap_err();
    assert_eq!(error.retry(), crate::Retry::Later, "{error}");
    let (file, id, size) = file_of(b"content");
    assert!(store.put_content("2", file.path(), id, size).await.is_err());
}

#[tokio::test]
async fn of_many_writers_of_one_name_exactly_one_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    for store in [local(dir.path()), Store::new(Arc::new(InMemory::new()), Path::default())] {
        let store = &store.folder("journal");
        let write = |writer: usize| async move { store.put_new("1", Bytes::from(writer.to_string())).await.unwrap() };
        let results = futures::future::join_all((0..32).map(write)).await;
        let winners: Vec<usize> = (0..32).filter(|writer| results[*writer]).collect();
        let [winner] = winners[..] else { panic!("{winners:?}") };
        assert_eq!(store.get("1").await.unwrap().unwrap(), winner.to_string());
        let names: Vec<_> = store.list().await.unwrap().into_iter().map(|object| object.name).collect();
        assert_eq!(names, ["1"], "temporary files are left");
    }
}

#[tokio::test]
async fn content_is_written_once_and_damage_is_found() {
    let dir = tempfile::tempdir().unwrap();
    for store in [local(dir.path()), Store::new(Arc::new(InMemory::new()), Path::default())] {
        for bytes in [b"small".to_vec(), vec![7; 3 * PART + 5]] {
            let (file, id, size) = file_of(&bytes);
            let name = format!("content-{size}");
            store.put_content(&name, file.path(), id, size).await.unwrap();
            store.put_content(&name, file.path(), id, size).await.unwrap();
            assert_eq!(store.digest(&name).await.unwrap(), (id, size));
            let (other, other_id, other_size) = file_of(b"other");
            let damaged = store.put_content(&name, other.path(), other_id, other_size).await;
            assert!(matches!(damaged, Err(Error::Damaged { .. })), "{damaged:?}");
        }
    }
}

#[tokio::test]
async fn a_missing_object_is_none_and_a_folder_lists_only_its_own() {
    let store = Store::new(Arc::new(InMemory::new()), Path::from("root"));
    let (one, other) = (store.folder("one"), store.folder("one-more"));
    assert!(one.get("a").await.unwrap().is_none());
    one.put_new("b/c", Bytes::from_static(b"12345")).await.unwrap();
    one.put_new("a", Bytes::new()).await.unwrap();
    other.put_new("d", Bytes::new()).await.unwrap();
    let names: Vec<_> = one.list().await.unwrap().into_iter().map(|object| (object.name, object.size)).collect();
    assert_eq!(names, [("a".to_owned(), 0), ("b/c".to_owned(), 5)]);
    assert_eq!(one.range("b/c", 1..3).await.unwrap(), "23");
}

#[test]
fn an_address_that_cannot_be_used_is_an_error_of_the_configuration() {
    let error = Store::open(&Url::parse("gopher://x/y").unwrap(), []).unwrap_err();
    assert_eq!(error.whose(), crate::Whose::Configuration, "{error}");
}
