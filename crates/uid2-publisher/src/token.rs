//! Step 2: a token to bid with.

use std::sync::Arc;

use uid2_core::lifecycle::{Decision, NoToken, Record};
use uid2_core::{AdvertisingToken, Eid, Identity};
use uid2_http::{Runtime, Transport};
use uid2_store::TokenStore;
use zeroize::Zeroizing;

use crate::flight::Passenger;
use crate::keys::UserKey;
use crate::publisher::Inner;
use crate::{Error, Publisher, TokenOutcome};

impl<T: Transport, S: TokenStore, R: Runtime> Publisher<T, S, R> {
    /// A token that is valid now, or the reason why there is none.
    ///
    /// While a token is merely due, it is served and refreshed meanwhile. Only
    /// when there is nothing valid to serve, but there may be, this waits for
    /// the refresh; see [`token_now`](Self::token_now) where waiting will not do.
    ///
    /// # Errors
    /// [`Error::Service`] when the refresh that was waited for failed,
    /// [`Error::Store`] when the store cannot be read.
    pub async fn token(&self, user: &str) -> Result<TokenOutcome, Error> {
        self.current(user, Patience::Waits).await.map(to_token)
    }

    /// As [`token`](Self::token), but never waits for the service: when there is
    /// nothing valid to serve, a refresh is begun and
    /// [`NoToken::Unavailable`] returned.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub async fn token_now(&self, user: &str) -> Result<TokenOutcome, Error> {
        self.current(user, Patience::None).await.map(to_token)
    }

    /// The OpenRTB `eids` entry of a token of this publisher's.
    #[must_use]
    pub fn eid(&self, token: AdvertisingToken) -> Eid {
        Eid::new(self.inner.scope, token)
    }

    /// The user's identity as the JSON of the wire, for the client-server
    /// integration: hand it to the browser of this user, and of nobody else,
    /// where an SDK takes over and refreshes by itself. `None` when there is no
    /// valid token.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn identity_json(&self, user: &str) -> Result<Option<Zeroizing<String>>, Error> {
        let current = self.current(user, Patience::Waits).await?;
        Ok(current.ok().map(|identity| identity.to_json()))
    }

    async fn current(
        &self,
        user: &str,
        patience: Patience,
    ) -> Result<Result<Arc<Identity>, NoToken>, Error> {
        let key = UserKey::new::<S>(user)?;
        let key = key.as_bytes();
        match self.look_up(key).await? {
            Step::Done(result) => Ok(result),
            Step::Wait(_) if matches!(patience, Patience::None) => {
                let retry_at = self.inner.runtime.now();
                Ok(Err(NoToken::Unavailable { retry_at }))
            }
            Step::Wait(flight) => {
                let landing = flight.landed().await;
                self.after_flight(key, landing).await
            }
        }
    }

    /// What is stored now counts; if that is still nothing, then why.
    async fn after_flight(
        &self,
        key: &[u8],
        landing: Result<(), Error>,
    ) -> Result<Result<Arc<Identity>, NoToken>, Error> {
        let now = self.inner.runtime.now();
        let unavailable = NoToken::Unavailable { retry_at: now };
        match (self.look_up(key).await?, landing) {
            (Step::Done(Err(NoToken::Unavailable { .. })) | Step::Wait(_), Err(error)) => {
                Err(error)
            }
            (Step::Done(result), _) => Ok(result),
            // A second wait in one call would make it twice as long.
            (Step::Wait(_), Ok(())) => Ok(Err(unavailable)),
        }
    }

    /// Reads, decides, and begins what is to be begun.
    async fn look_up(&self, key: &[u8]) -> Result<Step, Error> {
        if let Some(opt_out) = self.inner.unsaved.get(key) {
            return Ok(Step::Done(Err(NoToken::OptedOut(opt_out))));
        }
        let entry = self.inner.store.get(key).await?;
        let record = entry.as_ref().map(|entry| &entry.record);
        let now = self.inner.runtime.now();
        Ok(match self.inner.policy.decide(record, now) {
            Decision::Serve(_) => Step::served(record),
            Decision::ServeAndRefresh(_) => {
                drop(self.refresh_in_flight(key));
                Step::served(record)
            }
            Decision::RefreshFirst if self.inner.is_shut_down() => {
                return Err(Error::ShutDown);
            }
            Decision::RefreshFirst => Step::Wait(self.refresh_in_flight(key)),
            Decision::Refuse(reason) => Step::Done(Err(reason)),
        })
    }
}

enum Patience {
    Waits,
    None,
}

enum Step {
    Done(Result<Arc<Identity>, NoToken>),
    Wait(Passenger),
}

impl Step {
    /// The identity whose token the policy said to serve.
    fn served(record: Option<&Record>) -> Self {
        match record {
            Some(Record::Identity(stored)) => Self::Done(Ok(Arc::clone(&stored.identity))),
            _ => Self::Done(Err(NoToken::NoIdentity)),
        }
    }
}

fn to_token(current: Result<Arc<Identity>, NoToken>) -> TokenOutcome {
    match current {
        Ok(identity) => TokenOutcome::Valid(identity.advertising_token().clone()),
        Err(reason) => TokenOutcome::None(reason),
    }
}

impl<T, S, R> Inner<T, S, R> {
    /// A random number for the spread of pauses.
    pub(crate) fn jitter(&self) -> u32
    where
        R: Runtime,
    {
        use rand_core::Rng;
        self.runtime.rng().next_u32()
    }
}
