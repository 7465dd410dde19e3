//! The contract between a publisher and where it keeps what it must not lose.

use std::fmt;
use std::future::Future;

use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;

use crate::StoreError;

/// A place for one [`Record`] a key.
///
/// Keys are opaque bytes of the caller's, from empty to
/// [`MAX_KEY`](TokenStore::MAX_KEY) long. A store has no clock: times come in as
/// arguments, and out of [`Record::due`] and [`Record::expires`].
///
/// # Contract
///
/// Backends are checked by the `conformance` suite against each of these.
///
/// **Atomicity.** A conditional [`put`](Self::put) or [`remove`](Self::remove)
/// must check its precondition and take effect in one step, whatever else is
/// going on: of many writers that name the same version, exactly one succeeds.
/// A record and its place in the due index must change together.
///
/// **Versions.** Each successful `put` must give its record a [`Version`] that
/// the same key has never had before, removals and restarts in between included.
///
/// **Reading.** A [`get`](Self::get) that begins after a `put` or `remove` has
/// returned must see its effect, through every clone and handle of the store in
/// this process. It returns records as they were put, expired ones too, until
/// they are purged: what a record is worth at what time is for
/// [`lifecycle`](uid2_core::lifecycle) to say, and a wrong clock must not make a
/// record vanish. A key that has no record gives `None`. A record that cannot be
/// read back exactly gives [`StoreError::Damaged`], one of a newer format
/// [`StoreError::NewerFormat`]; other keys must not be affected.
///
/// **Failures.** After [`StoreError::Conflict`] nothing has changed. After an error
/// that says the store could not be written or reached, the write may have taken
/// place, or may have when the store is next opened: whoever has to know reads
/// again, or writes again. What is acknowledged after it must stand above it.
///
/// **Durability.** What a `put`, `remove` or `purge` did must be as durable when
/// it returns as the backend claims in its documentation.
///
/// **Due scan.** [`due`](Self::due) must give each key whose record's `due()` is
/// not after `now`, ordered by due time, at most `limit`, starting after
/// `after`, whether or not that key is still there. Keys that are due at the same
/// time come in an order of the store's own, which must stay the same, so that a
/// scan can go on from any of them. The cost must depend on what is given, not
/// on what is stored. A key must not come twice in one call; between two calls
/// of a scan, a record may move to where the scan has yet to come. A key whose
/// record cannot be read may be given or left out; in an encrypted store it can
/// only be left out.
///
/// **Purging.** [`purge`](Self::purge) must remove only records whose
/// `expires()` is not after `before`; so never opt-outs. It must check this in
/// the same step in which it removes. If as many as `limit` can go, as many must.
///
/// **Cancellation.** Dropping the future of a `put` or `remove` at any point
/// must leave either the old or the new record, whole, with its index entry.
///
/// ```
/// use uid2_core::Timestamp;
/// use uid2_core::lifecycle::Policy;
/// use uid2_store::{Precondition, StoreError, TokenStore};
///
/// /// Whether the opt-out was entered; not when the record has changed meanwhile.
/// async fn opt_out(store: &impl TokenStore, key: &[u8], now: Timestamp) -> Result<bool, StoreError> {
///     let entry = store.get(key).await?;
///     let when = Precondition::unchanged(entry.as_ref());
///     let record = Policy::default().on_publisher_opt_out(now);
///     match store.put(key, &record, when).await {
///         Ok(_) => Ok(true),
///         Err(StoreError::Conflict) => Ok(false),
///         Err(error) => Err(error),
///     }
/// }
/// ```
pub trait TokenStore: Send + Sync + 'static {
    /// The longest key that every store takes, in bytes.
    const MAX_KEY: usize = 512;

    /// The record of a key.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] and [`StoreError::NewerFormat`] for this record
    /// alone; others when the store as a whole has a problem.
    fn get(&self, key: &[u8]) -> impl Future<Output = Result<Option<Entry>, StoreError>> + Send;

    /// Puts a record if the precondition holds, and gives its new version.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the precondition does not hold; nothing has
    /// changed then.
    fn put(
        &self,
        key: &[u8],
        record: &Record,
        when: Precondition,
    ) -> impl Future<Output = Result<Version, StoreError>> + Send;

    /// Removes a record if the precondition holds. Says whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the precondition does not hold; nothing has
    /// changed then.
    fn remove(
        &self,
        key: &[u8],
        when: Precondition,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The keys whose records are due at `now`, the longest overdue first, at
    /// most `limit`, starting after `after`.
    ///
    /// The one that is due next, however long a refresher can rest until then, is
    /// the first at [`Timestamp::MAX`].
    ///
    /// # Errors
    /// When the store as a whole has a problem.
    fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<DueKey>, StoreError>> + Send;

    /// Removes up to `limit` records that expired at or before `before`, and
    /// says how many.
    ///
    /// # Errors
    /// When the store as a whole has a problem; some may have been removed then.
    fn purge(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;
}

/// A record and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The record.
    pub record: Record,
    /// Its version, to make a later write conditional on.
    pub version: Version,
}

/// The version of a record: changes with every `put`, and never comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Version(u64);

impl Version {
    /// For backends.
    #[must_use]
    pub const fn new(version: u64) -> Self {
        Self(version)
    }

    /// For backends.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What must hold for a write to take place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Precondition {
    /// Nothing: whatever is there is overwritten or removed.
    Any,
    /// There is no record. For `remove`, a no-operation that checks.
    Absent,
    /// The record has this version.
    Version(Version),
}

impl Precondition {
    /// That the record is still what a `get` has returned.
    #[must_use]
    pub fn unchanged(entry: Option<&Entry>) -> Self {
        entry.map_or(Self::Absent, |entry| Self::Version(entry.version))
    }

    /// Whether it holds for a record of this version, or for none.
    #[must_use]
    pub fn holds(self, current: Option<Version>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => current.is_none(),
            Self::Version(version) => current == Some(version),
        }
    }
}

/// A key and when its record is due; also the place to go on from in a scan.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DueKey {
    /// When.
    pub due: Timestamp,
    /// Which.
    pub key: Box<[u8]>,
}

/// Shows the time, not the key: it may be a user's id.
impl fmt::Debug for DueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DueKey")
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}
