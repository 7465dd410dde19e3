//! `POST /v2/identity/map` (protocol, section 11).

use std::borrow::Cow;

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::input;
use crate::config::Client;
use crate::operator::State;
use crate::shell::answer::Answer;
use crate::shell::envelope::{Payload, Sealed};

#[derive(Serialize, Default)]
struct Body {
    mapped: Vec<Mapped>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unmapped: Vec<Unmapped>,
}

#[derive(Serialize)]
struct Mapped {
    identifier: String,
    advertising_id: String,
    bucket_id: String,
}

#[derive(Serialize)]
struct Unmapped {
    identifier: String,
    reason: &'static str,
}

const KINDS: [&str; 4] = ["email", "email_hash", "phone", "phone_hash"];

/// One kind at a time, and for a service one of its links.
pub(crate) fn handle(request: &mut Sealed<'_>) -> Answer {
    let state = request.state.read();
    let Some(payload) = request.payload.as_ref() else {
        return Answer::unknown("Unknown error while mapping identity v2");
    };
    match given(payload, state.config.phone_support()) {
        Err(refusal) => refusal,
        Ok(_) if !link_is_known(payload, request.client) => {
            let message = "Invalid link_id";
            Answer::error(StatusCode::UNAUTHORIZED, "unauthorized", message)
        }
        Ok(None) => Answer::success(Body::default()),
        Ok(Some((kind, values))) => Answer::success(map(&state, kind, values)),
    }
}

/// A service need not name a link; but one that it names must be its own.
fn link_is_known(payload: &Payload, client: &Client) -> bool {
    const LINK_ID: &str = "link_id";
    !payload.contains_key(LINK_ID) || client.allows_link(input::text(payload, LINK_ID).as_deref())
}

/// The one kind that there is something of, if any.
type Given<'a> = Option<(&'static str, &'a [Value])>;

fn given(payload: &Payload, phone_support: bool) -> Result<Given<'_>, Answer> {
    let kinds = if phone_support { 4 } else { 2 };
    let mut arrays = Vec::new();
    for kind in KINDS.iter().take(kinds) {
        match payload.get(*kind) {
            None | Some(Value::Null) => {}
            Some(Value::Array(values)) => arrays.push((*kind, values.as_slice())),
            Some(_) => return Err(Answer::client_error(format!("{kind} must be an array"))),
        }
    }
    let any = !arrays.is_empty();
    arrays.retain(|(_, values)| !values.is_empty());
    match arrays.as_slice() {
        [] if any => Ok(None),
        [one] => Ok(Some(*one)),
        _ if phone_support => Err(Answer::client_error(input::WITH_PHONE)),
        _ => Err(Answer::client_error(input::WITHOUT_PHONE)),
    }
}

fn map(state: &State, kind: &str, values: &[Value]) -> Body {
    let mut body = Body::default();
    for value in values {
        let identifier = match value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(other.to_string()),
        };
        match map_one(state, kind, identifier.into_owned()) {
            Ok(mapped) => body.mapped.push(mapped),
            Err(unmapped) => body.unmapped.push(unmapped),
        }
    }
    body
}

fn map_one(state: &State, kind: &str, identifier: String) -> Result<Mapped, Unmapped> {
    let Some(person) = input::parse(kind, &identifier) else {
        return Err(Unmapped {
            identifier,
            reason: "invalid identifier",
        });
    };
    let first = state.first_level(&person);
    if state.opt_outs.at_generate(&first) {
        return Err(Unmapped {
            identifier,
            reason: "optout",
        });
    }
    let uid = state.salts.raw_uid(state.uid_form(), person.kind(), &first);
    let bucket = state.salts.row(&first);
    Ok(Mapped {
        identifier,
        advertising_id: uid.to_base64().to_string(),
        bucket_id: bucket.map_or_else(String::new, |row| state.salts.bucket_id(row)),
    })
}
