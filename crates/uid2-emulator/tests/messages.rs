//! Statuses, messages and their order, word for word (protocol, sections 2 to 9).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use common::{
    KEY, NOW, PUBLISHER_KEY, PUBLISHER_SECRET, SECRET, World, assert_error, email, post, seen,
};
use http::{Request, Response};
use uid2_core::envelope::{self, Encoding, Nonce};
use uid2_core::{Identity, Timestamp};
use uid2_emulator::Config;

const GENERATE: &str = "/v2/token/generate";
const REFRESH: &str = "/v2/token/refresh";
const VALIDATE: &str = "/v2/token/validate";
const LOGOUT: &str = "/v2/token/logout";
const DOCS: &str = "https://unifiedid.com/docs/getting-started/gs-encryption-decryption";

fn envelope_error(response: &Response<Bytes>, what: &str) {
    let message =
        format!("Invalid body: {what} See {DOCS} for details on the request envelope format.");
    assert_error(response, 400, "client_error", &message);
}

#[test]
fn too_long_comes_before_unauthorized_comes_before_the_envelope() {
    let mut world = World::new();
    let long = Bytes::from(vec![b'A'; (1 << 20) + 1]);
    for path in [GENERATE, REFRESH, VALIDATE, LOGOUT] {
        let response = world.send(post(path, None, long.clone()));
        assert_eq!(seen(&response), (413, None, "Request Too Long"));
    }
    // The largest that is read.
    let response = world.send(post(GENERATE, None, long.slice(1..)));
    assert_eq!(response.status(), 401);
    let response = world.send(post("/nowhere", None, long));
    assert_eq!(response.status(), 404);
}

#[test]
fn unauthorized_says_nothing_more() {
    let mut world = World::new();
    let json = (
        401,
        Some("application/json"),
        r#"{"status":"unauthorized"}"#,
    );
    for path in [GENERATE, VALIDATE, LOGOUT] {
        assert_eq!(seen(&world.send(post(path, None, "anything"))), json);
        for wrong in ["", "UID2-C-L-999-fCXrMM.", "Bearer", SECRET] {
            assert_eq!(seen(&world.send(post(path, Some(wrong), "anything"))), json);
        }
    }
    // The role is missing.
    assert_eq!(
        seen(&world.send(post(LOGOUT, Some(PUBLISHER_KEY), ""))),
        json
    );
    for scheme in ["Basic", "Bearerx", ""] {
        let request = Request::post(GENERATE)
            .header("authorization", format!("{scheme} {KEY}"))
            .body(Bytes::new())
            .unwrap();
        assert_eq!(seen(&world.send(request)), json);
    }
}

#[test]
fn the_scheme_is_read_generously() {
    let mut world = World::new();
    for value in [format!("bEARER {KEY}"), format!("  bearer   {KEY}  ")] {
        let request = Request::post(GENERATE)
            .header("authorization", value)
            .body(Bytes::new())
            .unwrap();
        assert_eq!(world.send(request).status(), 400);
    }
}

#[test]
fn what_is_wrong_with_an_envelope_in_order() {
    let mut world = World::new();
    let mut send = |body: &str| world.send(post(GENERATE, Some(KEY), body.to_owned()));

    let missing = "Invalid body: Body is missing.";
    assert_error(&send(""), 400, "client_error", missing);
    for not_base64 in ["!", "AAA AAA", "AAAA\n", "AAAA-_", "AAA==", "[1]"] {
        envelope_error(&send(not_base64), "Body is not valid base64.");
    }
    envelope_error(
        &send(&STANDARD.encode([1; 44])),
        "Body too short. Check encryption method.",
    );
    for (first, received) in [(0, "0"), (2, "2"), (0xFF, "-1")] {
        let mut bytes = [7; 45];
        bytes[0] = first;
        let what =
            format!("Invalid request envelope format version: received {received}, must be 1.");
        envelope_error(&send(&STANDARD.encode(bytes)), &what);
    }
    envelope_error(
        &send(&STANDARD.encode([1; 45])),
        "Check encryption key (ClientSecret).",
    );
}

