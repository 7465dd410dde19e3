//! What did not work with a store: for people on stderr, for scripts as JSON.

use std::error::Error;
use std::fmt;

use serde_json::json;
use uid2_store::StoreError;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{in_full, print_json};

/// Why a command could not be carried out. Nothing in it is secret or personal.
#[derive(Debug)]
pub(super) struct Problem {
    kind: Option<&'static str>,
    message: String,
}

impl Problem {
    pub(super) fn new(kind: &'static str, error: &dyn Error) -> Self {
        Self::said(kind, in_full(error))
    }

    pub(super) fn said(kind: &'static str, message: impl Into<String>) -> Self {
        let (kind, message) = (Some(kind), message.into());
        Self { kind, message }
    }

    /// The command line is wrong.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        let (kind, message) = (None, message.into());
        Self { kind, message }
    }

    /// Which store it is about.
    pub(super) fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Tells it.
    pub(super) fn tell(self, json: bool) -> Exit {
        match self.kind {
            None => Failure::usage(self.message).tell(json),
            Some(kind) if json => {
                print_json(&json!({
                    "status": "error",
                    "kind": kind,
                    "message": self.message,
                }));
                Exit::Failure
            }
            Some(kind) => Failure::said(kind, self.message).tell(json),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::new(kind_of(&error), &error)
    }
}

/// For `--help`.
pub(super) const HELP: &str = "\
Kinds of errors, and what to do:
  not_found                                   mend the path
  not_a_store, newer_format                   another file, or upgrade uid2
  already_open                                stop the process that has it open
  read_only, full                             permissions; room
  corrupt                                     restore a backup, or `copy` to a new store
  encrypted, not_encrypted, wrong_key_ring    give the right keys, or none
  key_missing, invalid_keys                   mend the key file or variable
  refused, unavailable                        mend the URL; try again later";

const fn kind_of(error: &StoreError) -> &'static str {
    match error {
        StoreError::Conflict => "conflict",
        StoreError::Damaged | StoreError::NotAuthentic { .. } => "damaged",
        StoreError::Corrupt(_) => "corrupt",
        StoreError::NewerFormat { .. } => "newer_format",
        StoreError::AlreadyOpen => "already_open",
        StoreError::NotAStore(_) => "not_a_store",
        StoreError::ReadOnly(_) => "read_only",
        StoreError::Full(_) | StoreError::Capacity { .. } => "full",
        StoreError::KeyMissing { .. } => "key_missing",
        StoreError::Encrypted => "encrypted",
        StoreError::NotEncrypted => "not_encrypted",
        StoreError::WrongKeyRing => "wrong_key_ring",
        StoreError::Refused(_) => "refused",
        StoreError::Unavailable(_) => "unavailable",
        StoreError::Io(_) => "io",
        _ => "other",
    }
}
