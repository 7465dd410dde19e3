//! All that an operator knows.

use uid2_token::FirstLevelHash;

use super::keys::{EPOCH, FALLBACK_KEYSET, Keys, MASTER_KEYSET, REFRESH_KEYSET};
use super::opt_outs::OptOuts;
use super::salts::{Salts, UidForm};
use crate::config::{Client, Config, Keypair, Keyset};
use crate::endpoint::input::Person;

/// All that an operator knows; behind a lock in [`Operator`](super::Operator).
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    /// The service's, the configured ones, and one for each site without.
    keysets: Vec<Keyset>,
    pub(crate) keys: Keys,
    pub(crate) salts: Salts,
    pub(crate) opt_outs: OptOuts,
}

impl State {
    pub(crate) fn new(config: Config) -> Self {
        let salts = Salts::new(&config.seed);
        let keysets = keysets(&config);
        let mut opt_outs = OptOuts::new(&salts);
        for dii in &config.opt_outs {
            opt_outs.insert(salts.first_level(&dii.hash_bytes()), dii.kind(), EPOCH);
        }
        Self {
            keys: Keys::new(&config.seed, &keysets),
            keysets,
            opt_outs,
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

    pub(crate) fn first_level(&self, person: &Person) -> FirstLevelHash {
        self.salts.first_level(person.identity_hash())
    }

    pub(crate) const fn uid_form(&self) -> UidForm {
        UidForm {
            scope: self.config.scope,
            environment: self.config.environment,
            v3: self.config.raw_uid_v3,
        }
    }

    /// A keyset by its number.
    pub(crate) fn keyset(&self, id: i32) -> Option<&Keyset> {
        self.keysets.iter().find(|keyset| keyset.id == id)
    }

    /// The number of the keyset that a site seals with, if it has one.
    pub(crate) fn default_keyset(&self, site_id: i32) -> Option<i32> {
        let mut keysets = self.keysets.iter();
        let first = keysets.find(|keyset| keyset.site_id == site_id)?;
        (!first.disabled).then_some(first.id)
    }
}

fn keysets(config: &Config) -> Vec<Keyset> {
    let services = [MASTER_KEYSET, REFRESH_KEYSET, FALLBACK_KEYSET];
    // The service's are numbered after their site.
    let mut all: Vec<Keyset> = services.map(|id| Keyset::new(id, id)).into();
    for keyset in &config.keysets {
        if all.iter().all(|other| other.id != keyset.id) {
            all.push(keyset.clone());
        }
    }
    let clients = config.clients.iter().map(Client::site_id);
    let keypairs = config.keypairs.iter().map(Keypair::site_id);
    for site_id in clients.chain(keypairs) {
        if all.iter().all(|keyset| keyset.site_id != site_id) {
            all.push(Keyset::new(free_number(&all, site_id), site_id));
        }
    }
    all
}

/// The first from here on that no keyset has.
fn free_number(keysets: &[Keyset], from: i32) -> i32 {
    let is_free = |id: &i32| keysets.iter().all(|keyset| keyset.id != *id);
    (from..i32::MAX).find(is_free).unwrap_or(i32::MAX)
}
