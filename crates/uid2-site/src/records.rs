//! What the site itself remembers: sessions, who is who, and what happened.
//!
//! In an SQLite file beside the store of identities. No DII is in it: people are
//! found again by a keyed hash, and sessions by a hash of their cookie.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use uid2_core::Timestamp;

use crate::event::{Event, EventKind};

/// How many events are kept of a user.
const EVENTS: i64 = 40;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS users (
        id TEXT PRIMARY KEY, person BLOB NOT NULL UNIQUE
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sessions (
        id BLOB PRIMARY KEY, user TEXT NOT NULL, kind TEXT NOT NULL,
        begun INTEGER NOT NULL, seen INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL,
        at INTEGER NOT NULL, kind TEXT NOT NULL, token BLOB
    ) STRICT;
    CREATE INDEX IF NOT EXISTS events_of ON events (user, id);
    CREATE TABLE IF NOT EXISTS clock (ahead INTEGER NOT NULL) STRICT;
    PRAGMA user_version = 1;
";

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionLife {
    pub(crate) whole: std::time::Duration,
    pub(crate) idle: std::time::Duration,
}

/// A visitor who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// The site's own id of the user.
    pub(crate) user: String,
    /// With what: an e-mail address or a phone number.
    pub(crate) kind: String,
}

/// The site's own records. Clones are of the same file.
#[derive(Clone, Debug)]
pub(crate) struct Records(Arc<Mutex<Connection>>);

type Result<T> = std::result::Result<T, rusqlite::Error>;

impl Records {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(2))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "secure_delete", true)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// How far ahead the site's clock was left, in milliseconds.
    pub(crate) fn clock_ahead(&self) -> Result<u64> {
        let row = "SELECT ahead FROM clock";
        let ahead: Option<i64> = self
            .0
            .lock()
            .query_row(row, [], |row| row.get(0))
            .optional()?;
        Ok(ahead.unwrap_or(0).max(0).unsigned_abs())
    }

    pub(crate) fn set_clock_ahead(&self, millis: u64) -> Result<()> {
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        let mut connection = self.0.lock();
        let change = connection.transaction()?;
        change.execute("DELETE FROM clock", [])?;
        change.execute("INSERT INTO clock VALUES (?1)", [millis])?;
        change.commit()
    }

    /// The user of this person, who gets the new id if there is none.
    pub(crate) fn user_of(&self, person: &[u8; 32], new_id: &str) -> Result<String> {
        let connection = self.0.lock();
        let insert = "INSERT INTO users VALUES (?1, ?2) ON CONFLICT (person) DO NOTHING";
        connection.execute(insert, params![new_id, person])?;
        let select = "SELECT id FROM users WHERE person = ?1";
        connection.query_row(select, [person], |row| row.get(0))
    }

    /// Whether this user is this person.
    pub(crate) fn is_user(&self, user: &str, person: &[u8; 32]) -> Result<bool> {
        let select = "SELECT 1 FROM users WHERE id = ?1 AND person = ?2";
        let connection = self.0.lock();
        let found = connection.query_row(select, params![user, person], |_| Ok(()));
        Ok(found.optional()?.is_some())
    }

    pub(crate) fn begin_session(&self, id: &str, session: &Session, now: Timestamp) -> Result<()> {
        let row = params![hash(id), session.user, session.kind, now.as_millis()];
        let insert = "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?4)";
        self.0.lock().execute(insert, row).map(drop)
    }

    /// The session of a cookie, if it still lasts; from now on it was seen now.
    pub(crate) fn session(
        &self,
        id: &str,
        life: SessionLife,
        now: Timestamp,
    ) -> Result<Option<Session>> {
        let (id, now_ms) = (hash(id), now.as_millis());
        let begun_after = now.saturating_sub(life.whole).as_millis();
        let seen_after = now.saturating_sub(life.idle).as_millis();
        let connection = self.0.lock();
        let update = "UPDATE sessions SET seen = MAX(seen, ?2)
            WHERE id = ?1 AND begun > ?3 AND seen > ?4 RETURNING user, kind";
        connection
            .query_row(
                update,
                params![id, now_ms, begun_after, seen_after],
                |row| {
                    Ok(Session {
                        user: row.get(0)?,
                        kind: row.get(1)?,
                    })
                },
            )
            .optional()
    }

    pub(crate) fn end_session(&self, id: &str) -> Result<()> {
        let delete = "DELETE FROM sessions WHERE id = ?1";
        self.0.lock().execute(delete, [hash(id)]).map(drop)
    }

    /// Forgets sessions that have ended by themselves.
    pub(crate) fn purge_sessions(&self, life: SessionLife, now: Timestamp) -> Result<usize> {
        let begun_after = now.saturating_sub(life.whole).as_millis();
        let seen_after = now.saturating_sub(life.idle).as_millis();
        let delete = "DELETE FROM sessions WHERE begun <= ?1 OR seen <= ?2";
        self.0.lock().execute(delete, [begun_after, seen_after])
    }

    /// Notes that something happened, and forgets what is long past.
    pub(crate) fn note(
        &self,
        user: &str,
        kind: EventKind,
        token: Option<[u8; 8]>,
        now: Timestamp,
    ) -> Result<()> {
        let mut connection = self.0.lock();
        let change = connection.transaction()?;
        change.execute(
            "INSERT INTO events (user, at, kind, token) VALUES (?1, ?2, ?3, ?4)",
            params![user, now.as_millis(), kind.name(), token],
        )?;
        change.execute(
            "DELETE FROM events WHERE user = ?1 AND id <= (SELECT id FROM events
             WHERE user = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            params![user, EVENTS],
        )?;
        change.commit()
    }

    /// A token that was noted as refreshed came of signing in.
    pub(crate) fn was_generated(&self, user: &str, token: [u8; 8]) -> Result<()> {
        let update = "UPDATE events SET kind = ?3 WHERE user = ?1 AND token = ?2";
        let row = params![user, token, EventKind::Generated.name()];
        self.0.lock().execute(update, row).map(drop)
    }

    /// The mark of the last token that was noted.
    pub(crate) fn last_token(&self, user: &str) -> Result<Option<[u8; 8]>> {
        let select = "SELECT token FROM events WHERE user = ?1 AND token IS NOT NULL
            ORDER BY id DESC LIMIT 1";
        let connection = self.0.lock();
        connection
            .query_row(select, [user], |row| row.get(0))
            .optional()
    }

    /// What happened to a user, the latest first.
    pub(crate) fn events(&self, user: &str) -> Result<Vec<Event>> {
        let connection = self.0.lock();
        let mut select = connection
            .prepare_cached("SELECT id, at, kind FROM events WHERE user = ?1 ORDER BY id DESC")?;
        let rows = select.query_map([user], |row| {
            let (id, at, kind): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((id, at, kind))
        })?;
        let mut events = Vec::new();
        for row in rows {
            let (id, at, kind) = row?;
            // What a newer version has noted is left out.
            if let Some(kind) = EventKind::of(&kind) {
                events.push(Event {
                    id,
                    kind,
                    at: Timestamp::from_millis(at),
                });
            }
        }
        Ok(events)
    }
}

