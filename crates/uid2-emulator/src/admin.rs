//! A small HTTP interface to drive an emulator from tests in any language.
//!
//! On a loopback port of its own, so that it can never be mistaken for the
//! service's. All but `GET /requests` are POST with JSON; answers are JSON.
//!
//! | path | body | what it does |
//! |---|---|---|
//! | `/opt-out`, `/opt-in` | `{"email": …}` or any of the other three kinds | opts a person out, or undoes it |
//! | `/rotate-salts`, `/rotate-keys` | none | another salt, or key, for everything |
//! | `/clock` | `{"advance_ms": 60000}` or `{"offset_ms": 0}` | moves the emulator's clock on, or sets how far it is off |
//! | `/lifetimes` | `{"refresh_from": 1, "identity": 2, "refresh": 60}` in seconds, any of them | changes how long things live |
//! | `/faults` | `[{"fault": "status=503", "endpoint": "/v2/token/refresh", "probability": 0.5}]` | replaces the faults |
//! | `/requests` | none (GET) | `counts`, how many requests there were, by path; `recent`, the last thousand, the oldest first |
//!
//! A request of `recent` has `at_ms`, `path`, `client` (its name), `site_id`,
//! `http_status`, `status`, `encoding`, `client_version` and `fault`, each null
//! where there is none; see [`RequestRecord`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use http::header::ORIGIN;
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use uid2_core::envelope::Encoding;
use uid2_core::{Dii, Timestamp};

use crate::clock::Clock;
use crate::config::{FileFault, FileLifetimes};
use crate::endpoint::input;
use crate::operator::{Operator, RequestRecord};
use crate::shell::answer::response;
use crate::shell::route::Endpoint;

/// What the interface drives.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) operator: Arc<Operator>,
    pub(crate) clock: Clock,
    /// How far the emulator's clock is off its base, in milliseconds.
    pub(crate) offset: Arc<AtomicI64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    advance_ms: Option<i64>,
    offset_ms: Option<i64>,
}

/// Why a request is refused: a status and what to say.
type Refusal = (StatusCode, String);

impl Admin {
    pub(crate) fn handle(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let (status, body) = match self.answer(request) {
            Ok(body) => (StatusCode::OK, body),
            Err((status, message)) => (status, json!({ "error": message })),
        };
        response(status, "application/json", body.to_string().into_bytes())
    }

    fn answer(&self, request: &Request<Bytes>) -> Result<Value, Refusal> {
        if request.headers().contains_key(ORIGIN) {
            // A web page that a developer has open must not drive it.
            return Err((StatusCode::FORBIDDEN, "not for web pages".into()));
        }
        let body = request.body();
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/requests") => Ok(self.requests()),
            (&Method::POST, "/opt-out") => {
                self.operator.opt_out(&person(body)?, self.now());
                Ok(json!({}))
            }
            (&Method::POST, "/opt-in") => {
                let was_opted_out = self.operator.opt_in(&person(body)?);
                Ok(json!({ "was_opted_out": was_opted_out }))
            }
            (&Method::POST, "/rotate-salts") => {
                self.operator.rotate_salts(self.now());
                Ok(json!({}))
            }
            (&Method::POST, "/rotate-keys") => {
                self.operator.rotate_keys(self.now());
                Ok(json!({}))
            }
            (&Method::POST, "/clock") => self.change_clock(&read(body)?),
            (&Method::POST, "/lifetimes") => {
                let lifetimes: FileLifetimes = read(body)?;
                let lifetimes = lifetimes.over(self.operator.lifetimes());
                self.operator.set_lifetimes(lifetimes.map_err(bad)?);
                Ok(json!({}))
            }
            (&Method::POST, "/faults") => {
                let rules: Vec<FileFault> = read(body)?;
                let rules = rules.into_iter().map(FileFault::into_rule);
                self.operator
                    .set_faults(rules.collect::<Result<_, _>>().map_err(bad)?);
                Ok(json!({}))
            }
            _ => Err((StatusCode::NOT_FOUND, "no such path and method".into())),
        }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn change_clock(&self, change: &ClockChange) -> Result<Value, Refusal> {
        match (change.advance_ms, change.offset_ms) {
            (Some(advance), None) => {
                self.offset.fetch_add(advance, Ordering::Relaxed);
            }
            (None, Some(offset)) => self.offset.store(offset, Ordering::Relaxed),
            _ => return Err(bad("give either advance_ms or offset_ms")),
        }
        Ok(json!({ "now_ms": self.now().as_millis() }))
    }

    fn requests(&self) -> Value {
        let count = |endpoint: &Endpoint| {
            let path = path(*endpoint);
            (path.to_owned(), json!(self.operator.requests(*endpoint)))
        };
        let counts: Map<String, Value> = Endpoint::ALL.iter().map(count).collect();
        let recent = self.operator.recent_requests();
        let recent: Vec<Value> = recent.iter().map(told).collect();
        json!({ "counts": counts, "recent": recent })
    }
}

/// All the unknown ones are one.
fn path(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Unknown => "unknown",
        endpoint => endpoint.path(),
    }
}

fn told(request: &RequestRecord) -> Value {
    json!({
        "at_ms": request.at.as_millis(),
        "path": path(request.endpoint),
        "client": request.client.as_deref(),
        "site_id": request.site_id,
        "http_status": request.http_status,
        "status": request.status,
        "encoding": request.encoding.map(|encoding| match encoding {
            Encoding::Text => "text",
            Encoding::Binary => "binary",
        }),
        "client_version": request.client_version.as_deref(),
        "fault": request.fault.as_deref(),
    })
}

/// Exactly one of the four kinds.
fn person(body: &[u8]) -> Result<Dii, Refusal> {
    let payload: Map<String, Value> = read(body)?;
    input::dii(Some(&payload), true)
        .map_err(|_| bad("give exactly one valid email, email_hash, phone or phone_hash"))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(bad)
}

fn bad(why: impl core::fmt::Display) -> Refusal {
    (StatusCode::BAD_REQUEST, why.to_string())
}
