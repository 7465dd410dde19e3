//! Minting and reading advertising tokens of each version; for the one that is
//! minted today, beside the two seals of AES-256-GCM that it is made of.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "benchmarks"
)]

use std::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use rand_core::Rng;
use uid2_benches::{Bare, NOW, rng};
use uid2_core::{Scope, Timestamp};
use uid2_token::{Advertising, RawUid, TokenKey, Version};

fn advertising() -> Advertising {
    let raw_uid = RawUid::from_bytes(&[9; 33]);
    let expires = Timestamp::from_millis(NOW.as_millis() + 3_600_000);
    Advertising::new(raw_uid, 999, NOW, expires)
}

/// What is sealed in a token of version 4 with a raw UID of 33 bytes: the site's
/// part, and around it the master's (protocol, section 15).
const INNER: usize = 4 + 8 + 4 + 4 + 8 + 8 + 33;
const OUTER: usize = 8 + 8 + 13 + 4 + 12 + INNER + 16;

fn token(criterion: &mut Criterion) {
    let (master, site) = (TokenKey::new(101, [1; 32]), TokenKey::new(1001, [2; 32]));
    let keys = vec![master.clone(), site.clone()];
    let advertising = advertising();
    let mut rng = rng();
    let mut group = criterion.benchmark_group("token");
    for (name, version) in [
        ("v2", Version::V2),
        ("v3", Version::V3),
        ("v4", Version::V4),
    ] {
        let token = advertising.encode(version, &master, &site, &mut rng);
        group.bench_function(format!("mint/{name}"), |bencher| {
            bencher.iter(|| black_box(&advertising).encode(version, &master, &site, &mut rng));
        });
        group.bench_function(format!("read/{name}"), |bencher| {
            bencher.iter(|| Advertising::decode(black_box(&token), Scope::Uid2, &keys).unwrap());
        });
    }
    let token = advertising.encode(Version::V4, &master, &site, &mut rng);
    let bare = Bare::new();
    assert_eq!(bare_mint(&bare, &mut rng).len(), token.len());
    group.bench_function("mint/v4_bare", |bencher| {
        bencher.iter(|| bare_mint(&bare, &mut rng));
    });
    group.finish();
}

/// Two seals of as many bytes, and base64 of the whole.
fn bare_mint(bare: &Bare, rng: &mut impl Rng) -> String {
    let mut message = vec![0; 6 + 12 + OUTER + 16];
    let end = message.len();
    for (at, len) in [(end - 32 - INNER, INNER), (18, OUTER)] {
        let mut iv = [0; 12];
        rng.fill_bytes(&mut iv);
        let tag = bare.encrypt(iv, &mut message[at..at + len]);
        message[at + len..at + len + 16].copy_from_slice(&tag);
        message[at - 12..at].copy_from_slice(&iv);
    }
    URL_SAFE_NO_PAD.encode(&message)
}

criterion_group!(benches, token);
criterion_main!(benches);
