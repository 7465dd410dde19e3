//! The emulator over real loopback sockets.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::{KEY, PUBLISHER_KEY, PUBLISHER_SECRET, SECRET, email};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uid2_core::operation::{
    Caller, Error, Generate, GenerateOutcome, Refresh, RefreshOutcome, RefusalKind,
};
use uid2_core::{BaseUrl, Dii, Identity, Timestamp};
use uid2_emulator::{Emulator, Endpoint, Lifetimes, StartError};

type Http = Client<HttpConnector, Full<Bytes>>;

fn http() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

fn caller(emulator: &Emulator) -> Caller {
    common::caller(emulator.api_key(), emulator.client_secret())
}

async fn carry(
    http: &Http,
    emulator: &Emulator,
    request: uid2_core::operation::Request,
) -> Response<Bytes> {
    let base = BaseUrl::parse(emulator.url()).unwrap();
    let request = request.into_http(&base).unwrap();
    let response = http.request(request.map(|b| Full::new(b.into()))).await;
    let (head, body) = response.unwrap().into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

async fn generate(
    http: &Http,
    emulator: &Emulator,
    caller: &Caller,
    dii: &Dii,
) -> Result<GenerateOutcome, Error> {
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let now = emulator.now();
    let (request, pending) = Generate::new(dii).prepare(caller, now, &mut rng);
    let response = carry(http, emulator, request).await;
    pending
        .finish((&response).into(), now)
        .map(|reply| reply.outcome)
}

async fn establish(http: &Http, emulator: &Emulator, dii: &Dii) -> Identity {
    match generate(http, emulator, &caller(emulator), dii).await {
        Ok(GenerateOutcome::Success(identity)) => identity,
        other => panic!("not an identity: {other:?}"),
    }
}

async fn refresh(http: &Http, emulator: &Emulator, identity: &Identity) -> RefreshOutcome {
    let (request, pending) = Refresh::new(identity).prepare(&caller(emulator));
    let response = carry(http, emulator, request).await;
    pending.finish((&response).into()).unwrap().outcome
}

#[tokio::test]
async fn the_life_of_an_identity_over_sockets() {
    let emulator = Emulator::start().await.unwrap();
    let http = http();
    let person = email("user@example.com");
    let first = establish(&http, &emulator, &person).await;
    let RefreshOutcome::Success(second) = refresh(&http, &emulator, &first).await else {
        panic!("not an identity");
    };
    emulator.opt_out(&person);
    let outcome = refresh(&http, &emulator, &second).await;
    assert_eq!(outcome, RefreshOutcome::OptOut);
    let outcome = generate(&http, &emulator, &caller(&emulator), &person).await;
    assert_eq!(outcome, Ok(GenerateOutcome::OptOut));
    assert_eq!(emulator.operator().requests(Endpoint::TokenGenerate), 2);
    assert_eq!(emulator.operator().requests(Endpoint::TokenRefresh), 2);
    emulator.stop().await;
}

/// The defaults are what the protocol documents, and what the CLI prints.
#[tokio::test]
async fn the_default_credentials_are_the_documented_ones() {
    let emulator = Emulator::start().await.unwrap();
    assert_eq!(emulator.api_key(), KEY);
    assert_eq!(emulator.client_secret(), SECRET);
    assert_eq!(emulator.url(), format!("http://{}", emulator.address()));
    assert!(emulator.address().ip().is_loopback());
    let shown = format!("{emulator:?} {:?}", Emulator::builder());
    assert!(
        !shown.contains("fCXrMM") && !shown.contains(SECRET),
        "{shown}"
    );
    let publisher = common::caller(PUBLISHER_KEY, PUBLISHER_SECRET);
    let outcome = generate(&http(), &emulator, &publisher, &email("a@b.c")).await;
    assert!(matches!(outcome, Ok(GenerateOutcome::Success(_))));
}

#[tokio::test]
async fn own_credentials() {
    let key = "UID2-C-L-42-abcdef.ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR";
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let builder = Emulator::builder().credentials(key, secret);
    let emulator = builder.start().await.unwrap();
    assert_eq!(
        (emulator.api_key(), emulator.client_secret()),
        (key, secret)
    );
    establish(&http(), &emulator, &email("a@b.c")).await;

    for (key, secret) in [("", secret), (key, "too short"), ("UID2-C-L-1-x", secret)] {
        let refused = Emulator::builder().credentials(key, secret).start().await;
        assert!(matches!(refused, Err(StartError::Credentials(_))));
    }
}

#[tokio::test]
async fn the_clock_is_the_callers() {
    let millis = Arc::new(AtomicI64::new(1_700_000_000_000));
    let clock = {
        let millis = Arc::clone(&millis);
        Arc::new(move || Timestamp::from_millis(millis.load(Ordering::Relaxed)))
    };
    let second = Duration::from_secs(1);
    let emulator = Emulator::builder()
        .clock(clock)
        .lifetimes(Lifetimes::new(second, second * 2, second * 3).unwrap())
        .start()
        .await
        .unwrap();
    let http = http();
    let identity = establish(&http, &emulator, &email("a@b.c")).await;
    assert_eq!(identity.identity_expires().as_millis(), 1_700_000_002_000);
    millis.fetch_add(3001, Ordering::Relaxed);
    let (request, pending) = Refresh::new(&identity).prepare(&caller(&emulator));
    let response = carry(&http, &emulator, request).await;
    match pending.finish((&response).into()) {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.kind(), RefusalKind::ExpiredRefreshToken);
        }
        other => panic!("{other:?}"),
    }
}

