//! Whatever is wrong with credentials, clocks and answers: the error says so by
//! type, and what is stored is not harmed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use parking_lot::Mutex;
use uid2_core::envelope::EnvelopeError;
use uid2_core::lifecycle::{Record, RefreshState};
use uid2_core::operation::{Action, Caller, Error as CoreError, RefusalKind};
use uid2_core::{BaseUrl, Dii};
use uid2_emulator::{Config, Operator};
use uid2_http::{Client, Error as HttpError, ErrorKind, RetryPolicy};
use uid2_http::{Transport, TransportError, TransportErrorKind};
use uid2_publisher::{Error, Established, Publisher};
use uid2_sim::Sim;
use uid2_store::{Entry, MemoryStore, TokenStore};

const START: i64 = 1_700_000_000_000;
const KEY: &str = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
const SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";
/// The secret of another client.
const FOREIGN: &str = "NcMgi6Y8C80SlxvV7pYlfcvEIo+2b0508tYQ3pKK8HM=";

/// What happens to an answer on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mangle {
    Nothing,
    CutOff,
    FlipBit,
    /// The answer to the request before is given once more.
    Replay,
    Oversized,
    WebPage,
    PlainJson,
    Empty,
}

/// The operator, behind something that mangles.
#[derive(Clone)]
struct Line {
    operator: Arc<Operator>,
    sim: Sim,
    mangle: Arc<Mutex<Mangle>>,
    last: Arc<Mutex<Option<Bytes>>>,
}

impl Line {
    fn mangled(&self, response: Response<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (parts, body) = response.into_parts();
        let last = self.last.lock().replace(body.clone());
        let body = match *self.mangle.lock() {
            Mangle::Nothing => body,
            Mangle::CutOff => body.slice(..body.len() / 2 / 4 * 4),
            Mangle::FlipBit => {
                let mut altered = body.to_vec();
                let middle = altered.len() / 2;
                altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
                altered.into()
            }
            Mangle::Replay => last.unwrap(),
            // What HyperTransport does with one: its own tests pin that.
            Mangle::Oversized => return Err(TransportError::new(TransportErrorKind::TooLarge)),
            Mangle::WebPage => Bytes::from_static(b"<html>Please log in to the Wi-Fi</html>"),
            Mangle::PlainJson => Bytes::from_static(br#"{"status":"optout"}"#),
            Mangle::Empty => Bytes::new(),
        };
        Ok(Response::from_parts(parts, body))
    }
}

impl Transport for Line {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let mut rng = uid2_http::Runtime::rng(&self.sim);
        let response = self
            .operator
            .handle(request, self.sim.true_time(), &mut rng);
        self.mangled(response)
    }
}

struct World {
    sim: Sim,
    line: Line,
    store: MemoryStore,
}

impl World {
    /// In which Jane has an identity.
    fn new() -> Self {
        let sim = Sim::new(1, START);
        let line = Line {
            operator: Arc::new(Operator::new(Config::default())),
            sim: sim.clone(),
            mangle: Arc::new(Mutex::new(Mangle::Nothing)),
            last: Arc::default(),
        };
        let world = Self {
            sim,
            line,
            store: MemoryStore::new(),
        };
        let established = world.establish("jane", KEY, SECRET);
        assert!(matches!(established, Ok(Established::Token(_))));
        world
    }

    fn publisher(&self, key: &str, secret: &str) -> Publisher<Line, MemoryStore, Sim> {
        let caller = Caller::new(key.parse().unwrap(), secret.parse().unwrap());
        let base = BaseUrl::parse("http://127.0.0.1:1").unwrap();
        let client = Client::builder(caller, base)
            .retry(RetryPolicy::never())
            .build_on(self.line.clone(), self.sim.clone());
        Publisher::builder(client, self.store.clone())
            .build()
            .unwrap()
    }

    fn establish(&self, user: &str, key: &str, secret: &str) -> Result<Established, Error> {
        let (publisher, user) = (self.publisher(key, secret), user.to_owned());
        let dii = Dii::email("jane@example.com").unwrap();
        self.sim
            .block_on(async move { publisher.establish(&user, dii).await })
            .unwrap()
    }

    fn stored(&self, user: &str) -> Option<Entry> {
        let (store, key) = (self.store.clone(), format!("u{user}"));
        self.sim
            .block_on(async move { store.get(key.as_bytes()).await })
            .unwrap()
            .unwrap()
    }

