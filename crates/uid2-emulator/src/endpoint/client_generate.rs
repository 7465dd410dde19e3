//! `POST /v2/token/client-generate` (protocol, section 10).

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use base64::Engine;
use bytes::Bytes;
use http::header::ORIGIN;
use http::{HeaderMap, Response, StatusCode};
use p256::PublicKey;
use p256::pkcs8::DecodePublicKey;
use serde::Deserialize;
use uid2_core::ResponseKey;
use uid2_core::envelope::{self, Encoding};
use uid2_token::PrivacyBits;

use super::input::{self, Person};
use crate::config::{Config, Keypair, Site};
use crate::operator::{State, Subject};
use crate::shell::Call;
use crate::shell::answer::Answer;
use crate::shell::envelope::{JAVA, Payload};

/// Strict: a name that is not known is an error of the service's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    payload: Option<String>,
    iv: Option<String>,
    public_key: Option<String>,
    #[serde(default)]
    timestamp: i64,
    subscription_id: Option<String>,
    app_name: Option<String>,
}

/// Opened: who, where from, and the key to answer with.
struct Opened {
    person: Person,
    site_id: i32,
    key: [u8; 32],
}

pub(crate) fn handle(call: &mut Call<'_>) -> Response<Bytes> {
    let state = call.state.read();
    let opened = match open(&state, call.headers, call.body) {
        Ok(opened) => opened,
        Err(refusal) => {
            call.note.status(refusal.told());
            return refusal.into_response();
        }
    };
    call.note.site(opened.site_id);
    call.note.encoding(Encoding::Text);
    let answer = generate(&state, &opened, call);
    call.note.status(answer.told());
    match answer {
        Answer::Success { json, .. } => {
            let mut iv = [0; 12];
            call.rng.fill_bytes(&mut iv);
            let key = ResponseKey::from_bytes(opened.key);
            // The same layout as of a refresh; without a Content-Type.
            let body = envelope::seal_refresh_response(&key, &json, Encoding::Text, iv);
            Response::new(Bytes::from(body))
        }
        answer => answer.into_response(),
    }
}

fn generate(state: &State, opened: &Opened, call: &mut Call<'_>) -> Answer {
    let first_level = state.first_level(&opened.person);
    if state.opt_outs.at_generate(&first_level) {
        return Answer::status("optout");
    }
    let subject = Subject {
        kind: opened.person.kind(),
        first_level,
        site_id: opened.site_id,
        privacy: PrivacyBits::CLIENT,
        established: call.now,
    };
    match state.mint(&subject, call.now, call.rng) {
        Some(identity) => Answer::success(identity),
        None => Answer::no_active_key(),
    }
}

/// The checks are in the operator's order.
fn open(state: &State, headers: &HeaderMap, body: &[u8]) -> Result<Opened, Answer> {
    let body = read(body)?;
    let keypair = keypair(&state.config, &body)?;
    check_source(&state.config, keypair, &body, headers)?;
    let (Some(payload), Some(iv), Some(public_key)) = (&body.payload, &body.iv, &body.public_key)
    else {
        return Err(Answer::client_error(
            "required parameters: payload, iv, public_key",
        ));
    };
    let key = shared_key(keypair, public_key).ok_or(Answer::client_error("bad public key"))?;
    let iv = decode(iv).and_then(|iv| <[u8; 12]>::try_from(iv).ok());
    let iv = iv.ok_or(Answer::client_error("bad iv"))?;
    let plain = decrypt(payload, &key, iv, &associated_data(&body))
        .ok_or(Answer::client_error("payload decryption failed"))?;
    Ok(Opened {
        person: person(&plain, state.config.phone_support())?,
        site_id: keypair.site_id(),
        key,
    })
}

fn read(body: &[u8]) -> Result<Body, Answer> {
    if body.is_empty() {
        return Err(Answer::client_error("json payload expected but not found"));
    }
    let json: Payload = serde_json::from_slice(body)
        .map_err(|_| Answer::client_error("json payload is not valid"))?;
    serde_json::from_value(json.into())
        .map_err(|_| Answer::unknown("Unknown error while handling client side token generate"))
}

