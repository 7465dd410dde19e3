//! SQLite's errors as ours.

use std::fmt;
use std::sync::Arc;

use rusqlite::{Error, ErrorCode};

use crate::StoreError;

pub(super) fn typed(error: Error) -> StoreError {
    Failure::from(error).to_store_error()
}

/// Whether a page of the file is not what it was, or cannot be read.
pub(super) fn is_corrupt(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}

/// Of a call that concerns one record.
pub(super) fn typed_for_one(error: Error) -> StoreError {
    for_one(typed(error))
}

/// A page of the file is not what it was, or cannot be read. It is the matter of the
/// call whose key is on it.
pub(super) fn for_one(error: StoreError) -> StoreError {
    match error {
        StoreError::Corrupt(_) => StoreError::Damaged,
        error => error,
    }
}

/// What SQLite said, to be told to each caller whom it concerns: a commit fails
/// for everyone in it.
///
/// Errors of SQLite name neither keys nor contents: those are only ever bound as
/// parameters, and the statements are ours.
#[derive(Clone)]
pub(super) struct Failure(Arc<Error>);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl Failure {
    pub(super) fn to_store_error(&self) -> StoreError {
        let source = Box::new(Cause(Arc::clone(&self.0)));
        match self.0.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full(Some(source)),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                StoreError::ReadOnly(Some(source))
            }
            Some(ErrorCode::NotADatabase) => StoreError::NotAStore(Some(source)),
            // Also what a failed read ends as (`SQLITE_IOERR_CORRUPTFS`).
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt(source),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Unavailable(source)
            }
            // A column of another type than ours: the bits that say so have flipped.
            None if self.is_mistyped() => StoreError::Corrupt(source),
            _ => StoreError::Io(source),
        }
    }

    /// Whether it is what is in the file, or that there is no room for more: not
    /// what the file is on.
    pub(super) fn is_of_contents(&self) -> bool {
        let code = self.0.sqlite_error_code();
        matches!(code, Some(ErrorCode::DiskFull | ErrorCode::DatabaseCorrupt))
    }

    /// Whether an index does not say what the records do (`SQLITE_CORRUPT_INDEX`).
    pub(super) fn is_of_an_index(&self) -> bool {
        let code = self.0.sqlite_error().map(|error| error.extended_code);
        code == Some(rusqlite::ffi::SQLITE_CORRUPT_INDEX)
    }

    fn is_mistyped(&self) -> bool {
        matches!(
            *self.0,
            Error::InvalidColumnType(..)
                | Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
        )
    }
}

/// An error that several callers share.
struct Cause(Arc<Error>);

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// With the code, to look up; SQLite's own source says the same once more.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        match self.0.sqlite_error() {
            Some(error) => write!(f, " (SQLite {})", error.extended_code),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Cause {}
