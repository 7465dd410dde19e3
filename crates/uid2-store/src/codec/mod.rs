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

use std::borrow::Cow;

use uid2_core::lifecycle::Record;
use zeroize::Zeroizing;

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
pub struct Codec(());

impl Codec {
    /// Values and keys as they are, with a check.
    #[must_use]
    pub const fn plain() -> Self {
        Self(())
    }

    /// The key under which to store what the caller knows under `key`.
    #[must_use]
    pub fn stored_key<'a>(&self, key: &'a [u8]) -> Cow<'a, [u8]> {
        Cow::Borrowed(key)
    }

    /// The value to store for a record; `key` is the caller's.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] if this version cannot write such a record.
    pub fn encode(&self, key: &[u8], record: &Record) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let mut value = frame::begin(frame::PLAIN);
        body::write(record, &mut value)?;
        frame::finish(&mut value, key);
        Ok(value)
    }

    /// The record of a value that stands under `stored_key`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the value is not exactly as it was written
    /// under this key, and [`StoreError::NewerFormat`].
    pub fn decode(&self, stored_key: &[u8], value: &[u8]) -> Result<Record, StoreError> {
        let (format, body) = frame::open(stored_key, value)?;
        match format {
            frame::PLAIN => body::read(body),
            _ => Err(StoreError::Damaged),
        }
    }

    /// The caller's key and the record of a value that stands under `stored_key`.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_entry(
        &self,
        stored_key: &[u8],
        value: &[u8],
    ) -> Result<(Box<[u8]>, Record), StoreError> {
        let record = self.decode(stored_key, value)?;
        Ok((stored_key.into(), record))
    }
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
