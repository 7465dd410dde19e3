//! Known answers: the shared vectors, carried as they are. Each says where it
//! comes from in its `source`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use uid2_core::envelope::{self, Encoding, Nonce};
use uid2_core::{
    ClientSecret, Dii, Email, EmailHash, Identity, Phone, PhoneHash, ResponseKey, Timestamp,
};

fn vectors(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn normalization() {
    let vectors = vectors(include_str!("vectors/normalization.json"));
    let mut seen = BTreeMap::new();
    for vector in &vectors {
        let kind = vector["kind"].as_str().unwrap();
        let normalized = vector["normalized"].as_str();
        match kind {
            "email" => check_email(vector, normalized),
            "phone" => check_phone(vector, normalized),
            kind => panic!("a vector of the unknown kind {kind}"),
        }
        *seen.entry((kind, normalized.is_some())).or_insert(0) += 1;
    }
    // None may get lost, whatever becomes of the file.
    let expected = EXPECTED_NORMALIZATION.map(|(kind, valid, count)| ((kind, valid), count));
    assert_eq!(seen, BTreeMap::from(expected));
}

const EXPECTED_NORMALIZATION: [(&str, bool, i32); 4] = [
    ("email", false, 12),
    ("email", true, 63),
    ("phone", false, 30),
    ("phone", true, 6),
];

fn check_email(vector: &Value, normalized: Option<&str>) {
    let input = vector["input"].as_str().unwrap();
    let email = Email::parse(input).ok();
    assert_eq!(email.as_ref().map(Email::as_str), normalized, "{vector}");
    let hash = email.map(|email| email.hash());
    assert_eq!(EmailHash::of(input).ok(), hash, "{vector}");
    let text = hash.map(|hash| hash.to_base64().to_string());
    assert_eq!(text.as_deref(), sha256(vector, normalized), "{vector}");
}

fn check_phone(vector: &Value, normalized: Option<&str>) {
    let input = vector["input"].as_str().unwrap();
    let phone = Phone::parse(input).ok();
    assert_eq!(phone.as_ref().map(Phone::as_str), normalized, "{vector}");
    let hash = phone.map(|phone| phone.hash());
    assert_eq!(PhoneHash::of(input).ok(), hash, "{vector}");
    let text = hash.map(|hash| hash.to_base64().to_string());
    assert_eq!(text.as_deref(), sha256(vector, normalized), "{vector}");
}

/// The hash of the vector: every valid one must have it.
fn sha256<'a>(vector: &'a Value, normalized: Option<&str>) -> Option<&'a str> {
    let hash = vector.get("sha256_base64").and_then(Value::as_str);
    assert_eq!(hash.is_some(), normalized.is_some(), "{vector}");
    hash
}

#[test]
fn envelopes() {
    let vectors = vectors(include_str!("vectors/envelope.json"));
    let mut seen = BTreeMap::new();
    for vector in &vectors {
        let class = vector["class"].as_str().unwrap();
        match class {
            "envelope_seal" => Known::of(vector).check_request(),
            "response_open" => Known::of(vector).check_response(),
            "refresh_open" => Known::of(vector).check_refresh_response(),
            "refresh_token_outer" => {
                skip(vector, "only operators read refresh tokens: uid2-emulator");
            }
            "cstg_request" | "cstg_response" => {
                skip(
                    vector,
                    "client-side generation has no place on a server: uid2-emulator",
                );
            }
            class => panic!("a vector of the unknown class {class}"),
        }
        *seen.entry(class).or_insert(0) += 1;
    }
    let expected = BTreeMap::from([
        ("envelope_seal", 5),
        ("response_open", 2),
        ("refresh_open", 1),
        ("refresh_token_outer", 3),
        ("cstg_request", 1),
        ("cstg_response", 1),
    ]);
    assert_eq!(seen, expected);
}

fn skip(vector: &Value, reason: &str) {
    println!("skipped {}: {reason}", vector["name"]);
}

/// An envelope with everything that went into it.
struct Known<'a> {
    name: &'a str,
    key: [u8; 32],
    iv: [u8; 12],
    stamp: Option<(Timestamp, Nonce)>,
    plaintext: &'a [u8],
    text: &'a str,
    binary: Vec<u8>,
}