/// So that who reads the file cannot take over a session.
fn hash(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LIFE: SessionLife = SessionLife {
        whole: Duration::from_secs(100),
        idle: Duration::from_secs(40),
    };

    fn records() -> (tempfile::TempDir, Records) {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::open(&folder.path().join("site.db")).unwrap();
        (folder, records)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_700_000_000 + seconds)
    }

    #[test]
    fn sessions_end_when_idle_and_in_any_case() {
        let (_folder, records) = records();
        let session = Session {
            user: "usr-1".into(),
            kind: "e-mail".into(),
        };
        records.begin_session("id", &session, at(0)).unwrap();
        let found = |second| records.session("id", LIFE, at(second)).unwrap();
        for second in [0, 39, 78, 99] {
            assert_eq!(found(second), Some(session.clone()), "{second}");
        }
        // A hundred seconds in all, however busy.
        assert_eq!(found(100), None);
        records.begin_session("idle", &session, at(0)).unwrap();
        assert_eq!(records.session("idle", LIFE, at(40)).unwrap(), None);
        assert_eq!(records.session("other", LIFE, at(0)).unwrap(), None);
        assert_eq!(records.purge_sessions(LIFE, at(100)).unwrap(), 2);
    }

    #[test]
    fn a_person_is_the_same_user_every_time() {
        let (_folder, records) = records();
        let first = records.user_of(&[1; 32], "usr-1").unwrap();
        assert_eq!(records.user_of(&[1; 32], "usr-2").unwrap(), first);
        assert_eq!(records.user_of(&[2; 32], "usr-3").unwrap(), "usr-3");
        assert!(records.is_user("usr-1", &[1; 32]).unwrap());
        assert!(!records.is_user("usr-1", &[2; 32]).unwrap());
    }

    #[test]
    fn the_latest_events_are_kept_of_each_user() {
        let (_folder, records) = records();
        records
            .note("b", EventKind::Generated, None, at(0))
            .unwrap();
        for second in 0..60 {
            records
                .note(
                    "a",
                    EventKind::Refreshed,
                    Some([second; 8]),
                    at(second.into()),
                )
                .unwrap();
        }
        let events = records.events("a").unwrap();
        assert_eq!(events.len(), 40);
        assert_eq!((events[0].at, events[39].at), (at(59), at(20)));
        assert_eq!(records.events("b").unwrap().len(), 1);
        assert_eq!(records.last_token("a").unwrap(), Some([59; 8]));
        records.was_generated("a", [59; 8]).unwrap();
        assert_eq!(records.events("a").unwrap()[0].kind, EventKind::Generated);
    }

    #[test]
    fn the_clock_stays_where_it_was_left() {
        let (folder, records) = records();
        assert_eq!(records.clock_ahead().unwrap(), 0);
        for millis in [5, 7] {
            records.set_clock_ahead(millis).unwrap();
        }
        let again = Records::open(&folder.path().join("site.db")).unwrap();
        assert_eq!(again.clock_ahead().unwrap(), 7);
    }
}
