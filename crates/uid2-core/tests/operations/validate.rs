//! Protocol, section 8.

use uid2_core::operation::Action::{FixInput, Upgrade};
use uid2_core::operation::{Error, RefusalKind, ValidateOutcome};

use crate::fixture::{assert_refused, assert_table, sealed, validate};
use crate::generate::ENVELOPE_REFUSALS;

#[test]
fn every_outcome() {
    let answer = |body: &str| sealed(&format!(r#"{{"body":{body},"status":"success"}}"#));
    assert_eq!(validate(&answer("true")), Ok(ValidateOutcome::Match));
    assert_eq!(validate(&answer("false")), Ok(ValidateOutcome::NoMatch));
    for body in ["1", "\"true\"", "{}", "[true]"] {
        let error = validate(&answer(body)).unwrap_err();
        assert_eq!(
            error,
            Error::UnexpectedBody {
                expected: "true or false"
            },
            "{body}"
        );
        assert_eq!(error.action(), Upgrade);
    }
    for body in ["", r#","body":null"#] {
        let error = validate(&sealed(&format!(r#"{{"status":"success"{body}}}"#)));
        assert_eq!(error, Err(Error::NoBody));
    }
}

#[test]
fn every_refusal() {
    assert_table(ENVELOPE_REFUSALS, validate);
    assert_table(
        &[
            (
                400,
                "client_error",
                "Unauthorised to validate token",
                RefusalKind::ForeignToken,
                FixInput,
            ),
            (
                400,
                "client_error",
                "Invalid token",
                RefusalKind::InvalidToken,
                FixInput,
            ),
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
                "Invalid Identifier",
                RefusalKind::InvalidIdentifier,
                FixInput,
            ),
        ],
        validate,
    );
}

#[test]
fn statuses_of_the_future_are_told() {
    let error = validate(&sealed(r#"{"status":"optout","body":true}"#)).unwrap_err();
    assert_refused(&error, RefusalKind::Other, Upgrade, (200, "optout", None));
}
