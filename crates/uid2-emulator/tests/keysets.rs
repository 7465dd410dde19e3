//! Who sees whose keys, links of services, and what else a configuration says
//! of sites.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::{KEY, SECRET, World, assert_error, email, open};
use serde_json::{Value, json};
use uid2_core::Scope;
use uid2_emulator::{Client, Config, ConfigError, Keyset, Role, Roles, Site};
use uid2_token::{Advertising, TokenKey};

const SHARING: &str = "/v2/key/sharing";
const LATEST: &str = "/v2/key/latest";
/// Another client, of site 123 and with the role `ID_READER` alone.
const READER: (&str, &str) = (
    "UID2-C-L-123-t32pCM.5NCX1E94UgOd2f8zhsKmxzCoyhXohHYSSWR8U=",
    "FsD4bvtjMkeTonx6HvQp6u0EiI1ApGH4pIZzZ5P7UcQ=",
);

/// Client 1 has site 999 and these roles; client 2 is the reader.
fn world(roles: &[Role], config: Config) -> World {
    let own = Client::new("own", 999, Roles::of(roles), KEY, SECRET).unwrap();
    let reader = Client::new("r", 123, Roles::of(&[Role::IdReader]), READER.0, READER.1).unwrap();
    World::with(Config {
        clients: vec![own, reader],
        ..config
    })
}

fn sharing(world: &mut World, (key, secret): (&str, &str)) -> Value {
    let (response, nonce) = world.ask_as(SHARING, "", key, secret);
    open(&response, secret, nonce)["body"].clone()
}

/// The sites of the keys that the reader sees; -1 is the master's.
fn sites_seen_by_reader(world: &mut World) -> Vec<i64> {
    let (response, nonce) = world.ask_as(LATEST, "", READER.0, READER.1);
    let body = open(&response, READER.1, nonce)["body"].clone();
    let keys = body.as_array().unwrap();
    keys.iter()
        .map(|key| key["site_id"].as_i64().unwrap())
        .collect()
}

#[test]
fn a_list_says_who_may_see_keys() {
    let with = |allowed: Option<Vec<i32>>| {
        let keyset = Keyset {
            allowed_sites: allowed,
            ..Keyset::new(70, 999)
        };
        let keysets = vec![keyset];
        world(
            &Role::ALL,
            Config {
                keysets,
                ..Config::default()
            },
        )
    };
    assert_eq!(sites_seen_by_reader(&mut with(None)), [-1, 2, 999, 123]);
    let mut allowed = with(Some(vec![5, 123]));
    assert_eq!(sites_seen_by_reader(&mut allowed), [-1, 2, 999, 123]);
    for list in [vec![], vec![5]] {
        assert_eq!(sites_seen_by_reader(&mut with(Some(list))), [-1, 2, 123]);
    }
}

#[test]
fn a_list_lets_sharers_see_keys_that_do_not_read_tokens() {
    let keysets = vec![
        Keyset {
            allowed_sites: Some(vec![999]),
            ..Keyset::new(70, 123)
        },
        Keyset::new(71, 55),
    ];
    let config = Config {
        keysets,
        ..Config::default()
    };
    let mut world = world(&[Role::Sharer], config);
    let body = sharing(&mut world, (KEY, SECRET));
    let keys = body["keys"].as_array().unwrap();
    // Master, site 123 to read with only, its own to seal with.
    let keysets: Vec<_> = keys
        .iter()
        .map(|key| key.get("keyset_id").cloned())
        .collect();
    assert_eq!(keysets, [Some(json!(9_999_999)), None, Some(json!(999))]);
}

#[test]
fn a_site_may_have_several_keysets() {
    let keysets = vec![Keyset::new(80, 999), Keyset::new(81, 999)];
    let config = Config {
        keysets,
        ..Config::default()
    };
    let mut world = world(&Role::ALL, config);
    let body = sharing(&mut world, (KEY, SECRET));
    assert_eq!(body["default_keyset_id"], 80);
    let own = |key: &&Value| matches!(key["keyset_id"].as_i64(), Some(80 | 81));
    assert_eq!(
        body["keys"].as_array().unwrap().iter().filter(own).count(),
        2
    );
    let identity = world.establish(&email("user@example.com"));
    let key = |key: &Value| {
        let id = i32::try_from(key["id"].as_i64().unwrap()).unwrap();
        TokenKey::parse(id, key["secret"].as_str().unwrap()).unwrap()
    };
    // Sealed with the first one's: without the second, it still opens.
    let all = body["keys"].as_array().unwrap();
    let keys: Vec<_> = all
        .iter()
        .filter(|key| key["keyset_id"] != 81)
        .map(key)
        .collect();
    let token = identity.advertising_token().as_str();
    assert_eq!(
        Advertising::decode(token, Scope::Uid2, &keys)
            .unwrap()
            .site_id,
        999
    );
}

#[test]
fn a_disabled_keyset_is_hidden_and_not_sealed_with() {
    let keyset = Keyset {
        disabled: true,
        ..Keyset::new(80, 999)
    };
    let config = Config {
        keysets: vec![keyset],
        ..Config::default()
    };
    let mut world = world(&Role::ALL, config);
    let body = sharing(&mut world, (KEY, SECRET));
    assert!(body.get("default_keyset_id").is_none());
    assert_eq!(sites_seen_by_reader(&mut world), [-1, 2, 123]);
    // The fallback's key, which readers see, opens its tokens.
    let key = |key: &Value| {
        let id = i32::try_from(key["id"].as_i64().unwrap()).unwrap();
        TokenKey::parse(id, key["secret"].as_str().unwrap()).unwrap()
    };
    let keys: Vec<_> = body["keys"].as_array().unwrap().iter().map(key).collect();
    let identity = world.establish(&email("user@example.com"));
    let token = identity.advertising_token().as_str();
    assert_eq!(
        Advertising::decode(token, Scope::Uid2, &keys)
            .unwrap()
            .site_id,
        999
    );
}

