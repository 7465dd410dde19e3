//! Protocol, section 6, and the envelope's refusals of section 4.

use core::time::Duration;

use uid2_core::operation::Action::{FixConfiguration, FixInput, Retry, Upgrade};
use uid2_core::operation::{Error, Generate, GenerateOutcome, RefusalKind, Response};
use uid2_core::{ClockSkew, IdentityError, Timestamp, envelope};

use crate::fixture::{
    Answer, IDENTITY, IV, NOW, assert_refused, assert_table, caller, email, generate, identity,
    opened, plain, rng, sealed, secret,
};

/// What section 4 says an envelope is refused with, the documentation's URL included.
pub(crate) const ENVELOPE_REFUSALS: crate::fixture::Refusals<'static> = &[
    (
        400,
        "client_error",
        "Invalid body: Body is missing.",
        RefusalKind::MalformedRequest,
        Retry,
    ),
    (
        400,
        "client_error",
        "Invalid body: The request body is unencrypted JSON. It must be an encrypted request envelope. See https://unifiedid.com/docs/getting-started/gs-encryption-decryption#encryption-and-decryption-code-examples for encryption and decryption code examples.",
        RefusalKind::MalformedRequest,
        Retry,
    ),
    (
        400,
        "client_error",
        "Invalid body: Body is not valid base64. See https://unifiedid.com/docs/getting-started/gs-encryption-decryption for details on the request envelope format.",
        RefusalKind::MalformedRequest,
        Retry,
    ),
    (
        400,
        "client_error",
        "Invalid body: Body too short. Check encryption method. See https://unifiedid.com/docs/getting-started/gs-encryption-decryption for details on the request envelope format.",
        RefusalKind::MalformedRequest,
        Retry,
    ),
    (
        400,
        "client_error",
        "Invalid body: Invalid request envelope format version: received 2, must be 1. See https://euid.eu/docs/getting-started/gs-encryption-decryption for details on the request envelope format.",
        RefusalKind::MalformedRequest,
        Retry,
    ),
    (
        400,
        "client_error",
        "Invalid body: Check encryption key (ClientSecret). See https://euid.eu/docs/getting-started/gs-encryption-decryption for details on the request envelope format.",
        RefusalKind::WrongSecret,
        FixConfiguration,
    ),
    (
        400,
        "client_error",
        "Invalid timestamp: Request too old or client time drift.",
        RefusalKind::ClockDrift,
        FixConfiguration,
    ),
    (
        400,
        "client_error",
        "Invalid payload in body: Data is not valid json string.",
        RefusalKind::MalformedRequest,
        Retry,
    ),
];

