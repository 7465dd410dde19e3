//! Leases as a shared store grants them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand_core::Rng;
use uid2_core::Timestamp;
use uid2_http::Runtime;
use uid2_store::{BoxFuture, Lease, Leases, StoreError};

use crate::runtime::Sim;

/// What is leased, until when, and to whom. Clones are the same.
#[derive(Clone, Debug)]
pub struct SimLeases {
    sim: Sim,
    held: Arc<Mutex<Held>>,
}

type Held = BTreeMap<Box<[u8]>, (Timestamp, [u8; 16])>;

impl SimLeases {
    /// Nothing is leased.
    #[must_use]
    pub fn new(sim: Sim) -> Self {
        Self {
            sim,
            held: Arc::default(),
        }
    }

    fn take(&self, key: &[u8], duration: Duration) -> Option<Lease> {
        let now = self.sim.true_time();
        let mut held = self.held.lock();
        if held.get(key).is_some_and(|(until, _)| *until > now) {
            return None;
        }
        let mut token = [0; 16];
        self.sim.rng().fill_bytes(&mut token);
        held.insert(key.into(), (now.saturating_add(duration), token));
        Some(Lease::new(key, token))
    }

    fn give_back(&self, lease: &Lease) -> bool {
        let now = self.sim.true_time();
        let mut held = self.held.lock();
        let ours = held
            .get(lease.key())
            .is_some_and(|(until, token)| token == lease.token() && *until > now);
        if ours {
            held.remove(lease.key());
        }
        ours
    }
}

impl Leases for SimLeases {
    fn acquire<'a>(
        &'a self,
        key: &'a [u8],
        duration: Duration,
    ) -> BoxFuture<'a, Result<Option<Lease>, StoreError>> {
        Box::pin(async move {
            self.sim.sleep(Duration::from_millis(1)).await;
            Ok(self.take(key, duration))
        })
    }

    fn release(&self, lease: Lease) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.give_back(&lease)) })
    }
}
