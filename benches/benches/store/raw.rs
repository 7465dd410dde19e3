//! The engine alone: a table that is equal to the store's, and nothing around it.

use std::cell::Cell;
use std::path::Path;

use rusqlite::{Connection, params};
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;
use uid2_store::Codec;

const UPSERT: &str = "
    INSERT INTO records (key, version, due, expires, value) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (key) DO UPDATE SET
        version = excluded.version, due = excluded.due,
        expires = excluded.expires, value = excluded.value";

/// A row as the store would write it.
pub(crate) struct Row {
    key: Vec<u8>,
    due: Option<i64>,
    expires: Option<i64>,
    value: Vec<u8>,
}

impl Row {
    pub(crate) fn new(key: Vec<u8>, record: &Record) -> Self {
        Self {
            due: record.due().map(Timestamp::as_millis),
            expires: record.expires().map(Timestamp::as_millis),
            value: Codec::plain().encode(&key, record).unwrap().to_vec(),
            key,
        }
    }
}

pub(crate) struct Raw {
    connection: Connection,
    /// Another with every row, as in the store: what is as it was before is not
    /// written by the engine.
    version: Cell<i64>,
}

impl Raw {
    /// Opens a copy of a closed store, with the same settings and as much memory.
    pub(crate) fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        let set = |name, value: &dyn rusqlite::ToSql| {
            connection.pragma_update(None, name, value).unwrap();
        };
        set("journal_mode", &"WAL");
        set("synchronous", &"FULL");
        set("cache_size", &(-8 * 1024));
        set("secure_delete", &"FAST");
        set("cell_size_check", &1);
        let version = Cell::new(1 << 40);
        Self {
            connection,
            version,
        }
    }

    /// One commit of so many rows.
    pub(crate) fn put(&self, rows: &[Row]) {
        self.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut upsert = self.connection.prepare_cached(UPSERT).unwrap();
        for row in rows {
            let version = self.version.replace(self.version.get() + 1);
            upsert
                .execute(params![row.key, version, row.due, row.expires, row.value])
                .unwrap();
        }
        self.connection.execute_batch("COMMIT").unwrap();
    }

    /// The bytes of one record.
    pub(crate) fn get(&self, key: &[u8]) -> Vec<u8> {
        self.connection
            .prepare_cached("SELECT version, due, expires, value FROM records WHERE key = ?1")
            .unwrap()
            .query_row([key], |row| row.get(3))
            .unwrap()
    }

    /// The keys of the first that are due.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<(i64, Vec<u8>)> {
        let limit = i64::try_from(limit).unwrap();
        self.connection
            .prepare_cached(
                "SELECT due, key FROM records WHERE due <= ?1 ORDER BY due, key LIMIT ?2",
            )
            .unwrap()
            .query_map([now.as_millis(), limit], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    }
}
