//! Reading a response to its end, within bounds.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::builder::Limits;
use super::failure;
use crate::transport::{TransportError, TransportErrorKind};

/// Dropping the body half-read closes an HTTP/1.1 connection and resets an
/// HTTP/2 stream, so an endless response costs no more than the limit.
pub(super) async fn read(mut body: Incoming, limits: &Limits) -> Result<Bytes, TransportError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limits.max_response {
        return Err(TransportErrorKind::TooLarge.into());
    }
    let mut whole = BytesMut::with_capacity(announced);
    loop {
        let frame = match tokio::time::timeout(limits.read_timeout, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(failure::of_connection(error)),
            Ok(None) => return Ok(whole.freeze()),
            Err(_) => return Err(TransportErrorKind::ReadTimeout.into()),
        };
        // Trailers are of no interest.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > limits.max_response - whole.len() {
            return Err(TransportErrorKind::TooLarge.into());
        }
        whole.extend_from_slice(&data);
    }
}
