//! What is in advertising and sharing tokens, and in encrypted data: a bidder's
//! or sharer's side, with keys from an operator.
//!
//! Reads one token a line and writes one line of JSON for each, or the reason
//! why it cannot be read, in the same order:
//!
//! ```text
//! uid2 emulator   # and set the variables that it prints
//! uid2 token generate --email user@example.com | jq -r .advertising_token \
//!     | cargo run -p uid2-emulator --example read_tokens
//! ```

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::time::SystemTime;

use bytes::Bytes;
use getrandom::SysRng;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rand_core::UnwrapErr;
use serde::Deserialize;
use serde_json::json;
use uid2_core::envelope::{self, Encoding};
use uid2_core::{ClientSecret, DiiKind, Scope, Timestamp};
use uid2_token::{Advertising, EncryptedData, TokenError, TokenKey, inspect};

#[derive(Deserialize)]
struct Answer {
    body: Keys,
}

#[derive(Deserialize)]
struct Keys {
    identity_scope: String,
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    id: i32,
    secret: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (scope, keys) = keys().await?;
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let told = match read(line?.trim(), scope, &keys) {
            Ok(told) => told,
            Err(error) => json!({ "error": error.to_string() }),
        };
        writeln!(out, "{told}")?;
    }
    Ok(())
}

fn read(text: &str, scope: Scope, keys: &[TokenKey]) -> Result<serde_json::Value, TokenError> {
    if let Ok(outside) = inspect(text) {
        let token = Advertising::decode(text, scope, keys)?;
        return Ok(json!({
            "version": format!("{:?}", outside.version),
            "raw_uid": token.raw_uid.to_base64().as_str(),
            "kind": match token.kind { DiiKind::Phone => "phone", _ => "email" },
            "site_id": token.site_id,
            "created": token.created.as_millis(),
            "expires": token.expires.as_millis(),
        }));
    }
    let sealed = EncryptedData::decode(text, scope, keys)?;
    let bytes: Vec<_> = sealed
        .data
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(json!({
        "data": bytes.concat(),
        "site_id": sealed.site_id,
        "sealed_at": sealed.sealed_at.as_millis(),
    }))
}

/// The keys that the operator gives to this client.
async fn keys() -> Result<(Scope, Vec<TokenKey>), Box<dyn Error>> {
    let base = env::var("UID2_BASE_URL")?;
    let secret: ClientSecret = env::var("UID2_SECRET_KEY")?.parse()?;
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let now = Timestamp::from_millis(i64::try_from(since_1970.as_millis())?);
    let mut rng = UnwrapErr(SysRng);
    let sealed = envelope::seal_request(&secret, b"", Encoding::Text, now, &mut rng);
    let request = http::Request::post(format!("{base}/v2/key/sharing"))
        .header(
            "Authorization",
            format!("Bearer {}", env::var("UID2_API_KEY")?),
        )
        .header("Content-Type", Encoding::Text.content_type())
        .body(Full::new(Bytes::from(sealed.body)))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if !status.is_success() {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
    }
    let opened = envelope::open_response(&secret, &body, Encoding::Text, sealed.nonce)?;
    let answer: Answer = serde_json::from_slice(opened.payload())?;
    let scope = match answer.body.identity_scope.as_str() {
        "EUID" => Scope::Euid,
        _ => Scope::Uid2,
    };
    let keys = answer.body.keys.iter();
    let keys = keys.map(|key| TokenKey::parse(key.id, &key.secret));
    Ok((scope, keys.collect::<Result<_, _>>()?))
}
