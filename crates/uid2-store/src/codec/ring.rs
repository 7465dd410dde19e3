//! The keys of an encrypted store.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// 32 bytes that nobody else knows.
type Key = Zeroizing<[u8; 32]>;

/// The keys of an encrypted store: one that hides names, which stays for as
/// long as the store does, and one or more that seal values, of which the
/// current one seals and the others only open.
///
/// Cloning is cheap and shares the keys. `Debug` shows the ids only.
///
/// # As a text
///
/// In a file or an environment variable, one key a line, in base64. The first
/// `key` is the current one; `#` begins a comment.
///
/// ```
/// use uid2_store::KeyRing;
///
/// let ring: KeyRing = "
///     names  AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
///     key 2  AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=  # since May
///     key 1  AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=
/// ".parse()?;
/// assert_eq!(ring.current_id(), 2);
/// assert_eq!(format!("{ring:?}"), "KeyRing { current: 2, ids: [1, 2], .. }");
/// # Ok::<(), uid2_store::KeyRingError>(())
/// ```
///
/// # Rotation
///
/// 1. Where several machines share a store: give all of them the new key as a former
///    one ([`with_former_key`](Self::with_former_key)), so that each can read what the
///    others will write.
/// 2. Make the new key the first, and the old one a former one. What is written from
///    now on is sealed with the new one.
/// 3. Have the store seal the rest anew (`FileStore::reseal`).
/// 4. Take the old key away. Backups from before still need it.
#[derive(Clone)]
pub struct KeyRing(Arc<Keys>);

#[derive(Clone)]
struct Keys {
    names: Key,
    current: u32,
    values: BTreeMap<u32, Key>,
}

impl KeyRing {
    /// A ring of the key for names and one key for values, each of 32 random bytes.
    #[must_use]
    pub fn new(names: [u8; 32], id: u32, key: [u8; 32]) -> Self {
        Self(Arc::new(Keys {
            names: Zeroizing::new(names),
            current: id,
            values: BTreeMap::from([(id, Zeroizing::new(key))]),
        }))
    }

    /// The same with one more key, which only opens what it has sealed.
    ///
    /// # Errors
    /// [`KeyRingError::Duplicate`] if there is a key of this id.
    pub fn with_former_key(mut self, id: u32, key: [u8; 32]) -> Result<Self, KeyRingError> {
        let former = Arc::make_mut(&mut self.0)
            .values
            .insert(id, Zeroizing::new(key));
        match former {
            None => Ok(self),
            Some(_) => Err(KeyRingError::Duplicate { id }),
        }
    }

    /// From a file; for how it looks, see [above](Self#as-a-text).
    ///
    /// # Errors
    /// [`KeyRingError::File`] and those of reading the text.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyRingError> {
        let text = std::fs::read_to_string(path).map_err(KeyRingError::File)?;
        Zeroizing::new(text).parse()
    }

    /// From an environment variable; for how it looks, see [above](Self#as-a-text).
    ///
    /// # Errors
    /// [`KeyRingError::Environment`] and those of reading the text.
    pub fn from_env(variable: &str) -> Result<Self, KeyRingError> {
        let text = std::env::var(variable).map_err(|_| KeyRingError::Environment)?;
        Zeroizing::new(text).parse()
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn current_id(&self) -> u32 {
        self.0.current
    }

    /// The name under which a key is stored.
    pub(super) fn hash_name(&self, key: &[u8]) -> [u8; 32] {
        keyed_hash(&self.0.names, b"uid2-store name v1", key)
    }

    /// Tells rings with other keys for names apart, and nothing of the key.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        keyed_hash(&self.0.names, b"uid2-store ring v1", b"")
    }

    /// The key that seals the value of one user, from the ring's key of an id.
    ///
    /// Each user has a key of their own, so that random nonces do not run out:
    /// with one key for all, some four billion writes would be the limit.
    pub(super) fn value_key(&self, id: u32, stored_key: &[u8]) -> Option<Key> {
        let key = self.0.values.get(&id)?;
        Some(Zeroizing::new(keyed_hash(
            key,
            b"uid2-store value v1",
            stored_key,
        )))
    }
}

/// HMAC-SHA256. `purpose` is of the same length wherever it is used with the
/// same key, so that no two inputs are the same.
fn keyed_hash(key: &Key, purpose: &[u8], input: &[u8]) -> [u8; 32] {
    // HMAC pads a key that is shorter than its block with zeros (RFC 2104).
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key.iter()) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    mac.update(purpose);
    mac.update(input);
    mac.finalize().into_bytes().into()
}

impl FromStr for KeyRing {
    type Err = KeyRingError;

