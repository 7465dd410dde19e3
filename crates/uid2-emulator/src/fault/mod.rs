//! Faults: what networks, front ends and broken operators do to a caller.
//!
//! A [`Fault`] says what goes wrong with one request. It comes from a request's
//! own header, [`FAULT_HEADER`], or from [`FaultRule`]s that the operator was
//! given. Written as text, parts are separated by commas:
//!
//! | part | what happens |
//! |---|---|
//! | `latency=200` | the answer comes 200 ms later |
//! | `latency=50..200` | so many milliseconds, drawn evenly |
//! | `drop` | the connection is reset before the request is looked at |
//! | `reset` | the connection is reset after the request took effect |
//! | `status=503` | a front end answers with this status; nothing took effect |
//! | `retry-after=2` | with a `Retry-After` header of this text |
//! | `body=empty`, `body=html`, `body=json` | what that answer has in its body |
//! | `timestamp=-300000` | the reply says to be sealed so many milliseconds off |
//! | `nonce` | the reply carries another nonce than the request |
//! | `corrupt` | a bit of the reply's body is flipped |
//! | `truncate=10` | the connection is cut after so many bytes of the body |
//! | `stall=10` | nothing more comes after so many bytes of the body |
//!
//! ```
//! use uid2_emulator::Fault;
//!
//! let fault: Fault = "latency=50..200, status=503, retry-after=2, body=html".parse()?;
//! assert!("status=banana".parse::<Fault>().is_err());
//! # Ok::<(), uid2_emulator::FaultError>(())
//! ```

mod parse;
mod rule;
mod show;

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use rand_core::CryptoRng;

pub use parse::FaultError;
pub use rule::FaultRule;
pub(crate) use rule::draw;

/// The header in which a request asks for a [`Fault`]. An operator that has
/// them switched off ignores it.
pub const FAULT_HEADER: &str = "x-uid2-emulator-fault";

/// What goes wrong with one request. The default is nothing.
///
/// ```
/// use uid2_emulator::Fault;
///
/// let fault: Fault = "latency=50..200, status=503, retry-after=2".parse()?;
/// assert_ne!(fault, Fault::default());
/// # Ok::<(), uid2_emulator::FaultError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fault {
    latency: Option<(Duration, Duration)>,
    before: Option<Before>,
    timestamp_off: i64,
    wrong_nonce: bool,
    corrupt: bool,
    after: Option<After>,
}

/// Instead of the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Before {
    Drop,
    Answer(FrontEnd),
}

/// A front end's own answer.
#[derive(Clone, PartialEq, Eq, Debug)]
struct FrontEnd {
    status: StatusCode,
    retry_after: Option<HeaderValue>,
    body: FrontEndBody,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum FrontEndBody {
    #[default]
    Empty,
    Html,
    Json,
    Misspelt,
}

/// On the way back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum After {
    Reset,
    Truncate(usize),
    Stall(usize),
}

/// How a response reaches the caller; see [`Operator::handle_with`](crate::Operator::handle_with).
#[derive(Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// As it is.
    Whole(Response<Bytes>),
    /// The head and so many bytes of the body; then the connection ends.
    Truncated(Response<Bytes>, usize),
    /// The head and so many bytes of the body; then nothing, for good.
    Stalled(Response<Bytes>, usize),
    /// Not at all: the connection is reset.
    Reset,
}

impl Delivery {
    /// The response, if anything of it arrives.
    #[must_use]
    pub const fn response(&self) -> Option<&Response<Bytes>> {
        match self {
            Self::Whole(response) | Self::Truncated(response, _) | Self::Stalled(response, _) => {
                Some(response)
            }
            Self::Reset => None,
        }
    }

    /// The response, if all of it arrives.
    #[must_use]
    pub fn into_whole(self) -> Option<Response<Bytes>> {
        match self {
            Self::Whole(response) => Some(response),
            _ => None,
        }
    }
}

impl Fault {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether nothing goes wrong.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The answer to a header that cannot be read: 400 in JSON.
    pub(crate) fn misspelt() -> Self {
        Self {
            before: Some(Before::Answer(FrontEnd {
                status: StatusCode::BAD_REQUEST,
                retry_after: None,
                body: FrontEndBody::Misspelt,
            })),
            ..Self::default()
        }
    }

    /// How much later the answer comes, drawn anew each time.
    pub fn delay<R: CryptoRng + ?Sized>(&self, rng: &mut R) -> Duration {
        let Some((least, most)) = self.latency else {
            return Duration::ZERO;
        };
        let span = u64::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u64::MAX);
        let more = rng.next_u64().checked_rem(span.saturating_add(1));
        least.saturating_add(Duration::from_millis(more.unwrap_or_default()))
    }

    pub(crate) const fn timestamp_off(&self) -> i64 {
        self.timestamp_off
    }

    pub(crate) const fn wrong_nonce(&self) -> bool {
        self.wrong_nonce
    }

    /// What happens in place of the operator, if anything.
    pub(crate) fn before(&self) -> Option<Delivery> {
        match self.before.as_ref()? {
            Before::Drop => Some(Delivery::Reset),
            Before::Answer(front_end) => Some(self.deliver(front_end.answer())),
        }
    }

    /// What becomes of a response on its way.
    pub(crate) fn deliver(&self, response: Response<Bytes>) -> Delivery {
        let response = if self.corrupt {
            response.map(|body| flip_a_bit(&body))
        } else {
            response
        };
        match self.after {
            None => Delivery::Whole(response),
            Some(After::Reset) => Delivery::Reset,
            Some(After::Truncate(bytes)) => Delivery::Truncated(response, bytes),
            Some(After::Stall(bytes)) => Delivery::Stalled(response, bytes),
        }
    }
}

impl FrontEnd {
    fn answer(&self) -> Response<Bytes> {
        let (content_type, body) = match self.body {
            FrontEndBody::Empty => (None, String::new()),
            FrontEndBody::Html => (
                Some("text/html"),
                format!("<html><body><h1>{}</h1></body></html>", self.status),
            ),
            FrontEndBody::Json => (
                Some("application/json"),
                r#"{"status":"unknown","message":"Unknown error"}"#.into(),
            ),
            FrontEndBody::Misspelt => (
                Some("application/json"),
                format!(r#"{{"status":"client_error","message":"{FAULT_HEADER} cannot be read"}}"#),
            ),
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(retry_after) = &self.retry_after {
            headers.insert(RETRY_AFTER, retry_after.clone());
        }
        response
    }
}

/// The lowest bit of the byte in the middle: still text where it was text.
fn flip_a_bit(body: &[u8]) -> Bytes {
    let mut body = body.to_vec();
    let middle = body.len() / 2;
    if let Some(byte) = body.get_mut(middle) {
        *byte ^= 1;
    }
    body.into()
}
