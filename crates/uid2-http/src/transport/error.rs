//! Why there is no whole response.

use std::error::Error as StdError;
use std::fmt;

use uid2_core::operation::Action;

type Source = Box<dyn StdError + Send + Sync>;

/// Why a [`Transport`](crate::Transport) has no whole response to give.
///
/// ```
/// use uid2_http::{TransportError, TransportErrorKind};
///
/// let error = TransportError::new(TransportErrorKind::Connect).with_source("no route to host");
/// assert!(error.is_retryable());
/// assert!(!error.may_have_arrived());
/// ```
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    may_have_arrived: bool,
    source: Option<Source>,
}

/// What kind of failure a [`TransportError`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The host name could not be resolved.
    #[error("the host name could not be resolved: check the base URL and the network")]
    Resolve,
    /// No connection: refused, unreachable or broken off while it was made.
    #[error("no connection could be made: check the base URL, or try again later")]
    Connect,
    /// No connection within the connect timeout.
    #[error("no connection could be made in time")]
    ConnectTimeout,
    /// The server's certificate is not to be trusted for its name.
    #[error(
        "the server's certificate is not trusted: check the base URL, the local clock, \
         and that the certificate authority is among the system's or the added roots"
    )]
    Certificate,
    /// TLS could not be agreed upon; often the port does not speak TLS.
    #[error("the TLS handshake failed: check that the base URL's port speaks TLS")]
    Tls,
    /// The proxy could not be reached, or made no tunnel to the server.
    #[error("the proxy made no connection to the server: check its address and its rules")]
    Proxy,
    /// The proxy wants other credentials, or any.
    #[error("the proxy wants to be authenticated to: check the credentials in its URL")]
    ProxyAuthentication,
    /// The connection stands, but no bytes came for too long.
    #[error("the server did not go on in time")]
    ReadTimeout,
    /// The whole exchange took too long.
    #[error("the exchange did not end in time")]
    TotalTimeout,
    /// The connection broke before the response was complete.
    #[error("the connection broke before the response was complete")]
    Reset,
    /// What came is not HTTP, or has headers without end.
    #[error("the response is not HTTP as it should be: check the base URL")]
    NotHttp,
    /// The response is larger than the limit. Responses of an operator are a
    /// few kilobytes.
    #[error("the response is larger than the limit: check that the base URL is an operator's")]
    TooLarge,
    /// Plain `http` to another machine, which was not allowed.
    #[error(
        "plain http would send the API key in the clear: use https, \
         or allow insecure URLs explicitly on a closed network"
    )]
    Insecure,
    /// The request is not one that can be sent, for example for its URL.
    #[error("the request cannot be sent: check the base URL")]
    InvalidRequest,
    /// Anything else.
    #[error("the request could not be carried")]
    Other,
}

impl TransportError {
    /// An error of this kind, with the usual answer to whether the request may
    /// have arrived.
    #[must_use]
    pub const fn new(kind: TransportErrorKind) -> Self {
        Self {
            kind,
            may_have_arrived: kind.may_have_arrived(),
            source: None,
        }
    }

    /// With what caused it. It must not carry secrets or personal data.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says that nothing of the request was sent, where the kind alone does not.
    #[must_use]
    pub const fn before_sending(mut self) -> Self {
        self.may_have_arrived = false;
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub const fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// Whether trying again may help, as far as the network is concerned.
    /// Whether a repeat is safe depends on the operation too.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }

    /// Whether the server may have seen the request, and acted on it.
    #[must_use]
    pub const fn may_have_arrived(&self) -> bool {
        self.may_have_arrived
    }

    /// What to do about it.
    #[must_use]
    pub const fn action(&self) -> Action {
        if self.is_retryable() {
            Action::Retry
        } else {
            Action::FixConfiguration
        }
    }
}

impl TransportErrorKind {
    const fn may_have_arrived(self) -> bool {
        !matches!(
            self,
            Self::Resolve
                | Self::Connect
                | Self::ConnectTimeout
                | Self::Certificate
                | Self::Tls
                | Self::Proxy
                | Self::ProxyAuthentication
                | Self::Insecure
                | Self::InvalidRequest
        )
    }

    const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Resolve
                | Self::Connect
                | Self::ConnectTimeout
                | Self::Proxy
                | Self::ReadTimeout
                | Self::TotalTimeout
                | Self::Reset
                | Self::Other
        )
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

impl From<TransportErrorKind> for TransportError {
    fn from(kind: TransportErrorKind) -> Self {
        Self::new(kind)
    }
}
