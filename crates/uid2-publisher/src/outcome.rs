//! What the verbs come to.

use uid2_core::AdvertisingToken;
use uid2_core::lifecycle::{NoToken, OptOut};

/// What came of [`Publisher::establish`](crate::Publisher::establish). Whatever
/// it is, it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Established {
    /// The user has an identity; this is its first advertising token.
    Token(AdvertisingToken),
    /// The user, or the DII, has opted out. The service will not be asked again.
    OptedOut(OptOut),
    /// EUID only: the TCF consent string does not grant what the service needs.
    NoConsent,
    /// The user logged out, or signed in again with other DII, while the
    /// service was being asked. That stands; the answer was dropped.
    Superseded,
}

/// What came of [`Publisher::token`](crate::Publisher::token).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenOutcome {
    /// A token that is valid now: send it as is.
    Valid(AdvertisingToken),
    /// There is none, for this reason: bid without.
    None(NoToken),
}

impl TokenOutcome {
    /// The token, if there is one.
    #[must_use]
    pub fn valid(self) -> Option<AdvertisingToken> {
        match self {
            Self::Valid(token) => Some(token),
            Self::None(_) => None,
        }
    }

    /// The opt-out, if that is why there is no token.
    #[must_use]
    pub const fn opt_out(&self) -> Option<OptOut> {
        match self {
            Self::None(NoToken::OptedOut(opt_out)) => Some(*opt_out),
            _ => None,
        }
    }
}
