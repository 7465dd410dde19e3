//! What is sent: exactly what protocol, sections 4 to 9, asks for.

use rand_core::Rng;
use serde_json::json;
use uid2_core::Dii;
use uid2_core::envelope::Encoding;
use uid2_core::operation::{Caller, CallerError, Generate, Logout, Validate};

use crate::fixture::{API_KEY, EMAIL, NOW, caller, email, header, opened, rng};

const EMAIL_HASH: &str = "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=";
const PHONE: &str = "+12345678901";

/// The four kinds of DII, and their member when hashed and when sent raw.
fn kinds() -> [(Dii, serde_json::Value, serde_json::Value); 4] {
    let user = Dii::email("User@Example.com").unwrap();
    let phone = Dii::phone(PHONE).unwrap();
    let Dii::PhoneHash(hash) = phone.to_hashed() else {
        panic!("a phone is hashed to the hash of a phone");
    };
    let phone_hash = hash.to_base64().to_string();
    [
        (
            user,
            json!({"email_hash": EMAIL_HASH}),
            json!({"email": "user@example.com"}),
        ),
        (
            phone,
            json!({"phone_hash": phone_hash}),
            json!({"phone": PHONE}),
        ),
        (
            Dii::email_hash(EMAIL_HASH).unwrap(),
            json!({"email_hash": EMAIL_HASH}),
            json!({"email_hash": EMAIL_HASH}),
        ),
        (
            Dii::phone_hash(&phone_hash).unwrap(),
            json!({"phone_hash": phone_hash}),
            json!({"phone_hash": phone_hash}),
        ),
    ]
}

#[test]
fn dii_is_hashed_unless_told_otherwise() {
    for (dii, hashed, raw) in kinds() {
        for (encoding, caller) in [Encoding::Text, Encoding::Binary]
            .map(|encoding| (encoding, caller().with_encoding(encoding)))
        {
            let generate = Generate::new(&dii);
            let sent =
                |it: &Generate<'_>| opened(&it.prepare(&caller, NOW, &mut rng()).0, encoding).0;
            assert_eq!(sent(&generate), hashed);
            assert_eq!(sent(&generate.sending_raw_dii()), raw);

            let logout = Logout::new(&dii);
            let sent =
                |it: &Logout<'_>| opened(&it.prepare(&caller, NOW, &mut rng()).0, encoding).0;
            assert_eq!(sent(&logout), hashed);
            assert_eq!(sent(&logout.sending_raw_dii()), raw);

            let validate = Validate::new("TOKEN", &dii);
            let sent =
                |it: &Validate<'_>| opened(&it.prepare(&caller, NOW, &mut rng()).0, encoding).0;
            let with_token = |mut members: serde_json::Value| {
                members["token"] = "TOKEN".into();
                members
            };
            assert_eq!(sent(&validate), with_token(hashed.clone()));
            assert_eq!(sent(&validate.sending_raw_dii()), with_token(raw.clone()));
        }
    }
}

#[test]
fn the_tcf_string_goes_along_for_euid() {
    let dii = Dii::email_hash(EMAIL_HASH).unwrap();
    let tcf = "CPhJRpMPhJRpMABAMBFRACBoALAAAEJAAIYgAKwAQAKgArABAAqAAA";
    let (request, _) =
        Generate::new(&dii)
            .with_tcf_consent_string(tcf)
            .prepare(&caller(), NOW, &mut rng());
    let sent = opened(&request, Encoding::Text).0;
    assert_eq!(
        sent,
        json!({"email_hash": EMAIL_HASH, "tcf_consent_string": tcf})
    );
}

/// What a user types is not to break out of its JSON string.
#[test]
fn odd_characters_are_escaped() {
    let odd = "\"},{\"a\":\\\t\n\u{0}\u{1f}é\u{2028}@example.com";
    let dii = Dii::email(odd).unwrap();
    let Dii::Email(normalized) = &dii else {
        panic!("an e-mail address")
    };
    let generate = Generate::new(&dii)
        .sending_raw_dii()
        .with_tcf_consent_string(odd);
    let (request, _) = generate.prepare(&caller(), NOW, &mut rng());
    let sent = opened(&request, Encoding::Text).0;
    assert_eq!(
        sent,
        json!({"email": normalized.as_str(), "tcf_consent_string": odd})
    );
}

