//! What comes over the wire: envelopes, and the answers to operations.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Counting, Input};
use crate::envelope::{
    self, Encoding, EnvelopeError, Nonce, open_refresh_response, open_request, open_response,
};
use crate::operation::{
    Action, Caller, Error, Generate, GenerateOutcome, Logout, Refresh, RefreshOutcome, Response,
    Validate,
};
use crate::{ApiKey, ClientSecret, Dii, EmailHash, Identity, ResponseKey, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn encoding(byte: u8) -> Encoding {
    if byte & 1 == 0 {
        Encoding::Text
    } else {
        Encoding::Binary
    }
}

/// The three kinds of envelopes, with keys that are always the same.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Request,
    Response,
    Refresh,
}

impl Kind {
    const fn of(byte: u8) -> Self {
        match byte % 3 {
            0 => Self::Request,
            1 => Self::Response,
            _ => Self::Refresh,
        }
    }

    /// Fewest bytes that could open.
    const fn min(self) -> usize {
        match self {
            Self::Request => 1 + 12 + 16 + 16,
            Self::Response => 12 + 16 + 16,
            Self::Refresh => 12 + 16,
        }
    }

    fn seal(self, payload: &[u8], as_: Encoding, now: Timestamp, iv: [u8; 12]) -> Vec<u8> {
        match self {
            Self::Request => envelope::seal_request_with(&secret(), payload, as_, now, iv, nonce()),
            Self::Response => envelope::seal_response(&secret(), payload, as_, now, iv, nonce()),
            Self::Refresh => envelope::seal_refresh_response(&key(), payload, as_, iv),
        }
    }

    /// Payload, and when it was sealed where the envelope tells.
    fn open(
        self,
        body: &[u8],
        as_: Encoding,
    ) -> Result<(Vec<u8>, Option<Timestamp>), EnvelopeError> {
        let opened = match self {
            Self::Request => open_request(&secret(), body, as_)?,
            Self::Response => open_response(&secret(), body, as_, nonce())?,
            Self::Refresh => {
                let payload = open_refresh_response(&key(), body, as_)?;
                return Ok((payload.as_bytes().to_vec(), None));
            }
        };
        assert_eq!(opened.nonce(), nonce());
        Ok((opened.payload().to_vec(), Some(opened.timestamp())))
    }
}

fn secret() -> ClientSecret {
    ClientSecret::from_bytes([7; 32])
}

fn key() -> ResponseKey {
    ResponseKey::from_bytes([8; 32])
}

const fn nonce() -> Nonce {
    Nonce::from_bytes([9; 8])
}

/// Envelopes: what was not sealed with the key never opens and is refused for
/// the right reason; what was sealed opens to what it was, but for any change.
pub fn envelope(data: &[u8]) {
    let mut input = Input::new(data);
    let how = input.byte();
    let (kind, as_) = (Kind::of(how >> 2), encoding(how));
    if how & 2 == 0 {
        foreign(kind, as_, input.rest());
    } else {
        altered(kind, as_, &mut input);
    }
}

fn foreign(kind: Kind, as_: Encoding, body: &[u8]) {
    let bytes = match as_ {
        Encoding::Binary => Some(body.to_vec()),
        Encoding::Text => STANDARD.decode(body).ok(),
    };
    match (kind.open(body, as_), bytes) {
        (Err(EnvelopeError::NotBase64), None) => {}
        (Err(EnvelopeError::TooShort { found, min }), Some(bytes)) => {
            assert_eq!((found, true), (bytes.len(), found < min));
            assert!(found < kind.min());
        }
        (Err(EnvelopeError::Version { found }), Some(bytes)) => {
            assert_eq!(bytes.first(), Some(&found));
            assert!(found != 1 && matches!(kind, Kind::Request));
        }
        (Err(EnvelopeError::Decrypt | EnvelopeError::NonceMismatch), Some(bytes)) => {
            assert!(bytes.len() >= 28);
        }
        // The fuzzer knows the keys, but would have to compute a GCM.
        (read, _) => assert!(read.is_ok(), "refused for the wrong reason: {read:?}"),
    }
}

fn altered(kind: Kind, as_: Encoding, input: &mut Input<'_>) {
    let iv = input.array();
    let now = Timestamp::from_millis(i64::from_le_bytes(input.array()));
    let at = usize::from(u16::from_le_bytes(input.array()));
    let flip = input.byte();
    let payload = input.rest();
    let mut body = kind.seal(payload, as_, now, iv);
    let time = (!matches!(kind, Kind::Refresh)).then_some(now);
    assert_eq!(kind.open(&body, as_), Ok((payload.to_vec(), time)));

    let cut = body.get(..at).filter(|cut| cut.len() < body.len());
    assert!(
        kind.open(cut.unwrap_or_default(), as_).is_err(),
        "opened, though cut off"
    );
    let mut longer = body.clone();
    longer.push(flip);
    assert!(kind.open(&longer, as_).is_err(), "opened with a byte more");
    if let Some(byte) = body.get_mut(at)
        && flip != 0
    {
        *byte ^= flip;
        assert!(kind.open(&body, as_).is_err(), "opened, though altered");
    }
}

