//! What the tests share: an operator, a clock that stands still until moved,
//! and core's operations carried to it by hand.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use uid2_core::envelope::Encoding;
use uid2_core::operation::{
    Caller, Error, Generate, GenerateOutcome, Logout, LogoutOutcome, Refresh, RefreshOutcome,
    RefusalKind, Reply, Validate, ValidateOutcome,
};
use uid2_core::{BaseUrl, Dii, Identity, Scope, Timestamp};
use uid2_emulator::{Config, Operator};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const KEY: &str = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
pub(crate) const SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";
/// Site 124: GENERATOR alone.
pub(crate) const PUBLISHER_KEY: &str = "UID2-C-L-124-H8VwqX.l2G4TCuUWYAqdqkeG/UqtFoPEoXirKn4kHWxc=";
pub(crate) const PUBLISHER_SECRET: &str = "NcMgi6Y8C80SlxvV7pYlfcvEIo+2b0508tYQ3pKK8HM=";
pub(crate) const SUFFICIENT: &str = "CPhJRpMPhJRpMABAMBFRACBoALAAAEJAAIYgAKwAQAKgArABAAqAAA";
pub(crate) const INSUFFICIENT: &str = "CPehXK9PehXK9ABAMBFRACBoADAAAEJAAIYgAKwAQAKgArABAAqAAA";

pub(crate) fn caller(key: &str, secret: &str) -> Caller {
    Caller::new(key.parse().unwrap(), secret.parse().unwrap())
}

/// An operator, the client's clock and the operator's.
pub(crate) struct World {
    pub(crate) operator: Operator,
    pub(crate) caller: Caller,
    pub(crate) client_now: Timestamp,
    pub(crate) now: Timestamp,
    rng: ChaCha20Rng,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn euid() -> Self {
        Self::with(Config {
            scope: Scope::Euid,
            ..Config::default()
        })
    }

    pub(crate) fn with(config: Config) -> Self {
        Self {
            operator: Operator::new(config),
            caller: caller(KEY, SECRET),
            client_now: NOW,
            now: NOW,
            rng: ChaCha20Rng::from_seed([7; 32]),
        }
    }

    pub(crate) fn binary(mut self) -> Self {
        self.caller = self.caller.with_encoding(Encoding::Binary);
        self
    }

    /// Both clocks go on.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
        self.client_now = self.client_now.saturating_add(time);
    }

    pub(crate) fn send(&mut self, request: Request<Bytes>) -> Response<Bytes> {
        self.operator.handle(request, self.now, &mut self.rng)
    }

    fn carry(&mut self, request: uid2_core::operation::Request) -> Response<Bytes> {
        let base = BaseUrl::parse("http://127.0.0.1").unwrap();
        let request = request.into_http(&base).unwrap().map(Bytes::from);
        self.send(request)
    }

    pub(crate) fn generate(&mut self, dii: &Dii) -> Result<Reply<GenerateOutcome>, Error> {
        self.generate_as(&Generate::new(dii))
    }

    pub(crate) fn generate_as(
        &mut self,
        generate: &Generate<'_>,
    ) -> Result<Reply<GenerateOutcome>, Error> {
        let (request, pending) = generate.prepare(&self.caller, self.client_now, &mut self.rng);
        let response = self.carry(request);
        pending.finish((&response).into(), self.client_now)
    }

    /// Generates, which must succeed.
    pub(crate) fn establish(&mut self, dii: &Dii) -> Identity {
        match self.generate(dii).unwrap().outcome {
            GenerateOutcome::Success(identity) => identity,
            other => panic!("not an identity: {other:?}"),
        }
    }

    pub(crate) fn refresh(&mut self, identity: &Identity) -> Result<RefreshOutcome, Error> {
        let (request, pending) = Refresh::new(identity).prepare(&self.caller);
        let response = self.carry(request);
        pending
            .finish((&response).into())
            .map(|reply| reply.outcome)
    }

    pub(crate) fn validate(&mut self, token: &str, dii: &Dii) -> Result<ValidateOutcome, Error> {
        let (request, pending) =
            Validate::new(token, dii).prepare(&self.caller, self.client_now, &mut self.rng);
        let response = self.carry(request);
        pending
            .finish((&response).into(), self.client_now)
            .map(|reply| reply.outcome)
    }

    pub(crate) fn logout(&mut self, dii: &Dii) -> Result<LogoutOutcome, Error> {
        let (request, pending) =
            Logout::new(dii).prepare(&self.caller, self.client_now, &mut self.rng);
        let response = self.carry(request);
        pending
            .finish((&response).into(), self.client_now)
            .map(|reply| reply.outcome)
    }
}

