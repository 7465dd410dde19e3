//! What the outside of a token says, without keys.

use uid2_core::{DiiKind, Scope};

use crate::error::TokenError;
use crate::prefix;
use crate::text;
use crate::wire::Reader;

/// The version of an advertising token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Version {
    /// AES-CBC, not authenticated. Not made any more.
    V2,
    /// AES-GCM, in standard base64.
    V3,
    /// AES-GCM, in URL-safe base64: what operators make today.
    V4,
}

impl Version {
    /// The byte on the wire.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 112,
            Self::V4 => 128,
        }
    }
}

/// What an advertising token says to anybody: enough to tell tokens of one
/// kind from another, nothing about the person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outside {
    /// Version.
    pub version: Version,
    /// UID2 or EUID; version 2 does not say.
    pub scope: Option<Scope>,
    /// E-mail address or phone number; version 2 does not say.
    pub kind: Option<DiiKind>,
    /// Number of the master key that opens it.
    pub master_key_id: i32,
    /// Length in bytes.
    pub bytes: usize,
}

/// Reads the outside of an advertising token, without any key.
///
/// That a token has an outside does not make it genuine.
///
/// ```
/// use uid2_core::{DiiKind, Scope};
/// use uid2_token::{Version, inspect};
///
/// let token = "AIAAAACkOqJj9VoxXJNnuX3v-ymceRf8_Av0vA5asOj9YBZJc1kV1vHdmb0AIjlzWnFF-gxIlgXqhRFhPo3iXpugPBl3gv4GKnGkw-Zgm2QqMsDPPLpMCYiWrIUqHPm8hQiq9PuTU-Ba9xecRsSIAN0WCwKLwA_EDVdzmnLJu64dQoeYmuu3u1G2EuTkuMrevmP98tJqSUePKwnfK73-0Zdshw";
/// let outside = inspect(token)?;
/// assert_eq!((outside.version, outside.master_key_id), (Version::V4, 164));
/// assert_eq!((outside.scope, outside.kind), (Some(Scope::Uid2), Some(DiiKind::Email)));
/// # Ok::<(), uid2_token::TokenError>(())
/// ```
///
/// # Errors
/// [`TokenError`] if it is none: not base64, too short, or of no known version.
pub fn inspect(token: &str) -> Result<Outside, TokenError> {
    Outside::of_bytes(&text::decode(token)?)
}

impl Outside {
    /// As [`inspect`], of the bytes.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn of_bytes(token: &[u8]) -> Result<Self, TokenError> {
        let mut reader = Reader::new(token);
        let bytes = token.len();
        let first = reader.u8()?;
        if first == Version::V2.byte() {
            return Ok(Self {
                version: Version::V2,
                scope: None,
                kind: None,
                master_key_id: reader.i32()?,
                bytes,
            });
        }
        let version = match reader.u8()? {
            112 => Version::V3,
            128 => Version::V4,
            found => return Err(TokenError::UnknownVersion { found }),
        };
        let (scope, kind) = prefix::read(first)?;
        Ok(Self {
            version,
            scope: Some(scope),
            kind: Some(kind),
            master_key_id: reader.i32()?,
            bytes,
        })
    }
}
