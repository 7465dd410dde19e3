//! Records as bytes: what backends that keep bytes write and read.
//!
//! Every value is framed the same way, in every format there will ever be:
//!
//! ```text
//! ┌────────┬────────────┬──────────────────────────────┐
//! │ format │ check      │ body, as the format says     │
//! │ 1 byte │ 4 bytes LE │                              │
//! └────────┴────────────┴──────────────────────────────┘
//! check = CRC-32 of: format, stored key, length of the stored key (4 bytes LE), body
//! ```
//!
//! The check comes first and covers the format, so that a value of a newer
//! format can be told from a damaged one; and it covers the key, so that a value
//! that has come to stand under another key is damaged too.

mod body;
mod frame;
#[cfg(feature = "encryption")]
mod ring;
#[cfg(feature = "encryption")]
mod seal;

use std::borrow::Cow;

use uid2_core::lifecycle::Record;
use zeroize::Zeroizing;

#[cfg(feature = "encryption")]
pub use ring::{KeyRing, KeyRingError};

use crate::StoreError;

/// The longest key: see [`TokenStore::MAX_KEY`](crate::TokenStore::MAX_KEY).
const MAX_KEY: usize = 512;

/// How a backend that keeps bytes writes records and reads them back.
///
/// For backends: [`FileStore`](crate::FileStore) is built on it, and so can
/// yours. It keeps to two things: a value that is not exactly as it was written
/// is never read as a record, and a value of a newer format is known as such.
///
/// ```
/// use uid2_core::Timestamp;
/// use uid2_core::lifecycle::{Policy, Record};
/// use uid2_store::{Codec, StoreError};
///
/// let codec = Codec::plain();
/// let record = Policy::default().on_service_opt_out(Timestamp::from_millis(1_700_000_000_000));
///
/// let stored_key = codec.stored_key(b"user-1");
/// let mut value = codec.encode(b"user-1", &record)?;
/// assert_eq!(codec.decode(&stored_key, &value)?, record);
///
/// value[7] ^= 1;
/// assert!(matches!(codec.decode(&stored_key, &value), Err(StoreError::Damaged)));
/// # Ok::<(), StoreError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Codec(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    Plain,
    #[cfg(feature = "encryption")]
    Sealed(KeyRing),
}

impl Codec {
    /// Values and keys as they are, with a check.
    #[must_use]
    pub const fn plain() -> Self {
        Self(Kind::Plain)
    }

    /// Values sealed with the keys of a ring, and keyed hashes in the place of
    /// keys.
    #[cfg(feature = "encryption")]
    #[cfg_attr(docsrs, doc(cfg(feature = "encryption")))]
    #[must_use]
    pub const fn sealed(ring: KeyRing) -> Self {
        Self(Kind::Sealed(ring))
    }

    /// Whether a stored key tells what the caller's was. If not, a due scan must
    /// look into the values for it, with [`decode_entry`](Self::decode_entry).
    #[must_use]
    pub const fn keeps_keys(&self) -> bool {
        match &self.0 {
            Kind::Plain => true,
            #[cfg(feature = "encryption")]
            Kind::Sealed(_) => false,
        }
    }

