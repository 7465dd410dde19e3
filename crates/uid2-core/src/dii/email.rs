//! E-mail addresses, normalized exactly as the service does it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::EmailHash;

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
#[derive(Clone, PartialEq, Eq)]
pub struct Email(Zeroizing<Box<str>>);

impl Email {
    /// Normalizes `input`, allocating exactly as much as the result needs.
    ///
    /// # Errors
    /// [`EmailError`] names the rule that the input breaks.
    pub fn parse(input: &str) -> Result<Self, EmailError> {
        let parts = Parts::split(input)?;
        let mut normalized = Vec::with_capacity(parts.normalized_len());
        parts.write(|chunk| normalized.extend_from_slice(chunk));
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
    /// Normalizes and hashes an e-mail address in one pass, without allocating.
    ///
    /// # Errors
    /// [`EmailError`] names the rule that the input breaks.
    pub fn of(email: &str) -> Result<Self, EmailError> {
        let parts = Parts::split(email)?;
        let mut hasher = Sha256::new();
        parts.write(|chunk| hasher.update(chunk));
        Ok(Self::from_bytes(hasher.finalize().into()))
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

const GMAIL: &[u8] = b"gmail.com";

/// An address cut at its `@`, with what the domain says about the local part.
struct Parts<'a> {
    local: &'a [u8],
    domain: &'a [u8],
    drop_dots: bool,
}

impl<'a> Parts<'a> {
    fn split(input: &'a str) -> Result<Self, EmailError> {
        let mut pieces = input.as_bytes().split(|byte| *byte == b'@');
        let local = pieces.next().unwrap_or_default();
        let domain = pieces.next().ok_or(EmailError::NoAt)?;
        if pieces.next().is_some() {
            return Err(EmailError::SeveralAt);
        }
        Self::new(local, trim_trailing_spaces(domain))
    }

    fn new(local: &'a [u8], domain: &'a [u8]) -> Result<Self, EmailError> {
        let gmail = domain.eq_ignore_ascii_case(GMAIL);
        let local = if gmail { before_plus(local) } else { local };
        let parts = Self {
            local,
            domain,
            drop_dots: gmail,
        };
        if !local.iter().any(|byte| parts.keeps(*byte)) {
            return Err(EmailError::EmptyLocal);
        }
        if domain.is_empty() {
            return Err(EmailError::EmptyDomain);
        }
        Ok(parts)
    }

    /// Whether a byte of the local part survives.
    fn keeps(&self, byte: u8) -> bool {
        byte != b' ' && !(self.drop_dots && byte == b'.')
    }

    fn normalized_len(&self) -> usize {
        let kept = self.local.iter().filter(|byte| self.keeps(**byte)).count();
        kept + 1 + self.domain.len()
    }

    /// Hands the normalized bytes to `sink`, a buffer full at a time: almost
    /// every address fits one, and then a hasher sees a single update.
    fn write(&self, mut sink: impl FnMut(&[u8])) {
        let kept = self.local.iter().copied().filter(|byte| self.keeps(*byte));
        let all = kept
            .chain(core::iter::once(b'@'))
            .chain(self.domain.iter().copied());
        let mut buffer = Zeroizing::new([0_u8; 128]);
        let mut used = 0;
        for byte in all {
            if used == buffer.len() {
                sink(&buffer[..]);
                used = 0;
            }
            if let Some(slot) = buffer.get_mut(used) {
                *slot = byte.to_ascii_lowercase();
                used += 1;
            }
        }
        sink(buffer.get(..used).unwrap_or_default());
    }
}

fn trim_trailing_spaces(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' '] = bytes {
        bytes = rest;
    }
    bytes
}

fn before_plus(local: &[u8]) -> &[u8] {
    local.split(|byte| *byte == b'+').next().unwrap_or_default()
}
