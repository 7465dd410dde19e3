//! What stands between HTTP and the endpoints, in the operator's order: CORS,
//! routing, body limit, authentication, envelope (protocol, sections 2 to 5).

pub(crate) mod answer;
pub(crate) mod auth;
mod cors;
pub(crate) mod envelope;
pub(crate) mod route;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use parking_lot::RwLock;
use rand_core::CryptoRng;
use uid2_core::Timestamp;

use crate::endpoint;
use crate::fault::Fault;
use crate::operator::{Note, State};
use answer::Answer;
use route::{Counters, Endpoint};

/// Largest body of a request: 1 MiB.
pub(crate) const MAX_BODY: usize = 1 << 20;
const NOT_FOUND: &str = "<html><body><h1>Resource not found</h1></body></html>";
const TRACE_ID: &str = "x-amzn-trace-id";

/// What an endpoint sees of a request besides its payload.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a RwLock<State>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) now: Timestamp,
    pub(crate) fault: &'a Fault,
    /// What is kept of it.
    pub(crate) note: &'a mut Note,
    pub(crate) rng: &'a mut dyn CryptoRng,
}

pub(crate) fn handle(
    state: &RwLock<State>,
    counters: &Counters,
    request: Request<Bytes>,
    now: Timestamp,
    fault: &Fault,
    note: &mut Note,
    rng: &mut dyn CryptoRng,
) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    let endpoint = Endpoint::of(head.uri.path());
    counters.count(endpoint);
    if let Some(preflight) = cors::preflight(&head, endpoint) {
        return preflight;
    }
    let endpoint = offered(endpoint, state);
    let mut response = match refuse(&head.method, endpoint) {
        Some(refusal) => refusal,
        None if body.len() > MAX_BODY => too_long_response(),
        None => {
            let mut call = Call {
                state,
                headers: &head.headers,
                body: &body,
                now,
                fault,
                note,
                rng,
            };
            let mut response = dispatch(endpoint, &mut call);
            echo_trace_id(endpoint, &head.headers, response.headers_mut());
            response
        }
    };
    cors::mark(&head.headers, response.headers_mut());
    response
}

/// The response to a request whose body the server did not even read to its end.
pub(crate) fn too_long(counters: &Counters, request: &Request<()>) -> Response<Bytes> {
    let endpoint = Endpoint::of(request.uri().path());
    counters.count(endpoint);
    let refusal = refuse(request.method(), endpoint);
    let mut response = refusal.unwrap_or_else(too_long_response);
    cors::mark(request.headers(), response.headers_mut());
    response
}

/// The endpoint, unless its integration is switched off.
fn offered(endpoint: Endpoint, state: &RwLock<State>) -> Endpoint {
    match endpoint {
        Endpoint::ClientGenerate if !state.read().config.client_side_generate() => {
            Endpoint::Unknown
        }
        endpoint => endpoint,
    }
}

/// 404 for an unknown path, 405 for a wrong method.
fn refuse(method: &Method, endpoint: Endpoint) -> Option<Response<Bytes>> {
    match endpoint.method() {
        None => {
            let mut response = Response::new(Bytes::from_static(NOT_FOUND.as_bytes()));
            *response.status_mut() = StatusCode::NOT_FOUND;
            let html = HeaderValue::from_static("text/html");
            response.headers_mut().insert(CONTENT_TYPE, html);
            Some(response)
        }
        Some(allowed) if allowed != *method => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            if let Ok(allowed) = HeaderValue::from_str(allowed.as_str()) {
                response.headers_mut().insert(ALLOW, allowed);
            }
            Some(response)
        }
        Some(_) => None,
    }
}

fn too_long_response() -> Response<Bytes> {
    Answer::text(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long").into_response()
}

fn dispatch(endpoint: Endpoint, call: &mut Call<'_>) -> Response<Bytes> {
    match endpoint {
        Endpoint::Healthcheck => endpoint::healthcheck::handle(),
        Endpoint::TokenGenerate => envelope::sealed(call, endpoint, endpoint::generate::handle),
        Endpoint::TokenRefresh => endpoint::refresh::handle(call),
        Endpoint::TokenValidate => envelope::sealed(call, endpoint, endpoint::validate::handle),
        Endpoint::TokenLogout => envelope::sealed(call, endpoint, endpoint::logout::handle),
        Endpoint::ClientGenerate => endpoint::client_generate::handle(call),
        Endpoint::IdentityMapV2 => {
            envelope::sealed(call, endpoint, endpoint::identity_map_v2::handle)
        }
        Endpoint::IdentityMapV3 => {
            envelope::sealed(call, endpoint, endpoint::identity_map_v3::handle)
        }
        Endpoint::IdentityBuckets => envelope::sealed(call, endpoint, endpoint::buckets::handle),
        Endpoint::OptOutStatus => envelope::sealed(call, endpoint, endpoint::optout_status::handle),
        Endpoint::KeySharing => envelope::sealed(call, endpoint, endpoint::keys::sharing),
        Endpoint::KeyBidstream => envelope::sealed(call, endpoint, endpoint::keys::bidstream),
        Endpoint::KeyLatest => envelope::sealed(call, endpoint, endpoint::keys::latest),
        Endpoint::Unknown => Response::new(Bytes::new()),
    }
}

/// A front end's trace id comes back from the routes that authenticate.
fn echo_trace_id(endpoint: Endpoint, request: &HeaderMap, response: &mut HeaderMap) {
    if endpoint == Endpoint::Healthcheck {
        return;
    }
    if let Some(id) = request.get(TRACE_ID) {
        response.insert(TRACE_ID, id.clone());
    }
}
