//! `token(user)` from warm stores, beside a bare concurrent map that gives out
//! the same tokens.
//!
//! Whose token is next is known only once there is the one before: in a loop of
//! look-ups that do not wait for each other, a processor has several of the short
//! ones under way at a time, and what is measured is no look-up any more.

#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "benchmarks"
)]

use std::future::Future;
use std::hint::black_box;
use std::iter;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{
    BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use dashmap::DashMap;
use foldhash::fast::RandomState;
use rand_core::CryptoRng;
use uid2_benches::{NOW, caller, fillings, identity, on_threads, rng};
use uid2_core::lifecycle::Record;
use uid2_core::{AdvertisingToken, Timestamp};
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

/// With one thread and with two, each with the calls of its own.
fn bench_tokens<S: TokenStore>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    stores: impl Iterator<Item = S>,
    names: &[String],
) {
    let filled: Vec<_> = stores.map(publisher).collect();
    let read = |publisher: &Publisher<Nowhere, S, Still>, mut at: usize, calls: usize| {
        runtime().block_on(async {
            let start = Instant::now();
            for _ in 0..calls {
                let token = publisher.token(black_box(&names[at])).await;
                at = after(at, token.unwrap().valid().unwrap(), names.len());
            }
            start.elapsed()
        })
    };
    for threads in [1, 2] {
        on_threads(group, name, threads, &filled, names.len(), read);
    }
}

/// Far from `at`, and different for another token. It reads the token, as whoever
/// asks for one does.
fn after(at: usize, token: AdvertisingToken, names: usize) -> usize {
    let token = black_box(token);
    let first = token.as_str().as_bytes()[0];
    (at + token.as_str().len() + usize::from(first)) % names
}

/// The token of the record under the same key, from a map with the same hasher.
fn bench_map(group: &mut BenchmarkGroup<'_, WallTime>, names: &[String]) {
    let filled: Vec<_> = iter::repeat_with(|| bare_map(names.len()))
        .take(fillings(names.len()))
        .collect();
    let keys: Vec<_> = names.iter().map(|name| format!("u{name}")).collect();
    let read = |map: &DashMap<Box<str>, Record, RandomState>, mut at: usize, reads: usize| {
        let start = Instant::now();
        for _ in 0..reads {
            let record = map.get(black_box(keys[at].as_str())).unwrap();
            let Record::Identity(stored) = record.value() else {
                unreachable!("only identities were put")
            };
            let token = stored.identity.advertising_token().clone();
            at = after(at, token, keys.len());
        }
        start.elapsed()
    };
    for threads in [1, 2] {
        on_threads(group, "bare_map", threads, &filled, keys.len(), read);
    }
}

fn bare_map(users: usize) -> DashMap<Box<str>, Record, RandomState> {
    let pair = |i| {
        let record = Record::identity(identity(i), Some([7; 32]));
        (format!("uuser-{i}").into_boxed_str(), record)
    };
    (0..users).map(pair).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

fn token(criterion: &mut Criterion) {
    for users in [10_000, 1_000_000] {
        let names = shuffled(users);
        let mut group = criterion.benchmark_group(format!("token_of_{users}"));
        group.measurement_time(Duration::from_secs(3));
        let memory = || {
            let memory = MemoryStore::new();
            runtime().block_on(fill(&memory, users));
            memory
        };
        let stores = iter::repeat_with(memory).take(fillings(users));
        bench_tokens(&mut group, "memory", stores, &names);
        bench_map(&mut group, &names);
        if users == 10_000 {
            file(&mut group, &names);
        }
        group.finish();
    }
}

/// Warm: every record was read before, and is in the cache.
fn file(group: &mut BenchmarkGroup<'_, WallTime>, names: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let store = |number| {
        let path = folder.path().join(format!("{number}.db"));
        runtime().block_on(async {
            let store = FileStore::open(path).await.unwrap();
            fill(&store, names.len()).await;
            store
        })
    };
    let stores = (0..fillings(names.len())).map(store);
    bench_tokens(group, "file", stores, names);
}

criterion_group!(benches, token);
criterion_main!(benches);
