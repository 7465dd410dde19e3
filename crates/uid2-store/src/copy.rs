//! Going through a whole store, and copying it to another.

use std::fmt;
use std::future::Future;

use futures_util::future::join_all;
use uid2_core::lifecycle::Record;

use crate::{Entry, Precondition, StoreError, TokenStore};

/// How many records one page of a copy has.
const PAGE: usize = 256;

/// A store that can be gone through from one end to the other.
pub trait Scan: TokenStore {
    /// A page of records, beginning after `after`; about `limit` of them, or none
    /// though there are more. `None` for where to go on says that there are no more,
    /// and nothing else does.
    ///
    /// In an order of the store's own. A record that is there during the whole
    /// scan must be given; one that changes meanwhile may be given twice.
    ///
    /// # Errors
    /// When the store as a whole has a problem. What is wrong with a record is
    /// in its place in the page.
    fn scan(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<(Vec<Scanned>, Option<Cursor>), StoreError>> + Send;
}

/// Where to go on in a [`Scan`]: of use only to the store that gave it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor([u64; 2]);

impl Cursor {
    /// For backends.
    #[must_use]
    pub const fn new(place: [u64; 2]) -> Self {
        Self(place)
    }

    /// For backends.
    #[must_use]
    pub const fn get(&self) -> [u64; 2] {
        self.0
    }
}

/// A record in a [`Scan`], or what is wrong with it.
pub type Scanned = Result<ScannedEntry, StoreError>;

/// A record in a [`Scan`].
#[derive(Clone, PartialEq, Eq)]
pub struct ScannedEntry {
    /// Whose it is.
    pub key: Box<[u8]>,
    /// The record and its version.
    pub entry: Entry,
}

/// Shows the entry, not the key: it may be a user's id.
impl fmt::Debug for ScannedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScannedEntry")
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}

/// How far a [`copy`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Copied {
    /// Records that were copied.
    pub copied: u64,
    /// Records that were left out because the other store has one of that key.
    pub kept: u64,
    /// Records that cannot be read, and those whose place in the other store is taken
    /// by a record that cannot be.
    pub failed: u64,
}

/// Copies all records of one store to another, of whichever kind.
///
/// A record that is already there stays: a copy that was broken off can be made
/// again, and the other store may be in use. But an opt-out is always copied, and
/// a logout takes the place of an identity, for neither must be lost: a user who
/// has signed in anew meanwhile has to do so once more, and nobody who left is
/// back. Tells `progress` after each page how far it is.
///
/// Versions are not copied: each store gives its own.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use uid2_core::Timestamp;
/// use uid2_core::lifecycle::Policy;
/// use uid2_store::{MemoryStore, Precondition, TokenStore, copy};
///
/// let (old, new) = (MemoryStore::new(), MemoryStore::new());
/// let record = Policy::default().on_publisher_opt_out(Timestamp::EPOCH);
/// old.put(b"user-1", &record, Precondition::Any).await?;
///
/// let done = copy(&old, &new, |so_far| println!("{} copied", so_far.copied)).await?;
/// assert_eq!((done.copied, done.failed), (1, 0));
/// assert_eq!(new.get(b"user-1").await?.expect("copied").record, record);
/// # Ok::<(), uid2_store::StoreError>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// When either store as a whole has a problem; some records may have been copied
/// then.
pub async fn copy(
    from: &impl Scan,
    to: &impl TokenStore,
    mut progress: impl FnMut(Copied),
) -> Result<Copied, StoreError> {
    let mut done = Copied::default();
    let mut after = None;
    loop {
        let (page, next) = from.scan(after.as_ref(), PAGE).await?;
        // All at once, so that a store that can share commits does.
        let (good, bad): (Vec<_>, Vec<_>) = page.into_iter().partition(Result::is_ok);
        done.failed += u64::try_from(bad.len()).unwrap_or(u64::MAX);
        let copies = good
            .into_iter()
            .flatten()
            .map(|scanned| copy_one(scanned, to));
        for copied in join_all(copies).await {
            match copied? {
                One::Copied => done.copied += 1,
                One::Kept => done.kept += 1,
                One::Failed => done.failed += 1,
            }
        }
        progress(done);
        after = next;
        if after.is_none() {
            return Ok(done);
        }
    }
}

/// What must not be lost for the sake of what.
const fn weight(record: &Record) -> u8 {
    match record {
        Record::Identity(_) => 0,
        Record::LoggedOut { .. } => 1,
        Record::OptOut(_) => 2,
    }
}

/// What came of a record.
enum One {
    Copied,
    Kept,
    Failed,
}

async fn copy_one(scanned: ScannedEntry, to: &impl TokenStore) -> Result<One, StoreError> {
    let record = &scanned.entry.record;
    match to.put(&scanned.key, record, Precondition::Absent).await {
        Ok(_) => return Ok(One::Copied),
        Err(StoreError::Conflict) => {}
        Err(error) if error.is_of_a_record() => return Ok(One::Failed),
        Err(error) => return Err(error),
    }
    loop {
        let when = match to.get(&scanned.key).await {
            Ok(found) => {
                let there = found.as_ref().map(|entry| weight(&entry.record));
                if there >= Some(weight(record)) {
                    return Ok(One::Kept);
                }
                Precondition::unchanged(found.as_ref())
            }
            // Nobody knows what it was. An opt-out or a logout is right in its place;
            // for an identity, it may have been one of those.
            Err(StoreError::Damaged) if !matches!(record, Record::Identity(_)) => Precondition::Any,
            Err(error) if error.is_of_a_record() => return Ok(One::Failed),
            Err(error) => return Err(error),
        };
        match to.put(&scanned.key, record, when).await {
            Ok(_) => return Ok(One::Copied),
            Err(StoreError::Conflict) => {}
            Err(error) if error.is_of_a_record() => return Ok(One::Failed),
            Err(error) => return Err(error),
        }
    }
}
