//! Bits that flip on the disk: an error for the record they are in, and for no
//! other.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use rusqlite::params;
use tempfile::TempDir;
use uid2_core::Timestamp;
use uid2_store::conformance::{identity, logged_out, opt_out};
use uid2_store::{FileStore, MemoryStore, Precondition, StoreError, TokenStore, copy};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds)
}

/// Three users and an opt-out, closed.
async fn filled(path: &Path) {
    let store = FileStore::open(path).await.unwrap();
    for (number, key) in (0..).zip([b"a", b"b", b"c"]) {
        let record = identity(&"t".repeat(1000), at(number), at(100)).unwrap();
        store.put(key, &record, Precondition::Absent).await.unwrap();
    }
    store
        .put(b"left", &opt_out(at(9)), Precondition::Absent)
        .await
        .unwrap();
    store.close().await;
}

fn alter(path: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    assert_eq!(connection.execute(sql, params![]).unwrap(), 1);
}

/// `b` is damaged, the rest works, and the store can be mended.
async fn check_only_b_is_damaged(path: &Path) {
    let store = FileStore::open(path).await.unwrap();
    let error = store.get(b"b").await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged), "{error:?}");
    for key in [&b"a"[..], b"c", b"left"] {
        assert!(store.get(key).await.unwrap().is_some());
    }
    let found = store.verify().await.unwrap();
    assert_eq!((found.records, found.damaged), (4, 1));
    assert!(!found.is_sound());

    // It is not purged for what its columns say, and does not keep others.
    assert_eq!(store.purge(Timestamp::MAX, 100).await.unwrap(), 2);
    assert!(store.get(b"b").await.is_err());
    assert!(store.get(b"left").await.unwrap().is_some());

    let fresh = identity("new", at(50), at(100)).unwrap();
    store.put(b"b", &fresh, Precondition::Any).await.unwrap();
    assert_eq!(store.get(b"b").await.unwrap().unwrap().record, fresh);
    assert!(store.verify().await.unwrap().is_sound());
}

#[tokio::test]
async fn a_flipped_bit_in_a_value() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    filled(&path).await;
    let mut bytes = fs::read(&path).unwrap();
    // The token of `b` is told from the others' by its time, just after it.
    let mark = format!("\"refresh_from\":{}", at(1).as_millis());
    let place = bytes
        .windows(mark.len())
        .position(|part| part == mark.as_bytes());
    bytes[place.unwrap() - 500] ^= 0x10;
    fs::write(&path, &bytes).unwrap();
    check_only_b_is_damaged(&path).await;
}

#[tokio::test]
async fn a_truncated_value() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    filled(&path).await;
    alter(
        &path,
        "UPDATE records SET value = substr(value, 1, 300) WHERE key = x'62'",
    );
    check_only_b_is_damaged(&path).await;
}

#[tokio::test]
async fn the_value_of_another_user() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    filled(&path).await;
    alter(
        &path,
        "UPDATE records SET value = (SELECT value FROM records WHERE key = x'61') \
         WHERE key = x'62'",
    );
    check_only_b_is_damaged(&path).await;
}

/// The record is what counts: it is served, found to be misplaced, and put right.
#[tokio::test]
async fn a_due_time_that_is_not_the_records() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    filled(&path).await;
    alter(
        &path,
        "UPDATE records SET due = due + 1000000 WHERE key = x'62'",
    );
    let store = FileStore::open(&path).await.unwrap();
    let entry = store.get(b"b").await.unwrap().unwrap();
    assert_eq!(entry.record.due(), Some(at(1)));
    assert_eq!(store.due(at(10), None, 9).await.unwrap().len(), 2);
    let found = store.verify().await.unwrap();
    assert_eq!((found.damaged, found.misplaced), (0, 1));
    assert!(!found.is_sound());

    assert_eq!(store.reseal().await.unwrap().resealed, 1);
    assert_eq!(store.get(b"b").await.unwrap(), Some(entry));
    assert_eq!(store.due(at(10), None, 9).await.unwrap().len(), 3);
    assert!(store.verify().await.unwrap().is_sound());
}

