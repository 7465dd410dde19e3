//! Generate over loopback beside a bare hyper client that posts the same bytes
//! to a bare hyper server that answers with as many.

#![allow(missing_docs, clippy::unwrap_used, reason = "benchmarks")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client as BareClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uid2_benches::{NOW, caller, identity_json, rng};
use uid2_core::envelope::{self, Encoding};
use uid2_core::operation::Generate;
use uid2_core::{BaseUrl, ClientSecret, Dii, Timestamp};
use uid2_http::{Client, HyperTransport};

type Bare = BareClient<HttpConnector, Full<Bytes>>;

/// A server that reads a body and answers with `answer(body)`.
async fn serve(answer: impl Fn(&[u8]) -> Vec<u8> + Clone + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let answer = answer.clone();
                    async move {
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let response = http::Response::builder()
                            .header("content-type", "text/plain")
                            .body(Full::new(Bytes::from(answer(&body))))
                            .unwrap();
                        Ok::<_, Infallible>(response)
                    }
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    address
}

/// The answer to any generate: opened and sealed, but no token minted, so that
/// both servers cost as little as they can.
fn sealed_answer(secret: &ClientSecret, body: &[u8]) -> Vec<u8> {
    let request = envelope::open_request(secret, body, Encoding::Text).unwrap();
    let json = format!(r#"{{"body":{},"status":"success"}}"#, identity_json(1));
    let now = Timestamp::from(std::time::SystemTime::now());
    let nonce = request.nonce();
    envelope::seal_response(secret, json.as_bytes(), Encoding::Text, now, [3; 12], nonce)
}

async fn ours(client: &Arc<Client<HyperTransport>>, dii: &Arc<Dii>, in_flight: usize) {
    let mut calls = JoinSet::new();
    for _ in 0..in_flight {
        let (client, dii) = (Arc::clone(client), Arc::clone(dii));
        calls.spawn(async move { client.generate(&Generate::new(&dii)).await.unwrap() });
    }
    calls.join_all().await;
}

async fn bare(client: &Bare, url: &http::Uri, body: &Bytes, in_flight: usize) {
    let mut calls = JoinSet::new();
    for _ in 0..in_flight {
        let request = http::Request::post(url.clone())
            .header("content-type", "text/plain")
            .body(Full::new(body.clone()))
            .unwrap();
        let response = client.request(request);
        calls.spawn(async move {
            response
                .await
                .unwrap()
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
        });
    }
    calls.join_all().await;
}

fn generate(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let caller = caller();
    let dii = Arc::new(Dii::email("jane.doe@example.com").unwrap());
    let secret = caller.client_secret().clone();

    let (request, _) = Generate::new(&dii).prepare(&caller, NOW, &mut rng());
    let body = Bytes::from(request.into_body());
    let answer = sealed_answer(&secret, &body);
    let bare_address = runtime.block_on(serve(move |_| answer.clone()));
    let bare_url: http::Uri = format!("http://{bare_address}/v2/token/generate")
        .parse()
        .unwrap();
    let bare_client: Bare = BareClient::builder(TokioExecutor::new()).build(HttpConnector::new());

    let our_address = runtime.block_on(serve(move |body| sealed_answer(&secret, body)));
    let base = BaseUrl::parse(&format!("http://{our_address}")).unwrap();
    let transport = HyperTransport::builder().build().unwrap();
    let our_client = Arc::new(Client::builder(caller, base).build(transport));

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
                .iter(|| bare(&bare_client, &bare_url, &body, in_flight));
        });
    }
    group.finish();
}

criterion_group!(benches, generate);
criterion_main!(benches);