    fn from_str(text: &str) -> Result<Self, KeyRingError> {
        let mut names = None;
        let mut current = None;
        let mut values = BTreeMap::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.split('#').next().unwrap_or_default();
            let mut words = text.split_whitespace();
            let malformed = KeyRingError::Line { line };
            match (words.next(), words.next(), words.next(), words.next()) {
                (None, ..) => {}
                (Some("names"), Some(key), None, _) if names.is_none() => {
                    names = Some(parse_key(key, line)?);
                }
                (Some("key"), Some(id), Some(key), None) => {
                    let id = id.parse().map_err(|_| malformed)?;
                    current = current.or(Some(id));
                    if values.insert(id, parse_key(key, line)?).is_some() {
                        return Err(KeyRingError::Duplicate { id });
                    }
                }
                _ => return Err(malformed),
            }
        }
        Ok(Self(Arc::new(Keys {
            names: names.ok_or(KeyRingError::Missing { what: "names" })?,
            current: current.ok_or(KeyRingError::Missing { what: "key" })?,
            values,
        })))
    }
}

fn parse_key(text: &str, line: usize) -> Result<Key, KeyRingError> {
    let bytes = STANDARD
        .decode(text)
        .map(Zeroizing::new)
        .map_err(|_| KeyRingError::Key { line })?;
    <[u8; 32]>::try_from(bytes.as_slice())
        .map(Zeroizing::new)
        .map_err(|_| KeyRingError::Key { line })
}

impl PartialEq for KeyRing {
    fn eq(&self, other: &Self) -> bool {
        let (own, other) = (&self.0, &other.0);
        let same_values = own.values.len() == other.values.len()
            && own
                .values
                .iter()
                .zip(&other.values)
                .all(|(a, b)| a.0 == b.0 && a.1.ct_eq(&**b.1).into());
        own.current == other.current && same_values && own.names.ct_eq(&*other.names).into()
    }
}

impl Eq for KeyRing {}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("current", &self.0.current)
            .field("ids", &self.0.values.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Why there is no key ring. Shows nothing of the keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// The file cannot be read.
    #[error("the file with the key ring cannot be read")]
    File(#[source] std::io::Error),
    /// The variable is not set, or not Unicode.
    #[error("the environment variable with the key ring is not set")]
    Environment,
    /// A line that is neither kind of key.
    #[error(
        "line {line} of the key ring is not understood: \
         expected one `names <base64>`, and `key <number> <base64>` for each key"
    )]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// A key that is not one.
    #[error("the key in line {line} of the key ring is not base64 of 32 bytes")]
    Key {
        /// Which, from 1.
        line: usize,
    },
    /// Two keys of one id.
    #[error("the key ring has two keys with the id {id}")]
    Duplicate {
        /// The id.
        id: u32,
    },
    /// One of the two kinds is not there.
    #[error("the key ring has no line that begins with `{what}`")]
    Missing {
        /// Which.
        what: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "names AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const ONE: &str = "key 1 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    #[test]
    fn a_text_gives_the_keys_it_has() {
        let parsed: KeyRing = format!("# ours\n\n{NAMES}\n{ONE} # first\n")
            .parse()
            .unwrap();
        assert_eq!(parsed, KeyRing::new([0; 32], 1, [1; 32]));
        assert_ne!(parsed, KeyRing::new([0; 32], 1, [2; 32]));
        assert_ne!(parsed, KeyRing::new([1; 32], 1, [1; 32]));
    }

    #[test]
    fn what_is_wrong_is_named_without_the_keys() {
        for (text, message) in [
            (String::new(), "begins with `names`"),
            (ONE.to_owned(), "begins with `names`"),
            (NAMES.to_owned(), "begins with `key`"),
            (format!("{NAMES}\n{NAMES}\n{ONE}"), "line 2"),
            (format!("{NAMES}\n{ONE}\n{ONE}"), "id 1"),
            (format!("{NAMES}\nkey one AQEB"), "line 2"),
            (format!("{NAMES}\nkey 1 AQEB"), "line 2"),
            (format!("{NAMES}\nkey 1 !"), "line 2"),
            (format!("{NAMES}\n{ONE} x"), "line 2"),
            (format!("{NAMES}\nAQEBAQEB"), "line 2"),
        ] {
            let error = text.parse::<KeyRing>().unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
            assert!(!error.contains("AQEB"), "{error}");
        }
    }

    #[test]
    fn from_files_and_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring");
        assert!(matches!(
            KeyRing::from_file(&path),
            Err(KeyRingError::File(_))
        ));
        std::fs::write(&path, format!("{NAMES}\n{ONE}\n")).unwrap();
        assert_eq!(KeyRing::from_file(&path).unwrap().current_id(), 1);
        let unset = KeyRing::from_env("UID2_STORE_TEST_THAT_IS_NOT_SET");
        assert!(matches!(unset, Err(KeyRingError::Environment)));
    }
}
