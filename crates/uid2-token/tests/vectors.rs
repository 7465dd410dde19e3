//! Every shared token vector, in both directions, byte for byte.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::{
    ENVELOPES, Replay, TOKENS, all, bytes, hex, int, key, kind, number, of_class, open_cbc,
    open_gcm, scope, text, time,
};
use serde_json::Value;
use uid2_core::{DiiKind, Email, EmailHash, Phone, Scope, Timestamp};
use uid2_token::{
    Advertising, ApiKeyHash, EncryptedData, FirstLevelHash, OuterRefreshToken, PrivacyBits, RawUid,
    RawUidVersion, RefreshToken, RefreshVersion, TokenKey, UidEnvironment, UidKey, Version,
    inspect,
};

/// A class that nobody checks is a failure, not a gap.
#[test]
fn every_vector_is_checked_by_its_class() {
    let mut checked = 0;
    for vector in all(TOKENS) {
        match text(&vector, "class") {
            "raw_uid" => raw_uid(&vector),
            "raw_uid_v4_metadata" => raw_uid_v4_metadata(&vector),
            "advertising_token" => advertising_token(&vector),
            "refresh_token_inner" => refresh_token_inner(&vector),
            "api_key_hash" => api_key_hash(&vector),
            "aes256_cbc_pkcs7_iv16" => aes_cbc(&vector),
            "base64url_nopad" => base64_url(&vector),
            "hash_normalization" => hash_normalization(&vector),
            class => panic!("vectors of class {class} are not checked"),
        }
        checked += 1;
    }
    println!("{checked} vectors checked, none skipped");
    assert_eq!(checked, 44);
}

fn raw_uid(vector: &Value) {
    let (scope, kind) = (scope(vector), kind(vector));
    let identity = text(vector, "identity");
    let hash = match kind {
        DiiKind::Email => *Email::parse(identity).unwrap().hash().as_bytes(),
        DiiKind::Phone => *Phone::parse(identity).unwrap().hash().as_bytes(),
    };
    let first = FirstLevelHash::derive(&hash, text(vector, "first_level_salt"));
    assert_eq!(
        first.as_bytes().as_slice(),
        bytes(text(vector, "first_level_hash_b64"))
    );
    let index = |name| usize::try_from(number(vector, name)).unwrap();
    assert_eq!(first.bucket_index(1 << 20), index("bucket_index_1048576"));
    assert_eq!(first.bucket_index(5), index("bucket_index_mod5"));

    let salt = text(vector, "rotating_salt");
    let v2 = RawUid::v2(&first, salt);
    assert_eq!(v2.to_base64().as_str(), text(vector, "v2"));
    assert_eq!(v2.version(), RawUidVersion::V2);
    let v3 = RawUid::v3(scope, kind, &first, salt);
    assert_eq!(v3.to_base64().as_str(), text(vector, "v3"));
    assert_eq!(v3.version(), RawUidVersion::V3);
    assert_eq!(v3.scope_and_kind(), Some((scope, kind)));

    let id = u32::try_from(number(vector, "v4_key_id")).unwrap();
    let key = UidKey::new(id, text(vector, "v4_key"), text(vector, "v4_salt")).unwrap();
    for (environment, name) in [
        (UidEnvironment::Test, "v4_test"),
        (UidEnvironment::Integration, "v4_integ"),
        (UidEnvironment::Production, "v4_prod"),
    ] {
        let v4 = RawUid::v4(environment, scope, kind, &first, &key);
        assert_eq!(v4.to_base64().as_str(), text(vector, name));
        let read = RawUid::parse(text(vector, name)).unwrap();
        assert_eq!(read.version(), RawUidVersion::V4);
        assert_eq!(read.scope_and_kind(), Some((scope, kind)));
        assert_eq!(read.environment_and_key(), Some((environment, id)));
        assert_eq!(read.open_v4(&key).unwrap(), first.as_bytes()[16..]);
    }
}

fn raw_uid_v4_metadata(vector: &Value) {
    let environment = match text(vector, "environment") {
        "TEST" => UidEnvironment::Test,
        "INTEG" => UidEnvironment::Integration,
        "PROD" => UidEnvironment::Production,
        other => panic!("environment {other}"),
    };
    let key = UidKey::new(7, &"k".repeat(32), "salt").unwrap();
    let first = FirstLevelHash::from_bytes([9; 32]);
    let uid = RawUid::v4(environment, scope(vector), kind(vector), &first, &key);
    assert_eq!(i64::from(uid.as_bytes()[0]), number(vector, "metadata"));
}

fn advertising_token(vector: &Value) {
    let token = text(vector, "token");
    let version = match text(vector, "version") {
        "V2" => Version::V2,
        "V3" => Version::V3,
        "V4" => Version::V4,
        other => panic!("version {other}"),
    };
    let master = key(vector, "master_key_id", "master_key_b64");
    let site = key(vector, "site_key_id", "site_key_b64");
    let keys = [master.clone(), site.clone()];

    let outside = inspect(token).unwrap();
    assert_eq!(outside.version, version);
    assert_eq!(outside.master_key_id, master.id());
    assert_eq!(outside.bytes, bytes(token).len());

    let read = Advertising::decode(token, scope(vector), &keys).unwrap();
    assert_eq!(read.raw_uid.to_base64().as_str(), text(vector, "raw_uid"));
    assert_eq!(read.site_id, int(vector, "site_id"));
    assert_eq!((read.scope, read.kind), (scope(vector), kind(vector)));
    check_optional(vector, &read, version);

    let message = bytes(token);
    let again = match version {
        Version::V2 => {
            let outer = open_cbc(&master, &message[5..]);
            let mut ivs = Replay::new(&[&outer[12..28], &message[5..21]]);
            read.encode(version, &master, &site, &mut ivs)
        }
        _ => {
            let outer = open_gcm(&master, &message[6..]);
            let mut ivs = Replay::new(&[&outer[33..45], &message[6..18]]);
            read.encode(version, &master, &site, &mut ivs)
        }
    };
    if message[0] == 0x00 {
        // The official token without the marker: we write the marker.
        assert_eq!(bytes(&again)[0], 0x03);
        assert_eq!(again[2..], token[2..]);
    } else {
        assert_eq!(again, token);
    }
}

