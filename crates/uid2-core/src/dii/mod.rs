//! DII, directly identifying information: e-mail addresses, phone numbers and
//! their hashes.

mod block;
mod email;
mod hash;
mod phone;

use alloc::vec::Vec;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

pub use email::{Email, EmailError};
pub use hash::{EmailHash, HashError, HashText, PhoneHash};
pub use phone::{Phone, PhoneError};

use crate::json::{member_len, write_member};
use crate::secret::DiiKey;

/// One of the four ways to name a person to the service.
///
/// ```
/// use uid2_core::{Dii, Email};
///
/// let dii = Dii::from(Email::parse("User@Example.com")?);
/// assert_eq!(dii.to_hashed(), Dii::email_hash("tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dii {
    /// A normalized e-mail address.
    Email(Email),
    /// A phone number in E.164.
    Phone(Phone),
    /// The hash of a normalized e-mail address.
    EmailHash(EmailHash),
    /// The hash of a phone number in E.164.
    PhoneHash(PhoneHash),
}

/// Whether DII is about an e-mail address or a phone number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum DiiKind {
    /// An e-mail address or its hash.
    Email,
    /// A phone number or its hash.
    Phone,
}

impl Dii {
    /// Normalizes an e-mail address.
    ///
    /// # Errors
    /// As [`Email::parse`].
    pub fn email(input: &str) -> Result<Self, EmailError> {
        Email::parse(input).map(Self::Email)
    }

    /// Checks a phone number.
    ///
    /// # Errors
    /// As [`Phone::parse`].
    pub fn phone(input: &str) -> Result<Self, PhoneError> {
        Phone::parse(input).map(Self::Phone)
    }

    /// Reads the hash of an e-mail address.
    ///
    /// # Errors
    /// As [`EmailHash::parse`].
    pub fn email_hash(input: &str) -> Result<Self, HashError> {
        EmailHash::parse(input).map(Self::EmailHash)
    }

    /// Reads the hash of a phone number.
    ///
    /// # Errors
    /// As [`PhoneHash::parse`].
    pub fn phone_hash(input: &str) -> Result<Self, HashError> {
        PhoneHash::parse(input).map(Self::PhoneHash)
    }

    /// Whether this is about an e-mail address or a phone number.
    #[must_use]
    pub const fn kind(&self) -> DiiKind {
        match self {
            Self::Email(_) | Self::EmailHash(_) => DiiKind::Email,
            Self::Phone(_) | Self::PhoneHash(_) => DiiKind::Phone,
        }
    }

    /// The same person, named by hash.
    #[must_use]
    pub fn to_hashed(&self) -> Self {
        match self {
            Self::Email(email) => Self::EmailHash(email.hash()),
            Self::Phone(phone) => Self::PhoneHash(phone.hash()),
            hashed => hashed.clone(),
        }
    }

    /// The 32 bytes of the hash, computed if need be. Does not allocate.
    #[must_use]
    pub fn hash_bytes(&self) -> [u8; 32] {
        match self {
            Self::Email(email) => *email.hash().as_bytes(),
            Self::Phone(phone) => *phone.hash().as_bytes(),
            Self::EmailHash(hash) => *hash.as_bytes(),
            Self::PhoneHash(hash) => *hash.as_bytes(),
        }
    }

    /// A name for this DII that tells nothing about it to who lacks the key:
    /// HMAC-SHA-256 of its kind and hash. Raw and hashed forms of the same
    /// person agree, an e-mail address and a phone number never do.
    #[must_use]
    pub fn keyed_hash(&self, key: &DiiKey) -> [u8; 32] {
        let kind: &[u8] = match self.kind() {
            DiiKind::Email => b"email",
            DiiKind::Phone => b"phone",
        };
        keyed_hash(key, &[kind, &self.hash_bytes()])
    }

    /// Appends the JSON member that names this DII in a request. Raw DII is
    /// hashed unless `raw` is asked for.
    pub(crate) fn write_member(&self, raw: bool, out: &mut Vec<u8>) {
        match self {
            Self::Email(email) if raw => write_member(out, "email", email.as_str()),
            Self::Phone(phone) if raw => write_member(out, "phone", phone.as_str()),
            Self::Email(email) => {
                write_member(out, "email_hash", email.hash().to_base64().as_str());
            }
            Self::Phone(phone) => {
                write_member(out, "phone_hash", phone.hash().to_base64().as_str());
            }
            Self::EmailHash(hash) => write_member(out, "email_hash", hash.to_base64().as_str()),
            Self::PhoneHash(hash) => write_member(out, "phone_hash", hash.to_base64().as_str()),
        }
    }

    /// At least as many bytes as [`write_member`](Self::write_member) appends.
    pub(crate) fn member_len(&self, raw: bool) -> usize {
        const HASHED: usize = r#""email_hash":"""#.len() + 44;
        match self {
            Self::Email(email) if raw => member_len("email", email.as_str()),
            _ => HASHED,
        }
    }
}

/// HMAC-SHA-256 under a [`DiiKey`].
pub(crate) fn keyed_hash(key: &DiiKey, parts: &[&[u8]]) -> [u8; 32] {
    // HMAC pads a key that is shorter than its block with zeros (RFC 2104).
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key.as_bytes()) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl From<Email> for Dii {
    fn from(email: Email) -> Self {
        Self::Email(email)
    }
}

impl From<Phone> for Dii {
    fn from(phone: Phone) -> Self {
        Self::Phone(phone)
    }
}

impl From<EmailHash> for Dii {
    fn from(hash: EmailHash) -> Self {
        Self::EmailHash(hash)
    }
}

impl From<PhoneHash> for Dii {
    fn from(hash: PhoneHash) -> Self {
        Self::PhoneHash(hash)
    }
}
