//! E-mail addresses, normalized exactly as the service does it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::EmailHash;
use super::block::hash_email;

/// A normalized e-mail address.
///
/// Parsing is the validation and the normalization: once you hold an `Email`,
/// it is what the service would have made of the input (protocol, section 1).
/// The rules are the service's, not RFC 5322's: exactly one `@`; `A` to `Z`
/// lower-cased and nothing else; all spaces of the local part and the trailing
/// spaces of the domain dropped; for `gmail.com`, dots and everything from the
/// first `+` dropped from the local part. Tabs, newlines and Unicode are
/// ordinary characters.
///
/// `Debug` shows nothing of the address, and its memory is wiped on drop.
///
/// ```
/// use uid2_core::{Email, EmailHash};
///
/// let email: Email = " Jane.Doe+news@Gmail.com ".parse()?;
/// assert_eq!(email.as_str(), "janedoe@gmail.com");
/// assert_eq!(email.hash(), EmailHash::of("janedoe@gmail.com")?);
/// # Ok::<(), uid2_core::EmailError>(())
/// ```
#[derive(Clone)]
pub struct Email(Zeroizing<Box<str>>);

impl Email {
    /// Normalizes `input`, allocating exactly as much as the result needs.
    ///
    /// # Errors
    /// [`EmailError`] names the rule that the input breaks.
    pub fn parse(input: &str) -> Result<Self, EmailError> {
        let parts = Parts::split(input)?;
        let mut normalized = Vec::with_capacity(parts.kept_len());
        parts.each_kept(|piece| normalized.extend_from_slice(piece));
        normalized.make_ascii_lowercase();
        // Only ASCII bytes were dropped or changed, so this is still UTF-8.
        let text = alloc::string::String::from_utf8(normalized).unwrap_or_default();
        Ok(Self(Zeroizing::new(text.into_boxed_str())))
    }

    /// The normalized address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the normalized address. Does not allocate.
    #[must_use]
    pub fn hash(&self) -> EmailHash {
        EmailHash::from_bytes(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl EmailHash {
    /// Normalizes and hashes an e-mail address, without allocating.
    ///
    /// # Errors
    /// [`EmailError`] names the rule that the input breaks.
    pub fn of(email: &str) -> Result<Self, EmailError> {
        if let Some(hash) = hash_email(trim_trailing_spaces(email.as_bytes())) {
            return Ok(Self::from_bytes(hash));
        }
        let parts = Parts::split(email)?;
        let mut hasher = LowerCaseHasher::new();
        parts.each_kept(|piece| hasher.append(piece));
        Ok(Self::from_bytes(hasher.finalize()))
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(input: &str) -> Result<Self, EmailError> {
        Self::parse(input)
    }
}

impl core::hash::Hash for Email {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

/// In constant time for equal lengths.
impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Email {}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(<redacted>)")
    }
}

/// Why a text is not an e-mail address to the service. Says nothing of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmailError {
    /// There is no `@`.
    #[error("not an e-mail address: it has no '@'")]
    NoAt,
    /// There is more than one `@`, quoted or not.
    #[error("not an e-mail address: it has more than one '@'")]
    SeveralAt,
    /// Nothing is left before the `@` after normalization.
    #[error("not an e-mail address: nothing is left before the '@' once normalized")]
    EmptyLocal,
    /// Nothing is left after the `@` after normalization.
    #[error("not an e-mail address: nothing is left after the '@' once normalized")]
    EmptyDomain,
}

pub(super) const AT_GMAIL: &[u8; 10] = b"@gmail.com";

/// An address cut into what stays and what goes.
struct Parts<'a> {
    /// The local part, of a gmail address without its `+` and what follows.
    local: &'a [u8],
    /// The `@` and the domain, without trailing spaces.
    tail: &'a [u8],
    drop_dots: bool,
}

impl<'a> Parts<'a> {
    fn split(input: &'a str) -> Result<Self, EmailError> {
        let (local, domain) = input.split_once('@').ok_or(EmailError::NoAt)?;
        if domain.as_bytes().contains(&b'@') {
            return Err(EmailError::SeveralAt);
        }
        let trimmed = trim_trailing_spaces(input.as_bytes());
        // There is an '@' in `trimmed`, so trimming did not reach the local part.
        let tail = trimmed.get(local.len()..).unwrap_or_default();
        Self::new(local.as_bytes(), tail)
    }

    fn new(local: &'a [u8], tail: &'a [u8]) -> Result<Self, EmailError> {
        let drop_dots = tail.eq_ignore_ascii_case(AT_GMAIL);
        let parts = Self {
            local: if drop_dots { before_plus(local) } else { local },
            tail,
            drop_dots,
        };
        if parts.local.iter().all(|byte| parts.drops(*byte)) {
            return Err(EmailError::EmptyLocal);
        }
        if tail.len() <= 1 {
            return Err(EmailError::EmptyDomain);
        }
        Ok(parts)
    }

    /// Whether a byte of the local part goes.
    fn drops(&self, byte: u8) -> bool {
        byte == b' ' || self.drop_dots && byte == b'.'
    }

    /// The length of all that stays.
    fn kept_len(&self) -> usize {
        let kept = self.local.iter().filter(|byte| !self.drops(**byte));
        kept.count() + self.tail.len()
    }

    /// Hands over what stays, piece by piece, not yet in lower case.
    fn each_kept(&self, mut sink: impl FnMut(&[u8])) {
        for piece in self.local.split(|byte| self.drops(*byte)) {
            sink(piece);
        }
        sink(self.tail);
    }
}

/// Hashes what is kept, in lower case, a buffer on the stack at a time: for the
/// addresses that are not ordinary enough for [`hash_email`].
struct LowerCaseHasher {
    hasher: Sha256,
    buffer: [u8; BUFFER],
    used: usize,
}

const BUFFER: usize = 128;

impl LowerCaseHasher {
    fn new() -> Self {
        Self {
            hasher: Sha256::new(),
            buffer: [0; BUFFER],
            used: 0,
        }
    }

    fn append(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            if self.used == self.buffer.len() {
                self.flush();
            }
            let free = self.buffer.get_mut(self.used..).unwrap_or_default();
            let (now, later) = piece.split_at(piece.len().min(free.len()));
            if let Some(to) = free.get_mut(..now.len()) {
                to.copy_from_slice(now);
            }
            self.used += now.len();
            piece = later;
        }
    }

    fn flush(&mut self) {
        // Whole, in lower case: as many bytes as a vector has at a time.
        self.buffer.make_ascii_lowercase();
        self.hasher
            .update(self.buffer.get(..self.used).unwrap_or_default());
        self.used = 0;
    }

    fn finalize(mut self) -> [u8; 32] {
        self.flush();
        // As a whole: `Zeroize` of bytes stores them one by one.
        self.buffer = [0; BUFFER];
        zeroize::optimization_barrier(&self.buffer);
        self.hasher.finalize().into()
    }
}

fn trim_trailing_spaces(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' '] = bytes {
        bytes = rest;
    }
    bytes
}

pub(super) fn before_plus(local: &[u8]) -> &[u8] {
    local.split(|byte| *byte == b'+').next().unwrap_or_default()
}
