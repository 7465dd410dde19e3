//! Versions 3 and 4: two layers of AES-GCM. They differ in the version byte and
//! in the alphabet of their text.

use alloc::vec::Vec;

use rand_core::CryptoRng;

use super::{Advertising, OperatorStamp};
use crate::error::TokenError;
use crate::key::{KeyRing, TokenKey};
use crate::outside::Version;
use crate::prefix;
use crate::privacy::PrivacyBits;
use crate::raw::RawUid;
use crate::wire::{Reader, Writer};

pub(super) fn encode<R: CryptoRng + ?Sized>(
    token: &Advertising,
    version: Version,
    master: &TokenKey,
    site: &TokenKey,
    rng: &mut R,
) -> Vec<u8> {
    let inner = Writer::with_capacity(72)
        .i32(token.site_id)
        .i64(token.publisher_id)
        .i32(token.client_key_id)
        .i32(token.privacy.to_wire())
        .timestamp(token.established)
        .timestamp(token.refreshed)
        .bytes(token.raw_uid.as_bytes());
    let outer = Writer::with_capacity(136)
        .timestamp(token.expires)
        .timestamp(token.created);
    let outer = write_operator(outer, token.operator)
        .i32(site.id())
        .bytes(&site.seal_gcm(inner.as_slice(), rng));
    let sealed = master.seal_gcm(outer.as_slice(), rng);
    Writer::with_capacity(6 + sealed.len())
        .u8(prefix::byte(token.scope, token.kind))
        .u8(version.byte())
        .i32(master.id())
        .bytes(&sealed)
        .as_slice()
        .to_vec()
}

pub(super) fn decode<K: KeyRing + ?Sized>(
    token: &[u8],
    keys: &K,
) -> Result<Advertising, TokenError> {
    let mut outside = Reader::new(token);
    let (scope, kind) = prefix::read(outside.u8()?)?;
    let _version = outside.u8()?;
    let master = keys.require(outside.i32()?)?;
    let outer = master.open_gcm(outside.rest())?;
    let mut outer = Reader::new(&outer);
    let expires = outer.timestamp()?;
    let created = outer.timestamp()?;
    let operator = read_operator(&mut outer)?;
    let site = keys.require(outer.i32()?)?;
    let inner = site.open_gcm(outer.rest())?;
    let mut inner = Reader::new(&inner);
    let token = Advertising {
        scope,
        kind,
        expires,
        created,
        operator,
        site_id: inner.i32()?,
        publisher_id: inner.i64()?,
        client_key_id: inner.i32()?,
        privacy: PrivacyBits::from_wire(inner.i32()?),
        established: inner.timestamp()?,
        refreshed: inner.timestamp()?,
        raw_uid: RawUid::from_bytes(inner.rest()),
    };
    check_prefix(token)
}

/// The first byte is not authenticated, but a raw UID of version 3 or 4 repeats
/// what it says. Its scope must be the same. Its type counts instead: official
/// SDKs write "e-mail" before a phone number's raw UID of version 4 when they
/// make a sharing token, and read it.
fn check_prefix(token: Advertising) -> Result<Advertising, TokenError> {
    match token.raw_uid.scope_and_kind() {
        Some((scope, _)) if scope != token.scope => Err(TokenError::Malformed {
            what: "first byte (another scope than the raw UID's)",
        }),
        Some((_, kind)) => Ok(Advertising { kind, ..token }),
        None => Ok(token),
    }
}

fn write_operator(writer: Writer, operator: OperatorStamp) -> Writer {
    writer
        .i32(operator.site_id)
        .u8(operator.operator_type)
        .i32(operator.version)
        .i32(operator.key_id)
}

fn read_operator(reader: &mut Reader<'_>) -> Result<OperatorStamp, TokenError> {
    Ok(OperatorStamp {
        site_id: reader.i32()?,
        operator_type: reader.u8()?,
        version: reader.i32()?,
        key_id: reader.i32()?,
    })
}
