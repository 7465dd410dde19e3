//! Stores that break the contract, each in one way: the suite must tell.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Runtime;
use uid2_core::Timestamp;
use uid2_core::lifecycle::{Record, RefreshState};
use uid2_store::conformance::{self, Backend, opt_out};
use uid2_store::{DueKey, Entry, MemoryStore, Precondition, StoreError, TokenStore, Version};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    None,
    InventsRecords,
    ForgetsDii,
    HidesExpired,
    ClonesStandAlone,
    CutsKeys,
    TakesAnyKey,
    CutsLargeRecords,
    IgnoresConditionsOfPut,
    IgnoresConditionsOfRemove,
    /// Puts in two steps: whoever is dropped in between leaves nothing.
    TearsWhenDropped,
    /// Counts the versions of a key from one again when it was removed.
    RepeatsVersions,
    ForgetsTheDueIndex,
    DueBeforeItsTime,
    IgnoresLimits,
    IgnoresAfter,
    /// Of identities that are not refreshed any more.
    KeepsDueOfEnded,
    /// What was due before 1970 comes last.
    SortsTimesAsUnsigned,
    PurgesOptOuts,
    PurgesTooMuch,
    IgnoresLimitsOfPurge,
    /// Checks the precondition, and writes later whatever has changed meanwhile.
    LosesUpdates,
    /// Two who remove the same record are both told that it was theirs.
    RemovesTwice,
    /// A scan leaves out a record while another is written.
    ScansHalfWritten,
    /// Looks what has expired, and removes it later whatever it is by then.
    PurgesInTwoSteps,
    /// An opt-out does not take the place of a logout.
    KeepsLogouts,
}

