//! One writer at a time: a locked file beside the store.
//!
//! It is a file of its own because closing any handle of the database file
//! would drop the locks that SQLite holds on it (POSIX, close(2)). The lock goes
//! with the process, however it ends; the file stays, empty.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::StoreError;

const PAUSE: Duration = Duration::from_millis(10);

/// Held while open.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

/// Why there is no lock.
pub(super) enum LockError {
    /// The folder cannot be written to.
    Forbidden(io::Error),
    Other(StoreError),
}

/// One file has one lock, whatever symbolic links lead to it: SQLite follows them,
/// too.
fn file_itself(store: &Path) -> PathBuf {
    if let Ok(file) = store.canonicalize() {
        return file;
    }
    // Not there yet.
    let folder = store.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    match (folder, store.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => store.to_owned(),
    }
}

pub(super) fn acquire(store: &Path, patience: Duration) -> Result<Lock, LockError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    // Who can open it can lock it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options
        .open(super::beside(&file_itself(store), "-lock"))
        .map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                LockError::Forbidden(error)
            }
            io::ErrorKind::StorageFull => LockError::Other(StoreError::Full(Some(error.into()))),
            _ => LockError::Other(StoreError::Io(error.into())),
        })?;
    let end = Instant::now().checked_add(patience);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::Error(error)) => {
                return Err(LockError::Other(StoreError::Io(error.into())));
            }
            Err(TryLockError::WouldBlock) => {}
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return Err(LockError::Other(StoreError::AlreadyOpen));
        }
        thread::sleep(PAUSE);
    }
}
