//! Naming the records that cannot be read.

use rusqlite::Connection;

use super::FileStore;
use super::error::typed;
use super::rows;
use crate::{Codec, StoreError, Unreadable};

/// How many records one step reads: others wait for it.
const STEP: usize = 1000;

impl FileStore {
    /// The records that cannot be read: which [`verify`](Self::verify) only
    /// counts. To remove them, or to find whose they are. Other calls go on
    /// meanwhile.
    ///
    /// # Errors
    /// When the store as a whole has a problem, and [`StoreError::Corrupt`] when
    /// a page of the file is so damaged that not even the keys on it can be read.
    pub async fn unreadable(&self) -> Result<Vec<Unreadable>, StoreError> {
        let mut all = Vec::new();
        let mut after = Some(i64::MIN);
        while let Some(from) = after {
            let codec = self.0.codec.clone();
            let (found, next) = self
                .read(move |connection| step(connection, &codec, from).map_err(typed))
                .await?;
            all.extend(found);
            after = next;
        }
        Ok(all)
    }
}

fn step(
    connection: &Connection,
    codec: &Codec,
    after: i64,
) -> rusqlite::Result<(Vec<Unreadable>, Option<i64>)> {
    let page = rows::page(connection, after, STEP)?;
    let found = page.rows.iter().filter_map(|row| {
        let error = row.scanned(codec).err()?;
        Some(Unreadable::new(&row.stored_key, error))
    });
    Ok((found.collect(), page.next))
}
