//! Step 4 and beyond: users who log out, and users who opt out of this site.

use uid2_core::Dii;
use uid2_core::lifecycle::{OptOut, OptOutReason, Record, StoredIdentity};
use uid2_http::{Runtime, Transport};
use uid2_store::TokenStore;

use crate::keys::{DiiTag, UserKey};
use crate::optout::Change;
use crate::{Error, Publisher};

impl<T: Transport, S: TokenStore, R: Runtime> Publisher<T, S, R> {
    /// The user logs out: the identity is gone when this returns, and nothing
    /// that is in flight, here or on another machine with the same store, can
    /// bring it back. No call to the service is made.
    ///
    /// An opt-out stays: it is not the session's but the user's.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be written: then the user is
    /// *not* logged out, and this is to be tried again.
    pub async fn logout(&self, user: &str) -> Result<(), Error> {
        let key = UserKey::new::<S>(user)?;
        let policy = self.inner.policy;
        self.inner
            .change(key.as_bytes(), |record, now| match record {
                Some(Record::OptOut(_)) => None,
                _ => Some(Change::Put(policy.on_logout(now))),
            })
            .await?;
        Ok(())
    }

    /// The user opts out of this publisher: the identity is gone when this
    /// returns, and no other is asked for, neither for this user nor for the DII
    /// of the identity, until [`opt_in`](Self::opt_in).
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be written: then the user is
    /// *not* opted out, and this is to be tried again.
    pub async fn opt_out(&self, user: &str) -> Result<(), Error> {
        let key = UserKey::new::<S>(user)?;
        // The user first: that is what is served from.
        let before = self.opt_out_key(key.as_bytes()).await?;
        if let Some(Record::Identity(StoredIdentity { dii: Some(dii), .. })) = before {
            self.opt_out_key(&DiiTag(dii).store_key()).await?;
        }
        Ok(())
    }

    /// As [`opt_out`](Self::opt_out), for DII whose user need not be known:
    /// from an opt-out form, or a list.
    ///
    /// # Errors
    /// As [`opt_out`](Self::opt_out).
    pub async fn opt_out_dii(&self, dii: &Dii) -> Result<(), Error> {
        let tag = DiiTag::new(&self.inner.dii_key, dii);
        self.opt_out_key(&tag.store_key()).await?;
        Ok(())
    }

    /// Puts an opt-out of this publisher, and gives what was there before.
    async fn opt_out_key(&self, key: &[u8]) -> Result<Option<Record>, Error> {
        let policy = self.inner.policy;
        self.inner
            .change(key, |record, now| match record {
                Some(Record::OptOut(_)) => None,
                _ => Some(Change::Put(policy.on_publisher_opt_out(now))),
            })
            .await
    }

    /// The user takes an opt-out of this publisher back; establish an identity
    /// next. Gives the opt-out that remains, if the user, or the DII, has opted
    /// out of the service as a whole: that is not this publisher's to take back.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read or written.
    pub async fn opt_in(&self, user: &str, dii: &Dii) -> Result<Option<OptOut>, Error> {
        let user = UserKey::new::<S>(user)?;
        let tag = DiiTag::new(&self.inner.dii_key, dii);
        for key in [user.as_bytes(), &tag.store_key()] {
            self.inner
                .change(key, |record, _| match record {
                    Some(Record::OptOut(out)) if out.reason == OptOutReason::Publisher => {
                        Some(Change::Remove)
                    }
                    _ => None,
                })
                .await?;
        }
        match self.inner.opt_out_of(user.as_bytes()).await? {
            Some(remains) => Ok(Some(remains)),
            None => self.inner.opt_out_of(&tag.store_key()).await,
        }
    }
}
