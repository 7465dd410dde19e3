//! `GET /ops/healthcheck` (protocol, section 2).

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::shell::answer::Answer;

/// An operator without anything to load is always well.
pub(crate) fn handle() -> Response<Bytes> {
    Answer::text(StatusCode::OK, "OK").into_response()
}
