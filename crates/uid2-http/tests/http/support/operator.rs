//! What an operator answers.

use bytes::Bytes;
use http::Response;
use uid2_core::envelope::{self, Encoding, Nonce};
use uid2_core::{ClientSecret, Dii, Identity, ResponseKey, Timestamp};

use super::Seen;

pub(crate) const API_KEY: &str = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
pub(crate) const CLIENT_SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";
pub(crate) const OTHER_SECRET: &str = "NcMgi6Y8C80SlxvV7pYlfcvEIo+2b0508tYQ3pKK8HM=";
pub(crate) const RESPONSE_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const ADVERTISING_TOKEN: &str = "A4AAABcvPwBS3sAtAn2kRaBcnHQW3ZvU0qQ1vZmQ";
pub(crate) const REFRESH_TOKEN: &str = "AAAAGbMPMrKmInqs4AOeH4EQqCGohr3dLlQed0c9EZu";
pub(crate) const EMAIL: &str = "jane.doe@example.com";

pub(crate) fn dii() -> Dii {
    Dii::email(EMAIL).unwrap()
}

/// The identity that is there before a refresh.
pub(crate) fn identity() -> Identity {
    Identity::from_json(identity_json(0).as_bytes()).unwrap()
}

/// An identity that can be told from others by a time.
pub(crate) fn identity_json(serial: i64) -> String {
    let expires = 1_700_003_600_000_i64 + serial;
    format!(
        r#"{{"advertising_token":"{ADVERTISING_TOKEN}","refresh_token":"{REFRESH_TOKEN}",
        "refresh_response_key":"{RESPONSE_KEY}","refresh_from":1700000900000,
        "identity_expires":{expires},"refresh_expires":1700086400000}}"#
    )
}

pub(crate) fn success(serial: i64) -> String {
    format!(r#"{{"body":{},"status":"success"}}"#, identity_json(serial))
}

/// A sealed answer to what was seen, as the operator gives it.
pub(crate) fn sealed(seen: &Seen, payload: &str) -> Response<Bytes> {
    sealed_at(seen, payload, seen.opened().timestamp())
}

pub(crate) fn sealed_at(seen: &Seen, payload: &str, now: Timestamp) -> Response<Bytes> {
    envelope_response(seal_with(
        CLIENT_SECRET,
        payload,
        now,
        seen.opened().nonce(),
    ))
}

pub(crate) fn seal_with(secret: &str, payload: &str, now: Timestamp, nonce: Nonce) -> Vec<u8> {
    let secret: ClientSecret = secret.parse().unwrap();
    // The IV of these answers need not be random: each server answers but little.
    envelope::seal_response(
        &secret,
        payload.as_bytes(),
        Encoding::Text,
        now,
        [9; 12],
        nonce,
    )
}

pub(crate) fn envelope_response(body: Vec<u8>) -> Response<Bytes> {
    Response::builder()
        .header("content-type", "text/plain")
        .body(body.into())
        .unwrap()
}

/// The answer to a refresh of [`identity`].
pub(crate) fn sealed_refresh(payload: &str) -> Response<Bytes> {
    let key = ResponseKey::parse(RESPONSE_KEY).unwrap();
    let body = envelope::seal_refresh_response(&key, payload.as_bytes(), Encoding::Text, [8; 12]);
    envelope_response(body)
}

/// Whatever is asked for, with success.
pub(crate) fn good(seen: &Seen) -> Response<Bytes> {
    match &*seen.path {
        "/v2/token/generate" => sealed(seen, &success(0)),
        "/v2/token/refresh" => sealed_refresh(&success(1)),
        "/v2/token/validate" => sealed(seen, r#"{"body":true,"status":"success"}"#),
        "/v2/token/logout" => sealed(seen, r#"{"body":{"optout":"OK"},"status":"success"}"#),
        path => panic!("no such endpoint: {path}"),
    }
}

pub(crate) fn refusal(http_status: u16, json: &'static str) -> Response<Bytes> {
    Response::builder()
        .status(http_status)
        .header("content-type", "application/json")
        .body(Bytes::from_static(json.as_bytes()))
        .unwrap()
}

/// A status without words, as front ends give it.
pub(crate) fn bare(http_status: u16) -> Response<Bytes> {
    Response::builder()
        .status(http_status)
        .body(Bytes::new())
        .unwrap()
}
