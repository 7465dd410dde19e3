//! Naming the records that cannot be read.

use rusqlite::{Connection, params};
use zeroize::Zeroizing;

use super::FileStore;
use super::column;
use super::error::typed;
use super::reader::StoredRow;
use crate::{Codec, StoreError, Unreadable};

/// How many records one step reads: others wait for it.
const STEP: i64 = 1000;

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
    let mut statement = connection.prepare_cached(
        "SELECT id, key, version, due, expires, value FROM records
         WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let mut rows = statement.query(params![after, STEP])?;
    let mut found = Vec::new();
    let (mut read, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        last = Some(row.get(0)?);
        read += 1;
        let stored_key = Zeroizing::new(column::bytes(row, 1)?);
        let row = StoredRow::read_from(row, 2)?;
        if let Err(error) = row.entry(codec, &stored_key) {
            found.push(Unreadable::new(&stored_key, error));
        }
    }
    Ok((found, last.filter(|_| read == STEP)))
}
