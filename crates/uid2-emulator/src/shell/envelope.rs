//! Opening requests and sealing replies (protocol, sections 4 and 5).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use serde_json::{Map, Value};
use uid2_core::envelope::{self, Encoding, EnvelopeError, Opened};
use uid2_core::{ClientSecret, Scope, Timestamp};

use super::answer::{Answer, response};
use super::route::Endpoint;
use super::{Call, auth};
use crate::config::Client;
use crate::fault::Fault;
use rand_core::CryptoRng;

/// The JSON object of a request.
pub(crate) type Payload = Map<String, Value>;

/// Java's basic decoder: padding may be left out but must be right if there,
/// bits that say nothing may be anything.
pub(crate) const JAVA: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Minimum of a request: version, IV, timestamp, nonce, tag.
const MIN_LEN: usize = 1 + 12 + 8 + 8 + 16;

/// An opened request that an endpoint works on.
pub(crate) struct Sealed<'a> {
    pub(crate) state: &'a parking_lot::RwLock<crate::operator::State>,
    pub(crate) client: &'a Client,
    /// Nothing where the request has no JSON at all.
    pub(crate) payload: Option<Payload>,
    pub(crate) now: Timestamp,
    pub(crate) rng: &'a mut dyn CryptoRng,
}

/// Authenticates, opens, hands over to the endpoint and seals what it answers.
pub(crate) fn sealed(
    call: &mut Call<'_>,
    endpoint: Endpoint,
    handle: impl FnOnce(&mut Sealed<'_>) -> Answer,
) -> Response<Bytes> {
    match admit(call, endpoint) {
        Ok((client, request)) => answer(call, &client, request, handle),
        Err(refusal) => {
            call.note.status(refusal.told());
            refusal.into_response()
        }
    }
}

fn admit(call: &mut Call<'_>, endpoint: Endpoint) -> Result<(Client, Opening), Answer> {
    let state = call.state.read();
    let client = auth::require(&state, call.headers, endpoint)?.clone();
    call.note.client(&client);
    let opening = if state.config.encryption {
        let scope = state.config.scope;
        open(call.headers, call.body, client.secret(), scope, call.now)
            .map_err(Answer::client_error)?
    } else {
        plain(call.body)?
    };
    Ok((client, opening))
}

/// A request, opened, and what its reply must look like.
struct Opening {
    payload: Option<Payload>,
    /// How to seal the reply; nothing if it goes in the clear.
    seal: Option<(Encoding, envelope::Nonce)>,
}

fn answer(
    call: &mut Call<'_>,
    client: &Client,
    request: Opening,
    handle: impl FnOnce(&mut Sealed<'_>) -> Answer,
) -> Response<Bytes> {
    let now = call.now;
    let answer = handle(&mut Sealed {
        state: call.state,
        client,
        payload: request.payload,
        now,
        rng: &mut *call.rng,
    });
    call.note.status(answer.told());
    if let Some((encoding, _)) = request.seal {
        call.note.encoding(encoding);
    }
    match (answer, request.seal) {
        (Answer::Success { json, .. }, Some((encoding, nonce))) => {
            let mut iv = [0; 12];
            call.rng.fill_bytes(&mut iv);
            let (now, nonce) = faulty_stamp(call.fault, now, nonce);
            let body = envelope::seal_response(client.secret(), &json, encoding, now, iv, nonce);
            response(StatusCode::OK, encoding.content_type(), body)
        }
        (answer, _) => answer.into_response(),
    }
}

/// Time and nonce as a broken operator would write them.
fn faulty_stamp(
    fault: &Fault,
    now: Timestamp,
    nonce: envelope::Nonce,
) -> (Timestamp, envelope::Nonce) {
    let millis = now.as_millis().saturating_add(fault.timestamp_off());
    let nonce = if fault.wrong_nonce() {
        envelope::Nonce::from_bytes(nonce.as_bytes().map(|byte| !byte))
    } else {
        nonce
    };
    (Timestamp::from_millis(millis), nonce)
}

/// Encryption switched off: the body is the JSON.
fn plain(body: &[u8]) -> Result<Opening, Answer> {
    let payload = (!body.is_empty())
        .then(|| serde_json::from_slice(body))
        .transpose()
        .map_err(|_| Answer::client_error(NOT_JSON))?;
    Ok(Opening {
        payload,
        seal: None,
    })
}

const NOT_JSON: &str = "Invalid payload in body: Data is not valid json string.";

/// Opens a request, or says why not. The checks are in the operator's order.
fn open(
    headers: &HeaderMap,
    body: &[u8],
    secret: &ClientSecret,
    scope: Scope,
    now: Timestamp,
) -> Result<Opening, String> {
    if body.is_empty() {
        return Err("Invalid body: Body is missing.".into());
    }
    let text = JAVA.decode(body).ok();
    let as_text = |message: &[u8]| open_as(message, secret, scope, now, Encoding::Text);
    if !is_octet_stream(headers) {
        return match text {
            Some(message) => as_text(&message),
            None => Err(unless_json(body, scope, "Body is not valid base64.")),
        };
    }
    // What does not open as bytes may be text all the same; then the reply is
    // text, too, and so is what is wrong with it.
    let opened = open_as(body, secret, scope, now, Encoding::Binary);
    match (opened, text) {
        (Err(_), Some(message)) => as_text(&message),
        (opened, _) => opened,
    }
}

/// Opens the bytes of a request; the reply is to be in this encoding.
fn open_as(
    message: &[u8],
    secret: &ClientSecret,
    scope: Scope,
    now: Timestamp,
    encoding: Encoding,
) -> Result<Opening, String> {
    let opened = open_bytes(message, secret, scope, now)?;
    let payload = match opened.payload() {
        [] => None,
        json => Some(serde_json::from_slice(json).map_err(|_| String::from(NOT_JSON))?),
    };
    Ok(Opening {
        payload,
        seal: Some((encoding, opened.nonce())),
    })
}

fn open_bytes(
    message: &[u8],
    secret: &ClientSecret,
    scope: Scope,
    now: Timestamp,
) -> Result<Opened, String> {
    if message.len() < MIN_LEN {
        let why = "Body too short. Check encryption method.";
        return Err(unless_json(message, scope, why));
    }
    let opened = envelope::open_request(secret, message, Encoding::Binary);
    let opened = opened.map_err(|error| match error {
        EnvelopeError::Version { found } => {
            // Java's bytes are signed.
            let found = i8::from_be_bytes([found]);
            let why =
                format!("Invalid request envelope format version: received {found}, must be 1.");
            unless_json(message, scope, &why)
        }
        _ => see_docs(scope, "Check encryption key (ClientSecret)."),
    })?;
    if is_fresh(opened.timestamp(), now) {
        Ok(opened)
    } else {
        Err("Invalid timestamp: Request too old or client time drift.".into())
    }
}

/// Accepted from 119 s in the future up to, not including, 120 s in the past:
/// the age is rounded down to seconds, and those towards zero to minutes.
fn is_fresh(sealed: Timestamp, now: Timestamp) -> bool {
    let age = now.as_millis().saturating_sub(sealed.as_millis());
    (age.div_euclid(1000) / 60).abs() <= 1
}

/// Whoever forgot to seal at all is told so.
fn unless_json(body: &[u8], scope: Scope, why: &str) -> String {
    let is_json = serde_json::from_slice::<Payload>(body).is_ok();
    if is_json {
        let docs = docs(scope);
        format!(
            "Invalid body: The request body is unencrypted JSON. It must be an encrypted \
             request envelope. See {docs}#encryption-and-decryption-code-examples for \
             encryption and decryption code examples."
        )
    } else {
        see_docs(scope, why)
    }
}

fn see_docs(scope: Scope, why: &str) -> String {
    let docs = docs(scope);
    format!("Invalid body: {why} See {docs} for details on the request envelope format.")
}

const fn docs(scope: Scope) -> &'static str {
    match scope {
        Scope::Uid2 => "https://unifiedid.com/docs/getting-started/gs-encryption-decryption",
        Scope::Euid => "https://euid.eu/docs/getting-started/gs-encryption-decryption",
    }
}

/// The whole value, not its essence: a charset makes it text.
pub(crate) fn is_octet_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        value
            .as_bytes()
            .eq_ignore_ascii_case(b"application/octet-stream")
    })
}
