//! Every truncation and every single-bit flip of good messages.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use common::{ENVELOPES, TOKENS, bytes, key, of_class, scope, text};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::Value;
use uid2_core::{DiiKind, Scope, Timestamp};
use uid2_token::{
    Advertising, EncryptedData, OuterError, OuterRefreshToken, RawUid, RawUidVersion, RefreshToken,
    RefreshVersion, TokenError, TokenKey, Version, inspect,
};

/// Every message that is `good` with one bit changed, and where.
fn flips(good: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..good.len() * 8).map(|bit| {
        let mut altered = good.to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        (bit, altered)
    })
}

fn keys(vector: &Value) -> [TokenKey; 2] {
    [
        key(vector, "master_key_id", "master_key_b64"),
        key(vector, "site_key_id", "site_key_b64"),
    ]
}

fn refresh_key(vector: &Value) -> [TokenKey; 1] {
    [key(vector, "refresh_key_id", "refresh_key_b64")]
}

#[test]
fn cut_off_advertising_tokens_are_refused() {
    for vector in of_class(TOKENS, "advertising_token") {
        let token = text(&vector, "token");
        for end in 0..token.len() {
            let cut = &token[..end];
            if token[end..].bytes().all(|byte| byte == b'=') {
                continue; // Padding says nothing.
            }
            let read = Advertising::decode(cut, scope(&vector), &keys(&vector));
            assert!(read.is_err(), "{end} characters of {token}");
            let _ = inspect(cut);
        }
        let message = bytes(token);
        for end in 0..message.len() {
            let read = Advertising::decode_bytes(&message[..end], scope(&vector), &keys(&vector));
            assert!(read.is_err(), "{end} bytes of {token}");
        }
    }
}

/// Versions 3 and 4: refused, but for the one bit that the format leaves open,
/// the type in the first byte.
#[test]
fn altered_advertising_tokens_are_refused() {
    let mut exceptions = 0;
    for vector in of_class(TOKENS, "advertising_token") {
        if text(&vector, "version") == "V2" {
            continue; // Not authenticated: the next test.
        }
        let message = bytes(text(&vector, "token"));
        let good = Advertising::decode_bytes(&message, scope(&vector), &keys(&vector)).unwrap();
        let plain_uid = matches!(
            good.raw_uid.version(),
            RawUidVersion::V2 | RawUidVersion::Other
        );
        for (bit, altered) in flips(&message) {
            let read = Advertising::decode_bytes(&altered, scope(&vector), &keys(&vector));
            if bit == 2 {
                let read = read.unwrap();
                // A raw UID that repeats the type is what counts.
                assert_eq!(read.kind == good.kind, !plain_uid);
                assert_eq!(read.raw_uid, good.raw_uid);
                exceptions += 1;
            } else {
                assert!(read.is_err(), "bit {bit} of {vector}");
            }
        }
    }
    println!("{exceptions} flips of the type, which is not authenticated, were read");
    assert!(exceptions > 0);
}

/// Version 2 has no authentication: what matters is that nothing panics and
/// that nobody mistakes an altered token for the good one.
#[test]
fn altered_version_2_tokens_never_read_as_the_good_one() {
    let mut refused = 0;
    for vector in of_class(TOKENS, "advertising_token") {
        if text(&vector, "version") != "V2" {
            continue;
        }
        let message = bytes(text(&vector, "token"));
        let good = Advertising::decode_bytes(&message, Scope::Uid2, &keys(&vector)).unwrap();
        for (bit, altered) in flips(&message) {
            match Advertising::decode_bytes(&altered, Scope::Uid2, &keys(&vector)) {
                Ok(read) => assert!(read != good, "bit {bit}"),
                Err(_) => refused += 1,
            }
        }
    }
    println!("{refused} flips refused");
    assert!(refused > 500, "{refused}");
}

#[test]
fn altered_and_cut_off_inner_refresh_tokens_are_refused() {
    for vector in of_class(TOKENS, "refresh_token_inner") {
        let message = bytes(text(&vector, "token"));
        for (bit, altered) in flips(&message) {
            let read = RefreshToken::decode_bytes(&altered, &refresh_key(&vector));
            assert!(read.is_err(), "bit {bit}");
        }
        for end in 0..message.len() {
            assert!(RefreshToken::decode_bytes(&message[..end], &refresh_key(&vector)).is_err());
        }
    }
}

/// The first byte is read by nobody; the operator's own decoder ignores it.
#[test]
fn altered_and_cut_off_outer_refresh_tokens_are_refused() {
    for vector in of_class(ENVELOPES, "refresh_token_outer") {
        let keys = [key(&vector, "key_id", "key_b64")];
        let message = bytes(text(&vector, "expected_b64"));
        let scope = OuterRefreshToken::scope_of(text(&vector, "expected_b64")).unwrap();
        for (bit, altered) in flips(&message) {
            let read = OuterRefreshToken::decode_bytes(&altered, &keys);
            match (bit, read) {
                (0..8, read) => {
                    assert!(read.is_ok());
                    let said = OuterRefreshToken::scope_of(&STANDARD.encode(&altered));
                    assert_ne!(said, Ok(scope));
                }
                (8..40, read) => assert!(matches!(read, Err(OuterError::UnknownKey { .. }))),
                (_, read) => assert_eq!(read, Err(OuterError::Decrypt)),
            }
        }
        for end in 0..message.len() {
            assert!(OuterRefreshToken::decode_bytes(&message[..end], &keys).is_err());
        }
    }
}

