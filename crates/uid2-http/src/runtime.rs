//! Clock, timer, tasks and randomness: what a program gets from around it.

use std::future::Future;
use std::time::Duration;

use rand_core::CryptoRng;
use uid2_core::Timestamp;

/// What the client and the publisher need from around them, in one place, so
/// that both run as well under a simulated clock.
///
/// Clones must share the clock: two clones asked at the same time say the same.
///
/// ```
/// use std::future::Future;
/// use std::time::Duration;
///
/// use rand_chacha::ChaCha20Rng;
/// use rand_core::{CryptoRng, SeedableRng};
/// use uid2_core::Timestamp;
/// use uid2_http::Runtime;
///
/// /// Time stands still, and nothing is random: for a test of one call.
/// #[derive(Clone)]
/// struct Still;
///
/// impl Runtime for Still {
///     fn now(&self) -> Timestamp {
///         Timestamp::from_secs(1_700_000_000)
///     }
///     fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send {
///         std::future::pending()
///     }
///     fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) {}
///     fn rng(&self) -> impl CryptoRng + Send + use<> {
///         ChaCha20Rng::from_seed([7; 32])
///     }
/// }
/// # let _ = Still.now();
/// ```
pub trait Runtime: Clone + Send + Sync + 'static {
    /// What time it is. May jump in either direction, as clocks do.
    fn now(&self) -> Timestamp;

    /// Ends when `duration` has passed, whatever the clock is set to meanwhile.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;

    /// Runs `future` to its end, independently of the caller.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static);

    /// A generator for nonces, IVs and the jitter of pauses. Two generators
    /// must never give the same: an IV used twice under one key gives it away.
    fn rng(&self) -> impl CryptoRng + Send + use<Self>;
}

#[cfg(feature = "tokio")]
pub use with_tokio::TokioRuntime;

#[cfg(feature = "tokio")]
mod with_tokio {
    use std::future::Future;
    use std::time::{Duration, SystemTime};

    use getrandom::SysRng;
    use rand_core::{CryptoRng, UnwrapErr};
    use uid2_core::Timestamp;

    use super::Runtime;

    /// The system's clock and randomness, and the timer and tasks of the tokio
    /// runtime that it is used in.
    ///
    /// Randomness comes from the operating system. Should that ever refuse it
    /// (no supported system does once it has booted), drawing panics: going on
    /// without it would give the client secret away.
    ///
    /// ```
    /// use uid2_http::{Runtime, TokioRuntime};
    ///
    /// assert!(TokioRuntime.now() > uid2_core::Timestamp::EPOCH);
    /// ```
    #[derive(Clone, Copy, Debug, Default)]
    pub struct TokioRuntime;

    impl Runtime for TokioRuntime {
        fn now(&self) -> Timestamp {
            SystemTime::now().into()
        }

        fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
            tokio::time::sleep(duration)
        }

        fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
            drop(tokio::spawn(future));
        }

        fn rng(&self) -> impl CryptoRng + Send + use<> {
            UnwrapErr(SysRng)
        }
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use super::*;
    use rand_core::Rng;
    use std::time::Instant;

    #[tokio::test]
    async fn the_tokio_runtime_is_a_real_one() {
        let runtime = TokioRuntime;
        let (begun, now) = (Instant::now(), runtime.now());
        runtime.sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() >= Duration::from_millis(20));
        assert!(runtime.now() > now);

        let (done, wait) = tokio::sync::oneshot::channel();
        runtime.spawn(async move { done.send(7).unwrap() });
        assert_eq!(wait.await, Ok(7));

        let mut drawn = [[0; 32]; 2];
        for bytes in &mut drawn {
            runtime.rng().fill_bytes(bytes);
        }
        assert_ne!(drawn[0], drawn[1]);
    }
}
