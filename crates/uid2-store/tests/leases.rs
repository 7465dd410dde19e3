//! The suite for leases notices what is wrong: leases in memory, under a clock of
//! the test's own, each broken in one way.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use uid2_store::conformance::{LeaseBackend, run_leases};
use uid2_store::{BoxFuture, Lease, Leases, StoreError};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    None,
    RefusesAll,
    GivesToAll,
    /// Looks whether it is held, and takes it later.
    Races,
    /// Who has it gets it again.
    Reentrant,
    Forgetful,
    NeverEnds,
    EndsTooSoon,
    OneForAllKeys,
    CutsKeys,
    ReleasesForAnyone,
    ReleasesWhatHasEnded,
    ReleasesNothing,
    SaysReleasedAlways,
    OverflowsTime,
    ZeroIsForEver,
}

/// What nodes share.
struct Shared {
    flaw: Flaw,
    tokens: AtomicU8,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    now: Duration,
    /// Until when, whose, and of which node.
    held: HashMap<Vec<u8>, (Duration, [u8; 16], u8)>,
}

struct Node(Arc<Shared>, u8);

impl Shared {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn key(&self, key: &[u8]) -> Vec<u8> {
        match self.flaw {
            Flaw::OneForAllKeys => Vec::new(),
            Flaw::CutsKeys => key.iter().take(1).copied().collect(),
            _ => key.to_vec(),
        }
    }

    fn is_held(&self, key: &[u8], node: u8) -> bool {
        let state = self.state.lock().unwrap();
        state.held.get(key).is_some_and(|(until, _, holder)| {
            let lasts = *until > state.now || self.has(Flaw::NeverEnds);
            let refuses = *holder != node || !self.has(Flaw::Reentrant);
            lasts && refuses
        })
    }

    fn take(&self, key: Vec<u8>, node: u8, duration: Duration) -> [u8; 16] {
        let token = [self.tokens.fetch_add(1, Ordering::Relaxed); 16];
        let mut state = self.state.lock().unwrap();
        let duration = match self.flaw {
            Flaw::EndsTooSoon => duration.min(Duration::from_millis(50)),
            Flaw::ZeroIsForEver if duration.is_zero() => Duration::MAX,
            // As a number of 64 bits that goes round.
            Flaw::OverflowsTime if duration > Duration::from_secs(1 << 40) => Duration::ZERO,
            _ => duration,
        };
        let until = state.now.saturating_add(duration);
        if !self.has(Flaw::Forgetful) {
            state.held.insert(key, (until, token, node));
        }
        token
    }

    fn give_back(&self, lease: &Lease) -> bool {
        let key = self.key(lease.key());
        let mut state = self.state.lock().unwrap();
        let now = state.now;
        let Some((until, token, _)) = state.held.get(&key).copied() else {
            return self.has(Flaw::SaysReleasedAlways);
        };
        let ours = token == *lease.token() || self.has(Flaw::ReleasesForAnyone);
        let ended = until <= now && !self.has(Flaw::ReleasesWhatHasEnded);
        if ours && !ended && !self.has(Flaw::ReleasesNothing) {
            state.held.remove(&key);
        }
        (ours && !ended) || self.has(Flaw::SaysReleasedAlways)
    }
}

impl Leases for Node {
    fn acquire<'a>(
        &'a self,
        key: &'a [u8],
        duration: Duration,
    ) -> BoxFuture<'a, Result<Option<Lease>, StoreError>> {
        let shared = &self.0;
        let stored = shared.key(key);
        Box::pin(async move {
            let held = shared.is_held(&stored, self.1) && !shared.has(Flaw::GivesToAll);
            if shared.has(Flaw::Races) {
                tokio::task::yield_now().await;
            }
            if held || shared.has(Flaw::RefusesAll) {
                return Ok(None);
            }
            let token = shared.take(stored, self.1, duration);
            Ok(Some(Lease::new(key, token)))
        })
    }

    fn release(&self, lease: Lease) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move { Ok(self.0.give_back(&lease)) })
    }
}

struct Backend(Arc<Shared>, AtomicU8);

impl LeaseBackend for Backend {
    async fn node(&self) -> Arc<dyn Leases> {
        let number = self.1.fetch_add(1, Ordering::Relaxed);
        Arc::new(Node(Arc::clone(&self.0), number))
    }

    async fn pass(&self, time: Duration) {
        self.0.state.lock().unwrap().now += time;
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread();
        { runtime }.build().unwrap().block_on(future)
    }
}

fn backend(flaw: Flaw) -> Backend {
    let shared = Shared {
        flaw,
        tokens: AtomicU8::new(1),
        state: Mutex::default(),
    };
    Backend(Arc::new(shared), AtomicU8::new(0))
}

#[test]
fn leases_without_a_flaw_pass() {
    run_leases(&backend(Flaw::None)).unwrap();
}

#[test]
fn each_flaw_is_found_under_its_clause() {
    for (flaw, clause) in [
        (Flaw::RefusesAll, "leases: one that is free"),
        (Flaw::GivesToAll, "leases: nobody gets"),
        (Flaw::Races, "leases: of many"),
        (Flaw::Reentrant, "leases: nobody gets"),
        (Flaw::Forgetful, "leases: one that is free"),
        (Flaw::NeverEnds, "leases: it ends"),
        (Flaw::EndsTooSoon, "leases: nobody gets"),
        (Flaw::OneForAllKeys, "leases: keys"),
        (Flaw::CutsKeys, "leases: keys"),
        (Flaw::ReleasesForAnyone, "leases: who comes too late"),
        (Flaw::ReleasesWhatHasEnded, "leases: who comes too late"),
        (Flaw::ReleasesNothing, "leases: released"),
        (Flaw::SaysReleasedAlways, "leases: who comes too late"),
        (Flaw::OverflowsTime, "leases: every duration"),
        (Flaw::ZeroIsForEver, "leases: every duration"),
    ] {
        let failure = run_leases(&backend(flaw)).expect_err(&format!("{flaw:?} passes"));
        assert!(failure.clause().starts_with(clause), "{flaw:?}: {failure}");
    }
}
