//! Conversions to and from the types of the `http` crate.
#![allow(clippy::unwrap_used)]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use uid2_core::envelope::Encoding;
use uid2_core::operation::{Caller, Error, Generate, PendingGenerate, Request, Response};
use uid2_core::{BaseUrl, Dii, Timestamp};

const API_KEY: &str = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
const SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn prepare() -> (Request, PendingGenerate) {
    let caller = Caller::new(API_KEY.parse().unwrap(), SECRET.parse().unwrap())
        .with_encoding(Encoding::Binary)
        .with_client_version("my shop 4.2")
        .unwrap();
    let dii = Dii::email("user@example.com").unwrap();
    Generate::new(&dii).prepare(&caller, NOW, &mut ChaCha20Rng::from_seed([7; 32]))
}

#[test]
fn a_request_is_carried_over_whole() {
    let (request, _) = prepare();
    let body = request.body().to_vec();
    let base = BaseUrl::parse("http://127.0.0.1:8080/prefix/").unwrap();
    let request = request.into_http(&base).unwrap();
    assert_eq!(request.method(), http::Method::POST);
    assert_eq!(
        request.uri(),
        "http://127.0.0.1:8080/prefix/v2/token/generate"
    );
    assert_eq!(*request.body(), body);
    let header = |name| request.headers().get(name).unwrap().to_str().unwrap();
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(header("x-uid2-client-version"), "my shop 4.2");
    assert_eq!(header("authorization"), format!("Bearer {API_KEY}"));
    assert_eq!(request.headers().len(), 3);
}

#[test]
fn only_the_key_is_sensitive_and_stays_out_of_debug() {
    let (request, _) = prepare();
    let base = BaseUrl::parse("https://prod.uidapi.com").unwrap();
    let request = request.into_http(&base).unwrap();
    for (name, value) in request.headers() {
        assert_eq!(
            value.is_sensitive(),
            name == http::header::AUTHORIZATION,
            "{name}"
        );
    }
    assert!(!format!("{request:?}").contains("fsR3mDqAXELt"));
}

#[test]
fn a_response_is_read_in_place() {
    let response = http::Response::builder()
        .status(401)
        .header("content-type", "application/json")
        .body(br#"{"status":"unauthorized"}"#.to_vec())
        .unwrap();
    let (_, pending) = prepare();
    let error = pending.finish(Response::from(&response), NOW).unwrap_err();
    assert_eq!(error.http_status(), Some(401));
    assert!(matches!(error, Error::Refused(_)));
}

/// A binary request may be answered in text; only `Content-Type` tells.
#[test]
fn the_content_type_is_carried_over() {
    let secret = SECRET.parse().unwrap();
    let (request, pending) = prepare();
    let opened =
        uid2_core::envelope::open_request(&secret, request.body(), Encoding::Binary).unwrap();
    let body = uid2_core::envelope::seal_response(
        &secret,
        br#"{"status":"optout"}"#,
        Encoding::Text,
        NOW,
        [1; 12],
        opened.nonce(),
    );
    let response = http::Response::builder()
        .header("content-type", "text/plain")
        .body(body)
        .unwrap();
    let reply = pending.finish(Response::from(&response), NOW).unwrap();
    assert_eq!(reply.outcome, uid2_core::operation::GenerateOutcome::OptOut);
}