#[test]
fn altered_and_cut_off_encrypted_data_is_refused() {
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let keys = [TokenKey::new(165, [3; 32])];
    let data = EncryptedData::new(
        b"what was shared",
        9000,
        Timestamp::from_millis(1_700_000_000_000),
    );
    for scope in [Scope::Uid2, Scope::Euid] {
        let text = data.encode_v3(scope, &keys[0], &mut rng);
        assert_eq!(EncryptedData::decode(&text, scope, &keys), Ok(data.clone()));
        let message = bytes(&text);
        for (bit, altered) in flips(&message) {
            let read = EncryptedData::decode(&STANDARD.encode(altered), scope, &keys);
            assert!(read.is_err(), "bit {bit}");
        }
        for end in 0..message.len() {
            let cut = STANDARD.encode(&message[..end]);
            assert!(EncryptedData::decode(&cut, scope, &keys).is_err());
        }
    }
    let text = data.encode_v2(&keys[0], &mut rng);
    assert_eq!(
        EncryptedData::decode(&text, Scope::Uid2, &keys),
        Ok(data.clone())
    );
    for (bit, altered) in flips(&bytes(&text)) {
        let read = EncryptedData::decode(&STANDARD.encode(altered), Scope::Uid2, &keys);
        assert_ne!(read, Ok(data.clone()), "bit {bit}");
    }
}

#[test]
fn altered_version_4_raw_uids_are_not_version_4_with_this_key() {
    for vector in of_class(TOKENS, "raw_uid") {
        let key =
            uid2_token::UidKey::new(2_100_002, text(&vector, "v4_key"), text(&vector, "v4_salt"))
                .unwrap();
        let message = bytes(text(&vector, "v4_test"));
        assert!(RawUid::from_bytes(&message).open_v4(&key).is_some());
        for (bit, altered) in flips(&message) {
            let uid = RawUid::from_bytes(&altered);
            assert!(uid.open_v4(&key).is_none(), "bit {bit}");
        }
    }
}

/// Old refresh tokens are still read; there is no vector, so this writes one by
/// the layout of the protocol with a cipher of its own.
#[test]
fn version_2_refresh_tokens_are_read() {
    let key = TokenKey::new(102, [5; 32]);
    let hash = [9_u8; 32];
    let identity = STANDARD.encode(hash);
    let plain = [
        &999_i32.to_be_bytes()[..],
        &44_i32.to_be_bytes(),
        identity.as_bytes(),
        &1_i32.to_be_bytes(),
        &1_600_000_000_000_i64.to_be_bytes(),
    ]
    .concat();
    let iv = [7_u8; 16];
    let sealed = cbc::Encryptor::<aes::Aes256>::new(key.expose().into(), &iv.into())
        .encrypt_padded_vec::<Pkcs7>(&plain);
    let token = [
        &[2_u8][..],
        &1_600_000_001_000_i64.to_be_bytes(),
        &1_600_000_002_000_i64.to_be_bytes(),
        &1_600_000_062_000_i64.to_be_bytes(),
        &102_i32.to_be_bytes(),
        &iv,
        &sealed,
    ]
    .concat();
    let keys = [key];
    let read = RefreshToken::decode(&STANDARD.encode(&token), &keys).unwrap();
    assert_eq!(read.version, RefreshVersion::V2);
    assert_eq!(read.first_level_hash.as_bytes(), &hash);
    assert_eq!((read.scope, read.kind), (Scope::Uid2, DiiKind::Email));
    assert_eq!(read.created, Timestamp::from_millis(1_600_000_001_000));
    assert_eq!(read.expires, Timestamp::from_millis(1_600_000_062_000));
    assert_eq!(read.established, Timestamp::from_millis(1_600_000_000_000));
    assert_eq!((read.site_id, read.privacy.to_wire()), (999, 1));
    for end in 0..token.len() {
        assert!(
            RefreshToken::decode_bytes(&token[..end], &keys).is_err(),
            "{end}"
        );
    }
    for (bit, altered) in flips(&token) {
        let altered = RefreshToken::decode_bytes(&altered, &keys);
        // "Expires" is there, but the operator goes by "valid till".
        if (72..136).contains(&bit) {
            assert_eq!(altered, Ok(read.clone()), "bit {bit}");
        } else {
            assert_ne!(altered, Ok(read.clone()), "bit {bit}");
        }
    }
}

