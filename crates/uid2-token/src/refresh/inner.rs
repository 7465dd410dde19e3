//! The inner refresh token: who, since when and until when.

use alloc::string::String;
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::CryptoRng;
use uid2_core::{DiiKind, Scope, Timestamp};

use crate::advertising::OperatorStamp;
use crate::error::TokenError;
use crate::hash::FirstLevelHash;
use crate::key::{KeyRing, TokenKey};
use crate::prefix;
use crate::privacy::PrivacyBits;
use crate::site_identity;
use crate::text;
use crate::wire::{Reader, Writer};

const V2: u8 = 2;
const V3: u8 = 112;

/// The version of an inner refresh token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum RefreshVersion {
    /// AES-CBC, not authenticated. Read, not made any more.
    V2,
    /// AES-GCM.
    V3,
}

/// What a refresh token says, to its operator.
///
/// It does not hold the DII, but the [`FirstLevelHash`] of it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Version it was read from; writing always makes a version 3.
    pub version: RefreshVersion,
    /// UID2 or EUID.
    pub scope: Scope,
    /// E-mail address or phone number.
    pub kind: DiiKind,
    /// From when on it is of no use.
    pub expires: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// Which operator made it.
    pub operator: OperatorStamp,
    /// Of which publisher.
    pub site_id: i32,
    /// A number of the publisher, zero in practice.
    pub publisher_id: i64,
    /// Number of the client's key, zero in practice.
    pub client_key_id: i32,
    /// How the identity came to be.
    pub privacy: PrivacyBits,
    /// When the identity was established.
    pub established: Timestamp,
    /// Who.
    pub first_level_hash: FirstLevelHash,
}

impl RefreshToken {
    /// Writes version 3, in standard base64: 168 characters.
    pub fn encode<R: CryptoRng + ?Sized>(&self, key: &TokenKey, rng: &mut R) -> String {
        let plain = Writer::with_capacity(96)
            .timestamp(self.expires)
            .timestamp(self.created)
            .i32(self.operator.site_id)
            .u8(self.operator.operator_type)
            .i32(self.operator.version)
            .i32(self.operator.key_id)
            .i32(self.site_id)
            .i64(self.publisher_id)
            .i32(self.client_key_id)
            .i32(self.privacy.to_wire())
            .timestamp(self.established)
            .u8(prefix::byte(self.scope, self.kind))
            .bytes(self.first_level_hash.as_bytes());
        let token = Writer::with_capacity(124)
            .u8(prefix::byte(self.scope, self.kind))
            .u8(V3)
            .i32(key.id())
            .bytes(&key.seal_gcm(plain.as_slice(), rng));
        text::standard(token.as_slice())
    }

    /// Reads a token of version 2 or 3.
    ///
    /// A version 3 that was altered in any way is refused; version 2 is not
    /// authenticated.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn decode<K: KeyRing + ?Sized>(token: &str, keys: &K) -> Result<Self, TokenError> {
        Self::decode_bytes(&text::decode(token)?, keys)
    }

    /// As [`decode`](Self::decode), of the bytes.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn decode_bytes<K: KeyRing + ?Sized>(token: &[u8], keys: &K) -> Result<Self, TokenError> {
        let mut reader = Reader::new(token);
        let first = reader.u8()?;
        if first == V2 {
            return read_v2(reader, keys);
        }
        match reader.u8()? {
            V3 => read_v3(first, reader, keys),
            found => Err(TokenError::UnknownVersion { found }),
        }
    }
}

fn read_v3<K: KeyRing + ?Sized>(
    first: u8,
    mut outside: Reader<'_>,
    keys: &K,
) -> Result<RefreshToken, TokenError> {
    let key = keys.require(outside.i32()?)?;
    let plain = key.open_gcm(outside.rest())?;
    let mut plain = Reader::new(&plain);
    let expires = plain.timestamp()?;
    let created = plain.timestamp()?;
    let operator = OperatorStamp {
        site_id: plain.i32()?,
        operator_type: plain.u8()?,
        version: plain.i32()?,
        key_id: plain.i32()?,
    };
    let (site_id, publisher_id, client_key_id) = (plain.i32()?, plain.i64()?, plain.i32()?);
    let privacy = PrivacyBits::from_wire(plain.i32()?);
    let established = plain.timestamp()?;
    let inside = plain.u8()?;
    let (scope, kind) = prefix::read(inside)?;
    if first != inside {
        return Err(TokenError::UnknownPrefix { found: first });
    }
    let first_level_hash = FirstLevelHash::from_bytes(plain.array()?);
    plain.end()?;
    Ok(RefreshToken {
        version: RefreshVersion::V3,
        scope,
        kind,
        expires,
        created,
        operator,
        site_id,
        publisher_id,
        client_key_id,
        privacy,
        established,
        first_level_hash,
    })
}

/// `created ‖ expires ‖ valid till ‖ key id ‖ CBC`: the operator goes by
/// "valid till", which is a minute past "expires".
fn read_v2<K: KeyRing + ?Sized>(
    mut outside: Reader<'_>,
    keys: &K,
) -> Result<RefreshToken, TokenError> {
    let created = outside.timestamp()?;
    let _expires = outside.timestamp()?;
    let valid_till = outside.timestamp()?;
    let key = keys.require(outside.i32()?)?;
    let plain = key.open_cbc(outside.rest())?;
    let plain = site_identity::read(&plain)?;
    let malformed = TokenError::Malformed {
        what: "first-level hash",
    };
    let hash = STANDARD.decode(plain.identity).map_err(|_| malformed)?;
    let hash = <[u8; 32]>::try_from(hash).map_err(|_| malformed)?;
    Ok(RefreshToken {
        version: RefreshVersion::V2,
        scope: Scope::Uid2,
        kind: DiiKind::Email,
        expires: valid_till,
        created,
        operator: OperatorStamp::default(),
        site_id: plain.site_id,
        publisher_id: 0,
        client_key_id: 0,
        privacy: plain.privacy,
        established: plain.established,
        first_level_hash: FirstLevelHash::from_bytes(hash),
    })
}

/// Shows times and sites, not the person.
impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken")
            .field("version", &self.version)
            .field("scope", &self.scope)
            .field("kind", &self.kind)
            .field("expires", &self.expires)
            .field("created", &self.created)
            .field("site_id", &self.site_id)
            .field("established", &self.established)
            .finish_non_exhaustive()
    }
}
