//! Opening a store: the lock, the connections, the threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fs, io};

use futures_channel::oneshot;
use rusqlite::Connection;

use super::cache::Cache;
use super::lock::{self, LockError};
use super::queue::Queue;
use super::reader::{self, Job};
use super::schema;
use super::writer::{Command, Writer};
use super::{FileStore, Shared};
use crate::{Codec, StoreError};

/// How to open a [`FileStore`].
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("uid2.db");
/// use uid2_store::FileStore;
///
/// let store = FileStore::options().cache(100_000).open(path).await?;
/// # store.close().await;
/// # Ok::<(), uid2_store::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct FileOptions {
    cache: usize,
    readers: usize,
    read_only: bool,
    wait: Duration,
    max_bytes: Option<u64>,
    codec: Codec,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            cache: 100_000,
            readers: 2,
            read_only: false,
            wait: Duration::from_secs(1),
            max_bytes: None,
            codec: Codec::plain(),
        }
    }
}

impl FileOptions {
    /// How many records are kept in memory for reading; 100,000 unless told
    /// otherwise. A record takes about as much as its tokens and 300 bytes.
    /// With 0, every read goes to the file.
    #[must_use]
    pub const fn cache(mut self, records: usize) -> Self {
        self.cache = records;
        self
    }

    /// How many threads read the file, at least 1; 2 unless told otherwise.
    #[must_use]
    pub const fn readers(mut self, threads: usize) -> Self {
        self.readers = if threads == 0 { 1 } else { threads };
        self
    }

    /// Only look: works beside a process that has the store open for writing,
    /// and never changes a record. Every read goes to the file then, for another
    /// process may have changed it.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// How long to wait for another process, or a handle in this one, to let go
    /// of the store before [`StoreError::AlreadyOpen`]; a second unless told
    /// otherwise.
    #[must_use]
    pub const fn wait_for_lock(mut self, time: Duration) -> Self {
        self.wait = time;
        self
    }

    /// How large the file may grow, in bytes, its log not included; as large as
    /// the disk lets it unless told otherwise. Writes that need more give
    /// [`StoreError::Full`], and removals go on.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Encrypts the store with the keys of a ring: values with AES-256-GCM, and
    /// keyed hashes in the place of user ids. A store is encrypted from its
    /// beginning or not at all; [`copy`](crate::copy) makes the one from the other.
    #[cfg(feature = "encryption")]
    #[cfg_attr(docsrs, doc(cfg(feature = "encryption")))]
    #[must_use]
    pub fn encrypt(mut self, ring: crate::KeyRing) -> Self {
        self.codec = Codec::sealed(ring);
        self
    }

