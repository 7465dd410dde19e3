//! The one thread that writes: whatever has come in while it was committing goes
//! into its next commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use uid2_core::Timestamp;
use zeroize::Zeroizing;

use super::cache::Cache;
use super::column;
use super::error::{Failure, for_one};
use super::lock::Lock;
use super::queue::Queue;
use super::rows::{self, FullRow};
use crate::{Codec, Entry, Precondition, StoreError, Version};

/// Versions are given out in memory. The file only says how far they may have
/// got, and that is written once in so many.
const VERSION_BLOCK: u64 = 1 << 20;
/// Indexes that are damaged are rebuilt, but at most once in this time.
const REBUILD_EVERY: Duration = Duration::from_secs(60);
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
    /// Whether the log may hold a commit that failed, which whoever opens the file
    /// next would find there.
    pub(super) has_failed: bool,
    /// When the indexes were rebuilt last.
    pub(super) rebuilt: Option<Instant>,
    pub(super) readers: Vec<JoinHandle<()>>,
    pub(super) lock: Lock,
}

/// What came of an operation, if the commit succeeds.
struct Outcome {
    done: Result<Done, StoreError>,
    /// Whose records were taken out, beside the operation's own.
    purged: Vec<Box<[u8]>>,
}

/// Why no operation of a transaction took place.
struct Trouble {
    failure: Failure,
    /// Whether it may be one operation's alone: that its record is damaged, or that
    /// there is no room for it.
    may_be_of_one: bool,
}

