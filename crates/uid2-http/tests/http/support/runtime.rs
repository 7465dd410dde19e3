//! Time that passes only when somebody sleeps.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, SeedableRng};
use uid2_core::Timestamp;
use uid2_http::Runtime;

/// Records sleeps and lets its clock run by them, instead of sleeping. Sleeps of
/// [`NEVER`](super::NEVER) and more do not end.
#[derive(Clone)]
pub(crate) struct TestRuntime {
    state: Arc<Mutex<State>>,
    /// No two generators are alike.
    seed: Arc<AtomicU64>,
}

struct State {
    now: Timestamp,
    slept: Vec<Duration>,
}

impl TestRuntime {
    pub(crate) fn new() -> Self {
        let state = State {
            now: Timestamp::from_secs(1_700_000_000),
            slept: Vec::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            seed: Arc::default(),
        }
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.state.lock().slept.clone()
    }

    pub(crate) fn advance(&self, by: Duration) {
        let mut state = self.state.lock();
        state.now = state.now.saturating_add(by);
    }

    pub(crate) fn set_back(&self, by: Duration) {
        let mut state = self.state.lock();
        state.now = state.now.saturating_sub(by);
    }
}

impl Runtime for TestRuntime {
    fn now(&self) -> Timestamp {
        self.state.lock().now
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        let state = Arc::clone(&self.state);
        async move {
            if duration >= super::NEVER {
                return std::future::pending().await;
            }
            let mut state = state.lock();
            state.slept.push(duration);
            state.now = state.now.saturating_add(duration);
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(tokio::spawn(future));
    }

    fn rng(&self) -> impl CryptoRng + Send + use<> {
        ChaCha20Rng::seed_from_u64(self.seed.fetch_add(1, Ordering::Relaxed))
    }
}
