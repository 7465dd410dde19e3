//! The salts of an operator.

use sha2::{Digest, Sha256};
use uid2_core::{DiiKind, Scope};
use uid2_token::{FirstLevelHash, RawUid, UidEnvironment, UidKey};

/// The first-level salt of the official mock operator.
const FIRST_LEVEL: &str = "fOGY/aRE44peL23i+cE9MkJrzmEeNZZziNZBfq7qqk8=";
/// Number of the first key of a version 4 row.
const FIRST_KEY: u32 = 2_100_000;

/// What a bucket makes raw UIDs with.
#[derive(Clone, Debug)]
pub(crate) enum Secret {
    /// A salt: versions 2 and 3.
    Salt(String),
    /// A key: version 4.
    Key(UidKey),
}

/// A bucket.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) secret: Secret,
}

/// The first-level salt and the buckets.
#[derive(Clone, Debug)]
pub(crate) struct Salts {
    first_level: String,
    rows: Vec<Row>,
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
        let rows = (0..5_u32).map(|row| Row {
            secret: if row < 2 {
                Secret::Salt(text(seed, "salt", row, 44))
            } else {
                version_4(seed, row)
            },
        });
        Self {
            first_level: FIRST_LEVEL.into(),
            rows: rows.collect(),
        }
    }

    pub(crate) fn first_level(&self, identity_hash: &[u8; 32]) -> FirstLevelHash {
        FirstLevelHash::derive(identity_hash, &self.first_level)
    }

    /// The raw UID of a person.
    pub(crate) fn raw_uid(&self, form: UidForm, kind: DiiKind, first: &FirstLevelHash) -> RawUid {
        let row = self.rows.get(first.bucket_index(self.rows.len()));
        match row.map(|row| &row.secret) {
            Some(Secret::Key(key)) => RawUid::v4(form.environment, form.scope, kind, first, key),
            Some(Secret::Salt(salt)) if form.v3 => RawUid::v3(form.scope, kind, first, salt),
            Some(Secret::Salt(salt)) => RawUid::v2(first, salt),
            // There is always a row; but if not, a salt of nothing will do.
            None => RawUid::v2(first, ""),
        }
    }
}

fn version_4(seed: &str, row: u32) -> Secret {
    let (key, salt) = (text(seed, "key", row, 32), text(seed, "key salt", row, 32));
    match UidKey::new(FIRST_KEY + row, &key, &salt) {
        Ok(key) => Secret::Key(key),
        // 32 characters and a small number: it is always a key.
        Err(_) => Secret::Salt(salt),
    }
}

/// Text of this many characters, at most 64, that only the seed gives.
fn text(seed: &str, what: &str, row: u32, len: usize) -> String {
    let digest: [u8; 32] = Sha256::new()
        .chain_update("uid2-emulator ")
        .chain_update(what)
        .chain_update([0])
        .chain_update(seed)
        .chain_update(row.to_be_bytes())
        .finalize()
        .into();
    let mut hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(len);
    hex
}
