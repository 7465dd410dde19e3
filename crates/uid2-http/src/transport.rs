//! The seam between the protocol and whatever carries bytes.

mod error;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

pub use error::{TransportError, TransportErrorKind};

/// Carries one HTTP request and its whole response. Anything can implement it;
/// `HyperTransport` is ours.
///
/// An implementation must
/// - return every HTTP status as `Ok`: what a 401 or a 503 means is the
///   [`Client`](crate::Client)'s to tell;
/// - not follow redirects: the request carries the API key, which must not
///   reach another host;
/// - not repeat a request on its own once it may have reached the server;
/// - bound both time and the size of the response;
/// - not log headers and bodies: both carry secrets.
///
/// Dropping the future must abandon the request.
///
/// Closures are transports, which is handy for an HTTP library in place and in
/// tests:
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use uid2_http::{Transport, TransportError};
///
/// fn takes_a_transport(_: impl Transport) {}
///
/// takes_a_transport(async |request: Request<Bytes>| {
///     assert_eq!(request.method(), "POST");
///     Ok::<_, TransportError>(Response::new(Bytes::from_static(b"...")))
/// });
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Sends `request`, which has an absolute URL, and reads the response to
    /// its end.
    ///
    /// # Errors
    /// [`TransportError`] when there is no whole response; its kind says if
    /// trying again may help.
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Bytes>, TransportError>> + Send;
}

impl<F, Fut> Transport for F
where
    F: Fn(Request<Bytes>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<Bytes>, TransportError>> + Send,
{
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Bytes>, TransportError>> + Send {
        self(request)
    }
}

impl<T: Transport> Transport for Arc<T> {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Bytes>, TransportError>> + Send {
        T::send(self, request)
    }
}
