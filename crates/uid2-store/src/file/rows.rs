//! All rows, some at a time, past what cannot be read.

use rusqlite::{Connection, OptionalExtension, Row, params};
use zeroize::Zeroizing;

use super::column;
use super::error::is_corrupt;
use super::reader::StoredRow;
use crate::{Codec, Scanned, StoreError};

pub(super) struct FullRow {
    pub(super) id: i64,
    pub(super) stored_key: Zeroizing<Vec<u8>>,
    /// `None` if it is on a page of the file that cannot be read.
    pub(super) stored: Option<StoredRow>,
}

impl FullRow {
    pub(super) fn scanned(&self, codec: &Codec) -> Scanned {
        let stored = self.stored.as_ref().ok_or(StoreError::Damaged)?;
        stored.scanned(codec, &self.stored_key)
    }
}

/// Some rows, by their ids.
pub(super) struct Page {
    pub(super) rows: Vec<FullRow>,
    /// After which id to go on, if there may be more.
    pub(super) next: Option<i64>,
}

/// As many rows as `limit` says, if there are.
pub(super) fn page(connection: &Connection, after: i64, limit: usize) -> rusqlite::Result<Page> {
    match of_table(connection, after, limit) {
        Err(error) if is_corrupt(&error) => of_keys(connection, after, limit),
        page => page,
    }
}

fn of_table(connection: &Connection, after: i64, limit: usize) -> rusqlite::Result<Page> {
    let read = |row: &Row<'_>| {
        Ok(FullRow {
            id: row.get(0)?,
            stored_key: Zeroizing::new(column::bytes(row, 1)?),
            stored: Some(StoredRow::read_from(row, 2)?),
        })
    };
    let rows: Vec<FullRow> = connection
        .prepare_cached(
            "SELECT id, key, version, due, expires, value FROM records
             WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?
        .query_map(params![after, rows(limit)], read)?
        .collect::<rusqlite::Result<_>>()?;
    let next = rows.last().map(|row| row.id);
    let next = next.filter(|_| rows.len() == limit);
    Ok(Page { rows, next })
}

/// Whose rows there are is also in the index of keys, on pages of its own. It has to
/// be gone through as a whole, which is only done where the file is damaged.
fn of_keys(connection: &Connection, after: i64, limit: usize) -> rusqlite::Result<Page> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, Zeroizing::new(column::bytes(row, 1)?)));
    let keys: Vec<(i64, _)> = connection
        .prepare_cached(
            "SELECT id, key FROM records INDEXED BY sqlite_autoindex_records_1
             WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?
        .query_map(params![after, rows(limit)], read)?
        .collect::<rusqlite::Result<_>>()?;
    let next = keys.last().map(|(id, _)| *id);
    let next = next.filter(|_| keys.len() == limit);
    let mut rows = Vec::with_capacity(keys.len());
    for (id, stored_key) in keys {
        let stored = match of_id(connection, id) {
            // Removed meanwhile, or the page says that it never was.
            Ok(None) => continue,
            Err(error) if is_corrupt(&error) => None,
            stored => stored?,
        };
        rows.push(FullRow {
            id,
            stored_key,
            stored,
        });
    }
    Ok(Page { rows, next })
}

fn of_id(connection: &Connection, id: i64) -> rusqlite::Result<Option<StoredRow>> {
    connection
        .prepare_cached("SELECT version, due, expires, value FROM records WHERE id = ?1")?
        .query_row([id], |row| StoredRow::read_from(row, 0))
        .optional()
}

fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
