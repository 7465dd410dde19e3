//! Faults, by header and by rule, as a caller meets them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{KEY, NOW, SECRET, World, email, post, seen};
use http::{Request, Response};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use uid2_core::envelope::{self, Encoding, EnvelopeError};
use uid2_core::operation::{Caller, Error, Generate, GenerateOutcome, Reply};
use uid2_core::{BaseUrl, Identity};
use uid2_emulator::{Config, Delivery, Emulator, Endpoint, FAULT_HEADER, Fault, FaultRule};

fn fault(text: &str) -> Fault {
    text.parse().unwrap()
}

fn generate_request(caller: &Caller) -> (Request<Bytes>, uid2_core::operation::PendingGenerate) {
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let dii = email("user@example.com");
    let (request, pending) = Generate::new(&dii).prepare(caller, NOW, &mut rng);
    let base = BaseUrl::parse("http://127.0.0.1").unwrap();
    (request.into_http(&base).unwrap().map(Bytes::from), pending)
}

/// Generates with something going wrong.
fn generate_with(world: &World, text: &str) -> Option<Result<Reply<GenerateOutcome>, Error>> {
    let (request, pending) = generate_request(&world.caller);
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    let delivery = world
        .operator
        .handle_with(request, NOW, &fault(text), &mut rng);
    let response = delivery.into_whole()?;
    Some(pending.finish((&response).into(), NOW))
}

#[test]
fn nothing_goes_wrong_unasked() {
    let world = World::new();
    let reply = generate_with(&world, "").unwrap().unwrap();
    assert!(matches!(reply.outcome, GenerateOutcome::Success(_)));
}

#[test]
fn replies_that_cannot_be_trusted() {
    let world = World::new();
    let of = |text| generate_with(&world, text).unwrap().unwrap_err();
    assert_eq!(of("nonce"), Error::Envelope(EnvelopeError::NonceMismatch));
    assert!(matches!(of("corrupt"), Error::Envelope(_)));
    let late = generate_with(&world, "timestamp=-300000").unwrap().unwrap();
    assert_eq!(late.skew.unwrap().server_ahead_millis(), -300_000);
    assert!(generate_with(&world, "reset").is_none());
    assert!(generate_with(&world, "drop").is_none());
}

#[test]
fn front_ends_answer_in_the_operators_place() {
    let world = World::new();
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    let mut answer = |text: &str| -> Response<Bytes> {
        let (request, _) = generate_request(&world.caller);
        let delivery = world
            .operator
            .handle_with(request, NOW, &fault(text), &mut rng);
        delivery.into_whole().unwrap()
    };
    let response = answer("status=429, retry-after=2");
    assert_eq!(seen(&response), (429, None, ""));
    assert_eq!(response.headers()["retry-after"], "2");
    let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
    assert_eq!(
        seen(&answer("status=502, body=html")),
        (502, Some("text/html"), page)
    );
    let json = r#"{"status":"unknown","message":"Unknown error"}"#;
    assert_eq!(
        seen(&answer("status=500, body=json")),
        (500, Some("application/json"), json)
    );
    assert_eq!(world.operator.requests(Endpoint::TokenGenerate), 3);
}

/// The difference that makes a repeat unsafe.
#[test]
fn reset_takes_effect_and_drop_does_not() {
    let person = email("user@example.com");
    for (text, takes_effect) in [("reset", true), ("drop", false), ("status=503", false)] {
        let world = World::new();
        let json = br#"{"email":"user@example.com"}"#;
        let mut rng = ChaCha20Rng::from_seed([6; 32]);
        let secret = SECRET.parse().unwrap();
        let sealed = envelope::seal_request(&secret, json, Encoding::Text, NOW, &mut rng);
        let request = post("/v2/token/logout", Some(KEY), sealed.body);
        world
            .operator
            .handle_with(request, NOW, &fault(text), &mut rng);
        assert_eq!(world.operator.is_opted_out(&person), takes_effect, "{text}");
    }
}

#[test]
fn rules_apply_to_their_endpoint_with_their_probability() {
    let rule = FaultRule::new(fault("status=503")).only(Endpoint::TokenRefresh);
    let world = World::with(Config {
        faults: vec![rule.clone().with_probability(0.25)],
        ..Config::default()
    });
    let mut rng = ChaCha20Rng::from_seed([8; 32]);
    let mut hits = |path: &str| {
        let request = post(path, None, "");
        let hit = |_: &i32| world.operator.fault_for(&request, &mut rng) != Fault::none();
        (0..10_000).filter(hit).count()
    };
    assert_eq!(hits("/v2/token/generate"), 0);
    let quarter = hits("/v2/token/refresh");
    assert!((2300..2700).contains(&quarter), "{quarter}");
    world.operator.set_faults(vec![rule.with_probability(0.0)]);
    assert_eq!(hits("/v2/token/refresh"), 0);
}

