//! Records in Redis.

mod connection;
mod due;
mod options;
mod scripts;
mod unreadable;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::Cmd;
use uid2_core::Timestamp;
use uid2_core::lifecycle::Record;

pub use options::RedisOptions;

use self::connection::{Connection, typed};
use crate::codec::check_key;
use crate::{
    BoxFuture, Codec, Cursor, DueKey, Entry, Lease, Leases, Precondition, Resealed, Scan, Scanned,
    ScannedEntry, StoreError, TokenStore, Version,
};

/// Of how many parts a store consists, each of which one node of a cluster has.
/// Part of the format: another number would look for records in other places.
const SHARDS: u32 = 64;
/// How many records one step of a purge removes: other callers wait for it.
const PURGE_STEP: usize = 256;
/// The format of what is in Redis, but for the values.
const FORMAT: u32 = 1;
/// How long after a removal an operation is known again that is sent twice: longer
/// than any client waits for an answer before it sends anew.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Records in Redis or Valkey, version 7 or later, one server or a cluster: for
/// publishers whose users are served by many machines.
///
/// Cloning is cheap, and clones share a connection, which is made anew when it
/// breaks. Needs tokio.
///
/// - **Atomic.** A conditional write is one step of the server's. No update is
///   lost under any interleaving.
/// - **Durable** as the server is: with `appendfsync always`, what was
///   acknowledged survives a crash of it; with `everysec`, up to a second may be
///   lost; without, everything. With replicas, fail-over may lose what had not
///   reached them. For consent state, choose `always`.
/// - **Expiry.** Identities and logouts go a day after they expire, if nobody
///   purges them before ([`RedisOptions::grace`]). Opt-outs stay. The server must
///   not evict: leave `maxmemory-policy` at `noeviction`.
/// - **Leases**: see [`Leases`].
///
/// A call that was not answered gives [`StoreError::Unavailable`]; a write may
/// have taken place then: read again before deciding anew. A client that loses
/// its connection may send a write a second time by itself, as that of a cluster
/// does. It takes place once, and the answer is that to the first.
///
/// ```no_run
/// use std::time::Duration;
/// use uid2_store::RedisStore;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let store = RedisStore::options()
///     .response_timeout(Duration::from_secs(1))
///     .connect(&std::env::var("REDIS_URL")?) // rediss://user:password@host:6379/0
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    connection: Connection,
    shared: Arc<Shared>,
}

struct Shared {
    prefix: String,
    grace: Duration,
    codec: Codec,
    read_only: bool,
}

/// Figures of a [`RedisStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RedisStats {
    /// Records, expired ones included.
    pub records: u64,
    /// Of these, the opt-outs.
    pub opt_outs: u64,
    /// Of these, the identities that will be refreshed.
    pub refreshable: u64,
}

/// The names of one shard's keys.
struct Shard {
    /// What the names of records begin with.
    records: String,
    due: String,
    expiry: String,
    versions: String,
    leases: String,
    answers: String,
}

impl Shard {
    fn record(&self, stored_key: &[u8]) -> Vec<u8> {
        [self.records.as_bytes(), stored_key].concat()
    }

    fn lease(&self, stored_key: &[u8]) -> Vec<u8> {
        [self.leases.as_bytes(), stored_key].concat()
    }

    fn answer(&self, operation: &[u8]) -> Vec<u8> {
        [self.answers.as_bytes(), operation].concat()
    }
}

