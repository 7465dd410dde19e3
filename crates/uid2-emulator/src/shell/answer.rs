//! What endpoints answer, before it is sealed.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde::Serialize;

/// What an endpoint answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// 200: JSON, which the shell seals.
    Success {
        /// The `status` in it.
        status: &'static str,
        json: Vec<u8>,
    },
    /// Anything else: JSON as it is, never sealed.
    Error {
        http: StatusCode,
        status: &'static str,
        message: Option<Cow<'static, str>>,
    },
    /// What the HTTP library of the service says itself.
    Text(StatusCode, &'static str),
}

#[derive(Serialize)]
struct WithBody<'a, B> {
    body: B,
    status: &'a str,
}

#[derive(Serialize)]
struct WithMessage<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl Answer {
    /// 200, `success`, with a body.
    pub(crate) fn success(body: impl Serialize) -> Self {
        let status = "success";
        Self::json(status, &WithBody { body, status })
    }

    /// 200 with a status alone: `optout` and the like.
    pub(crate) fn status(status: &'static str) -> Self {
        let message = None;
        Self::json(status, &WithMessage { status, message })
    }

    /// 400, `client_error`.
    pub(crate) fn client_error(message: impl Into<Cow<'static, str>>) -> Self {
        Self::error(StatusCode::BAD_REQUEST, "client_error", message)
    }

    /// 500, `unknown`.
    pub(crate) fn unknown(message: impl Into<Cow<'static, str>>) -> Self {
        Self::error(StatusCode::INTERNAL_SERVER_ERROR, "unknown", message)
    }

    /// 401 without a word why.
    pub(crate) const fn unauthorized() -> Self {
        Self::Error {
            http: StatusCode::UNAUTHORIZED,
            status: "unauthorized",
            message: None,
        }
    }

    /// No key to seal tokens with.
    pub(crate) fn no_active_key() -> Self {
        Self::unknown("No active encryption key available")
    }

    pub(crate) fn error(
        http: StatusCode,
        status: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Error {
            http,
            status,
            message: Some(message.into()),
        }
    }

    pub(crate) const fn text(http: StatusCode, text: &'static str) -> Self {
        Self::Text(http, text)
    }

    /// What goes wrong without an endpoint saying how.
    pub(crate) const fn internal_server_error() -> Self {
        Self::Text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }

    fn json(status: &'static str, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => Self::Success { status, json },
            Err(_) => Self::internal_server_error(),
        }
    }

    /// The `status` it tells, if any.
    pub(crate) const fn told(&self) -> Option<&'static str> {
        match self {
            Self::Success { status, .. } | Self::Error { status, .. } => Some(status),
            Self::Text(..) => None,
        }
    }

    /// As it is, nothing sealed.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        match self {
            Self::Success { json, .. } => response(StatusCode::OK, "application/json", json),
            Self::Error {
                http,
                status,
                message,
            } => {
                let message = message.as_deref();
                let json = serde_json::to_vec(&WithMessage { status, message });
                response(http, "application/json", json.unwrap_or_default())
            }
            Self::Text(http, text) => {
                let mut response = Response::new(Bytes::from_static(text.as_bytes()));
                *response.status_mut() = http;
                response
            }
        }
    }
}

/// A response with a body of this type.
pub(crate) fn response(
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
