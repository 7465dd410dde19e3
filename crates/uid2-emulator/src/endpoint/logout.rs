//! `POST /v2/token/logout` (protocol, section 9).

use http::StatusCode;
use serde::Serialize;

use super::input;
use crate::shell::answer::Answer;
use crate::shell::envelope::Sealed;

#[derive(Serialize)]
struct Body {
    optout: &'static str,
}

pub(crate) fn handle(request: &mut Sealed<'_>) -> Answer {
    let mut state = request.state.write();
    let phone_support = state.config.phone_support();
    let Ok(person) = input::person(request.payload.as_ref(), phone_support) else {
        // The service goes on with a description of what it was given; this
        // says nothing of people.
        let message = "Invalid Token presented";
        return Answer::error(StatusCode::BAD_REQUEST, "invalid_token", message);
    };
    if !state.config.logout_backend {
        return Answer::internal_server_error();
    }
    let first_level = state.first_level(&person);
    state
        .opt_outs
        .insert(first_level, person.kind(), request.now);
    Answer::success(Body { optout: "OK" })
}
