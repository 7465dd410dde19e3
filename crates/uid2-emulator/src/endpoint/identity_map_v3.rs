//! `POST /v3/identity/map` (protocol, section 11).

use serde::Serialize;
use serde_json::Value;
use uid2_core::Timestamp;

use super::input;
use crate::operator::State;
use crate::shell::answer::Answer;
use crate::shell::envelope::{Payload, Sealed};

/// All four, whatever was asked for, in the order of the input.
#[derive(Serialize, Default)]
struct Body {
    email: Vec<Item>,
    email_hash: Vec<Item>,
    phone: Vec<Item>,
    phone_hash: Vec<Item>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item {
    Mapped {
        u: String,
        p: Option<String>,
        r: i64,
    },
    Unmapped {
        e: &'static str,
    },
}

const MISSING: &str = "Required Parameter Missing: one or more of \
    [email, email_hash, phone, phone_hash] must be specified";
const MISSING_WITHOUT_PHONE: &str =
    "Required Parameter Missing: one or more of [email, email_hash] must be specified";
const FORMAT: &str = "Incorrect request format";
const KINDS: [&str; 4] = ["email", "email_hash", "phone", "phone_hash"];

pub(crate) fn handle(request: &mut Sealed<'_>) -> Answer {
    let state = request.state.read();
    let nothing = Payload::new();
    let payload = request.payload.as_ref().unwrap_or(&nothing);
    let phone_support = state.config.phone_support();
    let is_known = |name: &String| KINDS.contains(&name.as_str());
    if !payload.keys().all(is_known) {
        return Answer::client_error(FORMAT);
    }
    if payload.values().all(Value::is_null) {
        return Answer::client_error(if phone_support {
            MISSING
        } else {
            MISSING_WITHOUT_PHONE
        });
    }
    let map = |kind| map(&state, payload, kind, request.now);
    let phone = |kind| {
        if phone_support {
            map(kind)
        } else {
            Some(Vec::new())
        }
    };
    let body = (|| {
        Some(Body {
            email: map("email")?,
            email_hash: map("email_hash")?,
            phone: phone("phone")?,
            phone_hash: phone("phone_hash")?,
        })
    })();
    body.map_or_else(|| Answer::client_error(FORMAT), Answer::success)
}

/// The items of a kind; nothing if its value is not an array of texts.
fn map(state: &State, payload: &Payload, kind: &str, now: Timestamp) -> Option<Vec<Item>> {
    let values = match payload.get(kind) {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(Value::Array(values)) => values,
        Some(_) => return None,
    };
    values
        .iter()
        .map(|value| match value {
            Value::String(text) => Some(item(state, kind, text, now)),
            // The service's JSON library makes texts of these.
            Value::Number(_) | Value::Bool(_) => Some(item(state, kind, &value.to_string(), now)),
            _ => None,
        })
        .collect()
}

fn item(state: &State, kind: &str, value: &str, now: Timestamp) -> Item {
    let Some(person) = input::parse(kind, value) else {
        return Item::Unmapped {
            e: "invalid identifier",
        };
    };
    let first = state.first_level(&person);
    if state.opt_outs.at_generate(&first) {
        return Item::Unmapped { e: "optout" };
    }
    let (form, kind) = (state.uid_form(), person.kind());
    let previous = state.salts.previous_raw_uid(form, kind, &first, now);
    let refresh_from = state.salts.row(&first).map(|row| row.refresh_from(now));
    Item::Mapped {
        u: state
            .salts
            .raw_uid(form, kind, &first)
            .to_base64()
            .to_string(),
        p: previous.map(|uid| uid.to_base64().to_string()),
        r: refresh_from.unwrap_or(now).as_millis().div_euclid(1000),
    }
}