#[test]
fn the_header_can_be_switched_off_and_is_never_misunderstood() {
    let mut rng = ChaCha20Rng::from_seed([8; 32]);
    let request = |text: &str| {
        let mut request = post("/v2/token/generate", None, "");
        request
            .headers_mut()
            .insert(FAULT_HEADER, text.parse().unwrap());
        request
    };
    let world = World::new();
    let found = world.operator.fault_for(&request("status=503"), &mut rng);
    assert_eq!(found, fault("status=503"));
    let misspelt = world.operator.fault_for(&request("sttus=503"), &mut rng);
    let delivery = world
        .operator
        .handle_with(request(""), NOW, &misspelt, &mut rng);
    assert_eq!(delivery.response().unwrap().status(), 400);
    let world = World::with(Config {
        fault_header: false,
        ..Config::default()
    });
    let found = world.operator.fault_for(&request("status=503"), &mut rng);
    assert_eq!(found, Fault::none());
}

#[test]
fn latency_is_drawn_from_its_range() {
    let mut rng = ChaCha20Rng::from_seed([8; 32]);
    let fault = fault("latency=50..60");
    let drawn: Vec<_> = (0..1000)
        .map(|_| fault.delay(&mut rng).as_millis())
        .collect();
    for millis in 50..=60 {
        assert!(drawn.contains(&millis), "{millis}");
    }
    assert!(drawn.iter().all(|millis| (50..=60).contains(millis)));
    assert_eq!(Fault::none().delay(&mut rng), Duration::ZERO);
}

#[test]
fn cut_off_deliveries_say_where() {
    let world = World::new();
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    let mut deliver = |text: &str| {
        let (request, _) = generate_request(&world.caller);
        world
            .operator
            .handle_with(request, NOW, &fault(text), &mut rng)
    };
    assert!(matches!(deliver("truncate=10"), Delivery::Truncated(_, 10)));
    assert!(matches!(deliver("stall=0"), Delivery::Stalled(_, 0)));
    assert!(matches!(deliver("reset"), Delivery::Reset));
}

/// More than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that has asked for a health check with a fault.
async fn asked(emulator: &Emulator, fault: &str) -> TcpStream {
    let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
    let request = format!(
        "GET /ops/healthcheck HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{FAULT_HEADER}: {fault}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// A health check over a socket with a fault: what came, and how it ended.
async fn health(emulator: &Emulator, fault: &str) -> (String, Result<(), std::io::ErrorKind>) {
    let mut stream = asked(emulator, fault).await;
    let mut response = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut response)).await;
    let ended = ended.unwrap().map(|_| ());
    let response = String::from_utf8(response).unwrap();
    (response, ended.map_err(|error| error.kind()))
}

#[tokio::test]
async fn faults_on_the_wire() {
    use std::io::ErrorKind;
    let emulator = Emulator::start().await.unwrap();
    let (response, ended) = health(&emulator, "").await;
    assert!(response.ends_with("\r\n\r\nOK"), "{response}");
    assert_eq!(ended, Ok(()));
    for lost in ["reset", "drop"] {
        let (response, ended) = health(&emulator, lost).await;
        assert_eq!(
            (response.as_str(), ended),
            ("", Err(ErrorKind::ConnectionReset))
        );
    }
    let (response, _) = health(&emulator, "truncate=1").await;
    assert!(response.contains("content-length: 2\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\nO"), "{response}");
    let mut stream = asked(&emulator, "stall=1").await;
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\nO") {
        response.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    let more = timeout(Duration::from_millis(100), stream.read_u8()).await;
    assert!(more.is_err(), "neither more nor the end comes: {more:?}");
    let start = Instant::now();
    let (response, _) = health(&emulator, "latency=100").await;
    assert!(response.ends_with("OK") && start.elapsed() >= Duration::from_millis(100));
    let (response, _) = health(&emulator, "status=503, retry-after=1").await;
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    assert!(response.contains("retry-after: 1\r\n"), "{response}");
    let (response, _) = health(&emulator, "nonsense").await;
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
}

#[test]
fn a_refresh_reply_can_be_corrupted_too() {
    let mut world = World::new();
    let identity: Identity = world.establish(&email("user@example.com"));
    let token = identity.refresh_token().expose().to_owned();
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    let request = post("/v2/token/refresh", None, token);
    let delivery = world
        .operator
        .handle_with(request, NOW, &fault("corrupt"), &mut rng);
    let response = delivery.into_whole().unwrap();
    let key = identity.refresh_response_key().unwrap();
    assert!(envelope::open_refresh_response(key, response.body(), Encoding::Text).is_err());
}
