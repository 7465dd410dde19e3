//! Durable puts: so many writers of a file store, beside the engine's commits of
//! as many rows.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uid2_core::lifecycle::Record;
use uid2_store::{FileStore, Precondition, TokenStore};

use crate::raw::{Raw, Row};
use crate::{Original, open, ring, runtime, users};

const WRITERS: [usize; 3] = [1, 8, 64];
/// How many different records are written in turn: made before, so that making
/// them is not measured.
const TURNS: usize = 4096;

pub(crate) fn bench(criterion: &mut Criterion) {
    let users = users::count();
    let runtime = runtime();
    let mut group = criterion.benchmark_group(format!("durable_puts_of_{users}"));
    group
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    let sealed = || FileStore::options().encrypt(ring());
    let plain = Original::new(&runtime, FileStore::options(), users);
    let secret = Original::new(&runtime, sealed(), users);
    let records: Vec<_> = users::shuffled(users)
        .take(TURNS)
        .map(|user| (users::key(user), users::record(user, 1)))
        .collect();
    for writers in WRITERS {
        group.throughput(Throughput::Elements(writers as u64));
        engine(&mut group, &plain, writers, &records);
        for (name, original, options) in [
            ("file", &plain, FileStore::options()),
            ("encrypted", &secret, sealed()),
        ] {
            let path = original.copy(&format!("{name}-{writers}.db"));
            let store = runtime.block_on(open(options, &path));
            stored(&mut group, &runtime, name, &store, writers, &records);
            runtime.block_on(store.close());
            std::fs::remove_file(path).unwrap();
        }
    }
    group.finish();
}

/// One commit a round.
fn engine(
    group: &mut BenchmarkGroup<'_, WallTime>,
    original: &Original,
    writers: usize,
    records: &[(Vec<u8>, Record)],
) {
    let path = original.copy(&format!("raw-{writers}.db"));
    let raw = Raw::open(&path);
    let rows: Vec<_> = records
        .iter()
        .map(|(key, record)| Row::new(key.clone(), record))
        .collect();
    let mut batches = rows.chunks_exact(writers).cycle();
    group.bench_function(BenchmarkId::new("raw", writers), |bencher| {
        bencher.iter(|| raw.put(black_box(batches.next().unwrap())));
    });
    drop(raw);
    std::fs::remove_file(path).unwrap();
}

/// Each writer puts once a round, none waits for another but for the commit.
fn stored(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    name: &str,
    store: &FileStore,
    writers: usize,
    records: &[(Vec<u8>, Record)],
) {
    let commits = || runtime.block_on(store.stats()).unwrap().commits;
    let (before, mut puts) = (commits(), 0);
    let mut turn = 0;
    group.bench_function(BenchmarkId::new(name, writers), |bencher| {
        bencher.iter_custom(|rounds| {
            puts += rounds * writers as u64;
            turn += 1;
            runtime.block_on(async {
                // Each has a part of the users to itself.
                let parts: Vec<Vec<_>> = (0..writers)
                    .map(|writer| {
                        let own = records.iter().skip((writer + turn) % writers);
                        own.step_by(writers).cloned().collect()
                    })
                    .collect();
                let start = Instant::now();
                let mut tasks = JoinSet::new();
                for own in parts {
                    let store = store.clone();
                    tasks.spawn(async move {
                        let mut own = own.iter().cycle();
                        for _ in 0..rounds {
                            let (key, record) = own.next().unwrap();
                            store.put(key, record, Precondition::Any).await.unwrap();
                        }
                    });
                }
                tasks.join_all().await;
                start.elapsed()
            })
        });
    });
    let commits = commits() - before;
    if puts > 0 {
        let share = puts as f64 / commits as f64;
        println!("{name} with {writers} writers: {share:.1} puts a commit");
    }
}