#[test]
fn numbers_that_are_taken_are_passed_over() {
    let keysets = vec![Keyset::new(123, 999)];
    let config = Config {
        keysets,
        ..Config::default()
    };
    let mut world = world(&Role::ALL, config);
    let default = |world: &mut World, who| sharing(world, who)["default_keyset_id"].clone();
    assert_eq!(default(&mut world, (KEY, SECRET)), 123);
    assert_eq!(default(&mut world, READER), 124);
}

#[test]
fn sites_are_told_with_the_keys_that_are_seen() {
    let site = |id, domains: &[&str], apps: &[&str]| Site {
        id,
        domain_names: domains.iter().map(|name| (*name).into()).collect(),
        app_names: apps.iter().map(|name| (*name).into()).collect(),
    };
    let told = |tell_app_names| {
        let sites = vec![
            site(999, &["z.example", "a.example"], &["m.app"]),
            site(123, &[], &["only.app"]),
            site(777, &["unseen.example"], &[]),
        ];
        let config = Config {
            sites,
            tell_app_names,
            ..Config::default()
        };
        sharing(&mut world(&Role::ALL, config), (KEY, SECRET))["site_data"].clone()
    };
    let domains = json!([{"id": 999, "domain_names": ["a.example", "z.example"]}]);
    assert_eq!(told(false), domains);
    let with_apps = json!([
        {"id": 123, "domain_names": ["only.app"]},
        {"id": 999, "domain_names": ["a.example", "m.app", "z.example"]},
    ]);
    assert_eq!(told(true), with_apps);
}

#[test]
fn a_service_names_links_of_its_own() {
    let map = "/v2/identity/map";
    let json = |link: Value| json!({"email": ["user@example.com"], "link_id": link}).to_string();
    // Who is no service is not asked.
    assert_eq!(World::new().ask(map, &json(json!("any"))).status(), 200);

    let service = Client::new("service", 999, Roles::ALL, KEY, SECRET).unwrap();
    let mut world = World::with(Config {
        clients: vec![service.with_links(["link-1", "7"])],
        ..Config::default()
    });
    for link in [json!("link-1"), json!("7"), json!(7)] {
        assert_eq!(world.ask(map, &json(link)).status(), 200);
    }
    for link in [json!("link-2"), json!(""), Value::Null] {
        let response = world.ask(map, &json(link));
        assert_error(&response, 401, "unauthorized", "Invalid link_id");
    }
    let without = r#"{"email":["user@example.com"]}"#;
    assert_eq!(world.ask(map, without).status(), 200);
    // What is wrong with the identities is told first.
    let response = world.ask(map, r#"{"email":"x","link_id":"no"}"#);
    assert_error(&response, 400, "client_error", "email must be an array");
}

#[test]
fn a_file_says_all_this() {
    let config = Config::from_toml(&format!(
        r#"
        key_sharing_endpoint_provide_app_names = true
        keysets = [
          {{ id = 70, site_id = 999, allowed_sites = [123] }},
          {{ id = 71, site_id = 123, disabled = true }},
        ]
        clients = [{{ name = "a", site_id = 5, roles = [], api_key = "{KEY}",
                      client_secret = "{SECRET}", link_ids = ["x"] }}]
        [opt_outs]
        email = ["Left@Example.com"]
        phone = ["+12345678901", "+12345678902"]
        email_hash = ["tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ="]
        "#
    ))
    .unwrap();
    assert!(config.tell_app_names);
    let keyset = Keyset {
        allowed_sites: Some(vec![123]),
        ..Keyset::new(70, 999)
    };
    assert_eq!(config.keysets[0], keyset);
    assert!(config.keysets[1].disabled);
    assert_eq!(config.opt_outs.len(), 4);
    let world = World::with(config);
    assert!(world.operator.is_opted_out(&email("left@example.com")));
    // This is the hash.
    assert!(world.operator.is_opted_out(&email("user@example.com")));
    assert!(!world.operator.is_opted_out(&email("else@example.com")));

    for id in ["2", "-1", "9999999"] {
        let text = format!("keysets = [{{ id = {id}, site_id = 5 }}]");
        let error = Config::from_toml(&text).unwrap_err();
        assert!(matches!(error, ConfigError::Keyset(_)), "{error:?}");
    }
    let twice = "keysets = [{ id = 5, site_id = 5 }, { id = 5, site_id = 6 }]";
    let error = Config::from_toml(twice).unwrap_err();
    assert!(matches!(error, ConfigError::Keyset(5)), "{error:?}");
    let error = Config::from_json(r#"{"opt_outs":{"phone":["+12345678901","verysecret"]}}"#);
    let error = error.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("entry 2 of \"phone\""), "{shown}");
    assert!(!shown.contains("verysecret"), "{shown}");
}

#[test]
fn opted_out_by_configuration_is_opted_out() {
    let person = email("left@example.com");
    let mut world = World::with(Config {
        opt_outs: vec![person.clone()],
        ..Config::default()
    });
    let outcome = world.generate(&person).unwrap().outcome;
    assert!(
        matches!(outcome, uid2_core::operation::GenerateOutcome::OptOut),
        "{outcome:?}"
    );
    assert!(world.operator.opt_in(&person));
    world.establish(&person);
}
