//! What can go wrong, told apart by what to do about it.

use alloc::boxed::Box;
use core::fmt;

use crate::envelope::EnvelopeError;
use crate::identity::IdentityError;

/// Why an operation did not come to an outcome.
///
/// Opt-out and missing consent are outcomes, not errors. [`action`](Self::action)
/// says what to do; match on the variants for more.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operator, or something in front of it, said no.
    #[error(transparent)]
    Refused(Refusal),
    /// The response envelope does not open, or answers another request.
    #[error("the response cannot be trusted")]
    Envelope(#[source] EnvelopeError),
    /// The response is plain JSON where a sealed envelope must be: an operator
    /// with encryption switched off, or somebody in between.
    #[error("the response is not sealed: refusing it, for anybody could have written it")]
    NotSealed,
    /// The response is a web page, or a refusal without the words an operator
    /// has for it: a proxy, a captive portal or a wrong base URL.
    #[error(
        "the response (HTTP {http_status}) is not an operator's: \
         check the base URL and any proxy in between"
    )]
    NotAnOperator {
        /// The HTTP status.
        http_status: u16,
    },
    /// The response opened, but is not the JSON it should be.
    #[error("the response is not the JSON it should be (line {line}, column {column})")]
    NotJson {
        /// Where reading stopped, from 1.
        line: usize,
        /// Where reading stopped, from 1.
        column: usize,
    },
    /// A success without a body.
    #[error("the response says success, but has no body")]
    NoBody,
    /// A success with another body than documented.
    #[error("the response says success, but its body is not {expected}")]
    UnexpectedBody {
        /// What it should have been.
        expected: &'static str,
    },
    /// A success whose body is not an identity.
    #[error("the response says success, but its body is not an identity")]
    Identity(#[source] IdentityError),
}

/// What a caller should do about an [`Error`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Try again later, with growing pauses; nothing is wrong on this side.
    Retry,
    /// This identity is at its end: let the user sign in again.
    SignInAgain,
    /// Credentials, base URL or clock must be mended by an operator of this
    /// program; trying again before that is useless.
    FixConfiguration,
    /// What was passed in cannot be right.
    FixInput,
    /// The service says something this version does not know: look for a newer one.
    Upgrade,
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self {
            Self::Refused(refusal) => refusal.kind.action(),
            // An altered or mixed-up response; if it persists, the refusal of
            // requests will tell the cause.
            Self::Envelope(_) => Action::Retry,
            Self::NotSealed | Self::NotAnOperator { .. } => Action::FixConfiguration,
            Self::NotJson { .. }
            | Self::NoBody
            | Self::UnexpectedBody { .. }
            | Self::Identity(_) => Action::Upgrade,
        }
    }

    /// The HTTP status, where there is one to tell.
    #[must_use]
    pub const fn http_status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.http_status),
            Self::NotAnOperator { http_status } => Some(*http_status),
            _ => None,
        }
    }

    /// In a refresh, complaints about the body are about the refresh token.
    pub(super) fn in_refresh(self) -> Self {
        self.with_kind(|refusal| match refusal.kind {
            RefusalKind::WrongSecret
            | RefusalKind::MalformedRequest
            | RefusalKind::InvalidToken => Some(RefusalKind::InvalidRefreshToken),
            RefusalKind::Other if refusal.http_status == 400 => {
                let status = &*refusal.status;
                matches!(status, "client_error" | "error")
                    .then_some(RefusalKind::InvalidRefreshToken)
            }
            _ => None,
        })
    }

    /// In a logout, `invalid_token` is about the DII.
    pub(super) fn in_logout(self) -> Self {
        self.with_kind(|refusal| {
            (refusal.kind == RefusalKind::InvalidToken).then_some(RefusalKind::InvalidIdentifier)
        })
    }

    fn with_kind(mut self, rule: impl FnOnce(&Refusal) -> Option<RefusalKind>) -> Self {
        if let Self::Refused(refusal) = &mut self
            && let Some(kind) = rule(refusal)
        {
            refusal.kind = kind;
        }
        self
    }
}

/// A refusal: what HTTP and the body say, and what that means.
///
/// `status` and `message` are the operator's words, with anything that could be
/// personal or secret cut out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    kind: RefusalKind,
    http_status: u16,
    status: Box<str>,
    message: Option<Box<str>>,
}

impl Refusal {
    pub(super) fn new(http_status: u16, status: Box<str>, message: Option<Box<str>>) -> Self {
        let kind = RefusalKind::of(http_status, &status, message.as_deref().unwrap_or_default());
        Self {
            kind,
            http_status,
            status,
            message,
        }
    }

    /// The refusal of a response whose body tells nothing.
    pub(super) fn of_http_status(http_status: u16) -> Self {
        Self::new(http_status, Box::default(), None)
    }

    /// What it means.
    #[must_use]
    pub const fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// The HTTP status.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        self.http_status
    }

    /// The `status` of the body, empty if there was none.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.status
    }

    /// The `message` of the body.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (HTTP {}", self.kind, self.http_status)?;
        if !self.status.is_empty() {
            write!(f, ", {}", self.status)?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        f.write_str(")")
    }
}

impl core::error::Error for Refusal {}

