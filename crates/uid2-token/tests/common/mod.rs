//! What the tests share: the vectors, a generator that replays bytes, and
//! ciphers of their own to take messages apart with.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::collections::VecDeque;
use std::convert::Infallible;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use ctr::cipher::StreamCipher;
use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use uid2_core::{DiiKind, Scope, Timestamp};
use uid2_token::TokenKey;

pub(crate) const TOKENS: &str = include_str!("../vectors/tokens.json");
pub(crate) const ENVELOPES: &str = include_str!("../../../uid2-core/tests/vectors/envelope.json");

/// All vectors of a file.
pub(crate) fn all(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap()
}

/// The vectors of one class, of which there must be some.
pub(crate) fn of_class(json: &str, class: &str) -> Vec<Value> {
    let vectors: Vec<Value> = all(json)
        .into_iter()
        .filter(|vector| vector["class"] == class)
        .collect();
    assert!(!vectors.is_empty(), "no vectors of class {class}");
    vectors
}

pub(crate) fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} is not a text in {vector}"))
}

pub(crate) fn number(vector: &Value, name: &str) -> i64 {
    vector[name]
        .as_i64()
        .unwrap_or_else(|| panic!("{name} is not a number in {vector}"))
}

pub(crate) fn int(vector: &Value, name: &str) -> i32 {
    i32::try_from(number(vector, name)).unwrap()
}

pub(crate) fn time(vector: &Value, name: &str) -> Timestamp {
    Timestamp::from_millis(number(vector, name))
}

pub(crate) fn scope(vector: &Value) -> Scope {
    match text(vector, "scope") {
        "UID2" => Scope::Uid2,
        "EUID" => Scope::Euid,
        other => panic!("scope {other}"),
    }
}

pub(crate) fn kind(vector: &Value) -> DiiKind {
    match text(vector, "identity_type") {
        "Email" => DiiKind::Email,
        "Phone" => DiiKind::Phone,
        other => panic!("identity type {other}"),
    }
}

pub(crate) fn key(vector: &Value, id: &str, secret: &str) -> TokenKey {
    TokenKey::parse(int(vector, id), text(vector, secret)).unwrap()
}

/// Decodes either alphabet, independently of the crate.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE_NO_PAD.decode(text))
        .unwrap()
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Opens `iv ‖ ciphertext ‖ tag` without looking at the tag: GCM encrypts with
/// a counter that begins at 2.
pub(crate) fn open_gcm(key: &TokenKey, message: &[u8]) -> Vec<u8> {
    let mut counter = [0; 16];
    counter[..12].copy_from_slice(&message[..12]);
    counter[15] = 2;
    let mut plain = message[12..message.len() - 16].to_vec();
    ctr::Ctr32BE::<aes::Aes256>::new(key.expose().into(), &counter.into())
        .apply_keystream(&mut plain);
    plain
}

/// Opens `iv ‖ CBC`.
pub(crate) fn open_cbc(key: &TokenKey, message: &[u8]) -> Vec<u8> {
    let iv: [u8; 16] = message[..16].try_into().unwrap();
    cbc::Decryptor::<aes::Aes256>::new(key.expose().into(), &iv.into())
        .decrypt_padded_vec::<Pkcs7>(&message[16..])
        .unwrap()
}

/// A "generator" that gives out the bytes it was made with, and insists on
/// being asked for all of them and no more.
pub(crate) struct Replay(VecDeque<u8>);

impl Replay {
    pub(crate) fn new(parts: &[&[u8]]) -> Self {
        Self(parts.concat().into())
    }
}

impl TryRng for Replay {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut word = [0; 4];
        self.try_fill_bytes(&mut word)?;
        Ok(u32::from_le_bytes(word))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut word = [0; 8];
        self.try_fill_bytes(&mut word)?;
        Ok(u64::from_le_bytes(word))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            *byte = self.0.pop_front().expect("more bytes asked for than given");
        }
        Ok(())
    }
}

impl TryCryptoRng for Replay {}

impl Drop for Replay {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.is_empty(), "bytes were not asked for");
        }
    }
}
