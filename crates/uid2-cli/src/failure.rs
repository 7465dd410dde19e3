//! Failures as they are told to scripts: a stable kind, and a message that says
//! what to do.

use std::error::Error as StdError;
use std::io::{self, Write};

use serde_json::{Value, json};
use uid2_core::operation::{self, RefusalKind};
use uid2_http::{ErrorKind, TransportErrorKind};

use crate::exit::Exit;
use crate::output::{in_full, print_json};

/// Why a call did not come to an outcome. Nothing in it is secret or personal.
#[derive(Debug)]
pub(crate) struct Failure {
    /// One word that scripts may depend on.
    pub(crate) kind: &'static str,
    /// What is wrong and how to mend it, for people.
    pub(crate) message: String,
    /// The HTTP status, if there was a response.
    pub(crate) http_status: Option<u16>,
}

impl Failure {
    /// A failure before anything was sent.
    pub(crate) fn local(kind: &'static str, error: &dyn StdError) -> Self {
        Self::said(kind, in_full(error))
    }

    pub(crate) fn said(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            http_status: None,
        }
    }
}

impl Failure {
    /// The options are wrong, or do not go with what they name.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::said(USAGE, message)
    }

    pub(crate) fn exit(&self) -> Exit {
        match self.kind {
            USAGE => Exit::Usage,
            _ => Exit::Failure,
        }
    }

    /// Tells it, on stderr for people or as JSON on stdout.
    pub(crate) fn tell(&self, as_json: bool) -> Exit {
        if as_json {
            print_json(&self.json());
        } else {
            let hint = match self.exit() {
                Exit::Usage => "\n\nFor more, try '--help'.",
                _ => "",
            };
            // That nobody reads it is not worth a word.
            let _ = writeln!(io::stderr(), "error: {}{hint}", self.message);
        }
        self.exit()
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "status": "error",
            "kind": self.kind,
            "message": self.message,
            "http_status": self.http_status,
        })
    }
}

const USAGE: &str = "usage";

impl From<uid2_http::Error> for Failure {
    fn from(error: uid2_http::Error) -> Self {
        Self {
            kind: kind_of(error.kind()),
            message: in_full(&error),
            http_status: error.http_status(),
        }
    }
}

/// For `--help`: the kinds that scripts most often tell apart.
pub(crate) const HELP: &str = "\
Kinds of errors, and what to do:
  unauthorized, wrong_secret                    mend the credentials
  clock_drift                                   set the clock of this machine
  invalid_email, invalid_phone, invalid_hash    mend the input: nothing was sent
  invalid_identifier, missing_parameter         the operator does not take this DII
  expired_refresh_token, invalid_refresh_token  let the user sign in again
  invalid_token, foreign_token                  not a token of yours
  unavailable, rate_limited, timeout            try again later
  resolve, connect, certificate, tls, proxy     mend the base URL or the network
  not_an_operator, not_found, redirected        mend the base URL
  insecure_url, invalid_base_url                mend the base URL: nothing was sent
The message says more.";

fn kind_of(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Operation(error) => kind_of_operation(error),
        ErrorKind::Transport(error) => kind_of_transport(error.kind()),
        ErrorKind::Deadline { .. } => "timeout",
        _ => "other",
    }
}

const fn kind_of_operation(error: &operation::Error) -> &'static str {
    use operation::Error;
    match error {
        Error::Refused(refusal) => kind_of_refusal(refusal.kind()),
        Error::Envelope(_) => "untrusted_response",
        Error::NotSealed => "not_sealed",
        Error::NotAnOperator { .. } => "not_an_operator",
        Error::NotJson { .. }
        | Error::NoBody
        | Error::UnexpectedBody { .. }
        | Error::Identity(_) => "unexpected_response",
        _ => "other",
    }
}

const fn kind_of_refusal(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::Unauthorized => "unauthorized",
        RefusalKind::WrongSecret => "wrong_secret",
        RefusalKind::ClockDrift => "clock_drift",
        RefusalKind::MalformedRequest => "malformed_request",
        RefusalKind::MissingParameter => "missing_parameter",
        RefusalKind::InvalidIdentifier => "invalid_identifier",
        RefusalKind::InvalidConsent => "invalid_consent",
        RefusalKind::InvalidArgument => "invalid_argument",
        RefusalKind::InvalidRefreshToken => "invalid_refresh_token",
        RefusalKind::ExpiredRefreshToken => "expired_refresh_token",
        RefusalKind::InvalidToken => "invalid_token",
        RefusalKind::ForeignToken => "foreign_token",
        RefusalKind::Forbidden => "forbidden",
        RefusalKind::Redirected => "redirected",
        RefusalKind::NotFound => "not_found",
        RefusalKind::ProxyAuthentication => "proxy_authentication",
        RefusalKind::TooLarge => "request_too_large",
        RefusalKind::RateLimited => "rate_limited",
        RefusalKind::Unavailable => "unavailable",
        _ => "unknown_refusal",
    }
}

const fn kind_of_transport(kind: TransportErrorKind) -> &'static str {
    match kind {
        TransportErrorKind::Resolve => "resolve",
        TransportErrorKind::Connect => "connect",
        TransportErrorKind::ConnectTimeout
        | TransportErrorKind::ReadTimeout
        | TransportErrorKind::TotalTimeout => "timeout",
        TransportErrorKind::Certificate => "certificate",
        TransportErrorKind::Tls => "tls",
        TransportErrorKind::Proxy => "proxy",
        TransportErrorKind::ProxyAuthentication => "proxy_authentication",
        TransportErrorKind::Reset => "reset",
        TransportErrorKind::NotHttp => "not_http",
        TransportErrorKind::TooLarge => "response_too_large",
        TransportErrorKind::Insecure => "insecure_url",
        TransportErrorKind::InvalidRequest => "invalid_base_url",
        _ => "other",
    }
}