/// What a refusal means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalKind {
    /// 401: the API key is unknown, disabled or lacks the role.
    #[error("the API key was refused: check that it is for this environment and has the role")]
    Unauthorized,
    /// 400: the request did not open with the client secret of this API key.
    #[error("the client secret does not belong to the API key: check both")]
    WrongSecret,
    /// 400: the clocks are two minutes or more apart.
    #[error("the operator found the request too old or too new: set the local clock")]
    ClockDrift,
    /// 400: the envelope is not one.
    #[error("the operator could not read the request: was it altered on its way?")]
    MalformedRequest,
    /// 400: not exactly one e-mail address, phone number or hash, or a phone
    /// number where the service takes none (EUID).
    #[error("the operator takes no such DII here: EUID takes no phone numbers")]
    MissingParameter,
    /// 400: the DII is not one to the service.
    #[error("the operator does not accept this DII")]
    InvalidIdentifier,
    /// 400: the TCF consent string is empty or cannot be parsed.
    #[error("the TCF consent string is not one")]
    InvalidConsent,
    /// 400: another argument is not one.
    #[error("the operator does not accept an argument")]
    InvalidArgument,
    /// Refresh, 400: the refresh token is not one, of another environment, or
    /// no longer known.
    #[error("the refresh token is not accepted: the user must sign in again")]
    InvalidRefreshToken,
    /// Refresh, 400: the refresh token has expired.
    #[error("the refresh token has expired: the user must sign in again")]
    ExpiredRefreshToken,
    /// Validate, 400: the token is not one.
    #[error("the token is not a valid token")]
    InvalidToken,
    /// Validate, 400: the token was made with another site's key.
    #[error("the token belongs to another site")]
    ForeignToken,
    /// 403: something in front of the operator does not let this through.
    #[error("forbidden: check the base URL, and any proxy or firewall in between")]
    Forbidden,
    /// 3xx: something redirects. It is not followed, for the API key would go along.
    #[error("the server redirects, which is not followed with an API key: check the base URL")]
    Redirected,
    /// 404 or 405: no operator at this base URL.
    #[error("there is no such endpoint: check the base URL")]
    NotFound,
    /// 407: a proxy wants credentials.
    #[error("a proxy wants to be authenticated to")]
    ProxyAuthentication,
    /// 413: the request is over the operator's limit.
    #[error("the request is too large")]
    TooLarge,
    /// 429: too many requests.
    #[error("too many requests: slow down")]
    RateLimited,
    /// 408 or 5xx: the operator, or something in front of it, has a problem.
    #[error("the operator has a problem: try again later")]
    Unavailable,
    /// A status that this version does not know.
    #[error("the operator says something this version does not know")]
    Other,
}

impl RefusalKind {
    /// Reads a refusal (protocol, sections 2 to 9). The first match counts.
    fn of(http_status: u16, status: &str, message: &str) -> Self {
        match (http_status, status) {
            (200, _) => Self::Other,
            (401, _) => Self::Unauthorized,
            (400, "client_error") => Self::of_client_error(message),
            (400, "invalid_token") => Self::InvalidToken,
            (400, "expired_token") => Self::ExpiredRefreshToken,
            _ => Self::of_http(http_status),
        }
    }

    fn of_client_error(message: &str) -> Self {
        const PREFIXES: [(&str, RefusalKind); 11] = [
            (
                "Invalid body: Check encryption key",
                RefusalKind::WrongSecret,
            ),
            ("Invalid timestamp", RefusalKind::ClockDrift),
            ("Invalid body", RefusalKind::MalformedRequest),
            ("Invalid payload in body", RefusalKind::MalformedRequest),
            ("Required Parameter Missing", RefusalKind::MissingParameter),
            ("Invalid Identifier", RefusalKind::InvalidIdentifier),
            ("User consent is invalid", RefusalKind::InvalidConsent),
            (
                "request body contains invalid argument",
                RefusalKind::InvalidArgument,
            ),
            ("Unauthorised to validate token", RefusalKind::ForeignToken),
            ("Invalid token", RefusalKind::InvalidToken),
            ("Invalid Token", RefusalKind::InvalidToken),
        ];
        PREFIXES
            .iter()
            .find(|(prefix, _)| message.starts_with(prefix))
            .map_or(Self::Other, |(_, kind)| *kind)
    }

    const fn of_http(http_status: u16) -> Self {
        match http_status {
            300..=399 => Self::Redirected,
            403 => Self::Forbidden,
            404 | 405 => Self::NotFound,
            407 => Self::ProxyAuthentication,
            413 => Self::TooLarge,
            429 => Self::RateLimited,
            408 | 500..=599 => Self::Unavailable,
            _ => Self::Other,
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Unauthorized
            | Self::WrongSecret
            | Self::ClockDrift
            | Self::Forbidden
            | Self::Redirected
            | Self::NotFound
            | Self::ProxyAuthentication => Action::FixConfiguration,
            Self::MissingParameter
            | Self::InvalidIdentifier
            | Self::InvalidConsent
            | Self::InvalidArgument
            | Self::InvalidToken
            | Self::ForeignToken
            | Self::TooLarge => Action::FixInput,
            Self::InvalidRefreshToken | Self::ExpiredRefreshToken => Action::SignInAgain,
            Self::MalformedRequest | Self::RateLimited | Self::Unavailable => Action::Retry,
            Self::Other => Action::Upgrade,
        }
    }
}
