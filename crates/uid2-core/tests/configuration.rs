//! Base URLs and credentials: what is taken, what is refused, and what is shown.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use uid2_core::{
    ApiKey, ApiKeyError, BaseUrl, BaseUrlError, ClientSecret, DiiKey, Environment, Identity,
    KeyEnvironment, KeyError, ResponseKey, Scope,
};

#[test]
fn base_urls_that_are_taken() {
    for (url, kept) in [
        ("https://prod.uidapi.com", "https://prod.uidapi.com"),
        ("https://prod.uidapi.com/", "https://prod.uidapi.com"),
        ("https://prod.uidapi.com//", "https://prod.uidapi.com"),
        (
            "https://prod.uidapi.com:8443",
            "https://prod.uidapi.com:8443",
        ),
        ("https://gw.example/uid2/", "https://gw.example/uid2"),
        ("https://my_host.internal", "https://my_host.internal"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("https://192.0.2.1", "https://192.0.2.1"),
        ("http://localhost", "http://localhost"),
        ("http://LocalHost:8080", "http://LocalHost:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://127.255.255.254", "http://127.255.255.254"),
        ("http://[::1]", "http://[::1]"),
        ("http://[::1]:65535", "http://[::1]:65535"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[0:0:0:0:0:0:0:1]"),
        ("http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]"),
    ] {
        assert_eq!(BaseUrl::parse(url).unwrap().as_str(), kept, "{url}");
        assert_eq!(
            BaseUrl::parse_allowing_insecure(url).unwrap().as_str(),
            kept
        );
    }
}

/// Plain http to what is not, or not surely, this machine.
#[test]
fn plain_http_to_elsewhere_is_refused() {
    for url in [
        "http://prod.uidapi.com",
        "http://localhost.evil.com",
        "http://evil.com/localhost",
        "http://evil.com/127.0.0.1",
        "http://127.0.0.1.evil.com",
        "http://localhost.",
        "http://notlocalhost",
        "http://127.1",
        "http://127.0.1",
        "http://2130706433",
        "http://0x7f000001",
        "http://0x7f.0.0.1",
        "http://0177.0.0.1",
        "http://127.0.0.01",
        "http://127.0.0.1.",
        "http://127.0.0.256",
        "http://0.0.0.0",
        "http://128.0.0.1",
        "http://10.0.0.1",
        "http://[::]",
        "http://[::2]",
        "http://[::ffff:10.0.0.1]",
        "http://[fe80::1]",
    ] {
        assert_eq!(BaseUrl::parse(url), Err(BaseUrlError::Insecure), "{url}");
        assert!(BaseUrl::parse_allowing_insecure(url).is_ok(), "{url}");
    }
}

#[test]
fn base_urls_that_are_refused() {
    use BaseUrlError::{Character, Host, Port, QueryOrFragment, Scheme, UserInfo};
    for (url, error) in [
        ("", Scheme),
        ("prod.uidapi.com", Scheme),
        ("//prod.uidapi.com", Scheme),
        ("https:prod.uidapi.com", Scheme),
        ("https:/prod.uidapi.com", Scheme),
        ("ftp://prod.uidapi.com", Scheme),
        ("file:///etc/passwd", Scheme),
        ("HTTPS://prod.uidapi.com", Scheme),
        (" https://prod.uidapi.com", Character),
        ("https://prod.uidapi.com\n", Character),
        ("https://prod.uidapi.com\r\nx: y", Character),
        ("https://prod uidapi.com", Character),
        ("https://prod.uidäpi.com", Character),
        ("https://prod.uidapi.com\0", Character),
        ("https://", Host),
        ("https:///path", Host),
        ("https://:443", Host),
        ("https://::1", Host),
        ("https://[::1", Host),
        ("https://[]", Host),
        ("https://[localhost]", Host),
        ("https://[::1]evil.com", Host),
        ("https://[::1%25eth0]", Host),
        ("https://prod%2euidapi.com", Host),
        ("http://localhost%00.evil.com", Host),
        ("https://<host>", Host),
        ("https://host:", Port),
        ("https://host:+443", Port),
        ("https://host:-1", Port),
        ("https://host:65536", Port),
        ("https://host:http", Port),
        ("http://127.0.0.1:80:80", Port),
        ("http://[::1]:", Port),
        ("https://user@host", UserInfo),
        ("https://user:pass@host", UserInfo),
        ("http://127.0.0.1@evil.com", UserInfo),
        ("http://localhost:80@evil.com", UserInfo),
        ("http://[::1]@evil.com", UserInfo),
        ("http://@127.0.0.1", UserInfo),
        ("https://host?x=1", QueryOrFragment),
        ("https://host/#", QueryOrFragment),
        ("http://evil.com#@127.0.0.1", QueryOrFragment),
        ("http://127.0.0.1\\@evil.com", QueryOrFragment),
    ] {
        assert_eq!(BaseUrl::parse(url), Err(error), "{url:?}");
        assert_eq!(BaseUrl::parse_allowing_insecure(url), Err(error), "{url:?}");
    }
}

#[test]
fn every_environment_is_a_good_base_url_of_its_scope() {
    use Environment as E;
    for (environment, url) in [
        (E::Uid2Integration, "https://operator-integ.uidapi.com"),
        (E::Uid2Production, "https://global.prod.uidapi.com"),
        (E::Uid2ProductionUsEast, "https://prod.uidapi.com"),
        (E::Uid2ProductionUsWest, "https://usw.prod.uidapi.com"),
        (E::Uid2ProductionAustralia, "https://au.prod.uidapi.com"),
        (E::Uid2ProductionJapan, "https://jp.prod.uidapi.com"),
        (E::Uid2ProductionSingapore, "https://sg.prod.uidapi.com"),
        (E::EuidIntegration, "https://integ.euid.eu"),
        (E::EuidProduction, "https://prod.euid.eu"),
    ] {
        assert_eq!(BaseUrl::parse(url).unwrap(), BaseUrl::from(environment));
        let euid = url.contains("euid");
        assert_eq!(environment.scope() == Scope::Euid, euid, "{url}");
    }
}

const KEY: &str = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";

#[test]
fn api_keys_tell_where_they_belong() {
    use KeyEnvironment::{Integration, Local, Production, Test};
    let random = KEY.rsplit('-').next().unwrap();
    for (prefix, scope, environment, site) in [
        ("UID2-C-L-999-", Scope::Uid2, Local, 999),
        ("UID2-C-T-1-", Scope::Uid2, Test, 1),
        ("EUID-C-I-124-", Scope::Euid, Integration, 124),
        ("EUID-C-P-4294967295-", Scope::Euid, Production, u32::MAX),
    ] {
        let text = format!("{prefix}{random}");
        let key = ApiKey::parse(&text).unwrap();
        assert_eq!(key.scope(), Some(scope), "{text}");
        assert_eq!(key.environment(), Some(environment), "{text}");
        assert_eq!(key.site_id(), Some(site), "{text}");
        assert_eq!(key.expose(), text);
        assert_eq!(key.authorization_header(), format!("Bearer {text}"));
    }
    // Keys older than the pattern tell nothing.
    for old in ["LOCALkey", "PROD-abc/def+ghi=", "Bearer", "x"] {
        let key = ApiKey::parse(old).unwrap();
        assert_eq!(
            (key.scope(), key.environment(), key.site_id()),
            (None, None, None)
        );
        assert_eq!(key.expose(), old);
    }
}

#[test]
fn api_keys_that_are_refused() {
    use ApiKeyError::{Character, ClientSideKey, Empty, Malformed, OperatorKey, TooLong};
    let random = KEY.rsplit('-').next().unwrap();
    let with = |prefix: &str| format!("{prefix}{random}");
    for (text, error) in [
        (String::new(), Empty),
        ("x".repeat(513), TooLong),
        (format!("{KEY}\n"), Character),
        (format!(" {KEY}"), Character),
        (format!("Bearer {KEY}"), Character),
        (KEY.replace('f', "é"), Character),
        (with("UID2-O-L-999-"), OperatorKey),
        (with("EUID-O-P-1-"), OperatorKey),
        ("UID2-X-L-MFkwEwYHKoZIzj0CAQ".to_owned(), ClientSideKey),
        ("EUID-Y-P-MEECAQAwEwYHKoZIzj".to_owned(), ClientSideKey),
        ("UID2-".to_owned(), Malformed),
        ("UID2-C-L-999-".to_owned(), Malformed),
        (with("UID2-C-Q-999-"), Malformed),
        (with("UID2-C-L--"), Malformed),
        (with("UID2-C-L-+999-"), Malformed),
        (with("UID2-C-L-99999999999-"), Malformed),
        (with("UID2-Z-L-999-"), Malformed),
        (KEY.trim_end_matches('=').to_owned(), Malformed),
        (format!("{KEY}="), Malformed),
        (KEY.replace("MM.", "MMM"), Malformed),
        (
            format!("\"{KEY}\"").replace('"', "'").replacen('\'', "", 1),
            Malformed,
        ),
    ] {
        assert_eq!(ApiKey::parse(&text).map(drop), Err(error), "{text}");
        assert_eq!(text.parse::<ApiKey>().map(drop), Err(error));
    }
}

#[test]
fn keys_are_32_bytes_of_standard_base64() {
    let good = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";
    assert!(ClientSecret::parse(good).is_ok());
    assert!(ResponseKey::parse(good).is_ok());
    assert!(DiiKey::parse(good).is_ok());
    for (text, error) in [
        (String::new(), KeyError::Length { found: 0 }),
        (good[..40].to_owned(), KeyError::Length { found: 30 }),
        (KEY.to_owned(), KeyError::NotBase64),
        (good.trim_end_matches('=').to_owned(), KeyError::NotBase64),
        (format!("{good}\n"), KeyError::NotBase64),
        (good.replace('+', "-"), KeyError::NotBase64),
        (good.replace("Wk=", "Wl="), KeyError::NotBase64),
    ] {
        assert_eq!(ClientSecret::parse(&text).map(drop), Err(error), "{text:?}");
        assert_eq!(ResponseKey::parse(&text).map(drop), Err(error), "{text:?}");
        assert_eq!(DiiKey::parse(&text).map(drop), Err(error), "{text:?}");
    }
}

#[test]
fn debug_of_secrets_shows_nothing() {
    let bytes = [0x41; 32];
    let dii = uid2_core::Dii::email("jane@example.com").unwrap();
    let phone = uid2_core::Dii::phone("+12345678901").unwrap();
    let identity = Identity::from_json(
        br#"{"advertising_token":"ADV","refresh_token":"REF","refresh_from":1,
             "identity_expires":2,"refresh_expires":3,"other":"OTHER"}"#,
    )
    .unwrap();
    let eid = uid2_core::Eid::new(Scope::Uid2, identity.advertising_token().clone());
    let email = uid2_core::Email::parse("jane@example.com").unwrap();
    let secret = ClientSecret::from_bytes(bytes);
    for (shown, expected) in [
        (
            format!("{:?}", ApiKey::parse(KEY).unwrap()),
            "ApiKey(<redacted>)",
        ),
        (format!("{secret:?}"), "ClientSecret(<redacted>)"),
        (
            format!("{:?}", ResponseKey::from_bytes(bytes)),
            "ResponseKey(<redacted>)",
        ),
        (
            format!("{:?}", DiiKey::from_bytes(bytes)),
            "DiiKey(<redacted>)",
        ),
        (
            format!("{:?}", secret.derive_dii_key()),
            "DiiKey(<redacted>)",
        ),
        (format!("{dii:?}"), "Email(Email(<redacted>))"),
        (format!("{phone:?}"), "Phone(Phone(<redacted>))"),
        (
            format!("{:?}", dii.to_hashed()),
            "EmailHash(EmailHash(<redacted>))",
        ),
        (
            format!("{:?}", phone.to_hashed()),
            "PhoneHash(PhoneHash(<redacted>))",
        ),
        (
            format!("{:?}", email.hash().to_base64()),
            "HashText(<redacted>)",
        ),
        (
            format!("{:?}", identity.advertising_token()),
            "AdvertisingToken(<redacted>)",
        ),
        (
            format!("{:?}", identity.refresh_token()),
            "RefreshToken(<redacted>)",
        ),
    ] {
        assert_eq!(shown, expected);
    }
    let shown = format!("{eid:?} {identity:?}");
    for secret in ["ADV", "REF", "OTHER"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// Comparison is in constant time; that it is still comparison is shown here.
#[test]
fn secrets_are_equal_when_every_byte_is() {
    let bytes = [7; 32];
    assert_eq!(
        ClientSecret::from_bytes(bytes),
        ClientSecret::from_bytes(bytes)
    );
    assert_eq!(
        ResponseKey::from_bytes(bytes),
        ResponseKey::from_bytes(bytes)
    );
    for bit in 0..256 {
        let mut other = bytes;
        other[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(
            ClientSecret::from_bytes(bytes),
            ClientSecret::from_bytes(other)
        );
        assert_ne!(
            ResponseKey::from_bytes(bytes),
            ResponseKey::from_bytes(other)
        );
    }
    let key = |text: &str| ApiKey::parse(text).unwrap();
    assert_eq!(key("abc"), key("abc"));
    for other in ["abd", "ab", "abcd", "Abc", "bbc"] {
        assert_ne!(key("abc"), key(other), "{other}");
    }
}

#[test]
fn the_dii_key_follows_the_secret() {
    let dii = uid2_core::Dii::email("jane@example.com").unwrap();
    let name = |secret: u8| {
        let key = ClientSecret::from_bytes([secret; 32]).derive_dii_key();
        dii.keyed_hash(&key)
    };
    assert_eq!(name(1), name(1));
    assert_ne!(name(1), name(2));
    // It is derived, not the secret itself.
    assert_ne!(name(1), dii.keyed_hash(&DiiKey::from_bytes([1; 32])));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parsers_panic(text: String, url in "https?://[\\PC]{0,30}") {
        let _ = ApiKey::parse(&text);
        let _ = ClientSecret::parse(&text);
        for text in [&text, &url] {
            if let Ok(base) = BaseUrl::parse(text) {
                // What was taken is taken again, as it is.
                prop_assert_eq!(BaseUrl::parse(base.as_str()), Ok(base));
            }
        }
    }
}
