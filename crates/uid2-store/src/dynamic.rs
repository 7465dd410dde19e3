//! The object-safe form of a store, for `Arc<dyn …>`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;

use crate::{DueKey, Entry, Precondition, StoreError, TokenStore, Version};

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// [`TokenStore`] with boxed futures, so that the backend can be chosen at run
/// time. Every `TokenStore` is one, and `Arc<dyn DynTokenStore>` is a `TokenStore`
/// again. The contract is the same.
///
/// ```
/// use std::sync::Arc;
/// use uid2_store::{DynTokenStore, FileStore, MemoryStore, StoreError};
///
/// async fn open(path: Option<&str>) -> Result<Arc<dyn DynTokenStore>, StoreError> {
///     Ok(match path {
///         Some(path) => Arc::new(FileStore::open(path).await?),
///         None => Arc::new(MemoryStore::new()),
///     })
/// }
/// ```
pub trait DynTokenStore: Send + Sync + 'static {
    /// As [`TokenStore::get`].
    fn get_dyn<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Entry>, StoreError>>;

    /// As [`TokenStore::put`].
    fn put_dyn<'a>(
        &'a self,
        key: &'a [u8],
        record: &'a Record,
        when: Precondition,
    ) -> BoxFuture<'a, Result<Version, StoreError>>;

    /// As [`TokenStore::remove`].
    fn remove_dyn<'a>(
        &'a self,
        key: &'a [u8],
        when: Precondition,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// As [`TokenStore::due`].
    fn due_dyn<'a>(
        &'a self,
        now: Timestamp,
        after: Option<&'a DueKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DueKey>, StoreError>>;

    /// As [`TokenStore::purge`].
    fn purge_dyn(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<usize, StoreError>>;
}

impl<S: TokenStore> DynTokenStore for S {
    fn get_dyn<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(self.get(key))
    }

    fn put_dyn<'a>(
        &'a self,
        key: &'a [u8],
        record: &'a Record,
        when: Precondition,
    ) -> BoxFuture<'a, Result<Version, StoreError>> {
        Box::pin(self.put(key, record, when))
    }

    fn remove_dyn<'a>(
        &'a self,
        key: &'a [u8],
        when: Precondition,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.remove(key, when))
    }

    fn due_dyn<'a>(
        &'a self,
        now: Timestamp,
        after: Option<&'a DueKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<DueKey>, StoreError>> {
        Box::pin(self.due(now, after, limit))
    }

    fn purge_dyn(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(self.purge(before, limit))
    }
}

impl TokenStore for Arc<dyn DynTokenStore> {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        (**self).get_dyn(key).await
    }

    async fn put(
        &self,
        key: &[u8],
        record: &Record,
        when: Precondition,
    ) -> Result<Version, StoreError> {
        (**self).put_dyn(key, record, when).await
    }

    async fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        (**self).remove_dyn(key, when).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>, StoreError> {
        (**self).due_dyn(now, after, limit).await
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        (**self).purge_dyn(before, limit).await
    }
}
