//! First-level hashes, salt buckets and API key hashes.

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// How many salts the service has; a local operator has fewer.
pub const SALT_COUNT: usize = 1 << 20;

/// What the service makes of the hash of an identity before anything else: a
/// hash under a salt that never changes (protocol, section 14).
///
/// Refresh tokens carry it, and opt-outs are kept under it. It stands for a
/// person, so `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FirstLevelHash([u8; 32]);

impl FirstLevelHash {
    /// Of the hash of an identity, under the first-level salt as it is written.
    #[must_use]
    pub fn derive(identity_hash: &[u8; 32], first_level_salt: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(STANDARD.encode(identity_hash))
            .chain_update(first_level_salt)
            .finalize();
        Self(digest.into())
    }

    /// From its 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Which of `salts` salts this one falls under: 20 bits of the hash, modulo
    /// the number of salts when that is not [`SALT_COUNT`]. Zero if there are none.
    #[must_use]
    pub fn bucket_index(&self, salts: usize) -> usize {
        let [first, second, third, ..] = self.0;
        let index = usize::from(first) << 12 | usize::from(second) << 4 | usize::from(third & 0x0F);
        index.checked_rem(salts).unwrap_or_default()
    }

    /// The second half.
    pub(crate) fn tail(&self) -> [u8; 16] {
        self.0.last_chunk().copied().unwrap_or_default()
    }
}

impl fmt::Debug for FirstLevelHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirstLevelHash(<redacted>)")
    }
}

/// What an operator keeps of an API key: SHA-512 of salt and key (protocol,
/// section 3).
#[derive(Clone)]
pub struct ApiKeyHash {
    salt: [u8; 32],
    hash: [u8; 64],
}

impl ApiKeyHash {
    /// Of this key under this salt.
    #[must_use]
    pub fn derive(key: &str, salt: [u8; 32]) -> Self {
        Self {
            salt,
            hash: digest(key, &salt),
        }
    }

    /// From what an operator keeps.
    #[must_use]
    pub const fn from_parts(salt: [u8; 32], hash: [u8; 64]) -> Self {
        Self { salt, hash }
    }

    /// Whether it is of this key. In constant time.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        digest(key, &self.salt).ct_eq(&self.hash).into()
    }

    /// The 64 bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.hash
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyHash(<redacted>)")
    }
}

fn digest(key: &str, salt: &[u8; 32]) -> [u8; 64] {
    Sha512::new()
        .chain_update(salt)
        .chain_update(key)
        .finalize()
        .into()
}
