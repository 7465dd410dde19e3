//! How long a call takes, seen by who asks at a fixed rate: a call that comes late
//! because another took long counts from when it should have begun.

use std::future::Future;
use std::time::{Duration, Instant};

/// In nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Percentiles {
    /// The median of what calls themselves took, without waiting for those before:
    /// what a machine that has other things to do changes least.
    pub(crate) own: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

/// One after the other, each begun at its time.
pub(crate) async fn percentiles<F: Future>(
    calls: usize,
    every: Duration,
    mut call: impl FnMut(usize) -> F,
) -> Percentiles {
    let mut times = Vec::with_capacity(calls);
    let mut own = Vec::with_capacity(calls);
    let start = Instant::now();
    for number in 0..calls {
        let begin = start + every * u32::try_from(number).unwrap();
        let begun = loop {
            let now = Instant::now();
            if now >= begin {
                break now;
            }
            std::hint::spin_loop();
        };
        std::hint::black_box(call(number).await);
        let end = Instant::now();
        own.push((end - begun).as_nanos());
        times.push((end - begin).as_nanos());
    }
    times.sort_unstable();
    own.sort_unstable();
    let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1000] as f64;
    Percentiles {
        own: own[own.len() / 2] as f64,
        p50: at(500),
        p99: at(990),
        p999: at(999),
    }
}
