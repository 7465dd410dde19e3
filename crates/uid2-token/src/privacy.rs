//! Privacy bits.

use core::fmt;

/// How a token came to be (protocol, sections 6 and 15).
///
/// ```
/// use uid2_token::PrivacyBits;
///
/// assert!(PrivacyBits::CLIENT.is_client_side());
/// assert!(!PrivacyBits::SERVER.is_client_side());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PrivacyBits(i32);

impl PrivacyBits {
    /// Made by a server's `/v2/token/generate`.
    pub const SERVER: Self = Self(0b01);
    /// Made by a client's `/v2/token/client-generate`.
    pub const CLIENT: Self = Self(0b11);

    /// From the number on the wire.
    #[must_use]
    pub const fn from_wire(bits: i32) -> Self {
        Self(bits)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn to_wire(self) -> i32 {
        self.0
    }

    /// Whether the token was made by the client-side integration: such a token
    /// is good only for the domains and apps of its site.
    #[must_use]
    pub const fn is_client_side(self) -> bool {
        self.0 & 0b10 != 0
    }

    /// Whether a client-side token stands for a person who has opted out.
    #[must_use]
    pub const fn is_client_side_opt_out(self) -> bool {
        self.0 & 0b100 != 0
    }
}

impl fmt::Debug for PrivacyBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivacyBits({:#b})", self.0)
    }
}
