//! What comes back: opened, checked and told apart.

use alloc::borrow::Cow;
use alloc::string::String;
use core::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{Error, Refusal, RefusalKind};
use super::message::Response;
use crate::envelope::{self, Encoding, EnvelopeError, Nonce, Opened};
use crate::json;
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
        let body = success_body(response)?;
        let encoding = encoding_of(response, self.encoding);
        envelope::open_response(&self.secret, body, encoding, self.nonce)
            .map_err(|error| unopened(body, error))
    }
}

/// The body of a success. Anything but a 200 is a refusal (protocol, section 2).
pub(super) fn success_body<'a>(response: Response<'a>) -> Result<&'a [u8], Error> {
    if response.status == 200 {
        Ok(response.body)
    } else {
        Err(refusal(response))
    }
}

/// Why the body of a success is not an envelope of ours. Asked only once it did
/// not open, for a binary envelope may begin with any byte.
pub(super) fn unopened(body: &[u8], error: EnvelopeError) -> Error {
    let readable = error == EnvelopeError::NotBase64 || is_text(body);
    match first_byte(body) {
        Some(b'<') if readable => Error::NotAnOperator { http_status: 200 },
        Some(b'{' | b'[') if readable => Error::NotSealed,
        _ => Error::Envelope(error),
    }
}

/// UTF-8, possibly cut off in the middle of a character.
fn is_text(body: &[u8]) -> bool {
    match core::str::from_utf8(body) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// A web page, by its first character.
pub(super) fn is_page(body: &[u8]) -> bool {
    first_byte(body) == Some(b'<')
}

/// Whether JSON, if it is any, is an object. Where serde derives a reader it
/// takes a list of the members, too.
fn is_object(json: &[u8]) -> bool {
    first_byte(json) == Some(b'{')
}

/// The first byte that says what a text is.
fn first_byte(body: &[u8]) -> Option<u8> {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    body.strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(body)
        .iter()
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
    let http_status = response.status;
    if let Some(words) = Words::read(response.body) {
        return Error::Refused(words.into_refusal(http_status));
    }
    let refusal = Refusal::of_http_status(http_status);
    let from_elsewhere = match refusal.kind() {
        // The operator's own always has words.
        RefusalKind::Other => true,
        RefusalKind::Unauthorized => is_page(response.body),
        _ => false,
    };
    if from_elsewhere {
        Error::NotAnOperator { http_status }
    } else {
        Error::Refused(refusal)
    }
}

/// `{"status": …, "message": …}` as far as they are there: what stands between
/// us and the operator has words of its own.
#[derive(Deserialize)]
struct Words<'a> {
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
}

impl<'a> Words<'a> {
    fn read(json: &'a [u8]) -> Option<Self> {
        let words: Self = is_object(json).then(|| json::read(json).ok()).flatten()?;
        (text(words.status).is_some() || text(words.message).is_some()).then_some(words)
    }

    fn into_refusal(self, http_status: u16) -> Refusal {
        let status = text(self.status).unwrap_or_default();
        let message = text(self.message);
        Refusal::new(http_status, scrub(&status), message.as_deref().map(scrub))
    }
}

fn text(value: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(value?.get()).ok()
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
        if !is_object(json) {
            return Err(Error::NotJson { line: 1, column: 1 });
        }
        json::read(json).map_err(|error| Error::NotJson {
            line: error.line(),
            column: error.column(),
        })
    }

    /// The refusal of a success that is not one: a status we do not know.
    pub(super) fn unknown_status(&self) -> Error {
        let message = self.message.as_deref().map(scrub);
        Error::Refused(Refusal::new(200, scrub(&self.status), message))
    }

    pub(super) fn require_body(&self) -> Result<&'a [u8], Error> {
        self.body
            .map(|body| body.get().as_bytes())
            .ok_or(Error::NoBody)
    }
}
