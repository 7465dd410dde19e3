//! Identities as JSON, both ways.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{AdvertisingToken, Identity, IdentityError, JsonKind, RefreshToken};
use crate::json::{self, member_len, string_len, write_member, write_string};
use crate::secret::ResponseKey;
use crate::time::Timestamp;
use crate::wipe::Wiped;

const ADVERTISING_TOKEN: &str = "advertising_token";
const REFRESH_TOKEN: &str = "refresh_token";
const REFRESH_RESPONSE_KEY: &str = "refresh_response_key";
const REFRESH_FROM: &str = "refresh_from";
const IDENTITY_EXPIRES: &str = "identity_expires";
const REFRESH_EXPIRES: &str = "refresh_expires";

const KNOWN: [&str; 6] = [
    ADVERTISING_TOKEN,
    REFRESH_TOKEN,
    REFRESH_RESPONSE_KEY,
    REFRESH_FROM,
    IDENTITY_EXPIRES,
    REFRESH_EXPIRES,
];

pub(super) fn read(json: &[u8]) -> Result<Identity, IdentityError> {
    let members: Members<'_> = json::read(json).map_err(|error| {
        if error.is_data() {
            IdentityError::NotAnObject {
                found: JsonKind::of(json),
            }
        } else {
            not_json(&error)
        }
    })?;
    members.into_identity()
}

fn not_json(error: &serde_json::Error) -> IdentityError {
    IdentityError::NotJson {
        line: error.line(),
        column: error.column(),
    }
}

/// The members of the object, not yet looked into: so that an error can name
/// the member, and so that unknown ones stay as they were written.
struct Members<'a> {
    known: [Option<&'a RawValue>; KNOWN.len()],
    duplicate: Option<&'static str>,
    unknown: Vec<(Box<str>, Box<RawValue>)>,
}

impl<'a> Members<'a> {
    fn into_identity(self) -> Result<Identity, IdentityError> {
        if let Some(name) = self.duplicate {
            return Err(IdentityError::Duplicate { name });
        }
        Ok(Identity {
            advertising_token: AdvertisingToken::new(&self.text(ADVERTISING_TOKEN)?),
            refresh_token: RefreshToken::new(&self.text(REFRESH_TOKEN)?),
            refresh_response_key: self.response_key()?,
            refresh_from: self.time(REFRESH_FROM)?,
            identity_expires: self.time(IDENTITY_EXPIRES)?,
            refresh_expires: self.time(REFRESH_EXPIRES)?,
            unknown: self.unknown,
        })
    }

    fn get(&self, name: &'static str) -> Option<&'a RawValue> {
        let position = KNOWN.iter().position(|known| *known == name)?;
        *self.known.get(position)?
    }

    fn require(&self, name: &'static str) -> Result<&'a RawValue, IdentityError> {
        self.get(name).ok_or(IdentityError::Missing { name })
    }

    fn text(&self, name: &'static str) -> Result<Cow<'a, str>, IdentityError> {
        let text = as_text(name, self.require(name)?)?;
        if text.is_empty() {
            return Err(IdentityError::Empty { name });
        }
        Ok(text)
    }

    fn time(&self, name: &'static str) -> Result<Timestamp, IdentityError> {
        let value = self.require(name)?;
        // A JSON number that is a Rust integer; JSON has no leading '+'.
        value
            .get()
            .parse()
            .map(Timestamp::from_millis)
            .map_err(|_| IdentityError::Mistyped {
                name,
                expected: "an integer of milliseconds",
                found: JsonKind::of(value.get().as_bytes()),
            })
    }

    /// Absent and `null` are the same: an identity of old.
    fn response_key(&self) -> Result<Option<ResponseKey>, IdentityError> {
        match self.get(REFRESH_RESPONSE_KEY) {
            Some(value) if value.get() != "null" => {
                let text = as_text(REFRESH_RESPONSE_KEY, value)?;
                ResponseKey::parse(&text)
                    .map(Some)
                    .map_err(IdentityError::ResponseKey)
            }
            _ => Ok(None),
        }
    }
}

fn as_text<'a>(name: &'static str, value: &'a RawValue) -> Result<Cow<'a, str>, IdentityError> {
    if let Some(text) = unescaped(value.get()) {
        return Ok(Cow::Borrowed(text));
    }
    serde_json::from_str::<BorrowedText<'a>>(value.get())
        .map(|text| text.0)
        .map_err(|_| IdentityError::Mistyped {
            name,
            expected: "a string",
            found: JsonKind::of(value.get().as_bytes()),
        })
}

/// The text of a JSON string that has no escapes, without reading it again: the
/// JSON is known to be valid.
fn unescaped(json: &str) -> Option<&str> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    (!text.as_bytes().contains(&b'\\')).then_some(text)
}

/// `Cow<str>` that borrows where nothing was escaped.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identity")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members {
            known: [None; KNOWN.len()],
            duplicate: None,
            unknown: Vec::new(),
        };
        while let Some(name) = map.next_key::<BorrowedText<'de>>()? {
            let slot = KNOWN
                .iter()
                .zip(&mut members.known)
                .find(|(known, _)| **known == name.0);
            match slot {
                Some((known, slot)) => {
                    if slot.replace(map.next_value()?).is_some() {
                        members.duplicate = Some(known);
                    }
                }
                None => {
                    let name = name.0.into_owned().into_boxed_str();
                    members.unknown.push((name, map.next_value()?));
                }
            }
        }
        Ok(members)
    }
}

