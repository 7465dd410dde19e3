//! `uid2 envelope open`.

use std::io::Write;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use uid2_core::envelope::{self, Encoding, EnvelopeError, Nonce, Opened};
use uid2_core::{ClientSecret, ResponseKey};

use super::explain::{self, Expected};
use super::{bytes, read_stdin};
use crate::clock;
use crate::credentials::{Hidden, read_secret, secret_of};
use crate::failure::Failure;
use crate::output::print_json;

/// Open the envelope on stdin
///
/// A response by default, which must carry the nonce of its request: --nonce gives
/// it, --any-nonce does without. Writes the payload to stdout, and nonce, timestamp
/// and age to stderr; with --json all of it to stdout. The payload of most responses
/// has tokens and keys in it: mind where it goes.
///
/// What does not open is explained, with what the operator would say of it.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// It is a request
    #[arg(long, conflicts_with_all = ["nonce", "any_nonce"])]
    request: bool,

    /// It answers /v2/token/refresh: what UID2_SECRET_KEY or the file has is the
    /// refresh_response_key of the identity, and there is no nonce
    #[arg(long, conflicts_with_all = ["request", "nonce", "any_nonce"])]
    refresh: bool,

    /// The nonce of the request: 8 bytes, as 16 hex digits or base64
    #[arg(
        long,
        value_name = "HEX",
        value_parser = bytes::parse::<8>,
        required_unless_present_any = ["request", "refresh", "any_nonce"]
    )]
    nonce: Option<[u8; 8]>,

    /// Do not compare nonces: what opens may answer another request
    #[arg(long, conflicts_with = "nonce")]
    any_nonce: bool,

    /// It is raw bytes, as with application/octet-stream, and not base64
    #[arg(long)]
    binary: bool,

    /// A file with the client secret; goes before UID2_SECRET_KEY
    #[arg(long, value_name = "FILE")]
    secret_key_file: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  uid2 envelope open --nonce 0001020304050607 < response.txt | jq .body
  uid2 envelope open --request --json < request.txt
  jq -j .identity.refresh_response_key identity.json > key.txt
  uid2 envelope open --refresh --secret-key-file key.txt < response.txt";

impl Args {
    pub(super) fn run(&self, json: bool) -> Result<(), Failure> {
        let secret = secret_of(self.secret_key_file.as_deref())?;
        let input = read_stdin()?;
        let (body, encoding) = match self.binary {
            true => (input.as_slice(), Encoding::Binary),
            // The line break that a shell or an editor has put there.
            false => (input.trim_ascii_end(), Encoding::Text),
        };
        if self.refresh {
            let payload = open_refresh(&secret, body, encoding)?;
            return tell(&payload, Map::new(), json);
        }
        let secret = read_secret(&secret)?;
        let opened = self
            .open(&secret, body, encoding)
            .map_err(|error| explain::refusal(&error, body, self.expected()))?;
        let mut about = Map::new();
        let age = clock::now().as_millis() - opened.timestamp().as_millis();
        about.insert("nonce".into(), bytes::hex(opened.nonce().as_bytes()).into());
        about.insert("timestamp".into(), opened.timestamp().as_millis().into());
        about.insert("age_ms".into(), age.into());
        if let (Expected::Request, Some(warning)) = (self.expected(), explain::drift(age)) {
            about.insert("warning".into(), warning.into());
        }
        tell(opened.payload(), about, json)
    }

    const fn expected(&self) -> Expected {
        match self.request {
            true => Expected::Request,
            false => Expected::Response,
        }
    }

    fn open(
        &self,
        secret: &ClientSecret,
        body: &[u8],
        encoding: Encoding,
    ) -> Result<Opened, EnvelopeError> {
        if self.request {
            return envelope::open_request(secret, body, encoding);
        }
        match self.nonce {
            Some(nonce) => {
                envelope::open_response(secret, body, encoding, Nonce::from_bytes(nonce))
            }
            None => open_any(secret, body, encoding),
        }
    }
}

/// A request is a response behind a version byte; so a response opens as one.
fn open_any(
    secret: &ClientSecret,
    body: &[u8],
    encoding: Encoding,
) -> Result<Opened, EnvelopeError> {
    let mut request = vec![1];
    match encoding {
        Encoding::Binary => request.extend_from_slice(body),
        Encoding::Text => {
            let decoded = STANDARD.decode(body);
            request.extend(decoded.map_err(|_| EnvelopeError::NotBase64)?);
        }
    }
    envelope::open_request(secret, &request, Encoding::Binary).map_err(|error| match error {
        EnvelopeError::TooShort { found, min } => EnvelopeError::TooShort {
            found: found.saturating_sub(1),
            min: min.saturating_sub(1),
        },
        error => error,
    })
}

fn open_refresh(key: &Hidden, body: &[u8], encoding: Encoding) -> Result<Vec<u8>, Failure> {
    let key = ResponseKey::parse(key.expose().trim())
        .map_err(|error| Failure::local("invalid_secret_key", &error))?;
    envelope::open_refresh_response(&key, body, encoding)
        .map(|payload| payload.as_bytes().to_vec())
        .map_err(|error| explain::refusal(&error, body, Expected::Refresh))
}

fn tell(payload: &[u8], mut about: Map<String, Value>, json: bool) -> Result<(), Failure> {
    if json {
        let payload = match serde_json::from_slice(payload) {
            Ok(payload) => payload,
            Err(_) => Value::String(String::from_utf8_lossy(payload).into_owned()),
        };
        about.insert("payload".into(), payload);
        about.insert("status".into(), "success".into());
        print_json(&about);
        return Ok(());
    }
    let mut stdout = std::io::stdout().lock();
    // That nobody reads it is not worth a word.
    let _ = stdout
        .write_all(payload)
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    for (name, value) in about {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let _ = writeln!(std::io::stderr(), "{name} {value}");
    }
    Ok(())
}
