//! Bodies of the fuzz targets: what must hold whatever the bytes are.
//!
//! No part of the library: the feature `fuzzing` is private, and nothing here
//! is stable. A body panics when what must hold does not.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, ORIGIN};
use http::{HeaderName, Method, Request, Response, Uri};
use serde_json::{Map, Value};
use uid2_core::envelope::{self, Encoding, Nonce};
use uid2_core::fuzzing::{Counting, Input};
use uid2_core::{ClientSecret, Identity, Scope, Timestamp};

use crate::config::{Config, DEFAULT_API_KEY, DEFAULT_CLIENT_SECRET};
use crate::{Endpoint, Operator};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const NONCE: Nonce = Nonce::from_bytes([9; 8]);

/// Requests to the operator: any method, path, headers and body, and bodies that
/// were properly sealed. Whatever comes, the answer is one of those that the
/// service has, and well formed.
pub fn emulator_request(data: &[u8]) {
    let mut input = Input::new(data);
    let how = input.byte();
    let operator = Operator::new(Config {
        scope: if how & 1 == 0 {
            Scope::Uid2
        } else {
            Scope::Euid
        },
        encryption: how & 2 == 0,
        ..Config::default()
    });
    let Some(asked) = Asked::of(&mut input, how & 2 == 0) else {
        return;
    };
    let endpoint = Endpoint::of(asked.request.uri().path());
    let before = operator.requests(endpoint);
    let mut rng = Counting::new(1);
    let response = operator.handle(asked.request.clone(), NOW, &mut rng);
    assert_eq!(operator.requests(endpoint), before + 1, "not counted");
    well_formed(&asked, endpoint, &response);
}

/// A request, and how its reply would open.
struct Asked {
    request: Request<Bytes>,
    sealed: Option<Encoding>,
}

impl Asked {
    /// Nothing where the bytes make no HTTP at all.
    fn of(input: &mut Input<'_>, encryption: bool) -> Option<Self> {
        let method = method(input)?;
        let uri = uri(input)?;
        let how = input.byte();
        let mut builder = Request::builder().method(method).uri(uri);
        let encoding = match how & 3 {
            0 | 1 => Encoding::Text,
            _ => Encoding::Binary,
        };
        if how & 3 != 0 {
            builder = builder.header(CONTENT_TYPE, encoding.content_type());
        }
        if how & 4 == 0 {
            builder = builder.header(AUTHORIZATION, format!("Bearer {DEFAULT_API_KEY}"));
        }
        if how & 8 != 0 {
            builder = builder.header(ORIGIN, "https://localhost");
        }
        for _ in 0..(how >> 6) {
            let (name, value) = header(input)?;
            builder = builder.header(name, value);
        }
        let seal = encryption && how & 16 == 0;
        let body = if seal {
            // Up to four minutes old, or new.
            let age = i64::from(i16::from_le_bytes(input.array())) * 8;
            let then = Timestamp::from_millis(NOW.as_millis().saturating_sub(age));
            let payload = input.rest();
            envelope::seal_request_with(&secret(), payload, encoding, then, [5; 12], NONCE)
        } else {
            input.rest().to_vec()
        };
        let request = builder.body(Bytes::from(body)).ok()?;
        let sealed = seal.then_some(encoding);
        Some(Self { request, sealed })
    }
}

fn secret() -> ClientSecret {
    ClientSecret::parse(DEFAULT_CLIENT_SECRET)
        .unwrap_or_else(|error| unreachable!("the secret of the mock configuration: {error}"))
}

fn method(input: &mut Input<'_>) -> Option<Method> {
    Some(match input.byte() {
        0..128 => Method::POST,
        128..160 => Method::GET,
        160..192 => Method::OPTIONS,
        192..224 => Method::PUT,
        _ => {
            let len = usize::from(input.byte() % 16);
            Method::from_bytes(input.take(len)).ok()?
        }
    })
}