#[test]
fn headers_say_who_calls_and_how() {
    let dii = email();
    for encoding in [Encoding::Text, Encoding::Binary] {
        let caller = caller().with_encoding(encoding);
        let (request, _) = Generate::new(&dii).prepare(&caller, NOW, &mut rng());
        assert_eq!(
            (request.method(), request.path()),
            ("POST", "/v2/token/generate")
        );
        assert_eq!(
            header(&request, "content-type").unwrap(),
            encoding.content_type()
        );
        assert_eq!(
            header(&request, "authorization").unwrap(),
            format!("Bearer {API_KEY}")
        );
        let version = header(&request, "x-uid2-client-version").unwrap();
        assert!(version.starts_with("uid2-rs-"), "{version}");
        // These mark in-app traffic (section 2).
        for in_app in ["Android", "ios", "tvos"] {
            assert!(!version.contains(in_app), "{version}");
        }
        let sensitive: Vec<_> = request.headers().filter(|it| it.sensitive).collect();
        assert_eq!(sensitive.len(), 1);
        assert_eq!(sensitive[0].name, "authorization");
    }
    let (request, _) = Validate::new("t", &dii).prepare(&caller(), NOW, &mut rng());
    assert_eq!(request.path(), "/v2/token/validate");
    let (request, _) = Logout::new(&dii).prepare(&caller(), NOW, &mut rng());
    assert_eq!(request.path(), "/v2/token/logout");
}

#[test]
fn each_request_has_an_iv_and_a_nonce_of_its_own() {
    let dii = email();
    let mut rng = rng();
    let mut bodies = std::collections::BTreeSet::new();
    let mut nonces = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let (request, _) = Generate::new(&dii).prepare(&caller(), NOW, &mut rng);
        nonces.insert(*opened(&request, Encoding::Text).1.as_bytes());
        bodies.insert(request.body()[..18].to_vec());
    }
    assert_eq!((bodies.len(), nonces.len()), (100, 100));
    // The generator that was passed in is the one that is used.
    let unused = crate::fixture::rng().next_u64();
    assert_ne!(rng.next_u64(), unused);
}

#[test]
fn only_printable_client_versions_are_taken() {
    for version in ["", " ", "a\nb", "a\r\nx-evil: 1", "é", "a\tb", "\u{7f}"] {
        let made = caller().with_client_version(version.to_owned());
        assert_eq!(
            made.map(drop),
            Err(CallerError::ClientVersion),
            "{version:?}"
        );
    }
    let made = caller().with_client_version("shop 4.2 (linux)").unwrap();
    let dii = email();
    let (request, _) = Generate::new(&dii).prepare(&made, NOW, &mut rng());
    assert_eq!(
        header(&request, "x-uid2-client-version").unwrap(),
        "shop 4.2 (linux)"
    );
}

/// The request can be logged: nothing of the person or the credentials shows.
#[test]
fn debug_of_a_request_shows_no_secret() {
    let dii = email();
    let caller: Caller = caller();
    let generate = Generate::new(&dii)
        .sending_raw_dii()
        .with_tcf_consent_string("CPhJRpMPhJ");
    let (request, pending) = generate.prepare(&caller, NOW, &mut rng());
    let body = String::from_utf8(request.body().to_vec()).unwrap();
    let header = format!("{:?}", request.headers().collect::<Vec<_>>());
    let validate = Validate::new("A4AAAAtoken", &dii);
    let shown = format!(
        "{generate:?} {request:?} {pending:?} {caller:?} {header} {validate:?} {:?}",
        Logout::new(&dii)
    );
    for secret in [
        EMAIL,
        "CPhJRpMPhJ",
        "A4AAAAtoken",
        API_KEY,
        crate::fixture::SECRET,
        &body,
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
