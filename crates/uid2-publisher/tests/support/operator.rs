//! A service for the simulation: answers as the operator does, says what was
//! asked, and does what a test tells it. Tokens are serial numbers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use uid2_core::envelope::{self, Encoding};
use uid2_core::{ClientSecret, ResponseKey, Timestamp};
use uid2_http::{Runtime, Transport, TransportError, TransportErrorKind};

use uid2_sim::Sim;

pub const SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";

/// From issue to refresh-due, to expiry, and to the end of the refresh token.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    pub due: i64,
    pub identity: i64,
    pub refresh: i64,
}

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// What the documentation's sample shows.
pub const USUAL: Lifetimes = Lifetimes {
    due: 15 * MINUTE,
    identity: HOUR,
    refresh: DAY,
};

/// Shared by all publishers of a simulation.
#[derive(Clone)]
pub struct Service {
    sim: Sim,
    state: Arc<Mutex<State>>,
}

struct State {
    /// The service's clock at the beginning; it never jumps.
    clock: i64,
    serial: u64,
    lifetimes: HashMap<String, Lifetimes>,
    opted_out: HashSet<String>,
    /// Refresh token → whose it is, and until when it is good.
    refresh_tokens: HashMap<String, (String, i64)>,
    /// Advertising token → whose it is and when it expires.
    issued: HashMap<String, (String, i64)>,
    generates: u64,
    refreshes: Vec<(i64, String)>,
    in_flight: HashMap<String, u32>,
    most_in_flight: u32,
    calls: u32,
    most_calls: u32,
    /// Of a thousand calls, so many are lost on the way or come back as 503.
    faults: u64,
    down: bool,
}

impl Service {
    pub fn new(sim: &Sim, clock: i64) -> Self {
        Self {
            sim: sim.clone(),
            state: Arc::new(Mutex::new(State {
                clock,
                serial: 0,
                lifetimes: HashMap::new(),
                opted_out: HashSet::new(),
                refresh_tokens: HashMap::new(),
                issued: HashMap::new(),
                generates: 0,
                refreshes: Vec::new(),
                in_flight: HashMap::new(),
                most_in_flight: 0,
                calls: 0,
                most_calls: 0,
                faults: 0,
                down: false,
            })),
        }
    }

    /// Lifetimes for one person, named by the base64 hash of the DII.
    pub fn set_lifetimes(&self, person: &str, lifetimes: Lifetimes) {
        self.state.lock().lifetimes.insert(person.into(), lifetimes);
    }

    pub fn opt_out(&self, person: &str) {
        self.state.lock().opted_out.insert(person.into());
    }

    pub fn set_faults(&self, per_mille: u64) {
        self.state.lock().faults = per_mille;
    }

    pub fn set_down(&self, down: bool) {
        self.state.lock().down = down;
    }

    pub fn generates(&self) -> u64 {
        self.state.lock().generates
    }

    /// When refreshes were asked for, and for whom.
    pub fn refreshes(&self) -> Vec<(i64, String)> {
        self.state.lock().refreshes.clone()
    }

    /// The most refreshes that were ever in flight for one person at a time.
    pub fn most_in_flight(&self) -> u32 {
        self.state.lock().most_in_flight
    }

    /// The most calls that were ever under way at a time.
    pub fn most_calls(&self) -> u32 {
        self.state.lock().most_calls
    }

    /// Whose a token is, and when it really expires.
    pub fn issued(&self, token: &str) -> Option<(String, i64)> {
        self.state.lock().issued.get(token).cloned()
    }

    /// The service's own time.
    pub fn now(&self) -> i64 {
        self.state.lock().clock + self.sim.passed()
    }

    async fn carry(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let body = request.body().clone();
        self.count_call();
        let refreshing = self.begin_refresh(request.uri().path(), &body);
        let there = Duration::from_millis(1 + self.sim.below(200));
        self.sim.sleep(there).await;
        let answer = self.serve(request.uri().path(), &body);
        let back = Duration::from_millis(1 + self.sim.below(200));
        self.sim.sleep(back).await;
        self.state.lock().calls -= 1;
        if let Some(person) = refreshing {
            *self.state.lock().in_flight.entry(person).or_default() -= 1;
        }
        answer
    }

    fn count_call(&self) {
        let mut state = self.state.lock();
        state.calls += 1;
        state.most_calls = state.most_calls.max(state.calls);
    }

