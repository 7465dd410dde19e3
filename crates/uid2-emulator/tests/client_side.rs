//! The client-side integration (protocol, section 10), with the shared vectors.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use bytes::Bytes;
use common::{World, assert_error, email, seen};
use http::{Request, Response};
use serde_json::{Value, json};
use uid2_core::envelope::{self, Encoding};
use uid2_core::operation::RefreshOutcome;
use uid2_core::{Dii, Identity, ResponseKey};
use uid2_emulator::{Config, Keypair, Site};
use uid2_token::{Advertising, TokenKey};

const PATH: &str = "/v2/token/client-generate";

fn vector() -> Value {
    let all = include_str!("../../uid2-core/tests/vectors/envelope.json");
    let all: Vec<Value> = serde_json::from_str(all).unwrap();
    let of_class = |v: &&Value| v["class"] == "cstg_request";
    all.iter().find(of_class).unwrap().clone()
}

fn send(world: &mut World, body: &str, origin: Option<&str>) -> Response<Bytes> {
    let mut request = Request::post(PATH);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    world.send(
        request
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap(),
    )
}

fn open(response: &Response<Bytes>) -> Value {
    assert_eq!(response.status(), 200, "{:?}", response.body());
    assert!(!response.headers().contains_key("content-type"));
    let key = ResponseKey::parse(vector()["key_b64"].as_str().unwrap()).unwrap();
    let payload = envelope::open_refresh_response(&key, response.body(), Encoding::Text).unwrap();
    serde_json::from_slice(payload.as_bytes()).unwrap()
}

/// The request of the vector, with other members or without some.
fn altered(changes: &[(&str, Value)]) -> String {
    let mut request = vector()["request_json"].clone();
    for (name, value) in changes {
        match value {
            Value::Null => {
                request.as_object_mut().unwrap().remove(*name);
            }
            value => request[*name] = value.clone(),
        }
    }
    request.to_string()
}

#[test]
fn the_vectors_request_gives_an_identity_that_refreshes() {
    let mut world = World::new();
    let response = send(&mut world, &altered(&[]), None);
    let json = open(&response);
    assert_eq!(json["status"], "success");
    let identity = Identity::from_json(json["body"].to_string().as_bytes()).unwrap();
    assert!(matches!(
        world.refresh(&identity),
        Ok(RefreshOutcome::Success(_))
    ));
    let keys = world.ask_json("/v2/key/bidstream", "")["body"].clone();
    let ring = keys["keys"].as_array().unwrap().iter().map(|key| {
        let id = i32::try_from(key["id"].as_i64().unwrap()).unwrap();
        TokenKey::parse(id, key["secret"].as_str().unwrap()).unwrap()
    });
    let ring: Vec<TokenKey> = ring.collect();
    let token = identity.advertising_token().as_str();
    let token = Advertising::decode(token, uid2_core::Scope::Uid2, &ring).unwrap();
    assert_eq!(token.site_id, 123);
    assert!(token.privacy.is_client_side());
    let sites = json!([{"id": 123, "domain_names": ["localhost", "uidapi.com"]}]);
    assert_eq!(keys["site_data"], sites);
}

#[test]
fn opt_out_is_told() {
    let mut world = World::new();
    world.operator.opt_out(
        &Dii::email_hash("tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=").unwrap(),
        common::NOW,
    );
    assert!(world.operator.is_opted_out(&email("user@example.com")));
    let response = send(&mut world, &altered(&[]), None);
    assert_eq!(open(&response), json!({"status": "optout"}));
}

#[test]
fn what_is_wrong_in_order() {
    let mut world = World::new();
    let mut told = |body: &str, message: &str| {
        assert_error(&send(&mut world, body, None), 400, "client_error", message);
    };
    told("", "json payload expected but not found");
    told("{", "json payload is not valid");
    told("[]", "json payload is not valid");
    told("{}", "bad subscription_id");
    told(
        &altered(&[("subscription_id", json!("x"))]),
        "bad subscription_id",
    );
    for name in ["payload", "iv", "public_key"] {
        let message = "required parameters: payload, iv, public_key";
        told(&altered(&[(name, Value::Null)]), message);
    }
    told(&altered(&[("public_key", json!("AAAA"))]), "bad public key");
    told(&altered(&[("iv", json!("AAAA"))]), "bad iv");
    let failed = "payload decryption failed";
    told(&altered(&[("payload", json!("AAAA"))]), failed);
    told(&altered(&[("iv", json!("AAAAAAAAAAAAAAAA"))]), failed);
    told(&altered(&[("timestamp", json!(1))]), failed);
    // The name is authenticated as it was written.
    told(
        &altered(&[("app_name", json!("COM.123.game.app.ANDROID"))]),
        failed,
    );

    let response = send(&mut world, &altered(&[("more", json!(1))]), None);
    let message = "Unknown error while handling client side token generate";
    assert_error(&response, 500, "unknown", message);
}

#[test]
fn where_it_may_come_from() {
    let mut world = World::new();
    let body = altered(&[("app_name", json!("com.evil"))]);
    let response = send(&mut world, &body, Some("https://uidapi.com"));
    assert_error(&response, 403, "invalid_app_name", "unexpected app name");
    let body = altered(&[("app_name", Value::Null)]);
    for origin in [None, Some("https://evil.example")] {
        let response = send(&mut world, &body, origin);
        let message = "unexpected http origin";
        assert_error(&response, 403, "invalid_http_origin", message);
    }
    // From here on it is the seal that does not fit, for it names the app.
    let response = send(&mut world, &body, Some("https://www.uidapi.com"));
    assert_error(&response, 400, "client_error", "payload decryption failed");
}

#[test]
fn it_can_be_disabled_and_switched_off() {
    let keypairs: Vec<_> = Config::default().keypairs;
    let disabled = keypairs.into_iter().map(Keypair::disabled).collect();
    let mut world = World::with(Config {
        keypairs: disabled,
        ..Config::default()
    });
    let response = send(&mut world, &altered(&[]), None);
    assert_error(&response, 401, "unauthorized", "Unauthorized");
    let mut world = World::with(Config {
        keypairs: Vec::new(),
        ..Config::default()
    });
    assert_eq!(seen(&send(&mut world, &altered(&[]), None)).0, 404);
    let keys = world.ask_json("/v2/key/bidstream", "");
    assert!(keys["body"].get("site_data").is_none());
}

#[test]
fn a_file_configures_it() {
    let config = Config::from_toml(&format!(
        "sites = [{{ id = 5, domain_names = ['a.example'] }}]\n\
         keypairs = [{{ subscription_id = 'abc', site_id = 5, private_key = '{}' }}]",
        vector()["server_private_key"].as_str().unwrap()
    ))
    .unwrap();
    let site = Site {
        id: 5,
        domain_names: vec!["a.example".into()],
        app_names: Vec::new(),
    };
    assert_eq!(config.sites, [site]);
    assert_eq!(config.keypairs[0].subscription_id(), "abc");
    let wrong = Config::from_toml(
        "keypairs = [{ subscription_id = 'abc', site_id = 5, private_key = 'UID2-Y-L-secret' }]",
    );
    let shown = format!("{:?}", wrong.unwrap_err());
    assert!(
        shown.contains("abc") && !shown.contains("secret"),
        "{shown}"
    );
}
