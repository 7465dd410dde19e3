//! Point reads: from memory beside a bare concurrent map that holds as many of
//! the same records, with the same hasher, and from the file beside the engine.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use dashmap::DashMap;
use foldhash::fast::RandomState;
use tokio::runtime::Runtime;
use uid2_benches::on_threads;
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
    let count = keys.len();
    let mut group = criterion.benchmark_group(format!("cached_reads_of_{count}"));
    group.measurement_time(Duration::from_secs(3));
    {
        let map = DashMap::<Box<[u8]>, Entry, RandomState>::default();
        for user in 0..count {
            let record = users::record(user, 0);
            let version = Version::new(user as u64);
            map.insert(users::key(user).into(), Entry { record, version });
        }
        for threads in [1, 2] {
            on_threads(&mut group, "bare_map", threads, keys, |keys, reads| {
                let start = Instant::now();
                for key in keys.iter().cycle().take(reads) {
                    black_box(map.get(black_box(&**key)).map(|entry| entry.clone()));
                }
                start.elapsed()
            });
        }
    }
    let memory = MemoryStore::new();
    runtime.block_on(users::fill(&memory, count));
    of_store(&mut group, runtime, "memory", &memory, keys);
    drop(memory);

    let original = Original::new(runtime, FileStore::options(), count);
    let options = FileStore::options().cache(2 * count);
    let file = runtime.block_on(open(options, &original.path()));
    runtime.block_on(async {
        for key in keys {
            file.get(key).await.unwrap();
        }
    });
    of_store(&mut group, runtime, "file", &file, keys);
    runtime.block_on(file.close());
    group.finish();
}

fn of_store(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    name: &str,
    store: &impl TokenStore,
    keys: &[Vec<u8>],
) {
    for threads in [1, 2] {
        on_threads(group, name, threads, keys, |keys, reads| {
            runtime.block_on(async {
                let start = Instant::now();
                for key in keys.iter().cycle().take(reads) {
                    black_box(store.get(black_box(key)).await.unwrap());
                }
                start.elapsed()
            })
        });
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
