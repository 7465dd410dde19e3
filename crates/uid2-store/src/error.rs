//! What can go wrong with a store.

use std::error::Error;

type Source = Box<dyn Error + Send + Sync>;

/// Why a store could not do what was asked. Names no keys and no contents.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The precondition of a write does not hold: read again and decide again.
    #[error("the record has changed since it was read")]
    Conflict,
    /// This record cannot be read back as it was written. Others are not affected.
    #[error("the record is damaged: remove it, and let the user sign in again")]
    Damaged,
    /// What the records are kept in is damaged, or cannot be read, beyond single
    /// records.
    #[error("the store is damaged: restore a backup, or copy what can still be read to a new one")]
    Corrupt(#[source] Source),
    /// This record, or the store, was written by a newer version of this library.
    #[error("written in format {found}, and this version reads up to {known}: upgrade it")]
    NewerFormat {
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// The key is longer than [`TokenStore::MAX_KEY`](crate::TokenStore::MAX_KEY).
    #[error("the key has {found} bytes, and at most {max} are allowed")]
    KeyTooLong {
        /// Its length.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// The store is open elsewhere, and this backend allows only one at a time.
    #[error("the store is already open, in this process or another: close it there first")]
    AlreadyOpen,
    /// What is there is not a store of this kind.
    #[error("not a store of this library: check the path")]
    NotAStore(#[source] Option<Source>),
    /// The store can be read but not written.
    #[error("the store is read-only: check the permissions of the file and its folder")]
    ReadOnly(#[source] Option<Source>),
    /// There is no room left.
    #[error("no room left for the store: free some, nothing has been lost")]
    Full(#[source] Option<Source>),
    /// Reached its capacity with nothing that may be evicted.
    #[error("the store has reached its capacity of {capacity} records, all of them opt-outs")]
    Capacity {
        /// The limit.
        capacity: usize,
    },
    /// This version, or this backend, cannot do or keep what was asked.
    #[error("this store cannot keep {0}: upgrade it")]
    Unsupported(&'static str),
    /// The record is sealed with a key that the key ring does not have.
    #[error("the record is sealed with key {id}, which the key ring does not have: add it")]
    KeyMissing {
        /// The key's id.
        id: u32,
    },
    /// The record is whole, but does not open with its key.
    #[error(
        "the record does not open with key {id}: it was altered, \
         or the key ring has another key under this id"
    )]
    NotAuthentic {
        /// The key's id.
        id: u32,
    },
    /// The store is encrypted, and was opened without a key ring.
    #[error("the store is encrypted: open it with its key ring")]
    Encrypted,
    /// The store is not encrypted, and was opened with a key ring.
    #[error("the store is not encrypted: open it without a key ring, or copy it to one that is")]
    NotEncrypted,
    /// The store is encrypted, and was opened with the key ring of another.
    #[error("the key ring is another store's: its key for names differs")]
    WrongKeyRing,
    /// The system gave no random numbers.
    #[error("no random numbers from the operating system")]
    Random(#[source] Source),
    /// The store's server does not let us in, or its address is malformed.
    #[error("the store refused access: check its address, user and password")]
    Refused(#[source] Source),
    /// The store cannot be reached now; it may be later.
    #[error("the store cannot be reached now: try again")]
    Unavailable(#[source] Source),
    /// Reading or writing failed.
    #[error("reading or writing the store failed")]
    Io(#[source] Source),
    /// The store has been closed.
    #[error("the store has been closed")]
    Closed,
}

impl StoreError {
    /// Whether it is the matter of one record that is stored, and others can be read.
    pub(crate) const fn is_of_a_record(&self) -> bool {
        matches!(
            self,
            Self::Damaged
                | Self::NewerFormat { .. }
                | Self::KeyMissing { .. }
                | Self::NotAuthentic { .. }
        )
    }

    /// Whether the same call may succeed later without anything being mended.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Conflict | Self::Unavailable(_))
    }
}