/// Long enough for another thread to come in between, on one core too.
fn dawdle() {
    std::thread::sleep(Duration::from_micros(100));
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

struct Flawed {
    inner: MemoryStore,
    flaw: Flaw,
    notes: Arc<Notes>,
}

/// What some flaws keep beside the records.
#[derive(Default)]
struct Notes {
    versions: Mutex<BTreeMap<Vec<u8>, u64>>,
    ended: Mutex<BTreeMap<Vec<u8>, Timestamp>>,
    keys: Mutex<BTreeSet<Vec<u8>>>,
    writing: AtomicUsize,
}

impl Clone for Flawed {
    fn clone(&self) -> Self {
        let inner = if self.has(Flaw::ClonesStandAlone) {
            MemoryStore::new()
        } else {
            self.inner.clone()
        };
        Self {
            inner,
            flaw: self.flaw,
            notes: Arc::clone(&self.notes),
        }
    }
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

    fn version(&self, key: &[u8]) -> Option<Version> {
        let versions = self.notes.versions.lock().unwrap();
        versions.get(key).copied().map(Version::new)
    }

    /// The record as it is kept.
    async fn kept(&self, key: &[u8], record: &Record) -> Record {
        match (self.flaw, record) {
            (Flaw::CutsLargeRecords, Record::Identity(stored))
                if stored.identity.refresh_token().expose().len() > 100_000 =>
            {
                opt_out(Timestamp::EPOCH)
            }
            (Flaw::ForgetsDii, Record::Identity(stored)) => {
                let mut stored = stored.clone();
                stored.dii = None;
                Record::Identity(stored)
            }
            (Flaw::KeepsLogouts, Record::OptOut(_)) => match self.inner.get(key).await {
                Ok(Some(entry)) if matches!(entry.record, Record::LoggedOut { .. }) => entry.record,
                _ => record.clone(),
            },
            _ => record.clone(),
        }
    }

    fn note(&self, key: &[u8], record: &Record) {
        self.notes.keys.lock().unwrap().insert(key.to_vec());
        let mut ended = self.notes.ended.lock().unwrap();
        ended.remove(key);
        if let Record::Identity(stored) = record
            && stored.refresh == RefreshState::Ended
        {
            ended.insert(key.to_vec(), stored.identity.refresh_from());
        }
    }

    /// Those of the inner store and others, in this order.
    fn merged(
        mut all: Vec<DueKey>,
        order: impl Fn(&DueKey) -> i128,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Vec<DueKey> {
        let place = |due: &DueKey| (order(due), due.key.clone());
        all.retain(|due| after.is_none_or(|after| place(due) > place(after)));
        all.sort_by_key(place);
        all.truncate(limit);
        all
    }
}

impl TokenStore for Flawed {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        let key = self.key(key);
        let entry = self.inner.get(key).await?;
        Ok(match self.flaw {
            Flaw::InventsRecords if entry.is_none() => Some(Entry {
                record: opt_out(Timestamp::EPOCH),
                version: Version::new(1),
            }),
            Flaw::HidesExpired => {
                let wall = Timestamp::from_secs(1_000_000_000);
                entry.filter(|entry| entry.record.expires().is_none_or(|time| time > wall))
            }
            Flaw::RepeatsVersions => {
                let version = self.version(key);
                let known = entry.map(|entry| entry.record).zip(version);
                known.map(|(record, version)| Entry { record, version })
            }
            _ => entry,
        })
    }

    async fn put(
        &self,
        key: &[u8],
        record: &Record,
        when: Precondition,
    ) -> Result<Version, StoreError> {
        let key = self.key(key);
        let record = self.kept(key, record).await;
        self.note(key, &record);
        match self.flaw {
            Flaw::IgnoresConditionsOfPut => self.inner.put(key, &record, Precondition::Any).await,
            Flaw::LosesUpdates => {
                let current = self.inner.get(key).await?;
                if !when.holds(current.map(|entry| entry.version)) {
                    return Err(StoreError::Conflict);
                }
                dawdle();
                self.inner.put(key, &record, Precondition::Any).await
            }
            Flaw::RepeatsVersions => {
                let current = self.version(key);
                if !when.holds(current) {
                    return Err(StoreError::Conflict);
                }
                self.inner.put(key, &record, Precondition::Any).await?;
                let next = current.map_or(1, |version| version.get() + 1);
                let mut versions = self.notes.versions.lock().unwrap();
                versions.insert(key.to_vec(), next);
                Ok(Version::new(next))
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
            Flaw::ScansHalfWritten => {
                self.notes.writing.fetch_add(1, Ordering::SeqCst);
                dawdle();
                let result = self.inner.put(key, &record, when).await;
                self.notes.writing.fetch_sub(1, Ordering::SeqCst);
                result
            }
            Flaw::PurgesInTwoSteps => {
                let result = self.inner.put(key, &record, when).await;
                dawdle();
                result
            }
            _ => self.inner.put(key, &record, when).await,
        }
    }

    async fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        let key = self.key(key);
        match self.flaw {
            Flaw::IgnoresConditionsOfRemove => self.inner.remove(key, Precondition::Any).await,
            Flaw::RepeatsVersions => {
                if !when.holds(self.version(key)) {
                    return Err(StoreError::Conflict);
                }
                self.notes.versions.lock().unwrap().remove(key);
                self.inner.remove(key, Precondition::Any).await
            }
            Flaw::RemovesTwice => {
                let exists = self.inner.get(key).await?.is_some();
                dawdle();
                self.inner.remove(key, when).await?;
                Ok(exists)
            }
            _ => self.inner.remove(key, when).await,
        }
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>, StoreError> {
        let by_time = |due: &DueKey| i128::from(due.due.as_millis());
        match self.flaw {
            Flaw::ForgetsTheDueIndex => Ok(Vec::new()),
            Flaw::DueBeforeItsTime => {
                let later = now.saturating_add(Duration::from_secs(10));
                self.inner.due(later, after, limit).await
            }
            Flaw::IgnoresAfter => self.inner.due(now, None, limit).await,
            Flaw::IgnoresLimits => self.inner.due(now, after, usize::MAX).await,
            Flaw::KeepsDueOfEnded => {
                let mut all = self.inner.due(now, None, usize::MAX).await?;
                let ended = self.notes.ended.lock().unwrap().clone();
                all.extend(ended.into_iter().map(|(key, due)| DueKey {
                    due,
                    key: key.into(),
                }));
                Ok(Self::merged(all, by_time, after, limit))
            }
            Flaw::SortsTimesAsUnsigned => {
                let all = self.inner.due(now, None, usize::MAX).await?;
                let unsigned = |due: &DueKey| i128::from(due.due.as_millis().cast_unsigned());
                Ok(Self::merged(all, unsigned, after, limit))
            }
            Flaw::ScansHalfWritten => {
                let mut due = self.inner.due(now, after, limit).await?;
                if self.notes.writing.load(Ordering::SeqCst) > 0 && due.len() > 1 {
                    due.remove(0);
                }
                Ok(due)
            }
            _ => self.inner.due(now, after, limit).await,
        }
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        match self.flaw {
            Flaw::PurgesOptOuts if before == Timestamp::MAX => {
                self.inner.remove(b"opt-out", Precondition::Any).await?;
                self.inner.purge(before, limit).await
            }
            Flaw::PurgesTooMuch => {
                let before = before.saturating_add(Duration::from_secs(5));
                self.inner.purge(before, limit).await
            }
            Flaw::IgnoresLimitsOfPurge => self.inner.purge(before, usize::MAX).await,
            Flaw::PurgesInTwoSteps => {
                let keys = self.notes.keys.lock().unwrap().clone();
                let mut purged = 0;
                for key in keys {
                    let entry = self.inner.get(&key).await?;
                    let expires = entry.and_then(|entry| entry.record.expires());
                    if purged < limit && expires.is_some_and(|expires| expires <= before) {
                        dawdle();
                        self.inner.remove(&key, Precondition::Any).await?;
                        purged += 1;
                    }
                }
                Ok(purged)
            }
            _ => self.inner.purge(before, limit).await,
        }
    }
}

struct Backed(Runtime, Flaw);

impl Backend for Backed {
    type Store = Flawed;

    async fn empty(&self) -> Flawed {
        Flawed {
            inner: MemoryStore::new(),
            flaw: self.1,
            notes: Arc::default(),
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

/// At least one for each clause, in the suite's order.
const CAUGHT_BY: [(Flaw, &str); 25] = [
    (Flaw::InventsRecords, "reading: a missing record"),
    (Flaw::ForgetsDii, "reading: a record comes back"),
    (Flaw::HidesExpired, "reading: expired"),
    (Flaw::ClonesStandAlone, "reading: every handle"),
    (Flaw::CutsKeys, "reading: keys"),
    (Flaw::TakesAnyKey, "reading: keys"),
    (Flaw::CutsLargeRecords, "reading: large"),
    (Flaw::IgnoresConditionsOfPut, "atomicity: put"),
    (Flaw::IgnoresConditionsOfRemove, "atomicity: remove"),
    (Flaw::TearsWhenDropped, "cancellation"),
    (Flaw::RepeatsVersions, "versions: none"),
    (Flaw::ForgetsTheDueIndex, ""),
    (Flaw::DueBeforeItsTime, "due scan: order"),
    (Flaw::IgnoresLimits, "due scan: order"),
    (Flaw::IgnoresAfter, "due scan: goes on"),
    (Flaw::KeepsDueOfEnded, "due scan: follows"),
    (Flaw::SortsTimesAsUnsigned, "due scan: extreme"),
    (Flaw::PurgesOptOuts, "purging: only"),
    (Flaw::PurgesTooMuch, "purging: only"),
    (Flaw::IgnoresLimitsOfPurge, "purging: the limit"),
    (Flaw::LosesUpdates, "atomicity: a race"),
    (Flaw::RemovesTwice, "atomicity: of many"),
    (Flaw::ScansHalfWritten, "due scan: under"),
    (Flaw::PurgesInTwoSteps, "purging: under"),
    (Flaw::KeepsLogouts, "all: random"),
];

/// Those that only show when threads or random numbers meet may take some runs.
#[test]
fn each_flaw_is_found_under_its_clause() {
    for (flaw, clause) in CAUGHT_BY {
        let failure = (0..100).find_map(|_| run(flaw).err());
        let failure = failure.unwrap_or_else(|| panic!("{flaw:?} passes"));
        assert!(failure.clause().starts_with(clause), "{flaw:?}: {failure}");
    }
}
