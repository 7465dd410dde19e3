//! Requests and responses in terms of HTTP, without an HTTP library.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use crate::secret::ApiKey;
use crate::wipe::Wiped;

/// An HTTP request to be sent as it is. All are `POST`.
///
/// `Debug` shows the path and the length of the body.
#[derive(Clone)]
pub struct Request {
    pub(super) path: &'static str,
    /// Wiped on drop, for a refresh token travels as it is.
    pub(super) body: Wiped,
    pub(super) content_type: &'static str,
    pub(super) authorization: Option<ApiKey>,
    pub(super) client_version: Cow<'static, str>,
}

impl Request {
    /// `POST`.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        "POST"
    }

    /// The path to append to the [base URL](crate::BaseUrl), e.g. `/v2/token/generate`.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// The headers to send. Those marked sensitive must not be logged, indexed
    /// by HPACK or sent to another host.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        let authorization = self.authorization.as_ref().map(|key| Header {
            name: "authorization",
            value: key.authorization_header(),
            sensitive: true,
        });
        let plain = |name, value| Header {
            name,
            value,
            sensitive: false,
        };
        [
            plain("content-type", self.content_type),
            plain("x-uid2-client-version", &self.client_version),
        ]
        .into_iter()
        .chain(authorization)
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, without a copy.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.body.into_inner()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("path", &self.path)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A header of a [`Request`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name, in lower case.
    pub name: &'static str,
    /// The value, printable ASCII.
    pub value: &'a str,
    /// Whether the value is a secret.
    pub sensitive: bool,
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.sensitive {
            "<redacted>"
        } else {
            self.value
        };
        write!(f, "{}: {value}", self.name)
    }
}

/// An HTTP response, whatever its status.
///
/// ```
/// use uid2_core::operation::Response;
///
/// let response = Response::new(200, b"...").with_content_type("text/plain");
/// ```
#[derive(Clone, Copy)]
pub struct Response<'a> {
    pub(super) status: u16,
    pub(super) content_type: Option<&'a str>,
    pub(super) body: &'a [u8],
}

impl<'a> Response<'a> {
    /// A response with its HTTP status and its whole body.
    #[must_use]
    pub const fn new(status: u16, body: &'a [u8]) -> Self {
        Self {
            status,
            content_type: None,
            body,
        }
    }

    /// The value of `Content-Type`, if there is one. Without it, the body is
    /// taken to be encoded as the request was.
    #[must_use]
    pub const fn with_content_type(mut self, content_type: &'a str) -> Self {
        self.content_type = Some(content_type);
        self
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "http")]
mod http_crate {
    use super::{Request, Response};
    use crate::environment::BaseUrl;
    use alloc::vec::Vec;

    impl Request {
        /// As a request of the `http` crate to this base URL; sensitive headers
        /// are marked so.
        ///
        /// # Errors
        /// When the `http` crate does not take the URL.
        pub fn into_http(self, base: &BaseUrl) -> Result<http::Request<Vec<u8>>, http::Error> {
            let url = [base.as_str(), self.path].concat();
            let mut builder = http::Request::post(url);
            for header in self.headers() {
                let mut value = http::HeaderValue::from_str(header.value)?;
                value.set_sensitive(header.sensitive);
                builder = builder.header(http::HeaderName::from_static(header.name), value);
            }
            builder.body(self.into_body())
        }
    }

    impl<'a, B: AsRef<[u8]>> From<&'a http::Response<B>> for Response<'a> {
        fn from(response: &'a http::Response<B>) -> Self {
            let content_type = response
                .headers()
                .get(http::header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok());
            Self {
                status: response.status().as_u16(),
                content_type,
                body: response.body().as_ref(),
            }
        }
    }
}
