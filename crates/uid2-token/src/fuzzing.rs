//! Bodies of the fuzz targets: what must hold whatever the bytes are.
//!
//! No part of the library: the feature `fuzzing` is private, and nothing here
//! is stable. A body panics when what must hold does not.

use alloc::vec::Vec;

use uid2_core::fuzzing::{Counting, Input};
use uid2_core::{DiiKind, ResponseKey, Scope, Timestamp};

use crate::advertising::{Advertising, OperatorStamp};
use crate::hash::FirstLevelHash;
use crate::key::TokenKey;
use crate::outside::{Outside, Version, inspect};
use crate::prefix;
use crate::privacy::PrivacyBits;
use crate::raw::RawUid;
use crate::refresh::{OuterError, OuterRefreshToken, RefreshToken, RefreshVersion};
use crate::text;

/// The numbers of the keys are those of the official test vectors, the keys not.
fn ring() -> [TokenKey; 2] {
    [TokenKey::new(164, [1; 32]), TokenKey::new(165, [2; 32])]
}

fn scope(byte: u8) -> Scope {
    if byte & 1 == 0 {
        Scope::Uid2
    } else {
        Scope::Euid
    }
}

fn kind(byte: u8) -> DiiKind {
    if byte & 2 == 0 {
        DiiKind::Email
    } else {
        DiiKind::Phone
    }
}

fn time(input: &mut Input<'_>) -> Timestamp {
    Timestamp::from_millis(i64::from_be_bytes(input.array()))
}

fn operator(input: &mut Input<'_>) -> OperatorStamp {
    OperatorStamp {
        site_id: i32::from_be_bytes(input.array()),
        operator_type: input.byte(),
        version: i32::from_be_bytes(input.array()),
        key_id: i32::from_be_bytes(input.array()),
    }
}

/// Advertising tokens, versions 2 to 4: as text, as bytes, as plaintext that was
/// properly sealed, and made of fields and then altered.
pub fn advertising_token(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => advertising_text(&mut input),
        1 => {
            let scope = scope(input.byte());
            advertising_bytes(input.rest(), scope);
        }
        2 => advertising_plaintext(&mut input),
        _ => advertising_fields(&mut input),
    }
}

fn advertising_text(input: &mut Input<'_>) {
    let scope = scope(input.byte());
    let Ok(token) = core::str::from_utf8(input.rest()) else {
        return;
    };
    let read = Advertising::decode(token, scope, &ring());
    match text::decode(token) {
        Ok(bytes) => {
            assert_eq!(inspect(token), Outside::of_bytes(&bytes));
            assert_eq!(read, Advertising::decode_bytes(&bytes, scope, &ring()));
            one_spelling(token, &bytes);
        }
        Err(error) => assert_eq!((read, inspect(token)), (Err(error), Err(error))),
    }
}

/// But for alphabet and padding, bytes have one spelling.
fn one_spelling(token: &str, bytes: &[u8]) {
    let bare = token.trim_end_matches('=');
    let (standard, url_safe) = (text::standard(bytes), text::url_safe(bytes));
    assert!(bare == standard.trim_end_matches('=') || bare == url_safe);
}

/// What reads can be written, and what was written reads as the same.
fn advertising_bytes(token: &[u8], scope: Scope) -> Option<Advertising> {
    let read = Advertising::decode_bytes(token, scope, &ring());
    let outside = Outside::of_bytes(token);
    let Ok(read) = read else {
        return None;
    };
    let Ok(outside) = outside else {
        unreachable!("reads, but has no outside");
    };
    assert_eq!((read.scope, outside.bytes), (scope, token.len()));
    assert!(outside.scope.is_none_or(|found| found == scope));
    assert!([164, 165].contains(&outside.master_key_id));
    // Version 2 does not know what its raw UID may say.
    let repeated = read.raw_uid.scope_and_kind();
    if repeated.is_some_and(|it| it != (read.scope, read.kind)) {
        assert_eq!(outside.version, Version::V2);
        return Some(read);
    }
    let [master, site] = ring();
    let mut rng = Counting::new(2);
    for version in [Version::V3, Version::V4] {
        let again = read.encode(version, &master, &site, &mut rng);
        assert_eq!(
            Advertising::decode(&again, scope, &ring()).as_ref(),
            Ok(&read)
        );
    }
    Some(read)
}

