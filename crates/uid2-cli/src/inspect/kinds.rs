//! Which of the many texts it is, and what its outside says.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use uid2_core::{ApiKey, ApiKeyError, KeyEnvironment, Scope};
use uid2_token::{Outside, RawUid, RawUidVersion, UidEnvironment, Version};
use zeroize::Zeroizing;

use super::inside;
use super::keys::Keys;
use super::report::{Report, scope_name};
use crate::failure::Failure;

const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// An outer refresh token, in bytes: 388 characters (protocol, section 7).
const OUTER_REFRESH: usize = 291;
/// Inner refresh tokens of version 3 (protocol, section 15).
const INNER_REFRESH: usize = 124;
/// Request envelopes have at least so many bytes (protocol, section 4).
const MIN_ENVELOPE: usize = 45;

/// Tells what a text is that is not JSON.
pub(super) fn report(text: &str, keys: Option<&Keys>, show: bool) -> Result<Report, Failure> {
    if let Some(rest) = text.strip_prefix("UID2-").or(text.strip_prefix("EUID-")) {
        return Ok(key(text, rest));
    }
    let engine = match text.contains(['-', '_']) {
        true => URL_SAFE,
        false => STANDARD,
    };
    let Ok(bytes) = engine.decode(text).map(Zeroizing::new) else {
        return Err(Failure::said("not_recognized", not_base64(text)));
    };
    of_bytes(text, &bytes, keys, show)
}

fn of_bytes(text: &str, bytes: &[u8], keys: Option<&Keys>, show: bool) -> Result<Report, Failure> {
    match *bytes {
        _ if bytes.len() == 32 => Ok(thirty_two()),
        _ if bytes.len() == 33 => raw_uid(bytes),
        [0x00 | 0x10, a, b, c, d, ..] if bytes.len() == OUTER_REFRESH => {
            refresh(text, i32::from_be_bytes([a, b, c, d]), keys)
        }
        [first, 112, a, b, c, d, ..] if bytes.len() == INNER_REFRESH => {
            let mut report = Report::new("inner_refresh_token");
            report.field("scope", scope_of(first));
            report.field("refresh_key_id", i32::from_be_bytes([a, b, c, d]));
            report.note("operators seal these into refresh tokens: publishers do not see them");
            Ok(report)
        }
        [first, 112, ..] if first & 0xef == 0x6b => Ok(encrypted_data("3")),
        [128, 1, ..] => Ok(encrypted_data("2")),
        _ => match Outside::of_bytes(bytes) {
            Ok(outside) => advertising(text, outside, keys, show),
            Err(_) if bytes.first() == Some(&1) && bytes.len() >= MIN_ENVELOPE => Ok(envelope()),
            Err(error) => Err(Failure::said(
                "not_recognized",
                format!(
                    "{} bytes of base64 that are nothing known: {error}",
                    bytes.len()
                ),
            )),
        },
    }
}

/// `UID2-…` and `EUID-…`: keys that tell whose they are. Nothing after that is told.
fn key(text: &str, rest: &str) -> Report {
    match (ApiKey::parse(text), rest.as_bytes()) {
        (Ok(key), _) => {
            let mut report = Report::new("api_key").secret();
            report.field("scope", key.scope().map(scope_name));
            report.field("environment", key.environment().map(environment_name));
            report.field("site_id", key.site_id());
            report
        }
        (Err(ApiKeyError::ClientSideKey), [b'X', ..]) => {
            let mut report = Report::new("client_side_public_key");
            report.note("for web pages and apps (client-side integrations); not a secret");
            report
        }
        (Err(ApiKeyError::ClientSideKey), _) => {
            let mut report = Report::new("client_side_private_key").secret();
            report.note("the service keeps these: no publisher should have one");
            report
        }
        (Err(ApiKeyError::OperatorKey), _) => {
            let mut report = Report::new("operator_key").secret();
            report.note("of a private operator: a publisher's API key begins with UID2-C-");
            report
        }
        (Err(error), _) => {
            let mut report = Report::new("malformed_api_key").secret();
            report.field("length", text.len());
            report.note(error.to_string());
            report
        }
    }
}

