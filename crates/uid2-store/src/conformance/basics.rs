//! One caller at a time.

use std::collections::HashSet;

use futures_util::future::try_join_all;
use uid2_core::Timestamp;
use uid2_core::lifecycle::{OptOut, OptOutReason, Record, RefreshState};

use super::sample::{identity, logged_out, opt_out};
use super::{Backend, Broken, Check, ensure};
use crate::{Entry, Precondition, StoreError, TokenStore, Version};

/// A time in 2023, and so many seconds later.
pub(super) const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds)
}

pub(super) fn sample(text: &str, due: Timestamp, expires: Timestamp) -> Result<Record, Broken> {
    identity(text, due, expires).map_err(|error| Broken(error.to_string()))
}

/// Puts many at once, so that a store that can share commits does.
pub(super) async fn put_all<S: TokenStore>(store: &S, records: &[(Vec<u8>, Record)]) -> Check {
    let puts = records
        .iter()
        .map(|(key, record)| store.put(key, record, Precondition::Absent));
    try_join_all(puts).await?;
    Ok(())
}

/// When the first of all is due.
pub(super) async fn next_due<S: TokenStore>(store: &S) -> Result<Option<Timestamp>, Broken> {
    let first = store.due(Timestamp::MAX, None, 1).await?;
    Ok(first.first().map(|first| first.due))
}

pub(super) async fn missing<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    ensure!(
        store.get(b"nobody").await?.is_none(),
        "got a record that was never put"
    );
    ensure!(
        !store.remove(b"nobody", Precondition::Any).await?,
        "removed what was not there"
    );
    ensure!(
        next_due(&store).await?.is_none(),
        "something is due in an empty store"
    );
    ensure!(
        store.due(Timestamp::MAX, None, 10).await?.is_empty(),
        "a key is due in an empty store"
    );
    ensure!(
        store.purge(Timestamp::MAX, 10).await? == 0,
        "purged from an empty store"
    );
    Ok(())
}

/// One record of each shape.
fn shapes() -> Result<Vec<Record>, Broken> {
    let mut records = vec![
        opt_out(at(1)),
        Record::OptOut(OptOut {
            reason: OptOutReason::Publisher,
            at: Timestamp::from_millis(-1),
        }),
        logged_out(at(1), at(2)),
        logged_out(Timestamp::from_millis(i64::MIN), Timestamp::MAX),
    ];
    let states = [
        RefreshState::Idle,
        RefreshState::Ended,
        RefreshState::Dormant,
        RefreshState::Backoff {
            failures: u32::MAX,
            since: at(98),
            until: at(99),
        },
    ];
    for refresh in states {
        for dii in [None, Some([0xab; 32])] {
            let Record::Identity(mut stored) = sample("shape", at(10), at(200))? else {
                return Err(Broken("the sample is no identity".to_owned()));
            };
            stored.refresh = refresh;
            stored.dii = dii;
            records.push(Record::Identity(stored));
        }
    }
    Ok(records)
}

pub(super) async fn round_trip<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    // Over one another under one key, and each under its own.
    for (number, record) in shapes()?.into_iter().enumerate() {
        for key in [b"same".to_vec(), format!("own-{number}").into_bytes()] {
            let version = store.put(&key, &record, Precondition::Any).await?;
            let expected = Entry {
                record: record.clone(),
                version,
            };
            let found = store.get(&key).await?;
            ensure!(
                found.as_ref() == Some(&expected),
                "put {expected:?}, got {found:?}"
            );
        }
    }
    Ok(())
}

pub(super) async fn expired_is_served<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    let long_ago = Timestamp::from_millis(1000);
    for (key, record) in [
        (&b"identity"[..], sample("old", long_ago, long_ago)?),
        (b"logout", logged_out(long_ago, long_ago)),
    ] {
        store.put(key, &record, Precondition::Absent).await?;
        let found = store.get(key).await?.map(|entry| entry.record);
        ensure!(
            found == Some(record),
            "an expired record is not given: {found:?}"
        );
    }
    Ok(())
}

pub(super) async fn handles<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    let other = store.clone();
    let first = store
        .put(b"key", &opt_out(at(1)), Precondition::Absent)
        .await?;
    let seen = other.get(b"key").await?.map(|entry| entry.version);
    ensure!(seen == Some(first), "a clone does not see a put: {seen:?}");
    let second = other
        .put(b"key", &opt_out(at(2)), Precondition::Version(first))
        .await?;
    let seen = store.get(b"key").await?.map(|entry| entry.version);
    ensure!(
        seen == Some(second),
        "the store does not see a put of its clone: {seen:?}"
    );
    drop(store);
    ensure!(
        other.remove(b"key", Precondition::Any).await?,
        "gone with another handle"
    );
    ensure!(other.get(b"key").await?.is_none(), "a removal is not seen");

    let separate = backend.empty().await;
    other
        .put(b"key", &opt_out(at(3)), Precondition::Any)
        .await?;
    ensure!(separate.get(b"key").await?.is_none(), "two stores are one");
    Ok(())
}

