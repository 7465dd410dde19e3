//! `token(user)` from warm stores, beside a bare concurrent map.

#![allow(missing_docs, clippy::unwrap_used, reason = "benchmarks")]

use std::future::Future;
use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use dashmap::DashMap;
use rand_core::CryptoRng;
use uid2_benches::{NOW, caller, identity, rng};
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_http::{Client, Runtime, Transport, TransportError, TransportErrorKind};
use uid2_publisher::Publisher;
use uid2_publisher::core::Environment;
use uid2_store::{FileStore, MemoryStore, Precondition, TokenStore};

/// Time stands still, so that every identity stays fresh.
#[derive(Clone)]
struct Still;

impl Runtime for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
    fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
    fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) {}
    fn rng(&self) -> impl CryptoRng + Send + use<> {
        rng()
    }
}

struct Nowhere;

impl Transport for Nowhere {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        Err(TransportError::new(TransportErrorKind::Connect))
    }
}

fn publisher<S: TokenStore>(store: S) -> Publisher<Nowhere, S, Still> {
    let client = Client::builder(caller(), Environment::Uid2Integration).build_on(Nowhere, Still);
    Publisher::builder(client, store).build().unwrap()
}

async fn fill(store: &impl TokenStore, users: usize) {
    for i in 0..users {
        let record = Record::identity(identity(i), Some([7; 32]));
        let key = format!("uuser-{i}");
        store
            .put(key.as_bytes(), &record, Precondition::Any)
            .await
            .unwrap();
    }
}

/// Users in an order that a cache cannot guess.
fn shuffled(users: usize) -> Vec<String> {
    (0..users)
        .map(|i| format!("user-{}", i.wrapping_mul(7_368_787) % users))
        .collect()
}

fn bench_tokens<S: TokenStore>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    store: S,
    names: &[String],
) {
    let publisher = publisher(store);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut next = 0;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            next = (next + 1) % names.len();
            let token = publisher.token(black_box(names.get(next).unwrap()));
            runtime.block_on(token).unwrap().valid().unwrap()
        });
    });
}

fn token(criterion: &mut Criterion) {
    for users in [10_000, 1_000_000] {
        let names = shuffled(users);
        let mut group = criterion.benchmark_group(format!("token_of_{users}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();

        let memory = MemoryStore::new();
        runtime.block_on(fill(&memory, users));
        bench_tokens(&mut group, "memory", memory, &names);

        let map: DashMap<Box<str>, Record> = (0..users)
            .map(|i| {
                let record = Record::identity(identity(i), Some([7; 32]));
                (format!("uuser-{i}").into_boxed_str(), record)
            })
            .collect();
        let keys: Vec<_> = names.iter().map(|name| format!("u{name}")).collect();
        let mut next = 0;
        group.bench_function("bare_map", |bencher| {
            bencher.iter(|| {
                next = (next + 1) % keys.len();
                let key = black_box(keys.get(next).unwrap());
                map.get(key.as_str()).map(|entry| entry.value().clone())
            });
        });
        group.finish();
    }
    file(criterion);
}

fn file(criterion: &mut Criterion) {
    const USERS: usize = 10_000;
    let names = shuffled(USERS);
    let mut group = criterion.benchmark_group(format!("token_of_{USERS}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = runtime.block_on(async {
        let store = FileStore::open(folder.path().join("identities.db"))
            .await
            .unwrap();
        fill(&store, USERS).await;
        store
    });
    bench_tokens(&mut group, "file", store, &names);
    group.finish();
}

criterion_group!(benches, token);
criterion_main!(benches);
