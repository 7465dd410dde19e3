//! Hashes of DII: what leaves the process in place of an address or a number.

use core::fmt;
use core::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Length of a hash in base64, padding included.
const BASE64_LEN: usize = 44;
/// Length of a hash in hex digits.
const HEX_LEN: usize = 64;

macro_rules! dii_hash {
    ($name:ident, $of:literal, $example:literal, $base64:literal) => {
        #[doc = concat!("SHA-256 of a normalized ", $of, ", in its 32 bytes.")]
        ///
        /// Parses from 44 characters of standard base64 or from 64 hex digits
        /// (protocol, section 1) and is written as base64. Unlike the service,
        /// which takes whatever its base64 decoder does not refuse, this insists
        /// on exactly 32 bytes in canonical form: anything else is a mistake.
        ///
        /// It stands for a person, so `Debug` does not show it.
        ///
        /// ```
        #[doc = concat!("let hash = uid2_core::", stringify!($name), "::of(", $example, ")?;")]
        #[doc = concat!("assert_eq!(hash.to_base64().as_str(), ", $base64, ");")]
        #[doc = concat!("assert_eq!(uid2_core::", stringify!($name), "::parse(", $base64, ")?, hash);")]
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// From the 32 bytes of the hash.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes of the hash.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// From base64 or hex.
            ///
            /// # Errors
            /// [`HashError`] says what is wrong with the text.
            pub fn parse(text: &str) -> Result<Self, HashError> {
                decode(text).map(Self)
            }

            /// The 44 characters of base64 that go over the wire. Does not allocate.
            #[must_use]
            pub fn to_base64(&self) -> HashText {
                HashText::encode(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = HashError;

            fn from_str(text: &str) -> Result<Self, HashError> {
                Self::parse(text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(<redacted>)"))
            }
        }
    };
}

dii_hash!(
    EmailHash,
    "e-mail address",
    "\"user@example.com\"",
    "\"tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=\""
);
dii_hash!(
    PhoneHash,
    "phone number",
    "\"+12345678901\"",
    "\"EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4=\""
);

/// A hash as 44 characters of base64, held on the stack.
///
/// ```
/// use uid2_core::EmailHash;
///
/// let text = EmailHash::of("user@example.com")?.to_base64();
/// assert_eq!(text.as_str(), "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=");
/// # Ok::<(), uid2_core::EmailError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashText([u8; BASE64_LEN]);

impl HashText {
    fn encode(bytes: &[u8; 32]) -> Self {
        let mut text = [0; BASE64_LEN];
        // 32 bytes are always 44 characters, so this cannot fail.
        let _ = STANDARD.encode_slice(bytes, &mut text);
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl AsRef<str> for HashText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for HashText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for HashText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashText(<redacted>)")
    }
}

/// Why a text is not a hash. Says nothing of the text but its length.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Neither 44 nor 64 characters.
    #[error(
        "not a SHA-256 hash: {found} bytes of text, expected 44 characters of base64 or 64 hex digits"
    )]
    Length {
        /// How many bytes of text there were.
        found: usize,
    },
    /// 44 characters, but not standard base64 of exactly 32 bytes.
    #[error(
        "not a SHA-256 hash: 44 characters, but not standard base64 (with '+', '/' and '=') of 32 bytes"
    )]
    Base64,
    /// 64 characters, but not all hex digits.
    #[error("not a SHA-256 hash: 64 characters, but not all of them hex digits")]
    Hex,
}

fn decode(text: &str) -> Result<[u8; 32], HashError> {
    match text.len() {
        BASE64_LEN => decode_base64(text),
        HEX_LEN => decode_hex(text),
        found => Err(HashError::Length { found }),
    }
}

fn decode_base64(text: &str) -> Result<[u8; 32], HashError> {
    // The decoder wants room for its estimate, which is 33.
    let mut bytes = [0; 33];
    match STANDARD.decode_slice(text, &mut bytes) {
        Ok(32) => bytes.first_chunk().copied().ok_or(HashError::Base64),
        _ => Err(HashError::Base64),
    }
}

fn decode_hex(text: &str) -> Result<[u8; 32], HashError> {
    let mut bytes = [0; 32];
    let digits = text.as_bytes().chunks_exact(2);
    for (byte, pair) in bytes.iter_mut().zip(digits) {
        let [high, low] = pair else {
            return Err(HashError::Hex);
        };
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Ok(bytes)
}

const fn hex_digit(digit: u8) -> Result<u8, HashError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(HashError::Hex),
    }
}
