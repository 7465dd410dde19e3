//! The core beside the bare work: SHA-256 and base64, AES-GCM, `serde_json`.

#![allow(missing_docs, clippy::unwrap_used, reason = "benchmarks")]

use std::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use criterion::{Criterion, criterion_group, criterion_main};
use sha2::{Digest, Sha256};
use uid2_benches::{Bare, NOW, PlainIdentity, caller, identity, identity_json, rng};
use uid2_core::envelope::{self, Encoding, Nonce};
use uid2_core::lifecycle::{Policy, Record};
use uid2_core::{EmailHash, Identity, PhoneHash};

fn hash(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hash");
    let bare = |normalized: &str| {
        let digest = Sha256::digest(normalized.as_bytes());
        let mut text = [0; 44];
        STANDARD.encode_slice(digest, &mut text).unwrap();
        text
    };
    for (name, input, normalized) in [
        ("plain", "jane.doe@example.com", "jane.doe@example.com"),
        (
            "gmail",
            "Jane.Doe+news.letter@Gmail.com",
            "janedoe@gmail.com",
        ),
    ] {
        group.bench_function(format!("{name}/ours"), |bencher| {
            bencher.iter(|| EmailHash::of(black_box(input)).unwrap().to_base64());
        });
        group.bench_function(format!("{name}/bare"), |bencher| {
            bencher.iter(|| bare(black_box(normalized)));
        });
    }
    let phone = "+12345678901";
    group.bench_function("phone/ours", |bencher| {
        bencher.iter(|| PhoneHash::of(black_box(phone)).unwrap().to_base64());
    });
    group.bench_function("phone/bare", |bencher| {
        bencher.iter(|| bare(black_box(phone)));
    });
    group.finish();
}

const PAYLOAD: &[u8] = br#"{"email_hash":"tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ="}"#;

fn seal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seal");
    let caller = caller();
    let bare = Bare::new();
    let mut rng = rng();
    for (name, encoding) in [("text", Encoding::Text), ("binary", Encoding::Binary)] {
        group.bench_function(format!("{name}/ours"), |bencher| {
            bencher.iter(|| {
                let payload = black_box(PAYLOAD);
                envelope::seal_request(caller.client_secret(), payload, encoding, NOW, &mut rng)
            });
        });
        group.bench_function(format!("{name}/bare"), |bencher| {
            bencher.iter(|| bare.seal(&mut rng, black_box(PAYLOAD), encoding));
        });
    }
    group.finish();
}

fn open(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open_and_parse");
    let caller = caller();
    let secret = caller.client_secret();
    let (iv, nonce) = ([3; 12], Nonce::from_bytes([5; 8]));
    let json = identity_json(1);
    let sealed = envelope::seal_response(secret, json.as_bytes(), Encoding::Text, NOW, iv, nonce);
    let bare = Bare::new();
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            let body = black_box(&sealed);
            let opened = envelope::open_response(secret, body, Encoding::Text, nonce).unwrap();
            Identity::from_json(opened.payload()).unwrap()
        });
    });
    group.bench_function("bare", |bencher| {
        bencher.iter(|| bare.open::<PlainIdentity>(black_box(&sealed)));
    });
    group.finish();
}

fn decide(criterion: &mut Criterion) {
    let record = Record::identity(identity(1), None);
    criterion.bench_function("decide", |bencher| {
        bencher.iter(|| Policy::DEFAULT.wants_refresh(black_box(Some(&record)), NOW));
    });
}

criterion_group!(benches, hash, seal, open, decide);
criterion_main!(benches);