/// As [`Serialize`] writes it, but into a single allocation that is wiped on
/// drop: a buffer that grows leaves copies of the secrets behind.
pub(super) fn write(identity: &Identity) -> Zeroizing<String> {
    let mut out = Wiped::with_capacity(written_len(identity));
    let times = [
        (IDENTITY_EXPIRES, identity.identity_expires),
        (REFRESH_EXPIRES, identity.refresh_expires),
        (REFRESH_FROM, identity.refresh_from),
    ];
    out.push(b'{');
    write_member(
        &mut out,
        ADVERTISING_TOKEN,
        identity.advertising_token.as_str(),
    );
    out.push(b',');
    write_member(&mut out, REFRESH_TOKEN, identity.refresh_token.expose());
    for (name, time) in times {
        write_raw_member(&mut out, name, &time.as_millis().to_string());
    }
    if let Some(key) = &identity.refresh_response_key {
        out.push(b',');
        write_member(&mut out, REFRESH_RESPONSE_KEY, &key.expose_base64());
    }
    for (name, value) in &identity.unknown {
        write_raw_member(&mut out, name, value.get());
    }
    out.push(b'}');
    // Only texts were written, so this is UTF-8.
    Zeroizing::new(String::from_utf8(out.into_inner()).unwrap_or_default())
}

/// Appends `,"name":value`, the value as it is.
fn write_raw_member(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b',');
    write_string(out, name);
    out.push(b':');
    out.extend_from_slice(value.as_bytes());
}

/// At least as many bytes as [`write`] writes.
fn written_len(identity: &Identity) -> usize {
    /// Braces, the names of the times and the key, three times, a key.
    const FIXED: usize = 2 + 4 * (4 + 20) + 3 * 20 + 46;
    let unknown = identity
        .unknown
        .iter()
        .map(|(name, value)| 2 + string_len(name) + value.get().len());
    FIXED
        + member_len(ADVERTISING_TOKEN, identity.advertising_token.as_str())
        + 1
        + member_len(REFRESH_TOKEN, identity.refresh_token.expose())
        + unknown.sum::<usize>()
}

/// As on the wire. Only for JSON: members that are not known are kept as raw JSON.
impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(ADVERTISING_TOKEN, self.advertising_token.as_str())?;
        map.serialize_entry(REFRESH_TOKEN, self.refresh_token.expose())?;
        map.serialize_entry(IDENTITY_EXPIRES, &self.identity_expires)?;
        map.serialize_entry(REFRESH_EXPIRES, &self.refresh_expires)?;
        map.serialize_entry(REFRESH_FROM, &self.refresh_from)?;
        if let Some(key) = &self.refresh_response_key {
            map.serialize_entry(REFRESH_RESPONSE_KEY, key.expose_base64().as_str())?;
        }
        for (name, value) in &self.unknown {
            map.serialize_entry(&**name, value)?;
        }
        map.end()
    }
}

/// As on the wire. Only from JSON; [`Identity::from_json`] gives typed errors.
impl<'de> Deserialize<'de> for Identity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        read(raw.get().as_bytes()).map_err(D::Error::custom)
    }
}
