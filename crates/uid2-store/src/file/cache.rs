//! What has been read from the file or written to it lately, and also what is
//! known not to be there.
//!
//! It must never be behind the file as far as any caller can tell. Three rules
//! see to that:
//!
//! 1. The writer announces the keys of a commit before it commits
//!    ([`Cache::begin`]) and enters what it wrote after ([`Cache::finish`]),
//!    before any caller hears of it.
//! 2. A reader notes the state of its key's shard before it reads the file
//!    ([`Cache::ticket`]).
//! 3. What it has read is entered only if no commit of that shard was announced
//!    or finished since ([`Cache::fill`]).

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::fast::RandomState;
use parking_lot::RwLock;

use crate::Entry;
use crate::key::Key;

const SHARDS: usize = 64;

pub(super) struct Cache {
    hasher: RandomState,
    shards: Box<[RwLock<Shard>]>,
    /// How many slots a shard may have. With zero nothing is kept.
    slots: usize,
}

struct Shard {
    map: HashMap<Key, Slot, RandomState>,
    /// The keys of `map`, for eviction: second chance, in a circle.
    circle: VecDeque<Key>,
    /// Changes with every commit that is announced or finished.
    epoch: u64,
    /// Commits that are announced and not finished.
    pending: u32,
}

struct Slot {
    /// `None`: there is no such record.
    entry: Option<Entry>,
    /// Whether it was read since the circle last passed.
    used: AtomicBool,
}

/// That a shard had no commit under way, and which was its last.
#[derive(Clone, Copy)]
pub(super) struct Ticket(u64);

impl Cache {
    pub(super) fn new(records: usize) -> Self {
        let hasher = RandomState::default();
        let shard = || {
            RwLock::new(Shard {
                map: HashMap::with_hasher(hasher.clone()),
                circle: VecDeque::new(),
                epoch: 0,
                pending: 0,
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            hasher,
            slots: records.div_ceil(SHARDS),
        }
    }

    fn shard(&self, key: &[u8]) -> Option<&RwLock<Shard>> {
        // The maps use the low and the topmost bits of the same hash.
        let bits = usize::try_from((self.hasher.hash_one(key) >> 32) & 0xffff).unwrap_or(0);
        self.shards.get(bits % SHARDS)
    }

    /// What is known of a key: `None` if nothing is.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<Entry>> {
        let shard = self.shard(key)?.read();
        let slot = shard.map.get(key)?;
        // Written only when it changes: readers of one shard would else pass
        // its cache line around.
        if !slot.used.load(Ordering::Relaxed) {
            slot.used.store(true, Ordering::Relaxed);
        }
        Some(slot.entry.clone())
    }

    /// To be drawn before the file is read. `None` while a commit is under way.
    pub(super) fn ticket(&self, key: &[u8]) -> Option<Ticket> {
        let shard = self.shard(key)?.read();
        (shard.pending == 0).then_some(Ticket(shard.epoch))
    }

    /// Enters what was read from the file after `ticket` was drawn, if it is
    /// certainly still so.
    pub(super) fn fill(&self, key: &[u8], ticket: Ticket, entry: Option<Entry>) {
        let Some(shard) = self.shard(key) else { return };
        let mut shard = shard.write();
        if shard.pending == 0 && shard.epoch == ticket.0 {
            shard.set(key, entry, self.slots);
        }
    }

    /// Announces that a commit will change this key.
    pub(super) fn begin(&self, key: &[u8]) {
        let Some(shard) = self.shard(key) else { return };
        let mut shard = shard.write();
        shard.pending += 1;
        shard.epoch += 1;
    }

    /// Enters what an announced commit has made of the key. `None` if that is
    /// not known, because the commit has failed: then nothing is known of the key.
    pub(super) fn finish(&self, key: &[u8], now: Option<Option<Entry>>) {
        let Some(shard) = self.shard(key) else { return };
        let mut shard = shard.write();
        match now {
            Some(entry) => shard.set(key, entry, self.slots),
            None => shard.forget(key),
        }
        shard.pending -= 1;
        shard.epoch += 1;
    }

    /// How many slots are in use.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().map.len()).sum()
    }
}

impl Shard {
    fn set(&mut self, key: &[u8], entry: Option<Entry>, slots: usize) {
        if let Some(slot) = self.map.get_mut(key) {
            slot.entry = entry;
            return;
        }
        if slots == 0 {
            return;
        }
        while self.map.len() >= slots {
            self.evict_one();
        }
        let key = Key::new(key);
        let used = AtomicBool::new(false);
        self.circle.push_back(key.clone());
        self.map.insert(key, Slot { entry, used });
    }

