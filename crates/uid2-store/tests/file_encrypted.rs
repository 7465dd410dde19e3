//! Encryption at rest: what shows in the file, who can open it, and rotation.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::{identity, opt_out};
use uid2_store::{FileStore, KeyRing, MemoryStore, Precondition, StoreError, TokenStore, copy};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds)
}

fn user(text: &str) -> Record {
    identity(text, at(1), at(100)).unwrap()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

fn ring() -> KeyRing {
    KeyRing::new([1; 32], 1, [11; 32])
}

async fn open(path: &Path, ring: KeyRing) -> Result<FileStore, StoreError> {
    FileStore::options().encrypt(ring).open(path).await
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

#[tokio::test]
async fn neither_users_nor_tokens_show_in_the_files() {
    for encrypted in [false, true] {
        let (_folder, path) = folder();
        let options = FileStore::options();
        let options = if encrypted {
            options.encrypt(ring())
        } else {
            options
        };
        let store = options.open(&path).await.unwrap();
        let record = user("secret-token");
        store
            .put(b"alice@example.com", &record, Precondition::Any)
            .await
            .unwrap();
        let log = fs::read(path.with_extension("db-wal")).unwrap();
        store.close().await;
        let file = fs::read(&path).unwrap();
        for bytes in [log, file] {
            for secret in [&b"alice"[..], b"secret-token", &[7; 32]] {
                // The plain store shows that this test would see it.
                assert_eq!(contains(&bytes, secret), !encrypted);
            }
        }
    }
}

#[tokio::test]
async fn a_store_opens_only_with_its_own_ring() {
    let (_folder, path) = folder();
    let store = open(&path, ring()).await.unwrap();
    store
        .put(b"user", &user("x"), Precondition::Any)
        .await
        .unwrap();
    store.close().await;
    let before = fs::read(&path).unwrap();

    let error = FileStore::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Encrypted), "{error:?}");
    let error = open(&path, KeyRing::new([2; 32], 1, [11; 32]))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::WrongKeyRing), "{error:?}");
    let look = FileStore::options()
        .read_only()
        .open(&path)
        .await
        .unwrap_err();
    assert!(matches!(look, StoreError::Encrypted), "{look:?}");

    // The ring's names, but another key under the same id, and another id.
    let altered = open(&path, KeyRing::new([1; 32], 1, [12; 32]))
        .await
        .unwrap();
    let error = altered.get(b"user").await.unwrap_err();
    assert!(
        matches!(error, StoreError::NotAuthentic { id: 1 }),
        "{error:?}"
    );
    assert!(
        altered
            .due(Timestamp::MAX, None, 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(altered.purge(Timestamp::MAX, 9).await.unwrap(), 0);
    altered.close().await;
    let newer = open(&path, KeyRing::new([1; 32], 2, [11; 32]))
        .await
        .unwrap();
    let error = newer.get(b"user").await.unwrap_err();
    assert!(
        matches!(error, StoreError::KeyMissing { id: 1 }),
        "{error:?}"
    );
    newer.close().await;

    assert_eq!(fs::read(&path).unwrap(), before, "the file was changed");
    let store = open(&path, ring()).await.unwrap();
    assert_eq!(store.get(b"user").await.unwrap().unwrap().record, user("x"));
}

#[tokio::test]
async fn a_plain_store_is_not_taken_for_an_encrypted_one() {
    let (_folder, path) = folder();
    FileStore::open(&path).await.unwrap().close().await;
    let error = open(&path, ring()).await.unwrap_err();
    assert!(matches!(error, StoreError::NotEncrypted), "{error:?}");
}

#[tokio::test]
async fn values_that_were_swapped_in_the_file_are_not_served() {
    let (_folder, path) = folder();
    let store = open(&path, ring()).await.unwrap();
    for key in [&b"alice"[..], b"bob"] {
        let record = user(std::str::from_utf8(key).unwrap());
        store.put(key, &record, Precondition::Any).await.unwrap();
    }
    store.close().await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    // Whole values, check and all: the keys are what is exchanged.
    connection
        .execute_batch(
            "UPDATE records SET value = (SELECT value FROM records WHERE id = 1) WHERE id = 2;
             UPDATE records SET key = zeroblob(32) WHERE id = 1;",
        )
        .unwrap();
    drop(connection);
    let store = open(&path, ring()).await.unwrap();
    assert!(matches!(store.get(b"bob").await, Err(StoreError::Damaged)));
    assert_eq!(store.get(b"alice").await.unwrap(), None);
    assert_eq!(store.verify().await.unwrap().damaged, 2);
}

#[tokio::test]
async fn rotation_seals_everything_anew_while_the_store_is_in_use() {
    let (_folder, path) = folder();
    let store = open(&path, ring()).await.unwrap();
    let mut versions = Vec::new();
    for number in 0..300 {
        let key = format!("user-{number}");
        let record = if number % 3 == 0 {
            opt_out(at(number))
        } else {
            user(&key)
        };
        versions.push(
            store
                .put(key.as_bytes(), &record, Precondition::Any)
                .await
                .unwrap(),
        );
    }
    store.close().await;

    let rotated = KeyRing::new([1; 32], 2, [22; 32]);
    let both = rotated.clone().with_former_key(1, [11; 32]).unwrap();
    let store = open(&path, both.clone()).await.unwrap();
    // Written with the new key before its turn comes, and not sealed again.
    store
        .put(b"user-7", &user("new"), Precondition::Any)
        .await
        .unwrap();
    let done = store.reseal().await.unwrap();
    assert_eq!((done.resealed, done.failed), (299, 0));
    let again = store.reseal().await.unwrap();
    assert_eq!((again.resealed, again.failed), (0, 0));
    store.close().await;

    // The old key is not needed any more; versions and due times have stayed.
    let store = open(&path, rotated).await.unwrap();
    for (number, version) in versions.iter().enumerate() {
        let entry = store
            .get(format!("user-{number}").as_bytes())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(entry.version == *version, number != 7);
    }
    assert_eq!(store.due(at(1), None, 1000).await.unwrap().len(), 200);
    assert!(store.verify().await.unwrap().is_sound());
}

#[tokio::test]
async fn a_copy_encrypts_and_decrypts() {
    let (_folder, path) = folder();
    let plain = MemoryStore::new();
    for number in 0..700_i64 {
        let key = format!("user-{number}");
        plain
            .put(key.as_bytes(), &opt_out(at(number)), Precondition::Any)
            .await
            .unwrap();
    }
    let encrypted = open(&path, ring()).await.unwrap();
    encrypted
        .put(b"user-1", &user("old"), Precondition::Any)
        .await
        .unwrap();
    encrypted
        .put(b"user-2", &opt_out(at(-5)), Precondition::Any)
        .await
        .unwrap();
    let mut told = Vec::new();
    // Many at a time, so that they share commits.
    let done = copy(&plain, &encrypted, |so_far| told.push(so_far))
        .await
        .unwrap();
    // The opt-out of user-1 was copied although there was an identity.
    assert_eq!((done.copied, done.kept, done.failed), (699, 1, 0));
    assert_eq!(told.last(), Some(&done));
    assert_eq!(
        encrypted.get(b"user-1").await.unwrap().unwrap().record,
        opt_out(at(1))
    );
    assert_eq!(
        encrypted.get(b"user-2").await.unwrap().unwrap().record,
        opt_out(at(-5))
    );

    let back = MemoryStore::new();
    let done = copy(&encrypted, &back, |_| {}).await.unwrap();
    assert_eq!((done.copied, done.kept, done.failed), (700, 0, 0));
    for number in 3..700_i64 {
        let entry = back.get(format!("user-{number}").as_bytes()).await.unwrap();
        assert_eq!(entry.unwrap().record, opt_out(at(number)));
    }
    // Again: everything is there.
    let done = copy(&encrypted, &back, |_| {}).await.unwrap();
    assert_eq!((done.copied, done.kept, done.failed), (0, 700, 0));
}
