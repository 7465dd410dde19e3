//! Pages for requests that come to nothing.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Frame, html};
use crate::app::App;
use crate::form::Problem;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    text: &'static str,
}

/// Puts a page around refusals that have none.
pub(crate) async fn dress(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    // The page is this visitor's, menu included; found out before, for a request
    // can be handed on only once.
    let visitor = match Visitor::from_request_parts(&mut parts, &app).await {
        Ok(visitor) => visitor,
        Err(problem) => return problem.into_response(),
    };
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_ours(response.headers()) {
        return response;
    }
    match page(&app, &visitor, status) {
        Ok(mut page) => {
            *page.status_mut() = status;
            for name in [ALLOW, RETRY_AFTER] {
                if let Some(value) = response.headers().get(&name) {
                    page.headers_mut().insert(name, value.clone());
                }
            }
            visitor.attach(&app, page)
        }
        Err(problem) => problem.into_response(),
    }
}

/// Pages and JSON of this site say what is wrong by themselves.
fn is_ours(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html") || kind.starts_with("application/json"))
}

fn page(app: &App, visitor: &Visitor, status: StatusCode) -> Result<Response, Problem> {
    let (title, text) = words(status);
    html(&ErrorPage {
        frame: Frame::new(app, visitor, title),
        status: status.as_u16(),
        text,
    })
}

fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::FORBIDDEN => (
            "That form is out of date",
            "It was not sent from a page of this site, or the page is older than your last \
             sign-in. Nothing was done. Go back, reload the page, and try again.",
        ),
        StatusCode::NOT_FOUND => (
            "There is no such page",
            "The address may be mistyped, or what was there is gone.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            "That is not how this page is used",
            "It takes only what its form sends. Nothing was done.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "That was too much",
            "No form of this site needs as many bytes. Nothing was done.",
        ),
        StatusCode::TOO_MANY_REQUESTS => (
            "That was too fast",
            "So many requests in so short a time look like a program. Wait a moment, and try \
             again.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "That took too long",
            "The site gave up on this request. Try again in a moment.",
        ),
        status if status.is_server_error() => (
            "Something went wrong here",
            "It is our mistake, and noted in the log. Try again in a moment.",
        ),
        _ => (
            "That could not be understood",
            "The request was not as a page of this site sends it. Nothing was done.",
        ),
    }
}