/// The parts of an answer that decide.
#[derive(Deserialize)]
struct PlainMessage {
    status: String,
    #[serde(default)]
    #[allow(dead_code, reason = "a member twice is an error")]
    body: Option<IgnoredAny>,
}

/// The answers to operations: no outcome without a 200 that is sealed (but for
/// a refresh of old) and says so; everything else is an error that tells the
/// status, and none of what the answer may have echoed.
pub fn operations(data: &[u8]) {
    let mut input = Input::new(data);
    let how = input.byte();
    let status = status(&mut input);
    let content_type = content_type(&mut input);
    let answer = Answer {
        sent: encoding(how),
        sealed: how & 2 == 0,
        status,
        content_type,
        json: input.rest(),
    };
    match (how >> 2) % 5 {
        0 => answer.generate(),
        1 => answer.refresh(true),
        2 => answer.refresh(false),
        3 => answer.validate(),
        _ => answer.logout(),
    }
}

/// What an operator and what stands before it may say; those that are told apart
/// often, any other now and then.
const STATUSES: [u16; 16] = [
    400, 401, 403, 404, 405, 407, 408, 413, 429, 500, 502, 503, 204, 301, 302, 418,
];
const ANY_STATUS: u8 = 255;

fn status(input: &mut Input<'_>) -> u16 {
    let byte = input.byte();
    if byte == ANY_STATUS {
        return u16::from_be_bytes(input.array());
    }
    let chosen = byte.checked_sub(128).map(usize::from);
    let chosen = chosen.and_then(|at| STATUSES.get(at % STATUSES.len()));
    chosen.copied().unwrap_or(200)
}

fn content_type<'a>(input: &mut Input<'a>) -> Option<&'a str> {
    match input.byte() % 4 {
        0 => None,
        1 => Some("text/plain"),
        2 => Some("application/octet-stream"),
        _ => {
            let len = input.byte().into();
            core::str::from_utf8(input.take(len)).ok()
        }
    }
}

/// What comes back, as the fuzzer has it.
struct Answer<'a> {
    sent: Encoding,
    sealed: bool,
    status: u16,
    content_type: Option<&'a str>,
    json: &'a [u8],
}

