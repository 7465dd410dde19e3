//! Identities: as JSON, and in time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uid2_core::identity::JsonKind;
use uid2_core::{Identity, IdentityError, IdentityState, KeyError, Timestamp};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const FROM: i64 = 1_700_000_900_000;
const EXPIRES: i64 = 1_700_003_600_000;
const REFRESH_EXPIRES: i64 = 1_700_086_400_000;

fn good() -> Map<String, Value> {
    let value = json!({
        "advertising_token": "A4AAAAtoken",
        "refresh_token": "AAAAAGrefresh",
        "identity_expires": EXPIRES,
        "refresh_expires": REFRESH_EXPIRES,
        "refresh_from": FROM,
        "refresh_response_key": KEY,
    });
    value.as_object().unwrap().clone()
}

fn read(members: &Map<String, Value>) -> Result<Identity, IdentityError> {
    Identity::from_json(serde_json::to_string(members).unwrap().as_bytes())
}

fn with_times(from: i64, expires: i64, refresh_expires: i64) -> Identity {
    let mut members = good();
    members.insert("refresh_from".into(), from.into());
    members.insert("identity_expires".into(), expires.into());
    members.insert("refresh_expires".into(), refresh_expires.into());
    read(&members).unwrap()
}

#[test]
fn every_member_is_read() {
    let identity = read(&good()).unwrap();
    assert_eq!(identity.advertising_token().as_str(), "A4AAAAtoken");
    assert_eq!(identity.refresh_token().expose(), "AAAAAGrefresh");
    assert_eq!(identity.refresh_from().as_millis(), FROM);
    assert_eq!(identity.identity_expires().as_millis(), EXPIRES);
    assert_eq!(identity.refresh_expires().as_millis(), REFRESH_EXPIRES);
    let key = identity.refresh_response_key().unwrap();
    assert_eq!(key.expose_base64().as_str(), KEY);
}

#[test]
fn a_missing_member_is_named() {
    for name in [
        "advertising_token",
        "refresh_token",
        "identity_expires",
        "refresh_expires",
        "refresh_from",
    ] {
        let mut members = good();
        members.remove(name);
        let error = read(&members).unwrap_err();
        assert_eq!(error, IdentityError::Missing { name });
        assert!(error.to_string().contains(name), "{error}");
    }
    // Identities of old have no response key, and that is no error.
    let mut members = good();
    members.remove("refresh_response_key");
    assert_eq!(read(&members).unwrap().refresh_response_key(), None);
    members.insert("refresh_response_key".into(), Value::Null);
    assert_eq!(read(&members).unwrap().refresh_response_key(), None);
}

#[test]
fn a_mistyped_member_is_named_with_what_it_is() {
    let values = [
        (json!(null), JsonKind::Null),
        (json!(true), JsonKind::Boolean),
        (json!([1]), JsonKind::Array),
        (json!({"a": 1}), JsonKind::Object),
    ];
    let texts = ["advertising_token", "refresh_token"];
    let times = ["identity_expires", "refresh_expires", "refresh_from"];
    for (value, kind) in &values {
        for name in texts {
            assert_mistyped(name, value, "a string", *kind);
        }
        for name in times {
            assert_mistyped(name, value, "an integer of milliseconds", *kind);
        }
        if *kind != JsonKind::Null {
            assert_mistyped("refresh_response_key", value, "a string", *kind);
        }
    }
    for name in texts {
        assert_mistyped(name, &json!(7), "a string", JsonKind::Number);
    }
    for name in times {
        let milliseconds = "an integer of milliseconds";
        assert_mistyped(name, &json!("1"), milliseconds, JsonKind::String);
        assert_mistyped(name, &json!(1.5), milliseconds, JsonKind::Number);
        assert_mistyped(name, &json!(u64::MAX), milliseconds, JsonKind::Number);
    }
}

fn assert_mistyped(name: &'static str, value: &Value, expected: &'static str, found: JsonKind) {
    let mut members = good();
    members.insert(name.into(), value.clone());
    let error = read(&members).unwrap_err();
    let mistyped = IdentityError::Mistyped {
        name,
        expected,
        found,
    };
    assert_eq!(error, mistyped, "{name}: {value}");
    assert!(error.to_string().contains(name), "{error}");
}

#[test]
fn an_empty_or_wrong_text_is_named() {
    for name in ["advertising_token", "refresh_token"] {
        let mut members = good();
        members.insert(name.into(), "".into());
        assert_eq!(read(&members), Err(IdentityError::Empty { name }));
    }
    for (key, error) in [
        ("", KeyError::Length { found: 0 }),
        ("AAAA", KeyError::Length { found: 3 }),
        ("not base64", KeyError::NotBase64),
    ] {
        let mut members = good();
        members.insert("refresh_response_key".into(), key.into());
        assert_eq!(read(&members), Err(IdentityError::ResponseKey(error)));
    }
}

