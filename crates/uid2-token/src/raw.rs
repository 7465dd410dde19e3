//! Raw UIDs: the stable identifier inside an advertising token.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ctr::cipher::{KeyIvInit, StreamCipher};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uid2_core::{DiiKind, Scope};
use zeroize::Zeroizing;

use crate::error::TokenError;
use crate::hash::FirstLevelHash;
use crate::prefix;
use crate::text;

const IV: usize = 12;
/// A version 4 raw UID before its checksum.
const V4_BODY: usize = 32;
const V4_VERSION: u8 = 1 << 5;
const ENVIRONMENT_SHIFT: u8 = 6;

/// Which form a raw UID has (protocol, section 14).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum RawUidVersion {
    /// 32 bytes: a hash alone, from which neither scope nor type can be told.
    V2,
    /// 33 bytes: scope and type, and the hash of version 2.
    V3,
    /// 33 bytes: environment, scope and type, and a part of the first-level
    /// hash encrypted under the key of a salt.
    V4,
    /// Anything else. SDKs carry whatever a token holds, and so does this one.
    Other,
}

/// The environment that a version 4 raw UID names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub enum UidEnvironment {
    /// `test`: local operators.
    #[default]
    Test,
    /// `integ`.
    Integration,
    /// `prod`.
    Production,
}

impl UidEnvironment {
    const fn bits(self) -> u8 {
        let number = match self {
            Self::Test => 0,
            Self::Integration => 1,
            Self::Production => 2,
        };
        number << ENVIRONMENT_SHIFT
    }

    const fn of_bits(byte: u8) -> Option<Self> {
        match byte >> ENVIRONMENT_SHIFT {
            0 => Some(Self::Test),
            1 => Some(Self::Integration),
            2 => Some(Self::Production),
            _ => None,
        }
    }
}

/// The key that a salt row has in place of a salt, for version 4 raw UIDs.
#[derive(Clone)]
pub struct UidKey {
    id: u32,
    key: Zeroizing<[u8; 32]>,
    salt: Zeroizing<String>,
}

impl UidKey {
    /// Largest number that fits the three bytes a raw UID has for it.
    pub const MAX_ID: u32 = 0x00FF_FFFF;

    /// A key from its number, the 32 characters of the key and its salt.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] if the number needs more than three bytes or
    /// the key is not 32 bytes of text.
    pub fn new(id: u32, key: &str, salt: &str) -> Result<Self, TokenError> {
        if id > Self::MAX_ID {
            return Err(TokenError::Malformed { what: "key number" });
        }
        let key = <[u8; 32]>::try_from(key.as_bytes())
            .map_err(|_| TokenError::Malformed { what: "key" })?;
        Ok(Self {
            id,
            key: Zeroizing::new(key),
            salt: Zeroizing::new(salt.into()),
        })
    }

    /// The number of the key.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    const fn id_bytes(&self) -> [u8; 3] {
        let [_, a, b, c] = self.id.to_be_bytes();
        [a, b, c]
    }

    /// AES-256-CTR: its own inverse.
    fn apply(&self, iv: &[u8; IV], text: &mut [u8]) {
        let mut counter = [0; 16];
        for (to, from) in counter.iter_mut().zip(iv) {
            *to = *from;
        }
        ctr::Ctr128BE::<aes::Aes256>::new((&*self.key).into(), &counter.into())
            .apply_keystream(text);
    }
}

/// The number in the open, the rest in constant time.
impl PartialEq for UidKey {
    fn eq(&self, other: &Self) -> bool {
        let same = self.key.ct_eq(&*other.key) & self.salt.as_bytes().ct_eq(other.salt.as_bytes());
        self.id == other.id && same.into()
    }
}

impl Eq for UidKey {}

impl fmt::Debug for UidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UidKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A raw UID. It stands for a person: `Debug` does not show it, and it is
/// wiped on drop.
///
/// ```
/// use uid2_core::{DiiKind, EmailHash, Scope};
/// use uid2_token::{FirstLevelHash, RawUid, RawUidVersion};
///
/// let hash = EmailHash::of("user@example.com")?;
/// let first = FirstLevelHash::derive(hash.as_bytes(), "fOGY/aRE44peL23i+cE9MkJrzmEeNZZziNZBfq7qqk8=");
/// let uid = RawUid::v3(Scope::Uid2, DiiKind::Email, &first, "vgv1BwiNRCW7F3VcNXHlZh+7oHJ4G4gCshbGcVOLnss=");
/// assert_eq!(uid.to_base64().as_str(), "AOm5434rNF3xiw+IC98zXR6FIdO1R4IiFn3AJLC+Giwu");
/// assert_eq!(uid.version(), RawUidVersion::V3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RawUid(Zeroizing<Vec<u8>>);

impl RawUid {
    /// Version 2: SHA-256 of the first-level hash and the bucket's salt.
    #[must_use]
    pub fn v2(first: &FirstLevelHash, salt: &str) -> Self {
        Self(Zeroizing::new(salted(first, salt).to_vec()))
    }

