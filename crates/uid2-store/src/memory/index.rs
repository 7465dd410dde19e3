//! In which order records are due, and in which they go.

use std::collections::BTreeSet;
use std::ops::Bound;

use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;

use super::node::Node;
use crate::{DueKey, Entry, Version};

type ByTime = BTreeSet<(Timestamp, Node)>;

#[derive(Default)]
pub(super) struct Index {
    due: ByTime,
    identities: ByTime,
    logouts: ByTime,
    len: usize,
}

/// What may be evicted: opt-outs have no class.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Identity,
    Logout,
}

impl Class {
    pub(super) const fn of(record: &Record) -> Option<Self> {
        match record {
            Record::Identity(_) => Some(Self::Identity),
            Record::LoggedOut { .. } => Some(Self::Logout),
            Record::OptOut(_) => None,
        }
    }
}

/// A record to be evicted, if it is still as it was when it was chosen.
pub(super) struct Victim {
    pub(super) class: Class,
    pub(super) expires: Timestamp,
    pub(super) node: Node,
}

impl Index {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Enters a record; `old` is the one whose place it takes.
    pub(super) fn insert(&mut self, old: Option<&Node>, new: &Node) {
        match old {
            Some(old) => self.forget(old),
            None => self.len += 1,
        }
        let record = &new.entry().record;
        if let Some(due) = record.due() {
            self.due.insert((due, new.clone()));
        }
        if let (Some(times), Some(expires)) = (self.expiring(record), record.expires()) {
            times.insert((expires, new.clone()));
        }
    }

    pub(super) fn remove(&mut self, old: &Node) {
        self.forget(old);
        self.len -= 1;
    }

    fn forget(&mut self, old: &Node) {
        let record = &old.entry().record;
        if let Some(due) = record.due() {
            self.due.remove(&(due, old.clone()));
        }
        if let (Some(times), Some(expires)) = (self.expiring(record), record.expires()) {
            times.remove(&(expires, old.clone()));
        }
    }

    fn expiring(&mut self, record: &Record) -> Option<&mut ByTime> {
        match Class::of(record)? {
            Class::Identity => Some(&mut self.identities),
            Class::Logout => Some(&mut self.logouts),
        }
    }

    pub(super) fn due(&self, now: Timestamp, after: Option<&DueKey>, limit: usize) -> Vec<DueKey> {
        let start = after.map_or(Bound::Unbounded, |after| {
            Bound::Excluded((after.due, probe(&after.key)))
        });
        self.due
            .range((start, Bound::Unbounded))
            .take_while(|(due, _)| *due <= now)
            .take(limit)
            .map(|(due, node)| DueKey {
                due: *due,
                key: node.key().into(),
            })
            .collect()
    }

    pub(super) fn expired(&self, before: Timestamp, limit: usize) -> Vec<Node> {
        let until = |times: &'_ ByTime| -> Vec<Node> {
            times
                .iter()
                .take_while(|(expires, _)| *expires <= before)
                .take(limit)
                .map(|(_, node)| node.clone())
                .collect()
        };
        let mut keys = until(&self.identities);
        keys.extend(until(&self.logouts));
        keys.truncate(limit);
        keys
    }

    pub(super) fn victim(&self) -> Option<Victim> {
        let first = |times: &ByTime, class| {
            times.first().map(|(expires, node)| Victim {
                class,
                expires: *expires,
                node: node.clone(),
            })
        };
        first(&self.identities, Class::Identity).or_else(|| first(&self.logouts, Class::Logout))
    }
}

/// A node to look for others with: only its key counts.
fn probe(key: &[u8]) -> Node {
    let (at, until) = (Timestamp::EPOCH, Timestamp::EPOCH);
    let entry = Entry {
        record: Record::LoggedOut { at, until },
        version: Version::new(0),
    };
    Node::new(key, entry)
}
