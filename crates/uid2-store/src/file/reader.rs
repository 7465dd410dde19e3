//! The threads that read, and what they read.

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use uid2_core::Timestamp;
use zeroize::Zeroizing;

use super::error::typed;
use super::queue::Queue;
use crate::{Codec, DueKey, Entry, StoreError, Version};

/// What a reader's thread is asked to do.
pub(super) type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Ends when the queue has been closed and is empty.
pub(super) fn run(connection: &Connection, queue: &Arc<Queue<Job>>) {
    while let Some(job) = queue.pop() {
        job(connection);
    }
}

pub(super) fn get(
    connection: &Connection,
    codec: &Codec,
    stored_key: &[u8],
) -> Result<Option<Entry>, StoreError> {
    let row = connection
        .prepare_cached("SELECT version, due, expires, value FROM records WHERE key = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([stored_key], |row| StoredRow::read_from(row, 0))
                .optional()
        })
        .map_err(typed)?;
    row.map(|row| row.entry(codec, stored_key)).transpose()
}

/// A row but for its key.
pub(super) struct StoredRow {
    version: i64,
    due: Option<i64>,
    expires: Option<i64>,
    value: Zeroizing<Vec<u8>>,
}

impl StoredRow {
    /// From four columns, of which `version` is the first.
    pub(super) fn read_from(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            version: row.get(first)?,
            due: row.get(first + 1)?,
            expires: row.get(first + 2)?,
            value: Zeroizing::new(row.get(first + 3)?),
        })
    }

    /// The columns beside the value are not covered by its check. They say
    /// nothing that the record does not, so they are held against it.
    pub(super) fn entry(self, codec: &Codec, stored_key: &[u8]) -> Result<Entry, StoreError> {
        let record = codec.decode(stored_key, &self.value)?;
        let due = record.due().map(Timestamp::as_millis);
        let expires = record.expires().map(Timestamp::as_millis);
        if (due, expires) != (self.due, self.expires) {
            return Err(StoreError::Damaged);
        }
        Ok(Entry {
            record,
            version: Version::new(self.version.cast_unsigned()),
        })
    }
}

pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    after: Option<&(Timestamp, Box<[u8]>)>,
    limit: usize,
) -> Result<Vec<DueKey>, StoreError> {
    let now = now.as_millis();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let read = |row: &Row<'_>| {
        Ok(DueKey {
            due: Timestamp::from_millis(row.get(0)?),
            key: row.get::<_, Vec<u8>>(1)?.into(),
        })
    };
    let collect = |mut statement: CachedStatement<'_>| match after {
        None => statement.query_map(params![now, limit], read)?.collect(),
        Some((due, key)) => statement
            .query_map(params![now, limit, due.as_millis(), &**key], read)?
            .collect(),
    };
    let statement = connection.prepare_cached(match after {
        None => "SELECT due, key FROM records WHERE due <= ?1 ORDER BY due, key LIMIT ?2",
        Some(_) => {
            "SELECT due, key FROM records WHERE due <= ?1 AND (due, key) > (?3, ?4)
             ORDER BY due, key LIMIT ?2"
        }
    });
    statement.and_then(collect).map_err(typed)
}

pub(super) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    connection
        .prepare_cached("SELECT due FROM records WHERE due IS NOT NULL ORDER BY due, key LIMIT 1")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
        .map(|due| due.map(Timestamp::from_millis))
        .map_err(typed)
}

pub(super) fn next_version(connection: &Connection) -> Result<u64, StoreError> {
    connection
        .query_row("SELECT next FROM versions", [], |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
        .map_err(typed)
}
