//! Opt-outs are never dropped.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uid2_core::Timestamp;
use uid2_core::lifecycle::{OptOut, OptOutReason, Record};
use uid2_http::{Runtime, Transport};
use uid2_store::{Precondition, StoreError, TokenStore};

use crate::Error;
use crate::keys::DiiTag;
use crate::publisher::Inner;

/// Opt-outs that the store would not take yet. They hold from the moment they
/// are known; the refresher goes on trying to store them.
#[derive(Default)]
pub(crate) struct Unsaved {
    /// So that looking costs nothing while there are none.
    count: AtomicUsize,
    opt_outs: Mutex<BTreeMap<Box<[u8]>, OptOut>>,
}

impl Unsaved {
    pub(crate) fn get(&self, key: &[u8]) -> Option<OptOut> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.lock().get(key).copied()
    }

    fn insert(&self, key: &[u8], opt_out: OptOut) {
        let mut opt_outs = self.lock();
        opt_outs.insert(key.into(), opt_out);
        self.count.store(opt_outs.len(), Ordering::Release);
    }

    fn remove(&self, key: &[u8]) {
        let mut opt_outs = self.lock();
        opt_outs.remove(key);
        self.count.store(opt_outs.len(), Ordering::Release);
    }

    fn all(&self) -> Vec<(Box<[u8]>, OptOut)> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let opt_outs = self.lock();
        opt_outs
            .iter()
            .map(|(key, out)| (key.clone(), *out))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<[u8]>, OptOut>> {
        self.opt_outs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Transport, S: TokenStore, R: Runtime> Inner<T, S, R> {
    /// The service says that a user has opted out: in the place of whatever is
    /// stored, for the user and for the DII.
    pub(crate) async fn remember_opt_out(
        &self,
        key: &[u8],
        dii: Option<DiiTag>,
    ) -> Result<(), Error> {
        let opt_out = OptOut {
            reason: OptOutReason::Service,
            at: self.runtime.now(),
        };
        self.unsaved.insert(key, opt_out);
        if let Some(dii) = dii {
            self.unsaved.insert(&dii.store_key(), opt_out);
        }
        tracing::info!("opt-out of the service");
        let user = self.save_opt_out(key, opt_out).await;
        let dii = match dii {
            Some(dii) => self.save_opt_out(&dii.store_key(), opt_out).await,
            None => Ok(()),
        };
        user.and(dii)
    }

    /// Tries once more to store the opt-outs that the store would not take.
    pub(crate) async fn save_unsaved(&self) {
        for (key, opt_out) in self.unsaved.all() {
            if let Err(error) = self.save_opt_out(&key, opt_out).await {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "an opt-out is in force but not yet stored");
                return;
            }
        }
    }

    async fn save_opt_out(&self, key: &[u8], opt_out: OptOut) -> Result<(), Error> {
        let record = Record::OptOut(opt_out);
        self.store.put(key, &record, Precondition::Any).await?;
        self.unsaved.remove(key);
        Ok(())
    }

    /// Whether there is an opt-out under a key.
    pub(crate) async fn opt_out_of(&self, key: &[u8]) -> Result<Option<OptOut>, Error> {
        if let Some(opt_out) = self.unsaved.get(key) {
            return Ok(Some(opt_out));
        }
        Ok(match self.store.get(key).await? {
            Some(entry) => match entry.record {
                Record::OptOut(opt_out) => Some(opt_out),
                _ => None,
            },
            None => None,
        })
    }

    /// Changes the record of a key from whatever it is: reads, decides, writes,
    /// and does so again when somebody else was quicker. `decide` gives `None`
    /// for "leave it". Returns what was there before.
    pub(crate) async fn change(
        &self,
        key: &[u8],
        decide: impl Fn(Option<&Record>, Timestamp) -> Option<Change>,
    ) -> Result<Option<Record>, Error> {
        loop {
            let entry = self.store.get(key).await?;
            let record = entry.as_ref().map(|entry| &entry.record);
            let unchanged = Precondition::unchanged(entry.as_ref());
            let written = match decide(record, self.runtime.now()) {
                None => return Ok(entry.map(|entry| entry.record)),
                Some(Change::Put(next)) => self.store.put(key, &next, unchanged).await.map(drop),
                Some(Change::Remove) => self.store.remove(key, unchanged).await.map(drop),
            };
            match written {
                Ok(()) => return Ok(entry.map(|entry| entry.record)),
                // Somebody else got on, so this ends: each round means progress
                // for another writer of this one user.
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

pub(crate) enum Change {
    Put(Record),
    Remove,
}