impl RedisStore {
    /// Connects to one server: `redis://` or, with TLS, `rediss://`.
    ///
    /// # Errors
    /// As [`RedisOptions::connect`].
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::options().connect(url).await
    }

    /// To connect in other ways.
    #[must_use]
    pub fn options() -> RedisOptions {
        RedisOptions::default()
    }

    async fn build(connection: Connection, options: RedisOptions) -> Result<Self, StoreError> {
        let store = Self {
            connection,
            shared: Arc::new(Shared {
                prefix: options.prefix,
                grace: options.grace,
                codec: options.codec,
                read_only: options.read_only,
            }),
        };
        store.check_format().await?;
        Ok(store)
    }

    /// Whoever is first says which format the store has, and which key ring; but
    /// who only looks says nothing.
    async fn check_format(&self) -> Result<(), StoreError> {
        let key = format!("{}:format", self.shared.prefix);
        if !self.shared.read_only {
            let fingerprint = self.shared.codec.fingerprint();
            let mut own = format!("{FORMAT}:").into_bytes();
            own.extend_from_slice(fingerprint.as_ref().map_or(&[], |bytes| bytes.as_slice()));
            let set = redis::cmd("SET").arg(&key).arg(own).arg("NX").clone();
            let _: Option<String> = self.query(&set).await?;
        }
        let found: Option<Vec<u8>> = self.query(redis::cmd("GET").arg(&key)).await?;

        let found = found.ok_or(StoreError::NotAStore(None))?;
        let (format, ring) = found
            .iter()
            .position(|byte| *byte == b':')
            .and_then(|colon| found.split_at_checked(colon))
            .ok_or(StoreError::NotAStore(None))?;
        let format: u32 = std::str::from_utf8(format)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or(StoreError::NotAStore(None))?;
        if format != FORMAT {
            return Err(StoreError::NewerFormat {
                found: format,
                known: FORMAT,
            });
        }
        let ring = ring.get(1..).filter(|ring| !ring.is_empty());
        self.shared.codec.check_fingerprint(ring)
    }

    /// Whether it can only be read, because that was asked for
    /// ([`RedisOptions::read_only`]). Writes give [`StoreError::ReadOnly`] then.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.shared.read_only
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        if self.shared.read_only {
            return Err(StoreError::ReadOnly(None));
        }
        Ok(())
    }

    /// Figures.
    ///
    /// # Errors
    /// When the store as a whole has a problem.
    pub async fn stats(&self) -> Result<RedisStats, StoreError> {
        let mut stats = RedisStats::default();
        for shard in self.shards() {
            stats.records += self
                .query::<u64>(redis::cmd("ZCARD").arg(&shard.expiry))
                .await?;
            stats.refreshable += self
                .query::<u64>(redis::cmd("ZCARD").arg(&shard.due))
                .await?;
            let forever = redis::cmd("ZCOUNT")
                .arg(&shard.expiry)
                .arg("+inf")
                .arg("+inf")
                .clone();
            stats.opt_outs += self.query::<u64>(&forever).await?;
        }
        Ok(stats)
    }

    /// Seals every record with the current key of the key ring that is not yet:
    /// the second step of the rotation of keys. Other calls go on meanwhile; it
    /// can be broken off, and begun again. In a plain store there is nothing to
    /// do.
    ///
    /// # Errors
    /// When the store as a whole has a problem.
    pub async fn reseal(&self) -> Result<Resealed, StoreError> {
        self.check_writable()?;
        let mut done = Resealed::default();
        let mut after = None;
        loop {
            let (page, next) = self.raw_page(after.as_ref(), 100).await?;
            for raw in page {
                if self.shared.codec.is_current(&raw.value) {
                    continue;
                }
                match self.anew(&raw) {
                    Ok(value) => done.resealed += self.replace(&raw, &value).await?,
                    Err(_) => done.failed += 1,
                }
            }
            after = next;
            if after.is_none() {
                return Ok(done);
            }
        }
    }

    fn anew(&self, raw: &Raw) -> Result<zeroize::Zeroizing<Vec<u8>>, StoreError> {
        let codec = &self.shared.codec;
        let (key, record) = codec.decode_entry(&raw.stored_key, &raw.value)?;
        codec.encode(&key, &record)
    }

    async fn replace(&self, raw: &Raw, value: &[u8]) -> Result<usize, StoreError> {
        let shard = self.shard(&raw.stored_key);
        scripts::RESEAL_SCRIPT
            .key(shard.record(&raw.stored_key))
            .arg(raw.version)
            .arg(value)
            .invoke_async(&mut self.connection.clone())
            .await
            .map_err(typed)
    }

    fn shard(&self, stored_key: &[u8]) -> Shard {
        self.numbered_shard(crc32fast::hash(stored_key) % SHARDS)
    }

    fn shards(&self) -> impl Iterator<Item = Shard> {
        (0..SHARDS).map(|number| self.numbered_shard(number))
    }

    fn numbered_shard(&self, number: u32) -> Shard {
        let prefix = &self.shared.prefix;
        let name = |what| format!("{prefix}:{{{prefix}-{number}}}:{what}");
        Shard {
            records: name("r:"),
            due: name("due"),
            expiry: name("exp"),
            versions: name("seq"),
            leases: name("l:"),
            answers: name("o:"),
        }
    }

    async fn query<T: redis::FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let answer = command.query_async(&mut self.connection.clone()).await;
        answer.map_err(typed)
    }

    async fn raw(&self, stored_key: Vec<u8>) -> Result<Option<Raw>, StoreError> {
        let name = self.shard(&stored_key).record(&stored_key);
        let fields = redis::cmd("HMGET").arg(name).arg("v").arg("d").clone();
        let found: (Option<u64>, Option<Vec<u8>>) = self.query(&fields).await?;
        Ok(match found {
            (Some(version), Some(value)) => Some(Raw {
                stored_key,
                version,
                value,
            }),
            (None, None) => None,
            _ => return Err(StoreError::Damaged),
        })
    }

    /// A page of records as they stand in Redis: about as many as `limit`.
    async fn raw_page(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Raw>, Option<Cursor>), StoreError> {
        let [number, cursor] = after.map_or([0, 0], Cursor::get);
        let shard = self.numbered_shard(u32::try_from(number).unwrap_or(SHARDS - 1));
        let scan = redis::cmd("ZSCAN")
            .arg(&shard.expiry)
            .arg(cursor)
            .arg("COUNT")
            .arg(limit)
            .clone();
        let (cursor, members): (u64, Vec<(Vec<u8>, f64)>) = self.query(&scan).await?;
        let mut page = Vec::with_capacity(members.len());
        for (stored_key, _) in members {
            match self.raw(stored_key.clone()).await {
                Ok(raw) => page.extend(raw),
                // In its place, with no value, which does not decode either.
                Err(StoreError::Damaged) => page.push(Raw {
                    stored_key,
                    version: 0,
                    value: Vec::new(),
                }),
                Err(error) => return Err(error),
            }
        }
        let next = match cursor {
            0 if number + 1 < u64::from(SHARDS) => Some(Cursor::new([number + 1, 0])),
            0 => None,
            cursor => Some(Cursor::new([number, cursor])),
        };
        Ok((page, next))
    }
}

