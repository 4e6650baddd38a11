use sha2::{Digest as _, Sha256};

use super::*;
use crate::testing::memory;

#[tokio::test]
async fn a_file_is_found_again_by_its_content_whole_and_in_part() {
    let dir = tempfile::tempdir().unwrap();
    let file = temporary(dir.path()).unwrap();
    std::fs::write(file.path(), b"0123456789").unwrap();
    let id = FileId::new(Sha256::digest(b"0123456789").into());
    let store = memory();
    let archive = Archive::new(store.folder("archive"));
    archive.keep(id, file.path(), 10).await.unwrap();
    let copy = archive.fetch(id, dir.path()).await.unwrap();
    assert_eq!(std::fs::read(copy.path()).unwrap(), b"0123456789");
    assert_eq!(archive.range(id, 2..5).await.unwrap(), "234");
    assert!(archive.range(id, 11..12).await.is_err());
    let names: Vec<_> = store.list().await.unwrap().into_iter().map(|object| object.name).collect();
    assert_eq!(names, ["archive/sha256/84/d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"]);
}

#[tokio::test]
async fn damage_is_not_handed_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = memory();
    let id = FileId::new(Sha256::digest(b"right").into());
    store.put_new(&Archive::name(id), Bytes::from_static(b"wrong")).await.unwrap();
    let archive = Archive::new(store);
    let fetched = archive.fetch(id, dir.path()).await;
    assert!(matches!(fetched, Err(Error::Damaged { .. })), "{fetched:?}");
}

#[tokio::test]
async fn a_file_that_was_removed_says_why_and_removing_it_again_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = temporary(dir.path()).unwrap();
    std::fs::write(file.path(), b"0123456789").unwrap();
    let id = FileId::new(Sha256::digest(b"0123456789").into());
    let archive = Archive::new(memory());
    archive.keep(id, file.path(), 10).await.unwrap();
    assert_eq!(archive.size(id).await.unwrap(), Some(10));
    let day = |day| chrono::NaiveDate::from_ymd_opt(2034, 1, day).unwrap();
    let removal = Removal::new(id, day(1), "seven years".to_owned());
    for removal in [&removal, &Removal::new(id, day(2), "again".to_owned())] {
        archive.remove(removal).await.unwrap();
    }
    assert_eq!((archive.size(id).await.unwrap(), archive.removal(id).await.unwrap()), (None, Some(removal)));
    let range = archive.range(id, 2..5).await.unwrap_err();
    assert_eq!(range.to_string(), format!("file {id} was removed from the archive on 2034-01-01: seven years"));
    assert!(matches!(archive.fetch(id, dir.path()).await, Err(Error::Removed { .. })));
    assert_eq!(archive.removal(FileId::new([0; 32])).await.unwrap(), None);
    assert!(!matches!(archive.range(FileId::new([0; 32]), 0..1).await, Err(Error::Removed { .. })), "it never was");
}
