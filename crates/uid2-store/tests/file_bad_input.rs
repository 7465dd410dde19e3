//! Files that are not what they should be: a typed error, and the file as it was.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use uid2_core::Timestamp;
use uid2_store::conformance::{identity, logged_out, opt_out};
use uid2_store::{FileStore, Precondition, StoreError, TokenStore};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds)
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("store.db")
    }
}

/// A closed store with one identity and one opt-out.
async fn filled(path: &Path) {
    let store = FileStore::open(path).await.unwrap();
    let record = identity("x", at(1), at(100)).unwrap();
    store
        .put(b"user", &record, Precondition::Absent)
        .await
        .unwrap();
    store
        .put(b"left", &opt_out(at(2)), Precondition::Absent)
        .await
        .unwrap();
    store.close().await;
}

async fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).unwrap();
    let error = FileStore::open(path).await.unwrap_err();
    assert_eq!(fs::read(path).unwrap(), before, "the file was changed");
    let read_only = FileStore::options()
        .read_only()
        .open(path)
        .await
        .unwrap_err();
    assert_eq!(
        std::mem::discriminant(&read_only),
        std::mem::discriminant(&error),
        "another error to who only looks: {read_only}"
    );
    assert_eq!(fs::read(path).unwrap(), before, "the file was changed");
    error
}

