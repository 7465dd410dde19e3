//! What an operator is made of.

mod client;
mod client_side;
mod file;
mod keyset;
mod lifetimes;

pub use client::{Client, ClientError, Role, Roles};
pub(crate) use client::{DEFAULT_API_KEY, DEFAULT_CLIENT_SECRET};
pub use client_side::{Keypair, KeypairError, Site};
pub use file::ConfigError;
pub(crate) use file::{FileFault, FileLifetimes};
pub use keyset::Keyset;
pub use lifetimes::{Lifetimes, LifetimesError};

use crate::fault::FaultRule;
use uid2_core::{Dii, Scope};
use uid2_token::UidEnvironment;

/// What an operator is made of. [`Default`] is the mock configuration of the
/// protocol, sections 3, 13 and 14.
///
/// ```
/// use uid2_core::Scope;
/// use uid2_emulator::{Config, Emulator};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let config = Config {
///     scope: Scope::Euid,
///     logout_backend: true,
///     ..Config::default()
/// };
/// let emulator = Emulator::builder().config(config).start().await?;
/// # emulator.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// UID2, or EUID: no phone numbers, and TCF consent strings are looked at.
    pub scope: Scope,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// Who may call.
    pub clients: Vec<Client>,
    /// Keys and salts are derived from it, so that the tokens of one run are
    /// good in the next. They are no secret.
    pub seed: String,
    /// What raw UIDs of version 4 say about where they were made.
    pub environment: UidEnvironment,
    /// Whether raw UIDs of buckets with a salt are of version 3 rather than 2.
    pub raw_uid_v3: bool,
    /// Whether `/v2/token/logout` has a back end. The official mock operator
    /// has none and always fails (protocol, section 9).
    pub logout_backend: bool,
    /// Whether bodies are sealed. Without, requests and replies are plain JSON
    /// (protocol, section 4).
    pub encryption: bool,
    /// Key pairs of the client-side integration. Without any, its endpoint does
    /// not exist, and the key endpoints say nothing of sites.
    pub keypairs: Vec<Keypair>,
    /// Where client-side tokens may come from.
    pub sites: Vec<Site>,
    /// Keysets; sites without one here get one that everybody who reads tokens
    /// may see.
    pub keysets: Vec<Keyset>,
    /// Whether the key endpoints tell the app names of a site among its domain
    /// names, as the service's `key_sharing_endpoint_provide_app_names` does.
    pub tell_app_names: bool,
    /// Who has opted out from the beginning.
    pub opt_outs: Vec<Dii>,
    /// Faults that happen of themselves; the first that does counts.
    pub faults: Vec<FaultRule>,
    /// Whether requests may ask for faults in a header,
    /// [`FAULT_HEADER`](crate::FAULT_HEADER).
    pub fault_header: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            scope: Scope::Uid2,
            lifetimes: Lifetimes::default(),
            clients: Client::mock_clients(),
            seed: "uid2-emulator".into(),
            environment: UidEnvironment::Test,
            raw_uid_v3: false,
            logout_backend: true,
            encryption: true,
            keypairs: Keypair::mock_keypairs(),
            sites: client_side::mock_sites(),
            keysets: Vec::new(),
            tell_app_names: false,
            opt_outs: Vec::new(),
            faults: Vec::new(),
            fault_header: true,
        }
    }
}

impl Config {
    /// Whether there is a client-side integration.
    #[must_use]
    pub fn client_side_generate(&self) -> bool {
        !self.keypairs.is_empty()
    }

    /// Whether phone numbers are taken: not in EUID.
    #[must_use]
    pub fn phone_support(&self) -> bool {
        self.scope == Scope::Uid2
    }
}
