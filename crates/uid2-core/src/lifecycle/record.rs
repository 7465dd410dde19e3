//! What is stored for a user.

use alloc::sync::Arc;
use core::fmt;

use crate::identity::Identity;
use crate::time::Timestamp;

/// What is stored for a user. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// The user has an identity.
    Identity(StoredIdentity),
    /// The user has opted out. Kept for good: it is why no identity is asked for.
    OptOut(OptOut),
    /// The user logged out at this time. Kept only until
    /// [`expires`](Record::expires), to outlive any answer that was still on its
    /// way: an answer to a question from before must not bring the user back.
    LoggedOut {
        /// When.
        at: Timestamp,
        /// Until when this is of use.
        until: Timestamp,
    },
}

/// An identity and what is known about refreshing it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredIdentity {
    /// The identity.
    pub identity: Arc<Identity>,
    /// How refreshing it has gone so far.
    pub refresh: RefreshState,
    /// The [keyed hash](crate::Dii::keyed_hash) of the DII it was made from, so
    /// that an opt-out at refresh can be remembered for the DII too.
    pub dii: Option<[u8; 32]>,
}

/// How refreshing an identity has gone so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RefreshState {
    /// No failure since this identity was issued.
    #[default]
    Idle,
    /// The last refreshes failed; the next is not tried from `since` to `until`.
    ///
    /// A clock that says it is before `since` was set back meanwhile, or is
    /// another machine's: then the pause says nothing, and is ignored.
    Backoff {
        /// How many failed in a row.
        failures: u32,
        /// When the last one failed.
        since: Timestamp,
        /// When to try again.
        until: Timestamp,
    },
    /// Was due, but past refreshing by the clock of who looked: no background
    /// refresher looks again. Otherwise as [`Idle`](Self::Idle).
    Dormant,
    /// The service does not take the refresh token any more. The token is served
    /// until it expires, and then the user must sign in again.
    Ended,
}

/// That a user has opted out, why and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct OptOut {
    /// From what.
    pub reason: OptOutReason,
    /// When we came to know.
    pub at: Timestamp,
}

/// From what a user has opted out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum OptOutReason {
    /// From the service as a whole: it said so at generate or at refresh.
    Service,
    /// From this publisher only: the publisher said so.
    Publisher,
}

impl Record {
    /// A fresh record of an identity.
    #[must_use]
    pub fn identity(identity: Identity, dii: Option<[u8; 32]>) -> Self {
        Self::Identity(StoredIdentity {
            identity: Arc::new(identity),
            refresh: RefreshState::Idle,
            dii,
        })
    }

    /// When a background refresher should next look at this record, if ever:
    /// what a store keeps its due index by.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Identity(stored) => stored.due(),
            Self::OptOut(_) | Self::LoggedOut { .. } => None,
        }
    }

    /// From when on this record is of no use and may be purged. `None` for
    /// opt-outs: never.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        match self {
            Self::Identity(stored) => {
                let identity = &stored.identity;
                Some(identity.refresh_expires().max(identity.identity_expires()))
            }
            Self::OptOut(_) => None,
            Self::LoggedOut { until, .. } => Some(*until),
        }
    }
}

impl StoredIdentity {
    fn due(&self) -> Option<Timestamp> {
        let due = match self.refresh {
            RefreshState::Idle => self.identity.due_from(),
            RefreshState::Backoff { until, .. } => until.max(self.identity.due_from()),
            RefreshState::Dormant | RefreshState::Ended => return None,
        };
        (due < self.identity.refresh_expires()).then_some(due)
    }
}

/// Shows the times and the state, not whose they are.
impl fmt::Debug for StoredIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredIdentity")
            .field("identity", &self.identity)
            .field("refresh", &self.refresh)
            .finish_non_exhaustive()
    }
}
