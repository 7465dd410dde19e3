//! `POST /v2/optout/status` (protocol, section 11).

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use crate::operator::State;
use crate::shell::answer::Answer;
use crate::shell::envelope::Sealed;

/// Most raw UIDs of a request.
const MAX: usize = 5000;

#[derive(Serialize)]
struct Body<'a> {
    opted_out: Vec<OptedOut<'a>>,
}

#[derive(Serialize)]
struct OptedOut<'a> {
    advertising_id: &'a str,
    opted_out_since: i64,
}

pub(crate) fn handle(request: &mut Sealed<'_>) -> Answer {
    let Some(payload) = request.payload.as_ref() else {
        return Answer::client_error("Invalid request body");
    };
    let ids = match payload.get("advertising_ids") {
        None | Some(Value::Null) => {
            return Answer::client_error("Required Parameter Missing: advertising_ids");
        }
        Some(Value::Array(ids)) => ids,
        Some(_) => return Answer::unknown("Unknown error while getting optout status"),
    };
    if ids.len() > MAX {
        return Answer::client_error("Request payload is too large");
    }
    let since = by_raw_uid(&request.state.read());
    let opted_out = ids.iter().filter_map(Value::as_str).filter_map(|id| {
        since.get(id).map(|since| OptedOut {
            advertising_id: id,
            opted_out_since: *since,
        })
    });
    Answer::success(Body {
        opted_out: opted_out.collect(),
    })
}

/// Since when each raw UID is opted out, in milliseconds.
fn by_raw_uid(state: &State) -> HashMap<String, i64> {
    let form = state.uid_form();
    let all = state.opt_outs.all().map(|(person, kind, since)| {
        let uid = state.salts.raw_uid(form, kind, person);
        (uid.to_base64().to_string(), since.as_millis())
    });
    all.collect()
}