/// An opt-out whose column says that it expires is still not purged.
#[tokio::test]
async fn an_expiry_that_is_not_the_records() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    filled(&path).await;
    alter(
        &path,
        "UPDATE records SET expires = 5 WHERE key = x'6c656674'",
    );
    let store = FileStore::open(&path).await.unwrap();
    assert_eq!(store.purge(at(0), 100).await.unwrap(), 0);
    assert_eq!(store.purge(Timestamp::MAX, 100).await.unwrap(), 3);
    let left = store.get(b"left").await.unwrap().unwrap();
    assert_eq!(left.record, opt_out(at(9)));
    assert_eq!(store.verify().await.unwrap().misplaced, 1);
}

#[tokio::test]
async fn a_record_of_a_newer_format() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    filled(&path).await;
    // A value as a later version may write it: format 9, with a check that holds.
    let mut check = crc32fast::Hasher::new();
    for part in [&[9][..], b"b", &1_u32.to_le_bytes(), b"who knows"] {
        check.update(part);
    }
    let value = [&[9][..], &check.finalize().to_le_bytes(), b"who knows"].concat();
    let connection = rusqlite::Connection::open(&path).unwrap();
    let sql = "UPDATE records SET value = ?1 WHERE key = x'62'";
    assert_eq!(connection.execute(sql, [value]).unwrap(), 1);
    drop(connection);

    let store = FileStore::open(&path).await.unwrap();
    let error = store.get(b"b").await.unwrap_err();
    assert!(
        matches!(error, StoreError::NewerFormat { found: 9, .. }),
        "{error:?}"
    );
    assert!(store.get(b"a").await.unwrap().is_some());
    let found = store.verify().await.unwrap();
    assert_eq!((found.damaged, found.newer), (0, 1));
    assert_eq!(store.purge(Timestamp::MAX, 100).await.unwrap(), 2);
}

/// Every page of the file in turn is overwritten: whatever that hits, what comes
/// back is what was put, or an error.
#[tokio::test]
async fn a_lost_page_never_gives_wrong_data() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    filled(&path).await;
    let whole = fs::read(&path).unwrap();
    let good = FileStore::open(&path).await.unwrap();
    let mut expected = Vec::new();
    for key in [&b"a"[..], b"b", b"c", b"left"] {
        expected.push((key, good.get(key).await.unwrap()));
    }
    good.close().await;

    let pages = whole.len() / 4096;
    assert!(pages > 4);
    let mut errors = 0;
    for page in 0..pages {
        for fill in [0_u8, 0xff, 0x0d] {
            let mut bytes = whole.clone();
            bytes[page * 4096..][..4096].fill(fill);
            fs::write(&path, &bytes).unwrap();
            let Ok(store) = FileStore::open(&path).await else {
                errors += 1;
                continue;
            };
            for (key, entry) in &expected {
                match store.get(key).await {
                    Ok(found) if found.is_some() => assert_eq!(found, *entry),
                    // The page said that there was nothing: then the check of the
                    // structure must know better.
                    Ok(_) => assert!(!store.verify().await.unwrap().is_sound()),
                    Err(_) => errors += 1,
                }
            }
            store.close().await;
        }
    }
    assert!(errors > 0, "no page mattered");
}

/// Whichever page is lost, what is on the others is found, and what is not is named.
#[tokio::test]
async fn a_lost_page_is_gone_around() {
    const RECORDS: u64 = 60;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = FileStore::open(&path).await.unwrap();
    let mut expected = HashMap::new();
    for number in 0..i64::try_from(RECORDS).unwrap() {
        let key = format!("user-{number}").into_bytes();
        let record = identity(&"t".repeat(1000), at(number), at(100)).unwrap();
        let put = store.put(&key, &record, Precondition::Absent).await;
        put.unwrap();
        expected.insert(key, record);
    }
    store.close().await;
    let whole = fs::read(&path).unwrap();

    let (mut opened, mut in_part) = (0, 0);
    let pages = whole.len() / 4096;
    for page in 0..pages {
        let mut bytes = whole.clone();
        bytes[page * 4096..][..4096].fill(0xff);
        fs::write(&path, &bytes).unwrap();
        // Only the page of the layout and that of the state are needed to open it.
        let Ok(store) = FileStore::options().read_only().open(&path).await else {
            continue;
        };
        opened += 1;
        let found = store.verify().await.unwrap();
        assert!(!found.is_sound(), "page {page} of {pages}");
        assert_eq!(found.records, RECORDS, "page {page} of {pages}");
        let named = store.unreadable().await.unwrap();
        assert_eq!(named.len() as u64, found.damaged);

        let rescued = MemoryStore::new();
        let done = copy(&store, &rescued, |_| ()).await.unwrap();
        assert_eq!(done.failed, found.damaged);
        assert_eq!(done.copied + done.failed, RECORDS);
        in_part += usize::from(done.copied > 0 && done.failed > 0);
        let named: HashSet<_> = named.into_iter().map(|one| one.stored_key).collect();
        for (key, record) in &expected {
            let entry = rescued.get(key).await.unwrap();
            let is_named = named.contains(&key[..]);
            assert_eq!(entry.is_none(), is_named);
            assert!(is_named || entry.unwrap().record == *record);
        }
        store.close().await;
    }
    assert!(opened >= pages - 2, "{opened} of {pages} opened");
    assert!(in_part > 10, "{in_part} of {pages} hit some and not others");
}

