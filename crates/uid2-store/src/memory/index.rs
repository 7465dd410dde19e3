//! In which order records are due, and in which they go.

use std::collections::BTreeSet;
use std::ops::Bound;

use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;

use crate::DueKey;
use crate::key::Key;

/// With the keys in it, for many are due at the same time.
type ByTime = BTreeSet<(Timestamp, Key)>;

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
    pub(super) key: Key,
}

impl Index {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Enters a record; `old` is the one whose place it takes.
    pub(super) fn insert(&mut self, key: &Key, old: Option<&Record>, new: &Record) {
        match old {
            Some(old) => self.forget(key, old),
            None => self.len += 1,
        }
        if let Some(due) = new.due() {
            self.due.insert((due, key.clone()));
        }
        if let (Some(times), Some(expires)) = (self.expiring(new), new.expires()) {
            times.insert((expires, key.clone()));
        }
    }

    pub(super) fn remove(&mut self, key: &Key, old: &Record) {
        self.forget(key, old);
        self.len -= 1;
    }

    fn forget(&mut self, key: &Key, old: &Record) {
        if let Some(due) = old.due() {
            self.due.remove(&(due, key.clone()));
        }
        if let (Some(times), Some(expires)) = (self.expiring(old), old.expires()) {
            times.remove(&(expires, key.clone()));
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
            Bound::Excluded((after.due, Key::new(&after.key)))
        });
        self.due
            .range((start, Bound::Unbounded))
            .take_while(|(due, _)| *due <= now)
            .take(limit)
            .map(|(due, key)| DueKey {
                due: *due,
                key: key.as_bytes().into(),
            })
            .collect()
    }

    pub(super) fn expired(&self, before: Timestamp, limit: usize) -> Vec<Key> {
        let until = |times: &'_ ByTime| -> Vec<Key> {
            times
                .iter()
                .take_while(|(expires, _)| *expires <= before)
                .take(limit)
                .map(|(_, key)| key.clone())
                .collect()
        };
        let mut keys = until(&self.identities);
        keys.extend(until(&self.logouts));
        keys.truncate(limit);
        keys
    }

    pub(super) fn victim(&self) -> Option<Victim> {
        let first = |times: &ByTime, class| {
            times.first().map(|(expires, key)| Victim {
                class,
                expires: *expires,
                key: key.clone(),
            })
        };
        first(&self.identities, Class::Identity).or_else(|| first(&self.logouts, Class::Logout))
    }
}
