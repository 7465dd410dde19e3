//! What a call comes to, as JSON and as an exit status.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;
use uid2_core::Identity;

use crate::exit::Exit;
use crate::failure::Failure;

/// What a call came to.
pub(super) enum Answer {
    Identity(Identity),
    Validity(bool),
    OptOut,
    NoConsent,
    Error(Failure),
}

impl Answer {
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::Identity(_) | Self::Validity(_) => Exit::Success,
            Self::OptOut => Exit::OptedOut,
            Self::NoConsent => Exit::NoConsent,
            Self::Error(_) => Exit::Failure,
        }
    }

    /// An outcome that the core knows and this version does not.
    pub(super) fn unknown() -> Self {
        Self::Error(Failure::said(
            "unexpected_response",
            "the operator answered with an outcome that this version does not know: upgrade it",
        ))
    }

    const fn status(&self) -> &'static str {
        match self {
            Self::Identity(_) | Self::Validity(_) => "success",
            Self::OptOut => "optout",
            Self::NoConsent => "insufficient_user_consent",
            Self::Error(_) => "error",
        }
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("status", self.status())?;
        match self {
            Self::Identity(identity) => {
                // As on the wire, members that are not known included.
                let json = identity.to_json();
                let raw: &RawValue =
                    serde_json::from_str(&json).map_err(serde::ser::Error::custom)?;
                object.serialize_entry("identity", raw)?;
            }
            Self::Validity(valid) => object.serialize_entry("valid", valid)?,
            Self::OptOut | Self::NoConsent => {}
            Self::Error(failure) => {
                object.serialize_entry("kind", failure.kind)?;
                object.serialize_entry("message", &failure.message)?;
                object.serialize_entry("http_status", &failure.http_status)?;
            }
        }
        object.end()
    }
}
