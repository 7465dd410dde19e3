//! The decision table.

use core::time::Duration;

use super::record::{OptOut, OptOutReason, Record, RefreshState, StoredIdentity};
use crate::identity::{AdvertisingToken, Identity, IdentityState};
use crate::operation::{Action, Error, GenerateOutcome, RefreshOutcome};
use crate::time::Timestamp;

/// For how many failures an identity counts that is stale as it arrives.
const DOUBT: u32 = 4;

/// The decisions about an identity, and the few numbers they depend on.
///
/// ```
/// use uid2_core::lifecycle::{Decision, NoToken, Policy};
/// use uid2_core::Timestamp;
///
/// let policy = Policy::default();
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// assert_eq!(policy.decide(None, now), Decision::Refuse(NoToken::NoIdentity));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// A token is served only while at least this much of its life remains.
    /// Zero unless told otherwise.
    pub min_remaining: Duration,
    /// The pause after the first failed refresh; it doubles with each further
    /// one. Five seconds unless told otherwise.
    pub backoff_first: Duration,
    /// The longest pause between two refreshes, whatever the service asks for.
    /// Ten minutes unless told otherwise.
    pub backoff_max: Duration,
    /// How long it is remembered that a user logged out. It must be longer than
    /// any call can take. An hour unless told otherwise.
    pub logout_memory: Duration,
}

impl Policy {
    /// What is right for most.
    pub const DEFAULT: Self = Self {
        min_remaining: Duration::ZERO,
        backoff_first: Duration::from_secs(5),
        backoff_max: Duration::from_secs(600),
        logout_memory: Duration::from_secs(3600),
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What to do when a token is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Serve this token; there is nothing else to do.
    Serve(&'a AdvertisingToken),
    /// Serve this token, and refresh it meanwhile.
    ServeAndRefresh(&'a AdvertisingToken),
    /// There is nothing valid to serve: refresh, then decide again.
    RefreshFirst,
    /// There is no token.
    Refuse(NoToken),
}

/// Why there is no token to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoToken {
    /// The user has not signed in, or has logged out.
    #[error("the user has no identity: establish one when the user signs in")]
    NoIdentity,
    /// The user has opted out: do not ask again.
    #[error("the user has opted out")]
    OptedOut(OptOut),
    /// The identity cannot be refreshed any more.
    #[error("the identity is at its end: the user must sign in again")]
    SignInAgain,
    /// The token has expired and refreshing it has failed; it will be tried again.
    #[error("the token has expired and could not be refreshed; next attempt at {retry_at}")]
    Unavailable {
        /// When it will be tried again.
        retry_at: Timestamp,
    },
}

/// Why a refresh did not come to an outcome, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It may work later.
    Later {
        /// What the service asked to wait, if it did.
        retry_after: Option<Duration>,
    },
    /// The refresh token is not taken any more.
    Ended,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        match error.action() {
            Action::SignInAgain => Self::Ended,
            // Even a wrong configuration is mended at some time, and the
            // refresh token is still good then.
            _ => Self::Later { retry_after: None },
        }
    }
}

