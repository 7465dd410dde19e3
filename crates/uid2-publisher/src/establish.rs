//! Step 1: an identity for a user who has signed in.

use std::sync::Arc;

use tokio::sync::oneshot;
use uid2_core::Dii;
use uid2_core::lifecycle::{Record, StoredIdentity};
use uid2_core::operation::{Generate, GenerateOutcome};
use uid2_http::{Runtime, Transport};
use uid2_store::{Entry, Precondition, StoreError, TokenStore};

use crate::keys::{DiiTag, UserKey};
use crate::publisher::Inner;
use crate::{Error, Established, Publisher};

/// What to establish an identity from, beyond the DII itself.
///
/// ```
/// use uid2_publisher::{Dii, Establish};
///
/// let dii = Dii::email("user@example.com")?;
/// let request = Establish::new(dii).with_tcf_consent_string("CPhJ…");
/// # Ok::<(), uid2_publisher::core::EmailError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Establish {
    dii: Dii,
    raw: bool,
    tcf_consent_string: Option<Box<str>>,
}

impl Establish {
    /// From this DII. Its hash is sent, sealed.
    #[must_use]
    pub const fn new(dii: Dii) -> Self {
        Self {
            dii,
            raw: false,
            tcf_consent_string: None,
        }
    }

    /// Sends an e-mail address or phone number as such, not its hash.
    #[must_use]
    pub const fn sending_raw_dii(mut self) -> Self {
        self.raw = true;
        self
    }

    /// The user's TCF consent string, which EUID asks for.
    #[must_use]
    pub fn with_tcf_consent_string(mut self, tcf: impl Into<Box<str>>) -> Self {
        self.tcf_consent_string = Some(tcf.into());
        self
    }

    fn generate(&self) -> Generate<'_> {
        let mut generate = Generate::new(&self.dii);
        if self.raw {
            generate = generate.sending_raw_dii();
        }
        if let Some(tcf) = &self.tcf_consent_string {
            generate = generate.with_tcf_consent_string(tcf);
        }
        generate
    }
}

impl From<Dii> for Establish {
    fn from(dii: Dii) -> Self {
        Self::new(dii)
    }
}

impl<T: Transport, S: TokenStore, R: Runtime> Publisher<T, S, R> {
    /// The user has signed in with this DII: asks the service for an identity
    /// and stores it, or the opt-out, before this returns. Takes a [`Dii`] or an
    /// [`Establish`].
    ///
    /// Who is known to have opted out is not asked for again. Dropping the
    /// future does not undo the sign-in: what the service says is stored.
    ///
    /// # Errors
    /// [`Error::Service`] or [`Error::Store`]; what was stored before stays.
    pub async fn establish(
        &self,
        user: &str,
        request: impl Into<Establish>,
    ) -> Result<Established, Error> {
        let key = UserKey::new::<S>(user)?.to_boxed();
        let request = request.into();
        let (result, answer) = oneshot::channel();
        let inner = Arc::clone(&self.inner);
        let running = self.inner.tasks.begin();
        self.inner.runtime.spawn(async move {
            let _ = result.send(inner.establish(&key, &request).await);
            drop(running);
        });
        answer.await.unwrap_or(Err(Error::ShutDown))
    }
}

impl<T: Transport, S: TokenStore, R: Runtime> Inner<T, S, R> {
    async fn establish(&self, key: &[u8], request: &Establish) -> Result<Established, Error> {
        // What is stored *before* the service is asked: the answer is to take
        // the place of this, and of nothing that comes in between.
        let before = self.store.get(key).await?;
        let dii = DiiTag::new(&self.dii_key, &request.dii);
        if let Some(known) = self.known_opt_out(key, before.as_ref(), dii).await? {
            return Ok(known);
        }
        let _permit = self.calls.acquire().await.map_err(|_| Error::ShutDown)?;
        let reply = self.client.generate(&request.generate()).await?;
        match reply.outcome {
            GenerateOutcome::OptOut => {
                self.remember_opt_out(key, Some(dii)).await?;
                self.known_opt_out(key, None, dii)
                    .await
                    .map(|known| known.unwrap_or(Established::Superseded))
            }
            outcome => self.store_outcome(key, before, outcome, dii).await,
        }
    }

    /// Who has opted out, as a user or as DII, is not asked for again.
    async fn known_opt_out(
        &self,
        key: &[u8],
        before: Option<&Entry>,
        dii: DiiTag,
    ) -> Result<Option<Established>, Error> {
        if let Some(opt_out) = self.opt_out_of(key).await? {
            return Ok(Some(Established::OptedOut(opt_out)));
        }
        let Some(opt_out) = self.opt_out_of(&dii.store_key()).await? else {
            return Ok(None);
        };
        // The DII has opted out under another user id, or before there was one.
        let unchanged = Precondition::unchanged(before);
        match self
            .store
            .put(key, &Record::OptOut(opt_out), unchanged)
            .await
        {
            Ok(_) | Err(StoreError::Conflict) => Ok(Some(Established::OptedOut(opt_out))),
            Err(error) => Err(error.into()),
        }
    }

    async fn store_outcome(
        &self,
        key: &[u8],
        before: Option<Entry>,
        outcome: GenerateOutcome,
        dii: DiiTag,
    ) -> Result<Established, Error> {
        let now = self.runtime.now();
        let next = self.policy.on_generated(outcome, Some(dii.0), now);
        let mut current = before.clone();
        loop {
            let unchanged = Precondition::unchanged(current.as_ref());
            match self.store.put(key, &next, unchanged).await {
                Ok(_) => {
                    self.note_due(&next);
                    return Ok(established(&next));
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
            current = self.store.get(key).await?;
            if let Some(superseded) = superseded(before.as_ref(), current.as_ref(), dii) {
                return Ok(superseded);
            }
        }
    }
}

/// Something else was stored while the service was asked. A refresh of the
/// identity from before is no reason to drop the new one; that the user left is.
fn superseded(before: Option<&Entry>, current: Option<&Entry>, dii: DiiTag) -> Option<Established> {
    match current.map(|entry| &entry.record) {
        Some(Record::OptOut(opt_out)) => Some(Established::OptedOut(*opt_out)),
        Some(Record::LoggedOut { .. }) => Some(Established::Superseded),
        Some(Record::Identity(now)) => {
            let same_dii = now.dii == Some(dii.0);
            let refreshed = identity_of(before).is_some_and(|then| then.dii == now.dii);
            (!same_dii && !refreshed).then_some(Established::Superseded)
        }
        // What was there has been purged.
        None => None,
    }
}

fn identity_of(entry: Option<&Entry>) -> Option<&StoredIdentity> {
    match entry.map(|entry| &entry.record) {
        Some(Record::Identity(stored)) => Some(stored),
        _ => None,
    }
}

fn established(record: &Record) -> Established {
    match record {
        Record::Identity(stored) => Established::Token(stored.identity.advertising_token().clone()),
        Record::OptOut(opt_out) => Established::OptedOut(*opt_out),
        Record::LoggedOut { .. } => Established::NoConsent,
    }
}
