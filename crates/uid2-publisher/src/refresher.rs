//! Refreshing ahead of need.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::Semaphore;
use uid2_core::Timestamp;
#[cfg(feature = "tokio")]
use uid2_http::TokioRuntime;
use uid2_http::{Runtime, Transport};
use uid2_store::{DueKey, TokenStore};

use crate::keys::is_user;
use crate::{Error, Publisher};

/// Refreshes identities as they come due, the longest overdue first, so that
/// users who return find a valid token. Also purges what is long expired.
///
/// Run it once a process, beside the server; it ends with
/// [`Publisher::shutdown`]. Without it, tokens are refreshed when they are asked
/// for.
///
/// ```no_run
/// use std::time::Duration;
/// # use uid2_publisher::Publisher;
/// # use uid2_publisher::http::HyperTransport;
/// # use uid2_publisher::store::MemoryStore;
/// # async fn run(publisher: Publisher<HyperTransport, MemoryStore>) {
/// let refresher = tokio::spawn(publisher.refresher().run());
/// // The server serves, until it is told to stop.
/// publisher.shutdown(Duration::from_secs(5)).await;
/// # let _ = refresher.await;
/// # }
/// ```
#[must_use = "spawn its run()"]
pub struct Refresher<
    T,
    S,
    #[cfg(feature = "tokio")] R = TokioRuntime,
    #[cfg(not(feature = "tokio"))] R,
> {
    publisher: Publisher<T, S, R>,
    purged_at: Timestamp,
}

impl<T: Transport, S: TokenStore, R: Runtime> Publisher<T, S, R> {
    /// The background refresher: spawn its [`run`](Refresher::run).
    pub fn refresher(&self) -> Refresher<T, S, R> {
        Refresher {
            publisher: self.clone(),
            purged_at: Timestamp::EPOCH,
        }
    }
}

impl<T: Transport, S: TokenStore, R: Runtime> Refresher<T, S, R> {
    /// Refreshes what is due, rests until something is, and so on until the
    /// publisher is shut down. A store that fails is tried again later.
    pub async fn run(mut self) {
        while !self.publisher.inner.is_shut_down() {
            let last = match self.sweep_all().await {
                Ok(swept) => swept.last,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "sweep of due identities failed");
                    None
                }
            };
            self.rest(last).await;
        }
    }

    /// Refreshes everything that is due now, once, and says how many that were.
    /// For those who bring their own schedule.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read. That single refreshes
    /// failed is no error: they are due again later.
    pub async fn sweep(&mut self) -> Result<usize, Error> {
        self.sweep_all().await.map(|swept| swept.begun)
    }

    async fn sweep_all(&mut self) -> Result<Swept, Error> {
        self.publisher.inner.save_unsaved().await;
        let swept = self.refresh_due().await?;
        self.purge().await?;
        Ok(swept)
    }

    async fn refresh_due(&self) -> Result<Swept, Error> {
        let inner = &self.publisher.inner;
        let limits = inner.limits;
        let seats = Arc::new(Semaphore::new(limits.background));
        let now = inner.runtime.now();
        let mut swept = Swept::default();
        loop {
            let page = inner
                .store
                .due(now, swept.last.as_ref(), limits.page)
                .await?;
            for due in page.iter().filter(|due| is_user(&due.key)) {
                if inner.is_shut_down() {
                    return Ok(swept);
                }
                self.begin(&due.key, &seats).await;
                swept.begun += 1;
            }
            // Every key is looked at once a sweep, even if it stays due.
            match page.into_iter().last() {
                Some(due) => swept.last = Some(due),
                None => break,
            }
        }
        // All seats free again: all flights have landed.
        let all = u32::try_from(limits.background).unwrap_or(u32::MAX);
        drop(seats.acquire_many(all).await);
        Ok(swept)
    }

    async fn begin(&self, key: &[u8], seats: &Arc<Semaphore>) {
        // The semaphore is never closed, so there is always a seat in the end.
        let Ok(seat) = Arc::clone(seats).acquire_owned().await else {
            return;
        };
        let flight = self.publisher.refresh_in_flight(key);
        self.publisher.inner.runtime.spawn(async move {
            // Failures were logged, and are due again later.
            let _ = flight.landed().await;
            drop(seat);
        });
    }

    async fn purge(&mut self) -> Result<(), Error> {
        let inner = &self.publisher.inner;
        let now = inner.runtime.now();
        // A clock that was set back must not put purging off for ever.
        let since = now.saturating_since(self.purged_at);
        if self.purged_at <= now && since < inner.limits.purge_every {
            return Ok(());
        }
        self.purged_at = now;
        let before = now.saturating_sub(inner.limits.purge_grace);
        while inner.store.purge(before, inner.limits.page).await? == inner.limits.page {}
        Ok(())
    }

    /// Until something is due that was not in the last sweep, at least a moment
    /// and at most a minute: so that what stays due, because its record is damaged
    /// or the store refuses to write, does not keep this busy; and what other
    /// machines stored, or a clock that was set, is noticed.
    async fn rest(&self, last: Option<DueKey>) {
        let inner = &self.publisher.inner;
        let limits = inner.limits;
        let now = inner.runtime.now();
        let horizon = now.saturating_add(limits.rest_max);
        let until_due = match inner.store.due(horizon, last.as_ref(), 1).await {
            Ok(next) => next.first().map(|next| next.due.saturating_since(now)),
            Err(_) => None,
        };
        let pause = until_due
            .unwrap_or(limits.rest_max)
            .clamp(limits.rest_min, limits.rest_max);
        let until = inner.runtime.now().saturating_add(pause);
        inner
            .rests_until
            .store(until.as_millis(), Ordering::Release);
        if inner.is_shut_down() {
            return;
        }
        tokio::select! {
            // In this order, for simulations to repeat.
            biased;
            () = inner.runtime.sleep(pause) => {}
            () = inner.wake.notified() => {}
        }
    }
}

/// What a sweep has done, and how far it came.
#[derive(Default)]
struct Swept {
    begun: usize,
    last: Option<DueKey>,
}

impl<T, S, R> std::fmt::Debug for Refresher<T, S, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refresher").finish_non_exhaustive()
    }
}
