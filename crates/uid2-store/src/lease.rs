//! Leases: of many nodes, one does a thing.

use std::fmt;
use std::time::Duration;

use crate::{BoxFuture, StoreError};

/// A store that several machines share, and by which they can agree on who of
/// them refreshes a user.
///
/// A lease saves work; it does not guard the record. A node may be slow and find
/// its lease run out while it is still at it, so what it writes must be
/// conditional on the version it has read, as always.
///
/// Can be used as `Arc<dyn Leases>`. The `conformance` feature has a suite for it.
///
/// ```
/// use std::time::Duration;
/// use uid2_store::{Leases, StoreError};
///
/// async fn refresh_once(leases: &dyn Leases, key: &[u8]) -> Result<(), StoreError> {
///     if let Some(lease) = leases.acquire(key, Duration::from_secs(30)).await? {
///         // Of all nodes, this one refreshes.
///         leases.release(lease).await?;
///     }
///     Ok(())
/// }
/// ```
pub trait Leases: Send + Sync + 'static {
    /// Takes the lease of a key for so long, and gives `None` if another has it.
    ///
    /// Of many that ask at a time, exactly one must get it; and nobody while it
    /// is held, who has it included, until it is released or `duration` has
    /// passed. So there is no renewing: what may take long asks for long. Every
    /// duration must do, the shortest and the longest too, and every key up to
    /// [`MAX_KEY`](crate::TokenStore::MAX_KEY); leases of different keys have
    /// nothing to do with each other, nor with records.
    ///
    /// # Errors
    /// When the store as a whole has a problem. Whether the lease is held then
    /// is not known; it ends by itself.
    fn acquire<'a>(
        &'a self,
        key: &'a [u8],
        duration: Duration,
    ) -> BoxFuture<'a, Result<Option<Lease>, StoreError>>;

    /// Gives a lease back before its time. Says whether it was still held; a
    /// lease that another holds by now must stay.
    ///
    /// # Errors
    /// When the store as a whole has a problem. The lease ends by itself then.
    fn release(&self, lease: Lease) -> BoxFuture<'_, Result<bool, StoreError>>;
}

/// A lease that is held.
#[derive(Clone, PartialEq, Eq)]
pub struct Lease {
    key: Box<[u8]>,
    token: [u8; 16],
}

impl Lease {
    /// For backends. The token must be one that nobody else has.
    #[must_use]
    pub fn new(key: &[u8], token: [u8; 16]) -> Self {
        let key = key.into();
        Self { key, token }
    }

    /// What it is for.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// For backends.
    #[must_use]
    pub const fn token(&self) -> &[u8; 16] {
        &self.token
    }
}

/// Shows nothing: the key may be a user's id, and who has the token could
/// release the lease.
impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
