//! The records that cannot be read, by name.

use std::fmt;

use crate::StoreError;

/// A record that cannot be read, and why.
#[non_exhaustive]
pub struct Unreadable {
    /// The key under which it is stored: the caller's own, or in an encrypted
    /// store the keyed hash of it.
    pub stored_key: Box<[u8]>,
    /// What is wrong with it.
    pub error: StoreError,
}

impl Unreadable {
    #[cfg(any(feature = "file", feature = "redis"))]
    pub(crate) fn new(stored_key: &[u8], error: StoreError) -> Self {
        let stored_key = stored_key.into();
        Self { stored_key, error }
    }
}

/// Shows the error, not the key: it may be a user's id.
impl fmt::Debug for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unreadable")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
