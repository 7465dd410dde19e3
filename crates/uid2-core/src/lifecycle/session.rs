//! One user's identity without a store: a state machine around the decisions.

use super::policy::{Decision, Failure, NoToken, Policy};
use super::record::{Record, StoredIdentity};
use crate::identity::AdvertisingToken;
use crate::operation::{GenerateOutcome, RefreshOutcome};
use crate::time::Timestamp;

/// One user's identity, for who has no store: a cookie, a game server's memory,
/// another language's binding.
///
/// Drive it like this:
///
/// 1. Feed it what happens with [`handle`](Self::handle), and [`token`](Self::token)
///    when a bid request wants one.
/// 2. After each, call [`poll_refresh`](Self::poll_refresh): if it gives a
///    ticket and an identity, send a [`Refresh`](crate::operation::Refresh) for
///    it and feed the result back with that ticket.
/// 3. When there is nothing to do, rest until [`poll_timeout`](Self::poll_timeout).
///    Calling early or late is harmless.
///
/// A result whose ticket is no longer current, because the user logged out,
/// opted out or signed in again meanwhile, changes nothing. The one exception is
/// an opt-out of the service: that is never dropped.
///
/// ```
/// use uid2_core::lifecycle::{Policy, Session, SessionEvent};
/// use uid2_core::operation::GenerateOutcome;
/// # use uid2_core::{Identity, Timestamp};
/// # let identity = Identity::from_json(br#"{"advertising_token":"TOKEN","refresh_token":"r",
/// #   "refresh_from":2000,"identity_expires":3000,"refresh_expires":9000}"#)?;
///
/// let mut session = Session::new(Policy::default());
/// let sign_in = session.begin();
/// // … generate …
/// session.handle(SessionEvent::Generated(sign_in, GenerateOutcome::Success(identity)), Timestamp::from_millis(1000));
/// assert_eq!(session.token(Timestamp::from_millis(1500)).unwrap().as_str(), "TOKEN");
/// assert!(session.poll_refresh(Timestamp::from_millis(1500)).is_none());
///
/// let (ticket, due) = session.poll_refresh(Timestamp::from_millis(2000)).unwrap();
/// # let _ = due;
/// session.handle(SessionEvent::LoggedOut, Timestamp::from_millis(2100));
/// // The answer arrives too late, and the logout stays.
/// # let late = Identity::from_json(br#"{"advertising_token":"LATE","refresh_token":"r",
/// #   "refresh_from":4000,"identity_expires":5000,"refresh_expires":9000}"#)?;
/// # let late = uid2_core::operation::RefreshOutcome::Success(late);
/// session.handle(SessionEvent::Refreshed(ticket, late), Timestamp::from_millis(2200));
/// assert!(session.token(Timestamp::from_millis(2300)).is_err());
/// # Ok::<(), uid2_core::IdentityError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    policy: Policy,
    record: Option<Record>,
    /// Counts what has changed the record, so that late results are known.
    epoch: u64,
    in_flight: bool,
}

/// Stands for one question that was asked; its answer is handed back with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

/// What can happen to a [`Session`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A generate, begun with [`Session::begin`], has come to an outcome.
    Generated(Ticket, GenerateOutcome),
    /// A refresh, from [`Session::poll_refresh`], has come to an outcome.
    Refreshed(Ticket, RefreshOutcome),
    /// A refresh has failed.
    RefreshFailed {
        /// The ticket of the refresh.
        ticket: Ticket,
        /// How it failed.
        failure: Failure,
        /// A random number.
        jitter: u32,
    },
    /// The user logged out.
    LoggedOut,
    /// The user opted out of this publisher.
    OptedOut,
    /// The user takes an opt-out back, of whichever kind.
    OptedIn,
}

