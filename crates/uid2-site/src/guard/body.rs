//! The bodies of requests: read whole, or the connection ends.
//!
//! What is answered before the body was read leaves it on the connection. The
//! server then closes that, and a client that had meant to go on with it sees its
//! next request fail.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Reads the body before anything is refused, within the limit that is set
/// around this.
pub(crate) async fn read(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match Bytes::from_request(Request::new(body), &()).await {
        Ok(body) => next.run(Request::from_parts(parts, body.into())).await,
        // Too long, or the client went away.
        Err(rejection) => rejection.into_response(),
    }
}

/// Tells the client that the connection ends, where a body may not have been read.
pub(crate) async fn hang_up(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if matches!(
        response.status(),
        StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::MISDIRECTED_REQUEST
            | StatusCode::SERVICE_UNAVAILABLE
    ) {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}
