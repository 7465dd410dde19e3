//! The outer refresh token, which is what clients hold.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use uid2_core::{ResponseKey, Scope};
use zeroize::Zeroizing;

use crate::error::TokenError;
use crate::key::{KeyRing, TokenKey};
use crate::prefix;
use crate::text;
use crate::wire::{Reader, Writer};

/// Length of an outer refresh token in characters. A refresh token of any other
/// length is taken to be an inner one (protocol, section 7).
pub const OUTER_LEN: usize = 388;

/// What a refresh token of 388 characters holds: the inner refresh token, and
/// the key that the answer to it is sealed with.
#[derive(Clone)]
pub struct OuterRefreshToken {
    inner: Zeroizing<String>,
    response_key: ResponseKey,
}

/// As it is written inside, keys in this order.
#[derive(Serialize, Deserialize)]
struct Json<'a> {
    #[serde(borrow)]
    refresh_response_key: Cow<'a, str>,
    #[serde(borrow)]
    refresh_token: Cow<'a, str>,
}

impl OuterRefreshToken {
    /// Of an inner token as text and a response key.
    #[must_use]
    pub fn new(inner: &str, response_key: ResponseKey) -> Self {
        Self {
            inner: Zeroizing::new(inner.into()),
            response_key,
        }
    }

    /// The inner token, as text.
    #[must_use]
    pub fn inner(&self) -> &str {
        &self.inner
    }

    /// The key that the answer is sealed with.
    #[must_use]
    pub const fn response_key(&self) -> &ResponseKey {
        &self.response_key
    }

    /// Writes it, in standard base64: 388 characters if the inner one has 168.
    pub fn encode<R: CryptoRng + ?Sized>(
        &self,
        scope: Scope,
        key: &TokenKey,
        rng: &mut R,
    ) -> String {
        let response_key = self.response_key.expose_base64();
        let json = Json {
            refresh_response_key: Cow::Borrowed(&response_key),
            refresh_token: Cow::Borrowed(&self.inner),
        };
        // Writing two texts into memory cannot fail.
        let plain = Zeroizing::new(serde_json::to_vec(&json).unwrap_or_default());
        let sealed = key.seal_gcm(&plain, rng);
        let token = Writer::with_capacity(5 + sealed.len())
            // Scope alone: neither marker nor type.
            .u8(prefix::bits(scope, uid2_core::DiiKind::Email))
            .i32(key.id())
            .bytes(&sealed);
        text::standard(token.as_slice())
    }

    /// Reads it, checking in the operator's order. As the operator, this does
    /// not look at the first byte, which says the scope and is not
    /// authenticated: [`scope_of`](Self::scope_of) does.
    ///
    /// # Errors
    /// [`OuterError`]; each is another message of the operator's.
    pub fn decode<K: KeyRing + ?Sized>(token: &str, keys: &K) -> Result<Self, OuterError> {
        let bytes = text::decode(token).map_err(|_| OuterError::NotBase64)?;
        Self::decode_bytes(&bytes, keys)
    }

    /// As [`decode`](Self::decode), of the bytes.
    ///
    /// # Errors
    /// [`OuterError`].
    pub fn decode_bytes<K: KeyRing + ?Sized>(token: &[u8], keys: &K) -> Result<Self, OuterError> {
        let mut reader = Reader::new(token);
        let id = reader
            .u8()
            .and_then(|_scope| reader.i32())
            .map_err(|_| OuterError::Decrypt)?;
        let key = keys.key(id).ok_or(OuterError::UnknownKey { id })?;
        let plain = key
            .open_gcm(reader.rest())
            .map_err(|_| OuterError::Decrypt)?;
        let json: Json<'_> = serde_json::from_slice(&plain).map_err(|_| OuterError::Format)?;
        let response_key =
            ResponseKey::parse(&json.refresh_response_key).map_err(|_| OuterError::Format)?;
        Ok(Self {
            inner: Zeroizing::new(json.refresh_token.into_owned()),
            response_key,
        })
    }

    /// What the first byte of an outer token says.
    ///
    /// # Errors
    /// [`TokenError`] if it is not base64 or begins with no such byte.
    pub fn scope_of(token: &str) -> Result<Scope, TokenError> {
        let bytes: Vec<u8> = text::decode(token)?;
        match bytes.first() {
            Some(0x00) => Ok(Scope::Uid2),
            Some(0x10) => Ok(Scope::Euid),
            Some(&found) => Err(TokenError::UnknownPrefix { found }),
            None => Err(TokenError::TooShort { found: 0, min: 1 }),
        }
    }
}

/// In constant time.
impl PartialEq for OuterRefreshToken {
    fn eq(&self, other: &Self) -> bool {
        let same = self.inner.as_bytes().ct_eq(other.inner.as_bytes());
        same.into() && self.response_key == other.response_key
    }
}

impl Eq for OuterRefreshToken {}

impl fmt::Debug for OuterRefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OuterRefreshToken(<redacted>)")
    }
}

/// Why an outer refresh token does not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OuterError {
    /// Not base64.
    #[error("the refresh token is not base64")]
    NotBase64,
    /// Sealed with a key that is not in the ring: of another environment, or too old.
    #[error("the refresh token needs key {id}, which does not exist here")]
    UnknownKey {
        /// Number of the key.
        id: i32,
    },
    /// The key does not fit, or the token was altered.
    #[error("the refresh token does not open: it was altered, or is of another environment")]
    Decrypt,
    /// It opened, but is not a token and a key.
    #[error("the refresh token opened, but does not hold a token and a response key")]
    Format,
}
