//! Why a token does not read.

use uid2_core::Scope;

/// Why a token, a refresh token or encrypted data does not read.
///
/// Says nothing of what was inside.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Neither standard nor URL-safe base64.
    #[error(
        "the token is not base64: tokens are opaque and case-sensitive, pass them on unaltered"
    )]
    NotBase64,
    /// Ends before it should.
    #[error("the token has {found} bytes and needs at least {min}: it was cut off")]
    TooShort {
        /// How many bytes there were.
        found: usize,
        /// How many there must be at least.
        min: usize,
    },
    /// Goes on after its end.
    #[error("the token has {extra} bytes too many")]
    TooLong {
        /// How many bytes follow its end.
        extra: usize,
    },
    /// A version that this library does not know.
    #[error("the token has version {found}, which is not one of those known (2, 112, 128)")]
    UnknownVersion {
        /// The version byte.
        found: u8,
    },
    /// A first byte that nobody writes.
    #[error("the first byte of the token ({found:#04x}) is not one of a token")]
    UnknownPrefix {
        /// The byte.
        found: u8,
    },
    /// A UID2 token where an EUID one is expected, or the reverse.
    #[error("the token is of scope {found:?}, expected {expected:?}")]
    WrongScope {
        /// What the caller asked for.
        expected: Scope,
        /// What the token says.
        found: Scope,
    },
    /// Sealed with a key that is not in the ring.
    #[error("the token needs key {id}, which is not at hand: fetch the keys again")]
    UnknownKey {
        /// Number of the key.
        id: i32,
    },
    /// The key does not fit, or the token was altered.
    #[error(
        "the token does not open: it was altered, or sealed with another key of the same number"
    )]
    Decrypt,
    /// It opened, but what is inside is not what should be.
    #[error("the token opened, but its {what} is not one")]
    Malformed {
        /// Which part.
        what: &'static str,
    },
}
