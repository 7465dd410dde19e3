//! Protocol, section 9.

use uid2_core::operation::Action::{FixInput, Retry, Upgrade};
use uid2_core::operation::{Error, LogoutOutcome, RefusalKind};

use crate::fixture::{assert_refused, assert_table, logout, plain, sealed};
use crate::generate::ENVELOPE_REFUSALS;

#[test]
fn every_outcome() {
    let answer = |body: &str| sealed(&format!(r#"{{"body":{body},"status":"success"}}"#));
    assert_eq!(
        logout(&answer(r#"{"optout":"OK"}"#)),
        Ok(LogoutOutcome::OptedOut)
    );
    assert_eq!(
        logout(&answer(r#"{"optout":"OK","at":1}"#)),
        Ok(LogoutOutcome::OptedOut)
    );
    for body in [
        r#"{"optout":"NO"}"#,
        r#"{"optout":true}"#,
        "{}",
        "\"OK\"",
        "true",
    ] {
        let error = logout(&answer(body)).unwrap_err();
        let expected = r#"{"optout":"OK"}"#;
        assert_eq!(error, Error::UnexpectedBody { expected }, "{body}");
        assert_eq!(error.action(), Upgrade);
    }
    assert_eq!(
        logout(&sealed(r#"{"status":"success"}"#)),
        Err(Error::NoBody)
    );
}

#[test]
fn every_refusal() {
    assert_table(ENVELOPE_REFUSALS, logout);
    let invalid = RefusalKind::InvalidIdentifier;
    assert_table(
        &[
            (
                400,
                "invalid_token",
                "Invalid Token presented",
                invalid,
                FixInput,
            ),
            (
                400,
                "invalid_token",
                "Invalid Token presented for logout",
                invalid,
                FixInput,
            ),
        ],
        logout,
    );
    // The opt-out back end failed: bare text.
    let error = logout(&plain(500, "Internal Server Error")).unwrap_err();
    assert_refused(&error, RefusalKind::Unavailable, Retry, (500, "", None));
}

#[test]
fn statuses_of_the_future_are_told() {
    let error = logout(&sealed(r#"{"status":"queued","message":"soon"}"#)).unwrap_err();
    assert_refused(
        &error,
        RefusalKind::Other,
        Upgrade,
        (200, "queued", Some("soon")),
    );
}
