//! What every request needs, and the way through the site.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use uid2_core::{Scope, Timestamp};
use uid2_emulator::Emulator;
use uid2_http::Runtime;

use crate::clock::SiteClock;
use crate::form::Problem;
use crate::guard::rate::RateLimit;
use crate::guard::{body, headers, host, log, rate};
use crate::keys::Keys;
use crate::observed::USER_PREFIX;
use crate::records::{Records, SessionLife};
use crate::site::SitePublisher;
use crate::{handler, keys, page};

/// No form of this site comes near it.
const MAX_BODY: usize = 16 * 1024;
/// How long a request may take, the patience with the operator included.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What every request needs.
pub(crate) struct App {
    pub(crate) publisher: SitePublisher,
    pub(crate) records: Records,
    pub(crate) clock: SiteClock,
    pub(crate) keys: Keys,
    pub(crate) scope: Scope,
    pub(crate) rate: RateLimit,
    /// Without a slash at its end.
    pub(crate) operator_url: Box<str>,
    pub(crate) embedded: Option<Emulator>,
    pub(crate) address: SocketAddr,
    /// The address before which a TLS proxy stands, if one does.
    pub(crate) origin: Option<Box<str>>,
    pub(crate) sessions: SessionLife,
}

impl App {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// As browsers see it, without a slash at its end.
    pub(crate) fn own_origin(&self) -> String {
        self.origin_of(&self.address.to_string())
    }

    /// The origin of pages that were asked for under this host.
    pub(crate) fn origin_of(&self, host: &str) -> String {
        match &self.origin {
            Some(origin) => origin.to_string(),
            None => format!("http://{host}"),
        }
    }

    pub(crate) fn is_own_host(&self, host: &str) -> bool {
        if let Some(origin) = &self.origin {
            let own = origin.strip_prefix("https://");
            return own.is_some_and(|own| host.eq_ignore_ascii_case(own));
        }
        let port = self.address.port();
        ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|name| host.eq_ignore_ascii_case(&format!("{name}:{port}")))
    }

    /// Beyond loopback, cookies travel over TLS only.
    pub(crate) const fn is_secure(&self) -> bool {
        self.origin.is_some()
    }

    /// The prefix has browsers refuse it from any other host or over plain HTTP.
    pub(crate) const fn cookie_name(&self) -> &'static str {
        if self.is_secure() {
            "__Host-uid2-site"
        } else {
            "uid2-site"
        }
    }

    /// A new user's id: random, so that it tells nothing of who that is.
    pub(crate) fn new_user_id() -> Result<String, Problem> {
        let random = keys::random_id().map_err(Problem::internal)?;
        Ok(format!("{USER_PREFIX}{random}"))
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("address", &self.address)
            .field("origin", &self.origin)
            .field("operator_url", &self.operator_url)
            .finish_non_exhaustive()
    }
}

/// Runs what waits for the disk where waiting is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, rusqlite::Error> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(Problem::internal)?.map_err(Problem::internal)
}

/// All pages, and what stands before them.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let pages = Router::new()
        .route("/", get(handler::sign_in::show))
        .route("/sign-in", post(handler::sign_in::submit))
        .route("/sign-out", post(handler::leave::sign_out))
        .route("/account", get(handler::account::show))
        .route("/refresh", post(handler::account::refresh))
        .route("/opt-out", post(handler::leave::opt_out))
        .route("/opt-in", post(handler::leave::opt_in))
        .route("/session-ended", get(handler::leave::session_ended))
        .route("/client-side", get(handler::browser::show))
        .route("/identity.json", get(handler::browser::identity))
        .route("/status.json", get(handler::browser::status))
        .route("/assets/{name}", get(handler::assets::asset))
        .route("/favicon.ico", get(handler::assets::favicon));
    let workshop = Router::new()
        .route(
            "/opt-out-everywhere",
            get(handler::workshop::ask).post(handler::workshop::opt_out),
        )
        .route("/time", post(handler::workshop::pass))
        .route("/outage", post(handler::workshop::outage));
    let all = if app.embedded.is_some() {
        pages.merge(workshop)
    } else {
        pages
    };
    // The first one named stands closest to the pages.
    all.fallback(async || StatusCode::NOT_FOUND)
        .layer(from_fn_with_state(Arc::clone(app), rate::limit))
        .layer(from_fn(body::read))
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ))
        .layer(from_fn_with_state(Arc::clone(app), page::error::dress))
        .layer(from_fn_with_state(Arc::clone(app), host::only_ours))
        .layer(from_fn(body::hang_up))
        .layer(from_fn(headers::secure))
        .layer(from_fn(log::note))
        .with_state(Arc::clone(app))
}