/// Sends bytes as they are and reads until the other end closes.
async fn raw(emulator: &Emulator, request: &[u8]) -> String {
    let stream = TcpStream::connect(emulator.address()).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let request = request.to_vec();
    // Aside, for the server may answer before it has read everything; then it
    // closes, and writing fails.
    let writing = tokio::spawn(async move {
        let _ = write.write_all(&request).await;
        write
    });
    let mut response = Vec::new();
    let reading = read.read_to_end(&mut response);
    let ended = tokio::time::timeout(Duration::from_secs(10), reading).await;
    assert!(ended.is_ok(), "the server did not close after {response:?}");
    drop(writing);
    String::from_utf8(response).unwrap()
}

#[tokio::test]
async fn too_long_bodies_are_refused_before_they_are_read() {
    let emulator = Emulator::start().await.unwrap();
    // Announced, and never sent.
    let announced = "POST /v2/token/generate HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
        content-length: 1048577\r\n\r\n";
    let response = raw(&emulator, announced.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    assert!(response.ends_with("\r\n\r\nRequest Too Long"), "{response}");
    // Streamed without being announced.
    let head = "POST /v2/token/generate HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
        transfer-encoding: chunked\r\n\r\n";
    let chunk = [&b"80000\r\n"[..], &[b'A'; 0x80000], b"\r\n"].concat();
    let request = [head.as_bytes(), &chunk, &chunk, b"1\r\nA\r\n0\r\n\r\n"].concat();
    let response = raw(&emulator, &request).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    assert_eq!(emulator.operator().requests(Endpoint::TokenGenerate), 2);
}

#[tokio::test]
async fn headers_on_the_wire() {
    let emulator = Emulator::start().await.unwrap();
    let request = Request::get(format!("{}/ops/healthcheck", emulator.url()));
    let request = request.body(Full::new(Bytes::new())).unwrap();
    let response = http().request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-length"], "2");
    assert_eq!(response.headers()["vary"], "origin");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "OK");
    let request = "GET /v2/token/refresh HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let response = raw(&emulator, request.as_bytes()).await.to_lowercase();
    assert!(response.starts_with("http/1.1 405 "), "{response}");
    assert!(response.contains("\r\nallow: post\r\n"), "{response}");
    assert!(response.contains("\r\ncontent-length: 0\r\n"), "{response}");
    let garbage = raw(&emulator, b"this is not HTTP\r\n\r\n").await;
    assert!(garbage.starts_with("HTTP/1.1 400 "), "{garbage}");
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let emulator = Emulator::start().await.unwrap();
    let again = Emulator::builder().listen(emulator.address()).start().await;
    assert!(matches!(again, Err(StartError::Listen(_))));
}

async fn is_open(address: std::net::SocketAddr) -> bool {
    TcpStream::connect(address).await.is_ok()
}

#[tokio::test]
async fn stopping_closes_the_port_and_idle_connections() {
    let emulator = Emulator::start().await.unwrap();
    let (address, http) = (emulator.address(), http());
    establish(&http, &emulator, &email("a@b.c")).await; // leaves an idle connection
    // Of an idle connection nothing is to be waited for: not the five seconds
    // that one at work is given.
    let stopping = tokio::time::timeout(Duration::from_secs(4), emulator.stop());
    assert!(stopping.await.is_ok(), "waited for an idle connection");
    assert!(!is_open(address).await);
}

#[tokio::test]
async fn dropping_closes_the_port_and_its_connections() {
    let emulator = Emulator::start().await.unwrap();
    let address = emulator.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    drop(emulator);
    // The connection ends ...
    let mut byte = [0];
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut byte)).await;
    assert!(matches!(ended.unwrap(), Ok(0) | Err(_)));
    // ... and nobody listens.
    assert!(!is_open(address).await);
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_it_stops() {
    let emulator = Emulator::start().await.unwrap();
    let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
    let head = "POST /v2/token/generate HTTP/1.1\r\nhost: x\r\n\
                expect: 100-continue\r\ncontent-length: 4\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    // It has the head, and asks for the body.
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut go_on).await.unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100 "));
    let counted = Arc::clone(emulator.operator());
    let address = emulator.address();
    let stopping = tokio::spawn(emulator.stop());
    while is_open(address).await {}
    stream.write_all(b"AAAA").await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    stopping.await.unwrap();
    assert_eq!(counted.requests(Endpoint::TokenGenerate), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_at_once() {
    let emulator = Arc::new(Emulator::start().await.unwrap());
    let http = http();
    let tasks = (0..16).map(|task| {
        let (emulator, http) = (Arc::clone(&emulator), http.clone());
        tokio::spawn(async move {
            for call in 0..10 {
                let person = email(&format!("user-{task}-{call}@example.com"));
                let identity = establish(&http, &emulator, &person).await;
                let next = refresh(&http, &emulator, &identity).await;
                assert!(matches!(next, RefreshOutcome::Success(_)));
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(emulator.operator().total_requests(), 320);
}
