//! Which person a request is about (protocol, section 6).

use std::borrow::Cow;

use base64::Engine;
use serde_json::Value;
use uid2_core::{Dii, DiiKind};

use crate::shell::answer::Answer;
use crate::shell::envelope::{JAVA, Payload};

pub(crate) const WITH_PHONE: &str = "Required Parameter Missing: exactly one of \
    [email, email_hash, phone, phone_hash] must be specified";
pub(crate) const WITHOUT_PHONE: &str =
    "Required Parameter Missing: exactly one of email or email_hash must be specified";
const INVALID: &str = "Invalid Identifier";

/// Whom a request names, as the service knows people: by the hash of their DII.
/// That is 32 bytes, unless the caller made a mistake that the service takes.
pub(crate) struct Person {
    kind: DiiKind,
    hash: Vec<u8>,
}

impl Person {
    pub(crate) const fn kind(&self) -> DiiKind {
        self.kind
    }

    pub(crate) fn identity_hash(&self) -> &[u8] {
        &self.hash
    }
}

impl From<&Dii> for Person {
    fn from(dii: &Dii) -> Self {
        Self {
            kind: dii.kind(),
            hash: dii.hash_bytes().into(),
        }
    }
}

/// What was given in place of exactly one valid identity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum InputError {
    /// None or several.
    NotOne,
    /// One, but it cannot be normalized.
    Invalid,
}

impl InputError {
    /// As generate and validate answer it.
    pub(crate) fn answer(self, phone_support: bool) -> Answer {
        Answer::client_error(match self {
            Self::NotOne if phone_support => WITH_PHONE,
            Self::NotOne => WITHOUT_PHONE,
            Self::Invalid => INVALID,
        })
    }
}

/// The one identity of a request. Phone numbers do not exist where they are not
/// supported.
pub(crate) fn person(payload: Option<&Payload>, phone_support: bool) -> Result<Person, InputError> {
    one_of(payload, phone_support, parse)
}

/// As [`person`], but it must be what a client should send.
pub(crate) fn dii(payload: Option<&Payload>, phone_support: bool) -> Result<Dii, InputError> {
    one_of(payload, phone_support, parse_dii)
}

fn one_of<T>(
    payload: Option<&Payload>,
    phone_support: bool,
    parse: impl Fn(&str, &str) -> Option<T>,
) -> Result<T, InputError> {
    let payload = payload.ok_or(InputError::NotOne)?;
    let all = ["email", "email_hash", "phone", "phone_hash"];
    let kinds = if phone_support {
        &all[..]
    } else {
        all.get(..2).unwrap_or_default()
    };
    let mut given = kinds
        .iter()
        .filter_map(|kind| text(payload, kind).map(|value| (*kind, value)));
    match (given.next(), given.next()) {
        (Some((kind, value)), None) => parse(kind, &value).ok_or(InputError::Invalid),
        _ => Err(InputError::NotOne),
    }
}

/// Reads an identity by the name of its kind, as loosely as the service does
/// (protocol, section 1).
pub(crate) fn parse(kind: &str, value: &str) -> Option<Person> {
    if let Some(dii) = parse_dii(kind, value) {
        return Some(Person::from(&dii));
    }
    let kind = match kind {
        "email_hash" => DiiKind::Email,
        "phone_hash" => DiiKind::Phone,
        _ => return None,
    };
    let hash = loose_hash(value)?;
    Some(Person { kind, hash })
}

/// 44 characters that the service's base64 decoder does not refuse: 31 to 33
/// bytes, and bits at the end that say nothing.
fn loose_hash(value: &str) -> Option<Vec<u8>> {
    const LEN: usize = 44;
    let decoded = (value.len() == LEN).then(|| JAVA.decode(value));
    decoded?.ok()
}

/// Reads an identity by the name of its kind.
pub(crate) fn parse_dii(kind: &str, value: &str) -> Option<Dii> {
    match kind {
        "email" => Dii::email(value).ok(),
        "email_hash" => Dii::email_hash(value).ok(),
        "phone" => Dii::phone(value).ok(),
        "phone_hash" => Dii::phone_hash(value).ok(),
        _ => None,
    }
}

/// A member as text. The service's JSON library makes a text of anything but null.
pub(crate) fn text<'a>(payload: &'a Payload, name: &str) -> Option<Cow<'a, str>> {
    match payload.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        other => Some(Cow::Owned(other.to_string())),
    }
}
