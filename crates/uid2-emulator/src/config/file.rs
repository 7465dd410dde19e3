//! Configuration files, in TOML or JSON.
//!
//! Everything may be left out, and then is as in [`Config::default`]. What is
//! not known is refused: a misspelt name would silently do nothing.

use std::time::Duration;

use serde::Deserialize;
use uid2_core::{Dii, Scope};
use uid2_token::UidEnvironment;

use super::{
    Client, ClientError, Config, Keypair, KeypairError, Keyset, Lifetimes, LifetimesError, Role,
    Roles, Site,
};
use crate::endpoint::input;
use crate::endpoint::keys::MASTER_KEYSET_ID;
use crate::fault::{FaultError, FaultRule};
use crate::shell::route::Endpoint;

/// Keysets up to this one are the service's own.
const LAST_RESERVED_KEYSET: i32 = 2;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    scope: Option<FileScope>,
    environment: Option<FileEnvironment>,
    seed: Option<String>,
    raw_uid_v3: Option<bool>,
    logout_backend: Option<bool>,
    encryption: Option<bool>,
    fault_header: Option<bool>,
    lifetimes: Option<FileLifetimes>,
    clients: Option<Vec<FileClient>>,
    keypairs: Option<Vec<FileKeypair>>,
    sites: Option<Vec<FileSite>>,
    keysets: Vec<FileKeyset>,
    key_sharing_endpoint_provide_app_names: Option<bool>,
    opt_outs: FileOptOuts,
    faults: Vec<FileFault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileKeypair {
    subscription_id: String,
    site_id: i32,
    private_key: String,
    #[serde(default)]
    disabled: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSite {
    id: i32,
    #[serde(default)]
    domain_names: Vec<String>,
    #[serde(default)]
    app_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileKeyset {
    id: i32,
    site_id: i32,
    allowed_sites: Option<Vec<i32>>,
    #[serde(default)]
    disabled: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FileOptOuts {
    email: Vec<String>,
    email_hash: Vec<String>,
    phone: Vec<String>,
    phone_hash: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FileScope {
    Uid2,
    Euid,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FileEnvironment {
    Test,
    Integ,
    Prod,
}

/// In seconds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileLifetimes {
    refresh_from: Option<f64>,
    identity: Option<f64>,
    refresh: Option<f64>,
    sharing_token: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileClient {
    name: String,
    site_id: i32,
    roles: Vec<FileRole>,
    api_key: String,
    client_secret: String,
    #[serde(default)]
    disabled: bool,
    link_ids: Option<Vec<String>>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum FileRole {
    Generator,
    Mapper,
    IdReader,
    Sharer,
    Optout,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileFault {
    fault: String,
    endpoint: Option<String>,
    probability: Option<f64>,
}

/// Why a text is not a configuration. Shows no credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not TOML, or not what it should hold.
    #[error("the configuration is not TOML of the documented form: {0}")]
    Toml(Box<str>),
    /// Not JSON, or not what it should hold.
    #[error("the configuration is not JSON of the documented form (line {line}, column {column})")]
    Json {
        /// Where reading stopped, from 1.
        line: usize,
        /// Where reading stopped, from 1.
        column: usize,
    },
    /// A client that cannot be one.
    #[error("client {name:?} of the configuration is not usable")]
    Client {
        /// Its name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: ClientError,
    },
    /// A key pair that cannot be one.
    #[error("the key pair of subscription {subscription_id:?} is not usable")]
    Keypair {
        /// Its subscription.
        subscription_id: String,
        /// What is wrong with it.
        #[source]
        source: KeypairError,
    },
    /// A keyset that cannot be one.
    #[error(
        "keyset {0} is not usable: its number must be above 2, not 9999999, and no other keyset's"
    )]
    Keyset(i32),
    /// An opt-out of nobody. What was given is not told: it may be a person.
    #[error("entry {number} of {kind:?} in the opt-outs is not a valid one")]
    OptOut {
        /// The name of its list.
        kind: &'static str,
        /// Which one of the list, from 1.
        number: usize,
    },
    /// Lifetimes that cannot be.
    #[error("the lifetimes are not usable")]
    Lifetimes(#[from] LifetimesError),
    /// A fault that is none.
    #[error("a fault is not one")]
    Fault(#[from] FaultError),
    /// An endpoint that does not exist.
    #[error("there is no endpoint {0:?}: write its path, as in /v2/token/generate")]
    Endpoint(String),
}

impl Config {
    /// Reads a configuration file in TOML.
    ///
    /// ```
    /// use uid2_emulator::Config;
    ///
    /// let config = Config::from_toml(r#"
    ///     scope = "euid"
    ///
    ///     [lifetimes]             # in seconds
    ///     refresh_from = 1
    ///     identity = 2.5
    ///     refresh = 60
    ///
    ///     [[clients]]             # in place of the default ones
    ///     name = "shop"
    ///     site_id = 42
    ///     roles = ["GENERATOR"]
    ///     api_key = "EUID-C-L-42-abcdef.ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR"
    ///     client_secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    ///
    ///     [[faults]]
    ///     fault = "status=503, retry-after=1"
    ///     endpoint = "/v2/token/refresh"
    ///     probability = 0.1
    /// "#)?;
    /// assert_eq!(config.clients.len(), 1);
    /// # Ok::<(), uid2_emulator::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] says where and what.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| {
            // Not its whole Display, which quotes the line: there may be a
            // secret in it.
            ConfigError::Toml(toml_place(text, &error).into())
        })?;
        file.into_config()
    }

    /// As [`from_toml`](Self::from_toml), in JSON with the same names.
    ///
    /// # Errors
    /// [`ConfigError`] says where and what.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let file: File = serde_json::from_str(text).map_err(|error| ConfigError::Json {
            line: error.line(),
            column: error.column(),
        })?;
        file.into_config()
    }
}

