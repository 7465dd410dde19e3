//! Bodies of the fuzz targets: what must hold whatever the bytes are.
//!
//! No part of the library: the feature `fuzzing` is private, and nothing here
//! is stable. They live in the crate so that `fuzz/` and the stable tests, which
//! replay the committed corpus, run the very same code. A body panics when what
//! must hold does not.

#![allow(
    clippy::missing_panics_doc,
    reason = "panicking is how a body reports what it found"
)]

mod lifecycle;
#[path = "../../tests/support/reference.rs"]
#[allow(
    clippy::indexing_slicing,
    reason = "written to be compared with, not to be shipped"
)]
mod reference;
mod wire;

use core::convert::Infallible;
use std::format;
use std::string::{String, ToString};

use rand_core::{TryCryptoRng, TryRng};
use serde::Deserialize;

use crate::{Email, EmailHash, Identity, IdentityState, Phone, PhoneHash, Timestamp};

pub use lifecycle::lifecycle;
pub use wire::{envelope, operations};

/// Takes what a body needs off the front of the fuzzer's bytes; zeros when
/// there are none left.
#[derive(Clone, Debug)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// Of these bytes.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// Whether there is nothing left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// So many bytes as an array.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        for (to, from) in array.iter_mut().zip(self.take(N)) {
            *to = *from;
        }
        array
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    /// At most so many bytes.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }
}

/// A repeatable stand-in for randomness. For fuzzing alone: it is no secret.
#[derive(Clone, Debug)]
pub struct Counting(u64);

impl Counting {
    /// Another sequence for every seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| (word >> 32) as u32)
    }

    /// Splitmix.
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(word ^ (word >> 31))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(word) {
                *to = from;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

/// E-mail addresses: as the independent formulation has them, normalizing twice
/// is normalizing once, and hashing in one pass is hashing what was normalized.
pub fn email(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let parsed = Email::parse(text).ok();
    let expected = reference::normalize_email(text);
    assert_eq!(parsed.as_ref().map(Email::as_str), expected.as_deref());
    assert_eq!(
        EmailHash::of(text).ok(),
        parsed.as_ref().map(Email::hash),
        "hashing and parsing disagree"
    );
    if let Some(email) = &parsed {
        assert_eq!(Email::parse(email.as_str()).as_ref(), Ok(email));
        assert_eq!(format!("{email:?}"), "Email(<redacted>)");
    }
    hash(text);
}

/// Texts of hashes have one spelling in base64, and read as what they print.
fn hash(text: &str) {
    if let Ok(hash) = EmailHash::parse(text) {
        let printed = hash.to_base64();
        assert_eq!(EmailHash::parse(printed.as_str()), Ok(hash));
        assert!(text.len() == 64 || text == printed.as_str());
    }
}

/// Phone numbers: taken where the independent formulation takes them, and as
/// they are.
pub fn phone(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let parsed = Phone::parse(text).ok();
    assert_eq!(parsed.is_some(), reference::is_phone(text));
    assert_eq!(PhoneHash::of(text).ok(), parsed.as_ref().map(Phone::hash));
    if let Some(phone) = parsed {
        assert_eq!(phone.as_str(), text);
        assert_eq!(format!("{phone:?}"), "Phone(<redacted>)");
    }
}

/// An identity as a plain reading of the protocol, section 6, has it.
#[derive(Deserialize)]
struct PlainIdentity {
    advertising_token: String,
    refresh_token: String,
    refresh_from: i64,
    identity_expires: i64,
    refresh_expires: i64,
    refresh_response_key: Option<String>,
}

/// Identities: read as a plain reading of the JSON has them, and what is printed
/// reads as the same and prints the same.
pub fn identity_json(data: &[u8]) {
    let plain = plain_identity(data);
    let Ok(identity) = Identity::from_json(data) else {
        let good = plain.is_some_and(|it| {
            let key = it.refresh_response_key.as_deref();
            !it.advertising_token.is_empty()
                && !it.refresh_token.is_empty()
                && key.is_none_or(|key| crate::ResponseKey::parse(key).is_ok())
        });
        assert!(!good, "an identity was refused");
        return;
    };
    if let Some(plain) = plain {
        same(&identity, &plain);
    } else {
        // The one number that a plain reader takes for a fraction.
        assert!(data.windows(2).any(|two| two == b"-0"), "read too much");
    }
    printed(&identity);
    states(&identity);
}

/// An object in UTF-8: the reader that serde derives would also take a list,
/// and look past what it does not need.
fn plain_identity(data: &[u8]) -> Option<PlainIdentity> {
    let text = core::str::from_utf8(data).ok()?;
    let plain = serde_json::from_str(text).ok()?;
    text.trim_ascii_start().starts_with('{').then_some(plain)
}

fn same(identity: &Identity, plain: &PlainIdentity) {
    assert_eq!(
        identity.advertising_token().as_str(),
        plain.advertising_token
    );
    assert_eq!(identity.refresh_token().expose(), plain.refresh_token);
    let times = [
        (identity.refresh_from(), plain.refresh_from),
        (identity.identity_expires(), plain.identity_expires),
        (identity.refresh_expires(), plain.refresh_expires),
    ];
    assert!(
        times
            .iter()
            .all(|(time, millis)| time.as_millis() == *millis)
    );
    let key = identity
        .refresh_response_key()
        .map(|key| key.expose_base64().to_string());
    assert_eq!(key, plain.refresh_response_key);
}

fn printed(identity: &Identity) {
    let json = identity.to_json();
    let again = Identity::from_json(json.as_bytes());
    assert_eq!(again.as_ref(), Ok(identity));
    assert_eq!(again.map(|again| again.to_json()), Ok(json.clone()));
    // Through serde, escapes may be spelt in another way.
    let through_serde = serde_json::to_string(identity).unwrap_or_default();
    for json in [json.as_str(), &through_serde] {
        let again = serde_json::from_str::<Identity>(json);
        assert_eq!(again.ok().as_ref(), Some(identity));
    }
}

/// A token is valid until it expires and not a millisecond longer.
fn states(identity: &Identity) {
    let expires = identity.identity_expires();
    for time in [
        identity.refresh_from(),
        expires,
        identity.refresh_expires(),
        Timestamp::EPOCH,
    ] {
        for off in [-1, 0, 1] {
            let now = Timestamp::from_millis(time.as_millis().saturating_add(off));
            let valid = matches!(
                identity.state(now),
                IdentityState::Fresh | IdentityState::Due
            );
            assert_eq!(valid, now < expires);
            assert!(identity.next_due(now).is_none_or(|due| due >= now));
        }
    }
}