impl Session {
    /// A session of a user who has no identity yet.
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self::resume(policy, None)
    }

    /// A session that goes on from what was stored.
    #[must_use]
    pub const fn resume(policy: Policy, record: Option<Record>) -> Self {
        Self {
            policy,
            record,
            epoch: 0,
            in_flight: false,
        }
    }

    /// What is to be stored for this user.
    #[must_use]
    pub const fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// A ticket for a generate that begins now.
    #[must_use]
    pub const fn begin(&self) -> Ticket {
        Ticket(self.epoch)
    }

    /// The token to serve now.
    ///
    /// # Errors
    /// [`NoToken`]. When the token has expired and a refresh is due or in
    /// flight, this is [`NoToken::Unavailable`] with `now` as the time to retry.
    pub fn token(&self, now: Timestamp) -> Result<&AdvertisingToken, NoToken> {
        match self.policy.decide(self.record.as_ref(), now) {
            Decision::Serve(token) | Decision::ServeAndRefresh(token) => Ok(token),
            Decision::RefreshFirst => Err(NoToken::Unavailable { retry_at: now }),
            Decision::Refuse(reason) => Err(reason),
        }
    }

    /// If a refresh is to be made now: its ticket, and what to refresh. Gives
    /// one only once, until its result is handed to [`handle`](Self::handle).
    pub fn poll_refresh(&mut self, now: Timestamp) -> Option<(Ticket, StoredIdentity)> {
        if self.in_flight || !self.policy.wants_refresh(self.record.as_ref(), now) {
            return None;
        }
        let Some(Record::Identity(stored)) = &self.record else {
            return None;
        };
        self.in_flight = true;
        Some((Ticket(self.epoch), stored.clone()))
    }

    /// When to call [`poll_refresh`](Self::poll_refresh) next, if nothing
    /// happens before: `None` while a refresh is in flight or when there is
    /// nothing to come.
    #[must_use]
    pub fn poll_timeout(&self, now: Timestamp) -> Option<Timestamp> {
        if self.in_flight {
            return None;
        }
        if self.policy.wants_refresh(self.record.as_ref(), now) {
            return Some(now);
        }
        // What is due and yet not wanted is past refreshing.
        self.record.as_ref()?.due().filter(|due| *due > now)
    }

    /// Takes note of what happened. Returns whether it changed the record, which
    /// is when it is to be stored.
    pub fn handle(&mut self, event: SessionEvent, now: Timestamp) -> bool {
        match event {
            SessionEvent::Generated(_, GenerateOutcome::OptOut)
            | SessionEvent::Refreshed(_, RefreshOutcome::OptOut) => {
                self.replace(Some(self.policy.on_service_opt_out(now)))
            }
            SessionEvent::Generated(ticket, outcome) => {
                let record = self.policy.on_generated(outcome, None, now);
                self.answer(ticket, |_| Some(record))
            }
            SessionEvent::Refreshed(ticket, outcome) => {
                let policy = self.policy;
                self.answer(ticket, |stored| {
                    Some(policy.on_refreshed(stored?, outcome, now))
                })
            }
            SessionEvent::RefreshFailed {
                ticket,
                failure,
                jitter,
            } => {
                let policy = self.policy;
                self.answer(ticket, |stored| {
                    Some(policy.on_refresh_failed(stored?, failure, now, jitter))
                })
            }
            SessionEvent::LoggedOut => self.log_out(now),
            SessionEvent::OptedOut => self.replace(Some(self.policy.on_publisher_opt_out(now))),
            SessionEvent::OptedIn => self.opt_in(),
        }
    }

    /// An answer counts only if nothing changed since its question.
    fn answer(
        &mut self,
        ticket: Ticket,
        record: impl FnOnce(Option<&StoredIdentity>) -> Option<Record>,
    ) -> bool {
        if ticket.0 != self.epoch {
            return false;
        }
        let stored = match &self.record {
            Some(Record::Identity(stored)) => Some(stored),
            _ => None,
        };
        match record(stored) {
            Some(record) => self.replace(Some(record)),
            None => false,
        }
    }

    /// An opt-out outlives a logout.
    fn log_out(&mut self, now: Timestamp) -> bool {
        if matches!(self.record, Some(Record::OptOut(_))) {
            return false;
        }
        self.replace(Some(self.policy.on_logout(now)))
    }

    fn opt_in(&mut self) -> bool {
        if !matches!(self.record, Some(Record::OptOut(_))) {
            return false;
        }
        self.replace(None)
    }

    fn replace(&mut self, record: Option<Record>) -> bool {
        self.epoch += 1;
        self.in_flight = false;
        self.record = record;
        true
    }
}
