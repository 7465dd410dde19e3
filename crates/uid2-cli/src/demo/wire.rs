//! A transport that lets one see what goes over the wire, and hold an answer back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use http::{Request, Response};
use tokio::sync::oneshot;
use uid2_http::{HyperTransport, Transport, TransportError};

/// Carries everything over [`HyperTransport`], and notes it.
#[derive(Clone)]
pub(super) struct Tap {
    transport: HyperTransport,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    exchanges: Vec<Exchange>,
    hold: Option<Hold>,
}

/// One request and its answer.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) url: String,
    pub(super) content_type: String,
    pub(super) authorized: bool,
    pub(super) request: Bytes,
    pub(super) status: u16,
    pub(super) response: Bytes,
}

struct Hold {
    body: Bytes,
    answered: oneshot::Sender<Exchange>,
    release: oneshot::Receiver<()>,
}

/// An answer that is held back: see [`Tap::hold`].
pub(super) struct Held {
    answered: oneshot::Receiver<Exchange>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// The operator has answered; the answer waits to be let through.
    pub(super) async fn answered(&mut self) -> Option<Exchange> {
        (&mut self.answered).await.ok()
    }

    /// Lets the answer through.
    pub(super) fn release(self) {
        // Whoever does not wait any more has given up.
        let _ = self.release.send(());
    }
}

impl Tap {
    pub(super) fn new(transport: HyperTransport) -> Self {
        Self {
            transport,
            seen: Arc::default(),
        }
    }

    /// How many requests have been answered so far.
    pub(super) fn calls(&self) -> usize {
        self.seen().exchanges.len()
    }

    /// How many of them went to this path.
    pub(super) fn calls_to(&self, path: &str) -> usize {
        let seen = self.seen();
        let to_path = |exchange: &&Exchange| exchange.url.ends_with(path);
        seen.exchanges.iter().filter(to_path).count()
    }

    /// The last request and its answer.
    pub(super) fn last(&self) -> Option<Exchange> {
        self.seen().exchanges.last().cloned()
    }

    /// Holds back the answer to the next request that has this body.
    pub(super) fn hold(&self, body: &str) -> Held {
        let (answered_by, answered) = oneshot::channel();
        let (release, released) = oneshot::channel();
        self.seen().hold = Some(Hold {
            body: Bytes::copy_from_slice(body.as_bytes()),
            answered: answered_by,
            release: released,
        });
        Held { answered, release }
    }

    fn note(&self, exchange: &Exchange) -> Option<Hold> {
        let mut seen = self.seen();
        seen.exchanges.push(exchange.clone());
        seen.hold.take_if(|hold| hold.body == exchange.request)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Tap {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let url = request.uri().to_string();
        let content_type = text(request.headers(), &CONTENT_TYPE);
        let authorized = request.headers().contains_key(AUTHORIZATION);
        let body = request.body().clone();
        let response = self.transport.send(request).await?;
        let exchange = Exchange {
            url,
            content_type,
            authorized,
            request: body,
            status: response.status().as_u16(),
            response: response.body().clone(),
        };
        if let Some(hold) = self.note(&exchange) {
            let _ = hold.answered.send(exchange);
            // Dropped without a word, it is as good as released.
            let _ = hold.release.await;
        }
        Ok(response)
    }
}

fn text(headers: &HeaderMap, name: &http::HeaderName) -> String {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}
