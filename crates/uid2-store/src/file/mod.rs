//! Records in a file.

mod cache;
mod column;
mod error;
mod lock;
mod maintenance;
mod open;
mod queue;
mod read_through;
mod reader;
mod rows;
mod schema;
mod unreadable;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_channel::oneshot;
use rusqlite::Connection;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;

pub use maintenance::{FileStats, Verified};
pub use open::FileOptions;

use self::cache::Cache;
use self::queue::Queue;
use self::reader::Job;
use self::writer::{Command, Done, Operation, Write};
use crate::codec::check_key;
use crate::{
    Codec, Cursor, DueKey, Entry, Precondition, Scan, Scanned, StoreError, TokenStore, Version,
};

/// The most records that one commit purges: others wait for it.
const PURGE_STEP: usize = 256;

/// Records in a file of SQLite's, on one machine, for one process at a time.
///
/// Cloning is cheap, and clones share the store.
///
/// - **Durable.** When a `put`, `remove` or `purge` returns, its effect is on
///   the disk: it survives `kill -9` and the loss of power, as far as the disk
///   does what it says when it is told to flush.
/// - **Never blocks** the thread that polls it. One thread of its own writes,
///   others read. It needs no particular async runtime.
/// - **Shared commits.** Whatever comes in during a commit goes into the next
///   one together, so a write waits for at most one commit beside its own. A
///   commit begins up to a millisecond later, and a quarter of the time that it
///   takes, if those who were answered by the last may still join it.
/// - **Cached.** A record that was read or written lately is there at once:
///   such a `get` is ready when it is polled first.
/// - **Checked.** Every record carries a checksum. One that is damaged is
///   [`StoreError::Damaged`] for its user alone.
/// - **One process writes.** A second one gets [`StoreError::AlreadyOpen`], for
///   each has a cache that must know of every write. To look into a store that is
///   in use, open it with [`FileOptions::read_only`].
///
/// The store is a file with two more beside it while it is open (`-wal`,
/// `-shm`), and an empty one (`-lock`) by which processes keep out of each
/// other's way. It must be on a local disk: locks are not to be trusted on
/// network file systems.
///
/// Dropping the last handle closes the store in the background;
/// [`close`](Self::close) waits until that is done.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("uid2.db");
/// use uid2_core::Timestamp;
/// use uid2_core::lifecycle::Policy;
/// use uid2_store::{FileStore, Precondition, TokenStore};
///
/// let store = FileStore::open(&path).await?;
/// let record = Policy::default().on_publisher_opt_out(Timestamp::EPOCH);
/// store.put(b"user-1", &record, Precondition::Absent).await?;
/// store.close().await;
///
/// let store = FileStore::open(&path).await?;
/// assert_eq!(store.get(b"user-1").await?.expect("still there").record, record);
/// # store.close().await;
/// # Ok::<(), uid2_store::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct FileStore(Arc<Shared>);

/// What the handles share. The threads share only its parts, so that it is
/// dropped with the last handle, and ends them.
struct Shared {
    path: PathBuf,
    codec: Codec,
    writes: Arc<Queue<Command>>,
    reads: Arc<Queue<Job>>,
    cache: Arc<Cache>,
    versions: AtomicU64,
    commits: Arc<AtomicU64>,
    read_only: bool,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.reads.close();
        self.writes.close();
    }
}

impl FileStore {
    /// Opens the store at `path`, and makes it where there is none.
    ///
    /// # Errors
    /// As [`FileOptions::open`].
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::options().open(path).await
    }

    /// To open a store in other ways.
    #[must_use]
    pub fn options() -> FileOptions {
        FileOptions::default()
    }

    /// Where the store is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether it can only be read: asked for, or because the file or its folder
    /// cannot be written to. Writes give [`StoreError::ReadOnly`] then.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.0.read_only
    }

    /// Finishes what was begun and closes the file. Every later call through any
    /// handle gives [`StoreError::Closed`], but for reads of what is in memory. While
    /// the first call waits for the end, another returns at once.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        self.0.reads.close();
        if self.0.writes.close_with(Command::Close(reply)) {
            // The thread answers, or has ended.
            let _ = closed.await;
        }
    }

    async fn write(&self, operation: Operation) -> Result<Done, StoreError> {
        if self.0.read_only {
            return Err(StoreError::ReadOnly(None));
        }
        let (reply, done) = oneshot::channel();
        let write = Command::Write(Write { operation, reply });
        if !self.0.writes.push(write) {
            return Err(StoreError::Closed);
        }
        done.await.map_err(|_| StoreError::Closed)?
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, done) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // A caller who does not wait any more is not worth the reading.
            if !reply.is_canceled() {
                let _ = reply.send(work(connection));
            }
        });
        if !self.0.reads.push(job) {
            return Err(StoreError::Closed);
        }
        done.await.map_err(|_| StoreError::Closed)?
    }

    async fn get_from_file(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        let key: Box<[u8]> = key.into();
        let (cache, codec) = (Arc::clone(&self.0.cache), self.0.codec.clone());
        self.read(move |connection| read_through::get(connection, &cache, &codec, &key, || ()))
            .await
    }
}

impl TokenStore for FileStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        check_key(key)?;
        match self.0.cache.get(key) {
            Some(known) => Ok(known),
            None => self.get_from_file(key).await,
        }
    }

    async fn put(
        &self,
        key: &[u8],
        record: &Record,
        when: Precondition,
    ) -> Result<Version, StoreError> {
        check_key(key)?;
        let version = self.0.versions.fetch_add(1, Ordering::Relaxed);
        let operation = Operation::Put {
            key: key.into(),
            stored_key: self.0.codec.stored_key(key).into(),
            entry: Entry {
                record: record.clone(),
                version: Version::new(version),
            },
            value: self.0.codec.encode(key, record)?,
            when,
        };
        match self.write(operation).await? {
            Done::Put(version) => Ok(version),
            Done::Removed(_) | Done::Purged { .. } | Done::Resealed { .. } => {
                Err(StoreError::Closed)
            }
        }
    }

    async fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        check_key(key)?;
        let operation = Operation::Remove {
            key: key.into(),
            stored_key: self.0.codec.stored_key(key).into(),
            when,
        };
        match self.write(operation).await? {
            Done::Removed(was_there) => Ok(was_there),
            Done::Put(_) | Done::Purged { .. } | Done::Resealed { .. } => Err(StoreError::Closed),
        }
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>, StoreError> {
        let after = after.map(|after| {
            let key = self.0.codec.stored_key(&after.key);
            (after.due, Box::from(&*key))
        });
        let codec = self.0.codec.clone();
        self.read(move |connection| reader::due(connection, &codec, now, after, limit))
            .await
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut purged = 0;
        let mut after = None;
        while purged < limit {
            let operation = Operation::Purge {
                before,
                after,
                limit: PURGE_STEP.min(limit - purged),
            };
            let Done::Purged { removed, next } = self.write(operation).await? else {
                return Err(StoreError::Closed);
            };
            purged += removed;
            after = next;
            if after.is_none() {
                break;
            }
        }
        Ok(purged)
    }
}

impl Scan for FileStore {
    async fn scan(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Scanned>, Option<Cursor>), StoreError> {
        let codec = self.0.codec.clone();
        let after = after.map_or(i64::MIN, |cursor| cursor.get()[0].cast_signed());
        self.read(move |connection| reader::scan(connection, &codec, after, limit.max(1)))
            .await
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("path", &self.0.path)
            .field("read_only", &self.0.read_only)
            .field("cached", &self.0.cache.len())
            .finish_non_exhaustive()
    }
}

/// The path of a file that belongs to the store at `path`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
