//! A publisher over real sockets, on a real file, with a clock that can be put
//! forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rand_core::CryptoRng;
use tempfile::TempDir;
use uid2_core::operation::Caller;
use uid2_core::{BaseUrl, DiiKey, Timestamp};
use uid2_emulator::{Emulator, FaultRule};
use uid2_http::{Client, HyperTransport, RetryPolicy, Runtime, TokioRuntime};
use uid2_publisher::Publisher;
use uid2_store::{FileStore, KeyRing};

use crate::told::{Secrets, Told};

pub const MINUTE: i64 = 60_000;
/// With what goes well, on a machine however busy.
pub const PATIENT: Duration = Duration::from_secs(20);
/// With what goes wrong.
pub const IMPATIENT: Duration = Duration::from_millis(300);
pub const DII_KEY: [u8; 32] = *b"\x91remembers who has opted out. \xE3\x07";
const NAMES: [u8; 32] = *b"\xA2hides the names of users here\x99\x1B";
const VALUES: [u8; 32] = *b"\xB3seals the values of users now.\x7F";

/// The system's, and an offset that all share.
#[derive(Clone, Default)]
pub struct Shifted(Arc<AtomicI64>);

impl Runtime for Shifted {
    fn now(&self) -> Timestamp {
        let now = TokioRuntime.now().as_millis();
        Timestamp::from_millis(now + self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        TokioRuntime.sleep(duration)
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        TokioRuntime.spawn(future);
    }

    fn rng(&self) -> impl CryptoRng + Send + use<> {
        TokioRuntime.rng()
    }
}

pub type TestPublisher = Publisher<HyperTransport, FileStore, Shifted>;

pub struct World {
    pub told: Told,
    pub secrets: Secrets,
    pub emulator: Emulator,
    pub folder: TempDir,
    /// How long a publisher made from now on waits for an answer.
    pub patience: Duration,
    clock: Shifted,
}

impl World {
    pub async fn new(told: Told) -> Self {
        let clock = Shifted::default();
        let shared = clock.clone();
        let emulator = Emulator::builder()
            .clock(Arc::new(move || shared.now()))
            .start()
            .await
            .unwrap();
        let mut secrets = Secrets::default();
        let key = emulator.api_key();
        secrets.text("API key", key);
        secrets.text("API key", &key[key.len() - 45..]);
        secrets.text("client secret", emulator.client_secret());
        secrets.bytes("key for DII", &DII_KEY);
        secrets.bytes("key for names", &NAMES);
        secrets.bytes("key for values", &VALUES);
        Self {
            told,
            secrets,
            emulator,
            folder: tempfile::tempdir().unwrap(),
            patience: PATIENT,
            clock,
        }
    }

    /// Everybody's clock goes on.
    pub fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub fn ring() -> KeyRing {
        KeyRing::new(NAMES, 1, VALUES)
    }

    pub async fn store(&self, name: &str) -> FileStore {
        let options = FileStore::options().encrypt(Self::ring());
        self.told.debug(&options);
        let store = options.open(self.folder.path().join(name)).await;
        self.told.result(&store);
        store.unwrap()
    }

    /// A publisher that calls `url` as this client.
    pub fn publisher(
        &self,
        (url, api_key, secret): (&str, &str, &str),
        store: FileStore,
    ) -> TestPublisher {
        let caller = Caller::new(api_key.parse().unwrap(), secret.parse().unwrap());
        let transport = HyperTransport::builder()
            .no_proxy()
            .read_timeout(self.patience);
        let policy = RetryPolicy::default()
            .with_max_attempts(2)
            .with_pauses(Duration::from_millis(1), Duration::from_millis(2));
        let base = BaseUrl::parse(url).unwrap();
        let client = Client::builder(caller.clone(), base.clone())
            .fallback(base)
            .retry(policy);
        self.told.debug(&(&caller, &transport, &client));
        let client = client.build_on(transport.build().unwrap(), self.clock.clone());
        self.told.debug(&client);
        let builder = Publisher::builder(client, store).dii_key(DiiKey::from_bytes(DII_KEY));
        self.told.debug(&builder);
        let publisher = builder.build();
        self.told.result(&publisher);
        publisher.unwrap()
    }

    /// One that everything goes well with.
    pub async fn usual(&self) -> TestPublisher {
        let store = self.store("usual.db").await;
        self.publisher(self.credentials(), store)
    }

    pub fn credentials(&self) -> (&str, &str, &str) {
        let emulator = &self.emulator;
        (emulator.url(), emulator.api_key(), emulator.client_secret())
    }

    /// From now on this goes wrong with every call; or nothing, if it is empty.
    pub fn fault(&self, fault: &str) {
        let rules = match fault {
            "" => vec![],
            fault => vec![FaultRule::new(fault.parse().unwrap())],
        };
        self.emulator.operator().set_faults(rules);
    }
}
