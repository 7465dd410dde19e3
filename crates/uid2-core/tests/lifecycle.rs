//! The invariants of the lifecycle, under arbitrary events and clocks.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail a test"
)]

use std::time::Duration;

use proptest::prelude::*;
use uid2_core::lifecycle::{
    Decision, Failure, NoToken, OptOutReason, Policy, Record, RefreshState, Session, SessionEvent,
    StoredIdentity, Ticket,
};
use uid2_core::operation::{GenerateOutcome, RefreshOutcome};
use uid2_core::{Identity, Timestamp};

const DAY: i64 = 86_400_000;
const START: i64 = 1_700_000_000_000;

/// An identity of which only the times matter.
fn identity(from: i64, expires: i64, refresh_expires: i64) -> Identity {
    let json = format!(
        r#"{{"advertising_token":"t{from}-{expires}","refresh_token":"r","refresh_from":{from},
            "identity_expires":{expires},"refresh_expires":{refresh_expires}}}"#
    );
    Identity::from_json(json.as_bytes()).unwrap()
}

/// As the operator issues them: 15 minutes, an hour, a day.
fn issued_at(server_now: i64) -> Identity {
    identity(
        server_now + 900_000,
        server_now + 3_600_000,
        server_now + DAY,
    )
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn stored(identity: Identity) -> StoredIdentity {
    match Record::identity(identity, Some([7; 32])) {
        Record::Identity(stored) => stored,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_served_and_begun_at_each_boundary() {
    let record = Record::identity(identity(1000, 2000, 3000), None);
    let policy = Policy::DEFAULT;
    let decide = |now| policy.decide(Some(&record), at(now));
    for now in [0, 999] {
        assert!(matches!(decide(now), Decision::Serve(_)), "{now}");
    }
    for now in [1000, 1001, 1999] {
        assert!(matches!(decide(now), Decision::ServeAndRefresh(_)), "{now}");
    }
    for now in [2000, 2001, 2999] {
        assert_eq!(decide(now), Decision::RefreshFirst, "{now}");
    }
    for now in [3000, 3001, i64::MAX] {
        assert_eq!(decide(now), Decision::Refuse(NoToken::SignInAgain), "{now}");
    }
}

#[test]
fn a_minimum_of_remaining_life_is_kept() {
    let record = Record::identity(identity(1000, 2000, 3000), None);
    let policy = Policy {
        min_remaining: Duration::from_millis(100),
        ..Policy::DEFAULT
    };
    let decide = |now| policy.decide(Some(&record), at(now));
    assert!(matches!(decide(1899), Decision::ServeAndRefresh(_)));
    assert_eq!(decide(1900), Decision::RefreshFirst);
}

#[test]
fn a_refused_refresh_token_ends_the_chain_but_not_the_token() {
    let policy = Policy::DEFAULT;
    let before = stored(identity(1000, 2000, 3000));
    let after = policy.on_refresh_failed(&before, Failure::Ended, at(1500), 0);
    let decide = |now| policy.decide(Some(&after), at(now));
    assert!(matches!(decide(1999), Decision::Serve(_)));
    assert_eq!(decide(2000), Decision::Refuse(NoToken::SignInAgain));
    assert_eq!(after.due(), None);
}

#[test]
fn pauses_double_up_to_the_limit_and_heed_the_service() {
    let policy = Policy::DEFAULT;
    let mut current = stored(identity(0, DAY, 2 * DAY));
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let failure = Failure::Later { retry_after: None };
        let record = policy.on_refresh_failed(&current, failure, at(0), u32::MAX);
        let Record::Identity(next) = record else {
            panic!("lost the identity")
        };
        let RefreshState::Backoff { until, .. } = next.refresh else {
            panic!("no pause")
        };
        pauses.push(until.as_millis() / 1000);
        current = next;
    }
    assert_eq!(
        pauses,
        [5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600]
    );

    let asked = Failure::Later {
        retry_after: Some(Duration::from_secs(77)),
    };
    let record = policy.on_refresh_failed(&stored(identity(0, DAY, DAY)), asked, at(0), 0);
    assert_eq!(record.due(), Some(at(77_000)));
    let for_ever = Failure::Later {
        retry_after: Some(Duration::MAX),
    };
    let record = policy.on_refresh_failed(&stored(identity(0, DAY, DAY)), for_ever, at(0), 0);
    assert_eq!(record.due(), Some(at(600_000)));
}

#[test]
fn a_clock_set_back_does_not_prolong_a_pause() {
    let policy = Policy::DEFAULT;
    let failure = Failure::Later { retry_after: None };
    // The identity was due when the clock was ahead.
    let before = stored(identity(START - DAY, START - 1, START + 9 * DAY));
    for ahead in [1000, 20 * 60_000, 3 * DAY] {
        let record = policy.on_refresh_failed(&before, failure, at(START + ahead), 0);
        for now in [START, START + ahead - 1] {
            assert_eq!(
                policy.decide(Some(&record), at(now)),
                Decision::RefreshFirst
            );
        }
        assert!(matches!(
            policy.decide(Some(&record), at(START + ahead)),
            Decision::Refuse(NoToken::Unavailable { .. })
        ));
    }
}

#[test]
fn a_clock_that_is_days_ahead_harms_nothing() {
    let mut session = Session::new(Policy::DEFAULT);
    let ticket = session.begin();
    let event = SessionEvent::Generated(ticket, GenerateOutcome::Success(issued_at(START)));
    session.handle(event, at(START));
    let before = session.record().cloned();

    let ahead = at(START + 9 * DAY);
    assert_eq!(session.token(ahead), Err(NoToken::SignInAgain));
    assert!(session.poll_refresh(ahead).is_none());

    assert_eq!(session.record(), before.as_ref());
    assert!(session.token(at(START + 1)).is_ok());
}

#[test]
fn what_is_past_refreshing_is_looked_at_once_and_not_lost() {
    let policy = Policy::DEFAULT;
    let record = Record::identity(issued_at(START), Some([7; 32]));
    let ahead = at(START + DAY);
    assert_eq!(
        policy.on_past_refreshing(&record, at(START + DAY - 1)),
        None
    );
    let dormant = policy.on_past_refreshing(&record, ahead).unwrap();
    assert_eq!(dormant.due(), None);
    assert_eq!(policy.on_past_refreshing(&dormant, ahead), None);
    // The clock was wrong: the identity is as good as before.
    let due = at(START + 900_000);
    assert!(matches!(
        policy.decide(Some(&dormant), due),
        Decision::ServeAndRefresh(_)
    ));
}

#[test]
fn an_expired_identity_that_can_be_refreshed_is_refreshed() {
    let record = Record::identity(issued_at(START), None);
    let mut session = Session::resume(Policy::DEFAULT, Some(record));
    let later = at(START + 2 * 3_600_000);
    assert!(session.token(later).is_err());
    let (ticket, due) = session.poll_refresh(later).unwrap();
    assert_eq!(due.identity.refresh_token().expose(), "r");
    let next = issued_at(later.as_millis());
    session.handle(
        SessionEvent::Refreshed(ticket, RefreshOutcome::Success(next)),
        later,
    );
    assert!(session.token(later).is_ok());
}

#[test]
fn an_opt_out_is_never_dropped_however_late_it_comes() {
    let mut session = Session::new(Policy::DEFAULT);
    let ticket = session.begin();
    session.handle(SessionEvent::LoggedOut, at(START));
    assert!(session.handle(
        SessionEvent::Generated(ticket, GenerateOutcome::OptOut),
        at(START + 1)
    ));
    let Err(NoToken::OptedOut(opt_out)) = session.token(at(START + 2)) else {
        panic!("forgot the opt-out")
    };
    assert_eq!(opt_out.reason, OptOutReason::Service);
    // And it outlives a logout.
    session.handle(SessionEvent::LoggedOut, at(START + 3));
    assert!(matches!(
        session.token(at(START + 4)),
        Err(NoToken::OptedOut(_))
    ));
}

/// How often an hour refreshes are tried if each one ends like this.
fn attempts_in_an_hour(mut answer: impl FnMut(Ticket, Timestamp) -> SessionEvent) -> usize {
    let due = Record::identity(identity(START, START + DAY, START + DAY), None);
    let mut session = Session::resume(Policy::DEFAULT, Some(due));
    let mut now = at(START);
    let mut attempts = 0;
    while now < at(START + 3_600_000) {
        let Some(next) = session.poll_timeout(now) else {
            break;
        };
        now = next;
        if let Some((ticket, _)) = session.poll_refresh(now) {
            attempts += 1;
            session.handle(answer(ticket, now), now);
        }
        assert!(attempts < 10_000, "a storm");
    }
    attempts
}

#[test]
fn neither_failures_nor_stale_successes_make_a_storm() {
    let failing = attempts_in_an_hour(|ticket, _| SessionEvent::RefreshFailed {
        ticket,
        failure: Failure::Later { retry_after: None },
        jitter: 0,
    });
    assert!((10..=30).contains(&failing), "{failing}");
    // The operator's clock is three hours behind ours: all it gives is stale.
    let stale = attempts_in_an_hour(|ticket, now| {
        let issued = issued_at(now.as_millis() - 3 * 3_600_000);
        SessionEvent::Refreshed(ticket, RefreshOutcome::Success(issued))
    });
    assert!((5..=30).contains(&stale), "{stale}");
    // Or nearly a quarter of an hour: each is fresh, for seconds.
    let nearly_stale = attempts_in_an_hour(|ticket, now| {
        let issued = issued_at(now.as_millis() - 892_000);
        SessionEvent::Refreshed(ticket, RefreshOutcome::Success(issued))
    });
    assert!((5..=30).contains(&nearly_stale), "{nearly_stale}");
}

/// What may happen, in terms that shrink well.
#[derive(Clone, Debug)]
enum Happening {
    SignIn { answer: u8 },
    Poll,
    Answer { answer: u8, jitter: u32 },
    StaleAnswer { answer: u8 },
    LogOut,
    OptOut,
    OptIn,
    Wait { millis: i64 },
    ClockJump { millis: i64 },
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (0..4_u8).prop_map(|answer| Happening::SignIn { answer }),
        4 => Just(Happening::Poll),
        4 => (0..5_u8, any::<u32>()).prop_map(|(answer, jitter)| Happening::Answer { answer, jitter }),
        1 => (0..5_u8).prop_map(|answer| Happening::StaleAnswer { answer }),
        1 => Just(Happening::LogOut),
        1 => Just(Happening::OptOut),
        1 => Just(Happening::OptIn),
        4 => (0..5_000_000_i64).prop_map(|millis| Happening::Wait { millis }),
        1 => (-9 * DAY..9 * DAY).prop_map(|millis| Happening::ClockJump { millis }),
    ]
}

/// Plays happenings against a session, and knows what must never be.
struct Play {
    session: Session,
    /// What the operator's clock says: it only ever goes forward.
    server: i64,
    /// By how much our clock is off.
    offset: i64,
    flight: Option<Ticket>,
    old_tickets: Vec<Ticket>,
    /// The user left, and has not signed in since.
    left: bool,
}

impl Play {
    fn new() -> Self {
        Self {
            session: Session::new(Policy::DEFAULT),
            server: START,
            offset: 0,
            flight: None,
            old_tickets: Vec::new(),
            left: true,
        }
    }

    fn now(&self) -> Timestamp {
        at(self.server + self.offset)
    }

    fn answer(&self, ticket: Ticket, answer: u8, jitter: u32) -> SessionEvent {
        let failed = |failure| SessionEvent::RefreshFailed {
            ticket,
            failure,
            jitter,
        };
        match answer {
            0 => failed(Failure::Ended),
            1 => failed(Failure::Later { retry_after: None }),
            2 => SessionEvent::Refreshed(ticket, RefreshOutcome::OptOut),
            _ => {
                let next = issued_at(self.server);
                SessionEvent::Refreshed(ticket, RefreshOutcome::Success(next))
            }
        }
    }

    fn play(&mut self, happening: &Happening) -> Result<(), TestCaseError> {
        let now = self.now();
        match *happening {
            Happening::SignIn { answer } => self.sign_in(answer, now),
            Happening::Poll => self.poll(now)?,
            Happening::Answer { answer, jitter } => self.land(answer, jitter, now)?,
            Happening::StaleAnswer { answer } => self.land_stale(answer, now)?,
            Happening::LogOut => self.leave(SessionEvent::LoggedOut, now),
            Happening::OptOut => self.leave(SessionEvent::OptedOut, now),
            Happening::OptIn => {
                self.session.handle(SessionEvent::OptedIn, now);
            }
            Happening::Wait { millis } => self.server += millis,
            Happening::ClockJump { millis } => self.offset = millis,
        }
        self.check()
    }

    fn sign_in(&mut self, answer: u8, now: Timestamp) {
        let ticket = self.session.begin();
        let outcome = match answer {
            0 => GenerateOutcome::OptOut,
            1 => GenerateOutcome::InsufficientConsent,
            _ => GenerateOutcome::Success(issued_at(self.server)),
        };
        self.left = !matches!(outcome, GenerateOutcome::Success(_));
        self.land_flight();
        self.session
            .handle(SessionEvent::Generated(ticket, outcome), now);
    }

    /// What was in flight is stale from now on.
    fn land_flight(&mut self) {
        self.old_tickets.extend(self.flight.take());
    }

    fn poll(&mut self, now: Timestamp) -> Result<(), TestCaseError> {
        if let Some((ticket, due)) = self.session.poll_refresh(now) {
            prop_assert!(self.flight.is_none(), "two refreshes in flight");
            prop_assert!(now < due.identity.refresh_expires());
            prop_assert!(
                now >= due
                    .identity
                    .refresh_from()
                    .min(due.identity.identity_expires())
            );
            self.flight = Some(ticket);
        }
        prop_assert!(self.session.poll_refresh(now).is_none(), "begun twice");
        Ok(())
    }

    fn land(&mut self, answer: u8, jitter: u32, now: Timestamp) -> Result<(), TestCaseError> {
        let Some(ticket) = self.flight.take() else {
            return Ok(());
        };
        self.old_tickets.push(ticket);
        let before = self.session.token(now).ok().cloned();
        let event = self.answer(ticket, answer, jitter);
        let failed = matches!(event, SessionEvent::RefreshFailed { .. });
        self.left |= matches!(event, SessionEvent::Refreshed(_, RefreshOutcome::OptOut));
        self.session.handle(event, now);
        if failed {
            let after = self.session.token(now).ok().cloned();
            prop_assert_eq!(before, after, "a failure cost a valid token");
            prop_assert!(
                self.session.poll_refresh(now).is_none(),
                "no pause after it"
            );
        }
        Ok(())
    }

    fn land_stale(&mut self, answer: u8, now: Timestamp) -> Result<(), TestCaseError> {
        let Some(ticket) = self.old_tickets.last().copied() else {
            return Ok(());
        };
        let before = self.session.record().cloned();
        let event = self.answer(ticket, answer, 0);
        if matches!(event, SessionEvent::Refreshed(_, RefreshOutcome::OptOut)) {
            self.left = true;
            self.land_flight();
            self.session.handle(event, now);
            return Ok(());
        }
        prop_assert!(!self.session.handle(event, now));
        prop_assert_eq!(before.as_ref(), self.session.record());
        Ok(())
    }

    fn leave(&mut self, event: SessionEvent, now: Timestamp) {
        self.left = true;
        if self.session.handle(event, now) {
            self.land_flight();
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let now = self.now();
        let record = self.session.record();
        if self.session.token(now).is_ok() {
            prop_assert!(!self.left, "served after the user left");
            let Some(Record::Identity(stored)) = record else {
                return Err(TestCaseError::fail("served out of nothing"));
            };
            prop_assert!(
                now < stored.identity.identity_expires(),
                "served after expiry"
            );
        }
        if let Some(timeout) = self.session.poll_timeout(now) {
            prop_assert!(timeout >= now);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_invariants_hold_whatever_happens(
        happenings in prop::collection::vec(happening(), 1..60)
    ) {
        let mut play = Play::new();
        for happening in happenings {
            play.play(&happening)?;
        }
    }

    #[test]
    fn a_poll_at_the_timeout_has_something_to_do(
        from in 0..100_000_i64, life in 1..100_000_i64, rest in 1..100_000_i64,
        now in 0..200_000_i64, failures in 0..20_u32
    ) {
        let mut stored = stored(identity(from, from + life, from + life + rest));
        let policy = Policy::DEFAULT;
        for _ in 0..failures {
            let failure = Failure::Later { retry_after: None };
            match policy.on_refresh_failed(&stored, failure, at(now), 0) {
                Record::Identity(next) => stored = next,
                other => prop_assert!(false, "{:?}", other),
            }
        }
        let mut session = Session::resume(policy, Some(Record::Identity(stored)));
        if let Some(timeout) = session.poll_timeout(at(now)) {
            prop_assert!(session.poll_refresh(timeout).is_some());
        }
    }
}
