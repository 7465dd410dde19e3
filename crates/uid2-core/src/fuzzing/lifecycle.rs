//! The lifecycle: what must hold after any sequence of events and clocks.

use std::format;
use std::vec::Vec;

use core::time::Duration;

use super::Input;
use crate::lifecycle::{
    Failure, NoToken, OptOutReason, Policy, Record, Session, SessionEvent, StoredIdentity, Ticket,
};
use crate::operation::{GenerateOutcome, RefreshOutcome};
use crate::{Identity, Timestamp};

const START: i64 = 1_700_000_000_000;
const DAY: i64 = 86_400_000;

/// Plays the events that the bytes stand for against a session, and checks after
/// each: no token is served after it expired or after its user left; never two
/// refreshes at once; a failure costs no valid token and is followed by a pause;
/// an answer from before a change changes nothing, unless it is an opt-out; and
/// opt-outs stay until they are taken back.
pub fn lifecycle(data: &[u8]) {
    let mut input = Input::new(data);
    let mut play = Play::new(&mut input);
    while !input.is_empty() {
        play.step(&mut input);
        play.check();
    }
}

struct Play {
    session: Session,
    /// What the operator's clock says: it only ever goes forward.
    server: i64,
    /// By how much our clock is off.
    offset: i64,
    flight: Option<Ticket>,
    sign_in: Option<Ticket>,
    old_tickets: Vec<Ticket>,
    /// The user left, and has not signed in since.
    left: bool,
    /// The user opted out, and has neither taken that back nor signed in since.
    opted_out: bool,
}

impl Play {
    fn new(input: &mut Input<'_>) -> Self {
        let policy = Policy {
            min_remaining: Duration::from_millis(u64::from(input.byte()) * 20),
            backoff_max: Duration::from_secs(5 + u64::from(input.byte()) * 10),
            ..Policy::DEFAULT
        };
        Self {
            session: Session::new(policy),
            server: START,
            offset: 0,
            flight: None,
            sign_in: None,
            old_tickets: Vec::new(),
            left: true,
            opted_out: false,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.server + self.offset)
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let now = self.now();
        match input.byte() % 10 {
            0 => self.sign_in = Some(self.session.begin()),
            1 => self.signed_in(input, now),
            2 | 3 => self.poll(now),
            4 => self.land(input, now),
            5 => self.land_stale(input, now),
            6 => self.leave(input.byte(), now),
            7 => self.opt_in(now),
            8 => self.server += i64::from(u32::from_le_bytes(input.array()) % 5_000_000),
            _ => self.offset = i64::from(i32::from_le_bytes(input.array())) % (9 * DAY),
        }
    }

