//! The same reads on each of several threads.

use std::thread;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId};

/// The same on each thread, beginning at another place; the slowest counts.
///
/// `read` reads so many of the keys, over and over if need be, and says how long
/// that took.
///
/// # Panics
/// When a thread does, or when there is no key.
#[expect(clippy::expect_used, reason = "benchmarks")]
pub fn on_threads<K: Sync>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    keys: &[K],
    read: impl Fn(&[K], usize) -> Duration + Sync,
) {
    let read = &read;
    let mut from = 0;
    let id = BenchmarkId::new(name, format!("threads_{threads}"));
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|reads| {
            let reads = usize::try_from(reads).expect("a number of reads");
            // Not always the same few users.
            from = (from + reads) % keys.len();
            thread::scope(|scope| {
                let handles: Vec<_> = (0..threads)
                    .map(|thread| {
                        let start = (from + thread * keys.len() / threads) % keys.len();
                        let (before, after) = keys.split_at(start);
                        scope.spawn(move || from_there(read, before, after, reads))
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

/// Reads from `after` on, and then all around.
fn from_there<K>(
    read: &impl Fn(&[K], usize) -> Duration,
    before: &[K],
    after: &[K],
    reads: usize,
) -> Duration {
    let first = read(after, reads.min(after.len()));
    let rest = reads.saturating_sub(after.len());
    match rest {
        0 => first,
        _ if before.is_empty() => first + read(after, rest),
        _ => first + read(before, rest),
    }
}
