//! A key with its record, shared by a map and the indexes.
//!
//! One small allocation that map and indexes point to: entries kept in the map
//! itself would be paid for again in each of its empty places.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::Entry;
use crate::key::Key;

#[derive(Clone)]
pub(super) struct Node(Arc<Shared>);

struct Shared {
    key: Key,
    entry: Entry,
}

impl Node {
    pub(super) fn new(key: &[u8], entry: Entry) -> Self {
        let key = Key::new(key);
        Self(Arc::new(Shared { key, entry }))
    }

    pub(super) fn key(&self) -> &[u8] {
        self.0.key.as_bytes()
    }

    pub(super) fn entry(&self) -> &Entry {
        &self.0.entry
    }
}

// As its key, in every respect.

impl Borrow<[u8]> for Node {
    fn borrow(&self) -> &[u8] {
        self.key()
    }
}

impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Node {}

impl PartialOrd for Node {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Node {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(other.key())
    }
}