impl<'a> Known<'a> {
    fn of(vector: &'a Value) -> Self {
        let text = vector["expected_b64"].as_str().unwrap();
        let nonce = vector["nonce_hex"].as_str().map(hex);
        Self {
            name: vector["name"].as_str().unwrap(),
            key: base64(vector["key_b64"].as_str().unwrap())
                .try_into()
                .unwrap(),
            iv: hex(vector["iv_hex"].as_str().unwrap()).try_into().unwrap(),
            stamp: nonce.map(|nonce| {
                let time = Timestamp::from_millis(vector["timestamp_ms"].as_i64().unwrap());
                (time, Nonce::from_bytes(nonce.try_into().unwrap()))
            }),
            plaintext: vector["plaintext"].as_str().unwrap().as_bytes(),
            text,
            binary: base64(text),
        }
    }

    fn forms(&self) -> [(Encoding, &[u8]); 2] {
        [
            (Encoding::Text, self.text.as_bytes()),
            (Encoding::Binary, &self.binary),
        ]
    }

    fn check_request(&self) {
        let secret = ClientSecret::from_bytes(self.key);
        let (now, nonce) = self.stamp.unwrap();
        for (encoding, bytes) in self.forms() {
            let sealed =
                envelope::seal_request_with(&secret, self.plaintext, encoding, now, self.iv, nonce);
            assert_eq!(sealed, bytes, "{} {encoding:?}", self.name);
            let opened = envelope::open_request(&secret, bytes, encoding).unwrap();
            assert_eq!(opened.payload(), self.plaintext, "{}", self.name);
            assert_eq!((opened.timestamp(), opened.nonce()), (now, nonce));
        }
    }

    fn check_response(&self) {
        let secret = ClientSecret::from_bytes(self.key);
        let (now, nonce) = self.stamp.unwrap();
        for (encoding, bytes) in self.forms() {
            let opened = envelope::open_response(&secret, bytes, encoding, nonce).unwrap();
            assert_eq!(opened.payload(), self.plaintext, "{}", self.name);
            assert_eq!((opened.timestamp(), opened.nonce()), (now, nonce));
            let sealed =
                envelope::seal_response(&secret, self.plaintext, encoding, now, self.iv, nonce);
            assert_eq!(sealed, bytes, "{} {encoding:?}", self.name);
        }
    }

    fn check_refresh_response(&self) {
        let key = ResponseKey::from_bytes(self.key);
        assert!(self.stamp.is_none());
        for (encoding, bytes) in self.forms() {
            let opened = envelope::open_refresh_response(&key, bytes, encoding).unwrap();
            assert_eq!(opened.as_bytes(), self.plaintext, "{}", self.name);
            let sealed = envelope::seal_refresh_response(&key, self.plaintext, encoding, self.iv);
            assert_eq!(sealed, bytes, "{} {encoding:?}", self.name);
        }
    }
}

/// The official Java SDK's vector for a whole response: the body comes back
/// verbatim, the retired `user_token` included.
#[test]
fn an_official_response_keeps_its_unknown_member() {
    let vectors = vectors(include_str!("vectors/envelope.json"));
    let vector = vectors
        .iter()
        .find(|vector| vector["name"] == "decryptGenerateResponse")
        .unwrap();
    let response: Value = serde_json::from_str(vector["plaintext"].as_str().unwrap()).unwrap();
    let body = &response["body"];
    assert!(body["user_token"].is_string());
    let identity = Identity::from_json(body.to_string().as_bytes()).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&identity.to_json()).unwrap(),
        *body
    );
}

/// What the official SDKs' request vectors hold is what our operations send.
#[test]
fn payloads_of_official_requests_name_the_same_person() {
    let user = Dii::email("   USER@EXAMPLE.COM   ").unwrap().to_hashed();
    let jane = Dii::email("   jane.doe+home@gmail.com   ")
        .unwrap()
        .to_hashed();
    let vectors = vectors(include_str!("vectors/envelope.json"));
    for (name, dii) in [("hashedEmail", user), ("hashedGmail", jane)] {
        let vector = vectors.iter().find(|v| v["name"] == name).unwrap();
        let payload: Value = serde_json::from_str(vector["plaintext"].as_str().unwrap()).unwrap();
        let hash = Dii::email_hash(payload["email_hash"].as_str().unwrap()).unwrap();
        assert_eq!(hash, dii, "{name}");
    }
}

fn base64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
