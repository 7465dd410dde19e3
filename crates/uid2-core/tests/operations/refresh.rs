//! Protocol, section 7.

use uid2_core::envelope::{self, Encoding, EnvelopeError};
use uid2_core::operation::Action::{FixConfiguration, Retry, SignInAgain, Upgrade};
use uid2_core::operation::{Error, Refresh, RefreshOutcome, RefusalKind, Response};
use uid2_core::{Identity, IdentityError, ResponseKey};

use crate::fixture::{
    API_KEY, IDENTITY, IV, RESPONSE_KEY, assert_refused, assert_table, caller, header, identity,
    identity_without_key, plain, refresh, refresh_of, refused, sealed,
};

fn success() -> String {
    format!(r#"{{"body":{IDENTITY},"status":"success"}}"#)
}

#[test]
fn every_outcome() {
    assert_eq!(
        refresh(&sealed(&success())),
        Ok(RefreshOutcome::Success(identity()))
    );
    assert_eq!(
        refresh(&sealed(r#"{"status":"optout"}"#)),
        Ok(RefreshOutcome::OptOut)
    );
}

/// Everything that complains about the body complains about the refresh token,
/// for that is all there is in it.
#[test]
fn every_refusal() {
    let invalid = RefusalKind::InvalidRefreshToken;
    assert_table(
        &[
            (
                400,
                "client_error",
                "Invalid body: Body is missing.",
                invalid,
                SignInAgain,
            ),
            (
                400,
                "client_error",
                "Invalid body: Body is not valid base64.",
                invalid,
                SignInAgain,
            ),
            (
                400,
                "client_error",
                "Invalid key: Generator of this token (Key ID: 102) does not exist.",
                invalid,
                SignInAgain,
            ),
            (
                400,
                "client_error",
                "Invalid data: Check encryption method and encryption key.",
                invalid,
                SignInAgain,
            ),
            (
                400,
                "client_error",
                "Invalid format: Payload is not valid json or missing required data.",
                invalid,
                SignInAgain,
            ),
            (400, "error", "Error refreshing token", invalid, SignInAgain),
            (
                400,
                "invalid_token",
                "Invalid Token presented",
                invalid,
                SignInAgain,
            ),
            (
                400,
                "expired_token",
                "Expired Token presented",
                RefusalKind::ExpiredRefreshToken,
                SignInAgain,
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
                "Unknown error while refreshing token v2",
                RefusalKind::Unavailable,
                Retry,
            ),
            (
                400,
                "new_status",
                "A rule of tomorrow",
                RefusalKind::Other,
                Upgrade,
            ),
            (
                401,
                "unauthorized",
                "front end",
                RefusalKind::Unauthorized,
                FixConfiguration,
            ),
        ],
        refresh,
    );
    // The same for an identity of old.
    let old = |answer: &_| refresh_of(&identity_without_key(), &caller(), answer);
    let expired = refused(400, "expired_token", "Expired Token presented");
    let error = old(&expired).unwrap_err();
    let words = (400, "expired_token", Some("Expired Token presented"));
    assert_refused(&error, RefusalKind::ExpiredRefreshToken, SignInAgain, words);
}

/// A refusal by something in front of the operator must not end a session.
#[test]
fn what_is_no_operators_word_never_asks_to_sign_in_again() {
    for answer in [
        plain(400, ""),
        plain(400, "Bad Request"),
        plain(400, "<html>Bad Request</html>"),
        plain(403, ""),
        plain(404, ""),
        plain(413, "Request Too Long"),
        plain(429, ""),
        plain(502, "<html>Bad Gateway</html>"),
    ] {
        let error = refresh(&answer).unwrap_err();
        assert_ne!(error.action(), SignInAgain, "{error:?}");
    }
}

#[test]
fn statuses_of_the_future_are_told() {
    let error = refresh(&sealed(r#"{"status":"paused","message":"later"}"#)).unwrap_err();
    assert_refused(
        &error,
        RefusalKind::Other,
        Upgrade,
        (200, "paused", Some("later")),
    );
}

#[test]
fn successes_that_are_none() {
    let missing = IdentityError::Missing {
        name: "advertising_token",
    };
    for (json, expected) in [
        (r#"{"status":"success"}"#, Error::NoBody),
        (
            r#"{"status":"success","body":{}}"#,
            Error::Identity(missing),
        ),
    ] {
        assert_eq!(refresh(&sealed(json)), Err(expected), "{json}");
    }
    assert!(matches!(refresh(&sealed("[]")), Err(Error::NotJson { .. })));
}

/// An identity without a response key is answered in plain JSON, for there is
/// nothing to seal with.
#[test]
fn an_identity_without_a_key_is_answered_in_plain_json() {
    let old = identity_without_key();
    let finish = |http_status, body: &str| refresh_of(&old, &caller(), &plain(http_status, body));
    assert_eq!(
        finish(200, &success()),
        Ok(RefreshOutcome::Success(identity()))
    );
    assert_eq!(
        finish(200, r#"{"status":"optout"}"#),
        Ok(RefreshOutcome::OptOut)
    );
    let not_an_operator = Error::NotAnOperator { http_status: 200 };
    assert_eq!(finish(200, "<html>log in</html>"), Err(not_an_operator));
    assert!(matches!(finish(200, ""), Err(Error::NotJson { .. })));
    assert!(matches!(
        finish(200, "{\"status\":"),
        Err(Error::NotJson { .. })
    ));
}

/// An identity with a key is never answered in plain JSON, or anybody in between
/// could replace it.
#[test]
fn an_identity_with_a_key_does_not_believe_plain_json() {
    let error = refresh(&plain(200, &success())).unwrap_err();
    assert_eq!(
        (&error, error.action()),
        (&Error::NotSealed, FixConfiguration)
    );
    let error = refresh(&plain(200, r#"{"status":"optout"}"#)).unwrap_err();
    assert_eq!(error, Error::NotSealed);
}

#[test]
fn a_response_under_another_key_is_refused() {
    let mut other: serde_json::Value = serde_json::from_str(IDENTITY).unwrap();
    other["refresh_response_key"] = ResponseKey::from_bytes([9; 32])
        .expose_base64()
        .as_str()
        .into();
    let other = Identity::from_json(other.to_string().as_bytes()).unwrap();
    let error = refresh_of(&other, &caller(), &sealed(&success())).unwrap_err();
    assert_eq!(error, Error::Envelope(EnvelopeError::Decrypt));
    assert_eq!(error.action(), Retry);
}

#[test]
fn the_request_is_the_token_and_nothing_else() {
    let identity = identity();
    for encoding in [Encoding::Text, Encoding::Binary] {
        let caller = caller().with_encoding(encoding);
        let (request, _) = Refresh::new(&identity).prepare(&caller);
        assert_eq!(request.method(), "POST");
        assert_eq!(request.path(), "/v2/token/refresh");
        assert_eq!(request.body(), identity.refresh_token().expose().as_bytes());
        assert_eq!(
            header(&request, "content-type").unwrap(),
            encoding.content_type()
        );
        let bearer = format!("Bearer {API_KEY}");
        assert_eq!(header(&request, "authorization").unwrap(), bearer);
    }
}

/// The body is text either way, but the answer comes in kind.
#[test]
fn a_binary_refresh_is_answered_in_bytes() {
    let binary = caller().with_encoding(Encoding::Binary);
    let outcome = refresh_of(&identity(), &binary, &sealed(&success()));
    assert_eq!(outcome, Ok(RefreshOutcome::Success(identity())));

    // Or in text, if it says so.
    let identity = identity();
    let key = ResponseKey::parse(RESPONSE_KEY).unwrap();
    let body = envelope::seal_refresh_response(&key, br#"{"status":"optout"}"#, Encoding::Text, IV);
    let (_, pending) = Refresh::new(&identity).prepare(&binary);
    let response = Response::new(200, &body).with_content_type("text/plain");
    assert_eq!(
        pending.finish(response).unwrap().outcome,
        RefreshOutcome::OptOut
    );
}
