//! Who may call an operator.

use core::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use uid2_core::{ApiKey, ApiKeyError, ClientSecret, KeyError};
use uid2_token::ApiKeyHash;

/// What a client may do (protocol, section 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Generate and validate tokens: publishers.
    Generator,
    /// Map identities: advertisers and data providers.
    Mapper,
    /// Read tokens: bidders.
    IdReader,
    /// Share raw UIDs as tokens.
    Sharer,
    /// Opt people out.
    OptOut,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Generator,
        Self::Mapper,
        Self::IdReader,
        Self::Sharer,
        Self::OptOut,
    ];

    const fn bit(self) -> u8 {
        match self {
            Self::Generator => 1,
            Self::Mapper => 1 << 1,
            Self::IdReader => 1 << 2,
            Self::Sharer => 1 << 3,
            Self::OptOut => 1 << 4,
        }
    }
}

/// A set of roles.
///
/// ```
/// use uid2_emulator::{Role, Roles};
///
/// let roles = Roles::of(&[Role::Mapper, Role::Sharer]);
/// assert!(roles.contains(Role::Sharer) && !roles.contains(Role::OptOut));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub struct Roles(u8);

impl Roles {
    /// Every role.
    pub const ALL: Self = Self::of(&Role::ALL);

    /// These roles.
    #[must_use]
    pub const fn of(roles: &[Role]) -> Self {
        let mut bits = 0;
        let mut rest = roles;
        while let [role, tail @ ..] = rest {
            bits |= role.bit();
            rest = tail;
        }
        Self(bits)
    }

    /// Whether a role is among them.
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Whether the two sets share a role.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A client: credentials, a site and roles. `Debug` shows no credential.
///
/// ```
/// use uid2_emulator::{Client, Config, Role, Roles};
///
/// let roles = Roles::of(&[Role::Generator]);
/// let api_key = "UID2-C-L-1000-abcdef.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
/// let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// let mut config = Config::default();
/// config.clients.push(Client::new("Our staging", 1000, roles, api_key, secret)?);
/// # Ok::<(), uid2_emulator::ClientError>(())
/// ```
#[derive(Clone)]
pub struct Client {
    name: Arc<str>,
    site_id: i32,
    roles: Roles,
    disabled: bool,
    key_id: Arc<str>,
    key_hash: ApiKeyHash,
    secret: ClientSecret,
    links: Option<Arc<[String]>>,
}

impl Client {
    /// A client with an API key and a client secret in base64.
    ///
    /// # Errors
    /// [`ClientError`] if a credential is not one.
    pub fn new(
        name: &str,
        site_id: i32,
        roles: Roles,
        api_key: &str,
        client_secret: &str,
    ) -> Result<Self, ClientError> {
        let api_key = ApiKey::parse(api_key).map_err(ClientError::ApiKey)?;
        let secret = ClientSecret::parse(client_secret).map_err(ClientError::ClientSecret)?;
        let salt = Sha256::digest(api_key.expose()).into();
        Ok(Self {
            name: name.into(),
            site_id,
            roles,
            disabled: false,
            key_id: key_id(api_key.expose()).into(),
            key_hash: ApiKeyHash::derive(api_key.expose(), salt),
            secret,
            links: None,
        })
    }

    /// The same, but a service that calls for others: a `link_id` that it names
    /// in `/v2/identity/map` must be one of these (protocol, section 11).
    #[must_use]
    pub fn with_links<S: Into<String>>(mut self, links: impl IntoIterator<Item = S>) -> Self {
        self.links = Some(links.into_iter().map(Into::into).collect());
        self
    }

    /// The same, but its key is refused.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its site.
    #[must_use]
    pub const fn site_id(&self) -> i32 {
        self.site_id
    }

    /// Its roles.
    #[must_use]
    pub const fn roles(&self) -> Roles {
        self.roles
    }

