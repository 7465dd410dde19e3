//! The same reads on each of several threads, of several fillings.

use std::thread;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId};

/// How many maps or stores of so many users are to be filled, to be read in turn.
///
/// Where its records came to lie in memory can make a small store twice as quick
/// as the next one that was filled the same way. A large one has such luck on
/// average.
#[must_use]
pub const fn fillings(users: usize) -> usize {
    if users <= 100_000 { 8 } else { 1 }
}

/// The same on each thread, beginning at another place; the slowest counts. Each
/// sample is of the next of `filled`.
///
/// `read` begins at a place among the keys, reads so many, over and over if need be,
/// and says how long that took.
///
/// # Panics
/// When a thread does, or when there is nothing filled.
#[expect(clippy::expect_used, reason = "benchmarks")]
pub fn on_threads<F: Sync>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    filled: &[F],
    keys: usize,
    read: impl Fn(&F, usize, usize) -> Duration + Sync,
) {
    let read = &read;
    let mut from = 0;
    let mut turns = filled.iter().cycle();
    let id = BenchmarkId::new(name, format!("threads_{threads}"));
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|reads| {
            let reads = usize::try_from(reads).expect("a number of reads");
            // Not always the same few users.
            from = (from + reads) % keys;
            let turn = turns.next().expect("something filled");
            if filled.len() > 1 {
                // The caches of the processor are full of another's records.
                read(turn, from, keys);
            }
            thread::scope(|scope| {
                let handles: Vec<_> = (0..threads)
                    .map(|thread| {
                        let start = (from + thread * keys / threads) % keys;
                        scope.spawn(move || read(turn, start, reads))
                    })
                    .collect();
                let times = handles
                    .into_iter()
                    .map(|thread| thread.join().expect("reads"));
                times.max().unwrap_or_default()
            })
        });
    });
}
