//! The simulation's leases are leases: they pass the suite of the stores.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use uid2_http::Runtime;
use uid2_sim::Sim;
use uid2_sim::leases::SimLeases;
use uid2_store::Leases;
use uid2_store::conformance::{LeaseBackend, run_leases};

struct Simulated(Sim, SimLeases);

impl LeaseBackend for Simulated {
    async fn node(&self) -> Arc<dyn Leases> {
        Arc::new(self.1.clone())
    }

    async fn pass(&self, time: Duration) {
        self.0.sleep(time).await;
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            match future.as_mut().poll(&mut context) {
                Poll::Ready(output) => return output,
                Poll::Pending => assert!(self.0.step_or_advance(), "nothing moves any more"),
            }
        }
    }
}

#[test]
fn they_conform() {
    for seed in 0..20 {
        let sim = Sim::new(seed, 1_700_000_000_000);
        let leases = SimLeases::new(sim.clone());
        run_leases(&Simulated(sim, leases)).unwrap();
    }
}
