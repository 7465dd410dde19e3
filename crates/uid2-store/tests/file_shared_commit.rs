//! Writes that share a commit, one of which cannot take place: damage and lack of
//! room are one user's trouble, and the logouts beside it are done.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Waker};

use tempfile::TempDir;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::{identity, logged_out, opt_out};
use uid2_store::{FileStore, Precondition, StoreError, TokenStore, Version};

const PAGE: usize = 4096;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds)
}

fn user(number: i64) -> Record {
    identity(&"t".repeat(500), at(number), at(10_000 + number)).unwrap()
}

fn goodbye() -> Record {
    logged_out(at(5), at(9_000))
}

fn key(number: i64) -> Vec<u8> {
    format!("user-{number:03}").into_bytes()
}

async fn filled(users: i64) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = FileStore::open(&path).await.unwrap();
    for number in 0..users {
        let (key, user) = (key(number), user(number));
        store.put(&key, &user, Precondition::Absent).await.unwrap();
    }
    store.close().await;
    (folder, path)
}

/// Where the row of a user has its due time and its expiry, one after the other.
fn row_of(bytes: &[u8], number: i64) -> usize {
    let six = |time: Timestamp| time.as_millis().to_be_bytes()[2..].to_vec();
    let times = [six(at(number)), six(at(10_000 + number))].concat();
    let mut places = bytes.windows(times.len());
    places.position(|part| part == times).unwrap()
}

