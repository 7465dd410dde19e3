//! What a memory store promises beyond the contract that all stores keep.

#![allow(clippy::unwrap_used)]

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::{identity, logged_out, opt_out};
use uid2_store::{MemoryStore, Precondition, StoreError, TokenStore, Version};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds)
}

fn user(expires: i64) -> Record {
    identity("x", at(1), at(expires)).unwrap()
}

fn limited(records: usize) -> MemoryStore {
    MemoryStore::with_capacity_limit(NonZeroUsize::new(records).unwrap())
}

async fn put(store: &MemoryStore, key: &str, record: Record) -> Result<Version, StoreError> {
    store
        .put(key.as_bytes(), &record, Precondition::Absent)
        .await
}

async fn has(store: &MemoryStore, key: &str) -> bool {
    store.get(key.as_bytes()).await.unwrap().is_some()
}

#[test]
fn no_call_ever_waits() {
    fn ready<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => unreachable!("a memory store waits"),
        }
    }
    let store = MemoryStore::new();
    ready(store.put(b"k", &user(9), Precondition::Any)).unwrap();
    assert!(ready(store.get(b"k")).unwrap().is_some());
    assert_eq!(ready(store.due(at(1), None, 9)).unwrap().len(), 1);
    assert_eq!(ready(store.purge(at(9), 9)).unwrap(), 1);
    assert!(!ready(store.remove(b"k", Precondition::Any)).unwrap());
}

#[tokio::test]
async fn identities_go_first_and_the_one_that_expires_first() {
    let store = limited(4);
    put(&store, "long", user(300)).await.unwrap();
    put(&store, "short", user(100)).await.unwrap();
    put(&store, "logout", logged_out(at(1), at(2)))
        .await
        .unwrap();
    put(&store, "left", opt_out(at(1))).await.unwrap();
    assert_eq!(store.len(), 4);

    put(&store, "new", user(200)).await.unwrap();
    assert!(!has(&store, "short").await);
    put(&store, "left too", opt_out(at(2))).await.unwrap();
    assert!(!has(&store, "new").await);
    put(&store, "left three", opt_out(at(3))).await.unwrap();
    assert!(
        !has(&store, "long").await,
        "a logout went before an identity"
    );
    put(&store, "left four", opt_out(at(4))).await.unwrap();
    assert!(!has(&store, "logout").await);
    assert_eq!(store.len(), 4);
    let due = store.due(Timestamp::MAX, None, 9).await.unwrap();
    assert!(due.is_empty(), "what was evicted is due");
}

#[tokio::test]
async fn opt_outs_are_never_evicted() {
    let store = limited(3);
    for number in 0..3 {
        put(&store, &format!("left-{number}"), opt_out(at(number)))
            .await
            .unwrap();
    }
    for record in [user(9), opt_out(at(9)), logged_out(at(1), at(2))] {
        let error = put(&store, "new", record).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Capacity { capacity: 3 }),
            "{error:?}"
        );
    }
    // What is there can still be changed and removed.
    store
        .put(b"left-0", &user(9), Precondition::Any)
        .await
        .unwrap();
    put(&store, "new", opt_out(at(9))).await.unwrap();
    assert!(!has(&store, "left-0").await);
    assert!(store.remove(b"left-1", Precondition::Any).await.unwrap());
    put(&store, "newer", opt_out(at(9))).await.unwrap();
    assert_eq!(store.len(), 3);
}

/// An evicted record's version is gone with it: a refresh that was under way
/// cannot bring it back.
#[tokio::test]
async fn what_was_evicted_does_not_come_back() {
    let store = limited(1);
    let version = put(&store, "user", user(9)).await.unwrap();
    put(&store, "other", user(10)).await.unwrap();
    let late = store
        .put(b"user", &user(99), Precondition::Version(version))
        .await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    assert!(has(&store, "other").await);
}

#[test]
fn the_limit_holds_under_many_writers() {
    let store = limited(50);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let store = store.clone();
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    for number in 0..500 {
                        let record = if number % 100 == 0 {
                            opt_out(at(1))
                        } else {
                            user(number)
                        };
                        put(&store, &format!("{writer}-{number}"), record)
                            .await
                            .unwrap();
                        assert!(store.len() <= 50);
                    }
                });
            });
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        for writer in 0..8 {
            for number in (0..500).step_by(100) {
                assert!(
                    has(&store, &format!("{writer}-{number}")).await,
                    "an opt-out is gone"
                );
            }
        }
        let due = store.due(Timestamp::MAX, None, usize::MAX).await.unwrap();
        let identities = store.len() - 40;
        assert!(due.len() <= identities, "what was evicted is due");
        for due in due {
            assert!(store.get(&due.key).await.unwrap().is_some());
        }
    });
}

/// Of two stores that each know of a user, the one that knows that the user left.
#[tokio::test]
async fn a_copy_never_brings_back_who_left() {
    use uid2_store::copy;

    let records = [user(9), logged_out(at(3), at(9)), opt_out(at(4))];
    for (weight, copied) in records.iter().enumerate() {
        for (former_weight, former) in records.iter().enumerate() {
            let (from, to) = (MemoryStore::new(), MemoryStore::new());
            from.put(b"k", copied, Precondition::Any).await.unwrap();
            let version = to.put(b"k", former, Precondition::Any).await.unwrap();
            let done = copy(&from, &to, |_| {}).await.unwrap();
            let found = to.get(b"k").await.unwrap().unwrap();
            if weight > former_weight {
                assert_eq!((done.copied, done.kept), (1, 0));
                assert_eq!(found.record, *copied);
            } else {
                assert_eq!((done.copied, done.kept), (0, 1));
                assert_eq!((&found.record, found.version), (former, version));
            }
        }
    }
}
