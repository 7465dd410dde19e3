//! The administration over HTTP, and the clock it moves.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{KEY, SECRET, email};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use uid2_emulator::{Config, Emulator, FaultRule, StartError};

async fn emulator() -> Emulator {
    let builder = Emulator::builder().admin("127.0.0.1:0".parse().unwrap());
    builder.start().await.unwrap()
}

async fn send(method: Method, url: String, body: Value, origin: bool) -> (StatusCode, Value) {
    let http = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = Request::builder().method(method).uri(url);
    if origin {
        request = request.header("origin", "https://evil.example");
    }
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let response = http.request(request.body(Full::new(body.into())).unwrap());
    let (head, body) = response.await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        head.status,
        serde_json::from_slice(&body).unwrap_or(Value::Null),
    )
}

async fn post(emulator: &Emulator, path: &str, body: Value) -> (StatusCode, Value) {
    let url = format!("{}{path}", emulator.admin_url().unwrap());
    send(Method::POST, url, body, false).await
}

#[tokio::test]
async fn people_are_opted_out_and_in() {
    let emulator = emulator().await;
    let person = email("user@example.com");
    let body = json!({"email": "User@Example.com"});
    let done = (StatusCode::OK, json!({}));
    assert_eq!(post(&emulator, "/opt-out", body.clone()).await, done);
    assert!(emulator.operator().is_opted_out(&person));
    let (_, reply) = post(&emulator, "/opt-in", body).await;
    assert_eq!(reply, json!({"was_opted_out": true}));
    assert!(!emulator.operator().is_opted_out(&person));
    for wrong in [json!({}), json!({"email": "x"}), json!([]), Value::Null] {
        let (status, reply) = post(&emulator, "/opt-out", wrong).await;
        assert_eq!(status, 400);
        assert!(reply["error"].is_string());
    }
}

#[tokio::test]
async fn the_clock_moves() {
    let emulator = emulator().await;
    let before = emulator.now();
    let (_, reply) = post(&emulator, "/clock", json!({"advance_ms": 86_400_000})).await;
    let told = reply["now_ms"].as_i64().unwrap();
    assert!(told >= before.as_millis() + 86_400_000);
    assert!(emulator.now().saturating_since(before) >= Duration::from_secs(86_400));
    post(&emulator, "/clock", json!({"offset_ms": -1000})).await;
    assert!(emulator.now() < before);
    emulator.set_clock_offset(0);
    emulator.advance(Duration::from_secs(60));
    assert!(emulator.now().saturating_since(before) >= Duration::from_secs(60));
    for wrong in [
        json!({}),
        json!({"advance_ms": 1, "offset_ms": 1}),
        json!({"now": 1}),
    ] {
        assert_eq!(post(&emulator, "/clock", wrong).await.0, 400);
    }
}

