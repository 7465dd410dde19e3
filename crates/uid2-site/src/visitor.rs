//! Who is asking: the cookie and what belongs to it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::{Cookie, SameSite, SignedCookieJar};

use crate::app::{App, blocking};
use crate::form::Problem;
use crate::keys::random_id;
use crate::records::Session;

/// Whoever sends a request. The browser holds nothing but an opaque id, signed;
/// what it stands for is kept on the server.
#[derive(Clone)]
pub(crate) struct Visitor {
    id: String,
    /// The browser does not have the cookie yet.
    is_new: bool,
    /// If the visitor has signed in, and that still lasts.
    pub(crate) session: Option<Session>,
    /// The cookie was for a session, and that has ended.
    pub(crate) has_ended: bool,
}

/// The cookie says whether there was a session, so that its end can be told
/// apart from there never having been one.
const SIGNED_IN: &str = "s.";
const ANONYMOUS: &str = "a.";

impl Visitor {
    async fn of(app: &App, parts: &Parts) -> Result<Self, Problem> {
        let jar = SignedCookieJar::from_headers(&parts.headers, app.keys.cookies().clone());
        let id = jar
            .get(app.cookie_name())
            .map(|cookie| cookie.value().to_owned());
        let Some(id) = id.filter(|id| id.starts_with(SIGNED_IN) || id.starts_with(ANONYMOUS))
        else {
            return Self::anonymous();
        };
        if id.starts_with(ANONYMOUS) {
            return Ok(Self::known(id, None));
        }
        let (records, life, now) = (app.records.clone(), app.sessions, app.now());
        let of = id.clone();
        let session = blocking(move || records.session(&of, life, now)).await?;
        Ok(Self::known(id, session))
    }

    fn anonymous() -> Result<Self, Problem> {
        let id = random_id().map_err(Problem::internal)?;
        Ok(Self {
            is_new: true,
            ..Self::known(format!("{ANONYMOUS}{id}"), None)
        })
    }

    fn known(id: String, session: Option<Session>) -> Self {
        Self {
            has_ended: session.is_none() && id.starts_with(SIGNED_IN),
            is_new: false,
            id,
            session,
        }
    }

    /// What the forms of this visitor carry.
    pub(crate) fn form_token(&self, app: &App) -> String {
        app.keys.form_token(&self.id)
    }

    pub(crate) fn is_form_token(&self, app: &App, token: &str) -> bool {
        app.keys.is_form_token(&self.id, token)
    }

    /// Signs in: a new id, so that one known from before is of no use, and the
    /// session from before ends.
    pub(crate) async fn sign_in(self, app: &App, session: Session) -> Result<Self, Problem> {
        let id = format!("{SIGNED_IN}{}", random_id().map_err(Problem::internal)?);
        let (records, now) = (app.records.clone(), app.now());
        let (old, new, begun) = (self.id, id.clone(), session.clone());
        blocking(move || {
            records.end_session(&old)?;
            records.begin_session(&new, &begun, now)
        })
        .await?;
        Ok(Self {
            is_new: true,
            ..Self::known(id, Some(session))
        })
    }

    /// Ends the session, and takes the cookie away.
    pub(crate) async fn sign_out(self, app: &App) -> Result<Self, Problem> {
        let (records, old) = (app.records.clone(), self.id);
        blocking(move || records.end_session(&old)).await?;
        Self::anonymous()
    }

    /// Forgets about a session that has ended.
    pub(crate) fn begin_anew(self) -> Result<Self, Problem> {
        Self::anonymous()
    }

    /// Adds the cookie, if the browser does not have it.
    pub(crate) fn attach(&self, app: &App, response: impl IntoResponse) -> Response {
        let mut response = response.into_response();
        if !self.is_new {
            return response;
        }
        let cookie = Cookie::build((app.cookie_name(), self.id.clone()))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(app.is_secure())
            .max_age(app.sessions.whole.try_into().unwrap_or_default())
            .build();
        let jar = SignedCookieJar::new(app.keys.cookies().clone()).add(cookie);
        let with_cookie = jar.into_response();
        for value in with_cookie.headers().get_all(SET_COOKIE) {
            response.headers_mut().append(SET_COOKIE, value.clone());
        }
        response
    }
}

/// Found out once a request.
impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        if let Some(visitor) = parts.extensions.get::<Self>() {
            return Ok(visitor.clone());
        }
        let visitor = Self::of(app, parts).await?;
        parts.extensions.insert(visitor.clone());
        Ok(visitor)
    }
}

impl From<Infallible> for Problem {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
