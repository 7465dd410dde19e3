//! The one thread that writes: whatever has come in while it was committing goes
//! into its next commit.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use uid2_core::Timestamp;
use zeroize::Zeroizing;

use super::cache::Cache;
use super::error::Failure;
use super::lock::Lock;
use super::queue::Queue;
use super::reader::StoredRow;
use crate::{Codec, Entry, Precondition, StoreError, Version};

/// Versions are given out in memory. The file only says how far they may have
/// got, and that is written once in so many.
const VERSION_BLOCK: u64 = 1 << 20;
/// How long a commit waits at most for others to join it.
const LONGEST_PATIENCE: Duration = Duration::from_millis(1);

pub(super) enum Command {
    Write(Write),
    /// Something that has the file to itself, between two commits.
    Alone(Box<dyn FnOnce(&mut Connection) + Send>),
    /// The last of all: answered when the file is closed.
    Close(oneshot::Sender<()>),
}

pub(super) struct Write {
    pub(super) operation: Operation,
    pub(super) reply: oneshot::Sender<Result<Done, StoreError>>,
}

pub(super) enum Operation {
    Put {
        key: Box<[u8]>,
        stored_key: Box<[u8]>,
        entry: Entry,
        value: Zeroizing<Vec<u8>>,
        when: Precondition,
    },
    Remove {
        key: Box<[u8]>,
        stored_key: Box<[u8]>,
        when: Precondition,
    },
    Purge {
        before: Timestamp,
        after: Option<Expiring>,
        limit: usize,
    },
    /// Writes the values anew that are sealed with a former key.
    Reseal { after: i64, limit: usize },
}

/// A place in the order in which records expire.
pub(super) struct Expiring {
    expires: i64,
    stored_key: Box<[u8]>,
}

pub(super) enum Done {
    Put(Version),
    Removed(bool),
    Purged {
        removed: usize,
        /// Where to go on, if there may be more.
        next: Option<Expiring>,
    },
    Resealed {
        resealed: usize,
        failed: usize,
        /// Where to go on, if there may be more.
        next: Option<i64>,
    },
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) queue: Arc<Queue<Command>>,
    pub(super) cache: Arc<Cache>,
    pub(super) codec: Codec,
    /// The file says that versions below this may have been given out.
    pub(super) versions_until: u64,
    pub(super) commits: Arc<AtomicU64>,
    pub(super) readers: Vec<JoinHandle<()>>,
    pub(super) lock: Lock,
}

/// What a commit makes of a key: its entry, or that there is none.
type Effect = (Box<[u8]>, Option<Entry>);

/// An operation that is done as soon as the commit is.
struct Applied {
    reply: oneshot::Sender<Result<Done, StoreError>>,
    done: Result<Done, StoreError>,
    effects: Vec<Effect>,
}

/// What the last commit was like.
///
/// Whoever was answered by it is likely to write again, and those who are first
/// to do so would have a commit for themselves, and the others wait for it. So
/// the next commit waits a little for as many as were answered, besides those
/// who had come in meanwhile. A single writer is never waited for, and in the
/// worst case, when writers have left, one commit begins late by a part of the
/// time that it takes.
#[derive(Default)]
struct Last {
    /// How many may come to the next.
    writers: usize,
    time: Duration,
}

impl Last {
    fn patience(&self) -> Duration {
        (self.time / 4).min(LONGEST_PATIENCE)
    }
}

impl Writer {
    /// Ends when the queue has been closed and is empty.
    pub(super) fn run(mut self) {
        let mut closing = None;
        let mut last = Last::default();
        while let Some(commands) = self.queue.pop_all(last.writers, last.patience()) {
            let start = Instant::now();
            let mut writes = VecDeque::new();
            let answered = commands.len();
            for command in commands {
                match command {
                    Command::Write(write) => writes.push_back(write),
                    Command::Alone(work) => {
                        self.commit(std::mem::take(&mut writes));
                        work(&mut self.connection);
                    }
                    Command::Close(reply) => closing = Some(reply),
                }
            }
            let came_meanwhile = self.commit(writes);
            last = Last {
                writers: answered + came_meanwhile,
                time: start.elapsed(),
            };
        }
        self.close();
        if let Some(reply) = closing {
            // Nobody may be waiting any more.
            let _ = reply.send(());
        }
    }

    /// The readers first: the last connection to close tidies up.
    fn close(self) {
        for reader in self.readers {
            let _ = reader.join();
        }
        // If tidying up fails, the next to open the file does it.
        let _ = self.connection.close();
        drop(self.lock);
    }

