//! Every format ever written is read for good.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use uid2_core::Timestamp;
use uid2_core::lifecycle::{OptOut, OptOutReason, Record, RefreshState};
use uid2_store::{Codec, FileOptions, FileStore, KeyRing, Precondition, TokenStore};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn ring() -> KeyRing {
    KeyRing::new([1; 32], 7, [2; 32])
}

/// Every field of every record of the first format, spelled out.
fn check(key: &str, record: &Record) {
    let at = Timestamp::from_millis(1_700_000_000_000);
    let opt_out = |reason| Record::OptOut(OptOut { reason, at });
    match key {
        "left" => assert_eq!(*record, opt_out(OptOutReason::Service)),
        "left-us" => assert_eq!(*record, opt_out(OptOutReason::Publisher)),
        "logged-out" => {
            let until = Timestamp::from_millis(1_700_003_600_000);
            assert_eq!(*record, Record::LoggedOut { at, until });
        }
        _ => {
            let Record::Identity(stored) = record else {
                unreachable!("{key} is {record:?}")
            };
            let (refresh, dii) = match key {
                "fresh" => (RefreshState::Idle, None),
                "failing" => {
                    // Ten minutes before: the first files did not say since when.
                    let since = Timestamp::from_millis(1_699_999_400_000);
                    let refresh = RefreshState::Backoff {
                        failures: 3,
                        since,
                        until: at,
                    };
                    (refresh, Some([9; 32]))
                }
                "dormant" => (RefreshState::Dormant, None),
                _ => (RefreshState::Ended, None),
            };
            assert_eq!((stored.refresh, stored.dii), (refresh, dii), "{key}");
            let identity = &stored.identity;
            assert_eq!(identity.advertising_token().as_str(), "A4AAAAfixture");
            assert_eq!(identity.refresh_token().expose(), "AAAAfixture");
            assert_eq!(identity.refresh_from().as_millis(), 1_700_000_900_000);
            assert_eq!(identity.identity_expires().as_millis(), 1_700_003_600_000);
            assert_eq!(identity.refresh_expires().as_millis(), 1_702_592_000_000);
            let key = identity.refresh_response_key().unwrap().expose_base64();
            assert_eq!(*key, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
            assert!(identity.to_json().contains(r#""of_the_future":[1,2.50]"#));
        }
    }
}

/// Written by the first version, and by the one that first said since when a
/// refresh is backed off, and that some are dormant.
const FIXTURES: [(&str, &[&str]); 2] = [
    (
        "schema-1",
        &["fresh", "failing", "ended", "left", "left-us", "logged-out"],
    ),
    (
        "schema-1-dormant",
        &[
            "fresh",
            "failing",
            "dormant",
            "ended",
            "left",
            "left-us",
            "logged-out",
        ],
    ),
];

#[tokio::test]
async fn stores_of_schema_1() {
    for (fixture, keys) in FIXTURES {
        for (name, options) in [
            ("plain.db", FileStore::options()),
            ("sealed.db", FileStore::options().encrypt(ring())),
        ] {
            check_store(&format!("{fixture}/{name}"), options, keys).await;
        }
    }
}

async fn check_store(name: &str, options: FileOptions, keys: &[&str]) {
    // Opened for writing, as a new version of the program would.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    fs::copy(fixture(name), &path).unwrap();
    let store = options.open(&path).await.unwrap();
    for key in keys {
        check(
            key,
            &store.get(key.as_bytes()).await.unwrap().unwrap().record,
        );
    }
    let due = store.due(Timestamp::MAX, None, 9).await.unwrap();
    let mut due: Vec<_> = due.iter().map(|due| &*due.key).collect();
    due.sort();
    assert_eq!(due, [&b"failing"[..], b"fresh"]);
    let found = store.verify().await.unwrap();
    assert!(found.is_sound());
    assert_eq!(found.records, keys.len() as u64);
    let entry = store.get(b"fresh").await.unwrap().unwrap();
    let when = Precondition::Version(entry.version);
    let version = store.put(b"fresh", &entry.record, when).await.unwrap();
    assert!(version.get() > entry.version.get());
    store.close().await;
}

#[test]
fn values_of_formats_1_and_2() {
    for (fixture, keys) in FIXTURES {
        for (name, codec, format) in [
            ("plain.values", Codec::plain(), 1),
            ("sealed.values", Codec::sealed(ring()), 2),
        ] {
            check_values(fixture, name, &codec, format, keys);
        }
    }
}

fn check_values(folder: &str, name: &str, codec: &Codec, format: u8, keys: &[&str]) {
    let text = fs::read_to_string(fixture(folder).join(name)).unwrap();
    let mut found = Vec::new();
    for line in text.lines() {
        let (key, hex) = line.split_once(' ').unwrap();
        let value = bytes(hex);
        assert_eq!(value[0], format);
        let stored_key = codec.stored_key(key.as_bytes());
        let (stored, record) = codec.decode_entry(&stored_key, &value).unwrap();
        assert_eq!(&*stored, key.as_bytes());
        check(key, &record);
        if format == 1 {
            let written = codec.encode(key.as_bytes(), &record).unwrap();
            // Plain values are written the same for good, byte for byte; but a
            // back-off of old now says since when.
            let is_old = folder == "schema-1" && key == "failing";
            assert_eq!(*written == value, !is_old, "{key}");
            check(key, &codec.decode(key.as_bytes(), &written).unwrap());
        }
        found.push(key);
    }
    assert_eq!(found, keys);
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap();
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap())
        .collect()
}
