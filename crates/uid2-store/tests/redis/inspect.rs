//! Who only looks, and what cannot be read.

use uid2_core::Timestamp;
use uid2_store::conformance::opt_out;
use uid2_store::{Leases, Precondition, RedisStore, Scan, StoreError, TokenStore};

use super::server::{Server, is_installed};
use super::{at, ring, user};

/// All keys that there are in a server, with what is in them.
async fn dump(server: &Server) -> Vec<(String, Vec<u8>)> {
    let client = redis::Client::open(server.url()).unwrap();
    let mut raw = client.get_multiplexed_async_connection().await.unwrap();
    let mut keys: Vec<String> = redis::cmd("KEYS")
        .arg("*")
        .query_async(&mut raw)
        .await
        .unwrap();
    keys.sort();
    let mut dumped = Vec::new();
    for key in keys {
        let content: Vec<u8> = redis::cmd("DUMP")
            .arg(&key)
            .query_async(&mut raw)
            .await
            .unwrap();
        dumped.push((key, content));
    }
    dumped
}

#[tokio::test]
async fn who_only_looks_writes_nothing() {
    if !is_installed("who_only_looks_writes_nothing") {
        return;
    }
    let server = Server::start(&[]).await;
    let url = server.url();
    // Nothing there, and nothing after it.
    for options in [RedisStore::options(), RedisStore::options().encrypt(ring())] {
        let error = options.read_only().connect(&url).await.unwrap_err();
        assert!(matches!(error, StoreError::NotAStore(None)), "{error:?}");
    }
    assert_eq!(dump(&server).await, []);

    let short = RedisStore::options().grace(std::time::Duration::from_millis(1));
    let store = short.connect(&url).await.unwrap();
    store
        .put(b"left", &opt_out(at(1)), Precondition::Any)
        .await
        .unwrap();
    store
        .put(b"user", &user("x"), Precondition::Any)
        .await
        .unwrap();
    // Gone by itself, but for what a scan would take out of the index.
    while store.get(b"user").await.unwrap().is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let before = dump(&server).await;

    let looking = RedisStore::options()
        .read_only()
        .connect(&url)
        .await
        .unwrap();
    assert!(looking.is_read_only() && !store.is_read_only());
    assert!(looking.get(b"left").await.unwrap().is_some());
    assert_eq!(looking.stats().await.unwrap().opt_outs, 1);
    assert_eq!(looking.due(Timestamp::MAX, None, 9).await.unwrap(), []);
    assert_eq!(looking.scan(None, 9).await.unwrap().0.len() + 63, 63);
    assert!(looking.unreadable().await.unwrap().is_empty());
    let refused = |error| matches!(error, StoreError::ReadOnly(None));
    let put = looking.put(b"new", &user("x"), Precondition::Any).await;
    assert!(refused(put.unwrap_err()));
    let remove = looking.remove(b"left", Precondition::Any).await;
    assert!(refused(remove.unwrap_err()));
    assert!(refused(looking.purge(Timestamp::MAX, 9).await.unwrap_err()));
    assert!(refused(looking.reseal().await.unwrap_err()));
    let lease = looking.acquire(b"left", std::time::Duration::MAX).await;
    assert!(refused(lease.unwrap_err()));
    assert_eq!(dump(&server).await, before);

    // Who writes cleans up.
    assert_eq!(store.due(Timestamp::MAX, None, 9).await.unwrap(), []);
    assert_ne!(dump(&server).await, before);
    let wrong = RedisStore::options().read_only().encrypt(ring());
    let error = wrong.connect(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::NotEncrypted), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    if !is_installed("what_cannot_be_read_is_named") {
        return;
    }
    let server = Server::start(&[]).await;
    let client = redis::Client::open(server.url()).unwrap();
    let mut raw = client.get_multiplexed_async_connection().await.unwrap();
    for (prefix, options) in [
        ("plain", RedisStore::options()),
        ("sealed", RedisStore::options().encrypt(ring())),
    ] {
        let store = options.prefix(prefix).connect(&server.url()).await.unwrap();
        let mut names = std::collections::HashMap::new();
        for number in 0..300 {
            let key = format!("user-{number}");
            store
                .put(key.as_bytes(), &user(&key), Precondition::Any)
                .await
                .unwrap();
            let pattern = format!("{prefix}:*:r:*");
            let all: Vec<Vec<u8>> = match number {
                7 | 250 => redis::cmd("KEYS")
                    .arg(pattern)
                    .query_async(&mut raw)
                    .await
                    .unwrap(),
                _ => continue,
            };
            // The one that was not there before.
            for name in all {
                names.entry(name).or_insert(number);
            }
        }
        assert!(store.unreadable().await.unwrap().is_empty());
        // One with another value than was written, one with none.
        let spoilt: Vec<_> = names.keys().take(2).cloned().collect();
        let set = redis::cmd("HSET")
            .arg(&spoilt[0])
            .arg("d")
            .arg("rubbish")
            .clone();
        let _: () = set.query_async(&mut raw).await.unwrap();
        let del = redis::cmd("HDEL").arg(&spoilt[1]).arg("d").clone();
        let _: () = del.query_async(&mut raw).await.unwrap();

        let mut found = store.unreadable().await.unwrap();
        assert_eq!(found.len(), 2, "{prefix}: {found:?}");
        for unreadable in &found {
            assert!(
                matches!(unreadable.error, StoreError::Damaged),
                "{unreadable:?}"
            );
            assert_eq!(
                format!("{unreadable:?}"),
                "Unreadable { error: Damaged, .. }"
            );
        }
        let end_of = |name: &[u8]| {
            let at = name.windows(3).position(|part| part == b":r:").unwrap();
            Box::<[u8]>::from(&name[at + 3..])
        };
        let mut expected: Vec<_> = spoilt.iter().map(|name| end_of(name)).collect();
        expected.sort();
        found.sort_by(|one, other| one.stored_key.cmp(&other.stored_key));
        let found: Vec<_> = found.into_iter().map(|found| found.stored_key).collect();
        assert_eq!(found, expected, "{prefix}");
    }
}
