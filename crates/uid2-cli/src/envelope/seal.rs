//! `uid2 envelope seal`.

use std::io::Write;
use std::path::PathBuf;

use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};
use serde_json::{Value, json};
use uid2_core::Timestamp;
use uid2_core::envelope::{Encoding, Nonce, seal_request_with, seal_response};

use super::{bytes, read_stdin};
use crate::clock;
use crate::credentials::{read_secret, secret_of};
use crate::failure::Failure;
use crate::output::print_json;

/// Seal the JSON on stdin into a request envelope
///
/// Writes the envelope to stdout, and the nonce that the response will repeat to
/// stderr: "nonce 0123456789abcdef timestamp 1700000000000". With --json, both to
/// stdout. Timestamp, nonce and IV may be given, for known answers; other than that
/// they must be fresh for each envelope.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Seal a response, as an operator does; it repeats the request's --nonce
    #[arg(long, requires = "nonce")]
    response: bool,

    /// The time in it, in milliseconds since 1970 [default: now]
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    timestamp: Option<i64>,

    /// The nonce in it: 8 bytes, as 16 hex digits or base64 [default: random]
    #[arg(long, value_name = "HEX", value_parser = bytes::parse::<8>)]
    nonce: Option<[u8; 8]>,

    /// The IV: 12 bytes, as 24 hex digits or base64; never the same twice with a
    /// secret that is in use [default: random]
    #[arg(long, value_name = "HEX", value_parser = bytes::parse::<12>)]
    iv: Option<[u8; 12]>,

    /// Raw bytes, for application/octet-stream, and not base64
    #[arg(long)]
    binary: bool,

    /// Seal what is not JSON, too
    #[arg(long)]
    any_payload: bool,

    /// A file with the client secret; goes before UID2_SECRET_KEY
    #[arg(long, value_name = "FILE")]
    secret_key_file: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  echo '{\"email\":\"user@example.com\"}' | uid2 envelope seal
  printf '{}' | uid2 envelope seal --timestamp 1700000000000 \\
    --nonce 0001020304050607 --iv 000000000000000000000000";

impl Args {
    pub(super) fn run(&self, json: bool) -> Result<(), Failure> {
        let secret = read_secret(&secret_of(self.secret_key_file.as_deref())?)?;
        let input = read_stdin()?;
        let payload = input.trim_ascii();
        if !self.any_payload && !payload.is_empty() {
            check_json(payload)?;
        }
        let mut rng = UnwrapErr(SysRng);
        let nonce = self.nonce.unwrap_or_else(|| random(&mut rng));
        let iv = self.iv.unwrap_or_else(|| random(&mut rng));
        let timestamp = self
            .timestamp
            .map_or_else(clock::now, Timestamp::from_millis);
        // JSON has room for text alone.
        let encoding = match self.binary && !json {
            true => Encoding::Binary,
            false => Encoding::Text,
        };
        let seal = match self.response {
            true => seal_response,
            false => seal_request_with,
        };
        let in_envelope = Nonce::from_bytes(nonce);
        let body = seal(&secret, payload, encoding, timestamp, iv, in_envelope);
        if json {
            print_json(&json!({
                "status": "success",
                "envelope": String::from_utf8_lossy(&body),
                "nonce": bytes::hex(&nonce),
                "timestamp": timestamp.as_millis(),
                "content_type": encoding.content_type(),
            }));
            return Ok(());
        }
        // That nobody reads it is not worth a word.
        let _ = write(&body, encoding);
        let _ = writeln!(
            std::io::stderr(),
            "nonce {} timestamp {}",
            bytes::hex(&nonce),
            timestamp.as_millis()
        );
        Ok(())
    }
}

fn write(body: &[u8], encoding: Encoding) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(body)?;
    // A terminal wants one; `--data @file` of curl drops it, and `open` does too.
    if encoding == Encoding::Text {
        stdout.write_all(b"\n")?;
    }
    stdout.flush()
}

fn random<const N: usize>(rng: &mut impl Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn check_json(payload: &[u8]) -> Result<(), Failure> {
    let checked: Result<Value, _> = serde_json::from_slice(payload);
    checked.map(drop).map_err(|error| {
        let message = format!(
            "stdin is not JSON from line {} column {} on: the service would refuse it with \
             'Invalid payload in body: Data is not valid json string.' (--any-payload seals it)",
            error.line(),
            error.column()
        );
        Failure::said("not_json", message)
    })
}
