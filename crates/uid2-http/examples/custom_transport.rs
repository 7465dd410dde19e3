//! Transports of one's own: one that needs no network, and one that wraps
//! another and watches.
//!
//! `cargo run -p uid2-http --example custom_transport`
//!
//! The first hands requests to an operator in the same process, which is how a
//! test can do without sockets. The second goes around any other: where a proxy,
//! a queue, a rate limit of yours or a journal for an audit would be.

#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use uid2_core::operation::{Action, Caller, Generate, GenerateOutcome, RefreshOutcome};
use uid2_core::{BaseUrl, Dii};
use uid2_emulator::{Config, Operator};
use uid2_http::{Client, Runtime, TokioRuntime, Transport, TransportError, TransportErrorKind};

/// The public test credentials of the emulator, of no worth anywhere else.
const API_KEY: &str = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
const CLIENT_SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let watched = Arc::new(Watched {
        inside: InProcess {
            operator: Operator::new(Config::default()),
            to_break: AtomicU32::new(1),
        },
        seen: Mutex::default(),
    });
    let caller = Caller::new(API_KEY.parse()?, CLIENT_SECRET.parse()?);
    // Nobody resolves or dials this: it is the transport's to say what it means.
    let base_url = BaseUrl::parse("https://operator.invalid")?;
    let client = Client::builder(caller, base_url).build(Arc::clone(&watched));

    // The first request is lost, and the client tries again: that is its task,
    // not the transport's.
    let dii = Dii::email("user@example.com")?;
    let reply = client.generate(&Generate::new(&dii)).await?;
    let GenerateOutcome::Success(identity) = reply.outcome else {
        return Err("the operator gave no identity".into());
    };
    let reply = client.refresh(&identity).await?;
    let RefreshOutcome::Success(next) = reply.outcome else {
        return Err("the operator did not refresh the identity".into());
    };
    if next.advertising_token() == identity.advertising_token() {
        return Err("the refreshed token is the old one".into());
    }

    // What a transport says of a failure decides what becomes of the call.
    watched.inside.to_break.store(u32::MAX, Ordering::Relaxed);
    match client.refresh(&next).await {
        Err(error) if error.action() == Action::Retry && error.attempts() == 3 => {
            println!("while nothing gets through: {error}");
        }
        other => return Err(format!("expected an outage, got {other:?}").into()),
    }

    let seen = watched.seen();
    println!("seen on the way:");
    for line in &seen {
        println!("  {line}");
    }
    if seen.len() != 6 {
        return Err("expected six requests to pass".into());
    }
    Ok(())
}

/// Hands requests to an operator in this process.
struct InProcess {
    operator: Operator,
    /// How many of the next requests do not get through.
    to_break: AtomicU32,
}

impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let breaks = self
            .to_break
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        if breaks.is_ok() {
            // The kind says whether the request may have arrived; by that the
            // client knows what it may repeat.
            return Err(TransportErrorKind::Connect.into());
        }
        let now = TokioRuntime.now();
        // Every status is `Ok`: what a 401 means is not the transport's to tell.
        Ok(self.operator.handle(request, now, &mut TokioRuntime.rng()))
    }
}

/// Goes around another transport, and keeps a list of what passed: paths and
/// statuses, and nothing of headers and bodies, for both carry secrets.
struct Watched<T> {
    inside: T,
    seen: Mutex<Vec<String>>,
}

impl<T> Watched<T> {
    fn note(&self, line: String) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(line);
    }

    fn seen(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }
}

impl<T: Transport> Transport for Watched<T> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let path = request.uri().path().to_owned();
        let result = self.inside.send(request).await;
        self.note(match &result {
            Ok(response) => format!("{path}: {}", response.status()),
            Err(error) => format!("{path}: {error}"),
        });
        result
    }
}