pub(super) async fn keys<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    let longest = vec![b'k'; B::Store::MAX_KEY];
    let mut keys: Vec<Vec<u8>> = [
        &b""[..],
        b"\0",
        b"\0\0",
        b"a",
        b"a\0",
        b"A",
        b" a",
        b"a ",
        b"a:b",
        b"{a}",
        b"*",
        b"%",
        b"'; DROP TABLE records; --",
        b"\xff\xfe\xfd",
        b"../../etc",
        "Grüße, 世界 \u{1f600}".as_bytes(),
        "Gru\u{308}ße, 世界 \u{1f600}".as_bytes(),
        b"line\r\nbreak",
        &longest,
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    keys.extend((0..=255_u8).map(|byte| vec![b'b', byte]));
    let mut records = Vec::new();
    for (number, key) in (0_i64..).zip(&keys) {
        records.push((key.clone(), sample("key", at(number), at(1000))?));
    }
    put_all(&store, &records).await?;
    for (number, key) in (0_i64..).zip(&keys) {
        let due = store.get(key).await?.and_then(|entry| entry.record.due());
        ensure!(
            due == Some(at(number)),
            "key {key:?} has the record of another, or none"
        );
    }
    let due = store.due(Timestamp::MAX, None, usize::MAX).await?;
    let due: Vec<_> = due.into_iter().map(|due| due.key.into_vec()).collect();
    ensure!(
        due == keys,
        "the due scan gives other keys than were put: {due:?}"
    );
    let removals = keys.iter().map(|key| store.remove(key, Precondition::Any));
    let removed = try_join_all(removals).await?;
    ensure!(
        removed.iter().all(|removed| *removed),
        "a key cannot be removed"
    );
    too_long(&store).await
}

async fn too_long<S: TokenStore>(store: &S) -> Check {
    let key = vec![b'k'; S::MAX_KEY + 1];
    let is_refused = |result| matches!(result, Err(StoreError::KeyTooLong { .. }));
    ensure!(
        is_refused(store.get(&key).await.map(drop)),
        "get takes a key that is too long"
    );
    let put = store.put(&key, &opt_out(at(1)), Precondition::Any).await;
    ensure!(
        is_refused(put.map(drop)),
        "put takes a key that is too long"
    );
    let remove = store.remove(&key, Precondition::Any).await;
    ensure!(
        is_refused(remove.map(drop)),
        "remove takes a key that is too long"
    );
    Ok(())
}

pub(super) async fn large<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    for size in [1, 1_000, 4_096, 65_536, 1 << 20] {
        let record = sample(&"x".repeat(size), at(1), at(2))?;
        store.put(b"large", &record, Precondition::Any).await?;
        let found = store.get(b"large").await?.map(|entry| entry.record);
        ensure!(
            found == Some(record),
            "a record of {size} characters came back otherwise"
        );
    }
    Ok(())
}

/// A version that is not the one of the record.
fn other_than(version: Version) -> Precondition {
    Precondition::Version(Version::new(version.get().wrapping_add(1)))
}

pub(super) async fn put_conditions<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    let (one, two) = (sample("1", at(1), at(9))?, sample("2", at(2), at(9))?);
    let refused = |result| matches!(result, Err(StoreError::Conflict));

    let nothing = other_than(Version::new(0));
    ensure!(
        refused(store.put(b"k", &one, nothing).await),
        "put takes a version where there is no record"
    );
    ensure!(
        store.get(b"k").await?.is_none(),
        "a refused put has left a record"
    );
    ensure!(
        next_due(&store).await?.is_none(),
        "a refused put has left an entry in the due index"
    );

    let first = store.put(b"k", &one, Precondition::Absent).await?;
    ensure!(
        refused(store.put(b"k", &two, Precondition::Absent).await),
        "put as absent takes the place of a record"
    );
    ensure!(
        refused(store.put(b"k", &two, other_than(first)).await),
        "put takes another version"
    );
    let found = store.get(b"k").await?;
    ensure!(
        found.is_some_and(|entry| entry.record == one && entry.version == first),
        "a refused put has changed the record"
    );
    ensure!(
        next_due(&store).await? == one.due(),
        "a refused put has changed the due index"
    );

    let second = store.put(b"k", &two, Precondition::Version(first)).await?;
    ensure!(
        refused(store.put(b"k", &one, Precondition::Version(first)).await),
        "put takes a version that is gone"
    );
    store.put(b"k", &one, Precondition::Any).await?;
    ensure!(
        refused(store.put(b"k", &two, Precondition::Version(second)).await),
        "put takes a version that is gone"
    );
    Ok(())
}

pub(super) async fn remove_conditions<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    let record = sample("1", at(1), at(9))?;
    let refused = |result| matches!(result, Err(StoreError::Conflict));

    ensure!(
        !store.remove(b"k", Precondition::Absent).await?,
        "removed what was not there"
    );
    let nothing = other_than(Version::new(0));
    ensure!(
        refused(store.remove(b"k", nothing).await),
        "remove takes a version where there is no record"
    );

    let version = store.put(b"k", &record, Precondition::Absent).await?;
    ensure!(
        refused(store.remove(b"k", Precondition::Absent).await),
        "remove as absent takes a record"
    );
    ensure!(
        refused(store.remove(b"k", other_than(version)).await),
        "remove takes another version"
    );
    ensure!(
        store.get(b"k").await?.is_some(),
        "a refused remove has removed"
    );
    ensure!(
        next_due(&store).await? == record.due(),
        "a refused remove has changed the due index"
    );

    ensure!(
        store.remove(b"k", Precondition::Version(version)).await?,
        "remove does not say that there was a record"
    );
    ensure!(
        store.get(b"k").await?.is_none(),
        "a removed record is there"
    );
    ensure!(next_due(&store).await?.is_none(), "a removed record is due");
    ensure!(
        !store.remove(b"k", Precondition::Any).await?,
        "removed twice"
    );
    Ok(())
}

pub(super) async fn versions<B: Backend>(backend: &B) -> Check {
    let store = backend.empty().await;
    let mut seen = HashSet::new();
    for round in 0..20 {
        for key in [b"a", b"b"] {
            let version = store
                .put(key, &opt_out(at(round)), Precondition::Any)
                .await?;
            ensure!(seen.insert((key, version)), "version {version:?} came back");
            if round % 3 == 0 {
                store.remove(key, Precondition::Any).await?;
            }
        }
    }
    Ok(())
}
