//! A small site on axum: an extractor that gives a handler what to bid with, and
//! a layer for pages that are made for one user.
//!
//! `cargo run -p uid2-publisher --example axum`
//!
//! It starts an operator and the site on this machine, visits the site as a
//! browser would, checks what comes back, and ends. `uid2 site` is the larger
//! version, with forms, cookies that are signed, and everything around them.

#![allow(clippy::print_stdout, reason = "a program for people")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use rand_core::Rng;
use uid2_emulator::Emulator;
use uid2_publisher::core::operation::{Action, Caller};
use uid2_publisher::core::{BaseUrl, OpenRtb};
use uid2_publisher::http::{Client, HyperTransport, Runtime, TokioRuntime};
use uid2_publisher::store::MemoryStore;
use uid2_publisher::{Dii, Eid, Established, Publisher};

/// What every handler has at hand. Cheap to clone.
#[derive(Clone)]
struct Site {
    uid2: Publisher<HyperTransport, MemoryStore>,
    /// Session id → user id. A site of yours has its own; the browser gets the
    /// session id and nothing else.
    sessions: Arc<Mutex<HashMap<String, String>>>,
}

fn routes(site: Site) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/sign-in", post(sign_in))
        .route("/sign-out", post(sign_out))
        .layer(middleware::from_fn(for_one_user_only))
        .with_state(site)
}

/// What to bid with for whoever makes the request; `None` for who is not signed
/// in, has opted out, or has no token now.
///
/// Never waits for the operator and never fails: a page has to come up whatever
/// the service does. Where a wait is acceptable, `token` is the call.
struct ForBidding(Option<Eid>);

impl FromRequestParts<Site> for ForBidding {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        let Some(user) = site.user_of(&parts.headers) else {
            return Ok(Self(None));
        };
        match site.uid2.token_now(&user).await {
            Ok(outcome) => Ok(Self(outcome.valid().map(|token| site.uid2.eid(token)))),
            Err(error) => {
                // Says nothing of whom it was about.
                tracing::warn!(%error, action = ?error.action(), "bidding without a token");
                Ok(Self(None))
            }
        }
    }
}

/// A page with somebody's token in it must not be kept for somebody else.
async fn for_one_user_only(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let no_store = HeaderValue::from_static("no-store, private");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

/// A page with an advertisement. Here it just shows the bid request's `user`.
async fn page(ForBidding(eid): ForBidding) -> String {
    match eid {
        Some(eid) => eid.user_json(OpenRtb::V2_6),
        None => "{}".to_owned(),
    }
}

/// The body is an e-mail address, which the site has verified by other means.
async fn sign_in(State(site): State<Site>, email: String) -> Result<Response, Refused> {
    let dii = Dii::email(&email).map_err(|error| Refused(StatusCode::BAD_REQUEST, error.into()))?;
    // A user id of your own: never the address itself.
    let user = site.new_id();
    match site.uid2.establish(&user, dii).await {
        Ok(Established::OptedOut(_)) => tracing::info!("signed in without a token: opted out"),
        Ok(_) => {}
        // Signing in must not depend on advertising.
        Err(error) if error.action() == Action::Retry => {
            tracing::warn!(%error, "signed in without a token: the service is away");
        }
        Err(error) => return Err(Refused(StatusCode::INTERNAL_SERVER_ERROR, error.into())),
    }
    let session = site.new_id();
    site.lock().insert(session.clone(), user);
    let cookie = format!("session={session}; HttpOnly; SameSite=Lax; Path=/");
    Ok(([(SET_COOKIE, cookie)], "signed in").into_response())
}

async fn sign_out(State(site): State<Site>, headers: HeaderMap) -> Result<&'static str, Refused> {
    if let Some(user) = site.user_of(&headers) {
        // If the store cannot be written, the user is not logged out, and must
        // be told so.
        site.uid2
            .logout(&user)
            .await
            .map_err(|error| Refused(StatusCode::SERVICE_UNAVAILABLE, error.into()))?;
        site.lock().retain(|_, signed_in| *signed_in != user);
    }
    Ok("signed out")
}

/// What the browser is told: the status and what is wrong, nothing of why.
struct Refused(StatusCode, Box<dyn Error + Send + Sync>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        tracing::error!(error = &*self.1 as &dyn Error, "refused");
        self.0.into_response()
    }
}

impl Site {
    fn user_of(&self, headers: &HeaderMap) -> Option<String> {
        let cookies = headers.get(COOKIE)?.to_str().ok()?;
        let session = cookies
            .split(';')
            .find_map(|cookie| cookie.trim().strip_prefix("session="))?;
        self.lock().get(session).cloned()
    }

    fn new_id(&self) -> String {
        format!(
            "{:032x}",
            u128::from(TokioRuntime.rng().next_u64()) << 64
                | u128::from(TokioRuntime.rng().next_u64())
        )
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start().await?;
    let caller = Caller::new(
        emulator.api_key().parse()?,
        emulator.client_secret().parse()?,
    );
    let client =
        Client::builder(caller, BaseUrl::parse(emulator.url())?).build(HyperTransport::new()?);
    let uid2 = Publisher::builder(client, MemoryStore::new()).build()?;
    tokio::spawn(uid2.refresher().run());

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let sessions = Arc::default();
    let site = Site {
        uid2: uid2.clone(),
        sessions,
    };
    tokio::spawn(async move { axum::serve(listener, routes(site)).await });

    let browser =
        tokio::task::spawn_blocking(move || visit(&url).map_err(|error| error.to_string()));
    browser.await??;
    if !uid2.shutdown(Duration::from_secs(5)).await {
        return Err("calls were still under way".into());
    }
    Ok(())
}

/// What a browser would do.
fn visit(site: &str) -> Result<(), Box<dyn Error>> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let page = |session: &str| -> Result<String, ureq::Error> {
        let request = agent.get(site).header("cookie", session);
        request.call()?.into_body().read_to_string()
    };
    let sign_in = |email: &str| -> Result<String, Box<dyn Error>> {
        let response = agent.post(format!("{site}/sign-in")).send(email)?;
        let cookie = response.headers().get("set-cookie");
        let cookie = cookie.ok_or("the site set no cookie")?.to_str()?;
        Ok(cookie.split(';').next().unwrap_or_default().to_owned())
    };
    expect("a stranger", &page("")?, "{}")?;
    let jane = sign_in("Jane.Doe@Example.com")?;
    expect(
        "Jane, signed in",
        &page(&jane)?,
        r#"{"eids":[{"source":"uidapi.com""#,
    )?;
    let left = sign_in("optout@example.com")?;
    expect("who has opted out", &page(&left)?, "{}")?;
    agent
        .post(format!("{site}/sign-out"))
        .header("cookie", &jane)
        .send_empty()?;
    expect("Jane, signed out", &page(&jane)?, "{}")?;
    let status = agent.post(format!("{site}/sign-in")).send("jane")?.status();
    expect("not an address", status.as_str(), "400")
}

fn expect(what: &str, found: &str, begins: &str) -> Result<(), Box<dyn Error>> {
    println!("{what}: {found:.60}");
    match found.starts_with(begins) && (begins != "{}" || found == "{}") {
        true => Ok(()),
        false => Err(format!("{what}: expected {begins}, got {found}").into()),
    }
}
