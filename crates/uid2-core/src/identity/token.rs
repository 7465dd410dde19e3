//! The two opaque tokens of an identity.

use alloc::sync::Arc;
use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// An advertising token: what goes into the bidstream, as is.
///
/// Opaque and case-sensitive. Cloning is cheap and shares the text, so that a
/// token can be handed to every bid request of a page. `Debug` does not show
/// it and there is no `Display`: call [`as_str`](Self::as_str) where it leaves.
///
/// ```
/// use uid2_core::Identity;
///
/// let identity = Identity::from_json(br#"{
///     "advertising_token": "A4AAAA...", "refresh_token": "AAAAAG...",
///     "refresh_from": 1700000900000, "identity_expires": 1700003600000,
///     "refresh_expires": 1700086400000
/// }"#)?;
/// let token = identity.advertising_token();
/// assert_eq!(token.as_str(), "A4AAAA...");
/// assert!(!format!("{token:?}").contains("A4AAAA"));
/// # Ok::<(), uid2_core::IdentityError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AdvertisingToken(Arc<str>);

impl AdvertisingToken {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The token as it goes into the bidstream.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AdvertisingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdvertisingToken(<redacted>)")
    }
}

/// A refresh token: what the next identity is asked for with. Whoever has it
/// and its response key can go on as this user, so it is wiped on drop.
#[derive(Clone)]
pub struct RefreshToken(Zeroizing<alloc::boxed::Box<str>>);

impl RefreshToken {
    pub(crate) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The token as it goes to the operator, and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// In constant time.
impl PartialEq for RefreshToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for RefreshToken {}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(<redacted>)")
    }
}