    /// A sign-in fails with this error, for a user with and one without an
    /// identity, and nothing that is stored changes.
    fn refuses(&self, key: &str, secret: &str) -> Arc<HttpError> {
        let before = self.stored("jane");
        let mut errors =
            ["jane", "john"].map(
                |user| match self.establish(user, key, secret).unwrap_err() {
                    Error::Service(error) => error,
                    other => panic!("{other:?}"),
                },
            );
        assert_eq!(self.stored("jane"), before);
        assert_eq!(self.stored("john"), None);
        assert_eq!(errors[0].to_string(), errors[1].to_string());
        Arc::clone(&errors.as_mut_slice()[0])
    }
}

fn refusal(error: &HttpError) -> RefusalKind {
    error.refusal().expect("a refusal").kind()
}

fn protocol(error: &HttpError) -> CoreError {
    match error.kind() {
        ErrorKind::Operation(error) => error.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn wrong_credentials() {
    let world = World::new();
    let unknown = KEY.replace("fCXrMM", "fCXrMN");
    let error = world.refuses(&unknown, SECRET);
    assert_eq!(refusal(&error), RefusalKind::Unauthorized);
    assert_eq!(error.action(), Action::FixConfiguration);

    let error = world.refuses(KEY, FOREIGN);
    assert_eq!(refusal(&error), RefusalKind::WrongSecret);
    assert_eq!(error.action(), Action::FixConfiguration);
}

#[test]
fn a_clock_that_is_off_by_minutes() {
    for minutes in [-3, 3] {
        let world = World::new();
        world.sim.set_clock_offset(minutes * 60_000);
        let error = world.refuses(KEY, SECRET);
        assert_eq!(refusal(&error), RefusalKind::ClockDrift);
        assert_eq!(error.action(), Action::FixConfiguration);
    }
}

#[test]
fn answers_that_cannot_be_trusted() {
    let world = World::new();
    let refuses = |mangle| {
        *world.line.mangle.lock() = mangle;
        world.refuses(KEY, SECRET)
    };
    let envelope = |mangle| match protocol(&refuses(mangle)) {
        CoreError::Envelope(error) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(envelope(Mangle::CutOff), EnvelopeError::Decrypt);
    assert_eq!(envelope(Mangle::FlipBit), EnvelopeError::Decrypt);
    assert_eq!(envelope(Mangle::Replay), EnvelopeError::NonceMismatch);
    assert!(matches!(
        envelope(Mangle::Empty),
        EnvelopeError::TooShort { .. }
    ));
    assert_eq!(protocol(&refuses(Mangle::PlainJson)), CoreError::NotSealed);
    assert!(matches!(
        protocol(&refuses(Mangle::WebPage)),
        CoreError::NotAnOperator { http_status: 200 }
    ));
    let error = refuses(Mangle::Oversized);
    let transport = error.transport().expect("a transport error");
    assert_eq!(transport.kind(), TransportErrorKind::TooLarge);
}

#[test]
fn bad_answers_to_a_refresh_cost_a_pause_and_nothing_else() {
    for mangle in [
        Mangle::CutOff,
        Mangle::FlipBit,
        Mangle::Replay,
        Mangle::Oversized,
        Mangle::WebPage,
        Mangle::PlainJson,
        Mangle::Empty,
    ] {
        let world = World::new();
        world.sim.run_for(Duration::from_secs(20 * 60));
        *world.line.mangle.lock() = mangle;
        let publisher = world.publisher(KEY, SECRET);
        let failed = {
            let publisher = publisher.clone();
            world
                .sim
                .block_on(async move { publisher.refresh("jane").await })
                .unwrap()
        };
        assert!(matches!(failed, Err(Error::Service(_))), "{mangle:?}");
        let Some(Record::Identity(stored)) = world.stored("jane").map(|entry| entry.record) else {
            panic!("{mangle:?} cost the identity")
        };
        assert!(
            matches!(stored.refresh, RefreshState::Backoff { failures: 1, .. }),
            "{mangle:?}"
        );

        // And when answers are right again, so is everything.
        *world.line.mangle.lock() = Mangle::Nothing;
        world.sim.run_for(Duration::from_secs(60));
        let token = world
            .sim
            .block_on(async move { publisher.refresh("jane").await })
            .unwrap();
        assert!(token.unwrap().valid().is_some());
        let Some(Record::Identity(next)) = world.stored("jane").map(|entry| entry.record) else {
            panic!("{mangle:?} cost the identity")
        };
        assert_ne!(next.identity, stored.identity, "{mangle:?}");
    }
}