fn check_optional(vector: &Value, read: &Advertising, version: Version) {
    let has = |name: &str| vector.get(name).is_some();
    if has("expires_ms") {
        assert_eq!(read.expires, time(vector, "expires_ms"));
    }
    if has("established_ms") {
        assert_eq!(read.established, time(vector, "established_ms"));
    }
    if has("created_ms") && version != Version::V2 {
        assert_eq!(read.created, time(vector, "created_ms"));
    }
    if has("privacy_bits") {
        assert_eq!(read.privacy.to_wire(), int(vector, "privacy_bits"));
        assert_eq!(
            read.privacy.is_client_side(),
            int(vector, "privacy_bits") == 3
        );
    }
}

fn refresh_token_inner(vector: &Value) {
    let token = text(vector, "token");
    let key = key(vector, "refresh_key_id", "refresh_key_b64");
    let read = RefreshToken::decode(token, &key).unwrap();
    let first = bytes(text(vector, "first_level_hash_b64"));
    assert_eq!(read.first_level_hash.as_bytes().as_slice(), first);
    assert_eq!(read.version, RefreshVersion::V3);
    assert_eq!((read.scope, read.kind), (scope(vector), kind(vector)));
    assert_eq!(read.created, time(vector, "created_ms"));
    assert_eq!(read.expires, time(vector, "expires_ms"));
    assert_eq!(read.established, time(vector, "established_ms"));
    assert_eq!(read.site_id, int(vector, "site_id"));
    assert_eq!(
        read.privacy,
        PrivacyBits::from_wire(int(vector, "privacy_bits"))
    );

    let mut iv = Replay::new(&[&bytes(token)[6..18]]);
    assert_eq!(read.encode(&key, &mut iv), token);
}

fn api_key_hash(vector: &Value) {
    let salt: [u8; 32] = bytes(text(vector, "salt_b64")).try_into().unwrap();
    let hash: [u8; 64] = bytes(text(vector, "hash_b64")).try_into().unwrap();
    let api_key = text(vector, "key");
    assert_eq!(ApiKeyHash::derive(api_key, salt).as_bytes(), &hash);
    let kept = ApiKeyHash::from_parts(salt, hash);
    assert!(kept.matches(api_key));
    assert!(!kept.matches(&api_key[1..]));
}

/// The cipher of version 2, seen through legacy encrypted data, which is a
/// header of 18 bytes before it.
fn aes_cbc(vector: &Value) {
    let key = TokenKey::parse(5, text(vector, "key_b64")).unwrap();
    let sealed = bytes(text(vector, "ciphertext_b64"));
    let plain = text(vector, "plaintext");
    let mut iv = Replay::new(&[&sealed[..16]]);
    let data = EncryptedData::new(plain.as_bytes(), 999, Timestamp::from_millis(1));
    let message = data.encode_v2(&key, &mut iv);
    assert_eq!(bytes(&message)[18..], sealed);
    let read = EncryptedData::decode(&message, Scope::Uid2, &key).unwrap();
    assert_eq!(read.data.as_slice(), plain.as_bytes());
}

/// Reading; writing is checked where the alphabet lives, in `text`.
fn base64_url(vector: &Value) {
    let read = RawUid::parse(text(vector, "encoded")).unwrap();
    assert_eq!(read.as_bytes(), hex(text(vector, "bytes_hex")));
}

fn hash_normalization(vector: &Value) {
    let input = text(vector, "input");
    let read = EmailHash::parse(input).ok();
    let written = read.map(|hash| hash.to_base64().as_str().to_owned());
    assert_eq!(written.as_deref(), vector["normalized"].as_str());
}

#[test]
fn outer_refresh_tokens_both_ways() {
    for vector in of_class(ENVELOPES, "refresh_token_outer") {
        let key = key(&vector, "key_id", "key_b64");
        let token = text(&vector, "expected_b64");
        let inside: Value = serde_json::from_str(text(&vector, "plaintext")).unwrap();
        let read = OuterRefreshToken::decode(token, &key).unwrap();
        assert_eq!(read.inner(), text(&inside, "refresh_token"));
        assert_eq!(
            read.response_key().expose_base64().as_str(),
            text(&inside, "refresh_response_key")
        );
        let scope = OuterRefreshToken::scope_of(token).unwrap();
        let inner = RefreshToken::decode(read.inner(), &key).unwrap();
        assert_eq!(scope, inner.scope);
        let mut iv = Replay::new(&[&hex(text(&vector, "iv_hex"))]);
        assert_eq!(read.encode(scope, &key, &mut iv), token);
        assert_eq!(token.len(), uid2_token::OUTER_LEN);
    }
}