impl Trouble {
    /// Of a statement, or of the commit if it says that one of them was to blame.
    fn of(error: rusqlite::Error, is_statement: bool) -> Self {
        let failure = Failure::from(error);
        let may_be_of_one = is_statement || failure.is_of_contents();
        Self {
            failure,
            may_be_of_one,
        }
    }
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
            let mut writes = Vec::new();
            let answered = commands.len();
            for command in commands {
                match command {
                    Command::Write(write) => writes.push(write),
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
    fn commit(&mut self, writes: Vec<Write>) -> usize {
        if writes.is_empty() {
            return self.queue.len();
        }
        let mut outcomes = Vec::with_capacity(writes.len());
        let result = self.transact(&writes, &mut outcomes);
        // Before anyone is answered, and is back.
        let came_meanwhile = self.queue.len();
        match result {
            Ok(()) => {
                self.has_failed = false;
                self.commits.fetch_add(1, Ordering::Relaxed);
                for (Write { operation, reply }, outcome) in writes.into_iter().zip(outcomes) {
                    self.now_known(operation, &outcome);
                    // A caller who does not wait any more has given up the answer,
                    // not the write.
                    let _ = reply.send(outcome.done);
                }
            }
            Err(trouble) => {
                self.roll_back();
                for (write, outcome) in writes.iter().zip(&outcomes) {
                    self.for_each_key(&write.operation, outcome, |key| {
                        self.cache.finish(key, None);
                    });
                }
                self.once_more(writes, &trouble);
            }
        }
        came_meanwhile
    }

    /// One user's damaged record, or one that does not fit, is nobody else's trouble:
    /// each in a transaction of its own.
    fn once_more(&mut self, writes: Vec<Write>, trouble: &Trouble) {
        if trouble.may_be_of_one && writes.len() > 1 {
            for write in writes {
                self.commit(vec![write]);
            }
        } else if trouble.failure.is_of_an_index() && self.rebuild_indexes() {
            self.commit(writes);
        } else {
            for Write { operation, reply } in writes {
                let error = trouble.failure.to_store_error();
                let error = match operation {
                    Operation::Put { .. } | Operation::Remove { .. } => for_one(error),
                    Operation::Purge { .. } | Operation::Reseal { .. } => error,
                };
                let _ = reply.send(Err(error));
            }
        }
    }

    /// A bit has flipped in an index, or in what is indexed: the records themselves
    /// say what it should be. Not again and again, for it reads the whole file.
    fn rebuild_indexes(&mut self) -> bool {
        let now = Instant::now();
        let is_soon = |last: Instant| now.duration_since(last) < REBUILD_EVERY;
        if self.rebuilt.is_some_and(is_soon) {
            return false;
        }
        self.rebuilt = Some(now);
        self.connection.execute_batch("REINDEX").is_ok()
    }

    /// Enters into the cache what has been committed.
    fn now_known(&self, operation: Operation, outcome: &Outcome) {
        if let Operation::Put { key, entry, .. } = operation {
            if outcome.done.is_ok() {
                self.cache.finish(&key, Some(Some(entry)));
            }
            return;
        }
        self.for_each_key(&operation, outcome, |key| {
            self.cache.finish(key, Some(None));
        });
    }

    /// The keys whose records an operation changes.
    fn for_each_key(&self, operation: &Operation, outcome: &Outcome, mut f: impl FnMut(&[u8])) {
        match operation {
            Operation::Put { key, .. } | Operation::Remove { key, .. } if outcome.done.is_ok() => {
                f(key);
            }
            _ => outcome.purged.iter().for_each(|key| f(key)),
        }
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
    /// place; then there are outcomes of those before the one that failed.
    fn transact(&mut self, writes: &[Write], outcomes: &mut Vec<Outcome>) -> Result<(), Trouble> {
        self.connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(|error| Trouble {
                failure: error.into(),
                may_be_of_one: false,
            })?;
        if self.has_failed {
            self.write_over()
                .map_err(|error| Trouble::of(error, false))?;
        }
        for Write { operation, .. } in writes {
            let mut purged = Vec::new();
            let done = self
                .apply(operation, &mut purged)
                .map_err(|error| Trouble::of(error, true))?;
            let outcome = Outcome { done, purged };
            self.for_each_key(operation, &outcome, |key| self.cache.begin(key));
            outcomes.push(outcome);
        }
        self.connection.execute_batch("COMMIT").map_err(|error| {
            self.has_failed = true;
            Trouble::of(error, false)
        })
    }

    /// Changes something, so that this commit takes the place of the one that failed:
    /// one that changes nothing, such as the removal of what is not there, is not
    /// written, and what it says would not hold when the file is opened again.
    fn write_over(&self) -> rusqlite::Result<()> {
        self.connection
            .execute_batch("UPDATE state SET next_version = next_version + 1")
    }

    fn apply(
        &mut self,
        operation: &Operation,
        purged: &mut Vec<Box<[u8]>>,
    ) -> rusqlite::Result<Result<Done, StoreError>> {
        match operation {
            Operation::Put {
                stored_key,
                entry,
                value,
                when,
                ..
            } => {
                let row = self.find(stored_key)?;
                if !when.holds(row.map(|row| row.version)) {
                    return Ok(Err(StoreError::Conflict));
                }
                self.reserve_versions(entry.version)?;
                self.write(row, stored_key, entry, value)?;
                Ok(Ok(Done::Put(entry.version)))
            }
            Operation::Remove {
                stored_key, when, ..
            } => {
                let row = self.find(stored_key)?;
                if !when.holds(row.map(|row| row.version)) {
                    return Ok(Err(StoreError::Conflict));
                }
                if let Some(row) = row {
                    self.delete(row.id)?;
                }
                Ok(Ok(Done::Removed(row.is_some())))
            }
            Operation::Purge {
                before,
                after,
                limit,
            } => self.purge(*before, after.as_ref(), *limit, purged).map(Ok),
            Operation::Reseal { after, limit } => self.reseal(*after, *limit).map(Ok),
        }
    }

    fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql)
    }

    /// A version that cannot be read, because the bits that say its type have
    /// flipped, is none that a caller can have: only who asks for none may write.
    fn find(&self, stored_key: &[u8]) -> rusqlite::Result<Option<Row>> {
        self.prepare("SELECT id, version FROM records WHERE key = ?1")?
            .query_row([stored_key], |row| {
                Ok(Row {
                    id: row.get(0)?,
                    version: Version::new(column::integer(row, 1)?.unwrap_or(0).cast_unsigned()),
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
        purged: &mut Vec<Box<[u8]>>,
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
                purged.push(key.into());
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
        let page = rows::page(&self.connection, after, limit)?;
        let (mut resealed, mut failed) = (0, 0);
        for FullRow {
            id,
            stored_key,
            stored,
        } in page.rows
        {
            let Some(stored) = stored else {
                failed += 1;
                continue;
            };
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
            next: page.next,
        })
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
                    // One that cannot be read must not lead back.
                    expires: column::integer(row, 1)?.unwrap_or(before),
                    stored_key: column::bytes(row, 2)?.into(),
                },
                value: Zeroizing::new(column::bytes(row, 3)?),
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
