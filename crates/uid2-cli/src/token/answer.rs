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

#[cfg(test)]
mod tests {
    use super::*;

    fn json(answer: &Answer) -> String {
        serde_json::to_string(answer).unwrap()
    }

    #[test]
    fn an_identity_is_written_as_on_the_wire_with_members_that_are_not_known() {
        let wire = concat!(
            r#"{"advertising_token":"A","refresh_token":"r","refresh_from":1,"#,
            r#""identity_expires":2,"refresh_expires":3,"new":{"a": [1.50]}}"#
        );
        let identity = Identity::from_json(wire.as_bytes()).unwrap();
        let answer = Answer::Identity(identity);
        let text = json(&answer);
        assert!(
            text.starts_with(r#"{"status":"success","identity":{"#),
            "{text}"
        );
        assert!(text.contains(r#""new":{"a": [1.50]}"#), "{text}");
        assert_eq!(answer.exit(), Exit::Success);
    }

    #[test]
    fn each_answer_has_its_form_and_its_exit_status() {
        let error = || Answer::Error(Failure::said("connect", "no route"));
        let cases = [
            (
                Answer::Validity(true),
                r#"{"status":"success","valid":true}"#,
                Exit::Success,
            ),
            (
                Answer::Validity(false),
                r#"{"status":"success","valid":false}"#,
                Exit::Success,
            ),
            (Answer::OptOut, r#"{"status":"optout"}"#, Exit::OptedOut),
            (
                Answer::NoConsent,
                r#"{"status":"insufficient_user_consent"}"#,
                Exit::NoConsent,
            ),
            (
                error(),
                r#"{"status":"error","kind":"connect","message":"no route","http_status":null}"#,
                Exit::Failure,
            ),
        ];
        for (answer, text, exit) in cases {
            assert_eq!(json(&answer), text);
            assert_eq!(answer.exit(), exit);
        }
    }
}