impl Answer<'_> {
    /// As the client will take it to be written.
    fn encoding(&self) -> Encoding {
        self.content_type
            .and_then(Encoding::from_content_type)
            .unwrap_or(self.sent)
    }

    fn response<'a>(&'a self, body: &'a [u8]) -> Response<'a> {
        let response = Response::new(self.status, body);
        match self.content_type {
            Some(content_type) => response.with_content_type(content_type),
            None => response,
        }
    }

    /// The body of the answer to a request that was sealed.
    fn body(&self, request: &[u8]) -> Vec<u8> {
        if !self.sealed {
            return self.json.to_vec();
        }
        let Ok(request) = open_request(&secret(), request, self.sent) else {
            unreachable!("our own request does not open");
        };
        assert_eq!(request.timestamp(), NOW);
        let (as_, nonce) = (self.encoding(), request.nonce());
        envelope::seal_response(&secret(), self.json, as_, NOW, [5; 12], nonce)
    }

    fn generate(&self) {
        let dii = dii();
        let (request, pending) = Generate::new(&dii).prepare(&caller(self.sent), NOW, &mut rng());
        let body = self.body(request.body());
        let read = pending.finish(self.response(&body), NOW);
        let Some(reply) = self.check(read, self.sealed) else {
            return;
        };
        assert_eq!((reply.server_time, reply.skew), (Some(NOW), None));
        let said = match reply.outcome {
            GenerateOutcome::Success(identity) => self.identity("success", &identity),
            GenerateOutcome::OptOut => "optout",
            GenerateOutcome::InsufficientConsent => "insufficient_user_consent",
        };
        self.says(said);
    }

    fn refresh(&self, with_key: bool) {
        let identity = identity(with_key);
        let (request, pending) = Refresh::new(&identity).prepare(&caller(self.sent));
        assert_eq!(request.body(), identity.refresh_token().expose().as_bytes());
        let body = if self.sealed {
            envelope::seal_refresh_response(&key(), self.json, self.encoding(), [5; 12])
        } else {
            self.json.to_vec()
        };
        // With a key it must be sealed, without it cannot be.
        let read = pending.finish(self.response(&body));
        let Some(reply) = self.check(read, self.sealed == with_key) else {
            return;
        };
        assert_eq!((reply.server_time, reply.skew), (None, None));
        let said = match reply.outcome {
            RefreshOutcome::Success(identity) => self.identity("success", &identity),
            RefreshOutcome::OptOut => "optout",
        };
        self.says(said);
    }

    fn validate(&self) {
        let dii = dii();
        let validate = Validate::new("token", &dii);
        let (request, pending) = validate.prepare(&caller(self.sent), NOW, &mut rng());
        let body = self.body(request.body());
        let read = pending.finish(self.response(&body), NOW);
        if self.check(read, self.sealed).is_some() {
            self.says("success");
        }
    }

    fn logout(&self) {
        let dii = dii();
        let (request, pending) = Logout::new(&dii).prepare(&caller(self.sent), NOW, &mut rng());
        let body = self.body(request.body());
        let read = pending.finish(self.response(&body), NOW);
        if self.check(read, self.sealed).is_some() {
            self.says("success");
        }
    }

    /// An outcome must be trustworthy, an error must tell and not tell too much.
    fn check<T>(&self, read: Result<T, Error>, trustworthy: bool) -> Option<T> {
        match read {
            Ok(reply) => {
                assert_eq!(self.status, 200, "an outcome of another status");
                assert!(trustworthy, "an outcome that anybody could have written");
                Some(reply)
            }
            Err(error) => {
                self.check_error(&error);
                None
            }
        }
    }

    fn check_error(&self, error: &Error) {
        if self.status == 200 {
            assert!(error.http_status().is_none_or(|status| status == 200));
        } else {
            assert_eq!(error.http_status(), Some(self.status));
        }
        let text = format!("{error} {error:?}");
        assert!(!text.contains('@'), "an address in an error");
        assert!(longest_number(&text) < 10, "a phone number in an error");
        let words = match error {
            Error::Refused(refusal) => {
                refusal.status().len() + refusal.message().map_or(0, str::len)
            }
            _ => 0,
        };
        assert!(words <= 2 * 400, "an error of {words} bytes");
        if error.action() == Action::SignInAgain {
            assert!(matches!(error, Error::Refused(_)));
            assert_eq!(self.status, 400, "signed out by who is no operator");
        }
        if matches!(self.status, 401 | 403) {
            assert_eq!(error.action(), Action::FixConfiguration);
        }
        if matches!(self.status, 408 | 429 | 500..=599) {
            assert_eq!(error.action(), Action::Retry);
        }
    }

    fn says(&self, status: &str) {
        let first = self.json.iter().find(|byte| !byte.is_ascii_whitespace());
        assert_eq!(first, Some(&b'{'), "an outcome out of no object");
        let said: Option<PlainMessage> = serde_json::from_slice(self.json).ok();
        assert_eq!(said.map(|it| it.status).as_deref(), Some(status));
    }

    /// The identity is the body of the answer, and no other.
    fn identity(&self, status: &'static str, identity: &Identity) -> &'static str {
        #[derive(Deserialize)]
        struct WithBody<'a> {
            #[serde(borrow)]
            body: &'a serde_json::value::RawValue,
        }
        let said: Option<WithBody<'_>> = serde_json::from_slice(self.json).ok();
        let body = said.map(|it| Identity::from_json(it.body.get().as_bytes()));
        assert_eq!(body.as_ref(), Some(&Ok(identity.clone())));
        status
    }
}

fn longest_number(text: &str) -> usize {
    text.as_bytes()
        .split(|byte| !byte.is_ascii_digit())
        .map(<[u8]>::len)
        .max()
        .unwrap_or_default()
}

fn caller(as_: Encoding) -> Caller {
    let key = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
    let Ok(key) = key.parse::<ApiKey>() else {
        unreachable!("the API key of the mock configuration");
    };
    Caller::new(key, secret()).with_encoding(as_)
}

const fn dii() -> Dii {
    Dii::EmailHash(EmailHash::from_bytes([3; 32]))
}

fn rng() -> Counting {
    Counting::new(1)
}

fn identity(with_key: bool) -> Identity {
    let key = if with_key {
        key().expose_base64().to_string()
    } else {
        String::new()
    };
    let key = if key.is_empty() {
        key
    } else {
        format!(r#","refresh_response_key":"{key}""#)
    };
    let json = format!(
        r#"{{"advertising_token":"A","refresh_token":"R","refresh_from":1,
        "identity_expires":2,"refresh_expires":3{key}}}"#
    );
    let Ok(identity) = Identity::from_json(json.as_bytes()) else {
        unreachable!("our own identity does not read");
    };
    identity
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cannot be reached is not tested, however long it is fuzzed.
    #[test]
    fn all_statuses_are_reached() {
        let reached: Vec<u16> = (0..=255)
            .map(|byte| status(&mut Input::new(&[byte, 1, 195])))
            .collect();
        for status in STATUSES.iter().chain(&[200, 451]) {
            assert!(reached.contains(status), "{status}");
        }
    }
}