    /// As operators issue them, or with times of the fuzzer's.
    fn issued(&self, input: &mut Input<'_>) -> Identity {
        let (from, expires, refresh_expires) = if input.byte() & 1 == 0 {
            (900_000, 3_600_000, DAY)
        } else {
            let mut time = || i64::from(i32::from_le_bytes(input.array()));
            (time(), time(), time())
        };
        let server = self.server;
        let json = format!(
            r#"{{"advertising_token":"T","refresh_token":"R","refresh_from":{},
            "identity_expires":{},"refresh_expires":{}}}"#,
            server + from,
            server + expires,
            server + refresh_expires,
        );
        let Ok(identity) = Identity::from_json(json.as_bytes()) else {
            unreachable!("our own identity does not read");
        };
        identity
    }

    fn signed_in(&mut self, input: &mut Input<'_>, now: Timestamp) {
        let ticket = self.sign_in.take().unwrap_or(self.session.begin());
        let outcome = match input.byte() % 4 {
            0 => GenerateOutcome::OptOut,
            1 => GenerateOutcome::InsufficientConsent,
            _ => GenerateOutcome::Success(self.issued(input)),
        };
        let success = matches!(outcome, GenerateOutcome::Success(_));
        let opt_out = outcome == GenerateOutcome::OptOut;
        let before = self.session.record().cloned();
        let current = ticket == self.session.begin();
        let changed = self
            .session
            .handle(SessionEvent::Generated(ticket, outcome), now);
        assert_eq!(changed, current || opt_out, "an answer from before");
        if !changed {
            assert_eq!(self.session.record(), before.as_ref());
            return;
        }
        self.land_flight();
        self.left = !success;
        self.opted_out = opt_out;
    }

    /// What was in flight is stale from now on.
    fn land_flight(&mut self) {
        self.old_tickets.extend(self.flight.take());
    }

    fn poll(&mut self, now: Timestamp) {
        let timeout = self.session.poll_timeout(now);
        let before = self.session.record().cloned();
        if let Some((ticket, due)) = self.session.poll_refresh(now) {
            let identity = &due.identity;
            assert!(self.flight.is_none(), "two refreshes at once");
            assert!(!self.left, "refreshed for one who left");
            assert_eq!(timeout, Some(now), "a refresh out of turn");
            assert!(now < identity.refresh_expires());
            self.flight = Some(ticket);
        } else {
            assert!(timeout.is_none_or(|timeout| timeout > now), "a busy wait");
        }
        assert!(self.session.poll_refresh(now).is_none(), "begun twice");
        assert_eq!(self.session.record(), before.as_ref());
    }

    fn answer(&self, input: &mut Input<'_>, ticket: Ticket) -> SessionEvent {
        let failed = |failure, jitter| SessionEvent::RefreshFailed {
            ticket,
            failure,
            jitter,
        };
        match input.byte() % 6 {
            0 => failed(Failure::Ended, 0),
            1 => failed(
                Failure::Later { retry_after: None },
                u32::from_le_bytes(input.array()),
            ),
            2 => {
                let asked = Duration::from_millis(u64::from_le_bytes(input.array()));
                let retry_after = Some(asked);
                failed(Failure::Later { retry_after }, u32::MAX)
            }
            3 => SessionEvent::Refreshed(ticket, RefreshOutcome::OptOut),
            _ => {
                let next = self.issued(input);
                SessionEvent::Refreshed(ticket, RefreshOutcome::Success(next))
            }
        }
    }

    fn land(&mut self, input: &mut Input<'_>, now: Timestamp) {
        let Some(ticket) = self.flight.take() else {
            return;
        };
        self.old_tickets.push(ticket);
        let before = self.session.token(now).ok().cloned();
        let event = self.answer(input, ticket);
        let failed = matches!(event, SessionEvent::RefreshFailed { .. });
        let opt_out = is_opt_out(&event);
        assert!(self.session.handle(event, now), "an answer in time");
        self.left |= opt_out;
        self.opted_out |= opt_out;
        if failed {
            let after = self.session.token(now).ok().cloned();
            assert_eq!(before, after, "a failure cost a valid token");
            assert!(self.session.poll_refresh(now).is_none(), "no pause");
        }
    }

    fn land_stale(&mut self, input: &mut Input<'_>, now: Timestamp) {
        let Some(ticket) = self.old_tickets.last().copied() else {
            return;
        };
        let before = self.session.record().cloned();
        let event = self.answer(input, ticket);
        if is_opt_out(&event) {
            assert!(self.session.handle(event, now), "an opt-out was dropped");
            self.gone();
            self.opted_out = true;
            return;
        }
        assert!(!self.session.handle(event, now), "a stale answer counted");
        assert_eq!(before.as_ref(), self.session.record());
    }

    fn gone(&mut self) {
        self.left = true;
        self.land_flight();
    }

    fn leave(&mut self, how: u8, now: Timestamp) {
        if how & 1 == 0 {
            let changed = self.session.handle(SessionEvent::LoggedOut, now);
            assert_eq!(changed, !self.opted_out, "an opt-out outlives a logout");
        } else {
            assert!(self.session.handle(SessionEvent::OptedOut, now));
            self.opted_out = true;
        }
        self.gone();
    }

    fn opt_in(&mut self, now: Timestamp) {
        let changed = self.session.handle(SessionEvent::OptedIn, now);
        assert_eq!(changed, self.opted_out);
        self.opted_out = false;
        if changed {
            self.gone();
        }
    }

    fn check(&self) {
        let now = self.now();
        let record = self.session.record();
        let opted_out = matches!(record, Some(Record::OptOut(_)));
        assert_eq!(
            opted_out, self.opted_out,
            "an opt-out was forgotten or made up"
        );
        match self.session.token(now) {
            Ok(_) => {
                assert!(!self.left, "served after the user left");
                let Some(Record::Identity(stored)) = record else {
                    unreachable!("served out of nothing");
                };
                valid(stored, now);
            }
            Err(NoToken::OptedOut(opt_out)) => {
                assert!(self.opted_out);
                assert!(matches!(
                    opt_out.reason,
                    OptOutReason::Service | OptOutReason::Publisher
                ));
            }
            Err(_) => assert!(!self.opted_out, "an opt-out was not told"),
        }
        let timeout = self.session.poll_timeout(now);
        assert!(timeout.is_none_or(|timeout| timeout >= now));
    }
}

fn valid(stored: &StoredIdentity, now: Timestamp) {
    let expires = stored.identity.identity_expires();
    assert!(now < expires, "served after expiry");
}

const fn is_opt_out(event: &SessionEvent) -> bool {
    matches!(
        event,
        SessionEvent::Refreshed(_, RefreshOutcome::OptOut)
            | SessionEvent::Generated(_, GenerateOutcome::OptOut)
    )
}
