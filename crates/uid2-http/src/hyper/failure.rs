//! What hyper's errors mean.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use hyper_util::client::legacy::Error;
use hyper_util::client::legacy::connect::CaptureConnection;

use crate::transport::{TransportError, TransportErrorKind};

/// Why there is no connection. hyper-util boxes it and lends it out by reference
/// only; being cheap to clone, it gets through all the same.
#[derive(Clone, Debug)]
pub(super) struct ConnectFailure {
    kind: TransportErrorKind,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl ConnectFailure {
    pub(super) fn new(
        kind: TransportErrorKind,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            cause: Some(Arc::from(cause.into())),
        }
    }

    fn to_error(&self) -> TransportError {
        let error = TransportError::new(self.kind);
        match &self.cause {
            Some(cause) => error.with_source(Arc::clone(cause)),
            None => error,
        }
    }
}

impl From<TransportErrorKind> for ConnectFailure {
    fn from(kind: TransportErrorKind) -> Self {
        Self { kind, cause: None }
    }
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl StdError for ConnectFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.cause {
            Some(cause) => Some(&**cause),
            None => None,
        }
    }
}

/// A request that came to no response.
pub(super) fn of_request(error: Error, connection: &CaptureConnection) -> TransportError {
    let source = error.source();
    if let Some(failure) = source.and_then(|cause| cause.downcast_ref::<ConnectFailure>()) {
        return failure.to_error();
    }
    let kind = match source.and_then(|cause| cause.downcast_ref::<hyper::Error>()) {
        Some(cause) => kind_of(cause),
        None if error.is_connect() => TransportErrorKind::Connect,
        None => TransportErrorKind::Other,
    };
    let unsent = connection.connection_metadata().is_none();
    let error = TransportError::new(kind).with_source(error);
    if unsent {
        error.before_sending()
    } else {
        error
    }
}

/// A response that broke off.
pub(super) fn of_connection(error: hyper::Error) -> TransportError {
    TransportError::new(kind_of(&error)).with_source(error)
}

fn kind_of(error: &hyper::Error) -> TransportErrorKind {
    if error.is_parse() {
        TransportErrorKind::NotHttp
    } else if error.is_user() {
        TransportErrorKind::InvalidRequest
    } else {
        TransportErrorKind::Reset
    }
}