/// Two plaintexts, of the master's part and of the site's, sealed as they should
/// be: what an operator with a fault could have made.
fn advertising_plaintext(input: &mut Input<'_>) {
    let how = input.byte();
    let len = input.byte().into();
    let mut outer = input.take(len).to_vec();
    let inner = input.rest();
    let [master, site] = ring();
    let mut rng = Counting::new(3);
    let first = prefix::byte(scope(how), kind(how));
    let token = if how & 4 == 0 {
        outer.extend(site.seal_cbc(inner, &mut rng));
        let head = [&[Version::V2.byte()][..], &164_i32.to_be_bytes()].concat();
        [head, master.seal_cbc(&outer, &mut rng)].concat()
    } else {
        outer.extend(site.seal_gcm(inner, &mut rng));
        let version = if how & 8 == 0 {
            Version::V3
        } else {
            Version::V4
        };
        let head = [&[first, version.byte()][..], &164_i32.to_be_bytes()].concat();
        [head, master.seal_gcm(&outer, &mut rng)].concat()
    };
    advertising_bytes(&token, scope(how));
}

/// Makes version 3 of version 4, and the reverse.
const OTHER_VERSION: u8 = Version::V3.byte() ^ Version::V4.byte();

fn advertising_fields(input: &mut Input<'_>) {
    let how = input.byte();
    let (at, flip) = (usize::from(input.byte()), input.byte());
    let version = match how >> 2 & 3 {
        0 => Version::V2,
        1 => Version::V3,
        _ => Version::V4,
    };
    let made = advertising(input, how);
    let [master, site] = ring();
    let text = made.encode(version, &master, &site, &mut Counting::new(4));
    let Ok(mut token) = text::decode(&text) else {
        unreachable!("our own token is not base64");
    };
    let Some(good) = advertising_bytes(&token, made.scope) else {
        unreachable!("our own token does not read");
    };
    if version == Version::V2 {
        assert_eq!((&good.raw_uid, good.site_id), (&made.raw_uid, made.site_id));
        assert_eq!(
            (good.expires, good.established),
            (made.expires, made.established)
        );
    } else {
        assert_eq!(good, made);
    }
    cut_and_altered(&mut token, at, flip, |token, what| {
        let read = Advertising::decode_bytes(token, made.scope, &ring());
        match what {
            // The type in the first byte is not authenticated.
            What::Altered { at: 0, flip: 4 } if version != Version::V2 => {
                let read = read.map(|read| read.raw_uid);
                assert_eq!(read.as_ref(), Ok(&made.raw_uid));
            }
            // Nor is the marker, as a whole: an official test token lacks it.
            What::Altered { at: 0, flip: 3 | 7 } if version != Version::V2 => {}
            // Nor which of two versions it is that differ in nothing else.
            What::Altered { at: 1, flip } if version != Version::V2 && flip == OTHER_VERSION => {
                assert_eq!(read.as_ref(), Ok(&good));
            }
            What::Altered { .. } if version == Version::V2 => {
                assert!(read.as_ref() != Ok(&good), "altered, and yet the same");
            }
            _ => assert!(read.is_err(), "read, though altered or cut off"),
        }
    });
}

fn advertising(input: &mut Input<'_>, how: u8) -> Advertising {
    let (expires, created, established, refreshed) =
        (time(input), time(input), time(input), time(input));
    let operator = operator(input);
    let site_id = i32::from_be_bytes(input.array());
    let publisher_id = i64::from_be_bytes(input.array());
    let client_key_id = i32::from_be_bytes(input.array());
    let privacy = PrivacyBits::from_wire(i32::from_be_bytes(input.array()));
    let raw_uid = RawUid::from_bytes(input.rest());
    let (scope, kind) = raw_uid.scope_and_kind().unwrap_or((scope(how), kind(how)));
    Advertising {
        scope,
        kind,
        expires,
        created,
        operator,
        site_id,
        publisher_id,
        client_key_id,
        privacy,
        established,
        refreshed,
        raw_uid,
    }
}

/// What was done to a message.
enum What {
    Cut,
    Altered { at: usize, flip: u8 },
}

/// Shows a message cut off at a place, and one with a byte changed there.
fn cut_and_altered(message: &mut [u8], at: usize, flip: u8, check: impl Fn(&[u8], What)) {
    let cut = message.get(..at).filter(|cut| cut.len() < message.len());
    check(cut.unwrap_or_default(), What::Cut);
    if let Some(byte) = message.get_mut(at)
        && flip != 0
    {
        *byte ^= flip;
        check(message, What::Altered { at, flip });
    }
}

/// Refresh tokens, inner of versions 2 and 3 and outer: as text, as bytes, as
/// plaintext that was properly sealed, and made of fields and then altered.
pub fn refresh_token(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 5 {
        0 => refresh_text(input.rest()),
        1 => {
            refresh_bytes(input.rest());
            outer_bytes(input.rest());
        }
        2 => refresh_plaintext(&mut input),
        3 => refresh_fields(&mut input),
        _ => outer_fields(&mut input),
    }
}

