//! Envelopes that were cut off, altered, replayed or sealed for somebody else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use uid2_core::envelope::{
    Encoding, EnvelopeError, Nonce, Opened, open_refresh_response, open_request, open_response,
    seal_refresh_response, seal_request_with, seal_response,
};
use uid2_core::{ClientSecret, ResponseKey, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_667_885_597_644);
const IV: [u8; 12] = [
    0xcc, 0x3c, 0xca, 0xca, 0x98, 0x89, 0xea, 0xb3, 0x80, 0x0e, 0x78, 0x7e,
];
const NONCE: Nonce = Nonce::from_bytes([0x31, 0x2f, 0xe5, 0xaa, 0x08, 0xb2, 0xa0, 0x49]);
const PAYLOAD: &[u8] = br#"{"email":"test@example.com"}"#;
const ENCODINGS: [Encoding; 2] = [Encoding::Text, Encoding::Binary];

fn secret() -> ClientSecret {
    ClientSecret::from_bytes([7; 32])
}

fn key() -> ResponseKey {
    ResponseKey::from_bytes([8; 32])
}

type Open = fn(&[u8], Encoding) -> Result<Vec<u8>, EnvelopeError>;

fn payload(opened: &Opened) -> Vec<u8> {
    opened.payload().to_vec()
}

