//! `POST /v2/token/refresh` (protocol, section 7).

use base64::Engine;
use bytes::Bytes;
use http::{Response, StatusCode};
use rand_core::CryptoRng;
use uid2_core::envelope::{self, Encoding};
use uid2_core::{ResponseKey, Timestamp};
use uid2_token::{OUTER_LEN, OuterError, OuterRefreshToken, RefreshToken, TokenError};

use crate::operator::{State, Subject};
use crate::shell::answer::{Answer, response};
use crate::shell::envelope::{JAVA, is_octet_stream};
use crate::shell::{Call, auth};

/// Identities older than this are not refreshed: 2021-03-08T17:00Z.
const DEPRECATED_BEFORE: Timestamp = Timestamp::from_secs(1_615_222_800);

/// The body is a refresh token and nothing else. Who calls only matters for
/// how much is said of what is wrong.
pub(crate) fn handle(call: &mut Call<'_>) -> Response<Bytes> {
    let state = call.state.read();
    let client = auth::client(&state, call.headers);
    if let Some(client) = client {
        call.note.client(client);
    }
    let authenticated = client.is_some();
    let (token, key) = match presented(&state, call.body) {
        Ok(presented) => presented,
        Err(refusal) => {
            call.note.status(refusal.told());
            return refusal.into_response();
        }
    };
    let answer = refresh(&state, &token, authenticated, call.now, call.rng);
    call.note.status(answer.told());
    match (answer, key) {
        (Answer::Success { json, .. }, Some(key)) => {
            let encoding = if is_octet_stream(call.headers) {
                Encoding::Binary
            } else {
                Encoding::Text
            };
            call.note.encoding(encoding);
            let mut iv = [0; 12];
            call.rng.fill_bytes(&mut iv);
            let body = envelope::seal_refresh_response(&key, &json, encoding, iv);
            response(StatusCode::OK, encoding.content_type(), body)
        }
        (answer, _) => answer.into_response(),
    }
}

/// The inner token as bytes or what base64 says of it, and the key to answer with.
type Presented = (Option<Vec<u8>>, Option<ResponseKey>);

/// Takes the outer token off, if there is one: its length tells.
fn presented(state: &State, body: &[u8]) -> Result<Presented, Answer> {
    if body.len() != OUTER_LEN || !state.config.encryption {
        return Ok((JAVA.decode(body).ok(), None));
    }
    let outer = JAVA
        .decode(body)
        .map_err(|_| OuterError::NotBase64)
        .and_then(|bytes| OuterRefreshToken::decode_bytes(&bytes, &state.keys))
        .map_err(|error| Answer::client_error(outer_message(error)))?;
    let inner = JAVA.decode(outer.inner()).ok();
    Ok((inner, Some(outer.response_key().clone())))
}

fn outer_message(error: OuterError) -> String {
    match error {
        OuterError::NotBase64 => "Invalid body: Body is not valid base64.".into(),
        OuterError::UnknownKey { id } => {
            format!("Invalid key: Generator of this token (Key ID: {id}) does not exist.")
        }
        OuterError::Format => {
            "Invalid format: Payload is not valid json or missing required data.".into()
        }
        _ => "Invalid data: Check encryption method and encryption key.".into(),
    }
}

/// What became of a presented token.
enum Fate {
    Good(RefreshToken),
    Invalid,
    Broken,
}

fn refresh(
    state: &State,
    token: &Option<Vec<u8>>,
    authenticated: bool,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Answer {
    match read(state, token.as_deref()) {
        Fate::Broken => Answer::unknown("Unknown error while refreshing token v2"),
        Fate::Invalid => refused(authenticated, "invalid_token", "Invalid Token presented"),
        Fate::Good(token) if token.established < DEPRECATED_BEFORE => Answer::status("optout"),
        Fate::Good(token) if token.expires < now => {
            refused(authenticated, "expired_token", "Expired Token presented")
        }
        Fate::Good(token) if state.opt_outs.at_refresh(&token.first_level_hash) => {
            Answer::status("optout")
        }
        Fate::Good(token) => match state.mint(&subject(&token), now, rng) {
            Some(identity) => Answer::success(identity),
            None if authenticated => Answer::no_active_key(),
            None => unauthenticated(),
        },
    }
}

/// The service tells what is no token at all (invalid) from what breaks while
/// it is read (an error of its own).
fn read(state: &State, token: Option<&[u8]>) -> Fate {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Fate::Invalid;
    };
    match RefreshToken::decode_bytes(token, &state.keys) {
        Ok(token) if token.scope == state.config.scope => Fate::Good(token),
        Ok(_) => Fate::Invalid,
        Err(
            TokenError::UnknownVersion { .. }
            | TokenError::UnknownKey { .. }
            | TokenError::UnknownPrefix { .. },
        ) => Fate::Invalid,
        Err(_) => Fate::Broken,
    }
}

const fn subject(token: &RefreshToken) -> Subject {
    Subject {
        kind: token.kind,
        first_level: token.first_level_hash,
        site_id: token.site_id,
        privacy: token.privacy,
        established: token.established,
    }
}

fn refused(authenticated: bool, status: &'static str, message: &'static str) -> Answer {
    if authenticated {
        Answer::error(StatusCode::BAD_REQUEST, status, message)
    } else {
        unauthenticated()
    }
}

fn unauthenticated() -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, "error", "Error refreshing token")
}