    /// Says how many wait for the next commit already.
    fn commit(&mut self, writes: VecDeque<Write>) -> usize {
        if writes.is_empty() {
            return self.queue.len();
        }
        let mut waiting = Vec::with_capacity(writes.len());
        let result = self.transact(writes, &mut waiting);
        // Before anyone is answered, and is back.
        let came_meanwhile = self.queue.len();
        match result {
            Ok(()) => drop(self.commits.fetch_add(1, Ordering::Relaxed)),
            Err(_) => self.roll_back(),
        }
        for Applied {
            reply,
            done,
            effects,
        } in waiting
        {
            for (key, entry) in effects {
                let known = result.is_ok().then_some(entry);
                self.cache.finish(&key, known);
            }
            let done = match &result {
                Ok(()) => done,
                Err(failure) => Err(failure.to_store_error()),
            };
            // A caller who does not wait any more has given up the answer, not
            // the write.
            let _ = reply.send(done);
        }
        came_meanwhile
    }

    fn roll_back(&mut self) {
        if !self.connection.is_autocommit() {
            // If even this fails, the next BEGIN does, and says so.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        // What the file says of versions may have been rolled back too.
        self.versions_until = 0;
    }

    /// All operations in one transaction. `Err` means that none of them took
    /// place.
    fn transact(
        &mut self,
        writes: VecDeque<Write>,
        waiting: &mut Vec<Applied>,
    ) -> Result<(), Failure> {
        let mut failed = self.connection.execute_batch("BEGIN IMMEDIATE").err();
        for Write { operation, reply } in writes {
            let mut effects = Vec::new();
            let done = match &failed {
                // What it is does not matter: the failure is told instead.
                Some(_) => Err(StoreError::Closed),
                None => match self.apply(operation, &mut effects) {
                    Ok(done) => done,
                    Err(error) if self.connection.is_autocommit() => {
                        // SQLite gave up the whole transaction.
                        failed = Some(error);
                        Err(StoreError::Closed)
                    }
                    // Only this statement was undone.
                    Err(error) => Err(Failure::from(error).to_store_error()),
                },
            };
            for (key, _) in &effects {
                self.cache.begin(key);
            }
            waiting.push(Applied {
                reply,
                done,
                effects,
            });
        }
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(self.connection.execute_batch("COMMIT")?),
        }
    }

    fn apply(
        &mut self,
        operation: Operation,
        effects: &mut Vec<Effect>,
    ) -> rusqlite::Result<Result<Done, StoreError>> {
        match operation {
            Operation::Put {
                key,
                stored_key,
                entry,
                value,
                when,
            } => {
                let row = self.find(&stored_key)?;
                if !when.holds(row.map(|row| row.version)) {
                    return Ok(Err(StoreError::Conflict));
                }
                self.reserve_versions(entry.version)?;
                self.write(row, &stored_key, &entry, &value)?;
                let version = entry.version;
                effects.push((key, Some(entry)));
                Ok(Ok(Done::Put(version)))
            }
            Operation::Remove {
                key,
                stored_key,
                when,
            } => {
                let row = self.find(&stored_key)?;
                if !when.holds(row.map(|row| row.version)) {
                    return Ok(Err(StoreError::Conflict));
                }
                if let Some(row) = row {
                    self.delete(row.id)?;
                }
                effects.push((key, None));
                Ok(Ok(Done::Removed(row.is_some())))
            }
            Operation::Purge {
                before,
                after,
                limit,
            } => self.purge(before, after.as_ref(), limit, effects).map(Ok),
            Operation::Reseal { after, limit } => self.reseal(after, limit).map(Ok),
        }
    }

    fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql)
    }

    fn find(&self, stored_key: &[u8]) -> rusqlite::Result<Option<Row>> {
        self.prepare("SELECT id, version FROM records WHERE key = ?1")?
            .query_row([stored_key], |row| {
                Ok(Row {
                    id: row.get(0)?,
                    version: Version::new(row.get::<_, i64>(1)?.cast_unsigned()),
                })
            })
            .optional()
    }

    fn write(
        &self,
        row: Option<Row>,
        stored_key: &[u8],
        entry: &Entry,
        value: &[u8],
    ) -> rusqlite::Result<()> {
        let version = entry.version.get().cast_signed();
        let due = entry.record.due().map(Timestamp::as_millis);
        let expires = entry.record.expires().map(Timestamp::as_millis);
        match row {
            Some(row) => self
                .prepare(
                    "UPDATE records SET version = ?2, due = ?3, expires = ?4, value = ?5
                     WHERE id = ?1",
                )?
                .execute(params![row.id, version, due, expires, value])?,
            None => self
                .prepare(
                    "INSERT INTO records (key, version, due, expires, value)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![stored_key, version, due, expires, value])?,
        };
        Ok(())
    }

    fn delete(&self, id: i64) -> rusqlite::Result<()> {
        self.prepare("DELETE FROM records WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }

    /// In the same transaction as the first record that needs it.
    fn reserve_versions(&mut self, version: Version) -> rusqlite::Result<()> {
        if version.get() < self.versions_until {
            return Ok(());
        }
        let until = version.get().saturating_add(VERSION_BLOCK);
        self.prepare("UPDATE state SET next_version = ?1")?
            .execute([until.cast_signed()])?;
        self.versions_until = until;
        Ok(())
    }

    /// Looks into each record before it goes: a flipped bit in an index must not
    /// take a living one, or an opt-out.
    fn purge(
        &self,
        before: Timestamp,
        after: Option<&Expiring>,
        limit: usize,
        effects: &mut Vec<Effect>,
    ) -> rusqlite::Result<Done> {
        let candidates = self.expired(before, after, limit)?;
        let may_be_more = candidates.len() == limit;
        let mut removed = 0;
        let mut next = None;
        for candidate in candidates {
            let record = self
                .codec
                .decode_entry(&candidate.place.stored_key, &candidate.value);
            if let Ok((key, record)) = record
                && record.expires().is_some_and(|expires| expires <= before)
            {
                self.delete(candidate.id)?;
                effects.push((key.into(), None));
                removed += 1;
            }
            next = Some(candidate.place);
        }
        Ok(Done::Purged {
            removed,
            next: next.filter(|_| may_be_more),
        })
    }

    /// The record and its version stay as they are.
    fn reseal(&self, after: i64, limit: usize) -> rusqlite::Result<Done> {
        let rows = self.rows_after(after, limit)?;
        let next = (rows.len() == limit)
            .then(|| rows.last().map(|row| row.id))
            .flatten();
        let (mut resealed, mut failed) = (0, 0);
        for RawRow {
            id,
            stored_key,
            stored,
        } in rows
        {
            let opened = self.codec.decode_entry(&stored_key, &stored.value);
            let is_current = self.codec.is_current(&stored.value);
            let anew = match opened {
                Ok((_, record)) if is_current && stored.is_in_place(&record) => continue,
                Ok((key, record)) => self
                    .codec
                    .encode(&key, &record)
                    .map(|value| (record, value)),
                Err(error) => Err(error),
            };
            let Ok((record, value)) = anew else {
                failed += 1;
                continue;
            };
            self.prepare("UPDATE records SET due = ?2, expires = ?3, value = ?4 WHERE id = ?1")?
                .execute(params![
                    id,
                    record.due().map(Timestamp::as_millis),
                    record.expires().map(Timestamp::as_millis),
                    *value
                ])?;
            resealed += 1;
        }
        Ok(Done::Resealed {
            resealed,
            failed,
            next,
        })
    }

    fn rows_after(&self, after: i64, limit: usize) -> rusqlite::Result<Vec<RawRow>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.prepare(
            "SELECT id, key, version, due, expires, value FROM records
             WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?
        .query_map([after, limit], |row| {
            Ok(RawRow {
                id: row.get(0)?,
                stored_key: row.get(1)?,
                stored: StoredRow::read_from(row, 2)?,
            })
        })?
        .collect()
    }

    fn expired(
        &self,
        before: Timestamp,
        after: Option<&Expiring>,
        limit: usize,
    ) -> rusqlite::Result<Vec<Candidate>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let before = before.as_millis();
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Candidate {
                id: row.get(0)?,
                place: Expiring {
                    expires: row.get(1)?,
                    stored_key: row.get::<_, Vec<u8>>(2)?.into(),
                },
                value: Zeroizing::new(row.get(3)?),
            })
        };
        match after {
            None => self
                .prepare(
                    "SELECT id, expires, key, value FROM records
                     WHERE expires <= ?1 ORDER BY expires, key LIMIT ?2",
                )?
                .query_map(params![before, limit], read)?
                .collect(),
            Some(Expiring {
                expires,
                stored_key,
            }) => self
                .prepare(
                    "SELECT id, expires, key, value FROM records
                     WHERE expires <= ?1 AND (expires, key) > (?2, ?3)
                     ORDER BY expires, key LIMIT ?4",
                )?
                .query_map(params![before, expires, &**stored_key, limit], read)?
                .collect(),
        }
    }
}

struct RawRow {
    id: i64,
    stored_key: Vec<u8>,
    stored: StoredRow,
}

#[derive(Clone, Copy)]
struct Row {
    id: i64,
    version: Version,
}

struct Candidate {
    id: i64,
    place: Expiring,
    value: Zeroizing<Vec<u8>>,
}