    /// What a store keeps to know its key ring by when it is opened again, and
    /// `None` for a plain one. Not a secret.
    #[must_use]
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        match &self.0 {
            Kind::Plain => None,
            #[cfg(feature = "encryption")]
            Kind::Sealed(ring) => Some(ring.fingerprint()),
        }
    }

    /// Holds the fingerprint that a store has kept against this codec's.
    ///
    /// # Errors
    /// [`StoreError::Encrypted`], [`StoreError::NotEncrypted`] and
    /// [`StoreError::WrongKeyRing`].
    pub fn check_fingerprint(&self, kept: Option<&[u8]>) -> Result<(), StoreError> {
        match (kept, self.fingerprint()) {
            (None, None) => Ok(()),
            (Some(_), None) => Err(StoreError::Encrypted),
            (None, Some(_)) => Err(StoreError::NotEncrypted),
            (Some(kept), Some(own)) if *kept == own => Ok(()),
            (Some(_), Some(_)) => Err(StoreError::WrongKeyRing),
        }
    }

    /// The key under which to store what the caller knows under `key`.
    #[must_use]
    pub fn stored_key<'a>(&self, key: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.0 {
            Kind::Plain => Cow::Borrowed(key),
            #[cfg(feature = "encryption")]
            Kind::Sealed(ring) => Cow::Owned(ring.hash_name(key).to_vec()),
        }
    }

    /// The value to store for a record; `key` is the caller's.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] if this version cannot write such a record,
    /// and [`StoreError::Random`] if it is to be sealed.
    pub fn encode(&self, key: &[u8], record: &Record) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        match &self.0 {
            Kind::Plain => {
                let mut value = frame::begin(frame::PLAIN);
                body::write(record, &mut value)?;
                frame::finish(&mut value, key);
                Ok(value)
            }
            #[cfg(feature = "encryption")]
            Kind::Sealed(ring) => {
                let stored_key = ring.hash_name(key);
                let mut value = frame::begin(frame::SEALED);
                seal::write(ring, key, &stored_key, record, &mut value)?;
                frame::finish(&mut value, &stored_key);
                Ok(value)
            }
        }
    }

    /// The record of a value that stands under `stored_key`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the value is not exactly as it was written
    /// under this key, [`StoreError::NewerFormat`], [`StoreError::KeyMissing`]
    /// and [`StoreError::NotAuthentic`], and if it is plain where it should be
    /// sealed, or the other way round.
    pub fn decode(&self, stored_key: &[u8], value: &[u8]) -> Result<Record, StoreError> {
        self.decode_entry(stored_key, value)
            .map(|(_, record)| record)
    }

    /// The caller's key and the record of a value that stands under `stored_key`.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_entry<'a>(
        &self,
        stored_key: &'a [u8],
        value: &[u8],
    ) -> Result<(Cow<'a, [u8]>, Record), StoreError> {
        let (format, body) = frame::open(stored_key, value)?;
        match (&self.0, format) {
            (Kind::Plain, frame::PLAIN) => Ok((Cow::Borrowed(stored_key), body::read(body)?)),
            (Kind::Plain, _) => Err(StoreError::Encrypted),
            // A plain value is not served from an encrypted store: anyone who
            // can write to it could have put it there.
            #[cfg(feature = "encryption")]
            (Kind::Sealed(_), frame::PLAIN) => Err(StoreError::NotEncrypted),
            #[cfg(feature = "encryption")]
            (Kind::Sealed(ring), _) => {
                let (key, record) = seal::read(ring, stored_key, body)?;
                Ok((Cow::Owned(key), record))
            }
        }
    }

    /// Whether a value is as [`encode`](Self::encode) would write it now. If not,
    /// it is sealed with a key that has been replaced, and is to be written anew.
    #[must_use]
    pub fn is_current(&self, value: &[u8]) -> bool {
        match &self.0 {
            Kind::Plain => value.first() == Some(&frame::PLAIN),
            #[cfg(feature = "encryption")]
            Kind::Sealed(ring) => {
                frame::body(value).and_then(seal::key_id) == Some(ring.current_id())
            }
        }
    }
}

/// A body in a frame whose check holds.
#[cfg(feature = "fuzzing")]
pub(crate) fn framed(format: u8, stored_key: &[u8], body: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut value = frame::begin(format);
    value.extend_from_slice(body);
    frame::finish(&mut value, stored_key);
    value
}

/// What sealing a store's records anew has done: the second step of the rotation
/// of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Resealed {
    /// Records that are now sealed with the current key, and were not before.
    pub resealed: usize,
    /// Records that do not open, and so are as they were.
    pub failed: usize,
}

/// Refuses keys that not every store takes.
///
/// # Errors
/// [`StoreError::KeyTooLong`].
pub fn check_key(key: &[u8]) -> Result<(), StoreError> {
    if key.len() > MAX_KEY {
        return Err(StoreError::KeyTooLong {
            found: key.len(),
            max: MAX_KEY,
        });
    }
    Ok(())
}
