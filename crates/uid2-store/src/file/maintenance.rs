//! Looking after a store: figures, checks, room, copies.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use futures_channel::oneshot;
use rusqlite::Connection;

use super::error::{is_corrupt, typed};
use super::rows;
use super::writer::{Command, Done, Operation};
use super::{FileStore, beside, schema};
use crate::{Codec, Resealed, StoreError};

/// How many records one step of a check reads: others wait for it.
const VERIFY_STEP: usize = 1000;

/// How many records one commit seals anew: others wait for it.
const RESEAL_STEP: usize = 128;

/// Figures of a [`FileStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileStats {
    /// Records, expired ones included.
    pub records: u64,
    /// Of these, the opt-outs.
    pub opt_outs: u64,
    /// Of these, the identities that will be refreshed.
    pub refreshable: u64,
    /// Records in memory.
    pub cached: usize,
    /// Commits since the store was opened, each of one or more writes.
    pub commits: u64,
    /// The size of the file, in bytes.
    pub file_bytes: u64,
    /// Bytes in the file that hold nothing; [`FileStore::compact`] gives them back.
    pub free_bytes: u64,
    /// The size of the log beside the file, in bytes.
    pub log_bytes: u64,
}

/// What [`FileStore::verify`] has found.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Verified {
    /// Records looked at.
    pub records: u64,
    /// Of these, how many cannot be read as they were written.
    pub damaged: u64,
    /// Of these, how many are of a newer format.
    pub newer: u64,
    /// Of these, how many come up in the due scan or for purging at another time
    /// than the record says. [`FileStore::reseal`] puts that right.
    pub misplaced: u64,
    /// What SQLite found wrong with the file's structure.
    pub structure: Vec<String>,
}

impl Verified {
    /// Whether everything is as it was written.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.damaged == 0 && self.newer == 0 && self.misplaced == 0 && self.structure.is_empty()
    }
}

impl FileStore {
    /// Figures. Counts its way through the indexes: for operators, not for each
    /// request.
    ///
    /// # Errors
    /// When the store as a whole has a problem.
    pub async fn stats(&self) -> Result<FileStats, StoreError> {
        let path = self.0.path.clone();
        let mut stats = self
            .read(move |connection| stats(connection, &path).map_err(typed))
            .await?;
        stats.cached = self.0.cache.len();
        stats.commits = self.0.commits.load(Ordering::Relaxed);
        Ok(stats)
    }

    /// Reads every record and checks it, and the structure of the file. Other
    /// calls go on meanwhile.
    ///
    /// # Errors
    /// When the store as a whole has a problem; damage is not an error but a
    /// finding.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        let mut found = Verified::default();
        let mut after = Some(i64::MIN);
        while let Some(from) = after {
            let codec = self.0.codec.clone();
            let step = self
                .read(move |connection| verify_step(connection, &codec, from).map_err(typed))
                .await;
            match step {
                Ok(step) => {
                    found.records += step.records;
                    found.damaged += step.damaged;
                    found.newer += step.newer;
                    found.misplaced += step.misplaced;
                    after = step.next;
                }
                // Neither the records nor whose they are can be read; the
                // structure's check says where.
                Err(StoreError::Corrupt(_)) => break,
                Err(error) => return Err(error),
            }
        }
        found.structure = self.read(structure).await?;
        Ok(found)
    }

    /// Seals every record with the current key of the key ring that is not yet,
    /// and puts its places in the indexes right if they are not:
    /// the second step of the rotation of keys. Other calls go on meanwhile; it can
    /// be broken off, and begun again. In a plain store there is seldom anything to do.
    ///
    /// # Errors
    /// When the store as a whole has a problem.
    pub async fn reseal(&self) -> Result<Resealed, StoreError> {
        let mut total = Resealed::default();
        let mut after = Some(i64::MIN);
        while let Some(from) = after {
            let operation = Operation::Reseal {
                after: from,
                limit: RESEAL_STEP,
            };
            let Done::Resealed {
                resealed,
                failed,
                next,
            } = self.write(operation).await?
            else {
                return Err(StoreError::Closed);
            };
            total.resealed += resealed;
            total.failed += failed;
            after = next;
        }
        Ok(total)
    }

    /// Rewrites the file without its free space. Writes wait until it is done,
    /// and it needs room for a second copy meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Full`] if there is no such room; nothing has changed then.
    pub async fn compact(&self) -> Result<(), StoreError> {
        self.alone(|connection| {
            connection.execute_batch("VACUUM").map_err(typed)?;
            // The copy into the file; a busy reader only puts it off.
            connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .map_err(typed)
        })
        .await
    }

    /// Writes a copy of the store as it is at this moment to `path`, where there
    /// must be nothing yet. Other calls go on meanwhile. Once this returns, the copy
    /// is as durable as the store. It is a store of its own: to restore it, put it in
    /// the place of the file, with no `-wal` beside it.
    ///
    /// # Errors
    /// [`StoreError::Full`] and others of the file system. What there is at
    /// `path` then is not a copy.
    pub async fn backup(&self, path: impl Into<PathBuf>) -> Result<(), StoreError> {
        let path: PathBuf = path.into();
        self.read(move |connection| backup(connection, &path)).await
    }

    async fn alone(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        if self.0.read_only {
            return Err(StoreError::ReadOnly(None));
        }
        let (reply, done) = oneshot::channel();
        let command = Command::Alone(Box::new(move |connection| {
            // Nobody may be waiting any more.
            let _ = reply.send(work(connection));
        }));
        if !self.0.writes.push(command) {
            return Err(StoreError::Closed);
        }
        done.await.map_err(|_| StoreError::Closed)?
    }
}

