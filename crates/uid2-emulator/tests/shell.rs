//! Paths, methods, CORS and counters (protocol, section 2).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use bytes::Bytes;
use common::{KEY, World, email, post, seen};
use http::Request;
use uid2_emulator::Endpoint;

const GENERATE: &str = "/v2/token/generate";
const REFRESH: &str = "/v2/token/refresh";
const VALIDATE: &str = "/v2/token/validate";

#[test]
fn unknown_paths_and_wrong_methods() {
    let mut world = World::new();
    for path in [
        "/",
        "/v2",
        "/v2/token",
        "/v2/token/generate/x",
        "/V2/token/generate",
    ] {
        let response = world.send(post(path, Some(KEY), ""));
        let page = "<html><body><h1>Resource not found</h1></body></html>";
        assert_eq!(seen(&response), (404, Some("text/html"), page));
    }
    for (method, path, allow) in [
        ("GET", GENERATE, "POST"),
        ("PUT", REFRESH, "POST"),
        ("OPTIONS", VALIDATE, "POST"),
        ("POST", "/ops/healthcheck", "GET"),
    ] {
        let request = Request::builder().method(method).uri(path);
        let response = world.send(request.body(Bytes::new()).unwrap());
        assert_eq!(seen(&response), (405, None, ""));
        assert_eq!(response.headers()["allow"], allow);
    }
}

#[test]
fn health() {
    let request = Request::get("/ops/healthcheck").body(Bytes::new()).unwrap();
    assert_eq!(seen(&World::new().send(request)), (200, None, "OK"));
}

#[test]
fn cross_origin_requests() {
    let mut world = World::new();
    let origin = "https://shop.example";
    let mut request = post(GENERATE, None, "");
    let headers = request.headers_mut();
    headers.insert("origin", origin.parse().unwrap());
    headers.insert("x-amzn-trace-id", "Root=1-2-3".parse().unwrap());
    let response = world.send(request);
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["access-control-allow-origin"], origin);
    assert_eq!(response.headers()["vary"], "origin");
    assert_eq!(response.headers()["x-amzn-trace-id"], "Root=1-2-3");
    assert!(
        !response
            .headers()
            .contains_key("access-control-allow-credentials")
    );

    let response = world.send(post("/nowhere", None, ""));
    assert_eq!(response.headers()["vary"], "origin");
    assert!(
        !response
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[test]
fn preflight() {
    let mut world = World::new();
    let common = "X-UID2-Client-Version,Access-Control-Request-Method,\
        Access-Control-Allow-Credentials,Access-Control-Allow-Origin,\
        Access-Control-Allow-Headers,Content-Type";
    let with_authorization = format!("{common},Authorization");
    for (path, headers) in [
        (GENERATE, common),
        (REFRESH, common),
        (VALIDATE, with_authorization.as_str()),
    ] {
        let request = Request::options(path)
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .body(Bytes::new())
            .unwrap();
        let response = world.send(request);
        assert_eq!(seen(&response), (204, None, ""));
        let found = response.headers();
        assert_eq!(found["content-length"], "0");
        assert_eq!(found["access-control-allow-origin"], "https://shop.example");
        assert_eq!(found["access-control-allow-methods"], "GET,POST,OPTIONS");
        assert_eq!(found["access-control-allow-headers"], headers);
        assert!(!found.contains_key("access-control-max-age"));
    }
}

#[test]
fn requests_are_counted_by_endpoint() {
    let mut world = World::new();
    let identity = world.establish(&email("user@example.com"));
    world.refresh(&identity).unwrap();
    world.refresh(&identity).unwrap();
    let _ = world.send(post("/nowhere", None, ""));
    let _ = world.send(post(VALIDATE, None, ""));
    let counted = |endpoint| world.operator.requests(endpoint);
    assert_eq!(counted(Endpoint::TokenGenerate), 1);
    assert_eq!(counted(Endpoint::TokenRefresh), 2);
    assert_eq!(counted(Endpoint::TokenValidate), 1);
    assert_eq!(counted(Endpoint::TokenLogout), 0);
    assert_eq!(counted(Endpoint::Unknown), 1);
    assert_eq!(world.operator.total_requests(), 5);
}