fn alter(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

type Put<'a> = Pin<Box<dyn Future<Output = Result<Version, StoreError>> + Send + 'a>>;

/// Puts these in one commit: it is held up from outside until all are in it.
async fn together(
    path: &Path,
    store: &FileStore,
    puts: &[(Vec<u8>, Record)],
) -> Vec<Result<Version, StoreError>> {
    let outside = rusqlite::Connection::open(path).unwrap();
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Taken by the writer, which then waits; the others come in behind it.
    let first = opt_out(at(1));
    let mut first: Put<'_> = Box::pin(store.put(b"first", &first, Precondition::Any));
    let mut all: Vec<Put<'_>> = puts
        .iter()
        .map(|(key, record)| -> Put<'_> { Box::pin(store.put(key, record, Precondition::Any)) })
        .collect();
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    for put in &mut all {
        assert!(put.as_mut().poll(&mut context).is_pending());
    }
    outside.execute_batch("ROLLBACK").unwrap();
    drop(outside);
    first.await.unwrap();
    let mut results = Vec::new();
    for put in all {
        results.push(put.await);
    }
    results
}

#[tokio::test]
async fn a_page_that_is_gone_is_the_trouble_of_those_on_it() {
    let (_folder, path) = filled(60).await;
    alter(&path, |bytes| {
        let page = row_of(bytes, 30) / PAGE * PAGE;
        bytes[page..page + PAGE].fill(0);
    });
    let store = FileStore::open(&path).await.unwrap();
    let puts = [52, 30, 51].map(|number| (key(number), goodbye()));
    let results = together(&path, &store, &puts).await;
    assert!(
        matches!(results[1], Err(StoreError::Damaged)),
        "{results:?}"
    );
    for (at, number) in [(0, 52), (2, 51)] {
        let version = *results[at].as_ref().unwrap();
        let entry = store.get(&key(number)).await.unwrap().unwrap();
        assert_eq!((entry.record, entry.version), (goodbye(), version));
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_what_makes_room_is_done() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let options = FileStore::options().max_bytes(100 * PAGE as u64);
    let store = options.open(&path).await.unwrap();
    let mut number = 0;
    while store
        .put(&key(number), &user(number), Precondition::Absent)
        .await
        .is_ok()
    {
        number += 1;
    }
    let large = identity(&"t".repeat(20_000), at(1), at(99)).unwrap();
    let puts = [
        (key(1), goodbye()),
        (b"new".to_vec(), large),
        (key(2), goodbye()),
    ];
    let results = together(&path, &store, &puts).await;
    assert!(
        matches!(results[1], Err(StoreError::Full(_))),
        "{results:?}"
    );
    assert_eq!(store.get(b"new").await.unwrap(), None);
    for number in [1, 2] {
        let entry = store.get(&key(number)).await.unwrap().unwrap();
        assert_eq!(entry.record, goodbye());
    }
}

/// The index still has the time that the row had: SQLite takes neither away.
#[tokio::test]
async fn a_flipped_bit_in_a_column_does_not_lock_its_user_in() {
    let (_folder, path) = filled(60).await;
    alter(&path, |bytes| {
        let place = row_of(bytes, 30);
        bytes[place + 4] ^= 1;
    });
    let store = FileStore::open(&path).await.unwrap();
    let puts = [29, 30, 31].map(|number| (key(number), goodbye()));
    for result in together(&path, &store, &puts).await {
        result.unwrap();
    }
    let entry = store.get(&key(30)).await.unwrap().unwrap();
    assert_eq!(entry.record, goodbye());
    assert!(store.verify().await.unwrap().is_sound());
}

/// And a rotation of keys gets past it.
#[tokio::test]
async fn a_flipped_bit_in_a_column_is_put_right() {
    let (_folder, path) = filled(60).await;
    alter(&path, |bytes| {
        let place = row_of(bytes, 30);
        bytes[place + 4] ^= 1;
    });
    let store = FileStore::open(&path).await.unwrap();
    assert!(!store.verify().await.unwrap().is_sound());
    let resealed = store.reseal().await.unwrap();
    assert_eq!((resealed.resealed, resealed.failed), (1, 0));
    assert!(store.verify().await.unwrap().is_sound());
    assert_eq!(store.due(at(100), None, 100).await.unwrap().len(), 60);
}

/// The bit in a row's head that makes a text of a blob: everything that goes over
/// all records goes on.
#[tokio::test]
async fn a_column_of_another_type_is_one_records_damage_at_most() {
    let (_folder, path) = filled(4).await;
    alter(&path, |bytes| {
        let place = row_of(bytes, 2);
        // Before the times are the version, of so many bytes, the key, and the
        // row's head, which ends with the type of the value.
        let key = key(2);
        let start = bytes[..place]
            .windows(key.len())
            .rposition(|part| part == key)
            .unwrap();
        bytes[start - 1] ^= 1;
    });
    let store = FileStore::open(&path).await.unwrap();
    assert_eq!(store.due(at(100), None, 100).await.unwrap().len(), 4);
    let found = store.verify().await.unwrap();
    assert_eq!(found.records, 4);
    assert!(!found.is_sound());
    for number in 0..4 {
        let entry = store.get(&key(number)).await.unwrap().unwrap();
        assert_eq!(entry.record, user(number));
    }
    store.reseal().await.unwrap();
    assert_eq!(store.purge(Timestamp::MAX, 100).await.unwrap(), 4);
}

/// Killed while it changed the file in place, as when a store is first made.
#[tokio::test]
async fn what_was_left_half_written_is_undone() {
    let (folder, path) = filled(60).await;
    let killed = folder.path().join("killed.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 2;
             BEGIN IMMEDIATE; UPDATE records SET value = zeroblob(500);",
        )
        .unwrap();
    let beside = |path: &Path| path.with_extension("db-journal");
    fs::copy(beside(&path), beside(&killed)).unwrap();
    fs::copy(&path, &killed).unwrap();
    let store = FileStore::open(&killed).await.unwrap();
    assert!(store.verify().await.unwrap().is_sound());
    let entry = store.get(&key(59)).await.unwrap().unwrap();
    assert_eq!(entry.record, user(59));
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_is_no_second_store() {
    let (folder, path) = filled(1).await;
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let store = FileStore::open(&path).await.unwrap();
    let second = FileStore::open(&link).await;
    assert!(matches!(second, Err(StoreError::AlreadyOpen)), "{second:?}");
    store.close().await;
    let store = FileStore::open(&link).await.unwrap();
    assert!(store.get(&key(0)).await.unwrap().is_some());
}