/// A record as it stands in Redis.
struct Raw {
    stored_key: Vec<u8>,
    version: u64,
    value: Vec<u8>,
}

fn condition(when: Precondition) -> String {
    match when {
        Precondition::Any => "any".to_owned(),
        Precondition::Absent => "absent".to_owned(),
        Precondition::Version(version) => version.get().to_string(),
    }
}

fn millis(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| time.as_millis().to_string())
}

fn random_token() -> Result<[u8; 16], StoreError> {
    let mut token = [0; 16];
    getrandom::fill(&mut token).map_err(|error| StoreError::Random(error.into()))?;
    Ok(token)
}

impl TokenStore for RedisStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        check_key(key)?;
        let stored_key = self.shared.codec.stored_key(key).into_owned();
        let Some(raw) = self.raw(stored_key).await? else {
            return Ok(None);
        };
        Ok(Some(Entry {
            record: self.shared.codec.decode(&raw.stored_key, &raw.value)?,
            version: Version::new(raw.version),
        }))
    }

    async fn put(
        &self,
        key: &[u8],
        record: &Record,
        when: Precondition,
    ) -> Result<Version, StoreError> {
        self.check_writable()?;
        check_key(key)?;
        let stored_key = self.shared.codec.stored_key(key);
        let value = self.shared.codec.encode(key, record)?;
        let shard = self.shard(&stored_key);
        let operation = random_token()?;
        let version: Option<u64> = scripts::PUT_SCRIPT
            .key(shard.record(&stored_key))
            .key(&shard.due)
            .key(&shard.expiry)
            .key(&shard.versions)
            .key(shard.answer(&operation))
            .arg(condition(when))
            .arg(&operation[..])
            .arg(&*stored_key)
            .arg(&value[..])
            .arg(millis(record.due()))
            .arg(millis(record.expires()))
            .arg(u64::try_from(self.shared.grace.as_millis()).unwrap_or(u64::MAX))
            .arg(u64::try_from(REMEMBERED.as_millis()).unwrap_or(u64::MAX))
            .arg(&shard.answers)
            .invoke_async(&mut self.connection.clone())
            .await
            .map_err(typed)?;
        version.map(Version::new).ok_or(StoreError::Conflict)
    }

    async fn remove(&self, key: &[u8], when: Precondition) -> Result<bool, StoreError> {
        self.check_writable()?;
        check_key(key)?;
        let stored_key = self.shared.codec.stored_key(key);
        let shard = self.shard(&stored_key);
        let removed: Option<u8> = scripts::REMOVE_SCRIPT
            .key(shard.record(&stored_key))
            .key(&shard.due)
            .key(&shard.expiry)
            .key(shard.answer(&random_token()?))
            .arg(condition(when))
            .arg(&*stored_key)
            .arg(u64::try_from(REMEMBERED.as_millis()).unwrap_or(u64::MAX))
            .arg(&shard.answers)
            .invoke_async(&mut self.connection.clone())
            .await
            .map_err(typed)?;
        removed
            .map(|removed| removed == 1)
            .ok_or(StoreError::Conflict)
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&DueKey>,
        limit: usize,
    ) -> Result<Vec<DueKey>, StoreError> {
        due::due(self, now, after, limit).await
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.check_writable()?;
        let mut purged = 0;
        for shard in self.shards() {
            while purged < limit {
                let step = PURGE_STEP.min(limit - purged);
                let (found, removed): (usize, usize) = scripts::PURGE_SCRIPT
                    .key(&shard.due)
                    .key(&shard.expiry)
                    .arg(&shard.records)
                    .arg(before.as_millis())
                    .arg(step)
                    .invoke_async(&mut self.connection.clone())
                    .await
                    .map_err(typed)?;
                purged += removed;
                if found < step {
                    break;
                }
            }
        }
        Ok(purged)
    }
}

