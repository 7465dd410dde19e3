//! Naming the records that cannot be read.

use super::RedisStore;
use crate::{StoreError, Unreadable};

/// How many records are asked for at a time.
const PAGE: usize = 100;

impl RedisStore {
    /// The records that cannot be read: to remove them, or to find whose they
    /// are. Other calls go on meanwhile.
    ///
    /// # Errors
    /// When the store as a whole has a problem.
    pub async fn unreadable(&self) -> Result<Vec<Unreadable>, StoreError> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let (page, next) = self.raw_page(after.as_ref(), PAGE).await?;
            for raw in page {
                let decoded = self.shared.codec.decode(&raw.stored_key, &raw.value);
                if let Err(error) = decoded {
                    all.push(Unreadable::new(&raw.stored_key, error));
                }
            }
            after = next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }
}
