//! Identities: what the service returns for a person, and in which state it is.

mod error;
mod json;
mod token;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde_json::value::RawValue;

pub use error::{IdentityError, JsonKind};
pub use token::{AdvertisingToken, RefreshToken};

use crate::secret::ResponseKey;
use crate::time::Timestamp;

/// What the service returns for a person: an advertising token, the means to
/// refresh it, and three times (protocol, section 6).
///
/// Reads and writes the JSON of the wire, [`from_json`](Self::from_json) and
/// [`to_json`](Self::to_json), without losing members it does not know. `Debug`
/// shows the times only.
///
/// ```
/// use uid2_core::{Identity, IdentityState, Timestamp};
///
/// let identity = Identity::from_json(br#"{
///     "advertising_token": "A4AAAA...", "refresh_token": "AAAAAG...",
///     "refresh_from": 1700000900000, "identity_expires": 1700003600000,
///     "refresh_expires": 1700086400000,
///     "refresh_response_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
/// }"#)?;
/// let now = Timestamp::from_millis(1_700_000_900_000);
/// assert_eq!(identity.state(now), IdentityState::Due);
/// # Ok::<(), uid2_core::IdentityError>(())
/// ```
#[derive(Clone)]
pub struct Identity {
    advertising_token: AdvertisingToken,
    refresh_token: RefreshToken,
    refresh_response_key: Option<ResponseKey>,
    refresh_from: Timestamp,
    identity_expires: Timestamp,
    refresh_expires: Timestamp,
    /// Members that this version does not know, as they were written.
    unknown: Vec<(Box<str>, Box<RawValue>)>,
}

/// What can be done with an identity at some time.
///
/// ```text
///   Fresh         Due               Expired             Dead
/// ──────────┼──────────────────┼───────────────────┼──────────▶ time
///      refresh_from     identity_expires     refresh_expires
/// ```
///
/// Each state begins at the millisecond that ends the one before: a token is no
/// longer served at `identity_expires` itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum IdentityState {
    /// The token is valid, and there is nothing to do.
    Fresh,
    /// The token is valid, and it is time to refresh it.
    Due,
    /// The token must not be used any more, but it can be refreshed.
    Expired,
    /// Neither the token nor its refresh token is of use: the user must sign in again.
    Dead,
}

impl Identity {
    /// Reads the JSON of an identity, as it stands in the `body` of a response.
    ///
    /// # Errors
    /// [`IdentityError`] names the member that is missing or mistyped.
    pub fn from_json(json: &[u8]) -> Result<Self, IdentityError> {
        json::read(json)
    }

    /// Writes the JSON of the wire, members that were not known included.
    ///
    /// It contains everything there is to know: keep it where you would keep a
    /// password, or hand it to the browser of this one user.
    #[must_use]
    pub fn to_json(&self) -> zeroize::Zeroizing<alloc::string::String> {
        json::write(self)
    }

    /// The token for the bidstream. Check [`state`](Self::state) first, or let
    /// [`lifecycle`](crate::lifecycle) decide.
    #[must_use]
    pub const fn advertising_token(&self) -> &AdvertisingToken {
        &self.advertising_token
    }

    /// The token to refresh with.
    #[must_use]
    pub const fn refresh_token(&self) -> &RefreshToken {
        &self.refresh_token
    }

    /// The key that opens the answer to a refresh. Identities of old have none:
    /// their refreshes are answered in plain JSON.
    #[must_use]
    pub const fn refresh_response_key(&self) -> Option<&ResponseKey> {
        self.refresh_response_key.as_ref()
    }

    /// From when on the token should be refreshed.
    #[must_use]
    pub const fn refresh_from(&self) -> Timestamp {
        self.refresh_from
    }

    /// From when on the token must not be used.
    #[must_use]
    pub const fn identity_expires(&self) -> Timestamp {
        self.identity_expires
    }

    /// From when on the refresh token is of no use.
    #[must_use]
    pub const fn refresh_expires(&self) -> Timestamp {
        self.refresh_expires
    }

    /// What can be done with this identity at `now`.
    ///
    /// Should the service ever send times out of order, the token is still never
    /// served from `identity_expires` on.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> IdentityState {
        if now < self.due_from() {
            IdentityState::Fresh
        } else if now < self.identity_expires {
            IdentityState::Due
        } else if now < self.refresh_expires {
            IdentityState::Expired
        } else {
            IdentityState::Dead
        }
    }

    /// When there is next something to do: in the future while
    /// [`Fresh`](IdentityState::Fresh), `now` while a refresh is due, and `None`
    /// when nothing can be done any more.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        (now < self.refresh_expires).then(|| self.due_from().max(now))
    }

    /// The first time at which this identity is no longer fresh.
    pub(crate) fn due_from(&self) -> Timestamp {
        self.refresh_from.min(self.identity_expires)
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.advertising_token == other.advertising_token
            && self.refresh_token == other.refresh_token
            && self.refresh_response_key == other.refresh_response_key
            && self.refresh_from == other.refresh_from
            && self.identity_expires == other.identity_expires
            && self.refresh_expires == other.refresh_expires
            && self.unknown_members().eq(other.unknown_members())
    }
}

impl Eq for Identity {}

impl Identity {
    fn unknown_members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.unknown
            .iter()
            .map(|(name, value)| (&**name, value.get()))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("refresh_from", &self.refresh_from)
            .field("identity_expires", &self.identity_expires)
            .field("refresh_expires", &self.refresh_expires)
            .finish_non_exhaustive()
    }
}
