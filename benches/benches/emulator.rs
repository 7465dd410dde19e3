//! Generate calls that the emulator serves, beside a bare hyper server that
//! reads bodies of the same size and answers with as many bytes: same client,
//! same run. The aim is a third of the bare server's. And how long it takes to be
//! there, beside a port that is merely opened; the aim is 50 ms.

#![allow(missing_docs, clippy::unwrap_used, reason = "benchmarks")]

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uid2_benches::{API_KEY, answering, bare_client, caller, rng};
use uid2_core::operation::Generate;
use uid2_core::{Dii, Timestamp};
use uid2_emulator::Emulator;

type Bare = Client<HttpConnector, Full<Bytes>>;

/// A request that is fresh for two minutes: longer than one measurement takes.
fn sealed() -> Bytes {
    let dii = Dii::email("jane.doe@example.com").unwrap();
    let now = Timestamp::from(SystemTime::now());
    let (request, _) = Generate::new(&dii).prepare(&caller(), now, &mut rng());
    Bytes::from(request.into_body())
}

async fn post(client: &Bare, url: &http::Uri, body: &Bytes) -> Bytes {
    let request = http::Request::post(url.clone())
        .header("content-type", "text/plain")
        .header("authorization", format!("Bearer {API_KEY}"))
        .body(Full::new(body.clone()))
        .unwrap();
    let response = client.request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body().collect().await.unwrap().to_bytes()
}

async fn post_many(client: &Bare, url: &http::Uri, body: &Bytes, in_flight: usize) {
    let mut calls = JoinSet::new();
    for _ in 0..in_flight {
        let (client, url, body) = (client.clone(), url.clone(), body.clone());
        calls.spawn(async move { post(&client, &url, &body).await });
    }
    calls.join_all().await;
}

fn generate(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let client: Bare = bare_client();
    let emulator = runtime.block_on(Emulator::start()).unwrap();
    let url = |base: &str| -> http::Uri { format!("{base}/v2/token/generate").parse().unwrap() };
    let emulator_url = url(emulator.url());

    let answer = runtime.block_on(post(&client, &emulator_url, &sealed()));
    let echo = runtime.block_on(answering(answer));
    let echo_url = url(&format!("http://{echo}"));

    let mut group = criterion.benchmark_group("generate_served");
    for in_flight in [1, 16, 64] {
        group.throughput(Throughput::Elements(in_flight as u64));
        for (name, url) in [("emulator", &emulator_url), ("echo", &echo_url)] {
            let body = sealed();
            group.bench_function(format!("{in_flight}/{name}"), |bencher| {
                bencher
                    .to_async(&runtime)
                    .iter(|| post_many(&client, url, &body, in_flight));
            });
        }
    }
    group.finish();
}

fn start(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("start");
    // Each takes up two ports for a minute, and there are not so many of them.
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    group.bench_function("emulator", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let emulator = Emulator::start().await.unwrap();
            TcpStream::connect(emulator.address()).await.unwrap()
        });
    });
    group.bench_function("port", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            TcpStream::connect(address).await.unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, generate, start);
criterion_main!(benches);
