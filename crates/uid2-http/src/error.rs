//! Why a call did not come to an outcome.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use uid2_core::operation::{self, Action, Refusal};
use uid2_core::{BaseUrl, ClockSkew};

use crate::transport::TransportError;

/// Why a call of a [`Client`](crate::Client) did not come to an outcome.
///
/// [`action`](Self::action) says what to do; [`kind`](Self::kind) has what there
/// is to know. Opt-out is an outcome, not an error. Nothing in it is secret or
/// personal, so it may be logged.
///
/// ```
/// use uid2_core::operation::Action;
///
/// fn after(error: &uid2_http::Error) -> &'static str {
///     match error.action() {
///         Action::Retry => "later, and not before error.retry_after()",
///         Action::SignInAgain => "forget the identity and ask the user",
///         Action::FixInput => "this DII will never do",
///         _ => "wake somebody up: it is the configuration",
///     }
/// }
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    base_url: BaseUrl,
    attempts: u32,
    http_status: Option<u16>,
    retry_after: Option<Duration>,
    clock_skew: Option<ClockSkew>,
}

/// What an [`Error`] is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There was a response, and it is not an outcome.
    #[error(transparent)]
    Operation(operation::Error),
    /// There was no whole response.
    #[error(transparent)]
    Transport(TransportError),
    /// The call as a whole took too long; what the last attempt that ended came
    /// to is the source.
    #[error("the call took longer than its deadline of {} ms", deadline.as_millis())]
    Deadline {
        /// The deadline of the [retry policy](crate::RetryPolicy::with_deadline).
        deadline: Duration,
        /// How the last attempt that ended had failed, if one had ended.
        #[source]
        last: Option<Box<ErrorKind>>,
    },
}

impl ErrorKind {
    const fn action(&self) -> Action {
        match self {
            Self::Operation(error) => error.action(),
            Self::Transport(error) => error.action(),
            Self::Deadline { .. } => Action::Retry,
        }
    }
}

/// How one attempt failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) http_status: Option<u16>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) clock_skew: Option<ClockSkew>,
}

impl Failure {
    /// One word for metrics.
    pub(crate) const fn label(&self) -> &'static str {
        match &self.kind {
            ErrorKind::Operation(operation::Error::Refused(_)) => "refused",
            ErrorKind::Operation(_) => "bad_response",
            ErrorKind::Transport(_) => "transport",
            ErrorKind::Deadline { .. } => "deadline",
        }
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self {
            kind: ErrorKind::Transport(error),
            http_status: None,
            retry_after: None,
            clock_skew: None,
        }
    }
}

impl Error {
    pub(crate) fn new(
        failure: Failure,
        operation: &'static str,
        base_url: &BaseUrl,
        attempts: u32,
    ) -> Self {
        let inner = Inner {
            kind: failure.kind,
            operation,
            base_url: base_url.clone(),
            attempts,
            http_status: failure.http_status,
            retry_after: failure.retry_after,
            clock_skew: failure.clock_skew,
        };
        Self {
            inner: Box::new(inner),
        }
    }

    /// What it is about.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// What to do about it. [`Action::Retry`] means another call later: the
    /// attempts of this one are over.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.inner.kind.action()
    }

    /// The refusal, if the operator or something in front of it said no.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match &self.inner.kind {
            ErrorKind::Operation(operation::Error::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }

    /// The failure of the transport, if there was no whole response.
    #[must_use]
    pub const fn transport(&self) -> Option<&TransportError> {
        match &self.inner.kind {
            ErrorKind::Transport(error) => Some(error),
            _ => None,
        }
    }

    /// The HTTP status of the last response, if there was one.
    #[must_use]
    pub const fn http_status(&self) -> Option<u16> {
        self.inner.http_status
    }

    /// The `status` of the refusal's body, if it had one.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        self.refusal()
            .map(Refusal::status)
            .filter(|status| !status.is_empty())
    }

    /// The `message` of the refusal's body, if it had one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.refusal().and_then(Refusal::message)
    }

    /// How long the server asked to be left alone (`Retry-After`). A call waits
    /// that long itself only if its [policy](crate::RetryPolicy) allows.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// By how much the clocks differ, when the operator refused the request for
    /// it. To the second, for it is read from the `Date` header.
    #[must_use]
    pub const fn clock_skew(&self) -> Option<ClockSkew> {
        self.inner.clock_skew
    }

    /// How many requests were sent, or tried to be.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.inner.attempts
    }

    /// Where the last one went to.
    #[must_use]
    pub const fn base_url(&self) -> &BaseUrl {
        &self.inner.base_url
    }

    /// What was called, e.g. `token/refresh`.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.inner.operation
    }
}

/// What was done, where, and what is wrong, e.g. `token/generate at
/// https://prod.uidapi.com: the API key was refused: … (attempt 1)`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.inner;
        write!(
            f,
            "{} at {}: {}",
            inner.operation, inner.base_url, inner.kind
        )?;
        if let Some(skew) = inner.clock_skew {
            write!(f, "; {skew}")?;
        }
        write!(f, " (attempt {})", inner.attempts)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.inner;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("base_url", &inner.base_url)
            .field("operation", &inner.operation)
            .field("attempts", &inner.attempts)
            .field("http_status", &inner.http_status)
            .field("retry_after", &inner.retry_after)
            .field("clock_skew", &inner.clock_skew)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.kind.source()
    }
}