#[test]
fn a_member_that_is_there_twice_is_named() {
    let json = serde_json::to_string(&good()).unwrap();
    for name in good().keys() {
        let twice = json.replacen('{', &format!("{{\"{name}\":1,"), 1);
        let error = Identity::from_json(twice.as_bytes()).unwrap_err();
        assert!(
            matches!(error, IdentityError::Duplicate { name: found } if found == name),
            "{name}: {error:?}"
        );
    }
}

#[test]
fn what_is_no_object_is_refused() {
    for (json, found) in [
        ("null", JsonKind::Null),
        (" true", JsonKind::Boolean),
        ("-7", JsonKind::Number),
        ("\"text\"", JsonKind::String),
        ("[]", JsonKind::Array),
    ] {
        let error = Identity::from_json(json.as_bytes()).unwrap_err();
        assert_eq!(error, IdentityError::NotAnObject { found }, "{json}");
    }
    let good = serde_json::to_string(&good()).unwrap();
    for len in 0..good.len() {
        let error = Identity::from_json(&good.as_bytes()[..len]).unwrap_err();
        assert!(
            matches!(error, IdentityError::NotJson { .. }),
            "{len}: {error:?}"
        );
    }
    for json in ["{}x", "\u{feff}{}", "{'a':1}", "<html>", "{\"a\":1,}"] {
        let error = Identity::from_json(json.as_bytes()).unwrap_err();
        assert!(matches!(error, IdentityError::NotJson { .. }), "{json}");
    }
    assert!(Identity::from_json(b"{\"\xff\":1}").is_err());
}

/// Members that this version does not know stay as they were written, letter by
/// letter: numbers beyond any type, escapes, order and repetition included.
#[test]
fn unknown_members_survive_exactly() {
    let unknown = [
        r#""user_token":"AgAAAA==""#,
        r#""big":123456789012345678901234567890"#,
        r#""exact":1.10000000000000000000001e-400"#,
        r#""nested":{"a":[1, 2,{"b":null}],"c" : {}}"#,
        r#""escaped":"\u00e9\/\"\\\n""#,
        r#""twice":1"#,
        r#""twice":2"#,
        r#""":"""#,
        r#""é\t\"":true"#,
    ];
    let known = serde_json::to_string(&good()).unwrap();
    let json = known.replacen('{', &format!("{{{},", unknown.join(",")), 1);
    let identity = Identity::from_json(json.as_bytes()).unwrap();
    let written = identity.to_json();
    let values = unknown.map(|member| member.split_once("\":").unwrap().1);
    let mut rest = written.as_str();
    for value in values {
        let at = rest.find(value);
        assert!(at.is_some(), "{value} is not in {rest}");
        rest = &rest[at.unwrap() + value.len()..];
    }
    let again = Identity::from_json(written.as_bytes()).unwrap();
    assert_eq!(again, identity);
    assert_eq!(again.to_json(), written);
    // Two unknown members more or less are another identity.
    assert_ne!(identity, read(&good()).unwrap());
}

/// Escapes in members that are known mean what they mean.
#[test]
fn escapes_in_tokens_are_read() {
    let json = serde_json::to_string(&good()).unwrap();
    let escaped = json.replace("A4AAAAtoken", r"A4\u0041AAAtok\/en");
    let identity = Identity::from_json(escaped.as_bytes()).unwrap();
    assert_eq!(identity.advertising_token().as_str(), "A4AAAAtok/en");
    let escaped = json.replace("\"refresh_token\"", r#""refresh\u005ftoken""#);
    assert_eq!(Identity::from_json(escaped.as_bytes()), read(&good()));
}

#[test]
fn serde_reads_and_writes_the_same() {
    let identity = read(&good()).unwrap();
    let written = serde_json::to_string(&identity).unwrap();
    assert_eq!(written, identity.to_json().as_str());
    assert_eq!(
        serde_json::from_str::<Identity>(&written).unwrap(),
        identity
    );
    let error = serde_json::from_str::<Identity>("{}").unwrap_err();
    assert!(error.to_string().contains("advertising_token"), "{error}");
}

#[test]
fn debug_shows_the_times_only() {
    let shown = format!("{:?}", read(&good()).unwrap());
    for secret in ["A4AAAAtoken", "AAAAAGrefresh", KEY] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains(&FROM.to_string()), "{shown}");
}

use IdentityState::{Dead, Due, Expired, Fresh};

