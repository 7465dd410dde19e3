//! What comes back: opened, checked and told apart.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{Error, Refusal};
use super::message::Response;
use crate::envelope::{self, Encoding, Nonce, Opened};
use crate::redact::scrub;
use crate::secret::ClientSecret;
use crate::time::{ClockSkew, Timestamp};

/// The outcome of an operation, and what the reply tells about the clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<T> {
    /// What came of it.
    pub outcome: T,
    /// What the operator's clock said when it answered. Answers to a refresh do
    /// not tell.
    pub server_time: Option<Timestamp>,
    /// Set when the operator's clock and `now` are further apart than the
    /// caller's tolerance. The outcome is good all the same, but the times in an
    /// identity are the operator's: mend the local clock.
    pub skew: Option<ClockSkew>,
}

/// What is needed to open the response to an enveloped request.
#[derive(Debug)]
pub(super) struct PendingEnvelope {
    pub(super) secret: ClientSecret,
    pub(super) nonce: Nonce,
    pub(super) encoding: Encoding,
    pub(super) skew_tolerance: Duration,
}

impl PendingEnvelope {
    /// Opens the response and hands its JSON to `read`.
    pub(super) fn finish<T>(
        self,
        response: Response<'_>,
        now: Timestamp,
        read: impl FnOnce(&Message<'_>) -> Result<T, Error>,
    ) -> Result<Reply<T>, Error> {
        let opened = self.open(response)?;
        let outcome = read(&Message::read(opened.payload())?)?;
        let server_time = opened.timestamp();
        let skew = ClockSkew::between(server_time, now);
        Ok(Reply {
            outcome,
            server_time: Some(server_time),
            skew: (skew.magnitude() > self.skew_tolerance).then_some(skew),
        })
    }

    fn open(&self, response: Response<'_>) -> Result<Opened, Error> {
        let body = sealed_body(response)?;
        let encoding = encoding_of(response, self.encoding);
        envelope::open_response(&self.secret, body, encoding, self.nonce).map_err(Error::Envelope)
    }
}

/// The body of a response that ought to be sealed: anything but a 200 is a
/// refusal, and a 200 that is JSON or a web page did not come from an operator
/// that holds our secret.
pub(super) fn sealed_body<'a>(response: Response<'a>) -> Result<&'a [u8], Error> {
    if response.status != 200 {
        return Err(refusal(response));
    }
    match first_byte(response.body) {
        Some(b'{' | b'[' | b'<') => Err(not_sealed(response)),
        _ => Ok(response.body),
    }
}

fn not_sealed(response: Response<'_>) -> Error {
    // A binary envelope may begin with any byte.
    let json_or_page = match response.content_type {
        Some(content_type) => Encoding::from_content_type(content_type) != Some(Encoding::Binary),
        None => core::str::from_utf8(response.body).is_ok(),
    };
    if !json_or_page {
        return Error::Envelope(envelope::EnvelopeError::Decrypt);
    }
    match first_byte(response.body) {
        Some(b'<') => Error::NotAnOperator {
            http_status: response.status,
        },
        _ => Error::NotSealed,
    }
}

fn first_byte(body: &[u8]) -> Option<u8> {
    body.iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace())
}

/// The operator answers in kind, but falls back to text when a binary request
/// turned out to be text (protocol, section 4).
pub(super) fn encoding_of(response: Response<'_>, sent: Encoding) -> Encoding {
    response
        .content_type
        .and_then(Encoding::from_content_type)
        .unwrap_or(sent)
}

/// What a response that is not a success says.
pub(super) fn refusal(response: Response<'_>) -> Error {
    let message: Option<Message<'_>> = serde_json::from_slice(response.body).ok();
    match message {
        Some(message) => Error::Refused(message.into_refusal(response.status)),
        None if first_byte(response.body) == Some(b'<')
            && response.status < 500
            && response.status != 404 =>
        {
            Error::NotAnOperator {
                http_status: response.status,
            }
        }
        None => Error::Refused(Refusal::of_http_status(response.status)),
    }
}

/// `{"status": …, "body": …, "message": …}`.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) status: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) body: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
}

impl<'a> Message<'a> {
    pub(super) fn read(json: &'a [u8]) -> Result<Self, Error> {
        serde_json::from_slice(json).map_err(|error| Error::NotJson {
            line: error.line(),
            column: error.column(),
        })
    }

    pub(super) fn into_refusal(self, http_status: u16) -> Refusal {
        let message: Option<Box<str>> = self.message.as_deref().map(scrub);
        Refusal::new(http_status, scrub(&self.status), message)
    }

    /// The refusal of a success that is not one: a status we do not know.
    pub(super) fn unknown_status(&self, http_status: u16) -> Error {
        let message = self.message.as_deref().map(scrub);
        Error::Refused(Refusal::new(http_status, scrub(&self.status), message))
    }

    pub(super) fn require_body(&self) -> Result<&'a [u8], Error> {
        self.body
            .map(|body| body.get().as_bytes())
            .ok_or(Error::NoBody)
    }
}