#[test]
fn whoever_does_not_seal_at_all_is_told_so() {
    let mut world = World::new();
    let json = r#"{"email":"user@example.com","and":"something more to be long enough"}"#;
    let message = format!(
        "Invalid body: The request body is unencrypted JSON. It must be an encrypted request \
         envelope. See {DOCS}#encryption-and-decryption-code-examples for encryption and \
         decryption code examples."
    );
    for body in [
        json.to_owned(),
        "{}".into(),
        STANDARD.encode(json),
        STANDARD.encode("{}"),
    ] {
        for content_type in ["text/plain", "application/octet-stream"] {
            let mut request = post(GENERATE, Some(KEY), body.clone());
            let content_type = content_type.parse().unwrap();
            request.headers_mut().insert("content-type", content_type);
            assert_error(&world.send(request), 400, "client_error", &message);
        }
    }
    let response = World::euid().send(post(GENERATE, Some(KEY), json));
    assert!(
        seen(&response)
            .2
            .contains("https://euid.eu/docs/getting-started/")
    );
}

#[test]
fn drift_and_bad_json_come_last() {
    let mut world = World::new();
    let sealed = |payload: &str, now| {
        let secret = SECRET.parse().unwrap();
        let nonce = Nonce::from_bytes([7; 8]);
        let payload = payload.as_bytes();
        envelope::seal_request_with(&secret, payload, Encoding::Text, now, [7; 12], nonce)
    };
    let late = sealed(
        "not json",
        Timestamp::from_millis(NOW.as_millis() - 120_000),
    );
    let drift = "Invalid timestamp: Request too old or client time drift.";
    let response = world.send(post(GENERATE, Some(KEY), late));
    assert_error(&response, 400, "client_error", drift);
    for not_an_object in ["not json", "[1]", "\"text\"", "{", "{} {}"] {
        let body = sealed(not_an_object, NOW);
        let message = "Invalid payload in body: Data is not valid json string.";
        let response = world.send(post(GENERATE, Some(KEY), body));
        assert_error(&response, 400, "client_error", message);
    }
    // A replay inside the window works, base64 without its padding too.
    let request = sealed(r#"{"email":"user@example.com"}"#, NOW);
    let unpadded: Vec<u8> = request
        .iter()
        .copied()
        .filter(|byte| *byte != b'=')
        .collect();
    for body in [&request, &request, &unpadded] {
        let response = world.send(post(GENERATE, Some(KEY), body.clone()));
        assert_eq!(response.status(), 200);
    }
}

#[test]
fn binary_falls_back_to_text_and_answers_in_text() {
    let mut world = World::new();
    let json = br#"{"email":"user@example.com"}"#;
    for (encoding, content_type, answered) in [
        (
            Encoding::Binary,
            "application/octet-stream",
            "application/octet-stream",
        ),
        (
            Encoding::Binary,
            "APPLICATION/Octet-Stream",
            "application/octet-stream",
        ),
        (Encoding::Text, "application/octet-stream", "text/plain"),
        (
            Encoding::Text,
            "application/octet-stream; charset=utf-8",
            "text/plain",
        ),
        (Encoding::Text, "application/json", "text/plain"),
        (Encoding::Text, "multipart/form-data", "text/plain"),
    ] {
        let secret = SECRET.parse().unwrap();
        let nonce = Nonce::from_bytes([9; 8]);
        let body = envelope::seal_request_with(&secret, json, encoding, NOW, [9; 12], nonce);
        let mut request = post(GENERATE, Some(KEY), body);
        let headers = request.headers_mut();
        headers.insert("content-type", content_type.parse().unwrap());
        let response = world.send(request);
        assert_eq!(
            response.headers()["content-type"],
            answered,
            "{content_type}"
        );
        let answered = Encoding::from_content_type(answered).unwrap();
        let opened = envelope::open_response(&secret, response.body(), answered, nonce);
        assert!(
            opened
                .unwrap()
                .payload()
                .starts_with(br#"{"body":{"advertising_token":"#)
        );
    }
    // Really binary and corrupt: the fault of the bytes is told.
    let mut request = post(GENERATE, Some(KEY), vec![2; 64]);
    let octets = "application/octet-stream".parse().unwrap();
    request.headers_mut().insert("content-type", octets);
    let what = "Invalid request envelope format version: received 2, must be 1.";
    envelope_error(&world.send(request), what);
}

#[test]
fn generate_says_what_is_missing_or_wrong() {
    const MISSING: &str = "Required Parameter Missing: exactly one of \
        [email, email_hash, phone, phone_hash] must be specified";
    const MISSING_EUID: &str =
        "Required Parameter Missing: exactly one of email or email_hash must be specified";
    let none_or_two = [
        "",
        "{}",
        r#"{"email":null}"#,
        r#"{"Email":"user@example.com"}"#,
        r#"{"email":"user@example.com","phone":"+12345678901"}"#,
        r#"{"email":"user@example.com","email_hash":"x"}"#,
    ];
    for (mut world, paths, message) in [
        (World::new(), [GENERATE, VALIDATE], MISSING),
        (World::euid(), [GENERATE, VALIDATE], MISSING_EUID),
    ] {
        for path in paths {
            for json in &none_or_two[..4] {
                assert_error(&world.ask(path, json), 400, "client_error", message);
            }
        }
    }
    let mut world = World::new();
    for json in &none_or_two[4..] {
        assert_error(&world.ask(GENERATE, json), 400, "client_error", MISSING);
    }
    for invalid in [
        r#"{"email":""}"#,
        r#"{"email":"no at sign"}"#,
        r#"{"email":5}"#,
        r#"{"email":{"a":1}}"#,
        r#"{"email_hash":"short"}"#,
        r#"{"phone":"12345678901"}"#,
        r#"{"phone":12345678901}"#,
        r#"{"phone_hash":""}"#,
    ] {
        let response = world.ask(GENERATE, invalid);
        assert_error(&response, 400, "client_error", "Invalid Identifier");
    }
    // In EUID a phone number is as if it were not there.
    let json = r#"{"email":"user@example.com","phone":"+12345678901"}"#;
    assert_eq!(World::euid().ask(GENERATE, json).status(), 200);
}

#[test]
fn replies_have_the_services_keys_in_its_order() {
    let mut world = World::new();
    let (response, nonce) = world.ask_as(GENERATE, r#"{"email":"a@b.c","policy":1}"#, KEY, SECRET);
    let secret = SECRET.parse().unwrap();
    let opened = envelope::open_response(&secret, response.body(), Encoding::Text, nonce).unwrap();
    let json = std::str::from_utf8(opened.payload()).unwrap();
    let mut at = 0;
    for name in [
        r#"{"body":{"advertising_token":""#,
        r#","refresh_token":""#,
        r#","identity_expires":1700003600000"#,
        r#","refresh_expires":1700086400000"#,
        r#","refresh_from":1700000900000"#,
        r#","refresh_response_key":""#,
        r#""},"status":"success"}"#,
    ] {
        at += json[at..]
            .find(name)
            .unwrap_or_else(|| panic!("no {name} in {json}"));
    }
    let optout = world.ask_json(GENERATE, r#"{"email":"optout@example.com"}"#);
    assert_eq!(optout.to_string(), r#"{"status":"optout"}"#);
    let logout = world.ask_json(LOGOUT, r#"{"email":"a@b.c","clientIp":"1.2.3.4"}"#);
    assert_eq!(
        logout,
        serde_json::json!({"body":{"optout":"OK"},"status":"success"})
    );
}

#[test]
fn logout_says_what_is_wrong() {
    for json in ["", "{}", r#"{"email":"no at sign"}"#] {
        let response = World::new().ask(LOGOUT, json);
        assert_error(&response, 400, "invalid_token", "Invalid Token presented");
    }
    let mut world = World::with(Config {
        logout_backend: false,
        ..Config::default()
    });
    let response = world.ask(LOGOUT, r#"{"email":"a@b.c"}"#);
    assert_eq!(seen(&response), (500, None, "Internal Server Error"));
}

#[test]
fn validate_says_what_is_wrong() {
    let mut world = World::new();
    for json in [
        r#"{"email":"a@b.c"}"#,
        r#"{"email":"a@b.c","token":""}"#,
        r#"{"email":"a@b.c","token":"AAAA"}"#,
        r#"{"email":"a@b.c","token":null}"#,
    ] {
        assert_error(
            &world.ask(VALIDATE, json),
            400,
            "client_error",
            "Invalid token",
        );
    }
    let identity = world.establish(&email("a@b.c"));
    let token = identity.advertising_token().as_str();
    let json = format!(r#"{{"email":"a@b.c","token":"{token}"}}"#);
    let (response, _) = world.ask_as(VALIDATE, &json, PUBLISHER_KEY, PUBLISHER_SECRET);
    let message = "Unauthorised to validate token";
    assert_error(&response, 400, "client_error", message);
    let success = world.ask_json(VALIDATE, &json);
    assert_eq!(success, serde_json::json!({"body":true,"status":"success"}));
}

fn refresh_with(world: &mut World, key: Option<&str>, token: &str) -> Response<Bytes> {
    world.send(post(REFRESH, key, token.to_owned()))
}

fn established(world: &mut World) -> Identity {
    world.establish(&email("user@example.com"))
}

/// An outer token with another key number.
fn with_key_id(token: &str, id: i32) -> String {
    let mut bytes = STANDARD.decode(token).unwrap();
    bytes[1..5].copy_from_slice(&id.to_be_bytes());
    STANDARD.encode(bytes)
}

#[test]
fn what_is_wrong_with_an_outer_refresh_token_is_told_to_everybody() {
    let mut world = World::new();
    let good = established(&mut world).refresh_token().expose().to_owned();
    let mut altered = good.clone().into_bytes();
    altered[200] ^= 1;
    let altered = String::from_utf8(altered).unwrap();
    for key in [Some(KEY), None, Some("unknown")] {
        for (token, message) in [
            (" ".repeat(388), "Invalid body: Body is not valid base64."),
            (
                with_key_id(&good, 77),
                "Invalid key: Generator of this token (Key ID: 77) does not exist.",
            ),
            (
                with_key_id(&good, 101),
                "Invalid data: Check encryption method and encryption key.",
            ),
            (
                altered.clone(),
                "Invalid data: Check encryption method and encryption key.",
            ),
        ] {
            let response = refresh_with(&mut world, key, &token);
            assert_error(&response, 400, "client_error", message);
        }
        let response = refresh_with(&mut world, key, &good);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/plain");
    }
}

#[test]
fn what_is_wrong_inside_is_told_to_the_authenticated() {
    let mut world = World::new();
    let good = established(&mut world).refresh_token().expose().to_owned();
    let unauthenticated = ("error", "Error refreshing token");
    let invalid = ("invalid_token", "Invalid Token presented");
    for body in ["", "!", "AAAA", &"A".repeat(168), &good[1..]] {
        for (key, (status, message)) in [(Some(KEY), invalid), (None, unauthenticated)] {
            let response = refresh_with(&mut world, key, body);
            assert_error(&response, 400, status, message);
        }
    }
    // One byte, and an inner token that does not open, break the service.
    let broken = STANDARD.encode([&[3_u8, 112, 0, 0, 0, 102][..], &[0; 118]].concat());
    for body in ["AA==", &broken] {
        for key in [Some(KEY), None] {
            let response = refresh_with(&mut world, key, body);
            let message = "Unknown error while refreshing token v2";
            assert_error(&response, 500, "unknown", message);
        }
    }
    world.pass(core::time::Duration::from_secs(86_401));
    let expired = ("expired_token", "Expired Token presented");
    for (key, (status, message)) in [(Some(KEY), expired), (None, unauthenticated)] {
        let response = refresh_with(&mut world, key, &good);
        assert_error(&response, 400, status, message);
    }
}

#[test]
fn opt_out_is_told_to_everybody() {
    let mut world = World::new();
    let person = email("user@example.com");
    let identity = world.establish(&person);
    world.operator.opt_out(&person, NOW);
    for key in [Some(KEY), None] {
        let response = refresh_with(&mut world, key, identity.refresh_token().expose());
        assert_eq!(response.status(), 200);
        let key = identity.refresh_response_key().unwrap();
        let payload = envelope::open_refresh_response(key, response.body(), Encoding::Text);
        assert_eq!(payload.unwrap().as_bytes(), br#"{"status":"optout"}"#);
    }
}

/// An identity that is older than the service's own move is as if opted out.
#[test]
fn deprecated_identities_are_opted_out() {
    for (established, outcome) in [
        (1_615_222_799_999, "optout"),
        (1_615_222_800_000, "success"),
    ] {
        let mut world = World::new();
        world.now = Timestamp::from_millis(established);
        world.client_now = world.now;
        let identity = self::established(&mut world);
        let response = refresh_with(&mut world, None, identity.refresh_token().expose());
        let key = identity.refresh_response_key().unwrap();
        let payload = envelope::open_refresh_response(key, response.body(), Encoding::Text);
        let payload: serde_json::Value =
            serde_json::from_slice(payload.unwrap().as_bytes()).unwrap();
        assert_eq!(payload["status"], outcome);
    }
}

/// An inner token is what old clients hold: answered in the clear.
#[test]
fn inner_refresh_tokens_are_answered_in_plain_json() {
    use uid2_token::{OuterRefreshToken, TokenKey};
    let mut world = World::new();
    let identity = established(&mut world);
    let outer = identity.refresh_token().expose();
    // The test knows the seed, so it knows the key.
    let secret = {
        use sha2::{Digest, Sha256};
        let key = b"uid2-emulator key\0uid2-emulator\x00\x00\x00\x66";
        Sha256::digest(key).into()
    };
    let outer = OuterRefreshToken::decode(outer, &TokenKey::new(102, secret)).unwrap();
    assert_eq!(outer.inner().len(), 168);
    let response = refresh_with(&mut world, None, outer.inner());
    let (status, content_type, body) = seen(&response);
    assert_eq!((status, content_type), (200, Some("application/json")));
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(json["status"], "success");
    let next = Identity::from_json(json["body"].to_string().as_bytes()).unwrap();
    assert_eq!(next.refresh_token().expose().len(), 388);
}

#[test]
fn encryption_can_be_switched_off() {
    let mut world = World::with(Config {
        encryption: false,
        ..Config::default()
    });
    let response = world.send(post(GENERATE, Some(KEY), r#"{"email":"a@b.c"}"#));
    let (status, content_type, body) = seen(&response);
    assert_eq!((status, content_type), (200, Some("application/json")));
    assert!(body.starts_with(r#"{"body":{"advertising_token":"#));
    // And what was generated can be refreshed.
    let generated: serde_json::Value = serde_json::from_str(body).unwrap();
    let token = generated["body"]["refresh_token"].as_str().unwrap();
    assert_eq!(generated["body"].get("refresh_response_key"), None);
    let response = world.send(post(REFRESH, None, token.to_owned()));
    let (status, content_type, body) = seen(&response);
    assert_eq!((status, content_type), (200, Some("application/json")));
    assert!(body.contains(r#""status":"success""#));
}

/// Whatever is thrown at it, it answers.
#[test]
fn nothing_makes_it_panic() {
    use rand_core::{Rng, SeedableRng};
    let mut rng = rand_chacha::ChaCha20Rng::from_seed([42; 32]);
    let mut world = World::new();
    for _ in 0..2000 {
        let mut body = vec![0; (rng.next_u32() % 400) as usize];
        rng.fill_bytes(&mut body);
        for body in [body.clone(), STANDARD.encode(&body).into_bytes()] {
            for path in [GENERATE, REFRESH, VALIDATE, LOGOUT] {
                let status = world.send(post(path, Some(KEY), body.clone())).status();
                assert!(status == 400 || status == 500, "{status}");
            }
        }
    }
}
