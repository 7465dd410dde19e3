//! The salts of an operator.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use uid2_core::{DiiKind, Scope, Timestamp};
use uid2_token::{FirstLevelHash, RawUid, UidEnvironment, UidKey};

use super::hashids::Hashids;

/// The first-level salt of the official mock operator.
const FIRST_LEVEL: &str = "fOGY/aRE44peL23i+cE9MkJrzmEeNZZziNZBfq7qqk8=";
/// Number of the first key of a version 4 row.
const FIRST_KEY: u32 = 2_100_000;
/// How many buckets there are, as in the official mock operator.
const ROWS: u32 = 5;
/// Number of the first bucket, which its id is made of.
const FIRST_ID: u64 = 1_000_000;
const BUCKET_PREFIX: char = 'b';
const BUCKET_MIN_LEN: usize = 9;
/// When the first salts were made: long before any test.
const MADE: Timestamp = Timestamp::from_secs(1_577_836_800);
/// How often salts are rotated.
const ROTATION: Duration = Duration::from_secs(365 * 86_400);
/// How long after a rotation the previous raw UID is told (protocol, section 11).
const PREVIOUS_FOR: Duration = Duration::from_secs(90 * 86_400);

/// What a bucket makes raw UIDs with.
#[derive(Clone, Debug)]
enum Secret {
    /// A salt: versions 2 and 3.
    Salt(String),
    /// A key: version 4.
    Key(UidKey),
}

/// A bucket.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    number: u32,
    generation: u32,
    secret: Secret,
    previous: Option<Secret>,
    last_updated: Timestamp,
}

impl Row {
    /// When its salt was changed last.
    pub(crate) const fn last_updated(&self) -> Timestamp {
        self.last_updated
    }

    /// When its salt will be, or could be: the next midnight if that is over.
    pub(crate) fn refresh_from(&self, now: Timestamp) -> Timestamp {
        const DAY: i64 = 86_400_000;
        let planned = self.last_updated.saturating_add(ROTATION);
        if planned > now {
            return planned;
        }
        let days = now.as_millis().div_euclid(DAY).saturating_add(1);
        Timestamp::from_millis(days.saturating_mul(DAY))
    }
}

/// The first-level salt and the buckets.
#[derive(Clone, Debug)]
pub(crate) struct Salts {
    seed: String,
    first_level: String,
    rows: Vec<Row>,
    ids: Hashids,
}

/// How raw UIDs are written, apart from the bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UidForm {
    pub(crate) scope: Scope,
    pub(crate) environment: UidEnvironment,
    pub(crate) v3: bool,
}

impl Salts {
    /// Five buckets, as the mock operator has: two with salts, three with keys.
    pub(crate) fn new(seed: &str) -> Self {
        let rows = (0..ROWS).map(|number| Row {
            number,
            generation: 0,
            secret: secret(seed, number, 0),
            previous: None,
            last_updated: MADE,
        });
        Self {
            seed: seed.into(),
            first_level: FIRST_LEVEL.into(),
            rows: rows.collect(),
            ids: Hashids::new(&text(seed, "bucket id", 0, 0, 32), BUCKET_MIN_LEN),
        }
    }

    /// Gives every bucket another salt or key, as of now.
    pub(crate) fn rotate(&mut self, now: Timestamp) {
        for row in &mut self.rows {
            row.generation += 1;
            let next = secret(&self.seed, row.number, row.generation);
            row.previous = Some(core::mem::replace(&mut row.secret, next));
            row.last_updated = now;
        }
    }

    /// Of 32 bytes, or of whatever else the service takes for a hash.
    pub(crate) fn first_level(&self, identity_hash: &[u8]) -> FirstLevelHash {
        if let Ok(hash) = identity_hash.try_into() {
            return FirstLevelHash::derive(hash, &self.first_level);
        }
        let digest = Sha256::new()
            .chain_update(STANDARD.encode(identity_hash))
            .chain_update(&self.first_level)
            .finalize();
        FirstLevelHash::from_bytes(digest.into())
    }

    /// The bucket that a person falls into.
    pub(crate) fn row(&self, person: &FirstLevelHash) -> Option<&Row> {
        self.rows.get(person.bucket_index(self.rows.len()))
    }

    /// All buckets.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How a bucket is called.
    pub(crate) fn bucket_id(&self, row: &Row) -> String {
        let mut id = String::from(BUCKET_PREFIX);
        id.push_str(&self.ids.encode(FIRST_ID + u64::from(row.number)));
        id
    }

    /// The raw UID of a person.
    pub(crate) fn raw_uid(&self, form: UidForm, kind: DiiKind, first: &FirstLevelHash) -> RawUid {
        match self.row(first) {
            Some(row) => raw_uid(&row.secret, form, kind, first),
            // There is always a row; but if not, a salt of nothing will do.
            None => RawUid::v2(first, ""),
        }
    }

    /// The raw UID that a person had before the last rotation, while it is told.
    pub(crate) fn previous_raw_uid(
        &self,
        form: UidForm,
        kind: DiiKind,
        first: &FirstLevelHash,
        now: Timestamp,
    ) -> Option<RawUid> {
        let row = self.row(first)?;
        let previous = row.previous.as_ref()?;
        let told = now.saturating_since(row.last_updated) < PREVIOUS_FOR;
        told.then(|| raw_uid(previous, form, kind, first))
    }
}

fn raw_uid(secret: &Secret, form: UidForm, kind: DiiKind, first: &FirstLevelHash) -> RawUid {
    match secret {
        Secret::Key(key) => RawUid::v4(form.environment, form.scope, kind, first, key),
        Secret::Salt(salt) if form.v3 => RawUid::v3(form.scope, kind, first, salt),
        Secret::Salt(salt) => RawUid::v2(first, salt),
    }
}

/// The first two buckets have salts, the others keys.
fn secret(seed: &str, row: u32, generation: u32) -> Secret {
    if row < 2 {
        return Secret::Salt(text(seed, "salt", row, generation, 44));
    }
    let key = text(seed, "key", row, generation, 32);
    let salt = text(seed, "key salt", row, generation, 32);
    let id = (FIRST_KEY + row + generation.wrapping_mul(ROWS)) & UidKey::MAX_ID;
    match UidKey::new(id, &key, &salt) {
        Ok(key) => Secret::Key(key),
        // 32 characters and a small number: it is always a key.
        Err(_) => Secret::Salt(salt),
    }
}

/// Text of this many characters, at most 64, that only the seed gives.
fn text(seed: &str, what: &str, row: u32, generation: u32, len: usize) -> String {
    let digest: [u8; 32] = Sha256::new()
        .chain_update("uid2-emulator ")
        .chain_update(what)
        .chain_update([0])
        .chain_update(seed)
        .chain_update(row.to_be_bytes())
        .chain_update(generation.to_be_bytes())
        .finalize()
        .into();
    let mut hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(len);
    hex
}
