//! Who calls, and whom: from flags, files and the environment.
//!
//! The values are read by this module and not by clap, whose complaints would
//! repeat them.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use uid2_core::operation::Caller;
use uid2_core::{ApiKey, BaseUrl, BaseUrlError, ClientSecret};
use uid2_http::{Client, HyperTransport};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// No key has so many bytes; a file that does is something else.
const MAX_FILE: u64 = 4096;

/// Where the operator is, and the credentials for it.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct CredentialArgs {
    /// The operator: https://operator-integ.uidapi.com for integration,
    /// https://prod.uidapi.com and its siblings for production
    #[arg(
        long,
        value_name = "URL",
        env = "UID2_BASE_URL",
        hide_env_values = true
    )]
    base_url: Option<String>,

    /// The API key; other users of this machine may see a flag, so prefer a file
    /// or the environment
    #[arg(long, value_name = "KEY", env = "UID2_API_KEY", hide_env_values = true)]
    api_key: Option<Hidden>,

    /// A file with the API key; goes before --api-key and the environment
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,

    /// The client secret that belongs to the API key; prefer a file or the
    /// environment here too
    #[arg(
        long,
        value_name = "SECRET",
        env = "UID2_SECRET_KEY",
        hide_env_values = true
    )]
    secret_key: Option<Hidden>,

    /// A file with the client secret; goes before --secret-key and the environment
    #[arg(long, value_name = "FILE")]
    secret_key_file: Option<PathBuf>,
}

/// A text that must not be shown.
#[derive(Clone)]
struct Hidden(Zeroizing<String>);

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Why there are no credentials to call with.
pub(crate) enum CredentialError {
    /// Not given at all: the command line is incomplete.
    Missing(&'static str),
    /// Given, and of no use.
    Unusable(Failure),
}

impl From<Failure> for CredentialError {
    fn from(failure: Failure) -> Self {
        Self::Unusable(failure)
    }
}

impl CredentialArgs {
    /// A client of the operator.
    pub(crate) fn client(self) -> Result<Client<HyperTransport>, CredentialError> {
        let base_url = self.base_url.ok_or(CredentialError::Missing(
            "no base URL: set UID2_BASE_URL or give --base-url \
             (`uid2 emulator` runs an operator on this machine)",
        ))?;
        let api_key = given(self.api_key_file.as_deref(), self.api_key)?;
        let api_key = api_key.ok_or(CredentialError::Missing(
            "no API key: set UID2_API_KEY, or give --api-key-file or --api-key",
        ))?;
        let secret = given(self.secret_key_file.as_deref(), self.secret_key)?;
        let secret = secret.ok_or(CredentialError::Missing(
            "no client secret: set UID2_SECRET_KEY, or give --secret-key-file or --secret-key",
        ))?;
        let base_url = read_base_url(&base_url)?;
        let caller = read_caller(&api_key, &secret)?;
        let transport =
            HyperTransport::new().map_err(|error| Failure::local("invalid_proxy", &error))?;
        Ok(Client::builder(caller, base_url).build(transport))
    }
}

fn read_base_url(url: &str) -> Result<BaseUrl, Failure> {
    BaseUrl::parse(url.trim()).map_err(|error| match error {
        BaseUrlError::Insecure => Failure::said(
            "insecure_url",
            "plain http would send the API key in the clear: use https, or http to this machine only",
        ),
        error => Failure::local("invalid_base_url", &error),
    })
}

fn read_caller(api_key: &Hidden, secret: &Hidden) -> Result<Caller, Failure> {
    let api_key = ApiKey::parse(api_key.0.trim())
        .map_err(|error| Failure::local("invalid_api_key", &error))?;
    let secret = ClientSecret::parse(secret.0.trim())
        .map_err(|error| Failure::local("invalid_secret_key", &error))?;
    Ok(Caller::new(api_key, secret))
}

fn given(file: Option<&Path>, text: Option<Hidden>) -> Result<Option<Hidden>, Failure> {
    match file {
        Some(file) => read_file(file).map(Some),
        // An empty variable is as good as none.
        None => Ok(text.filter(|text| !text.0.trim().is_empty())),
    }
}

fn read_file(path: &Path) -> Result<Hidden, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text))
        .map_err(|error| {
            let message = format!("cannot read {}: {error}", path.display());
            Failure::said("unreadable_file", message)
        })?;
    if read as u64 > MAX_FILE {
        let message = format!("{} is too large to hold a key", path.display());
        return Err(Failure::said("unreadable_file", message));
    }
    Ok(Hidden(text))
}
