//! A store of one's own: a map behind a lock, held against the suite that every
//! backend must pass.
//!
//! `cargo run -p uid2-store --example custom_store`
//!
//! A backend on a database looks the same: what is one step under the lock here
//! is one transaction there. What the suite cannot show is durability, for this
//! one has none.

#![allow(clippy::print_stdout, reason = "a program for people")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uid2_core::Timestamp;
use uid2_store::conformance::{self, Backend};
use uid2_store::{DueKey, Entry, Precondition, Record, StoreError, TokenStore, Version, check_key};

fn main() -> Result<(), Box<dyn Error>> {
    conformance::run(&Maps(tokio::runtime::Runtime::new()?))?;
    println!("the store of this example keeps every clause of the contract");

    // The suite is worth something only if it says no to a store that is careless.
    match conformance::run(&CarelessMaps(tokio::runtime::Runtime::new()?)) {
        Err(failure) => println!("and of a careless one it says: {failure}"),
        Ok(()) => return Err("the suite let a careless store pass".into()),
    }
    Ok(())
}

/// A store in memory. Clones are handles of the same store.
#[derive(Clone, Default)]
struct MapStore(Arc<Mutex<Tables>>);

/// One map and the two orders in which records are looked for, always changed
/// together: the contract wants a record and its place in the index to be one.
#[derive(Default)]
struct Tables {
    records: BTreeMap<Box<[u8]>, Entry>,
    due: BTreeSet<DueKey>,
    expires: BTreeSet<(Timestamp, Box<[u8]>)>,
    /// Counts on for good, so that no version of a key ever comes back, not even
    /// after the key was removed.
    version: u64,
}

impl MapStore {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn check(&self, key: &[u8], when: Precondition) -> Result<(), StoreError> {
        let current = self.records.get(key).map(|entry| entry.version);
        if when.holds(current) {
            Ok(())
        } else {
            Err(StoreError::Conflict)
        }
    }

    fn insert(&mut self, key: &[u8], record: &Record) -> Version {
        self.remove(key);
        self.version += 1;
        let version = Version::new(self.version);
        if let Some(due) = record.due() {
            let key = key.into();
            self.due.insert(DueKey { due, key });
        }
        if let Some(expires) = record.expires() {
            self.expires.insert((expires, key.into()));
        }
        let record = record.clone();
        self.records.insert(key.into(), Entry { record, version });
        version
    }

    fn remove(&mut self, key: &[u8]) -> bool {
        let Some(Entry { record, .. }) = self.records.remove(key) else {
            return false;
        };
        if let Some(due) = record.due() {
            let key = key.into();
            self.due.remove(&DueKey { due, key });
        }
        if let Some(expires) = record.expires() {
            self.expires.remove(&(expires, key.into()));
        }
        true
    }
}

impl TokenStore for MapStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        check_key(key)?;
        Ok(self.lock().records.get(key).cloned())
    }

    async fn put(
        &self,
        key: &[u8],
        record: &Record,
        when: Precondition,
    ) -> Result<Version, StoreError> {
        check_key(key)?;
        let mut maps = self.lock();
        maps.check(key, when)?;
        Ok(maps.insert(key, record))
    }

    async fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        check_key(key)?;
        let mut maps = self.lock();
        maps.check(key, when)?;
        Ok(maps.remove(key))
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>, StoreError> {
        use std::ops::Bound::{Excluded, Unbounded};
        let maps = self.lock();
        let rest = (after.map_or(Unbounded, Excluded), Unbounded);
        let due = maps.due.range(rest).take_while(|next| next.due <= now);
        Ok(due.take(limit).cloned().collect())
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut maps = self.lock();
        let mut purged = 0;
        while purged < limit {
            // Opt-outs never expire, so they are not in this order at all.
            let Some((expires, key)) = maps.expires.first().cloned() else {
                break;
            };
            if expires > before {
                break;
            }
            maps.remove(&key);
            purged += 1;
        }
        Ok(purged)
    }
}

/// How the suite opens an empty store, and runs what it does with it.
struct Maps(tokio::runtime::Runtime);

impl Backend for Maps {
    type Store = MapStore;

    async fn empty(&self) -> MapStore {
        MapStore::default()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }
}

/// The same store, but it writes without looking at the precondition. A logout
/// could be undone by a refresh that was under way.
#[derive(Clone, Default)]
struct Careless(MapStore);

impl TokenStore for Careless {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.0.get(key).await
    }

    async fn put(
        &self,
        key: &[u8],
        record: &Record,
        _: Precondition,
    ) -> Result<Version, StoreError> {
        self.0.put(key, record, Precondition::Any).await
    }

    async fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        self.0.remove(key, when).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>, StoreError> {
        self.0.due(now, after, limit).await
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.0.purge(before, limit).await
    }
}

struct CarelessMaps(tokio::runtime::Runtime);

impl Backend for CarelessMaps {
    type Store = Careless;

    async fn empty(&self) -> Careless {
        Careless::default()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }
}
