//! The store as nodes reach it: slow at times, and at times it is not known
//! whether a call had an effect. What it acknowledged is durable.

use std::time::Duration;

use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_http::Runtime;
use uid2_store::{DueKey, Entry, MemoryStore, Precondition, StoreError, TokenStore, Version};

use crate::faults::Weather;
use crate::flaw::Flaw;
use crate::ledger::Ledger;
use crate::runtime::Sim;

/// One node's way to the store. The store itself outlives every node.
#[derive(Clone, Debug)]
pub struct SimStore {
    /// What is durable.
    pub durable: MemoryStore,
    /// What it does wrong, if anything.
    pub flaw: Option<Flaw>,
    /// Time.
    pub sim: Sim,
    /// What goes wrong.
    pub weather: Weather,
    /// Who watches.
    pub ledger: Ledger,
}

impl SimStore {
    async fn there(&self) -> Result<(), StoreError> {
        self.delay().await;
        self.maybe_fail(self.weather.now().store_before)
    }

    async fn back<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.delay().await;
        self.maybe_fail(self.weather.now().store_after)?;
        result
    }

    async fn delay(&self) {
        let millis = self.sim.below(5);
        self.sim.sleep(Duration::from_millis(millis)).await;
    }

    fn maybe_fail(&self, per_mille: u64) -> Result<(), StoreError> {
        if self.sim.chance(per_mille) {
            return Err(StoreError::Unavailable("simulated".into()));
        }
        Ok(())
    }
}

impl TokenStore for SimStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.there().await?;
        let result = self.durable.get(key).await;
        let result = result.map(|entry| entry.map(|entry| Flaw::entry(self.flaw, entry)));
        self.back(result).await
    }

    async fn put(
        &self,
        key: &[u8],
        record: &Record,
        when: Precondition,
    ) -> Result<Version, StoreError> {
        self.there().await?;
        if let Record::Identity(stored) = record {
            self.ledger.stored(key, &stored.identity);
            Flaw::stores(self.flaw, &stored.identity);
        }
        let when = Flaw::precondition(self.flaw, when);
        let result = self.durable.put(key, record, when).await;
        self.back(result).await
    }

    async fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        self.there().await?;
        let result = self.durable.remove(key, when).await;
        self.back(result).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>, StoreError> {
        self.there().await?;
        let result = self.durable.due(now, after, limit).await;
        self.back(result).await
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.there().await?;
        let result = self.durable.purge(before, limit).await;
        self.back(result).await
    }
}
