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
use uid2_http::{Client, HyperTransport, RetryPolicy};
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

    /// A file with the API key, or '-' for stdin; goes before UID2_API_KEY
    #[arg(long, value_name = "FILE|-")]
    api_key_file: Option<PathBuf>,

    /// A file with the client secret, or '-' for stdin; goes before UID2_SECRET_KEY
    #[arg(long, value_name = "FILE|-")]
    secret_key_file: Option<PathBuf>,

    /// Refused, without being repeated: other users of a machine see what is on
    /// its command lines.
    #[arg(long, hide = true)]
    api_key: Option<Hidden>,

    /// Refused as well.
    #[arg(long, hide = true)]
    secret_key: Option<Hidden>,
}

/// A text that must not be shown.
#[derive(Clone)]
pub(crate) struct Hidden(Zeroizing<String>);

impl Hidden {
    /// The text itself: for what checks or sends it, and nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

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

/// What stands where credentials are looked for, not yet read.
pub(crate) struct Given {
    pub(crate) base_url: Option<String>,
    pub(crate) api_key: Option<Hidden>,
    pub(crate) secret: Option<Hidden>,
}

impl Given {
    /// Who calls, and whom.
    fn caller(self) -> Result<(Caller, BaseUrl), Failure> {
        let base_url = self.base_url.ok_or_else(|| {
            Failure::usage(
                "no base URL: set UID2_BASE_URL or give --base-url \
             (`uid2 emulator` runs an operator on this machine)",
            )
        })?;
        let api_key = self.api_key.ok_or_else(|| {
            Failure::usage("no API key: set UID2_API_KEY, or give --api-key-file")
        })?;
        let secret = self.secret.ok_or_else(|| Failure::usage(NO_SECRET))?;
        let base_url = read_base_url(&base_url)?;
        Ok((read_caller(&api_key, &secret)?, base_url))
    }
}

impl CredentialArgs {
    /// A client of the operator.
    pub(crate) fn client(self) -> Result<Client<HyperTransport>, Failure> {
        self.client_with(RetryPolicy::default())
    }

    /// A client that tries so often.
    pub(crate) fn client_with(self, retry: RetryPolicy) -> Result<Client<HyperTransport>, Failure> {
        let (caller, base_url) = self.find()?.caller()?;
        let transport =
            HyperTransport::new().map_err(|error| Failure::local("invalid_proxy", &error))?;
        Ok(Client::builder(caller, base_url)
            .retry(retry)
            .build(transport))
    }

    /// Who calls, and whom; or nothing, if nothing at all is given.
    pub(crate) fn operator(self) -> Result<Option<(Caller, BaseUrl)>, Failure> {
        let given = self.find()?;
        let is_nothing =
            given.base_url.is_none() && given.api_key.is_none() && given.secret.is_none();
        if is_nothing {
            return Ok(None);
        }
        given.caller().map(Some)
    }

    /// What is given, wherever that is.
    pub(crate) fn find(self) -> Result<Given, Failure> {
        if self.api_key.is_some() || self.secret_key.is_some() {
            return Err(Failure::usage(
                "credentials are not taken from the command line, where other users of this \
                 machine see them: set UID2_API_KEY and UID2_SECRET_KEY, or give \
                 --api-key-file and --secret-key-file (and replace those that were typed)",
            ));
        }
        let is_stdin = |file: &Option<PathBuf>| file.as_deref() == Some(Path::new("-"));
        if is_stdin(&self.api_key_file) && is_stdin(&self.secret_key_file) {
            return Err(Failure::usage(
                "only one of the API key and the client secret can come from stdin",
            ));
        }
        Ok(Given {
            base_url: self.base_url.filter(|url| !url.trim().is_empty()),
            api_key: given(self.api_key_file.as_deref(), "UID2_API_KEY")?,
            secret: given(self.secret_key_file.as_deref(), "UID2_SECRET_KEY")?,
        })
    }
}

const NO_SECRET: &str = "no client secret: set UID2_SECRET_KEY, or give --secret-key-file";

/// The client secret alone, for what is done without an operator.
pub(crate) fn secret_of(file: Option<&Path>) -> Result<Hidden, Failure> {
    given(file, "UID2_SECRET_KEY")?.ok_or_else(|| Failure::usage(NO_SECRET))
}

pub(crate) fn read_base_url(url: &str) -> Result<BaseUrl, Failure> {
    BaseUrl::parse(url.trim()).map_err(|error| match error {
        BaseUrlError::Insecure => Failure::said(
            "insecure_url",
            "plain http would send the API key in the clear: use https, or http to this machine only",
        ),
        error => Failure::local("invalid_base_url", &error),
    })
}

fn read_caller(api_key: &Hidden, secret: &Hidden) -> Result<Caller, Failure> {
    Ok(Caller::new(read_api_key(api_key)?, read_secret(secret)?))
}

pub(crate) fn read_api_key(api_key: &Hidden) -> Result<ApiKey, Failure> {
    ApiKey::parse(api_key.0.trim()).map_err(|error| Failure::local("invalid_api_key", &error))
}

pub(crate) fn read_secret(secret: &Hidden) -> Result<ClientSecret, Failure> {
    ClientSecret::parse(secret.0.trim())
        .map_err(|error| Failure::local("invalid_secret_key", &error))
}

/// From a file if there is one, or else from the environment.
fn given(file: Option<&Path>, variable: &str) -> Result<Option<Hidden>, Failure> {
    if let Some(file) = file {
        return read_file(file).map(Some);
    }
    let text = std::env::var(variable).map(Hidden::from).ok();
    // An empty variable is as good as none.
    Ok(text.filter(|text| !text.0.trim().is_empty()))
}

fn read_file(path: &Path) -> Result<Hidden, Failure> {
    let mut text = Zeroizing::new(String::new());
    let opened: std::io::Result<Box<dyn Read>> = match path.as_os_str() == "-" {
        true => Ok(Box::new(std::io::stdin())),
        false => File::open(path).map(|file| Box::new(file) as Box<dyn Read>),
    };
    let read = opened
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
