//! Version 2: two layers of AES-CBC, no authentication.

use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::CryptoRng;
use uid2_core::{DiiKind, Scope};
use zeroize::Zeroizing;

use super::{Advertising, OperatorStamp};
use crate::error::TokenError;
use crate::key::{KeyRing, TokenKey};
use crate::outside::Version;
use crate::raw::RawUid;
use crate::site_identity::{SiteIdentity, read, write};
use crate::wire::{Reader, Writer};

pub(super) fn encode<R: CryptoRng + ?Sized>(
    token: &Advertising,
    master: &TokenKey,
    site: &TokenKey,
    rng: &mut R,
) -> Vec<u8> {
    let uid = Zeroizing::new(STANDARD.encode(token.raw_uid.as_bytes()));
    let inner = write(&SiteIdentity {
        site_id: token.site_id,
        identity: uid.as_bytes(),
        privacy: token.privacy,
        established: token.established,
    });
    let outer = Writer::with_capacity(128)
        .timestamp(token.expires)
        .i32(site.id())
        .bytes(&site.seal_cbc(inner.as_slice(), rng));
    let sealed = master.seal_cbc(outer.as_slice(), rng);
    Writer::with_capacity(5 + sealed.len())
        .u8(Version::V2.byte())
        .i32(master.id())
        .bytes(&sealed)
        .as_slice()
        .to_vec()
}

pub(super) fn decode<K: KeyRing + ?Sized>(
    token: &[u8],
    scope: Scope,
    keys: &K,
) -> Result<Advertising, TokenError> {
    let mut outside = Reader::new(token);
    let _version = outside.u8()?;
    let master = keys.require(outside.i32()?)?;
    let outer = master.open_cbc(outside.rest())?;
    let mut outer = Reader::new(&outer);
    let expires = outer.timestamp()?;
    let site = keys.require(outer.i32()?)?;
    let inner = site.open_cbc(outer.rest())?;
    let inner = read(&inner)?;
    let uid = STANDARD
        .decode(inner.identity)
        .map(Zeroizing::new)
        .map_err(|_| TokenError::Malformed { what: "raw UID" })?;
    Ok(Advertising {
        scope,
        kind: DiiKind::Email,
        expires,
        created: inner.established,
        operator: OperatorStamp::default(),
        site_id: inner.site_id,
        publisher_id: 0,
        client_key_id: 0,
        privacy: inner.privacy,
        established: inner.established,
        refreshed: inner.established,
        raw_uid: RawUid::from_bytes(&uid),
    })
}