/// Every kind of envelope: a good one, and what opens it.
fn kinds(encoding: Encoding) -> [(&'static str, Vec<u8>, Open); 3] {
    [
        (
            "request",
            seal_request_with(&secret(), PAYLOAD, encoding, NOW, IV, NONCE),
            |body, encoding| open_request(&secret(), body, encoding).map(|it| payload(&it)),
        ),
        (
            "response",
            seal_response(&secret(), PAYLOAD, encoding, NOW, IV, NONCE),
            |body, encoding| open_response(&secret(), body, encoding, NONCE).map(|it| payload(&it)),
        ),
        (
            "refresh",
            seal_refresh_response(&key(), PAYLOAD, encoding, IV),
            |body, encoding| {
                open_refresh_response(&key(), body, encoding).map(|it| it.as_bytes().to_vec())
            },
        ),
    ]
}

#[test]
fn the_good_ones_open() {
    for encoding in ENCODINGS {
        for (kind, body, open) in kinds(encoding) {
            assert_eq!(
                open(&body, encoding).as_deref(),
                Ok(PAYLOAD),
                "{kind} {encoding:?}"
            );
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    for encoding in ENCODINGS {
        for (kind, body, open) in kinds(encoding) {
            for len in 0..body.len() {
                let error = open(&body[..len], encoding).unwrap_err();
                let foreseen = match encoding {
                    Encoding::Text => !matches!(error, EnvelopeError::Version { .. }),
                    Encoding::Binary => {
                        matches!(
                            error,
                            EnvelopeError::TooShort { .. } | EnvelopeError::Decrypt
                        )
                    }
                };
                assert!(foreseen, "{kind} {encoding:?} cut to {len}: {error:?}");
                // The front cut off, too.
                assert!(
                    open(&body[body.len() - len..], encoding).is_err(),
                    "{kind} {len}"
                );
            }
        }
    }
}

#[test]
fn every_single_bit_flip_is_refused() {
    for encoding in ENCODINGS {
        for (kind, mut body, open) in kinds(encoding) {
            for bit in 0..body.len() * 8 {
                body[bit / 8] ^= 1 << (bit % 8);
                assert!(
                    open(&body, encoding).is_err(),
                    "{kind} {encoding:?} bit {bit}"
                );
                body[bit / 8] ^= 1 << (bit % 8);
            }
            assert!(open(&body, encoding).is_ok(), "{kind} is as it was");
        }
    }
}

#[test]
fn bytes_added_anywhere_are_refused() {
    for encoding in ENCODINGS {
        for (kind, body, open) in kinds(encoding) {
            for at in [0, body.len() / 2, body.len()] {
                for byte in [b'A', b'\n', b' ', b'=', 0] {
                    let mut longer = body.clone();
                    longer.insert(at, byte);
                    assert!(
                        open(&longer, encoding).is_err(),
                        "{kind} {encoding:?} {byte} at {at}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_wrong_encoding_is_refused() {
    for (kind, body, open) in kinds(Encoding::Text) {
        assert!(open(&body, Encoding::Binary).is_err(), "{kind}");
    }
    for (kind, body, open) in kinds(Encoding::Binary) {
        assert_eq!(
            open(&body, Encoding::Text),
            Err(EnvelopeError::NotBase64),
            "{kind}"
        );
    }
}

#[test]
fn one_kind_does_not_pass_for_another() {
    for encoding in ENCODINGS {
        let kinds = kinds(encoding);
        for (i, (sealed, body, _)) in kinds.iter().enumerate() {
            for (j, (opener, _, open)) in kinds.iter().enumerate() {
                assert_eq!(
                    open(body, encoding).is_ok(),
                    i == j,
                    "{sealed} opened as {opener}"
                );
            }
        }
    }
}

#[test]
fn another_key_opens_nothing() {
    for encoding in ENCODINGS {
        let body = seal_response(&secret(), PAYLOAD, encoding, NOW, IV, NONCE);
        let other = ClientSecret::from_bytes([9; 32]);
        let opened = open_response(&other, &body, encoding, NONCE);
        assert_eq!(opened, Err(EnvelopeError::Decrypt));
    }
}

#[test]
fn a_response_to_another_request_is_refused() {
    for encoding in ENCODINGS {
        let body = seal_response(&secret(), PAYLOAD, encoding, NOW, IV, NONCE);
        for bit in 0..64 {
            let mut other = *NONCE.as_bytes();
            other[bit / 8] ^= 1 << (bit % 8);
            let opened = open_response(&secret(), &body, encoding, Nonce::from_bytes(other));
            assert_eq!(opened, Err(EnvelopeError::NonceMismatch), "bit {bit}");
        }
    }
}

/// The shortest messages, and one byte less.
#[test]
fn lengths_are_checked_to_the_byte() {
    let open = |len, version| {
        let mut body = vec![0; len];
        body[0] = version;
        open_request(&secret(), &body, Encoding::Binary)
    };
    let too_short = EnvelopeError::TooShort { found: 44, min: 45 };
    assert_eq!(open(44, 1), Err(too_short));
    assert_eq!(open(45, 1), Err(EnvelopeError::Decrypt));
    assert_eq!(open(45, 2), Err(EnvelopeError::Version { found: 2 }));

    // The key opens it, but there is no room for a timestamp and a nonce.
    let same_key = ResponseKey::from_bytes([7; 32]);
    for len in 0..16 {
        let body = seal_refresh_response(&same_key, &vec![0; len], Encoding::Binary, IV);
        let opened = open_response(&secret(), &body, Encoding::Binary, NONCE);
        let too_short = EnvelopeError::TooShort {
            found: 28 + len,
            min: 44,
        };
        assert_eq!(opened, Err(too_short), "{len}");
    }
    let empty = seal_response(&secret(), b"", Encoding::Binary, NOW, IV, NONCE);
    assert_eq!(empty.len(), 44);
    let opened = open_response(&secret(), &empty, Encoding::Binary, NONCE).unwrap();
    assert_eq!(opened.payload(), b"");
}

#[test]
fn content_types_name_encodings() {
    for (content_type, encoding) in [
        ("text/plain", Some(Encoding::Text)),
        ("Text/Plain; charset=UTF-8", Some(Encoding::Text)),
        ("application/octet-stream", Some(Encoding::Binary)),
        (" APPLICATION/OCTET-STREAM ", Some(Encoding::Binary)),
        ("application/json", None),
        ("text/html", None),
        ("", None),
    ] {
        assert_eq!(
            Encoding::from_content_type(content_type),
            encoding,
            "{content_type}"
        );
    }
}

#[test]
fn debug_shows_no_plaintext() {
    let body = seal_response(&secret(), PAYLOAD, Encoding::Text, NOW, IV, NONCE);
    let opened = open_response(&secret(), &body, Encoding::Text, NONCE).unwrap();
    let shown = format!("{opened:?}");
    assert!(!shown.contains("example"), "{shown}");
    assert!(!shown.contains("312f") && !shown.contains("49"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sealed_opens(
        bytes: [u8; 32], iv: [u8; 12], nonce: [u8; 8], millis: i64, binary: bool,
        payload in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let secret = ClientSecret::from_bytes(bytes);
        let key = ResponseKey::from_bytes(bytes);
        let encoding = if binary { Encoding::Binary } else { Encoding::Text };
        let (now, nonce) = (Timestamp::from_millis(millis), Nonce::from_bytes(nonce));

        let body = seal_request_with(&secret, &payload, encoding, now, iv, nonce);
        let opened = open_request(&secret, &body, encoding).unwrap();
        prop_assert_eq!((opened.payload(), opened.timestamp(), opened.nonce()), (&*payload, now, nonce));

        let body = seal_response(&secret, &payload, encoding, now, iv, nonce);
        let opened = open_response(&secret, &body, encoding, nonce).unwrap();
        prop_assert_eq!((opened.payload(), opened.timestamp(), opened.nonce()), (&*payload, now, nonce));

        let body = seal_refresh_response(&key, &payload, encoding, iv);
        let opened = open_refresh_response(&key, &body, encoding).unwrap();
        prop_assert_eq!(opened.as_bytes(), &*payload);
    }

    #[test]
    fn garbage_is_refused_and_never_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for encoding in ENCODINGS {
            prop_assert!(open_request(&secret(), &body, encoding).is_err());
            prop_assert!(open_response(&secret(), &body, encoding, NONCE).is_err());
            prop_assert!(open_refresh_response(&key(), &body, encoding).is_err());
        }
    }
}