#[test]
fn every_outcome() {
    let success = sealed(&format!(r#"{{"body":{IDENTITY},"status":"success"}}"#));
    assert_eq!(generate(&success), Ok(GenerateOutcome::Success(identity())));
    let optout = sealed(r#"{"status":"optout"}"#);
    assert_eq!(generate(&optout), Ok(GenerateOutcome::OptOut));
    let consent = sealed(r#"{"status":"insufficient_user_consent"}"#);
    assert_eq!(generate(&consent), Ok(GenerateOutcome::InsufficientConsent));
    // Order and members that are new do not matter.
    let new = sealed(&format!(
        r#"{{"v":3,"status":"success","body":{IDENTITY},"x":[]}}"#
    ));
    assert_eq!(generate(&new), Ok(GenerateOutcome::Success(identity())));
}

#[test]
fn every_refusal() {
    assert_table(ENVELOPE_REFUSALS, generate);
    assert_table(
        &[
            (
                400,
                "client_error",
                "Required Parameter Missing: exactly one of [email, email_hash, phone, phone_hash] must be specified",
                RefusalKind::MissingParameter,
                FixInput,
            ),
            (
                400,
                "client_error",
                "Required Parameter Missing: exactly one of email or email_hash must be specified",
                RefusalKind::MissingParameter,
                FixInput,
            ),
            (
                400,
                "client_error",
                "Invalid Identifier",
                RefusalKind::InvalidIdentifier,
                FixInput,
            ),
            (
                400,
                "client_error",
                "User consent is invalid",
                RefusalKind::InvalidConsent,
                FixInput,
            ),
            (
                400,
                "client_error",
                "request body contains invalid argument(s)",
                RefusalKind::InvalidArgument,
                FixInput,
            ),
            (
                500,
                "unknown",
                "No active encryption key available",
                RefusalKind::Unavailable,
                Retry,
            ),
            (
                500,
                "unknown",
                "Unknown error while generating token v2",
                RefusalKind::Unavailable,
                Retry,
            ),
            (500, "error", "", RefusalKind::Unavailable, Retry),
        ],
        generate,
    );
}

#[test]
fn statuses_of_the_future_are_told() {
    let error = generate(&sealed(r#"{"status":"paused","message":"come back"}"#)).unwrap_err();
    assert_refused(
        &error,
        RefusalKind::Other,
        Upgrade,
        (200, "paused", Some("come back")),
    );
    let error = generate(&sealed(r#"{"status":""}"#)).unwrap_err();
    assert_refused(&error, RefusalKind::Other, Upgrade, (200, "", None));
    assert_table(
        &[
            (
                400,
                "client_error",
                "A rule of tomorrow",
                RefusalKind::Other,
                Upgrade,
            ),
            (400, "new_status", "…", RefusalKind::Other, Upgrade),
            (
                418,
                "teapot",
                "short and stout",
                RefusalKind::Other,
                Upgrade,
            ),
            (409, "conflict", "twice", RefusalKind::Other, Upgrade),
            (503, "new_status", "…", RefusalKind::Unavailable, Retry),
        ],
        generate,
    );
}

#[test]
fn successes_that_are_none() {
    for (json, expected) in [
        (r#"{"status":"success"}"#, Error::NoBody),
        (r#"{"status":"success","body":null}"#, Error::NoBody),
        (
            r#"{"status":"success","body":{}}"#,
            Error::Identity(IdentityError::Missing {
                name: "advertising_token",
            }),
        ),
    ] {
        let error = generate(&sealed(json)).unwrap_err();
        assert_eq!((&error, error.action()), (&expected, Upgrade), "{json}");
    }
    for json in [
        "",
        "null",
        "[]",
        "{}",
        "{",
        r#"{"status":7}"#,
        r#"{"status":"success""#,
    ] {
        let error = generate(&sealed(json)).unwrap_err();
        assert!(matches!(error, Error::NotJson { .. }), "{json}: {error:?}");
        assert_eq!(error.action(), Upgrade);
    }
}

/// What opens is not believed when it answers somebody else's request.
#[test]
fn a_replay_is_refused() {
    let dii = email();
    let mut rng = rng();
    let (first, _) = Generate::new(&dii).prepare(&caller(), NOW, &mut rng);
    let (_, pending) = Generate::new(&dii).prepare(&caller(), NOW, &mut rng);
    let encoding = envelope::Encoding::Text;
    let nonce = opened(&first, encoding).1;
    let json = br#"{"status":"optout"}"#;
    let body = envelope::seal_response(&secret(), json, encoding, NOW, IV, nonce);
    let error = pending.finish(Response::new(200, &body), NOW).unwrap_err();
    assert_eq!(
        error,
        Error::Envelope(envelope::EnvelopeError::NonceMismatch)
    );
    assert_eq!(error.action(), Retry);
}

#[test]
fn plain_json_is_not_believed() {
    let answer = plain(
        200,
        &format!(r#" {{"body":{IDENTITY},"status":"success"}}"#),
    );
    let error = generate(&answer).unwrap_err();
    assert_eq!(
        (&error, error.action()),
        (&Error::NotSealed, FixConfiguration)
    );
}

fn skew_at(server: i64, local: i64, tolerance: Duration) -> Option<ClockSkew> {
    let dii = email();
    let caller = caller().with_skew_tolerance(tolerance);
    let (request, pending) = Generate::new(&dii).prepare(&caller, NOW, &mut rng());
    let encoding = envelope::Encoding::Text;
    let nonce = opened(&request, encoding).1;
    let server = Timestamp::from_millis(server);
    let json = br#"{"status":"optout"}"#;
    let body = envelope::seal_response(&secret(), json, encoding, server, IV, nonce);
    let now = Timestamp::from_millis(local);
    let reply = pending.finish(Response::new(200, &body), now).unwrap();
    assert_eq!(reply.outcome, GenerateOutcome::OptOut);
    assert_eq!(reply.server_time, Some(server));
    reply.skew
}

#[test]
fn skew_is_reported_beyond_the_tolerance_with_its_amount() {
    let now = NOW.as_millis();
    for tolerance in [0, 1, 60_000, 119_000] {
        let reported = |ahead: i64| {
            let skew = skew_at(now + ahead, now, Duration::from_millis(tolerance));
            skew.map(ClockSkew::server_ahead_millis)
        };
        let tolerance = i64::try_from(tolerance).unwrap();
        assert_eq!(reported(0), None);
        for sign in [1, -1] {
            assert_eq!(reported(sign * tolerance), None, "at {tolerance}");
            assert_eq!(
                reported(sign * (tolerance - 1).max(0)),
                None,
                "below {tolerance}"
            );
            let above = sign * (tolerance + 1);
            assert_eq!(reported(above), Some(above), "above {tolerance}");
        }
    }
    // A minute unless told otherwise.
    let answer = |answer: &Answer| crate::fixture::generate_as(&caller(), answer).unwrap();
    assert_eq!(answer(&sealed(r#"{"status":"optout"}"#)).skew, None);
}

#[test]
fn the_tolerance_is_a_minute_unless_told_otherwise() {
    let dii = email();
    for (ahead, reported) in [
        (60_000, false),
        (60_001, true),
        (-60_000, false),
        (-60_001, true),
    ] {
        let (request, pending) = Generate::new(&dii).prepare(&caller(), NOW, &mut rng());
        let encoding = envelope::Encoding::Text;
        let nonce = opened(&request, encoding).1;
        let server = Timestamp::from_millis(NOW.as_millis() + ahead);
        let json = br#"{"status":"optout"}"#;
        let body = envelope::seal_response(&secret(), json, encoding, server, IV, nonce);
        let reply = pending.finish(Response::new(200, &body), NOW).unwrap();
        assert_eq!(reply.skew.is_some(), reported, "{ahead}");
    }
}

#[test]
fn absurd_clocks_are_no_trouble() {
    for (server, local) in [
        (i64::MAX, i64::MIN),
        (i64::MIN, i64::MAX),
        (i64::MIN, i64::MIN),
    ] {
        let skew = skew_at(server, local, Duration::from_secs(60));
        assert_eq!(skew.is_some(), server != local);
    }
    assert_eq!(skew_at(i64::MAX, i64::MIN, Duration::MAX), None);
}
