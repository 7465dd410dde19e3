//! Generate over loopback beside a bare hyper client that posts the same bytes
//! to the same bare hyper server, which answers both with the same bytes; and
//! beside one that hashes, seals, opens and parses as well, in the fewest steps.

#![allow(missing_docs, clippy::unwrap_used, reason = "benchmarks")]

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as BareClient;
use hyper_util::client::legacy::connect::HttpConnector;
use rand_core::{CryptoRng, Infallible, TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use uid2_benches::{
    Bare as Cipher, NOW, PlainIdentity, answering, bare_client, caller, identity_json,
};
use uid2_core::envelope::{self, Encoding, Nonce};
use uid2_core::operation::Generate;
use uid2_core::{BaseUrl, Dii, Timestamp};
use uid2_http::{Client, HyperTransport, Runtime, TokioRuntime};

type Bare = BareClient<HttpConnector, Full<Bytes>>;
type Ours = Client<HyperTransport, Replayed>;

/// Asks for the time and for randomness as always, and goes by neither: the
/// nonce being the same each time, one sealed answer fits every request, and
/// the server need not seal.
#[derive(Clone)]
struct Replayed;

impl Runtime for Replayed {
    fn now(&self) -> Timestamp {
        black_box(TokioRuntime.now());
        NOW
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        TokioRuntime.sleep(duration)
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        TokioRuntime.spawn(future);
    }

    fn rng(&self) -> impl CryptoRng + Send + use<> {
        Sevens(TokioRuntime.rng())
    }
}

/// Draws, and then gives sevens.
struct Sevens<R>(R);

impl<R: CryptoRng> TryRng for Sevens<R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        black_box(self.0.next_u32());
        Ok(7)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        black_box(self.0.next_u64());
        Ok(7)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(bytes);
        black_box(bytes).fill(7);
        Ok(())
    }
}

impl<R: CryptoRng> TryCryptoRng for Sevens<R> {}

/// The request that is sent every time.
fn request(dii: &Dii, base: &BaseUrl) -> http::Request<Full<Bytes>> {
    let (request, _) = Generate::new(dii).prepare(&caller(), NOW, &mut Replayed.rng());
    let request = request.into_http(base).unwrap();
    request.map(|body| Full::new(Bytes::from(body)))
}

/// The answer to it.
fn answer() -> Bytes {
    let json = format!(r#"{{"body":{},"status":"success"}}"#, identity_json(1));
    let (json, nonce) = (json.as_bytes(), Nonce::from_bytes([7; 8]));
    let secret = caller();
    let secret = secret.client_secret();
    envelope::seal_response(secret, json, Encoding::Text, NOW, [3; 12], nonce).into()
}

async fn ours(client: &Ours, dii: &Arc<Dii>, in_flight: usize) {
    let mut calls = JoinSet::new();
    for _ in 0..in_flight {
        let (client, dii) = (client.clone(), Arc::clone(dii));
        calls.spawn(async move { client.generate(&Generate::new(&dii)).await.unwrap() });
    }
    calls.join_all().await;
}

async fn bare(client: &Bare, request: &http::Request<Full<Bytes>>, in_flight: usize) {
    let mut calls = JoinSet::new();
    for _ in 0..in_flight {
        let (client, request) = (client.clone(), request.clone());
        calls.spawn(async move {
            let response = client.request(request).await.unwrap();
            response.into_body().collect().await.unwrap().to_bytes()
        });
    }
    calls.join_all().await;
}

/// The answer, as serde derives it.
#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "parsed and dropped")]
struct PlainAnswer {
    status: String,
    body: PlainIdentity,
}

/// As [`bare`], with the hash, the envelopes and the JSON that there must be.
async fn bare_sealed(
    (client, cipher): &(Bare, Arc<Cipher>),
    request: &http::Request<Full<Bytes>>,
    in_flight: usize,
) {
    let mut calls = JoinSet::new();
    for _ in 0..in_flight {
        let (client, cipher, request) = (client.clone(), Arc::clone(cipher), request.clone());
        calls.spawn(async move {
            let digest = Sha256::digest("jane.doe@example.com");
            let payload = format!(r#"{{"email_hash":"{}"}}"#, STANDARD.encode(digest));
            let sealed = cipher.seal(&mut TokioRuntime.rng(), payload.as_bytes(), Encoding::Text);
            let request = request.map(|_| Full::new(Bytes::from(sealed)));
            let response = client.request(request).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            cipher.open::<PlainAnswer>(&body)
        });
    }
    calls.join_all().await;
}

fn generate(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let address = runtime.block_on(answering(answer()));
    let base = BaseUrl::parse(&format!("http://{address}")).unwrap();
    let dii = Arc::new(Dii::email("jane.doe@example.com").unwrap());

    let request = request(&dii, &base);
    let bare_client: Bare = bare_client();
    // Where plain http may go is asked of no https request.
    let transport = HyperTransport::builder().allow_insecure();
    let transport = transport.build().unwrap();
    let our_client = Client::builder(caller(), base).build_on(transport, Replayed);

    let bare_sealing = (bare_client.clone(), Arc::new(Cipher::new()));
    let mut group = criterion.benchmark_group("generate_round_trip");
    for in_flight in [1, 16, 64] {
        group.throughput(Throughput::Elements(in_flight as u64));
        group.bench_function(format!("{in_flight}/ours"), |bencher| {
            bencher
                .to_async(&runtime)
                .iter(|| ours(&our_client, &dii, in_flight));
        });
        group.bench_function(format!("{in_flight}/bare"), |bencher| {
            bencher
                .to_async(&runtime)
                .iter(|| bare(&bare_client, &request, in_flight));
        });
        group.bench_function(format!("{in_flight}/bare_sealed"), |bencher| {
            bencher
                .to_async(&runtime)
                .iter(|| bare_sealed(&bare_sealing, &request, in_flight));
        });
    }
    group.finish();
}

criterion_group!(benches, generate);
criterion_main!(benches);
