//! Records in memory.

mod index;

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;

use self::index::Index;
use crate::codec::check_key;
use crate::key::Key;
use crate::{
    Cursor, DueKey, Entry, Precondition, Scan, Scanned, ScannedEntry, StoreError, TokenStore,
    Version,
};

/// More than the cores of any machine that this is likely to run on, so that
/// two of them seldom want the same shard.
const SHARDS: usize = 128;

/// The records are in the map itself, empty places and all: to follow a pointer
/// to one costs more, once there are too many for the caches of the processor.
type Map = HashMap<Key, Entry, RandomState>;

/// Records in memory: for tests, for development, and for who can afford that a
/// restart forgets them, **opt-outs included**.
///
/// Cloning is cheap, and clones share the records. No call ever waits: every
/// future is ready when it is polled first.
///
/// # Capacity
///
/// Without a capacity it grows with what is put. With one, a new record that
/// finds the store full takes the place of another: of the identity that
/// expires first, or, if there are only logouts and opt-outs, of the logout
/// that expires first. Opt-outs are never evicted; a store that is full of them
/// refuses new records with [`StoreError::Capacity`].
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use uid2_core::Timestamp;
/// use uid2_core::lifecycle::Policy;
/// use uid2_store::{MemoryStore, Precondition, TokenStore};
///
/// let store = MemoryStore::new();
/// let record = Policy::default().on_publisher_opt_out(Timestamp::EPOCH);
/// let version = store.put(b"user-1", &record, Precondition::Absent).await?;
///
/// let entry = store.get(b"user-1").await?.expect("just put");
/// assert_eq!((entry.record, entry.version), (record, version));
/// # Ok::<(), uid2_store::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

struct Shared {
    hasher: RandomState,
    shards: Box<[RwLock<Map>]>,
    /// Locked after a shard, never before one. A shard stays locked until its
    /// change is in here, so that both are seen together.
    index: Mutex<Index>,
    capacity: Option<NonZeroUsize>,
    versions: AtomicU64,
}

impl MemoryStore {
    /// An empty store without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self::build(None)
    }

    /// An empty store of at most so many records.
    #[must_use]
    pub fn with_capacity_limit(records: NonZeroUsize) -> Self {
        Self::build(Some(records))
    }

    fn build(capacity: Option<NonZeroUsize>) -> Self {
        let hasher = RandomState::default();
        let shard = || RwLock::new(Map::with_hasher(hasher.clone()));
        Self(Arc::new(Shared {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            hasher,
            index: Mutex::default(),
            capacity,
            versions: AtomicU64::new(1),
        }))
    }

    /// How many records there are, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.index.lock().len()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("capacity", &self.0.capacity)
            .finish()
    }
}

impl TokenStore for MemoryStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        check_key(key)?;
        let map = self.0.shard(key)?.read();
        Ok(map.get(key).cloned())
    }

    async fn put(
        &self,
        key: &[u8],
        record: &Record,
        when: Precondition,
    ) -> Result<Version, StoreError> {
        check_key(key)?;
        self.0.put(key, record, when)
    }

    async fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        check_key(key)?;
        self.0.remove(key, when)
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>, StoreError> {
        Ok(self.0.index.lock().due(now, after, limit))
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.0.purge(before, limit)
    }
}

impl Scan for MemoryStore {
    /// Shard by shard: a page has whole ones.
    async fn scan(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Scanned>, Option<Cursor>), StoreError> {
        let from = after.map_or(0, |cursor| cursor.get()[0]);
        let mut page = Vec::new();
        for (number, shard) in (0..).zip(&self.0.shards) {
            if number < from {
                continue;
            }
            if page.len() >= limit.max(1) {
                return Ok((page, Some(Cursor::new([number, 0]))));
            }
            page.extend(shard.read().iter().map(|(key, entry)| {
                Ok(ScannedEntry {
                    key: key.as_bytes().into(),
                    entry: entry.clone(),
                })
            }));
        }
        Ok((page, None))
    }
}

impl Shared {
    fn shard(&self, key: &[u8]) -> Result<&RwLock<Map>, StoreError> {
        // The maps use the low and the topmost bits of the same hash.
        let bits = usize::try_from((self.hasher.hash_one(key) >> 32) & 0xffff).unwrap_or(0);
        self.shards.get(bits % SHARDS).ok_or(StoreError::Closed)
    }

    fn next_version(&self) -> Version {
        Version::new(self.versions.fetch_add(1, Ordering::Relaxed))
    }

    fn put(&self, key: &[u8], record: &Record, when: Precondition) -> Result<Version, StoreError> {
        let shard = self.shard(key)?;
        loop {
            let mut map = shard.write();
            if !when.holds(map.get(key).map(|entry| entry.version)) {
                return Err(StoreError::Conflict);
            }
            let mut index = self.index.lock();
            if !map.contains_key(key) && self.is_full(&index) {
                let victim = index.victim().ok_or(StoreError::Capacity {
                    capacity: index.len(),
                })?;
                // Two shards are never locked at a time: two such puts could
                // each wait for the other's.
                drop(index);
                drop(map);
                self.evict(&victim)?;
                continue;
            }
            let version = self.next_version();
            let entry = Entry {
                record: record.clone(),
                version,
            };
            let key = Key::new(key);
            let old = map.insert(key.clone(), entry);
            index.insert(&key, old.as_ref().map(|old| &old.record), record);
            return Ok(version);
        }
    }

    fn is_full(&self, index: &Index) -> bool {
        self.capacity
            .is_some_and(|capacity| index.len() >= capacity.get())
    }

    /// Removes a record that was chosen to go, unless it has changed since.
    fn evict(&self, victim: &index::Victim) -> Result<(), StoreError> {
        let key = victim.key.as_bytes();
        let map = self.shard(key)?.write();
        self.remove_if(map, key, |entry| {
            index::Class::of(&entry.record) == Some(victim.class)
                && entry.record.expires() == Some(victim.expires)
        });
        Ok(())
    }

    fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        let map = self.shard(key)?.write();
        if !when.holds(map.get(key).map(|entry| entry.version)) {
            return Err(StoreError::Conflict);
        }
        Ok(self.remove_if(map, key, |_| true))
    }

    fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let expired = self.index.lock().expired(before, limit);
        let mut purged = 0;
        for key in expired {
            let map = self.shard(key.as_bytes())?.write();
            let still_expired =
                |entry: &Entry| entry.record.expires().is_some_and(|time| time <= before);
            purged += usize::from(self.remove_if(map, key.as_bytes(), still_expired));
        }
        Ok(purged)
    }

    fn remove_if(
        &self,
        mut map: RwLockWriteGuard<'_, Map>,
        key: &[u8],
        condition: impl FnOnce(&Entry) -> bool,
    ) -> bool {
        if !map.get(key).is_some_and(condition) {
            return false;
        }
        let mut index = self.index.lock();
        if let Some((key, old)) = map.remove_entry(key) {
            index.remove(&key, &old.record);
        }
        true
    }
}