#[tokio::test]
async fn lifetimes_faults_and_rotations() {
    let emulator = emulator().await;
    let body = json!({"refresh_from": 0.5, "identity": 2, "refresh": 60});
    assert_eq!(post(&emulator, "/lifetimes", body).await.0, 200);
    let lifetimes = emulator.operator().lifetimes();
    assert_eq!(lifetimes.refresh_from(), Duration::from_millis(500));
    assert_eq!(lifetimes.sharing_token(), Duration::from_secs(2_592_000));
    let (status, reply) = post(&emulator, "/lifetimes", json!({"identity": 100})).await;
    assert_eq!(status, 400);
    assert!(
        reply["error"].as_str().unwrap().contains("out of order"),
        "{reply}"
    );

    let rules = json!([{"fault": "status=503", "endpoint": "/ops/healthcheck"}]);
    assert_eq!(post(&emulator, "/faults", rules).await.0, 200);
    let health = format!("{}/ops/healthcheck", emulator.url());
    let answered = || send(Method::GET, health.clone(), Value::Null, false);
    assert_eq!(answered().await.0, 503);
    assert_eq!(
        post(&emulator, "/faults", json!([{"fault": "x"}])).await.0,
        400
    );
    assert_eq!(answered().await.0, 503);
    assert_eq!(post(&emulator, "/faults", json!([])).await.0, 200);
    assert_eq!(answered().await.0, 200);

    for path in ["/rotate-salts", "/rotate-keys"] {
        assert_eq!(post(&emulator, path, Value::Null).await.0, 200);
    }
    let url = format!("{}/requests", emulator.admin_url().unwrap());
    let (_, counts) = send(Method::GET, url, Value::Null, false).await;
    assert_eq!(counts["counts"]["/ops/healthcheck"], 3);
    assert_eq!(counts["counts"]["/v2/token/generate"], 0);
    let recent = counts["recent"].as_array().unwrap();
    assert_eq!(recent.len(), 3);
    let expected = json!({
        "at_ms": recent[0]["at_ms"].as_i64().unwrap(), "path": "/ops/healthcheck",
        "client": null, "site_id": null, "http_status": 503, "status": null,
        "encoding": null, "client_version": null, "fault": "status=503",
    });
    assert_eq!(recent[0], expected);
    assert_eq!(recent[2]["http_status"], 200);
    assert_eq!(recent[2]["fault"], Value::Null);
}

#[tokio::test]
async fn strangers_are_kept_out() {
    let emulator = emulator().await;
    let url = format!("{}/rotate-keys", emulator.admin_url().unwrap());
    let (status, _) = send(Method::POST, url.clone(), Value::Null, true).await;
    assert_eq!(status, 403);
    assert_eq!(send(Method::GET, url, Value::Null, false).await.0, 404);
    assert_eq!(
        post(&emulator, "/v2/token/generate", json!({})).await.0,
        404
    );
    // Not on the service's port, and not for other machines.
    let url = format!("{}/rotate-keys", emulator.url());
    assert_eq!(send(Method::POST, url, Value::Null, false).await.0, 404);
    let open = Emulator::builder().admin("0.0.0.0:0".parse().unwrap());
    assert!(matches!(
        open.start().await,
        Err(StartError::AdminNotLoopback)
    ));
    assert_eq!(Emulator::start().await.unwrap().admin_url(), None);
    emulator.stop().await;
}

#[tokio::test]
async fn a_file_configures_everything() {
    let config = Config::from_toml(&format!(
        r#"
        scope = "euid"
        environment = "integ"
        seed = "another"
        raw_uid_v3 = true
        logout_backend = false
        encryption = true
        fault_header = false
        lifetimes = {{ refresh_from = 1, identity = 2, refresh = 3, sharing_token = 4 }}
        clients = [
          {{ name = "a", site_id = 5, roles = ["GENERATOR", "MAPPER", "ID_READER", "SHARER", "OPTOUT"],
             api_key = "{KEY}", client_secret = "{SECRET}" }},
          {{ name = "b", site_id = 6, roles = [], api_key = "old", client_secret = "{SECRET}", disabled = true }},
        ]
        [[faults]]
        fault = "latency=1"
        probability = 0.5
        "#
    ))
    .unwrap();
    assert_eq!(config.lifetimes.identity(), Duration::from_secs(2));
    assert_eq!(config.lifetimes.sharing_token(), Duration::from_secs(4));
    assert_eq!(config.clients[0].site_id(), 5);
    assert_eq!(config.clients[0].roles(), uid2_emulator::Roles::ALL);
    assert!(config.clients[1].is_disabled());
    let rule = FaultRule::new("latency=1".parse().unwrap()).with_probability(0.5);
    assert_eq!(config.faults, [rule]);
    assert!(config.raw_uid_v3 && !config.logout_backend && !config.fault_header);
    let emulator = Emulator::builder().config(config).start().await.unwrap();
    assert!(
        emulator
            .operator()
            .is_opted_out(&email("optout@example.com"))
    );
}