fn uri(input: &mut Input<'_>) -> Option<Uri> {
    let which = usize::from(input.byte());
    if let Some(endpoint) = Endpoint::ALL.get(which % 32)
        && *endpoint != Endpoint::Unknown
    {
        let tail = ["", "/", "?x=1", "//"].get(which / 64).copied();
        let path = format!("{}{}", endpoint.path(), tail.unwrap_or_default());
        return path.parse().ok();
    }
    Uri::try_from(input.take(which)).ok()
}

fn header(input: &mut Input<'_>) -> Option<(HeaderName, HeaderValue)> {
    let len = usize::from(input.byte() % 40);
    let name = HeaderName::from_bytes(input.take(len)).ok()?;
    let len = input.byte().into();
    let value = HeaderValue::from_bytes(input.take(len)).ok()?;
    Some((name, value))
}

fn well_formed(asked: &Asked, endpoint: Endpoint, response: &Response<Bytes>) {
    let body = response.body();
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.map(|value| value.to_str().unwrap_or("not text"));
    match (response.status().as_u16(), content_type) {
        (200, None) if endpoint == Endpoint::Healthcheck => assert_eq!(body, "OK"),
        // Sealed with the key that the client-side request has agreed on.
        (200, None) => assert_eq!(endpoint, Endpoint::ClientGenerate),
        (200, Some("application/json")) => told(body, true),
        (200, Some(sealed)) => opens(asked, endpoint, sealed, body),
        (204, None) => assert!(body.is_empty()),
        (400 | 401 | 403 | 500, Some("application/json")) => told(body, false),
        (404, Some("text/html; charset=utf-8" | "text/html")) => {
            assert_eq!(endpoint, Endpoint::Unknown);
        }
        (405, None) => assert!(body.is_empty()),
        (413, None) => assert!(asked.request.body().len() > Operator::MAX_BODY),
        (500, None) => assert_eq!(body, "Internal Server Error"),
        other => unreachable!("{endpoint:?} answers {other:?}"),
    }
    if response.status() != 204 {
        assert!(response.headers().contains_key("vary"));
    }
}

fn object(body: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(body).unwrap_or_else(|error| unreachable!("not a JSON object: {error}"))
}

/// JSON in the clear, which says how it went.
fn told(body: &[u8], success: bool) {
    let object = object(body);
    let Some(Value::String(status)) = object.get("status") else {
        unreachable!("an answer without a status");
    };
    assert_eq!(is_outcome(status), success, "{status}");
    let members = ["status", "message", "body"];
    assert!(object.keys().all(|name| members.contains(&name.as_str())));
}

fn is_outcome(status: &str) -> bool {
    ["success", "optout", "insufficient_user_consent"].contains(&status)
}

/// Sealed: with the secret of the caller and the nonce of the request; but a
/// refresh with a key that only the holder of the identity has.
fn opens(asked: &Asked, endpoint: Endpoint, content_type: &str, body: &[u8]) {
    let Some(encoding) = Encoding::from_content_type(content_type) else {
        unreachable!("a body of type {content_type}");
    };
    if endpoint == Endpoint::TokenRefresh {
        return;
    }
    let Some(sent) = asked.sealed else {
        // The fuzzer knows the secret, but would have to compute a GCM.
        return;
    };
    assert_eq!(encoding, sent, "not answered in kind");
    let opened = envelope::open_response(&secret(), body, encoding, NONCE)
        .unwrap_or_else(|error| unreachable!("a reply that does not open: {error}"));
    assert_eq!(opened.timestamp(), NOW);
    told(opened.payload(), true);
    if endpoint == Endpoint::TokenGenerate {
        identity(&object(opened.payload()));
    }
}

/// What generate gives is an identity that the core reads.
fn identity(answer: &Map<String, Value>) {
    if answer
        .get("status")
        .is_some_and(|status| status == "success")
    {
        let body = answer.get("body").map(Value::to_string).unwrap_or_default();
        let identity = Identity::from_json(body.as_bytes())
            .unwrap_or_else(|error| unreachable!("no identity: {error}"));
        assert!(identity.refresh_response_key().is_some());
        assert!(NOW < identity.refresh_from());
        assert!(identity.refresh_from() < identity.identity_expires());
        assert!(identity.identity_expires() < identity.refresh_expires());
    }
}
