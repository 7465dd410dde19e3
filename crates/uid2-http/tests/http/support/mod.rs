//! A counting server, an operator's answers, a clock in hand.

mod operator;
mod runtime;
mod server;
mod tls;

pub(crate) use operator::*;
pub(crate) use runtime::TestRuntime;
pub(crate) use server::{RawServer, Seen, Server, read_request};
pub(crate) use tls::Authority;

use std::time::Duration;

use uid2_core::BaseUrl;
use uid2_core::operation::Caller;
use uid2_http::{Client, HyperTransport, RetryPolicy, TransportErrorKind};

/// Longer than any test, and what [`TestRuntime`] never wakes from.
pub(crate) const NEVER: Duration = Duration::from_secs(86_400);

/// A client with a policy under which only attempts count, on a clock in hand.
pub(crate) fn client(
    base: impl Into<BaseUrl>,
    runtime: &TestRuntime,
) -> Client<HyperTransport, TestRuntime> {
    Client::builder(caller(), base)
        .retry(policy())
        .build_on(transport(), runtime.clone())
}

pub(crate) fn policy() -> RetryPolicy {
    RetryPolicy::default().with_deadline(NEVER)
}

/// Without the system's roots, which take a while to read.
pub(crate) fn transport() -> HyperTransport {
    HyperTransport::builder()
        .no_proxy()
        .only_added_roots()
        .build()
        .unwrap()
}

pub(crate) fn caller() -> Caller {
    Caller::new(API_KEY.parse().unwrap(), CLIENT_SECRET.parse().unwrap())
}

/// The kind of the transport's failure that an error must be about.
#[track_caller]
pub(crate) fn transport_kind(error: &uid2_http::Error) -> TransportErrorKind {
    match error.transport() {
        Some(error) => error.kind(),
        None => panic!("not the transport's: {error:?}"),
    }
}
