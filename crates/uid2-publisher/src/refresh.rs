//! Step 3: the next identity, in time.

use std::time::Duration;

use uid2_core::Timestamp;
use uid2_core::lifecycle::{Failure, Record, RefreshState, StoredIdentity};
use uid2_core::operation::{Action, RefreshOutcome};
use uid2_http::{Runtime, Transport};
use uid2_store::{Entry, Precondition, StoreError, TokenStore};

use crate::flight::{Landing, Passenger, Pilot};
use crate::keys::{DiiTag, UserKey};
use crate::publisher::Inner;
use crate::{Error, Publisher, TokenOutcome};

/// How often, and how many times, to look whether another node is done.
const LEASE_PAUSE: Duration = Duration::from_millis(200);
const LEASE_TRIES: u32 = 25;

impl<T: Transport, S: TokenStore, R: Runtime> Publisher<T, S, R> {
    /// Refreshes the user's identity if it is due, without waiting for a token
    /// to be asked for, and says what there is to serve then.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn refresh(&self, user: &str) -> Result<TokenOutcome, Error> {
        let key = UserKey::new::<S>(user)?;
        let entry = self.inner.store.get(key.as_bytes()).await?;
        let record = entry.as_ref().map(|entry| &entry.record);
        let now = self.inner.runtime.now();
        if self.inner.policy.wants_refresh(record, now) {
            self.refresh_in_flight(key.as_bytes()).landed().await?;
        }
        self.token(user).await
    }

    /// Refreshes the user's identity now, whether or not it is due, and says what
    /// there is to serve then. For the rare case that somebody asks for it: after
    /// a change of consent elsewhere, or by a button; bids want
    /// [`token`](Self::token). Joins a refresh that is in flight already.
    ///
    /// # Errors
    /// As [`token`](Self::token); a token that was valid before is still served.
    pub async fn refresh_early(&self, user: &str) -> Result<TokenOutcome, Error> {
        let key = UserKey::new::<S>(user)?;
        let flight = self.flight(key.as_bytes(), When::Now);
        flight.landed().await?;
        self.token(user).await
    }

    /// Joins the refresh of this user that is in flight, or begins one.
    pub(crate) fn refresh_in_flight(&self, key: &[u8]) -> Passenger {
        self.flight(key, When::Due)
    }

    fn flight(&self, key: &[u8], when: When) -> Passenger {
        let (passenger, pilot) = self.inner.flights.board(key);
        if let Some(pilot) = pilot {
            let publisher = self.clone();
            let running = self.inner.tasks.begin();
            // A task of its own: who asked for it may go away meanwhile.
            self.inner.runtime.spawn(async move {
                publisher.inner.fly(pilot, when).await;
                drop(running);
            });
        }
        passenger
    }
}

impl<T: Transport, S: TokenStore, R: Runtime> Inner<T, S, R> {
    async fn fly(&self, pilot: Pilot, when: When) {
        let landing = self.refresh(pilot.key(), when).await;
        if let Err(error) = &landing {
            tracing::warn!(action = ?error.action(), "refresh failed");
        }
        pilot.land(landing);
    }

    /// Refreshes what is stored under a key, if it is still due once it is its turn.
    async fn refresh(&self, key: &[u8], when: When) -> Landing {
        let Some(leases) = &self.leases else {
            let _permit = self.calls.acquire().await.map_err(|_| Error::ShutDown)?;
            return self.refresh_if_due(key, when).await;
        };
        for _ in 0..LEASE_TRIES {
            let permit = self.calls.acquire().await.map_err(|_| Error::ShutDown)?;
            if self.due_entry(key, when).await?.is_none() {
                return Ok(());
            }
            if let Some(lease) = leases.acquire(key, self.limits.lease).await? {
                // What is stored may have changed before the lease was ours.
                let landing = self.refresh_if_due(key, when).await;
                if let Err(error) = leases.release(lease).await {
                    let error: &dyn std::error::Error = &error;
                    tracing::debug!(error, "a lease was not released and ends by itself");
                }
                return landing;
            }
            // Another node is at it: its outcome will be ours.
            drop(permit);
            self.runtime.sleep(LEASE_PAUSE).await;
        }
        Ok(())
    }

    /// What is stored under a key, if a refresh of it is due.
    async fn due_entry(
        &self,
        key: &[u8],
        when: When,
    ) -> Result<Option<(Entry, StoredIdentity)>, Error> {
        let Some(entry) = self.store.get(key).await? else {
            return Ok(None);
        };
        let now = self.runtime.now();
        if let Some(dormant) = self.policy.on_past_refreshing(&entry.record, now) {
            self.replace(key, &entry, &dormant).await?;
            return Ok(None);
        }
        Ok(match &entry.record {
            Record::Identity(stored) if self.is_wanted(&entry.record, when, now) => {
                let stored = stored.clone();
                Some((entry, stored))
            }
            _ => None,
        })
    }

    fn is_wanted(&self, record: &Record, when: When, now: Timestamp) -> bool {
        match (when, record) {
            (When::Now, Record::Identity(stored)) => {
                stored.refresh != RefreshState::Ended && now < stored.identity.refresh_expires()
            }
            _ => self.policy.wants_refresh(Some(record), now),
        }
    }

    async fn refresh_if_due(&self, key: &[u8], when: When) -> Landing {
        let Some((entry, stored)) = self.due_entry(key, when).await? else {
            return Ok(());
        };
        match self.client.refresh(&stored.identity).await {
            Ok(reply) if reply.outcome == RefreshOutcome::OptOut => {
                let dii = stored.dii.map(DiiTag);
                self.remember_opt_out(key, dii).await
            }
            Ok(reply) => {
                let now = self.runtime.now();
                let next = self.policy.on_refreshed(&stored, reply.outcome, now);
                self.replace(key, &entry, &next).await
            }
            Err(error) => {
                let failure = failure_of(&error);
                let (now, jitter) = (self.runtime.now(), self.jitter());
                let next = self.policy.on_refresh_failed(&stored, failure, now, jitter);
                self.replace(key, &entry, &next).await?;
                Err(error.into())
            }
        }
    }

    /// Puts the outcome in the place of what was refreshed. If that has changed
    /// meanwhile, the user has left or signed in anew, and the outcome is dropped.
    async fn replace(&self, key: &[u8], before: &Entry, next: &Record) -> Landing {
        let unchanged = Precondition::Version(before.version);
        match self.store.put(key, next, unchanged).await {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Which identities a refresh is for.
#[derive(Clone, Copy)]
pub(crate) enum When {
    /// Those that are due.
    Due,
    /// Any that can be refreshed at all.
    Now,
}

/// What a failed call means for the identity.
fn failure_of(error: &uid2_http::Error) -> Failure {
    match error.action() {
        Action::SignInAgain => Failure::Ended,
        _ => Failure::Later {
            retry_after: error.retry_after(),
        },
    }
}
