//! Keys to open tokens with: from a file, or from the emulator that a file names.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use uid2_core::{ApiKey, BaseUrl, ClientSecret, Scope};
use uid2_token::TokenKey;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::wire;

/// Answers of a key endpoint have some hundred kilobytes at most.
const MAX_FILE: u64 = 16 << 20;
const KEY_PATH: &str = "/v2/key/bidstream";

/// A ring of keys, and the rules that came with it.
pub(super) struct Keys {
    pub(super) ring: Vec<TokenKey>,
    pub(super) scope: Option<Scope>,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) allowed_skew: Option<Duration>,
}

/// The body of an answer of `/v2/key/bidstream`, `/v2/key/sharing`, or just a list
/// of keys, as of `/v2/key/latest` (protocol, section 12).
#[derive(Deserialize)]
struct Body {
    keys: Vec<FileKey>,
    identity_scope: Option<String>,
    max_bidstream_lifetime_seconds: Option<u64>,
    max_sharing_lifetime_seconds: Option<u64>,
    allow_clock_skew_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct FileKey {
    id: i32,
    secret: String,
}

/// What `uid2 emulator --json` prints.
#[derive(Deserialize)]
struct Emulator {
    url: String,
    api_key: String,
    client_secret: String,
}

impl Keys {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let mut text = Zeroizing::new(String::new());
        File::open(path)
            .and_then(|file| file.take(MAX_FILE).read_to_string(&mut text))
            .map_err(|error| {
                Failure::said("unreadable_file", format!("cannot read {shown}: {error}"))
            })?;
        if let Ok(emulator) = serde_json::from_str::<Emulator>(&text) {
            return Self::fetch(&emulator);
        }
        Self::of_json(&text).map_err(|failure| Failure {
            message: format!("{shown}: {}", failure.message),
            ..failure
        })
    }

    fn of_json(text: &str) -> Result<Self, Failure> {
        let invalid = || {
            Failure::said(
                "invalid_keys",
                "not the JSON of a key endpoint ({\"keys\":[{\"id\":…,\"secret\":…}]}), nor the \
                 line of `uid2 emulator --json`",
            )
        };
        let value: Value = serde_json::from_str(text).map_err(|_| invalid())?;
        let body = match value {
            Value::Array(keys) => serde_json::json!({ "keys": keys }),
            Value::Object(mut members) => match members.remove("body") {
                Some(Value::Array(keys)) => serde_json::json!({ "keys": keys }),
                Some(body) => body,
                None => Value::Object(members),
            },
            _ => return Err(invalid()),
        };
        let body: Body = serde_json::from_value(body).map_err(|_| invalid())?;
        let ring: Result<Vec<_>, _> = body
            .keys
            .iter()
            .map(|key| TokenKey::parse(key.id, &key.secret))
            .collect();
        Ok(Self {
            ring: ring.map_err(|error| Failure::local("invalid_keys", &error))?,
            scope: match body.identity_scope.as_deref() {
                Some("EUID") => Some(Scope::Euid),
                Some("UID2") => Some(Scope::Uid2),
                _ => None,
            },
            max_lifetime: body
                .max_bidstream_lifetime_seconds
                .or(body.max_sharing_lifetime_seconds)
                .map(Duration::from_secs),
            allowed_skew: body.allow_clock_skew_seconds.map(Duration::from_secs),
        })
    }

    fn fetch(emulator: &Emulator) -> Result<Self, Failure> {
        let url = BaseUrl::parse(&emulator.url)
            .map_err(|error| Failure::local("invalid_base_url", &error))?;
        let key = ApiKey::parse(&emulator.api_key)
            .map_err(|error| Failure::local("invalid_api_key", &error))?;
        let secret = ClientSecret::parse(&emulator.client_secret)
            .map_err(|error| Failure::local("invalid_secret_key", &error))?;
        let answer = wire::call(&url, KEY_PATH, &key, &secret, b"")?;
        let text = std::str::from_utf8(&answer)
            .map_err(|_| Failure::said("invalid_keys", "the operator's keys are not text"))?;
        Self::of_json(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    #[test]
    fn every_form_of_an_answer() {
        let keys = format!(r#"[{{"id":3,"keyset_id":1,"created":1,"secret":"{SECRET}"}}]"#);
        for text in [
            keys.clone(),
            format!(r#"{{"keys":{keys},"identity_scope":"EUID"}}"#),
            format!(r#"{{"body":{keys},"status":"success"}}"#),
            format!(r#"{{"body":{{"keys":{keys},"token_expiry_seconds":"2592000"}}}}"#),
        ] {
            let read = Keys::of_json(&text).map_err(|failure| failure.message);
            assert_eq!(read.unwrap().ring.first().unwrap().id(), 3, "{text}");
        }
    }

    #[test]
    fn what_is_none_says_so_without_repeating_it() {
        for text in [
            "",
            "7",
            r#"{"keys":[{"id":3,"secret":7}]}"#,
            r#"{"keys":[{"id":3,"secret":"hunter22"}]}"#,
            r#"{"hunter22":[]}"#,
        ] {
            let failure = Keys::of_json(text).map(drop).unwrap_err();
            assert_eq!(failure.kind, "invalid_keys");
            assert!(!failure.message.contains("hunter22"));
        }
    }
}