    /// Version 3: version 2 with scope and type before it.
    #[must_use]
    pub fn v3(scope: Scope, kind: DiiKind, first: &FirstLevelHash, salt: &str) -> Self {
        let mut uid = Zeroizing::new(Vec::with_capacity(33));
        uid.push(prefix::bits(scope, kind));
        uid.extend_from_slice(&salted(first, salt));
        Self(uid)
    }

    /// Version 4: the last half of the first-level hash under the key of a
    /// bucket, with a checksum.
    #[must_use]
    pub fn v4(
        environment: UidEnvironment,
        scope: Scope,
        kind: DiiKind,
        first: &FirstLevelHash,
        key: &UidKey,
    ) -> Self {
        let meta = v4_meta(environment, scope, kind);
        let mut tail = Zeroizing::new(first.tail());
        let iv = v4_iv(&key.salt, &tail, meta, key.id_bytes());
        key.apply(&iv, &mut *tail);
        let mut uid = Zeroizing::new(Vec::with_capacity(V4_BODY + 1));
        uid.push(meta);
        uid.extend_from_slice(&key.id_bytes());
        uid.extend_from_slice(&iv);
        uid.extend_from_slice(&*tail);
        let sum = checksum(&uid);
        uid.push(sum);
        Self(uid)
    }

    /// From its bytes, whatever they are.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// From base64 of either alphabet.
    ///
    /// # Errors
    /// [`TokenError::NotBase64`].
    pub fn parse(base64: &str) -> Result<Self, TokenError> {
        text::decode(base64).map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As base64, which is how it is written.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(&*self.0))
    }

    /// Which form it has. A version 4 whose checksum is wrong is
    /// [`Other`](RawUidVersion::Other).
    #[must_use]
    pub fn version(&self) -> RawUidVersion {
        match self.0.as_slice() {
            [_, rest @ ..] if rest.len() == 32 => self.version_of_33(),
            hash if hash.len() == 32 => RawUidVersion::V2,
            _ => RawUidVersion::Other,
        }
    }

    fn version_of_33(&self) -> RawUidVersion {
        let (Some((sum, body)), Some(meta)) = (self.0.split_last(), self.0.first()) else {
            return RawUidVersion::Other;
        };
        let (scope, kind) = prefix::of_bits(*meta);
        if *meta == prefix::bits(scope, kind) {
            return RawUidVersion::V3;
        }
        let known = UidEnvironment::of_bits(*meta)
            .is_some_and(|environment| *meta == v4_meta(environment, scope, kind));
        if known && *sum == checksum(body) {
            RawUidVersion::V4
        } else {
            RawUidVersion::Other
        }
    }

    /// Scope and type, where the form tells: versions 3 and 4.
    #[must_use]
    pub fn scope_and_kind(&self) -> Option<(Scope, DiiKind)> {
        match self.version() {
            RawUidVersion::V3 | RawUidVersion::V4 => self.0.first().map(|b| prefix::of_bits(*b)),
            _ => None,
        }
    }

    /// Environment and number of the key, of a version 4.
    #[must_use]
    pub fn environment_and_key(&self) -> Option<(UidEnvironment, u32)> {
        match (self.version(), self.0.as_slice()) {
            (RawUidVersion::V4, [meta, a, b, c, ..]) => UidEnvironment::of_bits(*meta)
                .map(|environment| (environment, u32::from_be_bytes([0, *a, *b, *c]))),
            _ => None,
        }
    }

    /// The half of the first-level hash inside a version 4, if this key is the
    /// one it was made with. Checked against the IV, which is derived from it.
    #[must_use]
    pub fn open_v4(&self, key: &UidKey) -> Option<[u8; 16]> {
        let (_, id) = self.environment_and_key()?;
        let meta = *self.0.first()?;
        let iv = self.0.get(4..)?.first_chunk::<IV>()?;
        let mut tail = *self.0.get(4 + IV..)?.first_chunk::<16>()?;
        key.apply(iv, &mut tail);
        let genuine = id == key.id && v4_iv(&key.salt, &tail, meta, key.id_bytes()) == *iv;
        genuine.then_some(tail)
    }
}

/// In constant time for equal lengths.
impl PartialEq for RawUid {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for RawUid {}

impl fmt::Debug for RawUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawUid({:?}, <redacted>)", self.version())
    }
}

fn salted(first: &FirstLevelHash, salt: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(STANDARD.encode(first.as_bytes()))
        .chain_update(salt)
        .finalize()
        .into()
}

const fn v4_meta(environment: UidEnvironment, scope: Scope, kind: DiiKind) -> u8 {
    V4_VERSION | environment.bits() | prefix::bits(scope, kind)
}

fn v4_iv(salt: &str, tail: &[u8; 16], meta: u8, id: [u8; 3]) -> [u8; IV] {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(salt)
        .chain_update(tail)
        .chain_update([meta])
        .chain_update(id)
        .finalize()
        .into();
    digest.first_chunk().copied().unwrap_or_default()
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}