    /// Whether its key is refused.
    #[must_use]
    pub const fn is_disabled(&self) -> bool {
        self.disabled
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// Whether it may name this link. Who is no service may name any: nobody looks.
    pub(crate) fn allows_link(&self, link_id: Option<&str>) -> bool {
        self.links.as_deref().is_none_or(|links| {
            link_id.is_some_and(|link_id| links.iter().any(|link| link == link_id))
        })
    }

    pub(crate) const fn secret(&self) -> &ClientSecret {
        &self.secret
    }

    /// Whether this is its API key. The number of a key is looked at first, for
    /// it is no secret; the rest is compared as a hash, in constant time.
    pub(crate) fn has_key(&self, api_key: &str) -> bool {
        *self.key_id == *key_id(api_key) && self.key_hash.matches(api_key)
    }

    /// The public mock clients of the official operator (protocol, section 3).
    pub(crate) fn mock_clients() -> Vec<Self> {
        MOCK.iter()
            .filter_map(|(name, site_id, roles, key, secret)| {
                Self::new(name, *site_id, Roles::of(roles), key, secret).ok()
            })
            .collect()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .field("site_id", &self.site_id)
            .field("roles", &self.roles)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// Up to and including the first five characters of the random part; the first
/// ten characters of a key of old, which has no parts.
fn key_id(api_key: &str) -> &str {
    let random = api_key
        .match_indices('-')
        .nth(3)
        .map_or(5, |(dash, _)| dash + 1);
    api_key.get(..random + 5).unwrap_or(api_key)
}

/// API key of the default client.
pub(crate) const DEFAULT_API_KEY: &str =
    "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
/// Client secret of the default client.
pub(crate) const DEFAULT_CLIENT_SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";

type Mock = (
    &'static str,
    i32,
    &'static [Role],
    &'static str,
    &'static str,
);

const MOCK: [Mock; 7] = [
    (
        "Special",
        999,
        &Role::ALL,
        DEFAULT_API_KEY,
        DEFAULT_CLIENT_SECRET,
    ),
    (
        "Special (Old)",
        999,
        &Role::ALL,
        "LOCALbGlvbnVuZGVybGluZXdpbmRzY2FyZWRzb2Z0ZGVzZXI=",
        "c3RlZXBzcGVuZHNsb3BlZnJlcXVlbnRseWRvd2lkZWM=",
    ),
    (
        "DSP",
        123,
        &[Role::IdReader],
        "UID2-C-L-123-t32pCM.5NCX1E94UgOd2f8zhsKmxzCoyhXohHYSSWR8U=",
        "FsD4bvtjMkeTonx6HvQp6u0EiI1ApGH4pIZzZ5P7UcQ=",
    ),
    (
        "Publisher",
        124,
        &[Role::Generator],
        "UID2-C-L-124-H8VwqX.l2G4TCuUWYAqdqkeG/UqtFoPEoXirKn4kHWxc=",
        "NcMgi6Y8C80SlxvV7pYlfcvEIo+2b0508tYQ3pKK8HM=",
    ),
    (
        "Data Provider",
        125,
        &[Role::Mapper, Role::Sharer],
        "UID2-C-L-125-E5w9L8.T5og45yFqQeoj4ubh9IVqXcaSVwk7A5XyG958=",
        "3YAgjckHGQyBgSFj64ZsLf8WlUnvrQhLKuG7rljp6W4=",
    ),
    (
        "Advertiser",
        126,
        &[Role::Mapper],
        "UID2-C-L-126-GMP9tD.jn2o3vmXzn7vmKRlTT6BEUrPUaPJuQmDBdq38=",
        "1ydXM0rEj+ROUazVpZjNZOGu2T5+f/BIiBfnK8xGh/A=",
    ),
    (
        "OptOut",
        127,
        &[Role::OptOut],
        "UID2-C-L-127-aHVydH.JlZnVzZWRmYXN0ZW5lbXliYWdpZGVudGl0eWU=",
        "c3VpdG9wcG9zaXRlaW1hZ2Vsb29rc2ltcGxlc3RmaXI=",
    ),
];

/// Why a client cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The API key is not one.
    #[error("the API key of a client is not one")]
    ApiKey(#[source] ApiKeyError),
    /// The client secret is not one.
    #[error("the secret of a client is not one")]
    ClientSecret(#[source] KeyError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mock_clients_are_well_formed() {
        assert_eq!(Client::mock_clients().len(), MOCK.len());
    }

    #[test]
    fn key_ids_are_as_the_protocol_says() {
        assert_eq!(key_id(DEFAULT_API_KEY), "UID2-C-L-999-fCXrM");
        assert_eq!(key_id("LOCALbGlvbnVuZGVybGlu"), "LOCALbGlvb");
        assert_eq!(key_id("short"), "short");
    }

    #[test]
    fn only_the_whole_key_matches() {
        let client = &Client::mock_clients()[0];
        assert!(client.has_key(DEFAULT_API_KEY));
        assert!(!client.has_key(&DEFAULT_API_KEY[..40]));
        assert!(!client.has_key(&DEFAULT_API_KEY.replace("qaAo=", "qaAp=")));
        assert!(!client.has_key(""));
    }
}
