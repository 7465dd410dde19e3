//! Phone numbers in E.164, never guessed.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::PhoneHash;

/// The most digits that E.164 allows.
const MAX_DIGITS: usize = 15;
/// The fewest digits that the service accepts.
const MIN_DIGITS: usize = 10;

/// A phone number in E.164: `+` and 10 to 15 ASCII digits.
///
/// Nothing is repaired: a number without a country code, with spaces or with
/// dashes is an error that says which rule failed (protocol, section 1), because
/// a guessed country is another person. A leading zero after `+` is allowed, as
/// the service allows it.
///
/// Holding one needs no heap. `Debug` shows nothing of the number, and its
/// memory is wiped on drop.
///
/// ```
/// use uid2_core::{Phone, PhoneError};
///
/// let phone: Phone = "+12345678901".parse()?;
/// assert_eq!(phone.as_str(), "+12345678901");
/// assert_eq!("555-555-5555".parse::<Phone>(), Err(PhoneError::NoPlus));
/// # Ok::<(), PhoneError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone {
    bytes: [u8; 1 + MAX_DIGITS],
    len: u8,
}

impl Phone {
    /// Checks that `input` is in E.164, as it stands.
    ///
    /// # Errors
    /// [`PhoneError`] names the rule that the input breaks.
    pub fn parse(input: &str) -> Result<Self, PhoneError> {
        check(input)?;
        let mut bytes = [0; 1 + MAX_DIGITS];
        for (to, from) in bytes.iter_mut().zip(input.bytes()) {
            *to = from;
        }
        let len = u8::try_from(input.len()).map_err(|_| PhoneError::TooLong)?;
        Ok(Self { bytes, len })
    }

    /// The number, `+` included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// SHA-256 of the number. Does not allocate.
    #[must_use]
    pub fn hash(&self) -> PhoneHash {
        PhoneHash::from_bytes(Sha256::digest(self.as_bytes()).into())
    }
}

impl PhoneHash {
    /// Checks and hashes a phone number, without allocating.
    ///
    /// # Errors
    /// [`PhoneError`] names the rule that the input breaks.
    pub fn of(phone: &str) -> Result<Self, PhoneError> {
        check(phone)?;
        Ok(Self::from_bytes(Sha256::digest(phone.as_bytes()).into()))
    }
}

fn check(input: &str) -> Result<(), PhoneError> {
    let digits = input.strip_prefix('+').ok_or(PhoneError::NoPlus)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PhoneError::NotADigit);
    }
    match digits.len() {
        0..MIN_DIGITS => Err(PhoneError::TooShort),
        MIN_DIGITS..=MAX_DIGITS => Ok(()),
        _ => Err(PhoneError::TooLong),
    }
}

impl FromStr for Phone {
    type Err = PhoneError;

    fn from_str(input: &str) -> Result<Self, PhoneError> {
        Self::parse(input)
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.bytes.as_mut_slice().zeroize();
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(<redacted>)")
    }
}

/// Why a text is not a phone number to the service. Says nothing of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PhoneError {
    /// It does not begin with `+`: the country code is missing.
    #[error("not an E.164 phone number: it must begin with '+' and the country code")]
    NoPlus,
    /// Something after the `+` is not an ASCII digit.
    #[error(
        "not an E.164 phone number: only the digits 0 to 9 may follow the '+', \
         no spaces, dashes or brackets"
    )]
    NotADigit,
    /// Fewer than 10 digits.
    #[error("not an E.164 phone number the service accepts: fewer than 10 digits")]
    TooShort,
    /// More than 15 digits.
    #[error("not an E.164 phone number: more than 15 digits")]
    TooLong,
}