fn refresh_text(token: &[u8]) {
    let Ok(token) = core::str::from_utf8(token) else {
        return;
    };
    let read = RefreshToken::decode(token, &ring());
    let outer = OuterRefreshToken::decode(token, &ring());
    match text::decode(token) {
        Ok(bytes) => {
            assert_eq!(read, RefreshToken::decode_bytes(&bytes, &ring()));
            assert_eq!(outer, OuterRefreshToken::decode_bytes(&bytes, &ring()));
        }
        Err(error) => {
            assert_eq!((read, outer), (Err(error), Err(OuterError::NotBase64)));
        }
    }
}

/// What reads can be written, and what was written reads as the same, in
/// version 3.
fn refresh_bytes(token: &[u8]) -> Option<RefreshToken> {
    let read = RefreshToken::decode_bytes(token, &ring()).ok()?;
    let [key, _] = ring();
    let again = read.encode(&key, &mut Counting::new(5));
    assert_eq!(again.len(), 168);
    let expected = RefreshToken {
        version: RefreshVersion::V3,
        ..read.clone()
    };
    assert_eq!(RefreshToken::decode(&again, &ring()), Ok(expected));
    Some(read)
}

fn outer_bytes(token: &[u8]) -> Option<OuterRefreshToken> {
    let read = OuterRefreshToken::decode_bytes(token, &ring()).ok()?;
    let [key, _] = ring();
    let again = read.encode(Scope::Uid2, &key, &mut Counting::new(6));
    assert_eq!(OuterRefreshToken::scope_of(&again), Ok(Scope::Uid2));
    assert_eq!(
        OuterRefreshToken::decode(&again, &ring()).as_ref(),
        Ok(&read)
    );
    Some(read)
}

fn refresh_plaintext(input: &mut Input<'_>) {
    let how = input.byte();
    let first = prefix::byte(scope(how), kind(how));
    let [key, _] = ring();
    let mut rng = Counting::new(7);
    let id = 164_i32.to_be_bytes();
    match how >> 2 & 3 {
        0 => {
            let times: [u8; 24] = input.array();
            let head = [&[2][..], &times, &id].concat();
            refresh_bytes(&[head, key.seal_cbc(input.rest(), &mut rng)].concat());
        }
        1 => {
            let head = [&[first, 112][..], &id].concat();
            refresh_bytes(&[head, key.seal_gcm(input.rest(), &mut rng)].concat());
        }
        _ => {
            let head = [&[first & 0x10][..], &id].concat();
            outer_bytes(&[head, key.seal_gcm(input.rest(), &mut rng)].concat());
        }
    }
}

fn refresh_fields(input: &mut Input<'_>) {
    let how = input.byte();
    let (at, flip) = (usize::from(input.byte()), input.byte());
    let made = RefreshToken {
        version: RefreshVersion::V3,
        scope: scope(how),
        kind: kind(how),
        expires: time(input),
        created: time(input),
        operator: operator(input),
        site_id: i32::from_be_bytes(input.array()),
        publisher_id: i64::from_be_bytes(input.array()),
        client_key_id: i32::from_be_bytes(input.array()),
        privacy: PrivacyBits::from_wire(i32::from_be_bytes(input.array())),
        established: time(input),
        first_level_hash: FirstLevelHash::from_bytes(input.array()),
    };
    let [key, _] = ring();
    let mut token = bytes(&made.encode(&key, &mut Counting::new(8)));
    assert_eq!(refresh_bytes(&token).as_ref(), Some(&made));
    cut_and_altered(&mut token, at, flip, |token, _| {
        assert!(
            RefreshToken::decode_bytes(token, &ring()).is_err(),
            "read, though altered or cut off"
        );
    });
}

fn outer_fields(input: &mut Input<'_>) {
    let how = input.byte();
    let (at, flip) = (usize::from(input.byte()), input.byte());
    let response_key = ResponseKey::from_bytes(input.array());
    let Ok(inner) = core::str::from_utf8(input.rest()) else {
        return;
    };
    let made = OuterRefreshToken::new(inner, response_key);
    let [key, _] = ring();
    let text = made.encode(scope(how), &key, &mut Counting::new(9));
    assert_eq!(OuterRefreshToken::scope_of(&text), Ok(scope(how)));
    let mut token = bytes(&text);
    assert_eq!(outer_bytes(&token).as_ref(), Some(&made));
    cut_and_altered(&mut token, at, flip, |token, what| {
        let read = OuterRefreshToken::decode_bytes(token, &ring());
        match what {
            // The first byte is read by nobody, as in the operator.
            What::Altered { at: 0, .. } => assert_eq!(read.as_ref(), Ok(&made)),
            _ => assert!(read.is_err(), "read, though altered or cut off"),
        }
    });
}

fn bytes(text: &str) -> Vec<u8> {
    let Ok(bytes) = text::decode(text) else {
        unreachable!("our own token is not base64");
    };
    bytes
}
