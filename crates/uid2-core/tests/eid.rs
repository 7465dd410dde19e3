//! The `eids` entry, and points in time.
#![allow(clippy::unwrap_used)]

use core::time::Duration;

use uid2_core::{ClockSkew, Eid, Identity, OpenRtb, Scope, Timestamp};

fn eid(scope: Scope, token: &str) -> Eid {
    let json = serde_json::json!({
        "advertising_token": token, "refresh_token": "r",
        "refresh_from": 1, "identity_expires": 2, "refresh_expires": 3,
    });
    let identity = Identity::from_json(json.to_string().as_bytes()).unwrap();
    Eid::new(scope, identity.advertising_token().clone())
}

#[test]
fn entries_of_both_scopes() {
    for (scope, source, partner) in [
        (Scope::Uid2, "uidapi.com", "UID2"),
        (Scope::Euid, "euid.eu", "EUID"),
    ] {
        let eid = eid(scope, "TOKEN");
        assert_eq!(eid.source(), source);
        let plain = format!(r#"{{"source":"{source}","uids":[{{"id":"TOKEN","atype":3}}]}}"#);
        assert_eq!(eid.to_json(), plain);
        assert_eq!(serde_json::to_string(&eid).unwrap(), plain);
        let eids = format!(r#"{{"eids":[{plain}]}}"#);
        assert_eq!(eid.user_json(OpenRtb::V2_6), eids);
        assert_eq!(eid.user_json(OpenRtb::V2_5), format!(r#"{{"ext":{eids}}}"#));
        let with_partner = eid.with_rti_partner().to_json();
        assert!(
            with_partner.contains(&format!(r#""atype":3,"rtiPartner":"{partner}""#)),
            "{with_partner}"
        );
    }
}

/// Tokens are opaque and case-sensitive, and go out as they came in.
#[test]
fn a_token_is_carried_as_it_is() {
    for token in [
        "A4AAABxQ7_1d-iZ0",
        "AgAAAAN6QZRC+sf/OlMM==",
        "quo\"te\\\u{1}é",
    ] {
        let json: serde_json::Value =
            serde_json::from_str(&eid(Scope::Uid2, token).to_json()).unwrap();
        assert_eq!(json["uids"][0]["id"], token);
    }
}

#[test]
fn skew_tells_its_direction_and_size() {
    let at = Timestamp::from_millis;
    for (server, local, millis, text) in [
        (
            5_000,
            5_000,
            0,
            "the local clock is 0.000 s behind the server's",
        ),
        (
            5_001,
            5_000,
            1,
            "the local clock is 0.001 s behind the server's",
        ),
        (
            5_000,
            125_250,
            -120_250,
            "the local clock is 120.250 s ahead of the server's",
        ),
    ] {
        let skew = ClockSkew::between(at(server), at(local));
        assert_eq!(skew.server_ahead_millis(), millis);
        assert_eq!(skew.to_string(), text);
        let magnitude = u64::try_from(millis.abs()).unwrap();
        assert_eq!(skew.magnitude(), Duration::from_millis(magnitude));
    }
}

#[test]
fn timestamps_are_numbers_on_the_wire() {
    let time = Timestamp::from_millis(1_668_059_799_628);
    assert_eq!(serde_json::to_string(&time).unwrap(), "1668059799628");
    assert_eq!(
        serde_json::from_str::<Timestamp>("1668059799628").unwrap(),
        time
    );
    assert!(serde_json::from_str::<Timestamp>("\"1668059799628\"").is_err());
    assert_eq!(Timestamp::from_secs(i64::MAX), Timestamp::MAX);
}

#[cfg(feature = "std")]
#[test]
fn system_times_convert_on_both_sides_of_the_epoch() {
    use std::time::UNIX_EPOCH;
    let half = Duration::from_millis(1_500);
    assert_eq!(Timestamp::from(UNIX_EPOCH + half).as_millis(), 1_500);
    assert_eq!(Timestamp::from(UNIX_EPOCH - half).as_millis(), -1_500);
}