const fn environment_name(environment: KeyEnvironment) -> &'static str {
    match environment {
        KeyEnvironment::Local => "local",
        KeyEnvironment::Test => "test",
        KeyEnvironment::Integration => "integration",
        KeyEnvironment::Production => "production",
    }
}

fn thirty_two() -> Report {
    let mut report = Report::new("32_bytes").secret();
    report.note(
        "a client secret, a refresh response key, the hash of an address or number, or a raw \
         UID2 of version 2: nothing on the outside tells which",
    );
    report
}

fn raw_uid(bytes: &[u8]) -> Result<Report, Failure> {
    let uid = RawUid::from_bytes(bytes);
    let version = match uid.version() {
        RawUidVersion::V3 => 3,
        RawUidVersion::V4 => 4,
        _ => {
            return Err(Failure::said(
                "not_recognized",
                "33 bytes, as a raw UID2 has, but neither a version 3 nor a version 4: was it altered?",
            ));
        }
    };
    let mut report = Report::new("raw_uid");
    report.field("version", version);
    let (scope, kind) = uid.scope_and_kind().unzip();
    report.scope_and_kind(scope, kind);
    if let Some((environment, key)) = uid.environment_and_key() {
        report.field("environment", uid_environment(environment));
        report.field("key_id", key);
    }
    report.note("it stands for a person: handle it as personal data");
    Ok(report)
}

const fn uid_environment(environment: UidEnvironment) -> &'static str {
    match environment {
        UidEnvironment::Test => "test",
        UidEnvironment::Integration => "integration",
        UidEnvironment::Production => "production",
    }
}

/// A refresh token, in the form that publishers have.
pub(super) fn refresh(text: &str, key_id: i32, keys: Option<&Keys>) -> Result<Report, Failure> {
    let scope = uid2_token::OuterRefreshToken::scope_of(text).ok();
    let mut report = Report::new("refresh_token");
    report.field("scope", scope.map(scope_name));
    report.field("refresh_key_id", key_id);
    report.field("length", text.len());
    if let Some(keys) = keys {
        inside::refresh(text, keys, &mut report)?;
    }
    Ok(report)
}

/// An advertising token.
pub(super) fn advertising(
    text: &str,
    outside: Outside,
    keys: Option<&Keys>,
    show: bool,
) -> Result<Report, Failure> {
    let mut report = Report::new("advertising_token");
    let (version, usual): (u8, &[usize]) = match outside.version {
        Version::V2 => (2, &[133]),
        Version::V3 => (3, &[163, 164]),
        _ => (4, &[163, 164]),
    };
    report.field("version", version);
    report.scope_and_kind(outside.scope, outside.kind);
    report.field("master_key_id", outside.master_key_id);
    report.field("length", text.len());
    report.field("bytes", outside.bytes);
    if version != 4 {
        report.note("operators make version 4 today");
    }
    if !usual.contains(&outside.bytes) {
        report.note("not as long as such tokens are: was it cut off, or put together?");
    }
    if let Some(keys) = keys {
        inside::advertising(text, outside.scope, keys, show, &mut report)?;
    }
    Ok(report)
}

fn encrypted_data(version: &str) -> Report {
    let mut report = Report::new("encrypted_data");
    report.field("version", version);
    report.note("raw UIDs as older SDKs share them: not an advertising token");
    report
}

fn envelope() -> Report {
    let mut report = Report::new("request_envelope");
    report.note("if it is one, `uid2 envelope open --request` opens it with the client secret");
    report
}

fn scope_of(byte: u8) -> &'static str {
    scope_name(match byte & 0x10 {
        0 => Scope::Uid2,
        _ => Scope::Euid,
    })
}

fn not_base64(text: &str) -> String {
    let why = if text.contains('@') {
        "an e-mail address? `uid2 hash` is for those"
    } else if text.contains('%') {
        "it has percent signs: is it URL-encoded?"
    } else if text.contains(char::is_whitespace) {
        "it has white space within: was it wrapped?"
    } else if text.contains(['-', '_']) && text.contains(['+', '/']) {
        "it has characters of both base64 alphabets: was it altered?"
    } else {
        "it is neither base64 nor a key nor JSON: was it cut off?"
    };
    format!("this is nothing known: {why}")
}