    fn begin_refresh(&self, path: &str, body: &[u8]) -> Option<String> {
        if path != "/v2/token/refresh" {
            return None;
        }
        let mut state = self.state.lock();
        let token = std::str::from_utf8(body).unwrap();
        let (person, _) = state.refresh_tokens.get(token)?.clone();
        let flying = state.in_flight.entry(person.clone()).or_default();
        *flying += 1;
        let flying = *flying;
        state.most_in_flight = state.most_in_flight.max(flying);
        Some(person)
    }

    fn serve(&self, path: &str, body: &[u8]) -> Result<http::Response<Bytes>, TransportError> {
        let luck = self.sim.below(1000);
        let (faults, down) = {
            let state = self.state.lock();
            (state.faults, state.down)
        };
        if down || luck < faults / 2 {
            return Err(TransportError::new(TransportErrorKind::Reset));
        }
        if luck < faults {
            return Ok(response(503, Vec::new()));
        }
        Ok(match path {
            "/v2/token/generate" => self.generate(body),
            "/v2/token/refresh" => self.refresh(body),
            other => panic!("no endpoint {other}"),
        })
    }

    fn generate(&self, body: &[u8]) -> http::Response<Bytes> {
        let secret = ClientSecret::parse(SECRET).unwrap();
        let request = envelope::open_request(&secret, body, Encoding::Text).unwrap();
        let now = self.now();
        if (request.timestamp().as_millis() - now).abs() >= 2 * MINUTE {
            let json = r#"{"status":"client_error","message":"Invalid timestamp: Request too old or client time drift."}"#;
            return response(400, json.into());
        }
        let json = std::str::from_utf8(request.payload()).unwrap();
        let person = json.split('"').nth(3).unwrap().to_owned();
        self.state.lock().generates += 1;
        let payload = self.answer(&person);
        let iv = self.iv();
        let at = Timestamp::from_millis(now);
        let sealed = envelope::seal_response(
            &secret,
            payload.as_bytes(),
            Encoding::Text,
            at,
            iv,
            request.nonce(),
        );
        response(200, sealed)
    }

    fn refresh(&self, body: &[u8]) -> http::Response<Bytes> {
        let token = std::str::from_utf8(body).unwrap();
        let now = self.now();
        let known = self.state.lock().refresh_tokens.get(token).cloned();
        let Some((person, good_until)) = known else {
            panic!("a refresh token that was never issued")
        };
        if good_until < now {
            let json = r#"{"status":"expired_token","message":"Expired Token presented"}"#;
            return response(400, json.into());
        }
        self.state.lock().refreshes.push((now, person.clone()));
        let payload = self.answer(&person);
        let key = ResponseKey::from_bytes([9; 32]);
        let sealed =
            envelope::seal_refresh_response(&key, payload.as_bytes(), Encoding::Text, self.iv());
        response(200, sealed)
    }

    fn answer(&self, person: &str) -> String {
        let now = self.now();
        let mut state = self.state.lock();
        if state.opted_out.contains(person) {
            return r#"{"status":"optout"}"#.into();
        }
        state.serial += 1;
        let serial = state.serial;
        let life = state.lifetimes.get(person).copied().unwrap_or(USUAL);
        let (due, expires) = (now + life.due, now + life.identity);
        let refresh_expires = now + life.refresh;
        state
            .issued
            .insert(format!("A{serial}"), (person.into(), expires));
        state
            .refresh_tokens
            .insert(format!("R{serial}"), (person.into(), refresh_expires));
        let key = ResponseKey::from_bytes([9; 32]).expose_base64();
        format!(
            r#"{{"body":{{"advertising_token":"A{serial}","refresh_token":"R{serial}",
            "identity_expires":{expires},"refresh_expires":{refresh_expires},
            "refresh_from":{due},"refresh_response_key":"{}"}},"status":"success"}}"#,
            key.as_str()
        )
    }

    fn iv(&self) -> [u8; 12] {
        let mut iv = [0; 12];
        rand_core::Rng::fill_bytes(&mut self.sim.rng(), &mut iv);
        iv
    }
}

impl Transport for Service {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        self.carry(request).await
    }
}

fn response(status: u16, body: Vec<u8>) -> http::Response<Bytes> {
    http::Response::builder()
        .status(status)
        .body(Bytes::from(body))
        .unwrap()
}
