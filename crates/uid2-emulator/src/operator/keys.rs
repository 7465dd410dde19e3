//! The keys of an operator.

use std::time::Duration;

use sha2::{Digest, Sha256};
use uid2_core::Timestamp;
use uid2_token::{KeyRing, TokenKey};

use crate::config::Keyset;

/// The keyset of master keys.
pub(crate) const MASTER_KEYSET: i32 = -1;
/// The keyset of refresh keys.
pub(crate) const REFRESH_KEYSET: i32 = -2;
/// The keyset of publishers that have none of their own.
pub(crate) const FALLBACK_KEYSET: i32 = 2;
/// Since when the first keys are in use and the first people are opted out: long before any test.
pub(crate) const EPOCH: Timestamp = Timestamp::from_secs(1_577_836_800);
/// Until when: the key endpoints tell seconds past 2038, which clients must
/// be able to read (protocol, section 16).
const END: Timestamp = Timestamp::from_secs(4_102_444_800);
/// A client that fetches keys once an hour must know a key before it is used.
const NOTICE: Duration = Duration::from_secs(86_400);

/// A key, its keyset and when it is in use.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) keyset_id: i32,
    pub(crate) created: Timestamp,
    pub(crate) activates: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) key: TokenKey,
}

/// All keys, sorted by number.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    seed: String,
    keys: Vec<Key>,
}

impl Keys {
    /// A first key for each keyset.
    pub(crate) fn new(seed: &str, keysets: &[Keyset]) -> Self {
        let mut keys = Self {
            seed: seed.into(),
            keys: Vec::new(),
        };
        for keyset in keysets {
            keys.add(keyset.id, EPOCH, EPOCH);
        }
        keys
    }

    /// Gives every keyset another key, in use from now on; the others can still
    /// be read with. Its creation lies back as the service's would.
    pub(crate) fn rotate(&mut self, now: Timestamp) {
        let mut keysets: Vec<i32> = self.keys.iter().map(|key| key.keyset_id).collect();
        keysets.sort_unstable();
        keysets.dedup();
        for keyset in keysets {
            self.add(keyset, now.saturating_sub(NOTICE), now);
        }
    }

    /// Adds a key to a keyset, derived from the seed and its number.
    fn add(&mut self, keyset_id: i32, created: Timestamp, activates: Timestamp) {
        let id = self.keys.last().map_or(101, |last| last.key.id() + 1);
        let secret = Sha256::new()
            .chain_update("uid2-emulator key\0")
            .chain_update(&self.seed)
            .chain_update(id.to_be_bytes())
            .finalize()
            .into();
        self.keys.push(Key {
            keyset_id,
            created,
            activates,
            expires: END,
            key: TokenKey::new(id, secret),
        });
    }

    /// All of them but the refresh keys, which nobody else sees.
    pub(crate) fn visible(&self) -> impl Iterator<Item = &Key> {
        let seen = |key: &&Key| key.keyset_id != REFRESH_KEYSET;
        self.keys.iter().filter(seen)
    }

    /// The key of a keyset to seal with now: the one that was activated last.
    pub(crate) fn active(&self, keyset_id: i32, now: Timestamp) -> Option<&TokenKey> {
        self.keys
            .iter()
            .filter(|key| key.keyset_id == keyset_id)
            .filter(|key| key.activates <= now && now < key.expires)
            .max_by_key(|key| (key.activates, key.key.id()))
            .map(|key| &key.key)
    }
}

impl KeyRing for Keys {
    fn key(&self, id: i32) -> Option<&TokenKey> {
        self.keys
            .binary_search_by_key(&id, |key| key.key.id())
            .ok()
            .and_then(|at| self.keys.get(at))
            .map(|key| &key.key)
    }
}
