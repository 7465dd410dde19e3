//! What can be wrong with the JSON of an identity.

use core::fmt;

/// Why a text is not an identity. Names members, never their contents.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// Not JSON at all, or cut off.
    #[error("not an identity: not valid JSON (line {line}, column {column})")]
    NotJson {
        /// Where reading stopped, from 1.
        line: usize,
        /// Where reading stopped, from 1.
        column: usize,
    },
    /// JSON, but not an object.
    #[error("not an identity: expected a JSON object, found {found}")]
    NotAnObject {
        /// What it is.
        found: JsonKind,
    },
    /// A member is not there.
    #[error("not an identity: '{name}' is missing")]
    Missing {
        /// The member.
        name: &'static str,
    },
    /// A member is there twice.
    #[error("not an identity: '{name}' is there twice")]
    Duplicate {
        /// The member.
        name: &'static str,
    },
    /// A member has the wrong type.
    #[error("not an identity: '{name}' must be {expected}, found {found}")]
    Mistyped {
        /// The member.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: JsonKind,
    },
    /// A token is an empty text.
    #[error("not an identity: '{name}' is empty")]
    Empty {
        /// The member.
        name: &'static str,
    },
    /// `refresh_response_key` is not base64 of 32 bytes.
    #[error("not an identity: 'refresh_response_key' is not a key")]
    ResponseKey(#[source] crate::secret::KeyError),
}

/// The kinds of JSON values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonKind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number.
    Number,
    /// A text.
    String,
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

impl JsonKind {
    /// The kind of a JSON value, by its first byte.
    pub(crate) fn of(json: &[u8]) -> Self {
        match json.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::String,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'-' | b'0'..=b'9') => Self::Number,
            _ => Self::Null,
        }
    }
}

impl fmt::Display for JsonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}
