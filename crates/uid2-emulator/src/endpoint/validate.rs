//! `POST /v2/token/validate` (protocol, section 8).

use uid2_token::Advertising;

use super::input::{self, Person};
use crate::operator::State;
use crate::shell::answer::Answer;
use crate::shell::envelope::Sealed;

/// Neither expiry nor opt-out is looked at.
pub(crate) fn handle(request: &mut Sealed<'_>) -> Answer {
    let state = request.state.read();
    let phone_support = state.config.phone_support();
    let person = match input::person(request.payload.as_ref(), phone_support) {
        Ok(person) => person,
        Err(error) => return error.answer(phone_support),
    };
    let token = request
        .payload
        .as_ref()
        .and_then(|payload| input::text(payload, "token"));
    let token =
        token.and_then(|token| Advertising::decode(&token, state.config.scope, &state.keys).ok());
    match token {
        None => Answer::client_error("Invalid token"),
        Some(token) if token.site_id != request.client.site_id() => {
            Answer::client_error("Unauthorised to validate token")
        }
        Some(token) => Answer::success(is_of(&state, &token, &person)),
    }
}

fn is_of(state: &State, token: &Advertising, person: &Person) -> bool {
    let first = state.first_level(person);
    state.salts.raw_uid(state.uid_form(), person.kind(), &first) == token.raw_uid
}
