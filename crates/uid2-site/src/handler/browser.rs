//! What scripts in the visitor's own browser are told.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::account::{Standing, events, revision, standing};
use super::go;
use crate::app::App;
use crate::form::Problem;
use crate::guard::headers::policy_with;
use crate::guard::host::is_from_own_page;
use crate::page::client_side::ClientSidePage;
use crate::page::{Frame, html};
use crate::visitor::Visitor;

/// The page on which the browser refreshes by itself.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    let Some(session) = &visitor.session else {
        return Ok(go(if visitor.has_ended {
            "/session-ended"
        } else {
            "/"
        }));
    };
    let standing = standing(&app, &session.user).await?;
    let mut page = html(&ClientSidePage {
        frame: Frame::new(&app, &visitor, "In the browser").at("client-side"),
        has_identity: matches!(standing, Standing::Valid(_)),
        client_version: concat!("uid2-site-", env!("CARGO_PKG_VERSION")).into(),
    })?;
    let policy = policy_with(&app.operator_url).ok_or(Problem::Internal)?;
    page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(visitor.attach(&app, page))
}

/// The identity for the client-server integration: for the browser of this user,
/// and for pages of this site only. Everything that is needed to go on as this
/// user is in it.
pub(crate) async fn identity(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !is_from_own_page(&app, &headers) {
        return Ok(refusal(StatusCode::FORBIDDEN, "not_same_origin"));
    }
    let Some(session) = &visitor.session else {
        return Ok(refusal(StatusCode::UNAUTHORIZED, "not_signed_in"));
    };
    Ok(match standing(&app, &session.user).await? {
        Standing::Valid(identity) => {
            let kind = HeaderValue::from_static("application/json");
            let vary = HeaderValue::from_static("cookie");
            let json = identity.to_json().to_string();
            ([(CONTENT_TYPE, kind), (header::VARY, vary)], json).into_response()
        }
        Standing::Missing => refusal(StatusCode::NOT_FOUND, "no_identity"),
        Standing::OptedOut(_) => refusal(StatusCode::NOT_FOUND, "opted_out"),
        Standing::Expired => refusal(StatusCode::NOT_FOUND, "sign_in_again"),
        Standing::Down | Standing::Refused => {
            refusal(StatusCode::SERVICE_UNAVAILABLE, "operator_unavailable")
        }
    })
}

/// Whether the account page would look different by now.
pub(crate) async fn status(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !is_from_own_page(&app, &headers) {
        return Ok(refusal(StatusCode::FORBIDDEN, "not_same_origin"));
    }
    let revision = match &visitor.session {
        Some(session) => {
            let standing = standing(&app, &session.user).await?;
            revision(&standing, &events(&app, &session.user).await?)
        }
        None => "not-signed-in".into(),
    };
    Ok(json_response(
        StatusCode::OK,
        &json!({ "now": app.now().as_millis(), "revision": revision }),
    ))
}

fn refusal(status: StatusCode, reason: &str) -> Response {
    json_response(status, &json!({ "reason": reason }))
}

fn json_response(status: StatusCode, value: &serde_json::Value) -> Response {
    let kind = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, kind)], value.to_string()).into_response()
}
