//! The byte that says scope and identity type.

use uid2_core::{DiiKind, Scope};

use crate::error::TokenError;

const SCOPE: u8 = 0b0001_0000;
const PHONE: u8 = 0b0000_0100;
const MARKER: u8 = 0b0000_0011;

/// `scope << 4 | type << 2`, which raw UIDs begin with.
pub(crate) const fn bits(scope: Scope, kind: DiiKind) -> u8 {
    let scope = match scope {
        Scope::Uid2 => 0,
        Scope::Euid => SCOPE,
    };
    let kind = match kind {
        DiiKind::Email => 0,
        DiiKind::Phone => PHONE,
    };
    scope | kind
}

/// The first byte of a token: [`bits`] and the marker.
pub(crate) const fn byte(scope: Scope, kind: DiiKind) -> u8 {
    bits(scope, kind) | MARKER
}

/// Scope and type of any byte that has them at their places.
pub(crate) const fn of_bits(byte: u8) -> (Scope, DiiKind) {
    let scope = if byte & SCOPE == 0 {
        Scope::Uid2
    } else {
        Scope::Euid
    };
    let kind = if byte & PHONE == 0 {
        DiiKind::Email
    } else {
        DiiKind::Phone
    };
    (scope, kind)
}

/// Reads the first byte of a token.
///
/// Operators write the marker, an official test token does not have it: both
/// are taken, and nothing else.
pub(crate) const fn read(byte: u8) -> Result<(Scope, DiiKind), TokenError> {
    match (byte & !(SCOPE | PHONE | MARKER), byte & MARKER) {
        (0, 0 | MARKER) => Ok(of_bits(byte)),
        _ => Err(TokenError::UnknownPrefix { found: byte }),
    }
}
