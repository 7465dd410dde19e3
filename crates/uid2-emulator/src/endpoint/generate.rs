//! `POST /v2/token/generate` (protocol, section 6).

use uid2_core::Scope;
use uid2_token::PrivacyBits;

use super::consent::{self, Consent};
use super::input;
use crate::operator::Subject;
use crate::shell::answer::Answer;
use crate::shell::envelope::{Payload, Sealed};

const TCF: &str = "tcf_consent_string";

pub(crate) fn handle(request: &mut Sealed<'_>) -> Answer {
    let state = request.state.read();
    let phone_support = state.config.phone_support();
    let payload = request.payload.as_ref();
    let person = match input::person(payload, phone_support) {
        Ok(person) => person,
        Err(error) => return error.answer(phone_support),
    };
    match user_consent(state.config.scope, payload) {
        Consent::Sufficient => {}
        Consent::Insufficient => return Answer::status("insufficient_user_consent"),
        Consent::Invalid => return Answer::client_error("User consent is invalid"),
    }
    let first_level = state.first_level(&person);
    if state.opt_outs.at_generate(&first_level) {
        return Answer::status("optout");
    }
    let subject = Subject {
        kind: person.kind(),
        first_level,
        site_id: request.client.site_id(),
        privacy: PrivacyBits::SERVER,
        established: request.now,
    };
    match state.mint(&subject, request.now, request.rng) {
        Some(identity) => Answer::success(identity),
        None => Answer::no_active_key(),
    }
}

/// Looked at in EUID only, and only where it is given.
fn user_consent(scope: Scope, payload: Option<&Payload>) -> Consent {
    match (scope, payload) {
        (Scope::Euid, Some(payload)) if payload.contains_key(TCF) => {
            consent::read(&input::text(payload, TCF).unwrap_or_default())
        }
        _ => Consent::Sufficient,
    }
}