    /// Ends: each turn either evicts or takes a mark away.
    fn evict_one(&mut self) {
        while let Some(key) = self.circle.pop_front() {
            match self.map.get_mut(&key) {
                Some(slot) if slot.used.load(Ordering::Relaxed) => {
                    *slot.used.get_mut() = false;
                    self.circle.push_back(key);
                }
                Some(_) => {
                    self.map.remove(&key);
                    return;
                }
                None => {}
            }
        }
        self.map.clear();
    }

    /// Rare, so it may take its time: only after a commit has failed.
    fn forget(&mut self, key: &[u8]) {
        if self.map.remove(key).is_some() {
            self.circle.retain(|known| known.as_bytes() != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use uid2_core::Timestamp;
    use uid2_core::lifecycle::Policy;

    use super::*;
    use crate::Version;

    fn entry(version: u64) -> Option<Entry> {
        Some(Entry {
            record: Policy::default().on_service_opt_out(Timestamp::EPOCH),
            version: Version::new(version),
        })
    }

    #[test]
    fn what_was_read_is_known_and_so_is_that_there_is_nothing() {
        let cache = Cache::new(1000);
        assert_eq!(cache.get(b"k"), None);
        for known in [entry(1), None] {
            let ticket = cache.ticket(b"k").unwrap();
            cache.fill(b"k", ticket, known.clone());
            assert_eq!(cache.get(b"k"), Some(known));
        }
    }

    /// A reader that was overtaken by a commit, at each place where it can be.
    #[test]
    fn what_was_read_before_a_commit_is_not_entered_after_it() {
        for written in [entry(2), None] {
            let cache = Cache::new(1000);
            let before = cache.ticket(b"k").unwrap();
            cache.begin(b"k");
            assert!(
                cache.ticket(b"k").is_none(),
                "a ticket while a commit is under way"
            );
            cache.fill(b"k", before, entry(1));
            assert_eq!(
                cache.get(b"k"),
                None,
                "entered while a commit was under way"
            );
            cache.finish(b"k", Some(written.clone()));
            cache.fill(b"k", before, entry(1));
            assert_eq!(cache.get(b"k"), Some(written), "entered after the commit");
            assert!(cache.ticket(b"k").is_some());
        }
    }

    #[test]
    fn after_a_commit_that_failed_nothing_is_known() {
        let cache = Cache::new(1000);
        cache.fill(b"k", cache.ticket(b"k").unwrap(), entry(1));
        cache.begin(b"k");
        cache.finish(b"k", None);
        assert_eq!(cache.get(b"k"), None);
        cache.fill(b"k", cache.ticket(b"k").unwrap(), entry(1));
        assert_eq!(cache.get(b"k"), Some(entry(1)));
    }

    /// Two writes of one key in one commit.
    #[test]
    fn a_commit_is_under_way_until_its_last_write_is_entered() {
        let cache = Cache::new(1000);
        cache.begin(b"k");
        cache.begin(b"k");
        cache.finish(b"k", Some(entry(1)));
        assert!(cache.ticket(b"k").is_none());
        cache.finish(b"k", Some(entry(2)));
        assert!(cache.ticket(b"k").is_some());
        assert_eq!(cache.get(b"k"), Some(entry(2)));
    }

    #[test]
    fn it_keeps_to_its_size_and_to_what_is_read() {
        let cache = Cache::new(SHARDS * 4);
        let put = |key: &[u8]| {
            cache.begin(key);
            cache.finish(key, Some(entry(1)));
        };
        put(b"hot");
        for number in 0..10_000_u32 {
            put(&number.to_be_bytes());
            assert!(
                cache.get(b"hot").is_some(),
                "what is read all the time was evicted"
            );
        }
        assert!(cache.len() <= SHARDS * 4);
        for shard in &cache.shards {
            let shard = shard.read();
            assert_eq!(shard.circle.len(), shard.map.len());
        }
    }

    #[test]
    fn of_size_zero_it_keeps_nothing() {
        let cache = Cache::new(0);
        cache.fill(b"k", cache.ticket(b"k").unwrap(), entry(1));
        cache.begin(b"k");
        cache.finish(b"k", Some(entry(2)));
        assert_eq!((cache.get(b"k"), cache.len()), (None, 0));
    }
}
