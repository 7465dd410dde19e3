//! Identity map, buckets, opt-out status and keys (protocol, sections 11 and 12).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::Duration;

use common::{
    KEY, NOW, PUBLISHER_KEY, PUBLISHER_SECRET, SECRET, World, assert_error, email, open, post, seen,
};
use serde_json::{Value, json};
use uid2_core::{Scope, Timestamp};
use uid2_emulator::{Client, Config, Role, Roles};
use uid2_token::{Advertising, RawUid, RawUidVersion, TokenKey, Version};

const MAP_V2: &str = "/v2/identity/map";
const MAP_V3: &str = "/v3/identity/map";
const BUCKETS: &str = "/v2/identity/buckets";
const STATUS: &str = "/v2/optout/status";
const SHARING: &str = "/v2/key/sharing";
const BIDSTREAM: &str = "/v2/key/bidstream";
const LATEST: &str = "/v2/key/latest";
const DAY: Duration = Duration::from_secs(86_400);

fn raw_uid(world: &mut World, address: &str) -> String {
    let json = json!({"email": [address]}).to_string();
    let reply = world.ask_json(MAP_V2, &json);
    reply["body"]["mapped"][0]["advertising_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn map_v2_maps_in_order_and_says_why_not() {
    let mut world = World::new();
    let people = [
        "user@example.com",
        "not an address",
        "optout@example.com",
        "refresh-optout@example.com",
    ];
    let reply = world.ask_json(MAP_V2, &json!({ "email": people }).to_string());
    let body = &reply["body"];
    assert_eq!(reply["status"], "success");
    assert_eq!(
        body["unmapped"],
        json!([
            {"identifier": "not an address", "reason": "invalid identifier"},
            {"identifier": "optout@example.com", "reason": "optout"},
        ])
    );
    let mapped = body["mapped"].as_array().unwrap();
    assert_eq!(mapped.len(), 2);
    assert_eq!(mapped[0]["identifier"], "user@example.com");
    assert_eq!(mapped[1]["identifier"], "refresh-optout@example.com");
    for item in mapped {
        let bucket = item["bucket_id"].as_str().unwrap();
        assert!(bucket.starts_with('b') && bucket.len() == 10, "{bucket}");
    }
    // By hash it is the same person, and nobody unmapped is not mentioned.
    let hash = json!({"email_hash": ["tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ="]});
    let reply = world.ask_json(MAP_V2, &hash.to_string());
    let by_hash = &reply["body"]["mapped"][0];
    assert_eq!(by_hash["advertising_id"], mapped[0]["advertising_id"]);
    assert!(reply["body"].get("unmapped").is_none());
}

/// user@example.com falls into bucket 2 of 5, which has a key: version 4.
#[test]
fn raw_uids_are_those_inside_tokens() {
    for v3 in [false, true] {
        let mut world = World::with(Config {
            raw_uid_v3: v3,
            ..Config::default()
        });
        let mut versions = Vec::new();
        for n in 0..20 {
            let address = format!("user-{n}@example.com");
            let uid = RawUid::parse(&raw_uid(&mut world, &address)).unwrap();
            versions.push(uid.version());
            let identity = world.establish(&email(&address));
            let token = identity.advertising_token().as_str();
            let token = Advertising::decode(token, Scope::Uid2, &keys(&mut world, BIDSTREAM));
            assert_eq!(token.unwrap().raw_uid, uid);
        }
        let salted = if v3 {
            RawUidVersion::V3
        } else {
            RawUidVersion::V2
        };
        assert!(versions.contains(&salted) && versions.contains(&RawUidVersion::V4));
    }
    let uid = raw_uid(&mut World::new(), "user@example.com");
    let uid = RawUid::parse(&uid).unwrap();
    assert_eq!(uid.version(), RawUidVersion::V4);
}

#[test]
fn map_v2_says_what_is_wrong() {
    const ONE: &str = "Required Parameter Missing: exactly one of \
        [email, email_hash, phone, phone_hash] must be specified";
    let mut world = World::new();
    for json in [
        "{}",
        r#"{"email":null}"#,
        r#"{"email":["a@b.c"],"phone":["+12345678901"]}"#,
    ] {
        assert_error(&world.ask(MAP_V2, json), 400, "client_error", ONE);
    }
    let response = world.ask(MAP_V2, r#"{"email":"a@b.c"}"#);
    assert_error(&response, 400, "client_error", "email must be an array");
    let response = world.ask(MAP_V2, "");
    let message = "Unknown error while mapping identity v2";
    assert_error(&response, 500, "unknown", message);
    let empty = world.ask_json(MAP_V2, r#"{"email":[],"phone":[]}"#);
    assert_eq!(empty, json!({"body": {"mapped": []}, "status": "success"}));
    let response = World::euid().ask(MAP_V2, r#"{"phone":["+12345678901"]}"#);
    let message =
        "Required Parameter Missing: exactly one of email or email_hash must be specified";
    assert_error(&response, 400, "client_error", message);
}

#[test]
fn map_v3_answers_all_four_kinds_in_order() {
    let mut world = World::new();
    let reply = world.ask_json(
        MAP_V3,
        &json!({
            "email": ["optout@example.com", "user@example.com", "no"],
            "phone": ["+12345678901"],
            "phone_hash": null,
        })
        .to_string(),
    );
    let body = &reply["body"];
    assert_eq!(body["email"][0], json!({"e": "optout"}));
    assert_eq!(body["email"][2], json!({"e": "invalid identifier"}));
    let uid = raw_uid(&mut world, "user@example.com");
    let item = &body["email"][1];
    assert_eq!((&item["u"], &item["p"]), (&json!(uid), &Value::Null));
    // The salts are older than a year: the next midnight, in seconds.
    let midnight = (NOW.as_millis() / 86_400_000 + 1) * 86_400;
    assert_eq!(item["r"], midnight);
    assert!(body["phone"][0]["u"].is_string());
    assert_eq!(
        (&body["email_hash"], &body["phone_hash"]),
        (&json!([]), &json!([]))
    );
}

#[test]
fn map_v3_says_what_is_wrong() {
    let missing =
        |kinds| format!("Required Parameter Missing: one or more of [{kinds}] must be specified");
    for (mut world, kinds) in [
        (World::new(), "email, email_hash, phone, phone_hash"),
        (World::euid(), "email, email_hash"),
    ] {
        for json in ["", "{}"] {
            assert_error(
                &world.ask(MAP_V3, json),
                400,
                "client_error",
                &missing(kinds),
            );
        }
    }
    for json in [
        r#"{"email":[null]}"#,
        r#"{"email":"a@b.c"}"#,
        r#"{"email":[["a@b.c"]]}"#,
        r#"{"email":["a@b.c"],"other":[]}"#,
    ] {
        let response = World::new().ask(MAP_V3, json);
        assert_error(&response, 400, "client_error", "Incorrect request format");
    }
}

#[test]
fn salts_rotate_and_the_previous_raw_uid_is_told_for_ninety_days() {
    let mut world = World::new();
    let before = raw_uid(&mut world, "user@example.com");
    let identity = world.establish(&email("user@example.com"));
    world.operator.rotate_salts(world.now);
    let after = raw_uid(&mut world, "user@example.com");
    assert_ne!(before, after);
    let request = r#"{"email":["user@example.com"]}"#;
    let item = world.ask_json(MAP_V3, request)["body"]["email"][0].clone();
    assert_eq!(item["u"], after);
    assert_eq!(item["p"], before);
    let in_a_year = NOW.saturating_add(DAY * 365).as_millis() / 1000;
    assert_eq!(item["r"], in_a_year);
    world.pass(DAY * 90 - Duration::from_millis(1));
    let p = |world: &mut World| world.ask_json(MAP_V3, request)["body"]["email"][0]["p"].clone();
    assert_eq!(p(&mut world), before);
    world.pass(Duration::from_millis(1));
    assert_eq!(p(&mut world), Value::Null);
    // A token made before is of nobody any more, as with the service.
    let token = identity.advertising_token().as_str();
    let outcome = world.validate(token, &email("user@example.com"));
    assert_eq!(outcome, Ok(uid2_core::operation::ValidateOutcome::NoMatch));
}

#[test]
fn buckets_are_told_when_changed() {
    let mut world = World::new();
    let ask = |since: &str| json!({ "since_timestamp": since }).to_string();
    let reply = world.ask_json(BUCKETS, &ask("2021-01-01T00:00:00"));
    assert_eq!(reply["body"], json!([]));
    world.operator.rotate_salts(NOW);
    let reply = world.ask_json(BUCKETS, &ask("2021-01-01T00:00:00"));
    let buckets = reply["body"].as_array().unwrap();
    assert_eq!(buckets.len(), 5);
    for bucket in buckets {
        assert_eq!(bucket["last_updated"], "2023-11-14T22:13:20.000");
    }
    // Strictly after.
    let reply = world.ask_json(BUCKETS, &ask("2023-11-14T22:13:20.000"));
    assert_eq!(reply["body"], json!([]));
    let request = r#"{"email":["user@example.com"]}"#;
    let mapped = world.ask_json(MAP_V2, request)["body"]["mapped"][0].clone();
    assert!(
        buckets
            .iter()
            .any(|b| b["bucket_id"] == mapped["bucket_id"])
    );

    let missing = "missing parameter since_timestamp";
    assert_error(&world.ask(BUCKETS, "{}"), 400, "client_error", missing);
    let invalid = "invalid date, must conform to ISO 8601";
    let response = world.ask(BUCKETS, &ask("yesterday"));
    assert_error(&response, 400, "client_error", invalid);
    let response = world.ask(BUCKETS, "");
    assert_eq!(seen(&response), (500, None, "Internal Server Error"));
}

#[test]
fn opt_out_status_knows_raw_uids() {
    let mut world = World::new();
    let (stays, leaves) = (
        raw_uid(&mut world, "stays@example.com"),
        raw_uid(&mut world, "leaves@example.com"),
    );
    world.operator.opt_out(&email("leaves@example.com"), NOW);
    let ask = json!({"advertising_ids": [stays, leaves, "AAAA", 5]}).to_string();
    let reply = world.ask_json(STATUS, &ask);
    let expected = json!([{"advertising_id": leaves, "opted_out_since": NOW.as_millis()}]);
    assert_eq!(reply["body"]["opted_out"], expected);

    let many = |n| json!({"advertising_ids": vec!["x"; n]}).to_string();
    assert_eq!(world.ask(STATUS, &many(5000)).status(), 200);
    for (json, message) in [
        ("", "Invalid request body"),
        ("{}", "Required Parameter Missing: advertising_ids"),
        (&many(5001), "Request payload is too large"),
    ] {
        assert_error(&world.ask(STATUS, json), 400, "client_error", message);
    }
    let response = world.ask(STATUS, r#"{"advertising_ids":"x"}"#);
    let message = "Unknown error while getting optout status";
    assert_error(&response, 500, "unknown", message);
}

/// The keys of a reply, to read with.
fn keys(world: &mut World, path: &str) -> Vec<TokenKey> {
    let reply = world.ask_json(path, "");
    let keys = reply["body"].get("keys").unwrap_or(&reply["body"]);
    let key = |key: &Value| {
        let id = i32::try_from(key["id"].as_i64().unwrap()).unwrap();
        TokenKey::parse(id, key["secret"].as_str().unwrap()).unwrap()
    };
    keys.as_array().unwrap().iter().map(key).collect()
}

#[test]
fn keys_read_tokens_before_and_after_a_rotation() {
    let mut world = World::new();
    let person = email("user@example.com");
    let before = world.establish(&person);
    let old = keys(&mut world, BIDSTREAM);
    world.operator.rotate_keys(world.now);
    let after = world.establish(&person);
    let new = keys(&mut world, BIDSTREAM);
    assert_eq!(new[..old.len()], old, "sorted by number, not by activation");
    assert!(new.len() > old.len());
    let read = |identity: &uid2_core::Identity, keys: &Vec<TokenKey>| {
        Advertising::decode(identity.advertising_token().as_str(), Scope::Uid2, keys)
    };
    assert!(read(&after, &old).is_err());
    for identity in [&before, &after] {
        assert_eq!(read(identity, &new).unwrap().site_id, 999);
    }
    // The refresh token of before is still good.
    world.refresh(&before).unwrap();
}

#[test]
fn what_is_told_about_keys() {
    let mut world = World::new();
    let sharing = world.ask_json(SHARING, "")["body"].clone();
    assert_eq!(sharing["caller_site_id"], 999);
    assert_eq!(sharing["master_keyset_id"], 9_999_999);
    assert_eq!(sharing["default_keyset_id"], 999);
    assert_eq!(sharing["token_expiry_seconds"], "2592000");
    assert_eq!(sharing["max_sharing_lifetime_seconds"], 2_592_010);
    assert_eq!(sharing["identity_scope"], "UID2");
    assert_eq!(sharing["allow_clock_skew_seconds"], 1800);
    let keys = sharing["keys"].as_array().unwrap();
    for key in keys {
        let keyset = key.get("keyset_id").and_then(Value::as_i64);
        assert!(matches!(keyset, None | Some(999 | 9_999_999)), "{keyset:?}");
        assert!(key["activates"].as_i64().unwrap() < NOW.as_millis() / 1000);
        assert!(key["expires"].as_i64().unwrap() > i64::from(u32::MAX / 2));
    }
    let with = |id| keys.iter().filter(|key| key["keyset_id"] == id).count();
    assert_eq!((with(999), with(9_999_999)), (1, 1));
    assert!(keys.len() > 2);

    let bidstream = world.ask_json(BIDSTREAM, "{}")["body"].clone();
    assert_eq!(bidstream["max_bidstream_lifetime_seconds"], 3610);
    assert!(bidstream.get("caller_site_id").is_none());
    for key in bidstream["keys"].as_array().unwrap() {
        assert!(key.get("keyset_id").is_none() && key.get("site_id").is_none());
    }
    let latest = world.ask_json(LATEST, "")["body"].clone();
    let sites: Vec<_> = latest
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["site_id"])
        .collect();
    assert!(sites.contains(&&json!(-1)) && sites.contains(&&json!(999)));
    assert!(
        !sites.contains(&&json!(-2)),
        "refresh keys are seen by nobody"
    );
    let euid = World::euid().ask_json(BIDSTREAM, "")["body"].clone();
    assert_eq!(euid["identity_scope"], "EUID");
}

#[test]
fn who_sees_which_keys() {
    let sharer = Client::new("sharer", 42, Roles::of(&[Role::Sharer]), KEY, SECRET).unwrap();
    let mut config = Config::default();
    config.clients[0] = sharer;
    config
        .clients
        .retain(|client| client.name() != "Special (Old)");
    let mut world = World::with(config);
    let body = world.ask_json(SHARING, "")["body"].clone();
    let sets: Vec<_> = body["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["keyset_id"])
        .collect();
    assert_eq!(sets, [&json!(9_999_999), &json!(42)]);
    let unauthorized = (
        401,
        Some("application/json"),
        r#"{"status":"unauthorized"}"#,
    );
    for path in [BIDSTREAM, LATEST] {
        assert_eq!(seen(&world.ask(path, "")), unauthorized);
    }
    let (response, _) = world.ask_as(SHARING, "", PUBLISHER_KEY, PUBLISHER_SECRET);
    assert_eq!(seen(&response), unauthorized);

    let reader = |site| Client::new("reader", site, Roles::of(&[Role::IdReader]), KEY, SECRET);
    let mut world = World::with(Config {
        clients: vec![reader(2).unwrap()],
        ..Config::default()
    });
    let message = "Unexpected client site id 2";
    assert_error(&world.ask(LATEST, ""), 401, "invalid_client", message);
    // A reader who does not share is not told how long shared tokens may live.
    let (response, nonce) = world.ask_as(SHARING, "", KEY, SECRET);
    let body = open(&response, SECRET, nonce)["body"].clone();
    assert!(body.get("max_sharing_lifetime_seconds").is_none());
}

/// What a sharer seals with its own key, a reader opens: as SDKs do.
#[test]
fn sharing_works_with_the_keys_told() {
    let mut world = World::new();
    let body = world.ask_json(SHARING, "")["body"].clone();
    let key_of = |keyset: i64| {
        let keys = body["keys"].as_array().unwrap();
        let key = keys.iter().find(|key| key["keyset_id"] == keyset).unwrap();
        let id = i32::try_from(key["id"].as_i64().unwrap()).unwrap();
        TokenKey::parse(id, key["secret"].as_str().unwrap()).unwrap()
    };
    let uid = raw_uid(&mut world, "user@example.com");
    let uid = RawUid::parse(&uid).unwrap();
    let expires = NOW.saturating_add(DAY * 30);
    let token = Advertising::new(uid.clone(), 999, NOW, expires);
    let mut rng = <rand_chacha::ChaCha20Rng as rand_core::SeedableRng>::from_seed([1; 32]);
    let text = token.encode(Version::V4, &key_of(9_999_999), &key_of(999), &mut rng);
    let read = Advertising::decode(&text, Scope::Uid2, &keys(&mut world, SHARING)).unwrap();
    assert_eq!(read.raw_uid, uid);
    read.check(
        NOW,
        Duration::from_secs(2_592_010),
        Duration::from_secs(1800),
    )
    .unwrap();
    assert!(read.check(Timestamp::MAX, DAY, DAY).is_err());
}

#[test]
fn mappers_need_their_role() {
    let mut world = World::new();
    for path in [MAP_V2, MAP_V3, BUCKETS, STATUS] {
        let (response, _) = world.ask_as(path, "{}", PUBLISHER_KEY, PUBLISHER_SECRET);
        assert_eq!(response.status(), 401, "{path}");
        assert_eq!(world.send(post(path, None, "")).status(), 401);
    }
}
