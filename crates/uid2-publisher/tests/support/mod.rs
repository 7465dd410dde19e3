//! What the tests of the publisher share.

#![allow(
    dead_code,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "helpers of tests may fail a test, and not every test uses all"
)]

pub mod operator;
pub mod store;

use std::future::Future;
use std::task::{Context, Poll};
use std::time::Duration;

use uid2_core::lifecycle::{Decision, Policy};
use uid2_core::operation::Caller;
use uid2_core::{BaseUrl, Dii, EmailHash};
use uid2_http::{Client, Runtime};
use uid2_publisher::{Builder, Error, Established, Publisher, TokenOutcome};
use uid2_store::TokenStore;

use operator::{SECRET, Service};
use store::Yielding;
use uid2_sim::Sim;

pub const START: i64 = 1_700_000_000_000;

/// A seed from `UID2_TEST_SEED`, or a new one; printed, so that a failure can be
/// had again.
pub fn seed() -> u64 {
    let seed = match std::env::var("UID2_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_nanos() as u64,
    };
    println!("seed: set UID2_TEST_SEED={seed} to repeat this run");
    seed
}

pub type TestPublisher = Publisher<Service, Yielding, Sim>;
pub type TestBuilder = Builder<Service, Yielding, Sim>;

/// One publisher against the service, under virtual time.
pub struct World {
    pub sim: Sim,
    pub service: Service,
    pub store: Yielding,
    pub publisher: TestPublisher,
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self::with(seed, |builder| builder)
    }

    pub fn with(seed: u64, configure: impl FnOnce(TestBuilder) -> TestBuilder) -> Self {
        let sim = Sim::new(seed, START);
        let service = Service::new(&sim, START);
        let store = Yielding::default();
        let publisher = configure(builder(&sim, &service, &store)).build().unwrap();
        Self {
            sim,
            service,
            store,
            publisher,
        }
    }

    /// Runs a verb to its end.
    pub fn run<F, V>(&self, verb: impl FnOnce(TestPublisher) -> F) -> V
    where
        F: Future<Output = V> + Send + 'static,
        V: Send + 'static,
    {
        self.block_on(verb(self.publisher.clone()))
    }

    /// Runs a future to its end.
    pub fn block_on<F, V>(&self, future: F) -> V
    where
        F: Future<Output = V> + Send + 'static,
        V: Send + 'static,
    {
        self.sim.block_on(future).expect("it ends")
    }

    /// Lets so many milliseconds pass.
    pub fn pass(&self, millis: i64) {
        self.sim
            .run_for(Duration::from_millis(millis.unsigned_abs()));
    }

    pub fn establish(&self, user: &str, email: &str) -> Result<Established, Error> {
        let (user, dii) = (user.to_owned(), Dii::email(email).unwrap());
        self.run(|publisher| async move { publisher.establish(&user, dii).await })
    }

    pub fn token(&self, user: &str) -> Result<TokenOutcome, Error> {
        let user = user.to_owned();
        self.run(|publisher| async move { publisher.token(&user).await })
    }

    pub fn logout(&self, user: &str) {
        let user = user.to_owned();
        self.run(|publisher| async move { publisher.logout(&user).await })
            .unwrap();
    }

    /// What would be served from what is stored at this very moment.
    pub fn serves(&self, user: &str) -> bool {
        let key = format!("u{user}");
        let mut get = std::pin::pin!(self.store.inner.get(key.as_bytes()));
        let waker = std::task::Waker::noop();
        let entry = match get.as_mut().poll(&mut Context::from_waker(waker)) {
            Poll::Ready(entry) => entry.unwrap(),
            Poll::Pending => panic!("the memory store answers at once"),
        };
        let record = entry.map(|entry| entry.record);
        let decision = Policy::DEFAULT.decide(record.as_ref(), self.sim.now());
        matches!(decision, Decision::Serve(_) | Decision::ServeAndRefresh(_))
    }
}

pub fn builder(sim: &Sim, service: &Service, store: &Yielding) -> TestBuilder {
    let caller = Caller::new(
        "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo="
            .parse()
            .unwrap(),
        SECRET.parse().unwrap(),
    );
    let base = BaseUrl::parse("http://127.0.0.1:1").unwrap();
    let client = Client::builder(caller, base).build_on(service.clone(), sim.clone());
    Publisher::builder(client, store.clone())
}

/// How the service names a person.
pub fn person(email: &str) -> String {
    EmailHash::of(email)
        .unwrap()
        .to_base64()
        .as_str()
        .to_owned()
}