    /// Opens the store, and makes it where there is none.
    ///
    /// A file that is marked as read-only, or is in a folder that cannot be
    /// written to, is opened for reading only.
    ///
    /// # Errors
    /// [`StoreError::AlreadyOpen`], [`StoreError::NotAStore`],
    /// [`StoreError::NewerFormat`], [`StoreError::Corrupt`], [`StoreError::Encrypted`],
    /// [`StoreError::NotEncrypted`], [`StoreError::WrongKeyRing`],
    /// [`StoreError::ReadOnly`] if there is no file
    /// and none can be made, and others of the file system. The file has not
    /// been changed then.
    pub async fn open(self, path: impl Into<PathBuf>) -> Result<FileStore, StoreError> {
        let path = path.into();
        let (reply, answer) = oneshot::channel();
        // The thread that opens the file is the one that writes it later.
        spawn("uid2-store-writer", move || {
            match Opened::open(&path, &self) {
                Ok(opened) => opened.serve(path, &self, reply),
                // The caller may have gone.
                Err(error) => drop(reply.send(Err(error))),
            }
        })?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

struct Opened {
    /// `None` if the store is read-only.
    writing: Option<(Connection, lock::Lock, u64)>,
    readers: Vec<Connection>,
}

impl Opened {
    fn open(path: &Path, options: &FileOptions) -> Result<Self, StoreError> {
        if options.read_only || is_marked_read_only(path) {
            return Self::open_read_only(path, options);
        }
        // Before a lock is left beside what can be no store.
        schema::is_absent_or_empty(path)?;
        let lock = match lock::acquire(path, options.wait) {
            Ok(lock) => lock,
            Err(LockError::Other(error)) => return Err(error),
            Err(LockError::Forbidden(_)) if path.exists() => {
                return Self::open_read_only(path, options);
            }
            Err(LockError::Forbidden(error)) => return Err(schema::io_error(error)),
        };
        let connection = schema::open_writer(path, &options.codec, options.max_bytes)?;
        let version = reader::next_version(&connection)?;
        Ok(Self {
            writing: Some((connection, lock, version)),
            readers: open_readers(path, options, false)?,
        })
    }

    fn open_read_only(path: &Path, options: &FileOptions) -> Result<Self, StoreError> {
        if !path.exists() {
            let error = io::Error::from(io::ErrorKind::NotFound);
            return Err(StoreError::Io(error.into()));
        }
        // A log beside the file must be read too. Where there is none and none
        // can come to be, SQLite must be told so: it would try to make one.
        let log = super::beside(path, "-wal").exists();
        let fixed = !log && is_marked_read_only(path);
        let readers = open_readers(path, options, fixed).or_else(|error| {
            if log || fixed {
                return Err(error);
            }
            match error {
                StoreError::Io(_) | StoreError::ReadOnly(_) => open_readers(path, options, true),
                error => Err(error),
            }
        })?;
        Ok(Self {
            writing: None,
            readers,
        })
    }

    /// Hands the store to the caller, and writes for it until it is closed.
    fn serve(
        self,
        path: PathBuf,
        options: &FileOptions,
        reply: oneshot::Sender<Result<FileStore, StoreError>>,
    ) {
        let writes = Arc::new(Queue::new());
        let reads = Arc::new(Queue::new());
        let cached = if self.writing.is_some() {
            options.cache
        } else {
            0
        };
        let cache = Arc::new(Cache::new(cached));
        let readers = match spawn_readers(self.readers, &reads) {
            Ok(readers) => readers,
            Err(error) => return drop(reply.send(Err(error))),
        };
        let commits = Arc::new(AtomicU64::new(0));
        let version = self.writing.as_ref().map_or(0, |writing| writing.2);
        let shared = Shared {
            path,
            codec: options.codec.clone(),
            writes: Arc::clone(&writes),
            reads,
            cache: Arc::clone(&cache),
            versions: AtomicU64::new(version),
            commits: Arc::clone(&commits),
            read_only: self.writing.is_none(),
        };
        // A caller who has gone drops the store, which ends the threads.
        drop(reply.send(Ok(FileStore(Arc::new(shared)))));
        match self.writing {
            Some((connection, lock, version)) => Writer {
                connection,
                queue: writes,
                cache,
                codec: options.codec.clone(),
                versions_until: version,
                commits,
                has_failed: false,
                rebuilt: None,
                readers,
                lock,
            }
            .run(),
            None => refuse_writes(&writes, readers),
        }
    }
}

fn is_marked_read_only(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().readonly())
}

fn open_readers(
    path: &Path,
    options: &FileOptions,
    fixed: bool,
) -> Result<Vec<Connection>, StoreError> {
    (0..options.readers)
        .map(|_| schema::open_reader(path, &options.codec, fixed))
        .collect()
}

fn spawn_readers(
    connections: Vec<Connection>,
    queue: &Arc<Queue<Job>>,
) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let mut threads = Vec::with_capacity(connections.len());
    for connection in connections {
        let jobs = Arc::clone(queue);
        let spawned = spawn("uid2-store-reader", move || reader::run(&connection, &jobs));
        match spawned {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                queue.close();
                return Err(error);
            }
        }
    }
    Ok(threads)
}

/// What is left of the writer where there is nothing to write.
fn refuse_writes(queue: &Queue<Command>, readers: Vec<JoinHandle<()>>) {
    let mut closing = None;
    while let Some(command) = queue.pop() {
        match command {
            Command::Write(write) => {
                // Nobody may be waiting any more.
                let _ = write.reply.send(Err(StoreError::ReadOnly(None)));
            }
            Command::Alone(_) => {}
            Command::Close(reply) => closing = Some(reply),
        }
    }
    for reader in readers {
        let _ = reader.join();
    }
    if let Some(reply) = closing {
        let _ = reply.send(());
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| StoreError::Io(error.into()))
}
