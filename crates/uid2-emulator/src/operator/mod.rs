//! The operator itself: a function of its state, a request, a time and
//! randomness.

mod hashids;
mod journal;
pub(crate) mod keys;
mod mint;
mod opt_outs;
pub(crate) mod salts;
mod state;

use core::fmt;
use core::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use parking_lot::RwLock;
use rand_core::CryptoRng;
use uid2_core::{Dii, Timestamp};

use journal::Journal;
pub(crate) use journal::Note;
pub use journal::RequestRecord;
pub(crate) use mint::Subject;
pub(crate) use state::State;

use crate::config::{Config, Lifetimes};
use crate::endpoint::input::Person;
use crate::fault::{self, Delivery, FAULT_HEADER, Fault, FaultRule};
use crate::shell;
use crate::shell::route::{Counters, Endpoint};

/// An operator without a network, a clock or randomness of its own: a request
/// goes in, a response comes out, and all of it is repeatable.
///
/// Share it in an [`Arc`](std::sync::Arc) between threads; [`Emulator`](crate::Emulator)
/// puts a server around one.
///
/// ```
/// use bytes::Bytes;
/// use rand_core::SeedableRng;
/// use uid2_core::{Dii, Timestamp};
/// use uid2_emulator::{Config, Operator};
///
/// let operator = Operator::new(Config::default());
/// let mut rng = rand_chacha::ChaCha20Rng::from_seed([7; 32]);
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// operator.opt_out(&Dii::email("user@example.com")?, now);
///
/// let request = http::Request::post("/v2/token/generate").body(Bytes::new())?;
/// assert_eq!(operator.handle(request, now, &mut rng).status(), 401);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Operator {
    state: RwLock<State>,
    counters: Counters,
    journal: Journal,
}

