//! Whose requests these are: the `Host` and the `Origin`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses requests for any other host: a page elsewhere could have its own name
/// point to this machine ("DNS rebinding"), and then read what is not its own.
pub(crate) async fn only_ours(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    match host {
        Some(host) if app.is_own_host(host) => next.run(request).await,
        // Plain: nothing of the site is for who came this way.
        _ => (
            StatusCode::MISDIRECTED_REQUEST,
            "This is not a site of that name.\n",
        )
            .into_response(),
    }
}

/// Whether a request was made by a page of this site. Browsers say so in
/// `Origin` or `Sec-Fetch-Site`; what sends neither is no browser, and has no
/// cookies of anybody's.
pub(crate) fn is_from_own_page(app: &App, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = host.map(|host| app.origin_of(host));
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().ok());
    let origin_fits = origin.is_none_or(|origin| origin.is_some() && origin == own.as_deref());
    origin_fits && is_same_origin_fetch(headers)
}

/// Whether the browser, if it is one, says that the request is of the same origin.
pub(crate) fn is_same_origin_fetch(headers: &HeaderMap) -> bool {
    headers
        .get(FETCH_SITE)
        .is_none_or(|site| site == "same-origin" || site == "none")
}