#[test]
fn the_wrong_scope_key_or_ring_is_named() {
    let vector = &of_class(TOKENS, "advertising_token")[1];
    let token = text(vector, "token");
    assert_eq!(
        Advertising::decode(token, Scope::Euid, &keys(vector)),
        Err(TokenError::WrongScope {
            expected: Scope::Euid,
            found: Scope::Uid2
        })
    );
    let no_keys: [TokenKey; 0] = [];
    assert_eq!(
        Advertising::decode(token, Scope::Uid2, &no_keys),
        Err(TokenError::UnknownKey { id: 164 })
    );
    let wrong = [TokenKey::new(164, [0; 32]), TokenKey::new(165, [0; 32])];
    assert_eq!(
        Advertising::decode(token, Scope::Uid2, &wrong),
        Err(TokenError::Decrypt)
    );
    for garbage in ["", "A", "====", "not a token", "A4AAAA", "+-+-+-+-"] {
        assert!(Advertising::decode(garbage, Scope::Uid2, &keys(vector)).is_err());
        assert!(inspect(garbage).is_err());
    }
}

#[test]
fn text_has_one_spelling() {
    let vector = of_class(TOKENS, "advertising_token")
        .into_iter()
        .find(|vector| text(vector, "version") == "V4")
        .unwrap();
    let token = text(&vector, "token");
    // 164 bytes leave two bits of the last character unused.
    let last = token.chars().next_back().unwrap();
    let mut altered = token[..token.len() - 1].to_owned();
    altered.push(char::from(u8::try_from(last).unwrap() + 1));
    assert_eq!(inspect(&altered), Err(TokenError::NotBase64));
    // Either alphabet, as SDKs of old write them, but not both at once.
    let standard = token.replace('-', "+").replace('_', "/");
    assert_eq!(inspect(&standard).map(|o| o.version), Ok(Version::V4));
    assert_eq!(inspect(&format!("{standard}-")), Err(TokenError::NotBase64));
}

mod random {
    use super::*;
    use proptest::prelude::*;

    fn ring() -> Vec<TokenKey> {
        vec![TokenKey::new(1, [1; 32]), TokenKey::new(2, [2; 32])]
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_decoder_panic(message in proptest::collection::vec(any::<u8>(), 0..300)) {
            let text = STANDARD.encode(&message);
            let ring = ring();
            prop_assert!(Advertising::decode(&text, Scope::Uid2, &ring).is_err());
            prop_assert!(RefreshToken::decode(&text, &ring).is_err());
            prop_assert!(OuterRefreshToken::decode(&text, &ring).is_err());
            let _ = EncryptedData::decode(&text, Scope::Uid2, &ring);
            let _ = inspect(&text);
            let _ = RawUid::from_bytes(&message).version();
        }

        #[test]
        fn what_is_written_is_read(
            uid in proptest::collection::vec(any::<u8>(), 32..34),
            site_id in any::<i32>(),
            (now, expires) in any::<(i64, i64)>(),
            seed in any::<[u8; 32]>(),
        ) {
            let mut rng = ChaCha20Rng::from_seed(seed);
            let (now, expires) = (Timestamp::from_millis(now), Timestamp::from_millis(expires));
            let token = Advertising::new(RawUid::from_bytes(&uid), site_id, now, expires);
            let ring = ring();
            for version in [Version::V3, Version::V4] {
                let text = token.encode(version, &ring[0], &ring[1], &mut rng);
                prop_assert_eq!(&Advertising::decode(&text, token.scope, &ring).unwrap(), &token);
            }
            let text = token.encode(Version::V2, &ring[0], &ring[1], &mut rng);
            let read = Advertising::decode(&text, token.scope, &ring).unwrap();
            prop_assert_eq!(read.raw_uid, token.raw_uid);
        }
    }
}

/// Official SDKs know the first letters of raw UIDs of version 3 only, and say
/// "e-mail" of a phone number's version 4 when they make a sharing token.
#[test]
fn the_type_that_an_sdk_got_wrong_is_read_from_the_raw_uid() {
    let uid = RawUid::parse("JCALIvdd09sqhjLAb+1v31UXgIl/00VBgl7cbZ5M/MqJ").unwrap();
    assert_eq!(uid.version(), RawUidVersion::V4);
    let keys = [TokenKey::new(101, [1; 32]), TokenKey::new(104, [2; 32])];
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let now = Timestamp::from_millis(1_700_000_000_000);
    let mut written = Advertising::new(uid, 999, now, now);
    assert_eq!(written.kind, DiiKind::Phone);
    written.kind = DiiKind::Email;
    for version in [Version::V3, Version::V4] {
        let token = written.encode(version, &keys[0], &keys[1], &mut rng);
        assert_eq!(inspect(&token).unwrap().kind, Some(DiiKind::Email));
        let read = Advertising::decode(&token, Scope::Uid2, &keys).unwrap();
        assert_eq!(read.kind, DiiKind::Phone);
    }
}