impl Policy {
    /// What to do when a token is wanted, or when a record has come due.
    #[must_use]
    pub fn decide<'a>(&self, record: Option<&'a Record>, now: Timestamp) -> Decision<'a> {
        match record {
            None | Some(Record::LoggedOut { .. }) => Decision::Refuse(NoToken::NoIdentity),
            Some(Record::OptOut(opt_out)) => Decision::Refuse(NoToken::OptedOut(*opt_out)),
            Some(Record::Identity(stored)) => self.decide_identity(stored, now),
        }
    }

    fn decide_identity<'a>(&self, stored: &'a StoredIdentity, now: Timestamp) -> Decision<'a> {
        let identity = &*stored.identity;
        let token = identity.advertising_token();
        let blocked = Self::blocked_until(stored, now);
        match identity.state(now) {
            _ if self.is_serveable(identity, now) => match (identity.state(now), blocked) {
                (IdentityState::Fresh, _) | (_, Some(_)) => Decision::Serve(token),
                _ => Decision::ServeAndRefresh(token),
            },
            _ if now >= identity.refresh_expires() => Decision::Refuse(NoToken::SignInAgain),
            _ => match blocked {
                None => Decision::RefreshFirst,
                Some(Timestamp::MAX) => Decision::Refuse(NoToken::SignInAgain),
                Some(retry_at) => Decision::Refuse(NoToken::Unavailable { retry_at }),
            },
        }
    }

    fn is_serveable(&self, identity: &Identity, now: Timestamp) -> bool {
        now.saturating_add(self.min_remaining) < identity.identity_expires()
    }

    /// Until when no refresh is to be tried: `None` if it may be now,
    /// [`Timestamp::MAX`] if never.
    fn blocked_until(stored: &StoredIdentity, now: Timestamp) -> Option<Timestamp> {
        if now >= stored.identity.refresh_expires() {
            return Some(Timestamp::MAX);
        }
        match stored.refresh {
            RefreshState::Idle | RefreshState::Dormant => None,
            RefreshState::Ended => Some(Timestamp::MAX),
            RefreshState::Backoff { since, until, .. } => {
                (since <= now && now < until).then_some(until)
            }
        }
    }

    /// Whether a refresh should be started for this record now: what a
    /// background refresher asks of a record that has come due.
    #[must_use]
    pub fn wants_refresh(&self, record: Option<&Record>, now: Timestamp) -> bool {
        matches!(
            self.decide(record, now),
            Decision::ServeAndRefresh(_) | Decision::RefreshFirst
        )
    }

    /// What to store when a generate has come to this outcome; `dii` is the
    /// keyed hash of what it was for.
    ///
    /// Without consent there is no identity, and one from before must not be
    /// used either: it is as if the user had logged out.
    #[must_use]
    pub fn on_generated(
        &self,
        outcome: GenerateOutcome,
        dii: Option<[u8; 32]>,
        now: Timestamp,
    ) -> Record {
        match outcome {
            GenerateOutcome::Success(identity) => {
                self.with_doubt(Record::identity(identity, dii), 0, now)
            }
            GenerateOutcome::OptOut => self.on_service_opt_out(now),
            GenerateOutcome::InsufficientConsent => self.on_logout(now),
        }
    }

    /// What to store when a refresh of `before` has come to this outcome.
    #[must_use]
    pub fn on_refreshed(
        &self,
        before: &StoredIdentity,
        outcome: RefreshOutcome,
        now: Timestamp,
    ) -> Record {
        match outcome {
            RefreshOutcome::Success(identity) => {
                let failures = failures(before);
                self.with_doubt(Record::identity(identity, before.dii), failures, now)
            }
            RefreshOutcome::OptOut => self.on_service_opt_out(now),
        }
    }

    /// What to store when a refresh of `before` has failed. `jitter` is a random
    /// number that spreads the attempts of many users.
    #[must_use]
    pub fn on_refresh_failed(
        &self,
        before: &StoredIdentity,
        failure: Failure,
        now: Timestamp,
        jitter: u32,
    ) -> Record {
        let refresh = match failure {
            Failure::Ended => RefreshState::Ended,
            Failure::Later { retry_after } => {
                let pause = self.pause(failures(before), jitter);
                let asked = retry_after.unwrap_or_default().min(self.backoff_max);
                RefreshState::Backoff {
                    failures: failures(before).saturating_add(1),
                    since: now,
                    until: now.saturating_add(pause.max(asked)),
                }
            }
        };
        Record::Identity(StoredIdentity {
            refresh,
            ..before.clone()
        })
    }

    /// What to store when a record has come due and yet is past refreshing by
    /// this clock, so that a background refresher does not look at it again and
    /// again. `None` if it is not such a record.
    ///
    /// Nothing is lost: should the clock have been wrong, the identity is
    /// refreshed when it is next asked for.
    #[must_use]
    pub fn on_past_refreshing(&self, before: &Record, now: Timestamp) -> Option<Record> {
        match before {
            Record::Identity(stored)
                if now >= stored.identity.refresh_expires() && before.due().is_some() =>
            {
                Some(Record::Identity(StoredIdentity {
                    refresh: RefreshState::Dormant,
                    ..stored.clone()
                }))
            }
            _ => None,
        }
    }

    /// What to store when a user logs out.
    #[must_use]
    pub const fn on_logout(&self, now: Timestamp) -> Record {
        Record::LoggedOut {
            at: now,
            until: now.saturating_add(self.logout_memory),
        }
    }

    /// What to store when the service says that a user has opted out. It takes
    /// the place of whatever is stored: an opt-out is never dropped.
    #[must_use]
    pub const fn on_service_opt_out(&self, now: Timestamp) -> Record {
        opt_out(OptOutReason::Service, now)
    }

    /// What to store when a user opts out of this publisher.
    #[must_use]
    pub const fn on_publisher_opt_out(&self, now: Timestamp) -> Record {
        opt_out(OptOutReason::Publisher, now)
    }

    /// An identity that is stale as it arrives, or as good as, means that one of
    /// the clocks is off. To refresh it at once would bring another such, and so
    /// on for ever: it waits, longer each time, and from the first for longer
    /// than after a failure, for a clock is not set right within seconds.
    fn with_doubt(&self, record: Record, failures: u32, now: Timestamp) -> Record {
        match record {
            Record::Identity(mut stored) if is_doubtful(&stored.identity, now) => {
                let pause = self.pause(failures.max(DOUBT), u32::MAX);
                // Where lifetimes are of seconds, so are pauses.
                let bound = overlap(&stored.identity) / 2;
                let until = now.saturating_add(pause.min(bound.max(self.backoff_first)));
                stored.refresh = RefreshState::Backoff {
                    failures: failures.saturating_add(1),
                    since: now,
                    until: until.max(stored.identity.due_from()),
                };
                Record::Identity(stored)
            }
            record => record,
        }
    }

    /// The pause after so many failures: doubling, of which half is random.
    fn pause(&self, failures: u32, jitter: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        let full = self
            .backoff_first
            .saturating_mul(doubled)
            .min(self.backoff_max);
        let half = full / 2;
        half + half.mul_f64(f64::from(jitter) / f64::from(u32::MAX))
    }
}

/// Fresh for less than a small part of the time it can be refreshed in.
fn is_doubtful(identity: &Identity, now: Timestamp) -> bool {
    let fresh_for = identity.due_from().saturating_since(now);
    identity.state(now) != IdentityState::Fresh || fresh_for < overlap(identity) / 16
}

/// For how long the token is valid though due.
fn overlap(identity: &Identity) -> Duration {
    identity
        .identity_expires()
        .saturating_since(identity.refresh_from())
}

const fn opt_out(reason: OptOutReason, at: Timestamp) -> Record {
    Record::OptOut(OptOut { reason, at })
}

const fn failures(stored: &StoredIdentity) -> u32 {
    match stored.refresh {
        RefreshState::Backoff { failures, .. } => failures,
        RefreshState::Idle | RefreshState::Dormant | RefreshState::Ended => 0,
    }
}