impl Operator {
    /// An operator of this configuration, with nobody opted out.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            state: RwLock::new(State::new(config)),
            counters: Counters::default(),
            journal: Journal::default(),
        }
    }

    /// Answers a request, whatever it is. Only the path of its URI is looked at.
    pub fn handle<R: CryptoRng + ?Sized>(
        &self,
        request: Request<Bytes>,
        now: Timestamp,
        rng: &mut R,
    ) -> Response<Bytes> {
        // A `&mut R` is a generator of known size, which `dyn` needs.
        let mut rng = rng;
        let (state, counters, fault) = (&self.state, &self.counters, Fault::none());
        let mut note = Note::new(request.uri().path(), request.headers());
        let response = shell::handle(state, counters, request, now, &fault, &mut note, &mut rng);
        let status = Some(response.status().as_u16());
        self.journal.note(note, now, status, &fault);
        response
    }

    /// Which fault a request is to meet: the one its header asks for, or one of
    /// the configured rules. [`handle`](Self::handle) knows no faults; a server
    /// calls this, waits [as long as it says](Fault::delay), and then calls
    /// [`handle_with`](Self::handle_with).
    ///
    /// A header that cannot be read is answered with 400 and says why, for a
    /// test that asks for a fault must not go on without it.
    pub fn fault_for<B, R: CryptoRng + ?Sized>(&self, request: &Request<B>, rng: &mut R) -> Fault {
        let state = self.state.read();
        if state.config.fault_header
            && let Some(value) = request.headers().get(FAULT_HEADER)
        {
            let text = value.to_str().unwrap_or_default();
            return text.parse().unwrap_or_else(|_| Fault::misspelt());
        }
        let endpoint = Endpoint::of(request.uri().path());
        fault::draw(&state.config.faults, endpoint, rng).unwrap_or_default()
    }

    /// As [`handle`](Self::handle), with something going wrong.
    pub fn handle_with<R: CryptoRng + ?Sized>(
        &self,
        request: Request<Bytes>,
        now: Timestamp,
        fault: &Fault,
        rng: &mut R,
    ) -> Delivery {
        let mut note = Note::new(request.uri().path(), request.headers());
        let delivery = if let Some(delivery) = fault.before() {
            self.counters.count(Endpoint::of(request.uri().path()));
            delivery
        } else {
            let (state, counters, mut rng) = (&self.state, &self.counters, rng);
            let note = &mut note;
            let answer = shell::handle(state, counters, request, now, fault, note, &mut rng);
            fault.deliver(answer)
        };
        let status = delivery
            .response()
            .map(|response| response.status().as_u16());
        self.journal.note(note, now, status, fault);
        delivery
    }

    /// Replaces the faults that happen of themselves.
    pub fn set_faults(&self, faults: Vec<FaultRule>) {
        self.state.write().config.faults = faults;
    }

    /// Whether there are faults that happen of themselves.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        !self.state.read().config.faults.is_empty()
    }

    /// Opts a person out of the whole service. From then on generate and
    /// refresh say so.
    pub fn opt_out(&self, dii: &Dii, now: Timestamp) {
        let mut state = self.state.write();
        let person = state.first_level(&Person::from(dii));
        state.opt_outs.insert(person, dii.kind(), now);
    }

    /// Undoes an opt-out; says whether there was one. The people who are always
    /// opted out stay so.
    pub fn opt_in(&self, dii: &Dii) -> bool {
        let mut state = self.state.write();
        let person = state.first_level(&Person::from(dii));
        state.opt_outs.remove(&person)
    }

    /// Whether a person would be refused a new identity.
    #[must_use]
    pub fn is_opted_out(&self, dii: &Dii) -> bool {
        let state = self.state.read();
        state
            .opt_outs
            .at_generate(&state.first_level(&Person::from(dii)))
    }

    /// Gives every bucket another salt or key, so that everybody's raw UID
    /// changes; `/v3/identity/map` tells the previous one for 90 days.
    pub fn rotate_salts(&self, now: Timestamp) {
        self.state.write().salts.rotate(now);
    }

    /// Puts another key of every kind into use. Tokens under the ones before
    /// are still read.
    pub fn rotate_keys(&self, now: Timestamp) {
        self.state.write().keys.rotate(now);
    }

    /// Changes how long what is made from now on lives.
    pub fn set_lifetimes(&self, lifetimes: Lifetimes) {
        self.state.write().config.lifetimes = lifetimes;
    }

    /// How long what is made now lives.
    #[must_use]
    pub fn lifetimes(&self) -> Lifetimes {
        self.state.read().config.lifetimes
    }

    /// How many requests there were to an endpoint, whatever came of them.
    #[must_use]
    pub fn requests(&self, endpoint: Endpoint) -> u64 {
        self.counters.get(endpoint)
    }

    /// How many requests there were in all.
    #[must_use]
    pub fn total_requests(&self) -> u64 {
        Endpoint::ALL.iter().map(|e| self.counters.get(*e)).sum()
    }

    /// The response to a request whose body is larger than any may be, for a
    /// server that stops reading there. It counts as a request.
    #[must_use]
    pub fn refuse_too_long(&self, request: &Request<()>, now: Timestamp) -> Response<Bytes> {
        let note = Note::new(request.uri().path(), request.headers());
        let response = shell::too_long(&self.counters, request);
        let status = Some(response.status().as_u16());
        self.journal.note(note, now, status, &Fault::none());
        response
    }

    /// The last requests, up to [`REMEMBERED`](Self::REMEMBERED), the oldest first.
    #[must_use]
    pub fn recent_requests(&self) -> Vec<RequestRecord> {
        self.journal.records()
    }

    /// How many requests are remembered.
    pub const REMEMBERED: usize = journal::CAPACITY;

    /// Largest body of a request in bytes (protocol, section 2).
    pub const MAX_BODY: usize = shell::MAX_BODY;

    /// How old a request may be, to the millisecond; see the protocol, section 4.
    pub const MAX_REQUEST_AGE: Duration = Duration::from_secs(120);
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator")
            .field("total_requests", &self.total_requests())
            .finish_non_exhaustive()
    }
}