/// By name, so that they can be removed, plain and encrypted.
#[tokio::test]
async fn what_cannot_be_read_is_named() {
    use uid2_store::{Codec, FileOptions, KeyRing};

    let ring = || KeyRing::new([1; 32], 1, [2; 32]);
    let kinds: [(FileOptions, Codec); 2] = [
        (FileStore::options(), Codec::plain()),
        (FileStore::options().encrypt(ring()), Codec::sealed(ring())),
    ];
    for (options, codec) in kinds {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        let store = options.clone().open(&path).await.unwrap();
        // More than it reads at a time, damaged ones on both sides of that.
        let keys: Vec<_> = (0..1100).map(|number| format!("user-{number}")).collect();
        let record = identity("x", at(1), at(100)).unwrap();
        let puts = keys
            .iter()
            .map(|key| store.put(key.as_bytes(), &record, Precondition::Absent));
        futures_util::future::try_join_all(puts).await.unwrap();
        assert!(store.unreadable().await.unwrap().is_empty());
        store.close().await;

        let spoilt = ["user-3", "user-999", "user-1050"];
        let connection = rusqlite::Connection::open(&path).unwrap();
        for key in spoilt {
            let stored_key = codec.stored_key(key.as_bytes());
            let sql = "UPDATE records SET value = x'0102' WHERE key = ?1";
            assert_eq!(connection.execute(sql, [&stored_key[..]]).unwrap(), 1);
        }
        drop(connection);

        let store = options.open(&path).await.unwrap();
        let found = store.unreadable().await.unwrap();
        let mut names = Vec::new();
        for unreadable in &found {
            assert!(matches!(unreadable.error, StoreError::Damaged));
            let shown = format!("{unreadable:?}");
            assert_eq!(shown, "Unreadable { error: Damaged, .. }");
            names.push(unreadable.stored_key.to_vec());
        }
        names.sort();
        let stored = |key: &str| codec.stored_key(key.as_bytes()).into_owned();
        let mut expected: Vec<_> = spoilt.iter().map(|key| stored(key)).collect();
        expected.sort();
        assert_eq!(names, expected);
        assert_eq!(store.verify().await.unwrap().damaged, 3);

        for key in spoilt {
            let removed = store.remove(key.as_bytes(), Precondition::Any).await;
            assert!(removed.unwrap());
        }
        assert!(store.unreadable().await.unwrap().is_empty());
        assert!(store.verify().await.unwrap().is_sound());
        store.close().await;
    }
}

/// A copy goes on past a damaged record of the other store, and who left has left.
#[tokio::test]
async fn a_copy_onto_a_damaged_record() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    for (left, copied, failed) in [
        (Some(opt_out(at(9))), 2, 0),
        (Some(logged_out(at(9), at(99))), 2, 0),
        (None, 1, 1),
    ] {
        let _ = fs::remove_file(&path);
        filled(&path).await;
        alter(
            &path,
            "UPDATE records SET value = substr(value, 1, 300) WHERE key = x'62'",
        );
        let to = FileStore::open(&path).await.unwrap();
        let from = MemoryStore::new();
        let is_identity = left.is_none();
        let record = left.unwrap_or_else(|| identity("x", at(1), at(2)).unwrap());
        for key in [b"b", b"z"] {
            from.put(key, &record, Precondition::Any).await.unwrap();
        }
        let done = copy(&from, &to, |_| ()).await.unwrap();
        assert_eq!((done.copied, done.kept, done.failed), (copied, 0, failed));
        let there = to.get(b"b").await;
        assert_eq!(there.is_err(), is_identity, "{there:?}");
        assert!(to.get(b"z").await.unwrap().is_some());
        to.close().await;
    }
}
