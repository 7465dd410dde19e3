//! Stores that break the contract, each in one way: the suite must tell.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::future::Future;
use std::task::Poll;

use tokio::runtime::Runtime;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::conformance::{self, Backend};
use uid2_store::{DueKey, Entry, MemoryStore, Precondition, StoreError, TokenStore, Version};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    None,
    /// Checks the precondition, and writes later whatever has changed meanwhile.
    LosesUpdates,
    IgnoresConditionsOfRemove,
    RepeatsVersions,
    HidesExpired,
    ForgetsTheDueIndex,
    DueBeforeItsTime,
    IgnoresAfter,
    IgnoresLimits,
    PurgesOptOuts,
    PurgesTooMuch,
    CutsKeys,
    CutsLargeRecords,
    TakesAnyKey,
    /// Puts in two steps: whoever is dropped in between leaves nothing.
    TearsWhenDropped,
}

/// Pending once.
async fn rest() {
    let mut rested = false;
    std::future::poll_fn(|context| {
        if rested {
            return Poll::Ready(());
        }
        rested = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[derive(Clone)]
struct Flawed {
    inner: MemoryStore,
    flaw: Flaw,
}

impl Flawed {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn key<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        let longest = if self.has(Flaw::TakesAnyKey) {
            512
        } else {
            100
        };
        let cuts = self.has(Flaw::CutsKeys) || self.has(Flaw::TakesAnyKey);
        if cuts && key.len() > longest {
            &key[..longest]
        } else {
            key
        }
    }
}

impl TokenStore for Flawed {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        let mut entry = self.inner.get(self.key(key)).await?;
        if self.has(Flaw::HidesExpired) {
            let wall = Timestamp::from_secs(1_000_000_000);
            entry = entry.filter(|entry| entry.record.expires().is_none_or(|time| time > wall));
        }
        if self.has(Flaw::RepeatsVersions) {
            entry = entry.map(|entry| Entry {
                version: Version::new(1),
                ..entry
            });
        }
        Ok(entry)
    }

    async fn put(
        &self,
        key: &[u8],
        record: &Record,
        when: Precondition,
    ) -> Result<Version, StoreError> {
        let key = self.key(key);
        let mut record = record.clone();
        if self.has(Flaw::CutsLargeRecords)
            && let Record::Identity(stored) = &record
            && stored.identity.refresh_token().expose().len() > 100_000
        {
            record = Record::OptOut(uid2_core::lifecycle::OptOut {
                reason: uid2_core::lifecycle::OptOutReason::Service,
                at: Timestamp::EPOCH,
            });
        }
        match self.flaw {
            Flaw::LosesUpdates => {
                let current = self.inner.get(key).await?;
                if !when.holds(current.map(|entry| entry.version)) {
                    return Err(StoreError::Conflict);
                }
                std::thread::yield_now();
                self.inner.put(key, &record, Precondition::Any).await
            }
            Flaw::RepeatsVersions => {
                let exists = self.inner.get(key).await?.map(|_| Version::new(1));
                if !when.holds(exists) {
                    return Err(StoreError::Conflict);
                }
                self.inner.put(key, &record, Precondition::Any).await?;
                Ok(Version::new(1))
            }
            Flaw::TearsWhenDropped => {
                let current = self.inner.get(key).await?;
                if !when.holds(current.map(|entry| entry.version)) {
                    return Err(StoreError::Conflict);
                }
                self.inner.remove(key, Precondition::Any).await?;
                rest().await;
                self.inner.put(key, &record, Precondition::Any).await
            }
            _ => self.inner.put(key, &record, when).await,
        }
    }

    async fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        let when = match self.flaw {
            Flaw::IgnoresConditionsOfRemove => Precondition::Any,
            _ => when,
        };
        self.inner.remove(self.key(key), when).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>, StoreError> {
        match self.flaw {
            Flaw::ForgetsTheDueIndex => Ok(Vec::new()),
            Flaw::DueBeforeItsTime => {
                let later = now.saturating_add(std::time::Duration::from_secs(10));
                self.inner.due(later, after, limit).await
            }
            Flaw::IgnoresAfter => self.inner.due(now, None, limit).await,
            Flaw::IgnoresLimits => self.inner.due(now, after, usize::MAX).await,
            _ => self.inner.due(now, after, limit).await,
        }
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        if self.has(Flaw::PurgesOptOuts) && before == Timestamp::MAX {
            self.inner.remove(b"opt-out", Precondition::Any).await?;
        }
        let before = match self.flaw {
            Flaw::PurgesTooMuch => before.saturating_add(std::time::Duration::from_secs(5)),
            _ => before,
        };
        self.inner.purge(before, limit).await
    }
}

struct Backed(Runtime, Flaw);

impl Backend for Backed {
    type Store = Flawed;

    async fn empty(&self) -> Flawed {
        Flawed {
            inner: MemoryStore::new(),
            flaw: self.1,
        }
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }
}

fn run(flaw: Flaw) -> Result<(), conformance::Failure> {
    conformance::run(&Backed(Runtime::new().unwrap(), flaw))
}

#[test]
fn a_store_without_a_flaw_passes() {
    run(Flaw::None).unwrap();
}

#[test]
fn each_flaw_is_found_under_its_clause() {
    for (flaw, clause) in [
        (Flaw::LosesUpdates, "atomicity: a race"),
        (Flaw::IgnoresConditionsOfRemove, "atomicity: remove"),
        (Flaw::RepeatsVersions, ""),
        (Flaw::HidesExpired, "reading: expired"),
        (Flaw::ForgetsTheDueIndex, ""),
        (Flaw::DueBeforeItsTime, "due scan: order"),
        (Flaw::IgnoresAfter, "due scan: goes on"),
        (Flaw::IgnoresLimits, "due scan: order"),
        (Flaw::PurgesOptOuts, "purging: only"),
        (Flaw::PurgesTooMuch, "purging: only"),
        (Flaw::CutsKeys, "reading: keys"),
        (Flaw::CutsLargeRecords, "reading: large"),
        (Flaw::TakesAnyKey, "reading: keys"),
        (Flaw::TearsWhenDropped, "cancellation"),
    ] {
        let failure = run(flaw).expect_err(&format!("{flaw:?} passes"));
        assert!(failure.clause().starts_with(clause), "{flaw:?}: {failure}");
    }
}