#[test]
fn states_change_at_the_millisecond() {
    let identity = with_times(FROM, EXPIRES, REFRESH_EXPIRES);
    for (millis, state, due) in [
        (i64::MIN, Fresh, Some(FROM)),
        (0, Fresh, Some(FROM)),
        (FROM - 1, Fresh, Some(FROM)),
        (FROM, Due, Some(FROM)),
        (FROM + 1, Due, Some(FROM + 1)),
        (EXPIRES - 1, Due, Some(EXPIRES - 1)),
        (EXPIRES, Expired, Some(EXPIRES)),
        (EXPIRES + 1, Expired, Some(EXPIRES + 1)),
        (REFRESH_EXPIRES - 1, Expired, Some(REFRESH_EXPIRES - 1)),
        (REFRESH_EXPIRES, Dead, None),
        (REFRESH_EXPIRES + 1, Dead, None),
        (i64::MAX, Dead, None),
    ] {
        let now = Timestamp::from_millis(millis);
        assert_eq!(identity.state(now), state, "{millis}");
        let due = due.map(Timestamp::from_millis);
        assert_eq!(identity.next_due(now), due, "{millis}");
    }
}

/// The operator never sends times out of order; if one does, the token is still
/// not served from `identity_expires` on, and not refreshed from
/// `refresh_expires` on.
#[test]
fn times_out_of_order_never_stretch_a_token() {
    for times in [
        [30, 10, 20],
        [30, 20, 10],
        [20, 30, 10],
        [10, 30, 20],
        [20, 10, 30],
        [5, 5, 5],
    ] {
        let [from, expires, refresh_expires] = times;
        let identity = with_times(from, expires, refresh_expires);
        for millis in 0..40 {
            let now = Timestamp::from_millis(millis);
            let state = identity.state(now);
            let served = matches!(state, Fresh | Due);
            assert_eq!(served, millis < expires, "{times:?} at {millis}: {state:?}");
            let refreshable = identity.next_due(now).is_some();
            assert_eq!(
                refreshable,
                millis < refresh_expires,
                "{times:?} at {millis}"
            );
        }
    }
}

#[test]
fn extreme_times_are_no_trouble() {
    for times in [[i64::MIN; 3], [i64::MAX; 3], [i64::MIN, 0, i64::MAX]] {
        let [from, expires, refresh_expires] = times;
        let identity = with_times(from, expires, refresh_expires);
        for now in [i64::MIN, -1, 0, 1, i64::MAX].map(Timestamp::from_millis) {
            let state = identity.state(now);
            assert_eq!(
                state == Dead,
                identity.next_due(now).is_none(),
                "{times:?} at {now}"
            );
        }
        assert_eq!(
            Identity::from_json(identity.to_json().as_bytes()),
            Ok(identity)
        );
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_identity_round_trips(
        token in "\\PC{1,40}", refresh: String, times: [i64; 3], key: Option<[u8; 32]>,
        unknown in prop::collection::btree_map("[a-z\\PC]{0,12}", json_value(), 0..6),
    ) {
        let mut members: Map<String, Value> = unknown.into_iter().collect();
        members.insert("advertising_token".into(), token.into());
        members.insert("refresh_token".into(), format!("{refresh}x").into());
        members.insert("refresh_from".into(), times[0].into());
        members.insert("identity_expires".into(), times[1].into());
        members.insert("refresh_expires".into(), times[2].into());
        if let Some(key) = key {
            let key = uid2_core::ResponseKey::from_bytes(key).expose_base64();
            members.insert("refresh_response_key".into(), key.as_str().into());
        }
        let identity = read(&members).unwrap();
        let written = identity.to_json();
        prop_assert_eq!(&serde_json::from_str::<Map<String, Value>>(&written).unwrap(), &members);
        prop_assert_eq!(serde_json::to_string(&identity).unwrap(), written.as_str());
        prop_assert_eq!(Identity::from_json(written.as_bytes()).unwrap(), identity);
    }

    #[test]
    fn states_never_go_back(times: [i64; 3], mut nows: [i64; 8]) {
        nows.sort_unstable();
        let rank = |state| [Fresh, Due, Expired, Dead].iter().position(|it| *it == state);
        let identity = with_times(times[0], times[1], times[2]);
        let states = nows.map(|now| rank(identity.state(Timestamp::from_millis(now))));
        prop_assert!(states.is_sorted(), "{:?}", states);
    }

    #[test]
    fn garbage_never_panics(text: String, bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(Identity::from_json(text.as_bytes()).is_err());
        prop_assert!(Identity::from_json(&bytes).is_err());
    }
}
