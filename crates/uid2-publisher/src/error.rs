//! What can go wrong, told apart by what to do about it.

use std::sync::Arc;

use uid2_core::operation::Action;
use uid2_store::StoreError;

/// Why a call to the publisher did not come to an outcome.
///
/// That a user has no token, for whatever reason, is an outcome and not an
/// error: see [`TokenOutcome`](crate::TokenOutcome).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The service could not be reached, or refused.
    #[error("the UID2 service did not answer with an outcome")]
    Service(#[source] Arc<uid2_http::Error>),
    /// The store could not be read or written.
    #[error("the store of identities has a problem")]
    Store(#[source] Arc<StoreError>),
    /// The id of the user is empty.
    #[error("the user id is empty: only a signed-in user has an identity")]
    EmptyUserId,
    /// The id of the user is longer than the store takes.
    #[error("the user id has {found} bytes, and at most {max} are allowed: use a shorter id")]
    UserIdTooLong {
        /// Its length in bytes.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// The publisher is shutting down, or has.
    #[error("the publisher has been shut down")]
    ShutDown,
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::Service(error) => error.action(),
            Self::Store(error) if error.is_retryable() => Action::Retry,
            Self::Store(_) => Action::FixConfiguration,
            Self::EmptyUserId | Self::UserIdTooLong { .. } => Action::FixInput,
            Self::ShutDown => Action::Retry,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<uid2_http::Error> for Error {
    fn from(error: uid2_http::Error) -> Self {
        Self::Service(Arc::new(error))
    }
}
