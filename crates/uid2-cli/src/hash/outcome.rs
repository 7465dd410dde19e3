//! What comes out for one input.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use uid2_core::{Email, HashText, Phone};

/// A normalized value and its hash, or why there is none.
pub(super) enum Outcome {
    Email(Email),
    Phone(Phone),
    Error(String),
}

impl Outcome {
    pub(super) fn of_email(input: &str) -> Self {
        Email::parse(input).map_or_else(|error| Self::error(&error), Self::Email)
    }

    pub(super) fn of_phone(input: &str) -> Self {
        Phone::parse(input).map_or_else(|error| Self::error(&error), Self::Phone)
    }

    pub(super) fn error(error: &impl ToString) -> Self {
        Self::Error(error.to_string())
    }

    pub(super) const fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    fn fields(&self) -> (Option<&str>, Option<HashText>, Option<&str>) {
        match self {
            Self::Email(email) => (Some(email.as_str()), Some(email.hash().to_base64()), None),
            Self::Phone(phone) => (Some(phone.as_str()), Some(phone.hash().to_base64()), None),
            Self::Error(error) => (None, None, Some(error)),
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (normalized, hash, error) = self.fields();
        let mut object = serializer.serialize_struct("Outcome", 3)?;
        object.serialize_field("normalized", &normalized)?;
        object.serialize_field("hash", &hash.as_ref().map(HashText::as_str))?;
        object.serialize_field("error", &error)?;
        object.end()
    }
}