/// The kind of a refusal, which the result must be.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> RefusalKind {
    match result {
        Err(Error::Refused(refusal)) => refusal.kind(),
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) fn email(address: &str) -> Dii {
    Dii::email(address).unwrap()
}

pub(crate) fn phone(number: &str) -> Dii {
    Dii::phone(number).unwrap()
}

/// A POST with an API key and a body as text.
pub(crate) fn post(path: &str, key: Option<&str>, body: impl Into<Bytes>) -> Request<Bytes> {
    let mut request = Request::post(path).header("content-type", "text/plain");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    request.body(body.into()).unwrap()
}

/// Status, content type and text of a response.
pub(crate) fn seen(response: &Response<Bytes>) -> (u16, Option<&str>, &str) {
    let content_type = response.headers().get("content-type");
    (
        response.status().as_u16(),
        content_type.map(|value| value.to_str().unwrap()),
        std::str::from_utf8(response.body()).unwrap(),
    )
}

/// The JSON of an error, as the operator writes it.
pub(crate) fn error(status: &str, message: &str) -> String {
    format!(r#"{{"status":"{status}","message":"{message}"}}"#)
}

/// An error in JSON with this HTTP status.
#[track_caller]
pub(crate) fn assert_error(response: &Response<Bytes>, http: u16, status: &str, message: &str) {
    let json = error(status, message);
    let expected = (http, Some("application/json"), json.as_str());
    assert_eq!(seen(response), expected);
}

impl World {
    /// A sealed request with this JSON, answered.
    pub(crate) fn ask(&mut self, path: &str, json: &str) -> Response<Bytes> {
        self.ask_as(path, json, KEY, SECRET).0
    }

    /// As [`ask`](Self::ask), of another client; with the nonce of the request.
    pub(crate) fn ask_as(
        &mut self,
        path: &str,
        json: &str,
        key: &str,
        secret: &str,
    ) -> (Response<Bytes>, uid2_core::envelope::Nonce) {
        let sealed = uid2_core::envelope::seal_request(
            &secret.parse().unwrap(),
            json.as_bytes(),
            Encoding::Text,
            self.client_now,
            &mut self.rng,
        );
        (self.send(post(path, Some(key), sealed.body)), sealed.nonce)
    }

    /// As [`ask`](Self::ask), and the JSON of the reply, which must be sealed.
    pub(crate) fn ask_json(&mut self, path: &str, json: &str) -> serde_json::Value {
        let (response, nonce) = self.ask_as(path, json, KEY, SECRET);
        open(&response, SECRET, nonce)
    }
}

/// The JSON of a sealed reply.
#[track_caller]
pub(crate) fn open(
    response: &Response<Bytes>,
    secret: &str,
    nonce: uid2_core::envelope::Nonce,
) -> serde_json::Value {
    let body = response.body();
    assert_eq!(response.status(), 200, "{body:?}");
    assert_eq!(response.headers()["content-type"], "text/plain");
    let secret = secret.parse().unwrap();
    let opened = uid2_core::envelope::open_response(&secret, body, Encoding::Text, nonce).unwrap();
    serde_json::from_slice(opened.payload()).unwrap()
}
