//! The file: how it is opened, known as ours, and laid out.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::typed;
use crate::{Codec, StoreError};

/// "UID2": says to any tool whose file it is.
const APPLICATION_ID: i64 = 0x5549_4432;
/// The newest layout that this version knows.
pub(super) const SCHEMA: u32 = 1;

/// A row's place in the due index comes with the row, so the two cannot part.
///
/// `value` stands last, for what is read without it to be read without its
/// overflow pages. `next_version` says how far versions may have been given out,
/// `ring` which key ring the store is encrypted with, if it is.
const LAYOUT: &str = "
    CREATE TABLE records (
        id      INTEGER PRIMARY KEY,
        key     BLOB    NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        due     INTEGER,
        expires INTEGER,
        value   BLOB    NOT NULL
    ) STRICT;
    CREATE INDEX by_due ON records (due, key) WHERE due IS NOT NULL;
    CREATE INDEX by_expires ON records (expires, key) WHERE expires IS NOT NULL;
    CREATE TABLE state (
        id           INTEGER PRIMARY KEY CHECK (id = 0),
        next_version INTEGER NOT NULL,
        ring         BLOB
    ) STRICT;
";

/// The smallest file of SQLite's, in bytes: a page of the smallest size.
const SMALLEST: u64 = 512;

/// How long to wait for a process that only looks into the file. Writers of
/// other processes are kept out by the lock.
const BUSY: Duration = Duration::from_secs(10);
/// Pages in memory, a connection: in KiB, negative for SQLite.
const PAGE_CACHE: i64 = -8 * 1024;
/// What the log is cut back to once it is copied into the file.
const LOG_LIMIT: i64 = 16 << 20;

/// Opens the store for writing, and makes it where there is none.
pub(super) fn open_writer(
    path: &Path,
    codec: &Codec,
    max_bytes: Option<u64>,
) -> Result<Connection, StoreError> {
    if is_absent_or_empty(path)? {
        create_private(path).map_err(io_error)?;
    } else {
        match look_at(path, codec) {
            // What was being written when its writer was killed must be undone
            // before anything can be read; then it is asked again below.
            Ok(()) | Err(StoreError::ReadOnly(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    match identify(&connection)? {
        Found::Ours => check_ring(&connection, codec)?,
        Found::Nothing => initialize(&mut connection, codec)?,
    }
    configure_writer(&connection, max_bytes).map_err(typed)?;
    Ok(connection)
}

/// Looks at a file without writing to it: it may not be ours.
fn look_at(path: &Path, codec: &Codec) -> Result<(), StoreError> {
    let look = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match identify(&look)? {
        Found::Ours => check_ring(&look, codec),
        Found::Nothing => Ok(()),
    }
}

/// Opens the store for reading. `fixed` says that nobody writes to it, not even
/// the log: needed where its folder cannot be written to.
pub(super) fn open_reader(
    path: &Path,
    codec: &Codec,
    fixed: bool,
) -> Result<Connection, StoreError> {
    let connection = if fixed {
        connect_fixed(path)?
    } else {
        connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?
    };
    match identify(&connection)? {
        Found::Ours => {
            check_ring(&connection, codec)?;
            Ok(connection)
        }
        Found::Nothing => Err(StoreError::NotAStore(None)),
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    // Each connection belongs to one thread of ours.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    configure(Connection::open_with_flags(path, flags).map_err(typed)?)
}

fn connect_fixed(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    configure(Connection::open_with_flags(fixed_uri(path)?, flags).map_err(typed)?)
}

/// `file:` with everything escaped that means something in such an address.
fn fixed_uri(path: &Path) -> Result<String, StoreError> {
    let path = path.to_str().ok_or(StoreError::Unsupported(
        "a read-only file whose path is not Unicode",
    ))?;
    let mut uri = String::from("file:");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    Ok(uri)
}

fn configure(connection: Connection) -> Result<Connection, StoreError> {
    connection.busy_timeout(BUSY).map_err(typed)?;
    let set = |name, value| connection.pragma_update(None, name, value);
    // Nothing in a file can make us run code of its own, and odd pages are
    // noticed when they are read.
    set("trusted_schema", 0).map_err(typed)?;
    set("cell_size_check", 1).map_err(typed)?;
    set("cache_size", PAGE_CACHE).map_err(typed)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

fn configure_writer(connection: &Connection, max_bytes: Option<u64>) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit is on the disk when it returns.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
    if let Some(bytes) = max_bytes {
        let page: u64 = connection.pragma_query_value(None, "page_size", |row| {
            row.get::<_, i64>(0).map(i64::cast_unsigned)
        })?;
        let pages = (bytes / page.max(1)).max(1);
        connection.pragma_update(None, "max_page_count", pages.cast_signed())?;
    }
    // What is deleted is overwritten where the page is written anyway.
    connection.pragma_update(None, "secure_delete", "FAST")
}

#[derive(PartialEq, Eq)]
enum Found {
    Ours,
    /// An empty file.
    Nothing,
}

fn identify(connection: &Connection) -> Result<Found, StoreError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = number("application_id").map_err(typed)?;
    let schema = number("user_version").map_err(typed)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(typed)?;
    match (application, u32::try_from(schema)) {
        (0, Ok(0)) if tables == 0 => Ok(Found::Nothing),
        (APPLICATION_ID, Ok(SCHEMA)) => Ok(Found::Ours),
        (APPLICATION_ID, Ok(found)) if found > SCHEMA => Err(StoreError::NewerFormat {
            found,
            known: SCHEMA,
        }),
        _ => Err(StoreError::NotAStore(None)),
    }
}

/// A store is opened only with the key ring that it was made with: another would
/// find none of its records, and add its own.
fn check_ring(connection: &Connection, codec: &Codec) -> Result<(), StoreError> {
    let ring: Option<Vec<u8>> = connection
        .query_row("SELECT ring FROM state", [], |row| row.get(0))
        .map_err(typed)?;
    codec.check_fingerprint(ring.as_deref())
}

fn initialize(connection: &mut Connection, codec: &Codec) -> Result<(), StoreError> {
    let transaction = connection.transaction().map_err(typed)?;
    transaction.execute_batch(LAYOUT).map_err(typed)?;
    transaction
        .execute(
            "INSERT INTO state (id, next_version, ring) VALUES (0, 1, ?1)",
            [codec.fingerprint()],
        )
        .map_err(typed)?;
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(typed)?;
    transaction
        .pragma_update(None, "user_version", SCHEMA)
        .map_err(typed)?;
    transaction.commit().map_err(typed)
}

pub(super) fn is_absent_or_empty(path: &Path) -> Result<bool, StoreError> {
    match fs::metadata(path) {
        // SQLite would take a few bytes for an empty file, and write over them.
        Ok(metadata) if metadata.is_file() && !(1..SMALLEST).contains(&metadata.len()) => {
            Ok(metadata.len() == 0)
        }
        Ok(_) => Err(StoreError::NotAStore(None)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(io_error(error)),
    }
}

/// What is in it is for the publisher's server only, and SQLite gives the files
/// beside it the same permissions.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    flush(path)
}

/// The file, and its name in its folder.
pub(super) fn flush(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.sync_all()?;
    sync_folder(path)
}

/// An empty file for a copy of the store, where there must be none yet.
pub(super) fn create_for_backup(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(io_error)
}

/// Else a power loss could take the whole file's name away.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

pub(super) fn io_error(error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly(Some(error.into()))
        }
        io::ErrorKind::StorageFull => StoreError::Full(Some(error.into())),
        _ => StoreError::Io(error.into()),
    }
}
