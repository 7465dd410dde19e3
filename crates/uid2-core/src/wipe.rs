//! Bytes that are wiped when they are dropped.

use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A buffer that is wiped on drop.
///
/// As `Zeroizing<Vec<u8>>`, but wiped in one go: that one takes a byte at a time,
/// which for a response costs as much as decrypting it.
#[derive(Clone)]
pub(crate) struct Wiped(Vec<u8>);

impl Wiped {
    pub(crate) const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// The bytes, from now on somebody else's to wipe.
    pub(crate) fn into_inner(mut self) -> Vec<u8> {
        core::mem::take(&mut self.0)
    }
}

/// In constant time for equal lengths.
impl PartialEq for Wiped {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Wiped {}

impl Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
        self.0.spare_capacity_mut().zeroize();
    }
}
