//! A store that lets others go first before and after each step, and that fails
//! when told to: so that a test can come in between at every await.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::{DueKey, Entry, MemoryStore, Precondition, StoreError, TokenStore, Version};

use uid2_sim::yield_now;

#[derive(Clone, Default)]
pub struct Yielding {
    pub inner: MemoryStore,
    refuses_writes: Arc<AtomicBool>,
    reads: Arc<AtomicUsize>,
    scans: Arc<AtomicUsize>,
}

impl Yielding {
    pub fn refuse_writes(&self, refuses: bool) {
        self.refuses_writes.store(refuses, Ordering::Relaxed);
    }

    /// How many reads have read.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    /// How many due scans there were.
    pub fn scans(&self) -> usize {
        self.scans.load(Ordering::Relaxed)
    }

    fn check_writes(&self) -> Result<(), StoreError> {
        if self.refuses_writes.load(Ordering::Relaxed) {
            return Err(StoreError::Full(None));
        }
        Ok(())
    }
}

impl TokenStore for Yielding {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        yield_now().await;
        let result = self.inner.get(key).await;
        self.reads.fetch_add(1, Ordering::Relaxed);
        yield_now().await;
        result
    }

    async fn put(
        &self,
        key: &[u8],
        record: &Record,
        when: Precondition,
    ) -> Result<Version, StoreError> {
        yield_now().await;
        self.check_writes()?;
        let result = self.inner.put(key, record, when).await;
        yield_now().await;
        result
    }

    async fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        yield_now().await;
        self.check_writes()?;
        let result = self.inner.remove(key, when).await;
        yield_now().await;
        result
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>, StoreError> {
        yield_now().await;
        self.scans.fetch_add(1, Ordering::Relaxed);
        self.inner.due(now, after, limit).await
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        yield_now().await;
        self.inner.purge(before, limit).await
    }
}
