//! CORS: any origin, no credentials (protocol, section 2).

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};

use super::route::Endpoint;

const METHODS: &str = "GET,POST,OPTIONS";
const HEADERS: &str = "X-UID2-Client-Version,Access-Control-Request-Method,\
    Access-Control-Allow-Credentials,Access-Control-Allow-Origin,\
    Access-Control-Allow-Headers,Content-Type";
/// On `/v2/token/validate` alone.
const HEADERS_WITH_AUTHORIZATION: &str = "X-UID2-Client-Version,Access-Control-Request-Method,\
    Access-Control-Allow-Credentials,Access-Control-Allow-Origin,\
    Access-Control-Allow-Headers,Content-Type,Authorization";

/// The answer to a preflight, if the request is one.
pub(super) fn preflight(head: &Parts, endpoint: Endpoint) -> Option<Response<Bytes>> {
    let asks = head.method == Method::OPTIONS
        && origin(&head.headers).is_some()
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !asks {
        return None;
    }
    let allowed = match endpoint {
        Endpoint::TokenValidate => HEADERS_WITH_AUTHORIZATION,
        _ => HEADERS,
    };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(METHODS),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(allowed),
    );
    mark(&head.headers, headers);
    Some(response)
}

/// Marks any response as readable by the origin that asked.
pub(super) fn mark(request: &HeaderMap, response: &mut HeaderMap) {
    response.insert(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin(request) {
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
}

fn origin(request: &HeaderMap) -> Option<&HeaderValue> {
    request.get(ORIGIN).filter(|origin| !origin.is_empty())
}