fn toml_place(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(0, |before| before.matches('\n').count()) + 1;
    format!("line {line}")
}

impl File {
    fn into_config(self) -> Result<Config, ConfigError> {
        let default = Config::default();
        let scope = match self.scope {
            Some(FileScope::Euid) => Scope::Euid,
            Some(FileScope::Uid2) | None => Scope::Uid2,
        };
        let environment = match self.environment {
            Some(FileEnvironment::Integ) => UidEnvironment::Integration,
            Some(FileEnvironment::Prod) => UidEnvironment::Production,
            Some(FileEnvironment::Test) | None => UidEnvironment::Test,
        };
        let lifetimes = match self.lifetimes {
            Some(lifetimes) => lifetimes.over(default.lifetimes)?,
            None => default.lifetimes,
        };
        let clients = match self.clients {
            Some(clients) => clients
                .into_iter()
                .map(FileClient::into_client)
                .collect::<Result<_, _>>()?,
            None => default.clients,
        };
        let keypairs = match self.keypairs {
            Some(keypairs) => keypairs
                .into_iter()
                .map(FileKeypair::into_keypair)
                .collect::<Result<_, _>>()?,
            None => default.keypairs,
        };
        let sites = match self.sites {
            Some(sites) => sites.into_iter().map(FileSite::into_site).collect(),
            None => default.sites,
        };
        Ok(Config {
            keypairs,
            sites,
            keysets: keysets(self.keysets)?,
            tell_app_names: self
                .key_sharing_endpoint_provide_app_names
                .unwrap_or(default.tell_app_names),
            opt_outs: self.opt_outs.into_people()?,
            scope,
            environment,
            lifetimes,
            clients,
            seed: self.seed.unwrap_or(default.seed),
            raw_uid_v3: self.raw_uid_v3.unwrap_or(default.raw_uid_v3),
            logout_backend: self.logout_backend.unwrap_or(default.logout_backend),
            encryption: self.encryption.unwrap_or(default.encryption),
            fault_header: self.fault_header.unwrap_or(default.fault_header),
            faults: self
                .faults
                .into_iter()
                .map(FileFault::into_rule)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl FileLifetimes {
    /// Those given, and of others for the rest.
    pub(crate) fn over(self, others: Lifetimes) -> Result<Lifetimes, LifetimesError> {
        let pick = |given: Option<f64>, other| match given {
            Some(seconds) if seconds <= 0.0 => Err(LifetimesError::Zero),
            Some(seconds) => {
                Duration::try_from_secs_f64(seconds).map_err(|_| LifetimesError::TooLong)
            }
            None => Ok(other),
        };
        let lifetimes = Lifetimes::new(
            pick(self.refresh_from, others.refresh_from())?,
            pick(self.identity, others.identity())?,
            pick(self.refresh, others.refresh())?,
        )?;
        let sharing = pick(self.sharing_token, others.sharing_token())?;
        Ok(lifetimes.with_sharing_token(sharing))
    }
}

impl FileClient {
    fn into_client(self) -> Result<Client, ConfigError> {
        let roles: Vec<Role> = self.roles.iter().map(|role| role.role()).collect();
        let roles = Roles::of(&roles);
        Client::new(
            &self.name,
            self.site_id,
            roles,
            &self.api_key,
            &self.client_secret,
        )
        .map(|client| match self.link_ids {
            Some(links) => client.with_links(links),
            None => client,
        })
        .map(|client| {
            if self.disabled {
                client.disabled()
            } else {
                client
            }
        })
        .map_err(|source| ConfigError::Client {
            name: self.name,
            source,
        })
    }
}

impl FileKeypair {
    fn into_keypair(self) -> Result<Keypair, ConfigError> {
        match Keypair::new(&self.subscription_id, self.site_id, &self.private_key) {
            Ok(keypair) if self.disabled => Ok(keypair.disabled()),
            Ok(keypair) => Ok(keypair),
            Err(source) => Err(ConfigError::Keypair {
                subscription_id: self.subscription_id,
                source,
            }),
        }
    }
}

impl FileSite {
    fn into_site(self) -> Site {
        Site {
            id: self.id,
            domain_names: self.domain_names,
            app_names: self.app_names,
        }
    }
}

/// Numbers that are taken, or mean something else, are refused: the keys would
/// be nobody's.
fn keysets(given: Vec<FileKeyset>) -> Result<Vec<Keyset>, ConfigError> {
    let mut keysets: Vec<Keyset> = Vec::new();
    for file in given {
        let taken = keysets.iter().any(|other| other.id == file.id);
        if taken || file.id <= LAST_RESERVED_KEYSET || file.id == MASTER_KEYSET_ID {
            return Err(ConfigError::Keyset(file.id));
        }
        keysets.push(Keyset {
            id: file.id,
            site_id: file.site_id,
            allowed_sites: file.allowed_sites,
            disabled: file.disabled,
        });
    }
    Ok(keysets)
}

impl FileOptOuts {
    fn into_people(self) -> Result<Vec<Dii>, ConfigError> {
        let lists = [
            ("email", self.email),
            ("email_hash", self.email_hash),
            ("phone", self.phone),
            ("phone_hash", self.phone_hash),
        ];
        let mut people = Vec::new();
        for (kind, list) in lists {
            for (number, text) in (1..).zip(list) {
                let dii = input::parse_dii(kind, &text);
                people.push(dii.ok_or(ConfigError::OptOut { kind, number })?);
            }
        }
        Ok(people)
    }
}

impl FileRole {
    const fn role(self) -> Role {
        match self {
            Self::Generator => Role::Generator,
            Self::Mapper => Role::Mapper,
            Self::IdReader => Role::IdReader,
            Self::Sharer => Role::Sharer,
            Self::Optout => Role::OptOut,
        }
    }
}

impl FileFault {
    pub(crate) fn into_rule(self) -> Result<FaultRule, ConfigError> {
        let mut rule = FaultRule::new(self.fault.parse()?);
        if let Some(path) = self.endpoint {
            match Endpoint::of(&path) {
                Endpoint::Unknown => return Err(ConfigError::Endpoint(path)),
                endpoint => rule = rule.only(endpoint),
            }
        }
        Ok(match self.probability {
            Some(probability) => rule.with_probability(probability),
            None => rule,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default() {
        for config in [Config::from_toml(""), Config::from_json("{}")] {
            let shown = format!("{:?}", config.unwrap());
            assert_eq!(shown, format!("{:?}", Config::default()));
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_secrets() {
        let client = |key: &str, secret: &str| {
            format!(
                "[[clients]]\nname='shop'\nsite_id=1\nroles=['MAPPER']\napi_key='{key}'\nclient_secret='{secret}'"
            )
        };
        let good_key = "EUID-C-L-42-abcdef.ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR";
        for (text, told) in [
            ("scope = 'mars'".to_owned(), "line 1"),
            ("\n\nscop = 'uid2'".to_owned(), "line 3"),
            ("[lifetimes]\nidentity = 1".to_owned(), "lifetimes"),
            ("[lifetimes]\nidentity = -1".to_owned(), "lifetimes"),
            (
                "[[faults]]\nfault = 'teapot'".to_owned(),
                "a fault is not one",
            ),
            (
                "[[faults]]\nfault = 'drop'\nendpoint = '/v2'".to_owned(),
                "\"/v2\"",
            ),
            (client("verysecret key", "x"), "\"shop\""),
            (client(good_key, "verysecret"), "\"shop\""),
            (
                format!("{}\nx='verysecret'", client(good_key, "x")),
                "line 7",
            ),
        ] {
            let error = Config::from_toml(&text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(told), "{shown}");
            assert!(!shown.contains("verysecret"), "{shown}");
        }
        let error = Config::from_json("{\"scope\": 1}").unwrap_err();
        assert!(
            matches!(error, ConfigError::Json { line: 1, .. }),
            "{error:?}"
        );
    }
}
