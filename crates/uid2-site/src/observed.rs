//! A store that tells the timeline what happens to it.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use uid2_core::Timestamp;
use uid2_core::lifecycle::{OptOutReason, Record, RefreshState};
use uid2_http::Runtime;
use uid2_store::{DueKey, Entry, FileStore, Precondition, StoreError, TokenStore, Version};

use crate::clock::SiteClock;
use crate::event::EventKind;
use crate::records::Records;

/// What the ids of this site's users begin with.
pub(crate) const USER_PREFIX: &str = "usr-";

/// The file store, and an eye on it: also what the background refresher does
/// ends up in the timeline. A store of one's own is any [`TokenStore`].
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    store: FileStore,
    records: Records,
    clock: SiteClock,
}

impl Observed {
    pub(crate) const fn new(store: FileStore, records: Records, clock: SiteClock) -> Self {
        Self {
            store,
            records,
            clock,
        }
    }

    pub(crate) const fn file(&self) -> &FileStore {
        &self.store
    }

    /// A timeline with a gap is no reason to fail a write that has been done.
    async fn note(&self, key: &[u8], record: &Record) {
        let Some(user) = user_of(key) else { return };
        let (records, record, now) = (self.records.clone(), record.clone(), self.clock.now());
        let noted = tokio::task::spawn_blocking(move || note(&records, &user, &record, now));
        match noted.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the timeline could not be written"),
            Err(error) => tracing::warn!(%error, "the timeline was not written"),
        }
    }
}

/// The publisher names its records as it likes; a user's id is the end of one.
fn user_of(key: &[u8]) -> Option<Arc<str>> {
    let key = std::str::from_utf8(key).ok()?;
    let at = key.find(USER_PREFIX)?;
    key.get(at..).map(Arc::from)
}

fn note(
    records: &Records,
    user: &str,
    record: &Record,
    now: Timestamp,
) -> Result<(), rusqlite::Error> {
    let (kind, token) = match record {
        Record::Identity(stored) => {
            let token = mark(stored.identity.advertising_token().as_str());
            let known = records.last_token(user)? == Some(token);
            match stored.refresh {
                // Who signed in says so afterwards: see `Records::was_generated`.
                _ if !known => (EventKind::Refreshed, Some(token)),
                RefreshState::Backoff { .. } => (EventKind::RefreshFailed, None),
                RefreshState::Ended => (EventKind::RefreshEnded, None),
                RefreshState::Idle | RefreshState::Dormant => return Ok(()),
            }
        }
        Record::OptOut(out) if out.reason == OptOutReason::Publisher => {
            (EventKind::OptedOutSite, None)
        }
        Record::OptOut(_) => (EventKind::OptedOutService, None),
        Record::LoggedOut { .. } => (EventKind::SignedOut, None),
    };
    records.note(user, kind, token, now)
}

/// Enough to tell two tokens of a user apart, and of no use for anything else.
pub(crate) fn mark(token: &str) -> [u8; 8] {
    let mut mark = [0; 8];
    for (to, from) in mark.iter_mut().zip(Sha256::digest(token.as_bytes())) {
        *to = from;
    }
    mark
}

impl TokenStore for Observed {
    const MAX_KEY: usize = FileStore::MAX_KEY;

    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.store.get(key).await
    }

    async fn put(
        &self,
        key: &[u8],
        record: &Record,
        when: Precondition,
    ) -> Result<Version, StoreError> {
        let version = self.store.put(key, record, when).await?;
        self.note(key, record).await;
        Ok(version)
    }

    async fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        self.store.remove(key, when).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>, StoreError> {
        self.store.due(now, after, limit).await
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.store.purge(before, limit).await
    }
}
