//! Who has opted out.

use std::collections::{HashMap, HashSet};

use uid2_core::{Dii, DiiKind, Timestamp};
use uid2_token::FirstLevelHash;

use super::salts::Salts;

/// Opt-outs, and the people of the protocol's section 13 who are always or
/// never opted out. All under first-level hashes, as in the service, so that
/// hashed DII means the same as raw.
#[derive(Clone, Debug)]
pub(crate) struct OptOuts {
    since: HashMap<FirstLevelHash, (DiiKind, Timestamp)>,
    always: HashSet<FirstLevelHash>,
    at_refresh: HashSet<FirstLevelHash>,
    never: HashSet<FirstLevelHash>,
}

impl OptOuts {
    pub(crate) fn new(salts: &Salts) -> Self {
        let people = |email: &str, phone: &str| {
            let email = Dii::email(email).ok();
            let phone = Dii::phone(phone).ok();
            let both = email.into_iter().chain(phone);
            both.map(|dii| salts.first_level(&dii.hash_bytes()))
                .collect()
        };
        Self {
            since: HashMap::new(),
            always: people("optout@example.com", "+00000000000"),
            at_refresh: people("refresh-optout@example.com", "+00000000002"),
            never: people("validate@example.com", "+12345678901"),
        }
    }

    pub(crate) fn insert(&mut self, person: FirstLevelHash, kind: DiiKind, now: Timestamp) {
        self.since.entry(person).or_insert((kind, now));
    }

    /// Everybody who has opted out, and since when; without the test identities.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&FirstLevelHash, DiiKind, Timestamp)> {
        let since = self.since.iter();
        since.map(|(person, (kind, since))| (person, *kind, *since))
    }

    pub(crate) fn remove(&mut self, person: &FirstLevelHash) -> bool {
        self.since.remove(person).is_some()
    }

    /// Whether to refuse a new identity.
    pub(crate) fn at_generate(&self, person: &FirstLevelHash) -> bool {
        !self.never.contains(person)
            && (self.always.contains(person) || self.since.contains_key(person))
    }

    /// Whether to refuse the next one.
    pub(crate) fn at_refresh(&self, person: &FirstLevelHash) -> bool {
        self.at_refresh.contains(person) || self.at_generate(person)
    }
}