#[tokio::test]
async fn garbage_is_not_a_store() {
    let text = b"once upon a time, there was a file that was no store\n".as_slice();
    for garbage in [
        b"x".to_vec(),
        text.to_vec(),
        text.repeat(500),
        vec![0; 8192],
    ] {
        let folder = Folder::new();
        fs::write(folder.store(), &garbage).unwrap();
        let error = refused(&folder.store()).await;
        assert!(matches!(error, StoreError::NotAStore(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_store_whose_head_is_lost_is_not_a_store() {
    let folder = Folder::new();
    filled(&folder.store()).await;
    let mut bytes = fs::read(folder.store()).unwrap();
    bytes[..16].fill(b'?');
    fs::write(folder.store(), &bytes).unwrap();
    let error = refused(&folder.store()).await;
    assert!(matches!(error, StoreError::NotAStore(_)), "{error:?}");
}

#[tokio::test]
async fn the_database_of_another_program_is_not_a_store() {
    let folder = Folder::new();
    let other = rusqlite::Connection::open(folder.store()).unwrap();
    other
        .execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1);")
        .unwrap();
    drop(other);
    let error = refused(&folder.store()).await;
    assert!(matches!(error, StoreError::NotAStore(_)), "{error:?}");
}

#[tokio::test]
async fn a_folder_is_not_a_store() {
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("folder");
    fs::create_dir(&inner).unwrap();
    let error = FileStore::open(inner).await.unwrap_err();
    assert!(matches!(error, StoreError::NotAStore(_)), "{error:?}");
    // And nothing is left beside it.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    let folder = Folder::new();
    filled(&folder.store()).await;
    let newer = rusqlite::Connection::open(folder.store()).unwrap();
    newer.pragma_update(None, "user_version", 7).unwrap();
    drop(newer);
    let error = refused(&folder.store()).await;
    assert!(
        matches!(error, StoreError::NewerFormat { found: 7, known: 1 }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error_of_its_own() {
    let folder = Folder::new();
    let path = folder.store().join("nowhere").join("store.db");
    let error = FileStore::open(path).await.unwrap_err();
    assert!(matches!(error, StoreError::Io(_)), "{error:?}");
    let error = FileStore::options()
        .read_only()
        .open(folder.store())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Io(_)), "{error:?}");
    assert!(!folder.store().exists(), "who only looks has made a file");
}

fn mark_read_only(path: &Path, read_only: bool) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    permissions.set_readonly(read_only);
    fs::set_permissions(path, permissions).unwrap();
}

async fn check_read_only(store: &FileStore) {
    assert!(store.is_read_only());
    let entry = store.get(b"user").await.unwrap().unwrap();
    assert_eq!(store.due(at(9), None, 9).await.unwrap().len(), 1);
    let read_only = |error| matches!(error, StoreError::ReadOnly(_));

    let record = logged_out(at(1), at(2));
    for key in [b"user", b"newu"] {
        let put = store.put(key, &record, Precondition::Any).await;
        assert!(read_only(put.unwrap_err()));
    }
    let remove = store.remove(b"user", Precondition::Any).await;
    assert!(read_only(remove.unwrap_err()));
    assert!(read_only(store.purge(Timestamp::MAX, 9).await.unwrap_err()));
    assert!(read_only(store.compact().await.unwrap_err()));
    assert_eq!(store.get(b"user").await.unwrap(), Some(entry));
    assert!(store.verify().await.unwrap().is_sound());
}

#[tokio::test]
async fn a_file_that_is_marked_as_read_only_is_only_read() {
    let folder = Folder::new();
    filled(&folder.store()).await;
    let before = fs::read(folder.store()).unwrap();
    mark_read_only(&folder.store(), true);

    let store = FileStore::open(folder.store()).await.unwrap();
    check_read_only(&store).await;
    store.close().await;
    assert_eq!(fs::read(folder.store()).unwrap(), before);

    mark_read_only(&folder.store(), false);
    let store = FileStore::open(folder.store()).await.unwrap();
    assert!(!store.is_read_only());
    assert!(store.remove(b"user", Precondition::Any).await.unwrap());
}

/// What stands in the log is part of the store, also for who only reads.
#[tokio::test]
async fn a_read_only_file_with_its_log_beside_it_is_read_whole() {
    let folder = Folder::new();
    let copy = Folder::new();
    let store = FileStore::open(folder.store()).await.unwrap();
    let record = identity("x", at(1), at(100)).unwrap();
    store
        .put(b"user", &record, Precondition::Absent)
        .await
        .unwrap();
    // As a crash leaves it: the record is in the log alone.
    for suffix in ["", "-wal"] {
        let name = format!("store.db{suffix}");
        fs::copy(folder.0.path().join(&name), copy.0.path().join(&name)).unwrap();
    }
    mark_read_only(&copy.store(), true);
    let looked = FileStore::open(copy.store()).await.unwrap();
    check_read_only(&looked).await;
}

#[tokio::test]
async fn who_only_looks_sees_a_store_that_is_in_use() {
    let folder = Folder::new();
    filled(&folder.store()).await;
    let store = FileStore::open(folder.store()).await.unwrap();
    let look = FileStore::options()
        .read_only()
        .open(folder.store())
        .await
        .unwrap();
    check_read_only(&look).await;

    let record = logged_out(at(5), at(6));
    for _ in 0..3 {
        let version = store
            .put(b"user", &record, Precondition::Any)
            .await
            .unwrap();
        let seen = look.get(b"user").await.unwrap().unwrap();
        assert_eq!((seen.record, seen.version), (record.clone(), version));
    }
    store.remove(b"user", Precondition::Any).await.unwrap();
    assert_eq!(look.get(b"user").await.unwrap(), None);
}

#[tokio::test]
async fn a_store_that_is_open_is_not_opened_again() {
    let folder = Folder::new();
    let store = FileStore::open(folder.store()).await.unwrap();
    store
        .put(b"user", &opt_out(at(1)), Precondition::Any)
        .await
        .unwrap();

    let again = FileStore::options().wait_for_lock(Duration::ZERO);
    let error = again.clone().open(folder.store()).await.unwrap_err();
    assert!(matches!(error, StoreError::AlreadyOpen), "{error:?}");
    // It goes on working, and is free once closed.
    store
        .put(b"user", &opt_out(at(2)), Precondition::Any)
        .await
        .unwrap();
    store.close().await;
    let next = again.open(folder.store()).await.unwrap();
    assert_eq!(
        next.get(b"user").await.unwrap().unwrap().record,
        opt_out(at(2))
    );
}

#[tokio::test]
async fn a_store_that_is_being_closed_is_waited_for() {
    let folder = Folder::new();
    for round in 0..10 {
        // Dropped, not closed: its threads may still hold it.
        let store = FileStore::options().wait_for_lock(Duration::from_secs(30));
        let store = store.open(folder.store()).await.unwrap();
        store
            .put(b"user", &opt_out(at(round)), Precondition::Any)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_error_names_neither_keys_nor_contents() {
    let folder = Folder::new();
    filled(&folder.store()).await;
    let store = FileStore::open(folder.store()).await.unwrap();
    let conflict = store
        .put(b"user", &opt_out(at(1)), Precondition::Absent)
        .await;
    let text = format!("{0:?} {0} {store:?}", conflict.unwrap_err());
    assert!(!text.contains("user"), "{text}");
}
