//! The threads that read, and what they read.

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use zeroize::Zeroizing;

use super::column;
use super::error::{typed, typed_for_one};
use super::queue::Queue;
use super::rows;
use crate::{Codec, Cursor, DueKey, Entry, Scanned, ScannedEntry, StoreError, Version};

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
        .map_err(typed_for_one)?;
    row.map(|row| row.entry(codec, stored_key)).transpose()
}

/// A row but for its key.
pub(super) struct StoredRow {
    version: Option<i64>,
    due: Option<i64>,
    expires: Option<i64>,
    pub(super) value: Zeroizing<Vec<u8>>,
}

impl StoredRow {
    /// From four columns, of which `version` is the first.
    pub(super) fn read_from(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            version: column::integer(row, first)?,
            due: column::integer(row, first + 1)?,
            expires: column::integer(row, first + 2)?,
            value: Zeroizing::new(column::bytes(row, first + 3)?),
        })
    }

    fn entry(&self, codec: &Codec, stored_key: &[u8]) -> Result<Entry, StoreError> {
        self.scanned(codec, stored_key).map(|scanned| scanned.entry)
    }

    /// Whether the indexes say of this record what it says itself. If not, a bit
    /// has flipped, or a later version has come to see it otherwise. Its value is
    /// what counts; it only comes up too early or too late.
    pub(super) fn is_in_place(&self, record: &Record) -> bool {
        let due = record.due().map(Timestamp::as_millis);
        let expires = record.expires().map(Timestamp::as_millis);
        (due, expires) == (self.due, self.expires)
    }

    pub(super) fn scanned(&self, codec: &Codec, stored_key: &[u8]) -> Scanned {
        let (key, record) = codec.decode_entry(stored_key, &self.value)?;
        let version = self.version.ok_or(StoreError::Damaged)?;
        Ok(ScannedEntry {
            key: Box::from(&*key),
            entry: Entry {
                record,
                version: Version::new(version.cast_unsigned()),
            },
        })
    }
}

/// Where a due scan goes on: after this time and stored key.
pub(super) type After = (Timestamp, Box<[u8]>);

pub(super) fn due(
    connection: &Connection,
    codec: &Codec,
    now: Timestamp,
    after: Option<After>,
    limit: usize,
) -> Result<Vec<DueKey>, StoreError> {
    if codec.keeps_keys() {
        due_by_index(connection, now, after.as_ref(), limit)
    } else {
        due_by_value(connection, codec, now, after, limit)
    }
}

fn due_by_index(
    connection: &Connection,
    now: Timestamp,
    after: Option<&After>,
    limit: usize,
) -> Result<Vec<DueKey>, StoreError> {
    let read = |row: &Row<'_>| {
        Ok(DueKey {
            due: due_of(row, now)?,
            key: column::bytes(row, 1)?.into(),
        })
    };
    scan_due(connection, "due, key", now, after, limit, read)
}

/// The index knows only what the keys are stored as. What they are stands in the
/// values; one that does not open is left out, for nobody could do anything
/// about it here.
fn due_by_value(
    connection: &Connection,
    codec: &Codec,
    now: Timestamp,
    mut after: Option<After>,
    limit: usize,
) -> Result<Vec<DueKey>, StoreError> {
    let read = |row: &Row<'_>| {
        let due = due_of(row, now)?;
        let stored_key: Box<[u8]> = column::bytes(row, 1)?.into();
        let value = Zeroizing::new(column::bytes(row, 2)?);
        let key = codec.decode_entry(&stored_key, &value);
        let key = key.ok().map(|(key, _)| Box::from(&*key));
        Ok((due, stored_key, key))
    };
    let mut found = Vec::new();
    loop {
        let wanted = limit - found.len();
        let page = scan_due(
            connection,
            "due, key, value",
            now,
            after.as_ref(),
            wanted,
            read,
        )?;
        let is_last = page.len() < wanted;
        for (due, stored_key, key) in page {
            found.extend(key.map(|key| DueKey { due, key }));
            after = Some((due, stored_key));
        }
        if is_last || found.len() == limit {
            return Ok(found);
        }
    }
}

/// When it is due: now, if that cannot be read, lest a scan go on from before it.
fn due_of(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<Timestamp> {
    let due = column::integer(row, 0)?;
    Ok(due.map_or(now, Timestamp::from_millis))
}

fn scan_due<T>(
    connection: &Connection,
    columns: &'static str,
    now: Timestamp,
    after: Option<&After>,
    limit: usize,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let now = now.as_millis();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let from = if after.is_some() {
        "AND (due, key) > (?3, ?4)"
    } else {
        ""
    };
    let sql =
        format!("SELECT {columns} FROM records WHERE due <= ?1 {from} ORDER BY due, key LIMIT ?2");
    let collect = |mut statement: CachedStatement<'_>| match after {
        None => statement.query_map(params![now, limit], read)?.collect(),
        Some((due, key)) => statement
            .query_map(params![now, limit, due.as_millis(), &**key], read)?
            .collect(),
    };
    connection
        .prepare_cached(&sql)
        .and_then(collect)
        .map_err(typed)
}

pub(super) fn scan(
    connection: &Connection,
    codec: &Codec,
    after: i64,
    limit: usize,
) -> Result<(Vec<Scanned>, Option<Cursor>), StoreError> {
    let page = rows::page(connection, after, limit).map_err(typed)?;
    let scanned = page.rows.iter().map(|row| row.scanned(codec)).collect();
    let next = page.next.map(|id| Cursor::new([id.cast_unsigned(), 0]));
    Ok((scanned, next))
}

pub(super) fn next_version(connection: &Connection) -> Result<u64, StoreError> {
    connection
        .query_row("SELECT next_version FROM state", [], |row| {
            row.get::<_, i64>(0)
        })
        .map(i64::cast_unsigned)
        .map_err(typed)
}