fn keypair<'a>(config: &'a Config, body: &Body) -> Result<&'a Keypair, Answer> {
    let id = body.subscription_id.as_deref().unwrap_or_default();
    let mut all = config.keypairs.iter();
    match all.find(|keypair| keypair.subscription_id() == id) {
        None => Err(Answer::client_error("bad subscription_id")),
        Some(keypair) if keypair.is_disabled() => Err(Answer::error(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Unauthorized",
        )),
        Some(keypair) => Ok(keypair),
    }
}

/// An app by its name, everything else by its origin.
fn check_source(
    config: &Config,
    keypair: &Keypair,
    body: &Body,
    headers: &HeaderMap,
) -> Result<(), Answer> {
    let site = config
        .sites
        .iter()
        .find(|site| site.id == keypair.site_id());
    let allows = |test: &dyn Fn(&Site) -> bool| site.is_some_and(test);
    if let Some(app) = &body.app_name {
        return if allows(&|site| site.allows_app(app)) {
            Ok(())
        } else {
            let message = "unexpected app name";
            Err(Answer::error(
                StatusCode::FORBIDDEN,
                "invalid_app_name",
                message,
            ))
        };
    }
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    if allows(&|site| site.allows_origin(origin.unwrap_or_default())) {
        Ok(())
    } else {
        let message = "unexpected http origin";
        Err(Answer::error(
            StatusCode::FORBIDDEN,
            "invalid_http_origin",
            message,
        ))
    }
}

/// The x-coordinate of ECDH, used as it is.
fn shared_key(keypair: &Keypair, public_key: &str) -> Option<[u8; 32]> {
    let public_key = PublicKey::from_public_key_der(&decode(public_key)?).ok()?;
    let private_key = keypair.private_key().to_nonzero_scalar();
    let shared = p256::ecdh::diffie_hellman(private_key, public_key.as_affine());
    Some((*shared.raw_secret_bytes()).into())
}

/// `[timestamp]` or `[timestamp,"app_name"]`, without white space.
fn associated_data(body: &Body) -> Vec<u8> {
    let json = match &body.app_name {
        Some(app) => serde_json::to_vec(&(body.timestamp, app)),
        None => serde_json::to_vec(&[body.timestamp]),
    };
    json.unwrap_or_default()
}

fn decrypt(payload: &str, key: &[u8; 32], iv: [u8; 12], aad: &[u8]) -> Option<Vec<u8>> {
    let mut text = decode(payload)?;
    let tag: [u8; 16] = *text.last_chunk()?;
    text.truncate(text.len() - tag.len());
    Aes256Gcm::new(key.into())
        .decrypt_inout_detached(
            &iv.into(),
            aad,
            InOutBuf::from(text.as_mut_slice()),
            &tag.into(),
        )
        .ok()?;
    Some(text)
}

fn person(plain: &[u8], phone_support: bool) -> Result<Person, Answer> {
    let json: Payload = serde_json::from_slice(plain)
        .map_err(|_| Answer::client_error("encrypted payload contains invalid json"))?;
    let (email, phone) = (
        input::text(&json, "email_hash"),
        input::text(&json, "phone_hash"),
    );
    let (kind, hash) = match (email, phone) {
        (_, Some(_)) if !phone_support => {
            return Err(Answer::client_error("phone support not enabled"));
        }
        (Some(hash), None) => ("email_hash", hash),
        (None, Some(hash)) => ("phone_hash", hash),
        _ if phone_support => {
            return Err(Answer::client_error(
                "please provide exactly one of: email_hash, phone_hash",
            ));
        }
        _ => return Err(Answer::client_error("please provide email_hash")),
    };
    input::parse(kind, &hash).ok_or(Answer::client_error("Invalid Identifier"))
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    JAVA.decode(base64).ok()
}