impl Scan for RedisStore {
    async fn scan(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Scanned>, Option<Cursor>), StoreError> {
        let (page, next) = self.raw_page(after, limit.max(1)).await?;
        let decode = |raw: Raw| {
            let (key, record) = self
                .shared
                .codec
                .decode_entry(&raw.stored_key, &raw.value)?;
            Ok(ScannedEntry {
                key: Box::from(&*key),
                entry: Entry {
                    record,
                    version: Version::new(raw.version),
                },
            })
        };
        Ok((page.into_iter().map(decode).collect(), next))
    }
}

impl RedisStore {
    fn lease_name(&self, key: &[u8]) -> Vec<u8> {
        let stored_key = self.shared.codec.stored_key(key);
        self.shard(&stored_key).lease(&stored_key)
    }
}

impl Leases for RedisStore {
    fn acquire<'a>(
        &'a self,
        key: &'a [u8],
        duration: Duration,
    ) -> BoxFuture<'a, Result<Option<Lease>, StoreError>> {
        Box::pin(async move {
            self.check_writable()?;
            check_key(key)?;
            let token = random_token()?;
            let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            let set = redis::cmd("SET")
                .arg(self.lease_name(key))
                .arg(&token[..])
                .arg("NX")
                .arg("PX")
                .arg(millis.clamp(1, 1 << 40))
                .clone();
            let taken: Option<String> = self.query(&set).await?;
            Ok(taken.map(|_| Lease::new(key, token)))
        })
    }

    fn release(&self, lease: Lease) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            self.check_writable()?;
            let released: u8 = scripts::RELEASE_SCRIPT
                .key(self.lease_name(lease.key()))
                .arg(&lease.token()[..])
                .invoke_async(&mut self.connection.clone())
                .await
                .map_err(typed)?;
            Ok(released == 1)
        })
    }
}

/// Shows neither the address nor the password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.shared.prefix)
            .field("read_only", &self.shared.read_only)
            .finish_non_exhaustive()
    }
}
