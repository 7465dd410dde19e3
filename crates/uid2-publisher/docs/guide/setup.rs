// What the examples of the guide have around them: an operator in this process,
// a publisher that calls it, and a clock for both that can be moved on. The page
// on testing explains it.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use uid2_emulator::Emulator;
use uid2_publisher::Publisher;
use uid2_publisher::core::operation::Caller;
use uid2_publisher::core::{BaseUrl, Timestamp};
use uid2_publisher::http::{Client, HyperTransport, Runtime, TokioRuntime};
use uid2_publisher::store::MemoryStore;

/// tokio's runtime, with a clock that can be moved on.
#[derive(Clone, Default)]
struct Travel(Arc<AtomicI64>);

impl Runtime for Travel {
    fn now(&self) -> Timestamp {
        let ahead = self.0.load(Ordering::Relaxed);
        Timestamp::from_millis(TokioRuntime.now().as_millis() + ahead)
    }
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        TokioRuntime.sleep(duration)
    }
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        TokioRuntime.spawn(future);
    }
    fn rng(&self) -> impl rand_core::CryptoRng + Send + use<> {
        TokioRuntime.rng()
    }
}

struct World {
    emulator: Emulator,
    clock: Travel,
    publisher: Publisher<HyperTransport, MemoryStore, Travel>,
}

impl World {
    async fn new() -> Result<Self, Box<dyn Error>> {
        Self::with(Emulator::builder(), MemoryStore::new()).await
    }

    async fn with(
        emulator: uid2_emulator::Builder,
        store: MemoryStore,
    ) -> Result<Self, Box<dyn Error>> {
        let emulator = emulator.start().await?;
        let caller = Caller::new(emulator.api_key().parse()?, emulator.client_secret().parse()?);
        let clock = Travel::default();
        let client = Client::builder(caller, BaseUrl::parse(emulator.url())?)
            .build_on(HyperTransport::new()?, clock.clone());
        let publisher = Publisher::builder(client, store).build()?;
        Ok(Self { emulator, clock, publisher })
    }

    /// Lets time pass for both sides at once.
    fn pass(&self, time: Duration) {
        self.emulator.advance(time);
        self.clock.0.fetch_add(time.as_millis() as i64, Ordering::Relaxed);
    }
}
