//! `uid2 token refresh`: steps 3-b and 3-c of the publisher guide.

use std::fs::File;
use std::io::{self, Read};

use serde::Deserialize;
use serde_json::value::RawValue;
use uid2_core::operation::RefreshOutcome;
use uid2_core::{Identity, IdentityError};
use zeroize::Zeroizing;

use super::answer::Answer;
use super::call;
use crate::credentials::CredentialArgs;
use crate::failure::Failure;

/// No identity has so many bytes; an input that does is something else.
const MAX_INPUT: u64 = 1 << 20;

/// Ask for the next identity, with the refresh token of the last.
///
/// The new identity takes the place of the old one. If the person has opted out
/// ("status":"optout", exit status 3), the old token must not be used again
/// either, even though it has not expired.
#[derive(clap::Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// The identity: the JSON of the wire, or what `uid2 token` wrote; '-' is stdin
    #[arg(long, value_name = "FILE|-")]
    identity: String,

    #[command(flatten)]
    credentials: CredentialArgs,
}

const AFTER_HELP: &str = "\
Examples:
  uid2 token generate --email user@example.com > identity.json
  uid2 token refresh --identity identity.json
  uid2 token generate --email user@example.com | uid2 token refresh --identity -";

impl Args {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let json = read_input(&self.identity)?;
        let identity = parse(&json).map_err(|error| Failure::local("invalid_identity", &error))?;
        call(self.credentials, async |client| {
            let reply = client.refresh(&identity).await?;
            Ok(match reply.outcome {
                RefreshOutcome::Success(identity) => Answer::Identity(identity),
                RefreshOutcome::OptOut => Answer::OptOut,
                _ => Answer::unknown(),
            })
        })
    }
}

fn read_input(path: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = match path {
        "-" => io::stdin()
            .lock()
            .take(MAX_INPUT + 1)
            .read_to_end(&mut bytes),
        path => File::open(path).and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut bytes)),
    };
    match read {
        Ok(length) if length as u64 > MAX_INPUT => Err(Failure::said(
            "invalid_identity",
            format!("{path} is too large to be an identity"),
        )),
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failure::said(
            "unreadable_file",
            format!("cannot read {path}: {error}"),
        )),
    }
}

/// An identity as on the wire, or wrapped as our own commands write it.
pub(crate) fn parse(json: &[u8]) -> Result<Identity, IdentityError> {
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        identity: &'a RawValue,
    }
    // Serde would take an array of one for the same.
    let is_object = json.trim_ascii_start().starts_with(b"{");
    Identity::from_json(json).or_else(|error| match serde_json::from_slice::<Wrapped<'_>>(json) {
        Ok(wrapped) if is_object => Identity::from_json(wrapped.identity.get().as_bytes()),
        _ => Err(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: &str = r#"{"advertising_token":"A","refresh_token":"r","refresh_from":1,
        "identity_expires":2,"refresh_expires":3,"new":[1, 2]}"#;

    #[test]
    fn takes_what_the_wire_and_what_we_write() {
        let wire = parse(IDENTITY.as_bytes()).unwrap();
        let ours = format!(r#"{{"status":"success","identity":{IDENTITY}}}"#);
        assert_eq!(parse(ours.as_bytes()).unwrap(), wire);
    }

    #[test]
    fn an_error_names_what_is_missing_inside_and_outside() {
        let missing = |json: &str| parse(json.as_bytes()).unwrap_err().to_string();
        assert!(missing(r#"{"status":"optout"}"#).contains("'advertising_token' is missing"));
        let wrapped = r#"{"status":"success","identity":{"advertising_token":"A"}}"#;
        assert!(missing(wrapped).contains("'refresh_token' is missing"));
        assert!(missing("").contains("not valid JSON"));
    }
}
