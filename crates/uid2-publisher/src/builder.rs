//! Making a publisher.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use uid2_core::lifecycle::Policy;
use uid2_core::{DiiKey, Scope};
#[cfg(feature = "tokio")]
use uid2_http::TokioRuntime;
use uid2_http::{Client, Runtime, Transport};
use uid2_store::{Leases, TokenStore};

use crate::Publisher;
use crate::flight::Flights;
use crate::optout::Unsaved;
use crate::publisher::{Inner, Limits};
use crate::tasks::Tasks;

/// Longer than a call may take, and short enough for users to wait it out when
/// the node that held the lease has crashed.
const LEASE: Duration = Duration::from_secs(30);

/// Makes a [`Publisher`]. Every choice has a default that is right for most.
///
/// ```no_run
/// use uid2_publisher::Publisher;
/// use uid2_publisher::http::{Client, HyperTransport};
/// use uid2_publisher::store::MemoryStore;
///
/// # fn run(client: Client<HyperTransport>) -> Result<(), Box<dyn std::error::Error>> {
/// let publisher = Publisher::builder(client, MemoryStore::new())
///     .max_calls(64)
///     .max_background_refreshes(8)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "call build"]
pub struct Builder<
    T,
    S,
    #[cfg(feature = "tokio")] R = TokioRuntime,
    #[cfg(not(feature = "tokio"))] R,
> {
    client: Client<T, R>,
    store: S,
    policy: Policy,
    dii_key: Option<DiiKey>,
    scope: Option<Scope>,
    max_calls: usize,
    max_background: usize,
    purge_grace: Duration,
    leases: Option<Arc<dyn Leases>>,
    lease_time: Duration,
}

impl<T: Transport, S: TokenStore, R: Runtime> Builder<T, S, R> {
    pub(crate) const fn new(client: Client<T, R>, store: S) -> Self {
        Self {
            client,
            store,
            policy: Policy::DEFAULT,
            dii_key: None,
            scope: None,
            max_calls: 64,
            max_background: 16,
            purge_grace: Duration::from_secs(7 * 24 * 3600),
            leases: None,
            lease_time: LEASE,
        }
    }

    /// The numbers that decisions depend on.
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The key under which opted-out DII is remembered. Derived from the client
    /// secret unless given; then rotating the secret forgets which DII had opted
    /// out (the service is asked, and says so, once more).
    pub fn dii_key(mut self, key: DiiKey) -> Self {
        self.dii_key = Some(key);
        self
    }

    /// UID2 or EUID, for the `eids` entry. Read from the API key unless given.
    pub const fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// At most so many calls to the service at any one time; 64 unless told
    /// otherwise. Further ones wait their turn.
    pub const fn max_calls(mut self, calls: usize) -> Self {
        self.max_calls = calls;
        self
    }

    /// At most so many refreshes ahead of need at any one time, so that they
    /// leave room for users who wait; 16 unless told otherwise.
    pub const fn max_background_refreshes(mut self, refreshes: usize) -> Self {
        self.max_background = refreshes;
        self
    }

    /// For how long expired records are kept before the background refresher
    /// purges them; 7 days unless told otherwise. A clock that is ahead by less
    /// than this harms nothing.
    pub const fn purge_grace(mut self, grace: Duration) -> Self {
        self.purge_grace = grace;
        self
    }

    /// For a store that several machines share: leases by which, of all of them,
    /// one refreshes a user at a time; usually the store itself. Without, each
    /// machine refreshes what it is asked for: correct, and more calls.
    pub fn leases(mut self, leases: impl Leases) -> Self {
        self.leases = Some(Arc::new(leases));
        self
    }

    /// For how long a node has the lease of a user that it refreshes; half a
    /// minute unless told otherwise. It should be longer than a call to the
    /// service may take, all its tries included; if a node crashes meanwhile, the
    /// others refresh this user only after so long.
    pub const fn lease_time(mut self, time: Duration) -> Self {
        self.lease_time = time;
        self
    }

    /// The publisher.
    ///
    /// # Errors
    /// [`BuilderError`] when a limit is zero.
    pub fn build(self) -> Result<Publisher<T, S, R>, BuilderError> {
        if self.max_calls == 0 || self.max_background == 0 {
            return Err(BuilderError::NoCalls);
        }
        let caller = self.client.caller();
        let scope = self.scope.or(caller.api_key().scope());
        let dii_key = self
            .dii_key
            .unwrap_or_else(|| caller.client_secret().derive_dii_key());
        let inner = Inner {
            runtime: self.client.runtime().clone(),
            client: self.client,
            store: self.store,
            policy: self.policy,
            dii_key,
            scope: scope.unwrap_or_default(),
            limits: Limits {
                background: self.max_background,
                page: 256,
                rest_min: Duration::from_secs(1),
                rest_max: Duration::from_secs(60),
                purge_grace: self.purge_grace,
                purge_every: Duration::from_secs(600),
                lease: self.lease_time,
            },
            leases: self.leases,
            calls: Semaphore::new(self.max_calls.min(Semaphore::MAX_PERMITS)),
            flights: Flights::default(),
            tasks: Tasks::default(),
            unsaved: Unsaved::default(),
            rests_until: AtomicI64::new(0),
            wake: Notify::new(),
            shut_down: AtomicBool::new(false),
        };
        Ok(Publisher {
            inner: Arc::new(inner),
        })
    }
}

/// Why a publisher cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuilderError {
    /// A limit of zero calls.
    #[error("max_calls and max_background_refreshes must be at least 1")]
    NoCalls,
}

impl<T, S, R> std::fmt::Debug for Builder<T, S, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("policy", &self.policy)
            .field("max_calls", &self.max_calls)
            .finish_non_exhaustive()
    }
}
