//! Encrypted data: what SDKs sealed before tokens could be shared (protocol,
//! section 15). Read and written for those who still have some.

use alloc::string::String;
use core::fmt;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use uid2_core::{Scope, Timestamp};
use zeroize::Zeroizing;

use crate::error::TokenError;
use crate::key::{KeyRing, TokenKey};
use crate::text;
use crate::wire::{Reader, Writer};

const TYPE_V2: u8 = 128;
const VERSION_V2: u8 = 1;
const TYPE_V3: u8 = 0b0110_1011;
const SCOPE: u8 = 0b0001_0000;
const VERSION_V3: u8 = 112;

/// Data sealed with the key of a site, and by whom and when.
#[derive(Clone)]
pub struct EncryptedData {
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// The site that sealed it.
    pub site_id: i32,
    /// What was sealed.
    pub data: Zeroizing<alloc::vec::Vec<u8>>,
}

/// The data in constant time for equal lengths.
impl PartialEq for EncryptedData {
    fn eq(&self, other: &Self) -> bool {
        self.sealed_at == other.sealed_at
            && self.site_id == other.site_id
            && self.data.ct_eq(&other.data).into()
    }
}

impl Eq for EncryptedData {}

impl EncryptedData {
    /// Data of a site, sealed now.
    #[must_use]
    pub fn new(data: &[u8], site_id: i32, now: Timestamp) -> Self {
        Self {
            sealed_at: now,
            site_id,
            data: Zeroizing::new(data.to_vec()),
        }
    }

    /// Writes version 2: AES-CBC, not authenticated.
    pub fn encode_v2<R: CryptoRng + ?Sized>(&self, key: &TokenKey, rng: &mut R) -> String {
        let sealed = key.seal_cbc(&self.data, rng);
        let message = Writer::with_capacity(18 + sealed.len())
            .u8(TYPE_V2)
            .u8(VERSION_V2)
            .timestamp(self.sealed_at)
            .i32(self.site_id)
            .i32(key.id())
            .bytes(&sealed);
        text::standard(message.as_slice())
    }

    /// Writes version 3: AES-GCM.
    pub fn encode_v3<R: CryptoRng + ?Sized>(
        &self,
        scope: Scope,
        key: &TokenKey,
        rng: &mut R,
    ) -> String {
        let plain = Writer::with_capacity(12 + self.data.len())
            .timestamp(self.sealed_at)
            .i32(self.site_id)
            .bytes(&self.data);
        let message = Writer::with_capacity(64 + self.data.len())
            .u8(type_v3(scope))
            .u8(VERSION_V3)
            .i32(key.id())
            .bytes(&key.seal_gcm(plain.as_slice(), rng));
        text::standard(message.as_slice())
    }

    /// Reads either version.
    ///
    /// An altered version 3 is refused; version 2 is not authenticated.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn decode<K: KeyRing + ?Sized>(
        text: &str,
        scope: Scope,
        keys: &K,
    ) -> Result<Self, TokenError> {
        let bytes = text::decode(text)?;
        let mut reader = Reader::new(&bytes);
        let (first, version) = (reader.u8()?, reader.u8()?);
        match (first, version) {
            (TYPE_V2, VERSION_V2) => read_v2(reader, keys),
            (found, VERSION_V3) if found & !SCOPE == TYPE_V3 => {
                check_scope(found, scope)?;
                read_v3(reader, keys)
            }
            (TYPE_V2, found) => Err(TokenError::UnknownVersion { found }),
            (found, _) => Err(TokenError::UnknownPrefix { found }),
        }
    }
}

fn read_v2<K: KeyRing + ?Sized>(
    mut reader: Reader<'_>,
    keys: &K,
) -> Result<EncryptedData, TokenError> {
    let sealed_at = reader.timestamp()?;
    let site_id = reader.i32()?;
    let key = keys.require(reader.i32()?)?;
    Ok(EncryptedData {
        sealed_at,
        site_id,
        data: key.open_cbc(reader.rest())?,
    })
}

fn read_v3<K: KeyRing + ?Sized>(
    mut reader: Reader<'_>,
    keys: &K,
) -> Result<EncryptedData, TokenError> {
    let key = keys.require(reader.i32()?)?;
    let plain = key.open_gcm(reader.rest())?;
    let mut plain = Reader::new(&plain);
    Ok(EncryptedData {
        sealed_at: plain.timestamp()?,
        site_id: plain.i32()?,
        data: Zeroizing::new(plain.rest().to_vec()),
    })
}

const fn type_v3(scope: Scope) -> u8 {
    match scope {
        Scope::Uid2 => TYPE_V3,
        Scope::Euid => TYPE_V3 | SCOPE,
    }
}

const fn check_scope(first: u8, expected: Scope) -> Result<(), TokenError> {
    let found = if first & SCOPE == 0 {
        Scope::Uid2
    } else {
        Scope::Euid
    };
    match (expected, found) {
        (Scope::Uid2, Scope::Uid2) | (Scope::Euid, Scope::Euid) => Ok(()),
        _ => Err(TokenError::WrongScope { expected, found }),
    }
}

impl fmt::Debug for EncryptedData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedData")
            .field("sealed_at", &self.sealed_at)
            .field("site_id", &self.site_id)
            .field("len", &self.data.len())
            .finish_non_exhaustive()
    }
}
