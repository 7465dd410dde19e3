//! Reading a response to its end, within bounds.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::failure;
use super::patience::Patience;
use crate::transport::{TransportError, TransportErrorKind};

/// Dropping the body half-read closes an HTTP/1.1 connection and resets an
/// HTTP/2 stream, so an endless response costs no more than the limit.
pub(super) async fn read(
    mut body: Incoming,
    max: usize,
    patience: &mut Patience<'_>,
) -> Result<Bytes, TransportError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max {
        return Err(TransportErrorKind::TooLarge.into());
    }
    let mut whole = BytesMut::with_capacity(announced);
    loop {
        patience.renew();
        let frame = match patience.wait_for(body.frame()).await? {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Err(failure::of_connection(error)),
            None => return Ok(whole.freeze()),
        };
        // Trailers are of no interest.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > max - whole.len() {
            return Err(TransportErrorKind::TooLarge.into());
        }
        whole.extend_from_slice(&data);
    }
}
