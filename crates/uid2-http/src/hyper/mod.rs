//! Our transport: hyper, a pool of connections, and rustls.

mod body;
mod builder;
mod connector;
mod failure;
mod patience;
mod proxy;
mod resolver;
mod stream;
mod tls;

use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};

pub use builder::{HyperTransportBuilder, HyperTransportError};

use crate::transport::{Transport, TransportError, TransportErrorKind};
use builder::Limits;
use connector::Connector;
use patience::Patience;

/// Carries requests over HTTP/1.1 and HTTP/2, whichever the server prefers
/// (ALPN), on connections that are kept and shared.
///
/// - Times are limited: connecting, waiting for the next byte, and the whole.
/// - The size of a response is limited.
/// - TLS 1.2 or 1.3, with the system's roots, added ones, or only those.
/// - A proxy is taken from the usual environment variables, given, or refused.
/// - Redirects are handed back like any other response, never followed.
/// - Plain `http` goes to this machine only, unless told otherwise.
///
/// It needs a tokio runtime with timers and I/O to be used in. Cheap to clone;
/// clones share the connections.
///
/// ```
/// use std::time::Duration;
/// use uid2_http::HyperTransport;
///
/// let transport = HyperTransport::builder()
///     .connect_timeout(Duration::from_secs(1))
///     .total_timeout(Duration::from_secs(4))
///     .build()?;
/// # Ok::<(), uid2_http::hyper::HyperTransportError>(())
/// ```
#[derive(Clone)]
pub struct HyperTransport {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client<Connector, Full<Bytes>>,
    limits: Limits,
}

impl HyperTransport {
    /// With the defaults of [`HyperTransportBuilder`].
    ///
    /// # Errors
    /// [`HyperTransportError`], when a proxy in the environment is not one.
    pub fn new() -> Result<Self, HyperTransportError> {
        Self::builder().build()
    }

    /// With other settings.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder::default()
    }
}

impl Transport for HyperTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let limits = &self.inner.limits;
        check_scheme(request.uri(), limits.insecure)?;
        let mut request = request.map(Full::new);
        let connection = capture_connection(&mut request);
        let timer = pin!(Patience::timer(limits));
        let mut patience = Patience::new(timer, limits);
        let head = self.inner.head(request, connection, &mut patience).await?;
        let (head, body) = head.into_parts();
        let body = body::read(body, limits.max_response, &mut patience).await?;
        Ok(Response::from_parts(head, body))
    }
}

impl Inner {
    /// Sends, and waits for the head of the response. The read timeout begins
    /// when there is a connection, for making one has a timeout of its own.
    async fn head(
        &self,
        request: Request<Full<Bytes>>,
        mut connection: CaptureConnection,
        patience: &mut Patience<'_>,
    ) -> Result<Response<Incoming>, TransportError> {
        let observed = connection.clone();
        let response = pin!(self.client.request(request));
        let impatience = pin!(async {
            let connected = connection.wait_for_connection_metadata();
            patience.wait_for(connected).await.map(drop)?;
            patience.renew();
            patience.wait_for(pending::<Infallible>()).await
        });
        match select(response, impatience).await {
            Either::Left((Ok(response), _)) => Ok(response),
            Either::Left((Err(error), _)) => Err(failure::of_request(error, &observed)),
            Either::Right((Err(kind), _)) => Err(timeout(kind, &observed)),
            Either::Right((Ok(never), _)) => match never {},
        }
    }
}

/// A base URL is checked when it is made; this is for whoever sends without one.
fn check_scheme(uri: &Uri, insecure: bool) -> Result<(), TransportError> {
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if insecure || proxy::is_this_machine(uri) => Ok(()),
        Some("http") => Err(TransportErrorKind::Insecure.into()),
        _ => Err(TransportErrorKind::InvalidRequest.into()),
    }
}

/// Without a connection, nothing can have been sent.
fn timeout(kind: TransportErrorKind, connection: &CaptureConnection) -> TransportError {
    let error = TransportError::new(kind);
    if connection.connection_metadata().is_some() {
        error
    } else {
        error.before_sending()
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("limits", &self.inner.limits)
            .finish_non_exhaustive()
    }
}
