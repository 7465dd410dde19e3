//! A publisher whose operator answers at once, and whose clock is set by hand.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rand_core::CryptoRng;
use uid2_benches::{NOW, caller, identity_json, rng};
use uid2_core::Timestamp;
use uid2_http::{Client, Runtime, Transport, TransportError};
use uid2_publisher::Publisher;
use uid2_publisher::core::Environment;
use uid2_store::TokenStore;

/// The clock, and tokio for the rest.
#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    /// At the time at which everybody's token is fresh.
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW.as_millis() - 1)))
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::Relaxed);
    }
}

impl Runtime for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(future);
    }
    fn rng(&self) -> impl CryptoRng + Send + use<> {
        rng()
    }
}

/// Answers every refresh with the same identity, which is not due for long.
pub(crate) struct Operator(Bytes);

impl Operator {
    fn new() -> Self {
        let hour = 3_600_000;
        let mut identity = identity_json(0);
        for (name, old, hours) in [
            ("identity_expires", 3_600_000, 24),
            ("refresh_expires", 86_400_000, 720),
            ("refresh_from", 900_000, 20),
        ] {
            let was = format!("\"{name}\":{}", NOW.as_millis() + old);
            assert!(identity.contains(&was));
            identity = identity.replace(
                &was,
                &format!("\"{name}\":{}", NOW.as_millis() + hours * hour),
            );
        }
        let mut message = format!(r#"{{"body":{identity},"status":"success"}}"#).into_bytes();
        // The response key of every identity here: the bytes from 0 to 31.
        let key: [u8; 32] = std::array::from_fn(|place| u8::try_from(place).unwrap());
        let iv = [9; 12];
        let tag = Aes256Gcm::new(&key.into())
            .encrypt_inout_detached(&iv.into(), &[], InOutBuf::from(&mut *message))
            .unwrap();
        let sealed = [&iv[..], &message, &tag[..]].concat();
        Self(STANDARD.encode(sealed).into())
    }
}

impl Transport for Operator {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        Ok(http::Response::new(self.0.clone()))
    }
}

pub(crate) fn publisher<S: TokenStore>(store: S, clock: Clock) -> Publisher<Operator, S, Clock> {
    let client = Client::builder(caller(), Environment::Uid2Integration);
    let client = client.build_on(Operator::new(), clock);
    Publisher::builder(client, store).build().unwrap()
}
