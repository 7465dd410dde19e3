//! Point reads: from memory beside a bare concurrent map that holds as many of
//! the same records, with the same hasher, and from the file beside the engine.

use std::hint::black_box;
use std::iter;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use dashmap::DashMap;
use foldhash::fast::RandomState;
use tokio::runtime::Runtime;
use uid2_benches::{fillings, on_threads};
use uid2_store::{Entry, FileStore, MemoryStore, TokenStore, Version};

use crate::raw::Raw;
use crate::{Original, open, ring, runtime, users};

pub(crate) fn bench(criterion: &mut Criterion) {
    let count = users::count();
    let runtime = runtime();
    let keys: Vec<_> = users::shuffled(count).map(users::key).collect();
    from_memory(criterion, &runtime, &keys);
    from_file(criterion, &runtime, &keys);
}

fn from_memory(criterion: &mut Criterion, runtime: &Runtime, keys: &[Vec<u8>]) {
    let mut group = criterion.benchmark_group(format!("cached_reads_of_{}", keys.len()));
    group.measurement_time(Duration::from_secs(3));
    of_bare_maps(&mut group, keys);
    of_stores(&mut group, runtime, "memory", keys, || {
        let memory = MemoryStore::new();
        runtime.block_on(users::fill(&memory, keys.len()));
        memory
    });
    let original = Original::new(runtime, FileStore::options(), keys.len());
    let mut copies = 0;
    of_stores(&mut group, runtime, "file", keys, || {
        copies += 1;
        let path = original.copy(&format!("{copies}.db"));
        let options = FileStore::options().cache(2 * keys.len());
        runtime.block_on(async {
            let file = open(options, &path).await;
            for key in keys {
                file.get(key).await.unwrap();
            }
            file
        })
    });
    group.finish();
}

fn of_bare_maps(group: &mut BenchmarkGroup<'_, WallTime>, keys: &[Vec<u8>]) {
    let filled: Vec<_> = iter::repeat_with(|| bare_map(keys.len()))
        .take(fillings(keys.len()))
        .collect();
    let read = |map: &DashMap<Box<[u8]>, Entry, RandomState>, from: usize, reads: usize| {
        let start = Instant::now();
        for key in around(keys, from).take(reads) {
            black_box(map.get(black_box(&**key)).map(|entry| entry.clone()));
        }
        start.elapsed()
    };
    for threads in [1, 2] {
        on_threads(group, "bare_map", threads, &filled, keys.len(), read);
    }
}

/// All keys from that one on, without end.
fn around(keys: &[Vec<u8>], from: usize) -> impl Iterator<Item = &Vec<u8>> {
    let (before, after) = keys.split_at(from);
    after.iter().chain(before).cycle()
}

fn bare_map(users: usize) -> DashMap<Box<[u8]>, Entry, RandomState> {
    let pair = |user| {
        let record = users::record(user, 0);
        let version = Version::new(user as u64);
        (users::key(user).into(), Entry { record, version })
    };
    (0..users).map(pair).collect()
}

fn of_stores<S: TokenStore>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    name: &str,
    keys: &[Vec<u8>],
    fill: impl FnMut() -> S,
) {
    let filled: Vec<_> = iter::repeat_with(fill).take(fillings(keys.len())).collect();
    let read = |store: &S, from: usize, reads: usize| {
        runtime.block_on(async {
            let start = Instant::now();
            for key in around(keys, from).take(reads) {
                black_box(store.get(black_box(key)).await.unwrap());
            }
            start.elapsed()
        })
    };
    for threads in [1, 2] {
        on_threads(group, name, threads, &filled, keys.len(), read);
    }
}

fn from_file(criterion: &mut Criterion, runtime: &Runtime, keys: &[Vec<u8>]) {
    let count = keys.len();
    let mut group = criterion.benchmark_group(format!("reads_from_file_of_{count}"));
    group.measurement_time(Duration::from_secs(3));
    let sealed = || FileStore::options().encrypt(ring());
    for (name, options) in [("file", FileStore::options()), ("encrypted", sealed())] {
        let original = Original::new(runtime, options.clone(), count);
        if name == "file" {
            let path = original.copy("raw.db");
            let raw = Raw::open(&path);
            let mut cycle = keys.iter().cycle();
            group.bench_function("raw", |bencher| {
                bencher.iter(|| raw.get(black_box(cycle.next().unwrap())));
            });
        }
        let store = runtime.block_on(open(options.cache(0), &original.path()));
        let mut cycle = keys.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|reads| {
                runtime.block_on(async {
                    let start = Instant::now();
                    for _ in 0..reads {
                        let entry = store.get(black_box(cycle.next().unwrap())).await;
                        black_box(entry.unwrap().unwrap());
                    }
                    start.elapsed()
                })
            });
        });
        runtime.block_on(store.close());
    }
    group.finish();
}
