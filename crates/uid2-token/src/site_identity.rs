//! What the innermost part of version 2 tokens says, advertising and refresh.

use uid2_core::Timestamp;

use crate::error::TokenError;
use crate::privacy::PrivacyBits;
use crate::wire::{Reader, Writer};

/// `site id i32 ‖ len i32 ‖ identity as base64 text ‖ privacy bits i32 ‖ established ms i64`.
pub(crate) struct SiteIdentity<'a> {
    pub(crate) site_id: i32,
    pub(crate) identity: &'a [u8],
    pub(crate) privacy: PrivacyBits,
    pub(crate) established: Timestamp,
}

pub(crate) fn write(identity: &SiteIdentity<'_>) -> Writer {
    // Identities are 44 characters.
    let len = i32::try_from(identity.identity.len()).unwrap_or(i32::MAX);
    Writer::with_capacity(64)
        .i32(identity.site_id)
        .i32(len)
        .bytes(identity.identity)
        .i32(identity.privacy.to_wire())
        .timestamp(identity.established)
}

pub(crate) fn read(bytes: &[u8]) -> Result<SiteIdentity<'_>, TokenError> {
    let mut reader = Reader::new(bytes);
    let site_id = reader.i32()?;
    let len =
        usize::try_from(reader.i32()?).map_err(|_| TokenError::Malformed { what: "identity" })?;
    let identity = SiteIdentity {
        site_id,
        identity: reader.bytes(len)?,
        privacy: PrivacyBits::from_wire(reader.i32()?),
        established: reader.timestamp()?,
    };
    reader.end()?;
    Ok(identity)
}
