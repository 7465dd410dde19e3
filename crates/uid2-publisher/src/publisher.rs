//! The publisher: client + store + lifecycle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use uid2_core::lifecycle::{Policy, Record};
use uid2_core::{DiiKey, Scope, Timestamp};
#[cfg(feature = "tokio")]
use uid2_http::TokioRuntime;
use uid2_http::{Client, Runtime, Transport};
use uid2_store::{Leases, TokenStore};

use crate::builder::Builder;
use crate::flight::Flights;
use crate::optout::Unsaved;
use crate::tasks::Tasks;

/// UID2 for a publisher's server: four verbs.
///
/// | step of the publisher guide | verb |
/// |---|---|
/// | 1-d … 1-f establish identity | [`establish`](Self::establish) |
/// | 2-a bid | [`token`](Self::token) |
/// | 3-a … 3-d refresh | inside `token`, or ahead of need by the [`refresher`](Self::refresher) |
/// | 4-a, 4-b log out | [`logout`](Self::logout) |
///
/// Cheap to clone; all clones are the same publisher. Users are named by the
/// publisher's own opaque ids.
///
/// Races are settled by the store: whoever changed a record last wins, and an
/// answer that finds the record changed since its question is dropped. So a
/// logout is final, in whatever state it finds a refresh. The one answer that is
/// never dropped is an opt-out.
///
/// ```no_run
/// use uid2_publisher::core::{Environment, operation::Caller};
/// use uid2_publisher::http::{Client, HyperTransport};
/// use uid2_publisher::store::MemoryStore;
/// use uid2_publisher::{Dii, Publisher, TokenOutcome};
///
/// # async fn run(caller: Caller) -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder(caller, Environment::Uid2Integration)
///     .build(HyperTransport::new()?);
/// let publisher = Publisher::builder(client, MemoryStore::new()).build()?;
///
/// publisher.establish("user-42", Dii::email("user@example.com")?).await?;
/// if let TokenOutcome::Valid(token) = publisher.token("user-42").await? {
///     println!("{}", publisher.eid(token).to_json());
/// }
/// publisher.logout("user-42").await?;
/// # Ok(())
/// # }
/// ```
pub struct Publisher<
    T,
    S,
    #[cfg(feature = "tokio")] R = TokioRuntime,
    #[cfg(not(feature = "tokio"))] R,
> {
    pub(crate) inner: Arc<Inner<T, S, R>>,
}

pub(crate) struct Inner<T, S, R> {
    pub(crate) client: Client<T, R>,
    pub(crate) store: S,
    pub(crate) runtime: R,
    pub(crate) policy: Policy,
    pub(crate) dii_key: DiiKey,
    pub(crate) scope: Scope,
    pub(crate) limits: Limits,
    /// Where several nodes share the store: who of them refreshes a user.
    pub(crate) leases: Option<Arc<dyn Leases>>,
    /// Calls to the service at any one time.
    pub(crate) calls: Semaphore,
    pub(crate) flights: Flights,
    pub(crate) tasks: Tasks,
    pub(crate) unsaved: Unsaved,
    /// Until when the refresher means to rest, in milliseconds, and what wakes
    /// it before.
    pub(crate) rests_until: AtomicI64,
    pub(crate) wake: Notify,
    pub(crate) shut_down: AtomicBool,
}

/// The few numbers of refreshing.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) background: usize,
    pub(crate) page: usize,
    pub(crate) rest_min: Duration,
    pub(crate) rest_max: Duration,
    pub(crate) purge_grace: Duration,
    pub(crate) purge_every: Duration,
    pub(crate) lease: Duration,
}

impl<T: Transport, S: TokenStore, R: Runtime> Publisher<T, S, R> {
    /// A publisher that calls the service with `client` and keeps what it is
    /// told in `store`.
    pub fn builder(client: Client<T, R>, store: S) -> Builder<T, S, R> {
        Builder::new(client, store)
    }

    /// The store, for backups, statistics and tests.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.inner.store
    }

    /// Ends in order: no call to the service is begun any more, and those under
    /// way are waited for, at most for `patience`. Says whether all ended.
    ///
    /// Tokens that are valid are still served, from what is stored. A
    /// [`Refresher`](crate::Refresher) ends by itself.
    pub async fn shutdown(&self, patience: Duration) -> bool {
        self.inner.shut_down.store(true, Ordering::Release);
        self.inner.calls.close();
        self.inner.wake.notify_one();
        tokio::select! {
            // In this order, for simulations to repeat.
            biased;
            () = self.inner.tasks.idle() => true,
            () = self.inner.runtime.sleep(patience) => self.inner.tasks.running() == 0,
        }
    }
}

impl<T, S, R> Inner<T, S, R> {
    /// Wakes the refresher if this record is due before it would look again.
    pub(crate) fn note_due(&self, record: &Record) {
        let rests_until = Timestamp::from_millis(self.rests_until.load(Ordering::Acquire));
        if record.due().is_some_and(|due| due < rests_until) {
            self.wake.notify_one();
        }
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::Acquire)
    }
}

impl<T, S, R> Clone for Publisher<T, S, R> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T, S, R> std::fmt::Debug for Publisher<T, S, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher")
            .field("scope", &self.inner.scope)
            .field("policy", &self.inner.policy)
            .finish_non_exhaustive()
    }
}
