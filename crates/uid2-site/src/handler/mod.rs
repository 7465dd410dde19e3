//! What the pages and forms do.

pub(crate) mod account;
pub(crate) mod assets;
pub(crate) mod browser;
pub(crate) mod leave;
pub(crate) mod sign_in;
pub(crate) mod workshop;

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};

use crate::app::{App, blocking};
use crate::event::EventKind;
use crate::form::Problem;

/// On to another page, by GET.
pub(crate) fn go(path: &'static str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response()
}

/// Notes in the timeline what the store does not see.
pub(crate) async fn note(app: &App, user: &str, kind: EventKind) -> Result<(), Problem> {
    let (records, user, now) = (app.records.clone(), user.to_owned(), app.now());
    blocking(move || records.note(&user, kind, None, now)).await
}
