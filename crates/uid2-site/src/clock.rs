//! A clock that can be moved on.

use std::future::Future;
use std::time::{Duration, SystemTime};

use rand_core::CryptoRng;
use tokio::sync::watch;
use tokio::time::Instant;
use uid2_core::Timestamp;
use uid2_http::{Runtime, TokioRuntime};

/// The system's clock, ahead by as much as a visitor has let pass.
///
/// To let time pass is to have waited: whoever sleeps meanwhile sleeps for less.
/// So the background refresher wakes by itself when the time has come.
#[derive(Clone, Debug)]
pub(crate) struct SiteClock {
    /// In milliseconds; never negative.
    ahead: watch::Sender<u64>,
}

impl SiteClock {
    pub(crate) fn ahead_by(millis: u64) -> Self {
        Self {
            ahead: watch::Sender::new(millis),
        }
    }

    /// Lets time pass, and gives how far ahead the clock is then.
    pub(crate) fn advance(&self, time: Duration) -> u64 {
        self.ahead
            .send_modify(|ahead| *ahead = ahead.saturating_add(millis(time)));
        *self.ahead.borrow()
    }
}

impl Runtime for SiteClock {
    fn now(&self) -> Timestamp {
        let ahead = Duration::from_millis(*self.ahead.borrow());
        Timestamp::from(SystemTime::now()).saturating_add(ahead)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        // From here on, not from the first poll.
        let mut ahead = self.ahead.subscribe();
        let (before, began) = (*ahead.borrow_and_update(), Instant::now());
        async move {
            loop {
                let skipped = Duration::from_millis(*ahead.borrow_and_update() - before);
                let left = duration.saturating_sub(began.elapsed() + skipped);
                if left.is_zero() {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(left) => return,
                    // The clock cannot be gone: a clone of it is what sleeps.
                    Ok(()) = ahead.changed() => {}
                }
            }
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        TokioRuntime.spawn(future);
    }

    fn rng(&self) -> impl CryptoRng + Send + use<> {
        TokioRuntime.rng()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_sleeps_wakes_when_the_time_has_been_let_pass() {
        const HOUR: Duration = Duration::from_secs(3600);
        let clock = SiteClock::ahead_by(0);
        let before = clock.now();
        let sleeping = clock.clone();
        let sleeper = tokio::spawn(async move { sleeping.sleep(2 * HOUR).await });
        tokio::task::yield_now().await;
        clock.advance(HOUR);
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        assert_eq!(clock.advance(HOUR), 7_200_000);
        tokio::time::timeout(Duration::from_secs(20), sleeper)
            .await
            .unwrap()
            .unwrap();
        assert!(clock.now() >= before.saturating_add(2 * HOUR));
    }
}
