//! The due scan: the first thousand of all.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use tokio::runtime::Runtime;
use uid2_core::Timestamp;
use uid2_store::{FileStore, MemoryStore, TokenStore};

use crate::raw::Raw;
use crate::{Original, open, ring, runtime, users};

const LIMIT: usize = 1000;

pub(crate) fn bench(criterion: &mut Criterion) {
    let count = users::count();
    let runtime = runtime();
    let mut group = criterion.benchmark_group(format!("due_scan_of_{LIMIT}_in_{count}"));
    group
        .throughput(Throughput::Elements(LIMIT as u64))
        .sample_size(30)
        .measurement_time(Duration::from_secs(3));
    let memory = MemoryStore::new();
    runtime.block_on(users::fill(&memory, count));
    of_store(&mut group, &runtime, "memory", &memory);
    drop(memory);

    let sealed = || FileStore::options().encrypt(ring());
    for (name, options) in [("file", FileStore::options()), ("encrypted", sealed())] {
        let original = Original::new(&runtime, options.clone(), count);
        if name == "file" {
            let path = original.copy("raw.db");
            let raw = Raw::open(&path);
            group.bench_function("raw", |bencher| {
                bencher.iter(|| raw.due(black_box(Timestamp::MAX), LIMIT));
            });
        }
        let store = runtime.block_on(open(options, &original.path()));
        of_store(&mut group, &runtime, name, &store);
        runtime.block_on(store.close());
    }
    group.finish();
}

fn of_store(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    name: &str,
    store: &impl TokenStore,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|scans| {
            runtime.block_on(async {
                let start = Instant::now();
                for _ in 0..scans {
                    let found = store.due(black_box(Timestamp::MAX), None, LIMIT).await;
                    assert_eq!(black_box(found.unwrap()).len(), LIMIT);
                }
                start.elapsed()
            })
        });
    });
}
