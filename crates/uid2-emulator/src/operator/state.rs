//! All that an operator knows.

use uid2_core::Dii;
use uid2_token::FirstLevelHash;

use super::keys::{FALLBACK_KEYSET, FALLBACK_SITE, Keys, MASTER_KEYSET, REFRESH_KEYSET};
use super::opt_outs::OptOuts;
use super::salts::{Salts, UidForm};
use crate::config::{Client, Config, Keypair};

/// All that an operator knows; behind a lock in [`Operator`](super::Operator).
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) keys: Keys,
    pub(crate) salts: Salts,
    pub(crate) opt_outs: OptOuts,
}

impl State {
    pub(crate) fn new(config: Config) -> Self {
        let salts = Salts::new(&config.seed);
        let mut keysets = vec![MASTER_KEYSET, REFRESH_KEYSET, FALLBACK_KEYSET];
        let clients = config.clients.iter().map(Client::site_id);
        let keypairs = config.keypairs.iter().map(Keypair::site_id);
        for site_id in clients.chain(keypairs) {
            let keyset = keyset_of(site_id);
            if !keysets.contains(&keyset) {
                keysets.push(keyset);
            }
        }
        Self {
            keys: Keys::new(&config.seed, &keysets),
            opt_outs: OptOuts::new(&salts),
            salts,
            config,
        }
    }

    /// The client that an API key belongs to, unless disabled.
    pub(crate) fn client(&self, api_key: &str) -> Option<&Client> {
        self.config
            .clients
            .iter()
            .find(|client| client.has_key(api_key))
            .filter(|client| !client.is_disabled())
    }

    pub(crate) fn first_level(&self, dii: &Dii) -> FirstLevelHash {
        self.salts.first_level(&dii.hash_bytes())
    }

    pub(crate) const fn uid_form(&self) -> UidForm {
        UidForm {
            scope: self.config.scope,
            environment: self.config.environment,
            v3: self.config.raw_uid_v3,
        }
    }

    /// The keyset of a site, if it has one of its own.
    pub(crate) fn keyset_of(&self, site_id: i32) -> Option<i32> {
        let (clients, keypairs) = (&self.config.clients, &self.config.keypairs);
        let known = clients.iter().any(|client| client.site_id() == site_id)
            || keypairs.iter().any(|keypair| keypair.site_id() == site_id);
        known.then(|| keyset_of(site_id))
    }
}

/// Keysets are numbered after their site, the fallback's included.
const fn keyset_of(site_id: i32) -> i32 {
    match site_id {
        FALLBACK_SITE => FALLBACK_KEYSET,
        site_id => site_id,
    }
}
