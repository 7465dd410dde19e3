//! `RedisStore` against real servers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing
)]

mod conforms;
mod faults;
mod inspect;
mod resent;
mod server;

use std::time::Duration;

use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::{identity, logged_out, opt_out};
use uid2_store::{KeyRing, MemoryStore, Precondition, RedisStore, StoreError, TokenStore, copy};

use self::server::{Server, is_installed};

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds)
}

pub(crate) fn user(text: &str) -> Record {
    identity(text, at(1), at(100)).unwrap()
}

/// When the first of all is due.
async fn next_due(store: &RedisStore) -> Option<Timestamp> {
    let first = store.due(Timestamp::MAX, None, 1).await.unwrap();
    first.first().map(|first| first.due)
}

pub(crate) fn ring() -> KeyRing {
    KeyRing::new([1; 32], 1, [2; 32])
}

/// One node refreshes what it read before another node's logout.
#[tokio::test]
async fn a_logout_on_one_node_is_final_on_the_other() {
    if !is_installed("a_logout_on_one_node_is_final_on_the_other") {
        return;
    }
    let server = Server::start(&[]).await;
    let one = RedisStore::connect(&server.url()).await.unwrap();
    let two = RedisStore::connect(&server.url()).await.unwrap();
    for _ in 0..50 {
        one.put(b"user", &user("first"), Precondition::Any)
            .await
            .unwrap();
        let read = one.get(b"user").await.unwrap();
        let when = Precondition::unchanged(read.as_ref());
        let refreshed = user("refreshed");
        let goodbye = logged_out(at(5), at(6));
        let (late, logout) = tokio::join!(
            one.put(b"user", &refreshed, when),
            two.put(b"user", &goodbye, Precondition::Any),
        );
        logout.unwrap();
        assert!(
            matches!(late, Ok(_) | Err(StoreError::Conflict)),
            "{late:?}"
        );
        for node in [&one, &two] {
            let record = node.get(b"user").await.unwrap().unwrap().record;
            assert_eq!(record, goodbye);
            assert_eq!(next_due(node).await, None);
        }
    }
}

#[tokio::test]
async fn identities_go_by_themselves_and_opt_outs_stay() {
    if !is_installed("identities_go_by_themselves_and_opt_outs_stay") {
        return;
    }
    let server = Server::start(&[]).await;
    let options = RedisStore::options().grace(Duration::from_millis(30));
    let store = options.connect(&server.url()).await.unwrap();
    store
        .put(b"user", &user("x"), Precondition::Any)
        .await
        .unwrap();
    store
        .put(b"left", &opt_out(at(1)), Precondition::Any)
        .await
        .unwrap();
    let mut tries = 0;
    while store.get(b"user").await.unwrap().is_some() {
        tries += 1;
        assert!(tries < 2000, "an expired identity does not go");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // What is left of it in the index goes with the next scan.
    assert!(store.due(Timestamp::MAX, None, 9).await.unwrap().is_empty());
    assert_eq!(next_due(&store).await, None);
    assert!(store.get(b"left").await.unwrap().is_some());
    // An opt-out that takes an identity's place stays too.
    store
        .put(b"late", &user("x"), Precondition::Any)
        .await
        .unwrap();
    store
        .put(b"late", &opt_out(at(2)), Precondition::Any)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(store.get(b"late").await.unwrap().is_some());
    let stats = store.stats().await.unwrap();
    assert_eq!(
        (stats.records, stats.opt_outs, stats.refreshable),
        (2, 2, 0)
    );
}

/// Longer than Redis can count is for good.
#[tokio::test]
async fn a_grace_without_end_is_one() {
    if !is_installed("a_grace_without_end_is_one") {
        return;
    }
    let server = Server::start(&[]).await;
    let options = RedisStore::options().grace(Duration::MAX);
    let store = options.connect(&server.url()).await.unwrap();
    let put = store.put(b"user", &user("x"), Precondition::Any).await;
    let entry = store.get(b"user").await.unwrap().unwrap();
    assert_eq!((entry.record, entry.version), (user("x"), put.unwrap()));
}

#[tokio::test]
async fn a_copy_goes_in_and_out_and_keys_rotate() {
    if !is_installed("a_copy_goes_in_and_out_and_keys_rotate") {
        return;
    }
    let server = Server::start(&[]).await;
    let memory = MemoryStore::new();
    for number in 0..500 {
        let key = format!("user-{number}");
        let record = if number % 2 == 0 {
            user(&key)
        } else {
            opt_out(at(number))
        };
        memory
            .put(key.as_bytes(), &record, Precondition::Any)
            .await
            .unwrap();
    }
    let old = RedisStore::options()
        .encrypt(ring())
        .connect(&server.url())
        .await
        .unwrap();
    let done = copy(&memory, &old, |_| {}).await.unwrap();
    assert_eq!((done.copied, done.failed), (500, 0));

    let rotated = KeyRing::new([1; 32], 2, [3; 32]);
    let both = rotated.clone().with_former_key(1, [2; 32]).unwrap();
    let both = RedisStore::options()
        .encrypt(both)
        .connect(&server.url())
        .await
        .unwrap();
    let version = both.get(b"user-8").await.unwrap().unwrap().version;
    let done = both.reseal().await.unwrap();
    assert_eq!((done.resealed, done.failed), (500, 0));
    assert!(matches!(
        old.get(b"user-8").await,
        Err(StoreError::KeyMissing { id: 2 })
    ));
    let new = RedisStore::options()
        .encrypt(rotated)
        .connect(&server.url())
        .await
        .unwrap();
    assert_eq!(new.get(b"user-8").await.unwrap().unwrap().version, version);

    let back = MemoryStore::new();
    let done = copy(&new, &back, |_| {}).await.unwrap();
    assert_eq!((done.copied, done.failed), (500, 0));
    for number in 0..500 {
        let key = format!("user-{number}");
        let (a, b) = (
            memory.get(key.as_bytes()).await,
            back.get(key.as_bytes()).await,
        );
        assert_eq!(a.unwrap().unwrap().record, b.unwrap().unwrap().record);
    }
    assert_eq!(new.stats().await.unwrap().opt_outs, 250);
}
