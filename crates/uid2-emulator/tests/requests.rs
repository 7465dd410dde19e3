//! What an operator remembers of requests, and what it takes for a hash.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use bytes::Bytes;
use common::{KEY, NOW, PUBLISHER_KEY, PUBLISHER_SECRET, World, assert_error, email, post};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::json;
use uid2_core::envelope::Encoding;
use uid2_emulator::{Delivery, Endpoint, Fault, Operator, RequestRecord};

const GENERATE: &str = "/v2/token/generate";

fn last(world: &World) -> RequestRecord {
    world.operator.recent_requests().pop().unwrap()
}

#[test]
fn what_is_remembered() {
    let mut world = World::new();
    let identity = world.establish(&email("user@example.com"));
    let record = last(&world);
    assert_eq!(record.at, NOW);
    assert_eq!(record.endpoint, Endpoint::TokenGenerate);
    assert_eq!(record.client.as_deref(), Some("Special"));
    assert_eq!(record.site_id, Some(999));
    assert_eq!(record.http_status, Some(200));
    assert_eq!(record.status, Some("success"));
    assert_eq!(record.encoding, Some(Encoding::Text));
    assert!(record.client_version.is_some(), "uid2-core says who it is");
    assert_eq!(record.fault, None);

    world.refresh(&identity).unwrap();
    let record = last(&world);
    assert_eq!(record.endpoint, Endpoint::TokenRefresh);
    assert_eq!(
        (record.site_id, record.status),
        (Some(999), Some("success"))
    );

    world.operator.opt_out(&email("user@example.com"), NOW);
    world.refresh(&identity).unwrap();
    assert_eq!(last(&world).status, Some("optout"));

    let (path, json) = (GENERATE, "{}");
    world.ask_as(path, json, PUBLISHER_KEY, PUBLISHER_SECRET);
    let record = last(&world);
    assert_eq!(record.client.as_deref(), Some("Publisher"));
    assert_eq!(record.http_status, Some(400));
    assert_eq!(record.status, Some("client_error"));

    // A stranger, a wrong role, an unknown path.
    world.send(post(path, Some("stranger"), ""));
    let record = last(&world);
    assert_eq!((record.client, record.status), (None, Some("unauthorized")));
    world.ask_as("/v3/identity/map", "{}", PUBLISHER_KEY, PUBLISHER_SECRET);
    assert_eq!(last(&world).http_status, Some(401));
    world.send(post("/user@example.com", None, ""));
    let record = last(&world);
    assert_eq!(record.endpoint, Endpoint::Unknown);
    assert_eq!((record.http_status, record.status), (Some(404), None));
    assert_eq!(world.operator.recent_requests().len(), 7);
}

#[test]
fn binary_is_told_from_text() {
    let mut world = World::new().binary();
    world.establish(&email("user@example.com"));
    assert_eq!(last(&world).encoding, Some(Encoding::Binary));
}

#[test]
fn faults_are_remembered() {
    let operator = Operator::new(uid2_emulator::Config::default());
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    for (text, http_status) in [
        ("status=503, body=html", Some(503)),
        ("drop", None),
        ("reset", None),
        ("corrupt", Some(401)),
    ] {
        let fault: Fault = text.parse().unwrap();
        let delivery = operator.handle_with(post(GENERATE, None, ""), NOW, &fault, &mut rng);
        let was_reset = matches!(delivery, Delivery::Reset);
        let record = operator.recent_requests().pop().unwrap();
        assert_eq!(record.fault.as_deref(), Some(text));
        assert_eq!(record.http_status, http_status);
        assert_eq!(was_reset, http_status.is_none());
    }
    let too_long = http::Request::post(GENERATE).body(()).unwrap();
    assert_eq!(operator.refuse_too_long(&too_long, NOW).status(), 413);
    assert_eq!(
        operator.recent_requests().pop().unwrap().http_status,
        Some(413)
    );
}

#[test]
fn nothing_of_people_or_secrets_is_remembered() {
    let mut world = World::new();
    let identity = world.establish(&email("user@example.com"));
    world.refresh(&identity).unwrap();
    let request = http::Request::post("/v2/token/generate?email=user@example.com")
        .header("authorization", format!("Bearer {KEY}"))
        .header("x-uid2-client-version", "user@example.com")
        .body(Bytes::from_static(b"user@example.com"))
        .unwrap();
    world.send(request);
    let shown = format!("{:?}", world.operator.recent_requests());
    for secret in [
        "user",
        "tMmiiTI7",
        "fCXrM",
        identity.advertising_token().as_str(),
        &identity.refresh_token().expose()[..8],
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn the_last_thousand_are_remembered() {
    let mut world = World::new();
    for _ in 0..Operator::REMEMBERED + 10 {
        world.send(post("/", None, ""));
    }
    assert_eq!(world.operator.recent_requests().len(), Operator::REMEMBERED);
    assert_eq!(world.operator.total_requests(), 1010);
}

/// As the service does (protocol, section 1): what its decoder takes.
#[test]
fn hashes_of_44_characters_are_taken_loosely() {
    let mut world = World::new();
    let canonical = "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=";
    let trailing_bits = canonical.replace("RQ=", "RR=");
    let longer = canonical.replace('=', "A");
    let shorter = canonical.replace("Q=", "==");
    let uid = |world: &mut World, hash: &str| {
        let json = json!({"email_hash": [hash]}).to_string();
        let reply = world.ask_json("/v2/identity/map", &json);
        reply["body"]["mapped"][0]["advertising_id"].clone()
    };
    let usual = uid(&mut world, canonical);
    assert!(usual.is_string());
    assert_eq!(uid(&mut world, &trailing_bits), usual);
    for hash in [&longer, &shorter] {
        let other = uid(&mut world, hash);
        assert!(other.is_string() && other != usual, "{hash}");
        let json = json!({ "phone_hash": hash }).to_string();
        assert_eq!(world.ask(GENERATE, &json).status(), 200);
    }
    for hash in [
        &canonical[..43],
        "!",
        &canonical.replace('/', "_"),
        &format!("{canonical}A"),
    ] {
        let json = json!({ "email_hash": hash }).to_string();
        let response = world.ask(GENERATE, &json);
        assert_error(&response, 400, "client_error", "Invalid Identifier");
    }
    // Opting out goes by the same reading.
    let json = json!({ "email_hash": longer }).to_string();
    assert_eq!(world.ask("/v2/token/logout", &json).status(), 200);
    let reply = world.ask_json(GENERATE, &json);
    assert_eq!(reply["status"], "optout");
}
