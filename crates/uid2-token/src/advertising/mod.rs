//! Advertising tokens (protocol, section 15).

mod v2;
mod v3;

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use rand_core::CryptoRng;
use uid2_core::{DiiKind, Scope, Timestamp};

use crate::error::TokenError;
use crate::key::{KeyRing, TokenKey};
use crate::outside::{Outside, Version};
use crate::privacy::PrivacyBits;
use crate::raw::RawUid;
use crate::text;

/// What an advertising token says, to who has the keys.
///
/// ```
/// use uid2_core::{Scope, Timestamp};
/// use uid2_token::{Advertising, RawUid, TokenKey, Version};
/// # use rand_chacha::ChaCha20Rng;
/// # use rand_core::SeedableRng;
/// # let mut rng = ChaCha20Rng::from_seed([7; 32]);
///
/// let (master, site) = (TokenKey::new(101, [1; 32]), TokenKey::new(1001, [2; 32]));
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let token = Advertising::new(RawUid::from_bytes(&[7; 32]), 999, now, Timestamp::from_millis(1_700_003_600_000));
/// let text = token.encode(Version::V4, &master, &site, &mut rng);
///
/// assert!(text.starts_with("A4A") && text.len() == 218);
/// assert_eq!(Advertising::decode(&text, Scope::Uid2, &[master, site])?.site_id, 999);
/// # Ok::<(), uid2_token::TokenError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Advertising {
    /// UID2 or EUID. Version 2 does not say: it is what the caller expects.
    pub scope: Scope,
    /// E-mail address or phone number. Version 2 knows the former only.
    pub kind: DiiKind,
    /// From when on the token must not be used.
    pub expires: Timestamp,
    /// When the token was made. Version 2 does not say: it is
    /// [`established`](Self::established).
    pub created: Timestamp,
    /// Which operator made it. Version 2 does not say.
    pub operator: OperatorStamp,
    /// Of which publisher: the site that the identity was established at.
    pub site_id: i32,
    /// A number of the publisher, zero in practice. Version 2 does not say.
    pub publisher_id: i64,
    /// Number of the client's key, zero in practice. Version 2 does not say.
    pub client_key_id: i32,
    /// How it came to be.
    pub privacy: PrivacyBits,
    /// When the identity was established.
    pub established: Timestamp,
    /// When it was refreshed last. Version 2 does not say: it is
    /// [`established`](Self::established).
    pub refreshed: Timestamp,
    /// The identifier that bidders know the person by.
    pub raw_uid: RawUid,
}

/// Which operator made a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct OperatorStamp {
    /// Site of the operator.
    pub site_id: i32,
    /// 1 for a service.
    pub operator_type: u8,
    /// Version of the operator.
    pub version: i32,
    /// Number of the operator's key.
    pub key_id: i32,
}

impl Default for OperatorStamp {
    /// What the service writes.
    fn default() -> Self {
        Self {
            site_id: 0,
            operator_type: 1,
            version: 0,
            key_id: 0,
        }
    }
}

impl Advertising {
    /// The token of a UID2 e-mail address, made by a server now. Everything
    /// else is a field.
    #[must_use]
    pub fn new(raw_uid: RawUid, site_id: i32, now: Timestamp, expires: Timestamp) -> Self {
        let (scope, kind) = raw_uid
            .scope_and_kind()
            .unwrap_or((Scope::Uid2, DiiKind::Email));
        Self {
            scope,
            kind,
            expires,
            created: now,
            operator: OperatorStamp::default(),
            site_id,
            publisher_id: 0,
            client_key_id: 0,
            privacy: PrivacyBits::SERVER,
            established: now,
            refreshed: now,
            raw_uid,
        }
    }

    /// Writes the token: sealed with the key of the site, and that with the
    /// master key. Versions 2 and 3 in standard base64, version 4 URL-safe.
    ///
    /// IVs are drawn from `rng`, first that of the site's part.
    pub fn encode<R: CryptoRng + ?Sized>(
        &self,
        version: Version,
        master: &TokenKey,
        site: &TokenKey,
        rng: &mut R,
    ) -> String {
        match version {
            Version::V2 => text::standard(&v2::encode(self, master, site, rng)),
            Version::V3 => text::standard(&v3::encode(self, version, master, site, rng)),
            Version::V4 => text::url_safe(&v3::encode(self, version, master, site, rng)),
        }
    }

    /// Reads a token of any version and either alphabet.
    ///
    /// A version 3 or 4 that was altered in any way is refused, with one
    /// exception: the type in its first byte, which is not authenticated. It
    /// counts only when the raw UID inside is of version 2; others repeat it,
    /// and theirs is the one that is told. Version 2 is not authenticated at
    /// all: an altered one may read as something else.
    ///
    /// Expiry is not looked at; see [`check`](Self::check).
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn decode<K: KeyRing + ?Sized>(
        token: &str,
        scope: Scope,
        keys: &K,
    ) -> Result<Self, TokenError> {
        Self::decode_bytes(&text::decode(token)?, scope, keys)
    }

    /// As [`decode`](Self::decode), of the bytes.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn decode_bytes<K: KeyRing + ?Sized>(
        token: &[u8],
        scope: Scope,
        keys: &K,
    ) -> Result<Self, TokenError> {
        let outside = Outside::of_bytes(token)?;
        match outside.scope {
            Some(found) if found != scope => Err(TokenError::WrongScope {
                expected: scope,
                found,
            }),
            _ => match outside.version {
                Version::V2 => v2::decode(token, scope, keys),
                Version::V3 | Version::V4 => v3::decode(token, keys),
            },
        }
    }

    /// Whether a bidder should take the token now, by the rules of the official
    /// SDKs: not expired, not living longer than `max_lifetime`, and not made
    /// further in the future than `allowed_skew`. Both come with the keys
    /// (protocol, section 12).
    ///
    /// # Errors
    /// [`TokenUseError`] names the first rule that is broken.
    pub fn check(
        &self,
        now: Timestamp,
        max_lifetime: Duration,
        allowed_skew: Duration,
    ) -> Result<(), TokenUseError> {
        if self.expires <= now {
            return Err(TokenUseError::Expired);
        }
        if self.expires.saturating_since(self.created) > max_lifetime {
            return Err(TokenUseError::LifetimeTooLong);
        }
        if self.created.saturating_since(now) > allowed_skew {
            return Err(TokenUseError::CreatedInFuture);
        }
        Ok(())
    }
}

/// Shows times and sites, not the person.
impl fmt::Debug for Advertising {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advertising")
            .field("scope", &self.scope)
            .field("kind", &self.kind)
            .field("expires", &self.expires)
            .field("created", &self.created)
            .field("site_id", &self.site_id)
            .field("privacy", &self.privacy)
            .field("established", &self.established)
            .field("refreshed", &self.refreshed)
            .finish_non_exhaustive()
    }
}

/// Why a token that reads should not be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenUseError {
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It lives longer than tokens may.
    #[error("the token lives longer than tokens may: do not trust it")]
    LifetimeTooLong,
    /// It says that it was made later than now.
    #[error("the token was made in the future: check the local clock")]
    CreatedInFuture,
}