fn stats(connection: &Connection, path: &Path) -> rusqlite::Result<FileStats> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let count = |sql| number(sql).map(i64::cast_unsigned);
    let records = count("SELECT count(*) FROM records")?;
    let expiring = count("SELECT count(*) FROM records WHERE expires IS NOT NULL")?;
    let page = count("SELECT page_size FROM pragma_page_size")?;
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    Ok(FileStats {
        records,
        opt_outs: records.saturating_sub(expiring),
        refreshable: count("SELECT count(*) FROM records WHERE due IS NOT NULL")?,
        cached: 0,
        commits: 0,
        file_bytes: size(path),
        free_bytes: page * count("SELECT freelist_count FROM pragma_freelist_count")?,
        log_bytes: size(&beside(path, "-wal")),
    })
}

struct Step {
    records: u64,
    damaged: u64,
    newer: u64,
    misplaced: u64,
    next: Option<i64>,
}

fn verify_step(connection: &Connection, codec: &Codec, after: i64) -> rusqlite::Result<Step> {
    let page = rows::page(connection, after, VERIFY_STEP)?;
    let mut step = Step {
        records: 0,
        damaged: 0,
        newer: 0,
        misplaced: 0,
        next: page.next,
    };
    for row in &page.rows {
        step.records += 1;
        match (row.scanned(codec), &row.stored) {
            (Ok(scanned), Some(stored)) => {
                step.misplaced += u64::from(!stored.is_in_place(&scanned.entry.record));
            }
            (Err(StoreError::NewerFormat { .. }), _) => step.newer += 1,
            _ => step.damaged += 1,
        }
    }
    Ok(step)
}

/// What is wrong with it; also that it is so damaged that the check ends.
fn structure(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let found = connection
        .prepare("PRAGMA integrity_check(20)")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect());
    match found {
        Err(error) if is_corrupt(&error) => Ok(vec![error.to_string()]),
        found => {
            let lines: Vec<String> = found.map_err(typed)?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        }
    }
}

fn backup(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    schema::create_for_backup(path)?;
    let name = path.to_str().ok_or(StoreError::Unsupported(
        "a backup whose path is not Unicode",
    ))?;
    connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(typed)?;
    // SQLite does not flush what it writes there.
    schema::flush(path).map_err(schema::io_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is acknowledged has been flushed to the disk: no test can take the power
    /// away, so it is asked what SQLite was told.
    #[tokio::test]
    async fn the_writer_flushes_every_commit() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path().join("s.db")).await.unwrap();
        let told = std::sync::Arc::new(parking_lot::Mutex::new(None));
        let tell = std::sync::Arc::clone(&told);
        let ask = move |connection: &mut Connection| {
            let synchronous = connection.pragma_query_value(None, "synchronous", |row| row.get(0));
            let journal = connection.pragma_query_value(None, "journal_mode", |row| row.get(0));
            let journal: String = journal.map_err(typed)?;
            let synchronous: i64 = synchronous.map_err(typed)?;
            *tell.lock() = Some((synchronous, journal));
            Ok(())
        };
        store.alone(ask).await.unwrap();
        const FULL: i64 = 2;
        assert_eq!(*told.lock(), Some((FULL, "wal".to_owned())));
    }
}
