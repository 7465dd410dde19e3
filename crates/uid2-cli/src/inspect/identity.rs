//! An identity in JSON, as on the wire or as `uid2 token` writes it.

use uid2_core::IdentityState;

use super::keys::Keys;
use super::kinds;
use super::report::Report;
use crate::clock;
use crate::failure::Failure;
use crate::token::parse_identity;

pub(super) fn report(text: &str, keys: Option<&Keys>, show: bool) -> Result<Report, Failure> {
    let identity = parse_identity(text.as_bytes()).map_err(|error| {
        let mut failure = Failure::local("not_recognized", &error);
        failure.message = format!("JSON, but not an identity: {}", failure.message);
        failure
    })?;
    let mut report = Report::new("identity");
    let (state, note) = match identity.state(clock::now()) {
        IdentityState::Fresh => ("fresh", "the advertising token is valid"),
        IdentityState::Due => (
            "due",
            "the advertising token is valid, and should be refreshed",
        ),
        IdentityState::Expired => (
            "expired",
            "the advertising token has expired: refresh it before the next use",
        ),
        IdentityState::Dead => (
            "dead",
            "the refresh token has expired: the user must sign in again",
        ),
    };
    report.field("state", state);
    report.time("refresh_from", identity.refresh_from());
    report.time("identity_expires", identity.identity_expires());
    report.time("refresh_expires", identity.refresh_expires());
    let has_key = identity.refresh_response_key().is_some();
    let key = if has_key { "there, not shown" } else { "none" };
    report.field("refresh_response_key", key);
    report.note(note);
    if !has_key {
        report.note("without a refresh_response_key the answer to a refresh cannot be opened");
    }
    for (name, token) in [
        ("advertising_token", identity.advertising_token().as_str()),
        ("refresh_token", identity.refresh_token().expose()),
    ] {
        match kinds::report(token, keys, show) {
            Ok(within) => report.within(name, within),
            Err(failure) if keys.is_some() && failure.kind == "does_not_open" => {
                return Err(failure);
            }
            Err(failure) => report.note(format!("{name}: {}", failure.message)),
        }
    }
    Ok(report)
}
